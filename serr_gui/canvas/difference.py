"""Where two probability maps of one photograph differ, as colours. Plain arrays, no Qt."""

from functools import cache
from typing import Final

import numpy as np

from core.threshold_rule import LEVELS
from core.types import BoolArray, ByteArray

LEFT_COLOUR: Final = (20, 100, 235)
"""Where the left map gives more; blue and orange can be told apart with any kind of colour vision."""
RIGHT_COLOUR: Final = (225, 110, 0)
"""Where the right map gives more."""
SAME_COLOUR: Final = (255, 255, 255)
_OUTSIDE: Final = 90


def difference_picture(left: ByteArray, right: ByteArray, inside: BoolArray) -> ByteArray:
    """Two level maps, uint8 (H, W), as uint8 (H, W, 3): white where they are alike, else the colour of the higher one.

    The colour is full from a difference of the probability of one half on; grey is outside of the field of view.
    """
    picture: ByteArray = _table()[right.astype(np.int16) - left + (LEVELS - 1)]
    picture[~inside] = _OUTSIDE
    picture.setflags(write=False)
    return picture


@cache
def _table() -> ByteArray:
    """A colour for each difference from -255 to 255."""
    difference = np.arange(-(LEVELS - 1), LEVELS) / LEVELS
    share = np.minimum(np.abs(difference) * 2.0, 1.0)[:, None]
    full = np.where(difference[:, None] < 0, np.array(LEFT_COLOUR), np.array(RIGHT_COLOUR))
    return np.asarray(np.rint(share * full + (1.0 - share) * np.array(SAME_COLOUR)), np.uint8)
