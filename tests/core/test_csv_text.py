"""CSV that a spreadsheet shows and does not run."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from core.evaluation.csv_text import csv_text


def test_texts_that_would_run_get_an_apostrophe_and_numbers_stay_numbers() -> None:
    cells: list[tuple[object, str]] = [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1-555", "'+1-555"),
        ("-eye", "'-eye"),
        ("@sum(1)", "'@sum(1)"),
        ("  =1", "'  =1"),
        ("\t=1", r"'\t=1"),
        ("\r=1", r"'\r=1"),
        ("＝1", "'＝1"),
        (-0.5, "-0.5"),
        ("-0.5", "-0.5"),
        ("1e-5", "1e-5"),
        (None, ""),
        ("a=b", "a=b"),
        ("eye-\udcff\x1b[2J", r"eye-\udcff\x1b[2J"),
        ('one, "two"', 'one, "two"'),
    ]
    text = csv_text(["=name"], [{"=name": cell} for cell, _ in cells])
    assert [row[0] if row else "" for row in csv.reader(io.StringIO(text))] == [
        "'=name",
        *(wanted for _, wanted in cells),
    ]
    text.encode()


@given(st.text())
def test_no_text_begins_like_a_formula_and_each_is_one_line(text: str) -> None:
    rows = list(csv.reader(io.StringIO(csv_text(["name"], [{"name": text}]))))
    assert len(rows) == 2
    cell = rows[-1][0].lstrip(" ")
    try:
        float(cell)
    except ValueError:
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
