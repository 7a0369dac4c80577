"""Thresholds that follow from an expert's label.

Scores on a label by which the threshold was chosen are biased: each of these rules says so by its origin
(``chosen_on_label``). Where several levels are equally good the middle one is taken. Otsu's threshold needs no label
and is in ``core.masks.threshold``; the model's own is in its card.
"""

import numpy as np
import numpy.typing as npt

from core.evaluation.confusion import LevelHistogram
from core.threshold_rule import LEVELS, ThresholdOrigin, ThresholdRule

_CHOSEN_ON_LABEL: frozenset[ThresholdOrigin] = frozenset({"best_f1", "youden", "expert"})
_LEVELS = slice(1, LEVELS)


def chosen_on_label(rule: ThresholdRule) -> bool:
    """Whether scores at this threshold flatter, because it was chosen on the label that they are measured against."""
    return rule.origin in _CHOSEN_ON_LABEL


def best_f1(histogram: LevelHistogram) -> ThresholdRule | None:
    """The threshold with the largest F1; None where the label has no vessel, or none is ever found."""
    tp = histogram.vessel_above[_LEVELS]
    if not tp[0]:
        return None
    found = tp + histogram.background_above[_LEVELS]
    return _highest(2 * tp / (found + histogram.vessel_above[0]), "best_f1")


def youden(histogram: LevelHistogram) -> ThresholdRule | None:
    """The threshold with the largest sensitivity + specificity - 1 (Youden 1950); None without both classes."""
    positives, negatives = int(histogram.vessel_above[0]), int(histogram.background_above[0])
    if not positives or not negatives:
        return None
    # The index times both numbers of pixels, in whole numbers: rounding must not part levels that are equally good.
    index = histogram.vessel_above[_LEVELS] * negatives - histogram.background_above[_LEVELS] * positives
    return _highest(index, "youden")


def at_sensitivity(histogram: LevelHistogram, sensitivity: float) -> ThresholdRule | None:
    """The highest threshold that still finds this share of the label's vessel pixels; None where none does.

    With the sensitivity of a second expert: what the model does to the background where it finds as much as that
    expert.
    """
    positives = int(histogram.vessel_above[0])
    if not positives:
        return None
    enough = np.flatnonzero(histogram.vessel_above[_LEVELS] >= sensitivity * positives)
    return ThresholdRule(1 + int(enough[-1]), "expert") if enough.size else None


def _highest(values: npt.NDArray[np.generic], origin: ThresholdOrigin) -> ThresholdRule:
    best = np.flatnonzero(values == np.max(values))
    return ThresholdRule(1 + int(best[len(best) // 2]), origin)
