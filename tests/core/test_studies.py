"""Two groups and two visits, against scipy and numbers known beforehand."""

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from core.errors import InputError
from core.evaluation.plots import to_svg
from core.measures.summary import CODEBOOK
from core.studies.comparison import Comparison, compare_measures
from core.studies.design import Member, design_of, read_design
from core.studies.plots import measure_plot
from core.studies.tables import comparison_csv, comparison_html, long_csv, r_script, read_table

WIDTH, LENGTH, AVR = "width/mean/all/fov", "length/total/all/fov", "calibre/avr/knudtson/B"


def rows_of(widths: list[float], prefix: str) -> list[dict[str, object]]:
    return [
        {"file": f"photos/{prefix}{number}.png", "error": "", WIDTH: value, LENGTH: 100.0}
        for number, value in enumerate(widths)
    ]


FIRST = [3.1, 2.9, 3.4, 3.0, 3.3, 2.8]
SECOND = [3.5, 3.2, 3.6, 3.4, 3.9, 3.1]
ROWS = rows_of(FIRST, "a") + rows_of(SECOND, "b")


def groups(*, paired: bool) -> Comparison:
    members = [
        Member(f"{prefix}{number}.png", label, subject=f"s{number}" if paired else "", eye="R" if paired else "")
        for prefix, label in (("a", "2019"), ("b", "2023"))
        for number in range(6)
    ]
    return compare_measures(ROWS, design_of(members, paired=paired))


def test_two_groups_are_those_of_scipy() -> None:
    found = groups(paired=False)
    (test,) = (each for each in found.tests if each.name == WIDTH)
    reference = stats.ttest_ind(SECOND, FIRST, equal_var=False)
    assert (test.p, test.p_rank) == pytest.approx((reference.pvalue, stats.mannwhitneyu(SECOND, FIRST).pvalue))
    assert (test.low, test.high) == pytest.approx(tuple(reference.confidence_interval()))
    assert test.difference == pytest.approx(np.mean(SECOND) - np.mean(FIRST))
    pooled = np.sqrt((np.var(FIRST, ddof=1) + np.var(SECOND, ddof=1)) / 2)
    assert test.effect == pytest.approx(test.difference / pooled * (1 - 3 / 39))
    assert test.unit == "px"
    reasons = {each.name: each.reason for each in found.tests}
    assert reasons[LENGTH] == "Not tested: the values do not differ from one another."
    assert reasons[AVR].startswith("Not tested: fewer than 3")
    assert found.tested == 1
    assert any("independent of all others" in note for note in found.notes)


def test_ranks_of_groups_are_counted_exactly_where_r_does() -> None:
    """Against p of wilcox.test in R 4.2.2, for groups of ten without equal values, and with some."""
    first = [0.1, 0.4, 0.7, 1.2, 1.5, 1.9, 2.2, 2.6, 3.1, 3.3]
    for second, expected in (([value + 0.85 for value in first], 0.1230054775), ([*first[3:], 4, 5, 6], 0.05811687557)):
        rows = rows_of(first, "a") + rows_of(second, "b")
        design = design_of([Member(f"{p}{n}.png", p) for p in "ab" for n in range(10)], paired=False)
        assert compare_measures(rows, design, [WIDTH]).tests[0].p_rank == pytest.approx(expected, rel=1e-5)


def test_two_visits_are_paired_eye_by_eye() -> None:
    found = groups(paired=True)
    (test,) = (each for each in found.tests if each.name == WIDTH)
    apart = np.subtract(SECOND, FIRST)
    assert test.p == pytest.approx(stats.ttest_rel(SECOND, FIRST).pvalue)
    assert test.p_rank == pytest.approx(stats.wilcoxon(apart).pvalue)
    assert test.effect == pytest.approx(apart.mean() / apart.std(ddof=1))
    assert found.units[WIDTH][0] == found.units[WIDTH][1] == [f"s{number} R" for number in range(6)]


def test_photographs_of_one_subject_count_once_and_what_is_missing_is_said() -> None:
    rows = [*ROWS, {"file": "c.png", "error": "c.png: no vessel", "doubts": ""}]
    members = [Member(f"a{number}.png", "one", f"s{number // 2}") for number in range(6)]
    members += [Member(f"b{number}.png", "two", f"t{number}") for number in range(6)] + [Member("c.png", "two", "t9")]
    found = compare_measures(rows, design_of(members, paired=False), [WIDTH])
    assert found.tests[0].count == (3, 6)
    assert found.values[WIDTH][0] == pytest.approx([3.0, 3.2, 3.05])
    assert found.left_out == ("c.png: c.png: no vessel",)


def test_a_subject_with_an_eye_is_not_the_subject_whose_name_has_both() -> None:
    """Subject "s0 R" without an eye, subject "s0" with eye "R", and a photograph that is called like a subject."""
    names = [("s0 R", ""), ("s0", "R"), ("s0", "L"), ("s1", "")]
    members = [Member(f"{p}{n}.png", label, *names[n]) for p, label in (("a", "1"), ("b", "2")) for n in range(4)]
    paired = compare_measures(ROWS, design_of(members, paired=True), [WIDTH])
    assert paired.tests[0].count == (4, 4)
    assert sorted(paired.values[WIDTH][0]) == sorted(FIRST[:4])
    members = [Member("a0.png", "x", "a1.png"), *(Member(f"a{n}.png", "x") for n in (1, 2))]
    members += [Member(f"b{n}.png", "y") for n in range(3)]
    assert compare_measures(ROWS, design_of(members, paired=False), [WIDTH]).tests[0].count == (3, 3)


