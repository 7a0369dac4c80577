"""From 16-bit values to 8 bit: how many of the 16 bits a picture really uses."""

import numpy as np
import numpy.typing as npt

from core.types import ByteArray

WordArray = npt.NDArray[np.uint16]

DEPTHS = (8, 10, 12, 14, 16)
"""Bits for each value that cameras give, in 16-bit files."""

MAX_BRIGHTER_SHARE = 0.05
"""Written text, scale bars and hot pixels are at most this share of a photograph's values (those measured: 0.01)."""

MAX_NEAR_SHARE = 0.1
"""At most this share of the brighter values may lie within a quarter above the depth's range: what was drawn into a
photograph is far away from it, while the bright end of the retina (the optic disc, a reflex) follows without a gap."""

MAX_WHITE_SHARE = 0.6
MIN_STEPS = 32
"""So much may be pure white (65535) where the upper three quarters of the depth hold at least so many values."""


def depth_of(values: WordArray) -> int:
    """The smallest depth of ``DEPTHS`` that holds all values."""
    peak = int(values.max())
    return next(bits for bits in DEPTHS if peak < 2**bits)


def photo_depth(values: WordArray) -> int:
    """The depth of a photograph, by nearly all of its values: the smallest that leaves out nothing but what is drawn.

    8 bit expanded to 16 (all values are multiples of 257) uses all 16, however dark it is.
    """
    counts = np.bincount(values.ravel(), minlength=65536)
    if not counts[np.arange(65536) % 257 != 0].any():
        return 16
    brighter_than = values.size - np.cumsum(counts)  # how many values lie above each
    for bits in DEPTHS[:-1]:
        brighter = int(brighter_than[2**bits - 1])
        near = brighter - int(brighter_than[2**bits * 5 // 4])
        if brighter <= MAX_BRIGHTER_SHARE * values.size and near <= MAX_NEAR_SHARE * brighter:
            return bits
        if _is_white_ground(counts, 2**bits, brighter, values.size):
            return bits
    return 16


def depth_note(values: WordArray, bits: int) -> tuple[str, ...]:
    """What a person should know where the depth of a photograph is a guess; nothing where it is certain.

    A camera of 10, 12 or 14 bits that is fully lit somewhere gives its brightest value. Where that is missing, the
    photograph may as well be one of 16 bits that is dark: it was then made brighter.
    """
    full = 2**bits - 1
    if not 8 < bits < 16 or bool((values == full).any()):
        return ()
    brightest = int(values[values < full].max())
    return (
        f"Its 16-bit values use only {bits} bits (brightest {brightest}), so it is taken for a photograph of {bits} "
        f"bits. If it is a dark photograph of 16 bits, it is shown and segmented {2 ** (16 - bits)} times brighter.",
    )


def _is_white_ground(counts: npt.NDArray[np.intp], limit: int, brighter: int, size: int) -> bool:
    """Whether all that is brighter is one white, such as the paper around a photograph, and below it is a picture."""
    white = int(counts[-1])
    steps = np.count_nonzero(counts[limit // 4 : limit])
    return bool(brighter <= MAX_WHITE_SHARE * size and white >= 0.99 * brighter and steps >= MIN_STEPS)


def scaled_to_8_bit(values: npt.NDArray[np.unsignedinteger], peak: int) -> ByteArray:
    """round(255 v / peak), and 255 for what is brighter: black stays black, and the balance of colours is kept."""
    table = np.rint(np.arange(np.iinfo(values.dtype).max + 1) * (255 / peak)).clip(0, 255).astype(np.uint8)
    scaled: ByteArray = table[values]
    return scaled
