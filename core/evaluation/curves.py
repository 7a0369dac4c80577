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
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.evaluation.confusion import IntArray, LevelHistogram, check_shapes
from core.threshold_rule import LEVELS
from core.types import BoolArray, FloatArray

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


@dataclass(frozen=True, slots=True, eq=False)
class SortedValues:
    """The values of a region's vessel and background pixels, float32, each sorted upwards."""

    vessel: FloatArray
    background: FloatArray

    @classmethod
    def of(cls, values: FloatArray, label: BoolArray, inside: BoolArray) -> "SortedValues":
        """Part and sort; parameters as for ``operating_points``."""
        check_shapes(values=values, label=label, inside=inside)
        vessel, background = values[inside & label], values[inside & ~label]
        vessel.sort()
        background.sort()
        return cls(vessel, background)

    @property
    def areas(self) -> Areas:
        """Exact areas under both curves."""
        return _areas_of_sorted(self.vessel, self.background)


def operating_points(values: FloatArray, label: BoolArray, inside: BoolArray) -> OperatingPoints:
    """The exact curve of a map: one point for each different value in the region.

    Parameters
    ----------
    values : float32 (H, W), probabilities.
    label, inside : bool (H, W), the expert's vessels and the region that counts.
    """
    parted = SortedValues.of(values, label, inside)
    thresholds = np.unique(np.concatenate([parted.vessel, parted.background]))[::-1]
    tp = parted.vessel.size - np.searchsorted(parted.vessel, thresholds, side="left")
    fp = parted.background.size - np.searchsorted(parted.background, thresholds, side="left")
    return OperatingPoints(np.r_[np.inf, thresholds.astype(np.float64)], np.r_[0, tp], np.r_[0, fp])


def thinned_curve(
    values: FloatArray, label: BoolArray, inside: BoolArray, *, steps: int = 500
) -> tuple[OperatingPoints, Areas]:
    """A curve to be drawn, with a few hundred points that lie on the exact one, and the exact areas.

    Its thresholds are all k/256 and those that part the vessel pixels, and the background pixels, into ``steps`` parts
    of the same number. Parameters as for ``operating_points``.
    """
    parted = SortedValues.of(values, label, inside)
    vessel, background = parted.vessel, parted.background
    places = np.linspace(0.0, 1.0, steps + 1)
    kept = [part[np.rint(places * (part.size - 1)).astype(np.int64)] for part in (vessel, background) if part.size]
    thresholds = np.unique(np.concatenate([np.arange(1, LEVELS, dtype=np.float32) / np.float32(LEVELS), *kept]))[::-1]
    tp = vessel.size - np.searchsorted(vessel, thresholds, side="left")
    fp = background.size - np.searchsorted(background, thresholds, side="left")
    points = OperatingPoints(np.r_[np.inf, thresholds.astype(np.float64)], np.r_[0, tp], np.r_[0, fp])
    return points, _areas_of_sorted(vessel, background)


def histogram_points(histogram: LevelHistogram) -> OperatingPoints:
    """The live curve: one point for each threshold k/256, k from 256 (nothing) down to 0 (everything)."""
    thresholds = np.arange(LEVELS, -1, -1, dtype=np.float64) / LEVELS
    return OperatingPoints(thresholds, histogram.vessel_above[::-1], histogram.background_above[::-1])


def areas(values: FloatArray, label: BoolArray, inside: BoolArray) -> Areas:
    """Exact areas under both curves of a map, without building the curve; parameters as for ``operating_points``."""
    return SortedValues.of(values, label, inside).areas


@dataclass(frozen=True, slots=True, eq=False)
class FineHistogram:
    """Counts of a map in ``FINE_BINS`` bins, of which only those that are not empty are kept.

    ``bins`` int64, rising; ``vessel`` and ``background`` int64, pixels of the region in each of them. The areas under
    its curves are those of the float values to about 1e-6, in a hundredth of the memory.
    """

    bins: IntArray
    vessel: IntArray
    background: IntArray

    @classmethod
    def of(cls, parted: SortedValues) -> "FineHistogram":
        """Count the values of a map."""
        drawn, left = (np.bincount(_fine_bin(part), minlength=FINE_BINS) for part in (parted.vessel, parted.background))
        bins = np.flatnonzero(drawn + left)
        return cls(bins, drawn[bins], left[bins])

    @classmethod
    def pooled(cls, parts: "Sequence[FineHistogram]") -> "FineHistogram":
        """The histogram of all pixels together."""
        bins = np.unique(np.concatenate([np.empty(0, np.int64), *(part.bins for part in parts)]))
        drawn, left = np.zeros(bins.size, np.int64), np.zeros(bins.size, np.int64)
        for part in parts:
            places = np.searchsorted(bins, part.bins)
            drawn[places] += part.vessel
            left[places] += part.background
        return cls(bins, drawn, left)

    def points(self) -> OperatingPoints:
        """The curve: one point for each bin, at the smallest probability in it."""
        thresholds = np.r_[np.inf, _smallest_in_bin(self.bins[::-1])]
        tp, fp = (np.r_[0, np.cumsum(counts[::-1])] for counts in (self.vessel, self.background))
        return OperatingPoints(thresholds, tp, fp)


class PooledValues:
    """Gathers the pixels of many photographs for the areas of all of them together.

    Exact up to ``exact_pixels``; past that the values go into ``FINE_BINS`` bins, so that memory stays bounded, and
    ``exact`` turns False, which a report has to say.
    """

    def __init__(self, exact_pixels: int = EXACT_PIXELS) -> None:
        self._exact_pixels = exact_pixels
        self._pixels = 0
        self._kept: list[SortedValues] = []
        self._fine: FineHistogram | None = None

    @property
    def exact(self) -> bool:
        """Whether every value is still there."""
        return self._fine is None

    def add(self, values: FloatArray, label: BoolArray, inside: BoolArray) -> Areas:
        """Take in one photograph (parameters as for ``areas``) and return its own exact areas."""
        parted = SortedValues.of(values, label, inside)
        self.keep(parted)
        return parted.areas

    def keep(self, parted: SortedValues) -> None:
        """Take in one photograph whose values are sorted already."""
        self._pixels += parted.vessel.size + parted.background.size
        self._kept.append(parted)
        if self._fine is not None or self._pixels > self._exact_pixels:
            parts = [] if self._fine is None else [self._fine]
            while self._kept:
                parts.append(FineHistogram.of(self._kept.pop()))
            self._fine = FineHistogram.pooled(parts)

    def areas(self) -> Areas:
        """Areas over all pixels that were taken in; the values are given up, so this is the last call."""
        if self._fine is not None:
            return self._fine.points().areas
        vessel, background = [one.vessel for one in self._kept], [one.background for one in self._kept]
        self._kept.clear()
        return SortedValues(_drain(vessel), _drain(background)).areas


def _share(part: IntArray, whole: IntArray | np.int64) -> DoubleArray:
    with np.errstate(invalid="ignore"):
        return np.asarray(part / whole, dtype=np.float64)


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


def _smallest_in_bin(bins: IntArray) -> DoubleArray:
    """The smallest float32 of each bin, as float64."""
    low = np.minimum(bins, _HALF).astype(np.uint32) << _DROPPED_BITS
    farthest = ((np.maximum(FINE_BINS - bins, 1)).astype(np.uint32) << _DROPPED_BITS) - 1
    upper = 1.0 - np.minimum(farthest.view(np.float32), np.float32(0.5)).astype(np.float64)
    return np.where(bins <= _HALF, low.view(np.float32).astype(np.float64), upper)
