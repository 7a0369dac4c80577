"""ROC and precision-recall curves of a probability map, and the areas under them.

The area under the ROC curve is the share of (vessel, background) pixel pairs that the map puts in the right order, a
tie counting one half (Mann-Whitney); the area under the precision-recall curve is the average precision
``sum (R_n - R_{n-1}) P_n``, without interpolation. Both are what scikit-learn's ``roc_auc_score`` and
``average_precision_score`` give (the tests compare them); they are computed here from two sorted arrays, which takes
4 bytes for a pixel and a tenth of the time, because the pixels of a whole data set are pooled.

Reports use the float values. The curve of the 256 levels moves with the slider; its areas are coarser, since a network
puts most of the background into the lowest level, where its order is lost.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.evaluation.counts import IntArray, LevelHistogram, check_shapes
from core.types import LEVELS, BoolArray, FloatArray

DoubleArray = npt.NDArray[np.float64]

EXACT_PIXELS = 2**28
"""Pooled pixels up to which every float is kept (1 GiB, twice that while sorting); beyond, fine bins stand for them."""

# A float32 from 0 to 1/2 keeps its exponent and the first 10 bits of its mantissa; above 1/2 the distance to 1 does. So
# the bins are even in the logit, as the values of a network are; bins even in p would melt its extremes into one.
_DROPPED_BITS = 13
_HALF = int(np.float32(0.5).view(np.uint32)) >> _DROPPED_BITS
FINE_BINS = 2 * _HALF + 2


@dataclass(frozen=True, slots=True)
class Areas:
    """Areas under both curves, NaN where the label has no vessel or no background pixel."""

    auc_roc: float = math.nan
    auc_pr: float = math.nan


@dataclass(frozen=True, slots=True, eq=False)
class OperatingPoints:
    """A map's counts at each threshold, from above every value (nothing found) to below every value (all found).

    ``thresholds`` float64 falls from infinity; ``tp`` and ``fp`` int64 rise with it. A point means "vessel where
    p >= threshold".
    """

    thresholds: DoubleArray
    tp: IntArray
    fp: IntArray

    @property
    def sensitivity(self) -> DoubleArray:
        """TP / P of each point (recall), NaN for a label without vessels."""
        return _share(self.tp, self.tp[-1])

    @property
    def false_positive_rate(self) -> DoubleArray:
        """FP / N of each point (1 - specificity), NaN for a label without background."""
        return _share(self.fp, self.fp[-1])

    @property
    def precision(self) -> DoubleArray:
        """TP / (TP + FP) of each point, NaN where nothing is found."""
        return _share(self.tp, self.tp + self.fp)

    @property
    def areas(self) -> Areas:
        """Areas under the curves through these points."""
        return _areas_of_counts(self.tp, self.fp)


def operating_points(values: FloatArray, label: BoolArray, inside: BoolArray) -> OperatingPoints:
    """The exact curve of a map: one point for each different value in the region.

    Parameters
    ----------
    values : float32 (H, W), probabilities.
    label, inside : bool (H, W), the expert's vessels and the region that counts.
    """
    vessel, background = _split(values, label, inside)
    thresholds = np.unique(np.concatenate([vessel, background]))[::-1]
    tp = vessel.size - np.searchsorted(vessel, thresholds, side="left")
    fp = background.size - np.searchsorted(background, thresholds, side="left")
    return OperatingPoints(np.r_[np.inf, thresholds.astype(np.float64)], np.r_[0, tp], np.r_[0, fp])


def histogram_points(histogram: LevelHistogram) -> OperatingPoints:
    """The live curve: one point for each threshold k/256, k from 256 (nothing) down to 0 (everything)."""
    thresholds = np.arange(LEVELS, -1, -1, dtype=np.float64) / LEVELS
    return OperatingPoints(thresholds, histogram.vessel_above[::-1], histogram.background_above[::-1])


def areas(values: FloatArray, label: BoolArray, inside: BoolArray) -> Areas:
    """Exact areas under both curves of a map, without building the curve; parameters as for ``operating_points``."""
    return _areas_of_sorted(*_split(values, label, inside))


class PooledValues:
    """Gathers the pixels of many photographs for the areas of all of them together.

    Exact up to ``exact_pixels``; past that the values go into ``FINE_BINS`` bins, so that memory stays bounded, and
    ``exact`` turns False, which a report has to say.
    """

    def __init__(self, exact_pixels: int = EXACT_PIXELS) -> None:
        self._exact_pixels = exact_pixels
        self._pixels = 0
        self._vessel: list[FloatArray] = []
        self._background: list[FloatArray] = []
        self._bins: tuple[IntArray, IntArray] | None = None

    @property
    def exact(self) -> bool:
        """Whether every value is still there."""
        return self._bins is None

    def add(self, values: FloatArray, label: BoolArray, inside: BoolArray) -> Areas:
        """Take in one photograph (parameters as for ``areas``) and return its own exact areas."""
        vessel, background = _split(values, label, inside)
        self._pixels += vessel.size + background.size
        self._vessel.append(vessel)
        self._background.append(background)
        if self._bins is None and self._pixels > self._exact_pixels:
            self._bins = (np.zeros(FINE_BINS, dtype=np.int64), np.zeros(FINE_BINS, dtype=np.int64))
        if self._bins is not None:
            for bins, kept in zip(self._bins, (self._vessel, self._background), strict=True):
                while kept:
                    np.add(bins, np.bincount(_fine_bin(kept.pop()), minlength=FINE_BINS), out=bins)
        return _areas_of_sorted(vessel, background)

    def areas(self) -> Areas:
        """Areas over all pixels that were taken in; the values are given up, so this is the last call."""
        if self._bins is not None:
            tp, fp = (np.r_[0, np.cumsum(bins[::-1])] for bins in self._bins)
            return _areas_of_counts(tp, fp)
        vessel, background = _drain(self._vessel), _drain(self._background)
        return _areas_of_sorted(vessel, background)


def _share(part: IntArray, whole: IntArray | np.int64) -> DoubleArray:
    with np.errstate(invalid="ignore"):
        return np.asarray(part / whole, dtype=np.float64)


def _split(values: FloatArray, label: BoolArray, inside: BoolArray) -> tuple[FloatArray, FloatArray]:
    """The values of the region's vessel and background pixels, each sorted upwards."""
    check_shapes(values=values, label=label, inside=inside)
    vessel, background = values[inside & label], values[inside & ~label]
    vessel.sort()
    background.sort()
    return vessel, background


