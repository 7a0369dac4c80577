"""Medians and percentiles of bytes from a histogram: the numbers of numpy, which sorts, in a tenth of the time."""

import cv2
import numpy as np
import numpy.typing as npt

from core.types import BoolArray, ByteArray

Counts = npt.NDArray[np.int64]


def counts_of(levels: ByteArray, among: BoolArray | None = None) -> Counts:
    """How many pixels have each of the 256 levels.

    Parameters
    ----------
    levels : uint8 (H, W) or (n,), at most 2^24 of them, up to which OpenCV counts exactly.
    among : bool of the same shape: only these.
    """
    mask = None if among is None else np.ascontiguousarray(among).view(np.uint8)
    counts = cv2.calcHist([np.ascontiguousarray(levels)], [0], mask, [256], [0, 256])
    return np.asarray(counts, np.float64).ravel().astype(np.int64)


def median_of(counts: Counts) -> float:
    """As ``numpy.median`` of the pixels; there must be one."""
    total = int(counts.sum())
    low, high = np.searchsorted(np.cumsum(counts), [(total - 1) // 2, total // 2], side="right")
    return (int(low) + int(high)) / 2


def percentile_of(counts: Counts, percent: float) -> float:
    """As ``numpy.percentile`` of the pixels, with its linear interpolation and its rounding; there must be one."""
    place = (int(counts.sum()) - 1) * (percent / 100)
    below = int(place)
    share = place - below
    low, high = map(int, np.searchsorted(np.cumsum(counts), [below, below + 1], side="right"))
    if high > 255:  # the last pixel
        return float(low)
    return low + (high - low) * share if share < 0.5 else high - (high - low) * (1 - share)
