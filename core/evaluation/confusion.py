"""Agreement of a mask with an expert's label, counted in pixels.

Every function takes the region explicitly as a boolean array: a score without its region says nothing, because the
black corners of a photograph are true negatives for everybody. Formulas are the usual ones of the confusion matrix:

- accuracy (TP + TN) / all, sensitivity TP / (TP + FN), specificity TN / (TN + FP), precision TP / (TP + FP),
- F1 = Dice = 2 TP / (2 TP + FP + FN), IoU = Jaccard = TP / (TP + FP + FN),
- MCC (TP TN - FP FN) / sqrt((TP + FP) (TP + FN) (TN + FP) (TN + FN)), Matthews 1975,
- kappa 2 (TP TN - FP FN) / ((TP + FP) (FP + TN) + (TP + FN) (FN + TN)), Cohen 1960: agreement beyond chance.

A quotient 0/0 is NaN, never 0 or 1: who reads it must see that there was nothing to measure.
"""

import math
from dataclasses import asdict, dataclass, fields
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.threshold_rule import LEVELS, ThresholdRule
from core.types import BoolArray, ByteArray, FieldOfView

Region = Literal["fov", "image"]
"""Where is counted: inside the field of view (the usual protocol), or in the whole image."""

REGIONS: tuple[Region, ...] = ("fov", "image")

IntArray = npt.NDArray[np.int64]

_ROWS_PER_BLOCK = 512
"""Rows that are histogrammed at once: numpy.bincount widens its input to 8 bytes for each pixel."""


def _ratio(numerator: int, denominator: int) -> float:
    return numerator / denominator if denominator else math.nan


@dataclass(frozen=True, slots=True)
class Scores:
    """ScoreSet of one comparison, each in [0, 1] (MCC and kappa in [-1, 1]) and NaN where undefined.

    ``cl_dice``, ``thin_sensitivity``, ``pieces`` and ``pieces_error`` need the masks themselves, not only their counts
    (``core.evaluation.cldice``, ``core.evaluation.connectedness``); the last two are not shares: they are numbers of
    pieces, for each photograph. ``auc_roc``, ``auc_pr`` and ``ece`` (``core.evaluation.calibration``) need a
    probability map, so they stay NaN for a mask alone.
    """

    accuracy: float = math.nan
    sensitivity: float = math.nan
    specificity: float = math.nan
    precision: float = math.nan
    f1: float = math.nan
    iou: float = math.nan
    mcc: float = math.nan
    kappa: float = math.nan
    cl_dice: float = math.nan
    auc_roc: float = math.nan
    auc_pr: float = math.nan
    ece: float = math.nan
    thin_sensitivity: float = math.nan
    pieces: float = math.nan
    pieces_error: float = math.nan

    def to_dict(self) -> dict[str, float | None]:
        """Names and values, with None (JSON null) where a score is undefined: JSON has no NaN."""
        return {name: None if math.isnan(value) else value for name, value in asdict(self).items()}


SCORE_NAMES: tuple[str, ...] = tuple(field.name for field in fields(Scores))
NUMBERS_OF_PIECES = frozenset({"pieces", "pieces_error"})
"""Scores that are not shares."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Pixels of the confusion matrix; adding two gives the counts of both regions pooled."""

    tp: int
    fp: int
    tn: int
    fn: int

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.tp + other.tp, self.fp + other.fp, self.tn + other.tn, self.fn + other.fn)

    @property
    def total(self) -> int:
        """All pixels of the region."""
        return self.tp + self.fp + self.tn + self.fn

    @property
    def positives(self) -> int:
        """Vessel pixels of the label."""
        return self.tp + self.fn

    @property
    def negatives(self) -> int:
        """Background pixels of the label."""
        return self.fp + self.tn

    def scores(
        self,
        *,
        auc_roc: float = math.nan,
        auc_pr: float = math.nan,
        cl_dice: float = math.nan,
        ece: float = math.nan,
        thin_sensitivity: float = math.nan,
        pieces: float = math.nan,
        pieces_error: float = math.nan,
    ) -> Scores:
        """The scores that follow from these counts, beside those that do not and are given."""
        return Scores(
            accuracy=_ratio(self.tp + self.tn, self.total),
            sensitivity=_ratio(self.tp, self.positives),
            specificity=_ratio(self.tn, self.negatives),
            precision=_ratio(self.tp, self.tp + self.fp),
            f1=_ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn),
            iou=_ratio(self.tp, self.tp + self.fp + self.fn),
            mcc=self._mcc(),
            kappa=self._kappa(),
            cl_dice=cl_dice,
            auc_roc=auc_roc,
            auc_pr=auc_pr,
            ece=ece,
            thin_sensitivity=thin_sensitivity,
            pieces=pieces,
            pieces_error=pieces_error,
        )

    def _mcc(self) -> float:
        # Python integers: the product of four pixel counts does not fit into 64 bits.
        product = (self.tp + self.fp) * (self.tp + self.fn) * (self.tn + self.fp) * (self.tn + self.fn)
        return (self.tp * self.tn - self.fp * self.fn) / math.sqrt(product) if product else math.nan

    def _kappa(self) -> float:
        chance = (self.tp + self.fp) * self.negatives + self.positives * (self.fn + self.tn)
        return _ratio(2 * (self.tp * self.tn - self.fp * self.fn), chance)


