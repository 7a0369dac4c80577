"""From a probability map to a mask: the threshold, hysteresis, the smallest vessel; and Otsu's way of choosing."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.threshold_rule import LEVELS, ThresholdRule
from core.types import BoolArray, ByteArray, FieldOfView, ProbabilityMap, VesselMask

_MOST_COUNTED: Final = 1 << 22


def apply_threshold(probability: ProbabilityMap, rule: ThresholdRule) -> VesselMask:
    """The mask that a rule makes. Outside the field of view p is 0, so nothing there is ever a vessel."""
    vessel = ruled_levels(probability.levels, rule) >= rule.level
    vessel.setflags(write=False)  # so that the box takes it over without a copy
    return VesselMask(vessel, rule)


def ruled_levels(levels: ByteArray, rule: ThresholdRule) -> ByteArray:
    """Levels that are at ``rule.level`` or above exactly where the rule makes vessel, uint8 (H, W), read-only.

    So ``levels >= k`` is all that anybody needs who shows or counts a mask, whatever the rule: what hysteresis adds is
    raised to k, and what is too small is lowered to k - 1. A plain rule gives the levels themselves. They are right at
    this rule only: at another threshold they are not those of the map.

    Parameters
    ----------
    levels : uint8 (H, W), those of a probability map.

    Notes
    -----
    Hysteresis grows through edges (4 neighbours), as ``skimage.filters.apply_hysteresis_threshold``; what is connected
    through edges or corners (8 neighbours) is one vessel, as in ``skimage.morphology.remove_small_objects`` with
    ``connectivity=2``.
    """
    if rule.is_plain:
        return levels
    level, low, least = rule.makes
    vessel = levels >= low
    if low < level:
        _, labels = cv2.connectedComponents(vessel.view(np.uint8), connectivity=4, ltype=cv2.CV_32S)
        strong = np.zeros(int(labels.max()) + 1, np.bool_)
        strong[labels[levels >= level]] = True
        vessel = strong[labels]  # the background, 0, has no pixel at the level
    if least > 1:
        _, labels, stats, _ = cv2.connectedComponentsWithStats(vessel.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
        large = stats[:, cv2.CC_STAT_AREA] >= least
        large[0] = False
        vessel = large[labels]
    ruled = np.where(vessel, np.maximum(levels, np.uint8(level)), np.minimum(levels, np.uint8(level - 1)))
    ruled.setflags(write=False)
    return ruled


def level_counts(levels: ByteArray, inside: BoolArray) -> npt.NDArray[np.int64]:
    """How many pixels inside have each of the 256 levels.

    Parameters
    ----------
    levels : uint8 (H, W). ``inside`` : bool (H, W).
    """
    counts = np.zeros(LEVELS, np.int64)
    rows = max(1, _MOST_COUNTED // max(1, levels.shape[1]))
    for top in range(0, len(levels), rows):  # OpenCV counts in float32, which is exact up to 2^24
        part, mask = levels[top : top + rows], inside[top : top + rows].view(np.uint8)
        counts += cv2.calcHist([part], [0], mask, [LEVELS], [0, LEVELS]).ravel().astype(np.int64)
    return counts


def otsu_level(probability: ProbabilityMap, fov: FieldOfView) -> int:
    """The level k (1 to 255) that splits the levels inside the field of view with the largest variance between classes.

    Otsu 1979, doi 10.1109/TSMC.1979.4310076, on the histogram of the 256 levels; class one is level >= k. Where several
    levels split equally well (an empty stretch of the histogram), the middle one is taken. A map of one single level
    cannot be split: 128, the level of p = 1/2.
    """
    if probability.shape != fov.shape:
        raise ValueError(f"the map is {probability.shape}, the field of view {fov.shape}")
    histogram = level_counts(probability.levels, fov.inside).astype(np.float64)
    if np.count_nonzero(histogram) < 2:
        return LEVELS // 2
    below = np.cumsum(histogram)[:-1]  # pixels with level < k, for k = 1 to 255
    above = histogram.sum() - below
    sums = np.cumsum(histogram * np.arange(LEVELS))
    split = (below > 0) & (above > 0)
    between = np.full(LEVELS - 1, -1.0)
    distance = sums[:-1][split] / below[split] - (sums[-1] - sums[:-1][split]) / above[split]
    between[split] = below[split] * above[split] * distance**2
    best = np.flatnonzero(between >= between.max() * (1.0 - 1e-12))
    return 1 + int(best[len(best) // 2])
