"""What surrounds the retina in a photograph: an even colour that fills its corners, mostly black, or that of a page.

Whatever convex shape the field of view has, if anything of the picture lies outside it, a corner does.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.photo.histograms import counts_of, percentile_of
from core.types import ByteArray

# Side of the square that is looked at in each corner, in longer sides of the picture.
_CORNER = 0.02
# Corners whose levels differ by no more (of 255) have one colour.
_SAME_COLOUR = 20
# A surround whose brightest channel is darker than this (of 255) is dark: the retina is brighter there.
_DARK = 40
# Retina is at least this red, and by this factor more red than green.
_RETINA_RED, _RETINA_RATIO = 15, 1.3
_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, slots=True)
class Surround:
    """A colour that may surround the retina.

    Parameters
    ----------
    colour : levels of red, green, blue.
    noise : the standard deviation of its noisiest channel, in levels, at least 1.
    channel : 0 where red alone tells retina from surround, "brightest" for the brightest channel of each pixel, "any"
        for the channel that differs most.
    """

    colour: tuple[float, float, float]
    noise: float
    channel: str

    @property
    def is_dark(self) -> bool:
        return self.channel != "any"

    @property
    def is_like_retina(self) -> bool:
        """Whether it has the colour of retina: then what differs from it may be no more than the optic disc."""
        red, green, blue = self.colour
        return red >= _RETINA_RED and red >= _RETINA_RATIO * green and green >= blue

    def distance(self, rgb: ByteArray) -> ByteArray:
        """How far pixels (..., 3) are from the surround, in levels, uint8."""
        if self.channel == "any":
            off = np.abs(rgb.astype(np.int16) - np.array(self.colour, np.int16)).astype(np.uint8)
            return _brightest(off)
        if self.channel == "red":
            return _above(rgb[..., 0], self.colour[0])
        return _above(_brightest(rgb), max(self.colour))


def surrounds(rgb: ByteArray) -> Iterator[Surround]:
    """The colours in the corners of a picture (H, W, 3), each once; the most even corner first."""
    side = max(3, round(_CORNER * max(rgb.shape)))
    patches = [rgb[rows, columns].reshape(-1, 3) for rows in _ends(side) for columns in _ends(side)]
    left = sorted(patches, key=_spread)
    while left:
        first = np.median(left[0], axis=0)
        same = [np.abs(np.median(patch, axis=0) - first).max() <= _SAME_COLOUR for patch in left]
        pixels = np.vstack([patch for patch, is_same in zip(left, same, strict=True) if is_same])
        left = [patch for patch, is_same in zip(left, same, strict=True) if not is_same]
        red, green, blue = np.median(pixels, axis=0)
        yield Surround((red, green, blue), max(1.0, _spread(pixels)), _channel(rgb, max(red, green, blue)))


def _brightest(rgb: ByteArray) -> ByteArray:
    """As ``max(axis=-1)``, which takes ten times as long."""
    return np.maximum(np.maximum(rgb[..., 0], rgb[..., 1]), rgb[..., 2])


def _above(plane: ByteArray, level: float) -> ByteArray:
    whole = np.uint8(level)
    return np.asarray(np.maximum(plane, whole) - whole, np.uint8)


def _ends(side: int) -> tuple[slice, slice]:
    return slice(None, side), slice(-side, None)


def _spread(pixels: npt.NDArray[np.uint8]) -> float:
    return _MAD_TO_SIGMA * float(np.median(np.abs(pixels - np.median(pixels, axis=0)), axis=0).max())


def _channel(rgb: ByteArray, brightest: float) -> str:
    """Red separates best where the surround is dark, but in red-free and fluorescence photographs it may be empty."""
    if brightest >= _DARK:
        return "any"
    thin = rgb[::2, ::2]
    red, most = (percentile_of(counts_of(plane), 99) for plane in (thin[..., 0], _brightest(thin)))
    return "red" if red >= 0.5 * most else "brightest"
