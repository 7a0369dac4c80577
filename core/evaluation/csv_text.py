"""Tables as CSV that a spreadsheet shows and does not run."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TextIO

from core.files import printable

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # wide forms count, too


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """A table with a header line; what a row lacks, and None, is empty.

    A spreadsheet takes a text that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, and a file's name may begin
    so: such a text gets an apostrophe in front. Numbers stay numbers.
    """
    text = io.StringIO(newline="")
    write_csv(text, columns, rows)
    return text.getvalue()


def write_csv(file: TextIO, columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> None:
    """The same into a file, opened with ``newline=""``, row by row."""
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writerow({column: _cell(column) for column in columns})
    for row in rows:
        writer.writerow({column: _cell(value) for column, value in row.items()})


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    risky = value.lstrip(" ").startswith(_FORMULA) and not _is_number(value)
    return printable(f"'{value}" if risky else value)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