def test_p_holds_for_all_tests_together() -> None:
    random = np.random.default_rng(0)
    names = list(CODEBOOK)[:5]
    rows: list[dict[str, object]] = [
        {
            "file": f"{number}.png",
            "error": "",
            **dict(zip(names, random.normal(number % 2, 1, 5).tolist(), strict=True)),
        }
        for number in range(20)
    ]
    design = design_of([Member(f"{number}.png", "ab"[number % 2]) for number in range(20)], paired=False)
    found = [test for test in compare_measures(rows, design).tests if not test.reason]
    order = sorted(found, key=lambda test: test.p)
    expected = np.maximum.accumulate([min(1, test.p * (5 - place)) for place, test in enumerate(order)])
    assert [test.p_holm for test in order] == pytest.approx(list(expected))


def test_the_files_hold_every_value_and_every_test(tmp_path: Path) -> None:
    found = groups(paired=False)
    table = list(csv.DictReader(io.StringIO(comparison_csv(found))))
    assert len(table) == len(CODEBOOK)
    (row,) = (each for each in table if each["measure"] == WIDTH)
    assert (row["n 2019"], row["tests"]) == ("6", "1")
    assert float(row["p_holm"]) == pytest.approx(float(row["p"]))
    design = design_of(
        [Member(f"a{n}.png", "x") for n in range(3)] + [Member(f"b{n}.png", 'y"') for n in range(3)], paired=False
    )
    tidy = [each for each in csv.DictReader(io.StringIO(long_csv(ROWS, design))) if each["measure"] == WIDTH]
    assert [(each["group"], float(each["value"])) for each in tidy[:2]] == [("x", 3.1), ("x", 2.9)]
    script = r_script("t_l\u00f6ng.csv", design)
    assert 'groups <- c("x", "y\\"")' in script
    assert 'table <- "t_l\\U000000f6ng.csv"' in script
    assert script.isascii(), "R in another locale reads nothing else as it is meant"
    assert "@" not in script
    page = comparison_html(found)
    assert page.count("<svg") == found.tested == 1
    assert "2023 against 2019" in page
    assert "polyline" in to_svg(measure_plot(groups(paired=True), WIDTH))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name,kind\na,b\n", "not a table of groups or visits"),
        ("file,group\na.png,x\nb.png,x\n", "needs two groups, but there are 1"),
        ("file,group\na.png,x\na.png,y\n", "named twice"),
        ("file,visit\na.png,1\nb.png,2\n", "not a table of groups or visits"),
        ("file,subject,visit\na.png,,1\nb.png,s,2\n", "has no subject"),
        ("file,group\na.png\n", "line 2: 1 values for 2 columns"),
        ("file,group\na.png,\n", "line 2: file and group must not be empty"),
        ("file,group,group\na.png,x,y\n", "two columns with the name"),
        ("", "not a table of groups or visits"),
    ],
)
def test_a_wrong_table_of_groups_is_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "groups.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=sentence) as error:
        read_design(path)
    assert "groups.csv" in str(error.value)


def test_tables_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    design = design_of([Member("a0.png", "x"), Member("nowhere.png", "y")], paired=False)
    with pytest.raises(InputError, match=r"nowhere\.png is not in the table"):
        compare_measures(ROWS, design)
    mixed = [{**row, "pixel_um": 4.0 if number else None} for number, row in enumerate(ROWS)]
    both = design_of([Member("a0.png", "x"), Member("b0.png", "y")], paired=False)
    with pytest.raises(InputError, match="some in micrometres"):
        compare_measures(mixed, both)
    with pytest.raises(InputError, match="no measure width"):
        compare_measures(ROWS, both, ["width"])
    with pytest.raises(InputError, match="is the name of 2"):
        compare_measures([*ROWS, {"file": "other/a0.png", "error": ""}], both)
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="not a table of measures"):
        read_table(tmp_path / "t.csv")


def test_no_photograph_counts_twice_or_by_the_row_of_another() -> None:
    """Where rows or names do not say which is meant, nothing is compared."""
    both = design_of([Member("a0.png", "x"), Member("b0.png", "y")], paired=False)
    again = [*ROWS, {**ROWS[0], WIDTH: 9.0}]
    with pytest.raises(InputError, match=r"a0\.png is in the table of measures 2 times with different values"):
        compare_measures(again, both)
    compare_measures([*ROWS, *ROWS], both)  # the same table twice says the same
    twice = design_of([Member("a0.png", "x"), Member("photos/a0.png", "x"), Member("b0.png", "y")], paired=False)
    with pytest.raises(InputError, match=r"a0\.png and photos/a0\.png are the same measured photograph"):
        compare_measures(ROWS, twice)
    named = [*ROWS, {**ROWS[0], "file": "others/a0.png"}]
    with pytest.raises(InputError, match=r"a0\.png is the name of 2 measured files"):
        compare_measures(named, both)


def test_the_earlier_visit_comes_first_and_a_measure_is_tested_once() -> None:
    members = [Member(f"a{n}.png", "12", f"s{n}") for n in range(6)] + [
        Member(f"b{n}.png", "6", f"s{n}") for n in range(6)
    ]
    found = compare_measures(ROWS, design_of(members, paired=True), [WIDTH, WIDTH])
    assert found.labels == ("6", "12")
    assert len(found.tests) == found.tested == 1


def test_a_decimal_comma_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "measures.csv"
    path.write_text(f"file;error;{WIDTH}\na.png;;3,1\n")
    with pytest.raises(InputError, match='line 2: width/mean/all/fov is "3,1", which is not a number'):
        read_table(path)