def region_of(fov: FieldOfView, region: Region) -> BoolArray:
    """The pixels that count, bool (H, W): those inside the field of view, or all of them."""
    return fov.inside if region == "fov" else np.ones(fov.shape, dtype=np.bool_)


def check_shapes(**arrays: npt.NDArray[np.generic]) -> None:
    """Refuse arrays that do not lie on the same pixels (ValueError): broadcasting would count them silently."""
    if len({array.shape for array in arrays.values()}) > 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(f"arrays of different shapes: {shapes}")


def count(vessel: BoolArray, label: BoolArray, inside: BoolArray) -> Counts:
    """Compare a mask with a label inside a region.

    Parameters
    ----------
    vessel, label, inside : bool (H, W); what was found, what the expert drew, and where to count.
    """
    check_shapes(vessel=vessel, label=label, inside=inside)
    drawn = label & inside
    total = int(np.count_nonzero(inside))
    positives = int(np.count_nonzero(drawn))
    found = int(np.count_nonzero(vessel & inside))
    tp = int(np.count_nonzero(vessel & drawn))
    fp, fn = found - tp, positives - tp
    return Counts(tp=tp, fp=fp, tn=total - tp - fp - fn, fn=fn)


@dataclass(frozen=True, slots=True, eq=False)
class LevelHistogram:
    """Counts of a probability map at every threshold k/256, for a slider that follows the hand.

    ``vessel_above[k]`` and ``background_above[k]`` (int64, 257 entries, k = 0 to 256) are the numbers of vessel and
    background pixels of the region with level >= k. Looking up a threshold costs nothing, however large the photograph.
    """

    vessel_above: IntArray
    background_above: IntArray

    @classmethod
    def from_map(cls, levels: ByteArray, label: BoolArray, inside: BoolArray) -> "LevelHistogram":
        """Count once: ``levels`` uint8 (H, W) of a ``ProbabilityMap``, ``label`` and ``inside`` bool (H, W)."""
        check_shapes(levels=levels, label=label, inside=inside)
        vessel = np.zeros(LEVELS, dtype=np.int64)
        everything = np.zeros(LEVELS, dtype=np.int64)
        for top in range(0, levels.shape[0], _ROWS_PER_BLOCK):
            rows = slice(top, top + _ROWS_PER_BLOCK)
            everything += np.bincount(levels[rows][inside[rows]], minlength=LEVELS)
            vessel += np.bincount(levels[rows][inside[rows] & label[rows]], minlength=LEVELS)
        return cls(_at_or_above(vessel), _at_or_above(everything - vessel))

    def __add__(self, other: "LevelHistogram") -> "LevelHistogram":
        return LevelHistogram(self.vessel_above + other.vessel_above, self.background_above + other.background_above)

    def counts_at(self, level: int) -> Counts:
        """Counts of the mask ``levels >= level``; 0 takes every pixel for vessel, 256 none."""
        if not 0 <= level <= LEVELS:
            raise ValueError(f"level must be 0 to {LEVELS}, not {level}")
        tp, fp = int(self.vessel_above[level]), int(self.background_above[level])
        return Counts(tp=tp, fp=fp, tn=int(self.background_above[0]) - fp, fn=int(self.vessel_above[0]) - tp)

    def counts(self, rule: ThresholdRule) -> Counts:
        """Counts of the mask that this rule makes; a histogram knows no hysteresis and no smallest vessel."""
        if not rule.is_plain:
            raise ValueError("a histogram of levels cannot count the mask of a rule that looks at neighbours")
        return self.counts_at(rule.level)


def _at_or_above(histogram: IntArray) -> IntArray:
    above = np.zeros(histogram.size + 1, dtype=np.int64)
    above[:-1] = np.cumsum(histogram[::-1])[::-1]
    above.setflags(write=False)
    return above
