"""Measures of two groups, or of two visits of the same eyes, tested against one another.

Two groups: Welch's t test, the test of Mann and Whitney, and Hedges' g. Visits: the paired t test, Wilcoxon's signed
ranks, and d_z (mean difference / standard deviation of the differences). Beside each p is that of Holm (1979), which
holds for all tests together; how many these are is said, and no other correction is made.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.evaluation.compare import holm, signed_rank
from core.files import display_path
from core.measures.summary import CODEBOOK, PixelSize, unit_of
from core.studies.design import Design, Member, unit_text

LEAST: Final = 3
"""So many values on each side are compared."""
EXACT_BELOW: Final = 50
"""The test of Mann and Whitney is exact for groups smaller than this without equal values, as in R."""
NAN: Final = float("nan")

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MeasureTest:
    """One measure in two groups or visits: counts, means and standard deviations of each, and the tests.

    ``difference`` : second less first, with its 95 % confidence interval ``low`` to ``high``. ``p`` of the t test,
    ``p_rank`` of the test of ranks, ``p_holm`` and ``p_rank_holm`` for all measures together. ``effect`` : d_z or
    Hedges' g. ``reason`` : why nothing was tested, and all of that is NaN.
    """

    name: str
    unit: str
    count: tuple[int, int]
    mean: tuple[float, float] = (NAN, NAN)
    sd: tuple[float, float] = (NAN, NAN)
    difference: float = NAN
    low: float = NAN
    high: float = NAN
    p: float = NAN
    p_holm: float = NAN
    p_rank: float = NAN
    p_rank_holm: float = NAN
    effect: float = NAN
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """All measures of a study.

    ``values`` : those of both sides by measure, in the order of ``units`` (whose they are); where ``paired`` these are
    the same on both sides. ``left_out`` : which photographs do not count and why. ``notes`` : what is doubtful.
    """

    labels: tuple[str, str]
    paired: bool
    tests: tuple[MeasureTest, ...]
    values: Mapping[str, tuple[list[float], list[float]]]
    units: Mapping[str, tuple[list[str], list[str]]]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def tested(self) -> int:
        """How many measures were tested: Holm's correction is for so many."""
        return sum(not test.reason for test in self.tests)


def compare_measures(rows: Sequence[Mapping[str, object]], design: Design, measures: Sequence[str] = ()) -> Comparison:
    """Compare what was measured in two groups or visits.

    Parameters
    ----------
    rows : of ``core.measuring.Measured.row``, or ``read_table``.
    measures : names of those to compare; by default all. Fewer, chosen beforehand, are corrected less.

    Raises
    ------
    InputError : a photograph of the design is in no row or in several, units differ, or a measure is unknown.
    """
    measures = list(dict.fromkeys(measures))
    for name in measures:
        if name not in CODEBOOK:
            raise InputError(f"There is no measure {name}. Names are as in the table, such as width/mean/all/fov.")
    found = match_rows(rows, design)
    pixel = _pixel([row for _, row in found])
    left_out = [f"{display_path(member.file)}: {row['error']}" for member, row in found if row.get("error")]
    found = [(member, row) for member, row in found if not row.get("error")]
    if design.paired:
        both = {
            unit
            for unit in {member.unit for member, _ in found}
            if len({member.group for member, _ in found if member.unit == unit}) == 2
        }
        alone = sorted({member.unit for member, _ in found} - both)
        left_out += [f"{unit_text(unit)}: only one visit was measured." for unit in alone]
    tests, values, units = [], {}, {}
    for name in measures or CODEBOOK:
        sides = [_means(found, name, label) for label in design.labels]
        if design.paired:
            shared = sorted(sides[0].keys() & sides[1].keys())
            sides = [{unit: side[unit] for unit in shared} for side in sides]
        first, second = (list(side.values()) for side in sides)
        values[name], units[name] = (first, second), (list(map(unit_text, sides[0])), list(map(unit_text, sides[1])))
        tests.append(_test(name, unit_of(name, pixel), np.array(first), np.array(second), paired=design.paired))
    return Comparison(
        design.labels, design.paired, _corrected(tests), values, units, tuple(left_out), tuple(_notes(found, design))
    )


def match_rows(rows: Sequence[Mapping[str, object]], design: Design) -> list[tuple[Member, Mapping[str, object]]]:
    """The row of each photograph of a design: by its whole path, or else by its name.

    Raises
    ------
    InputError : a photograph is in no row or in several that differ, its name is that of several, or two of the design
    are the same one.
    """
    by_path: dict[str, list[Mapping[str, object]]] = {}
    by_name: dict[str, list[Mapping[str, object]]] = {}
    for row in rows:
        path = str(row.get("file", ""))
        same = by_path.setdefault(path, [])
        if row in same:  # of a table that is given twice
            continue
        same.append(row)
        by_name.setdefault(PurePath(path.replace("\\", "/")).name, []).append(row)
    found: list[tuple[Member, Mapping[str, object]]] = []
    taken: dict[str, str] = {}
    for member in design.members:
        shown = display_path(member.file)
        named = by_path.get(member.file) or by_name.get(member.file, [])
        if not named:
            raise InputError(f"{shown} is not in the table of measures: measure it or leave it out.")
        paths = {str(row["file"]) for row in named}
        if len(paths) > 1:
            raise InputError(f"{shown} is the name of {len(paths)} measured files: give its path.")
        if len(named) > 1:
            raise InputError(
                f"{shown} is in the table of measures {len(named)} times with different values: keep one row of it."
            )
        (path,) = paths
        if path in taken:
            raise InputError(f"{display_path(taken[path])} and {shown} are the same measured photograph: name it once.")
        taken[path] = member.file
        found.append((member, named[0]))
    return found


