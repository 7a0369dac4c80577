"""Black and white out of the pixels of a picture file: which are the brighter ones, and whether there are two kinds."""

from dataclasses import dataclass

import numpy as np

from core.types import BoolArray, ByteArray

MIDDLE = (0.25, 0.75)
MAX_MIDDLE_SHARE = 0.25
"""Grey pixels count as two-valued when those with a value in ``MIDDLE`` (as a share of the range from the darkest to
the brightest value) are at most this share of the brighter half. JPEG of quality 30 gives up to 0.08 on labels of
DRIVE, STARE, CHASE_DB1 and HRF, antialiased enlargement by 1.5 gives 0.09 to 0.32, and a blur of one pixel, which looks
like a probability map, 0.30 to 1.0."""


@dataclass(frozen=True, slots=True, eq=False)
class TwoValued:
    """The brighter half of a picture.

    ``upper`` bool (H, W), None where all pixels are the same; ``values`` how many grey values there are; ``grey``
    whether too many of them are in the middle for the picture to be black and white.
    """

    upper: BoolArray | None
    values: int
    grey: bool


def split_at_half(pixels: ByteArray) -> TwoValued:
    """Part uint8 (H, W, 3) pixels halfway between the darkest and the brightest; every pure colour counts as bright."""
    red, green, blue = (pixels[:, :, channel] for channel in range(3))
    grey = np.maximum(np.maximum(red, green), blue)
    counts = np.bincount(grey.ravel(), minlength=256)
    values = np.flatnonzero(counts)
    low, high = int(values[0]), int(values[-1])
    if low == high:
        return TwoValued(None, 1, False)
    half = (low + high) // 2
    start, stop = (low + round(share * (high - low)) for share in MIDDLE)
    middle, bright = int(counts[start : stop + 1].sum()), int(counts[half + 1 :].sum())
    upper: BoolArray = grey > half
    return TwoValued(upper, values.size, values.size > 2 and middle > MAX_MIDDLE_SHARE * bright)
