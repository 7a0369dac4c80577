"""From a probability map to a mask by one threshold, and Otsu's way of choosing it."""

import numpy as np

from core.types import LEVELS, FieldOfView, ProbabilityMap, ThresholdRule, VesselMask


def apply_threshold(probability: ProbabilityMap, rule: ThresholdRule) -> VesselMask:
    """Vessel where p >= rule.level / 256. Outside the field of view p is 0, so nothing there is ever a vessel."""
    vessel = probability.levels >= rule.level
    vessel.setflags(write=False)  # so that the box takes it over without a copy
    return VesselMask(vessel, rule)


def otsu_level(probability: ProbabilityMap, fov: FieldOfView) -> int:
    """The level k (1 to 255) that splits the levels inside the field of view with the largest variance between classes.

    Otsu 1979, doi 10.1109/TSMC.1979.4310076, on the histogram of the 256 levels; class one is level >= k. Where several
    levels split equally well (an empty stretch of the histogram), the middle one is taken. A map of one single level
    cannot be split: 128, the level of p = 1/2.
    """
    if probability.shape != fov.shape:
        raise ValueError(f"the map is {probability.shape}, the field of view {fov.shape}")
    histogram = np.bincount(probability.levels[fov.inside], minlength=LEVELS).astype(np.float64)
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