def _pixel(rows: Iterable[Mapping[str, object]]) -> PixelSize | None:
    sizes = {bool(row.get("pixel_um")) for row in rows if not row.get("error")}
    if len(sizes) > 1:
        raise InputError(
            "Some photographs are measured in pixels and some in micrometres: measure all of them in the same unit."
        )
    return PixelSize(1.0, "the table") if sizes == {True} else None


def _means(
    found: Sequence[tuple[Member, Mapping[str, object]]], name: str, label: str
) -> dict[tuple[str, str, str], float]:
    """The mean of a measure for each unit of a group."""
    each: dict[tuple[str, str, str], list[float]] = {}
    for member, row in found:
        value = row.get(name)
        if member.group == label and isinstance(value, int | float) and math.isfinite(value):
            each.setdefault(member.unit, []).append(float(value))
    return {unit: math.fsum(values) / len(values) for unit, values in each.items()}


def _test(name: str, unit: str, first: Values, second: Values, *, paired: bool) -> MeasureTest:
    from scipy import stats

    count = len(first), len(second)
    test = MeasureTest(name, unit, count)
    if min(count) < LEAST:
        some = "eyes have both visits" if paired else "values in one of the groups"
        return _with(test, reason=f"Not tested: fewer than {LEAST} {some}.")
    test = _with(
        test,
        mean=(float(first.mean()), float(second.mean())),
        sd=(float(first.std(ddof=1)), float(second.std(ddof=1))),
        difference=float(second.mean() - first.mean()),
    )
    apart = second - first if paired else np.concatenate((first - first.mean(), second - second.mean()))
    if np.ptp(apart) <= 1e-12 * max(float(np.abs(np.concatenate((first, second))).max()), 1e-300):
        return _with(test, reason="Not tested: the values do not differ from one another.")
    if paired:
        student = stats.ttest_rel(second, first)
        p_rank, _ = signed_rank([float(each) for each in apart])
        effect = float(apart.mean() / apart.std(ddof=1))
    else:
        student = stats.ttest_ind(second, first, equal_var=False)
        ties = len(np.unique(np.concatenate((first, second)))) < len(first) + len(second)
        how: Literal["asymptotic", "exact"] = "asymptotic" if ties or max(count) >= EXACT_BELOW else "exact"
        p_rank = float(stats.mannwhitneyu(second, first, method=how).pvalue)
        free = len(first) + len(second) - 2
        pooled = math.sqrt(((len(first) - 1) * test.sd[0] ** 2 + (len(second) - 1) * test.sd[1] ** 2) / free)
        effect = test.difference / pooled * (1 - 3 / (4 * free - 1))
    interval = student.confidence_interval(0.95)
    return _with(
        test, low=float(interval.low), high=float(interval.high), p=float(student.pvalue), p_rank=p_rank, effect=effect
    )


def _with(test: MeasureTest, **changes: object) -> MeasureTest:
    return replace(test, **changes)  # type: ignore[arg-type]


def _corrected(tests: Sequence[MeasureTest]) -> tuple[MeasureTest, ...]:
    adjusted = zip(tests, holm([test.p for test in tests]), holm([test.p_rank for test in tests]), strict=True)
    return tuple(_with(test, p_holm=p, p_rank_holm=rank) for test, p, rank in adjusted)


def _notes(found: Sequence[tuple[Member, Mapping[str, object]]], design: Design) -> Iterable[str]:
    for column, what in (("model", "by different models"), ("threshold", "at different thresholds")):
        kinds = {str(row.get(column) or "") for _, row in found}
        if len(kinds) > 1:
            yield f"The photographs were segmented {what}: a difference may be that of these."
    doubtful = sum(bool(row.get("doubts")) for _, row in found)
    if doubtful:
        yield f"{doubtful} of {len(found)} photographs are doubtful: see the column doubts of the table of measures."
    if design.paired:
        eyes = {(member.subject, member.eye) for member, _ in found}
        if len(eyes) > len({subject for subject, _ in eyes}):
            yield "Both eyes of some subjects count as two pairs, but the eyes of one person are not independent."
    elif not all(member.subject for member, _ in found):
        yield "No subjects are named, so each photograph counts as independent of all others."
    else:
        of_subject: dict[str, set[str]] = {}
        for member, _ in found:
            of_subject.setdefault(member.subject, set()).add(member.group)
        if any(len(groups) > 1 for groups in of_subject.values()):
            yield "Some subjects are in both groups, which the tests take for independent: compare them as visits."
