"""The page of the benchmark of measures: its tables and what is said around them."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from measure_shapes import PROGRAMS, Trial

from core.measures.summary import CODEBOOK

Row = Mapping[str, float]
Pairs = npt.NDArray[np.float64]


def agreement(values: Pairs) -> float:
    """ICC(2,1): two-way random effects, absolute agreement, of one rater (Shrout and Fleiss 1979)."""
    count, raters = values.shape
    grand = values.mean()
    of_cases = raters * ((values.mean(axis=1) - grand) ** 2).sum() / (count - 1)
    of_raters = count * ((values.mean(axis=0) - grand) ** 2).sum() / (raters - 1)
    left = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + grand
    error = (left**2).sum() / ((count - 1) * (raters - 1))
    return float((of_cases - error) / (of_cases + (raters - 1) * error + raters * (of_raters - error) / count))


def limits(values: Pairs) -> str:
    """Bland and Altman's limits of agreement, second less first."""
    apart = values[:, 1] - values[:, 0]
    reach = 1.96 * apart.std(ddof=1)
    return f"{apart.mean() - reach:+.3g} to {apart.mean() + reach:+.3g}"


def shape_table(measured: Sequence[tuple[Trial, Mapping[str, list[float]]]]) -> Iterator[str]:
    """A row for each trial: the errors of ours ("") and of each program, over all angles."""
    heads = ["shape", "measure", "truth", "target", "**SERR Fundus**", *PROGRAMS]
    yield "| " + " | ".join(heads) + " |"
    yield "| --- " * len(heads) + "|"
    for trial, errors in measured:
        ours = trial.described(errors[""]) + (" **missed**" if trial.missed(errors[""]) else "")
        theirs = [trial.described(errors.get(name, [])) for name in PROGRAMS]
        yield "| " + " | ".join([trial.shape, trial.measure, f"{trial.truth:.4g}", trial.target, ours, *theirs]) + " |"


def shape_summary(measured: Sequence[tuple[Trial, Mapping[str, list[float]]]]) -> Iterator[str]:
    """How many rows each program has, and in how many it is beyond the target, or more than 25 % wrong somewhere."""
    yield "| program | measured | beyond its target | more than 25 % wrong at some angle, or no number |"
    yield "| --- | --- | --- | --- |"
    for name in ("", *PROGRAMS):
        mine = [(trial, errors[name]) for trial, errors in measured if errors.get(name)]
        far = sum(not all(abs(each) <= 0.25 * _scale(trial) for each in errors) for trial, errors in mine)  # also NaN
        missed = sum(trial.missed(errors) for trial, errors in mine)
        yield f"| {name or '**SERR Fundus**'} | {len(mine)} | {missed} | {far} |"


def _scale(trial: Trial) -> float:
    """What 100 % is in the unit of its errors."""
    return trial.truth if trial.kind in ("angle", "count", "D") else 1.0


def experts_table(first: Sequence[Row], second: Sequence[Row]) -> Iterator[str]:
    """Labels of two experts, a row for each photograph."""
    yield "| measure | mean, expert 1 | mean, expert 2 | limits of agreement | ICC |"
    yield "| --- | --- | --- | --- | --- |"
    for name, values in _known(first, second):
        one, other = values.mean(axis=0)
        yield f"| {name} | {one:.4g} | {other:.4g} | {limits(values)} | {agreement(values):.2f} |"


def model_table(model: Sequence[Row], first: Sequence[Row], second: Sequence[Row]) -> Iterator[str]:
    """The model against both."""
    yield (
        "| measure | mean | limits, expert 1 | ICC, expert 1 | limits, expert 2 | ICC, expert 2 | ICC of the experts |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for name, values in _known(model, first, second):
        one, other, both = values[:, [1, 0]], values[:, [2, 0]], values[:, 1:]
        cells = [name, f"{values[:, 0].mean():.4g}", limits(one), f"{agreement(one):.2f}", limits(other)]
        yield "| " + " | ".join([*cells, f"{agreement(other):.2f}", f"{agreement(both):.2f}"]) + " |"


def repeats_table(photographs: Mapping[str, Sequence[Row]]) -> Iterator[str]:
    """Of the photographs as they are (the first) and changed: the median of the change, and the ICC."""
    as_is, *changes = photographs
    yield "| measure | " + " | ".join(f"{change} | ICC" for change in changes) + " |"
    yield "| --- " * (1 + 2 * len(changes)) + "|"
    for name in CODEBOOK:
        cells = [name]
        for change in changes:
            for _, values in _known(photographs[as_is], photographs[change], names=[name]):
                moved = np.abs(values[:, 1] - values[:, 0]) / np.maximum(np.abs(values[:, 0]), 1e-12)
                cells += [f"{np.median(moved):.1%}", f"{agreement(values):.2f}"]
        if len(cells) == 1 + 2 * len(changes):
            yield "| " + " | ".join(cells) + " |"


def _known(*rows: Sequence[Row], names: Sequence[str] = tuple(CODEBOOK)) -> Iterator[tuple[str, Pairs]]:
    """The measures that all have for all photographs, (photographs, raters)."""
    for name in names:
        values = np.array([[row[name] for row in rater] for rater in rows]).T
        if not np.isnan(values).any():
            yield name, values
