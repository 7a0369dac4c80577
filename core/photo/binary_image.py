"""Black and white out of the pixels of a picture file: which are the brighter ones, and whether there are two kinds."""

from dataclasses import dataclass

import numpy as np

from core.photo.label_values import FoundValue, are_arteries_and_veins, distance_from, find_values, with_thickness
from core.types import BoolArray, ByteArray

MIDDLE = (0.25, 0.75)
MAX_MIDDLE_SHARE = 0.25
"""Grey pixels count as two-valued when those with a value in ``MIDDLE`` (as a share of the range from the darkest to
the brightest value) are at most this share of the brighter half. JPEG of quality 30 gives up to 0.08 on labels of
DRIVE, STARE, CHASE_DB1 and HRF, antialiased enlargement by 1.5 gives 0.09 to 0.32, and a blur of one pixel, which looks
like a probability map, 0.30 to 1.0."""

MAX_GROUND_COLOUR = 64
"""How far the channels of the ground may be apart where it is not even: beside it a photograph's black corners would
pass for what is drawn. The ground of photographs of DRIVE, STARE, CHASE_DB1 and HRF has 73 or more where it is retina,
and that of labels saved as JPEG 0."""


@dataclass(frozen=True, slots=True, eq=False)
class TwoValued:
    """A picture that is parted in two.

    ``upper`` bool (H, W): what is drawn, the brighter half; None where all pixels are the same. ``values``: how many
    grey values there are. ``grey``: too many of them are in the middle for the picture to be black and white.
    ``found``: the values that it holds on purpose. ``several``: there are more than two, and which of them are meant
    cannot be told.
    """

    upper: BoolArray | None
    values: int
    grey: bool = False
    several: bool = False
    found: tuple[FoundValue, ...] = ()


def split_at_half(pixels: ByteArray) -> TwoValued:
    """Part uint8 (H, W, 3) pixels halfway between the darkest and the brightest.

    Colours on an even ground (arteries red, veins blue) are all drawn, on black as on white.
    """
    found = find_values(pixels)
    if len(found) == 1 and found[0].exact:
        return TwoValued(None, 1, found=found)
    if len(found) > 2:
        found = with_thickness(pixels, found)
    background, *others = found
    if not background.exact and max(background.colour) - min(background.colour) > MAX_GROUND_COLOUR:
        return TwoValued(None, len(np.unique(pixels.max(axis=2))), grey=True, found=found)
    coloured = len(others) == 1 and len(set(others[0].colour)) > 1
    if coloured or are_arteries_and_veins(found):
        away = distance_from(pixels, background.colour)
        weakest = min(_apart(background, value) for value in others)
        halves = _halves(away, 0, weakest)
        return TwoValued(away > weakest // 2, halves.values, coloured and halves.grey, found=found)
    red, green, blue = (pixels[:, :, channel] for channel in range(3))
    grey = np.maximum(np.maximum(red, green), blue)
    halves = _halves(grey, int(grey.min()), int(grey.max()))
    several = len(found) > 2 and (found[0].exact or not halves.grey)
    smooth = found[0].exact  # the few other values all lie between the two, at edges
    return TwoValued(halves.upper, halves.values, halves.grey and not several and not smooth, several, found)


def _halves(grey: ByteArray, low: int, high: int) -> TwoValued:
    counts = np.bincount(grey.ravel(), minlength=256)
    half = (low + high) // 2
    start, stop = (low + round(share * (high - low)) for share in MIDDLE)
    middle, bright = int(counts[start : stop + 1].sum()), int(counts[half + 1 :].sum())
    values = int(np.count_nonzero(counts))
    return TwoValued(grey > half, values, values > 2 and middle > MAX_MIDDLE_SHARE * bright)


def _apart(one: FoundValue, other: FoundValue) -> int:
    return max(abs(first - second) for first, second in zip(one.colour, other.colour, strict=True))
