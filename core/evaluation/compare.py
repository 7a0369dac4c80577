"""Is one method better than another on the same photographs? Paired comparison of two evaluations.

Wilcoxon's signed-rank test (Wilcoxon 1945) on the differences of each photograph: it asks no normal distribution, and a
photograph counts once, however many pixels it has. Differences of zero are left out, equal ones share their mean rank,
and the distribution under "no difference" is exact, given these ranks, up to ``EXACT_PAIRS`` pairs; beyond that it is
the normal one with correction for ties. Who looks at several scores takes ``p_holm`` (Holm 1979).
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from core.errors import InputError
from core.evaluation.confusion import SCORE_NAMES
from core.evaluation.report import EvaluationReport, ImageScores

EXACT_PAIRS = 300
COMPARED = ("accuracy", "sensitivity", "specificity", "f1", "mcc", "cl_dice", "auc_roc", "auc_pr")
"""ScoreSet that are compared where none are named."""


@dataclass(frozen=True, slots=True)
class PairedTest:
    """One score of two methods on the same photographs.

    ``n`` photographs have it in both; on ``better`` of them the new method has more, on ``worse`` less. Differences are
    new minus old. ``p`` is two-sided, NaN where no photograph differs; with n photographs it is at least 2^(1 - n), so
    five or fewer can never reach 0.05.
    """

    score: str
    n: int
    old_mean: float
    new_mean: float
    median_difference: float
    better: int
    worse: int
    p: float
    p_holm: float = math.nan
    exact: bool = True


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Two methods on the same photographs, labels and region: ``new`` against ``old``, by name."""

    old: str
    new: str
    dataset: str
    region: str
    labels: str
    tests: tuple[PairedTest, ...]

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values; undefined is None."""
        plain = [
            {name: None if isinstance(v, float) and math.isnan(v) else v for name, v in asdict(test).items()}
            for test in self.tests
        ]
        return asdict(self) | {"tests": plain}


def signed_rank(differences: Sequence[float]) -> tuple[float, bool]:
    """The two-sided p of Wilcoxon's signed-rank test, and whether it is exact.

    NaN where all differences are zero, or none are given.
    """
    values = np.array([value for value in differences if value != 0.0])
    if not values.size:
        return math.nan, True
    _, place, times = np.unique(np.abs(values), return_inverse=True, return_counts=True)
    ranks = (2 * np.cumsum(times) - times + 1)[place]  # twice the mean rank: whole numbers
    plus, total = int(ranks[values > 0].sum()), int(ranks.sum())
    low = min(plus, total - plus)
    if values.size <= EXACT_PAIRS:
        ways = np.zeros(total + 1)  # the share of all signs that gives each sum
        ways[0] = 1.0
        for rank in ranks.tolist():
            ways[rank:] = (ways[rank:] + ways[:-rank]) / 2
            ways[:rank] /= 2
        return min(1.0, 2 * float(ways[: low + 1].sum())), True
    sd = math.sqrt(float((ranks.astype(np.float64) ** 2).sum()) / 4)
    z = (total / 2 - low - 1) / sd  # half a rank for continuity, and ranks count twice here
    return min(1.0, math.erfc(max(z, 0.0) / math.sqrt(2))), False


def compare_reports(old: EvaluationReport, new: EvaluationReport, scores: Sequence[str] = COMPARED) -> PairedComparison:
    """Compare two evaluations photograph by photograph.

    Raises
    ------
    InputError : they were not measured on the same photographs, labels, fields of view and region.
    """
    pairs = _pairs(old, new)
    tests = [_test(name, [(getattr(a.scores, name), getattr(b.scores, name)) for a, b in pairs]) for name in scores]
    return PairedComparison(old.method.name, new.method.name, new.dataset, new.region, new.labels, _holm(tests))


def _pairs(old: EvaluationReport, new: EvaluationReport) -> list[tuple[ImageScores, ImageScores]]:
    if (old.dataset, old.labels, old.region) != (new.dataset, new.labels, new.region):
        raise InputError(
            "The two evaluations cannot be compared: data set, labels and region must be the same, but they are "
            f"{old.dataset}, {old.labels}, {old.region} and {new.dataset}, {new.labels}, {new.region}."
        )
    others = {image.stem: image for image in new.images}
    if {image.stem for image in old.images} != set(others):
        raise InputError(
            f"The two evaluations have different photographs ({old.n_images} and {new.n_images}): evaluate both "
            "methods on the same ones."
        )
    pairs = [(image, others[image.stem]) for image in old.images]
    for one, other in pairs:
        drawn = [(image.counts.positives, image.counts.negatives) for image in (one, other)]
        if drawn[0] != drawn[1]:
            raise InputError(
                f"The label or the field of view of {one.stem} is not the same in the two evaluations: evaluate both "
                "methods again."
            )
    return pairs


def _test(name: str, values: list[tuple[float, float]]) -> PairedTest:
    if name not in SCORE_NAMES:
        raise ValueError(f"{name!r} is not the name of a score")
    both = [pair for pair in values if not any(map(math.isnan, pair))]
    if not both:
        return PairedTest(name, 0, math.nan, math.nan, math.nan, 0, 0, math.nan)
    differences = [b - a for a, b in both]
    p, exact = signed_rank(differences)
    return PairedTest(
        score=name,
        n=len(both),
        old_mean=statistics.fmean(a for a, _ in both),
        new_mean=statistics.fmean(b for _, b in both),
        median_difference=statistics.median(differences),
        better=sum(difference > 0 for difference in differences),
        worse=sum(difference < 0 for difference in differences),
        p=p,
        exact=exact,
    )


def holm(values: Sequence[float]) -> list[float]:
    """p that hold for all tests together (Holm 1979); NaN stays NaN and does not count."""
    defined = sorted((p, number) for number, p in enumerate(values) if not math.isnan(p))
    adjusted, highest = [math.nan] * len(values), 0.0
    for place, (p, number) in enumerate(defined):
        highest = max(highest, min(1.0, (len(defined) - place) * p))
        adjusted[number] = highest
    return adjusted


def _holm(tests: list[PairedTest]) -> tuple[PairedTest, ...]:
    """The same tests with p that hold for all of them together."""
    return tuple(replace(test, p_holm=p) for test, p in zip(tests, holm([each.p for each in tests]), strict=True))