def _drain(parts: list[FloatArray]) -> FloatArray:
    """All parts in one sorted array; the parts are let go before the sort takes its memory."""
    joined = np.concatenate(parts) if parts else np.empty(0, dtype=np.float32)
    parts.clear()
    joined.sort()
    return joined


def _areas_of_sorted(vessel: FloatArray, background: FloatArray) -> Areas:
    positives, negatives = vessel.size, background.size
    if positives == 0 or negatives == 0:
        return Areas()
    # Only thresholds at vessel values matter: between two of them neither the order of pairs nor the recall changes.
    value, first = np.unique(vessel, return_index=True)
    below = np.searchsorted(background, value, side="left")
    not_above = np.searchsorted(background, value, side="right")
    here = np.diff(first, append=positives)
    roc = int(np.sum(here * (below + not_above))) / (2 * positives * negatives)
    tp, fp = positives - first, negatives - below
    return Areas(roc, float(np.sum(here * (tp / (tp + fp)))) / positives)


def _areas_of_counts(tp: IntArray, fp: IntArray) -> Areas:
    """Areas from the counts at falling thresholds, from nothing found to everything."""
    positives, negatives = int(tp[-1]), int(fp[-1])
    if positives == 0 or negatives == 0:
        return Areas()
    new_tp, new_fp = np.diff(tp), np.diff(fp)
    # Each new background pixel loses to the vessels above it and draws with those of its own step.
    roc = float(np.sum(new_fp * (tp[:-1] + 0.5 * new_tp))) / positives / negatives
    steps = new_tp > 0
    precision = tp[1:][steps] / (tp[1:][steps] + fp[1:][steps])
    return Areas(roc, float(np.sum(new_tp[steps] * precision)) / positives)


def _fine_bin(values: FloatArray) -> IntArray:
    """Bin of each value, in the order of the values."""
    upper = values > 0.5
    distance = np.where(upper, np.float32(1) - values, values)  # exact: the difference fits a float32
    kept = (distance.view(np.uint32) >> _DROPPED_BITS).astype(np.int64)
    return np.where(upper, FINE_BINS - 1 - kept, kept)
