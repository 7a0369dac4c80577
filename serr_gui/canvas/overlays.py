"""Colours of the overlay and the outline of the field of view, as plain arrays.

A probability map is shown through a table of 256 colours, one for each level (``core.types.ProbabilityMap``). A
threshold k/256 only decides from which entry on the mask colour lies over the map's colour, so a slider step costs
a new table and not a new mask, and what is painted as vessel is exactly ``levels >= k``.

An error map has four kinds of pixel (``core.evaluation.error_map``): bit 0 is "drawn by the expert", bit 1 "found",
which is one comparison of the level map with the threshold; four colours paint it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from core.evaluation.error_map import ERROR_COLOURS as REPORT_COLOURS
from core.evaluation.error_map import FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE
from core.threshold_rule import LEVELS
from core.types import BoolArray, ByteArray, FloatArray

Colour = tuple[int, int, int]
Stroke = tuple[int, int, int, int]
IndexArray = npt.NDArray[np.int64]

_OPENCV_COLORMAPS = {
    "inferno": cv2.COLORMAP_INFERNO,
    "magma": cv2.COLORMAP_MAGMA,
    "viridis": cv2.COLORMAP_VIRIDIS,
    "cividis": cv2.COLORMAP_CIVIDIS,
}
COLORMAPS = tuple(_OPENCV_COLORMAPS)
"""Names of the colour maps, all perceptually even; ``cividis`` looks alike with and without red-green blindness."""

# Missed, false and right vessels. The first preset is the most distinct, also from the retina, for any colour vision
# (the tests measure it); the third is that of the reports; the last is common in papers but says nothing to people with
# red-green blindness.
_ERROR_COLOURS: dict[str, tuple[Colour, Colour, Colour]] = {
    "white_blue_black": ((20, 100, 255), (0, 0, 0), (255, 255, 255)),
    "black_blue_yellow": ((40, 110, 255), (255, 235, 60), (0, 0, 0)),
    "white_magenta_cyan": (
        REPORT_COLOURS[FALSE_NEGATIVE],
        REPORT_COLOURS[FALSE_POSITIVE],
        REPORT_COLOURS[TRUE_POSITIVE],
    ),
    "green_blue_red": ((0, 60, 255), (255, 0, 0), (0, 200, 0)),
}
ERROR_COLOURS = tuple(_ERROR_COLOURS)
"""Names of the error map's presets."""

_RIM_COLOUR: Colour = (170, 170, 170)
_DARK_BELOW = 40
_STAIRS_FROM = 2.0
"""Zoom from which the outline follows the edges of the pixels, which are seen as squares then."""
_OUTLINE_STROKES = (((0, 0, 0, 255), 3.0), ((255, 255, 255, 255), 1.2))
_OUTLINES_MAX = 200
_SUBPIXEL_BITS = 4


@dataclass(frozen=True, slots=True)
class OverlayStyle:
    """What lies over the photograph and how.

    Parameters
    ----------
    show_probability, probability_opacity : the probability map in colours, opacity in [0, 1].
    colormap : one of ``COLORMAPS``.
    show_mask, mask_opacity : the vessels above the threshold in one colour, opacity in [0, 1].
    mask_colour : sRGB, 0 to 255. The default is seen on a red-orange retina by people with any kind of colour vision.
    """

    show_probability: bool = False
    probability_opacity: float = 0.6
    colormap: str = "inferno"
    show_mask: bool = True
    mask_opacity: float = 0.7
    mask_colour: Colour = (0, 229, 255)

    def __post_init__(self) -> None:
        for name in ("probability_opacity", "mask_opacity"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} lies between 0 and 1, not {getattr(self, name)}")
        if self.colormap not in _OPENCV_COLORMAPS:
            raise ValueError(f"colormap must be one of {', '.join(COLORMAPS)}, not {self.colormap!r}")
        if len(self.mask_colour) != 3 or not all(0 <= channel <= 255 for channel in self.mask_colour):
            raise ValueError(f"mask_colour must be three numbers from 0 to 255, not {self.mask_colour}")


@dataclass(frozen=True, slots=True)
class Tone:
    """How the photograph looks: brightness and contrast in [-1, 1], gamma above 0. The defaults change nothing."""

    brightness: float = 0.0
    contrast: float = 0.0
    gamma: float = 1.0

    def table(self) -> ByteArray:
        """What each value from 0 to 255 becomes, uint8 (256,).

        v -> (v - 1/2) f + 1/2 + brightness with f = tan((contrast + 1) pi / 4), then v ** (1 / gamma), for v in [0, 1].
        """
        values = np.linspace(0.0, 1.0, 256)
        factor = np.tan((min(max(self.contrast, -1.0), 0.99) + 1.0) * np.pi / 4.0)
        values = np.clip((values - 0.5) * factor + 0.5 + self.brightness, 0.0, 1.0) ** (1.0 / self.gamma)
        return np.asarray(np.rint(values * 255.0), np.uint8)


@dataclass(frozen=True, slots=True)
class ErrorStyle:
    """How the error map lies over the photograph: opacity in [0, 1], and one of ``ERROR_COLOURS``."""

    opacity: float = 0.85
    colours: str = "white_blue_black"

    def __post_init__(self) -> None:
        if not 0.0 <= self.opacity <= 1.0:
            raise ValueError(f"opacity lies between 0 and 1, not {self.opacity}")
        if self.colours not in _ERROR_COLOURS:
            raise ValueError(f"colours must be one of {', '.join(ERROR_COLOURS)}, not {self.colours!r}")


def error_colours(name: str) -> tuple[Colour, Colour, Colour]:
    """The colours of missed (false negative), false (false positive) and right (true positive) vessels."""
    return _ERROR_COLOURS[name]


def error_lut(style: ErrorStyle) -> ByteArray:
    """The colour for each code of an error map: uint8 (5, 4), red, green, blue, alpha; the background has alpha 0.

    The last is the rim (``with_rim``).
    """
    lut = np.zeros((5, 4), dtype=np.uint8)
    lut[1:4, :3] = _ERROR_COLOURS[style.colours]
    lut[4, :3] = _RIM_COLOUR
    lut[1:, 3] = round(style.opacity * 255)
    return lut


def with_rim(codes: ByteArray, style: ErrorStyle, width: int) -> ByteArray:
    """Codes with a light rim (code 4) on the background around what is painted nearly black.

    Else false vessels are not seen on the dark border of a photograph, nor over the dark end of a probability map.
    """
    dark = [code for code, colour in enumerate(_ERROR_COLOURS[style.colours], start=1) if max(colour) < _DARK_BELOW]
    if not dark:
        return codes
    black = np.isin(codes, dark).view(np.uint8)
    if not black.any():
        return codes
    side = 2 * width + 1
    near = np.asarray(cv2.dilate(black, np.ones((side, side), np.uint8)), dtype=np.uint8)
    return np.where((codes == 0) & (near > 0), np.uint8(4), codes)


def error_codes(levels: ByteArray, drawn: ByteArray, level: int) -> ByteArray:
    """Codes of an error map: uint8 like ``levels``; ``drawn`` is 1 where the expert drew a vessel, else 0."""
    codes: ByteArray = (levels >= level).view(np.uint8)
    codes += codes
    codes |= drawn
    return codes


@cache
def colormap_table(name: str) -> ByteArray:
    """The colours of a map from probability 0 to 1: uint8 (256, 3), red green blue, read-only."""
    ramp = np.arange(LEVELS, dtype=np.uint8)[:, np.newaxis]
    table = np.ascontiguousarray(cv2.applyColorMap(ramp, _OPENCV_COLORMAPS[name])[:, 0, ::-1], dtype=np.uint8)
    table.setflags(write=False)
    return table


def build_lut(style: OverlayStyle, level: int) -> ByteArray:
    """The overlay's colour for each level at the threshold ``level``/256.

    The mask's colour lies over the probability's colour (Porter and Duff's "over", Computer Graphics 18, 1984,
    253-259).

    Parameters
    ----------
    level : threshold level, 1 to 255; vessel is where a pixel's level is at least this.

    Returns
    -------
    uint8 (256, 4): red, green, blue (not premultiplied) and alpha. Alpha 0 where nothing is shown.
    """
    if not 1 <= level <= LEVELS - 1:
        raise ValueError(f"threshold level must be 1 to {LEVELS - 1}, not {level}")
    colours = np.zeros((LEVELS, 3), dtype=np.float32)
    alpha = np.zeros(LEVELS, dtype=np.float32)
    if style.show_probability:
        colours[:] = colormap_table(style.colormap)
        alpha[:] = style.probability_opacity
    if style.show_mask:
        _lay_over(colours[level:], alpha[level:], style.mask_colour, style.mask_opacity)
    lut = np.empty((LEVELS, 4), dtype=np.uint8)
    lut[:, :3] = np.rint(colours)
    lut[:, 3] = np.rint(alpha * 255.0)
    lut[lut[:, 3] == 0] = 0
    return lut


def _lay_over(colours: FloatArray, alpha: FloatArray, colour: Colour, opacity: float) -> None:
    """Put one colour over the given entries, in place."""
    below = alpha * np.float32(1.0 - opacity)
    total = below + np.float32(opacity)
    share = np.divide(opacity, total, out=np.zeros_like(total), where=total > 0)[:, np.newaxis]
    colours[:] = share * np.asarray(colour, dtype=np.float32) + (1.0 - share) * colours
    alpha[:] = total


def to_argb32(lut: ByteArray) -> list[int]:
    """Table entries as 0xAARRGGBB, the numbers that Qt's colour tables hold; ``lut`` is uint8 (n, 4), RGBA."""
    wide = lut.astype(np.uint32)
    packed: list[int] = (wide[:, 3] << 24 | wide[:, 0] << 16 | wide[:, 1] << 8 | wide[:, 2]).tolist()
    return packed


class FovOutline:
    """Closed outlines of a field of view: outer borders and those of holes.

    The lines run through the middles of the border pixels that still belong to the field, and have only the corners
    that can be seen at a zoom: a border with all its stairs has thousands. Much enlarged, they run along the edges of
    the pixels.
    """

    def __init__(self, inside: BoolArray) -> None:
        mask = np.ascontiguousarray(inside).view(np.uint8)
        self._inside = mask
        contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        longest = sorted(contours, key=len, reverse=True)[:_OUTLINES_MAX]
        self._contours = [np.asarray(contour, dtype=np.int32) for contour in longest]
        self._by_octave: dict[int, list[FloatArray]] = {}

    def polygons(self, zoom: float) -> list[FloatArray]:
        """Float32 (n, 2) polygons, x and y in photograph coordinates (the middle of the first pixel is 0.5, 0.5).

        No more than 0.7 device pixels from the true border at this zoom, or 0.7 photograph pixels where these are
        larger.
        """
        octave = max(0, math.floor(-math.log2(zoom)))
        if octave not in self._by_octave:
            thinned = [cv2.approxPolyDP(contour, 0.7 * 2**octave, closed=True) for contour in self._contours]
            self._by_octave[octave] = [corners[:, 0, :].astype(np.float32) + np.float32(0.5) for corners in thinned]
        return self._by_octave[octave]

    def draw(self, zoom: float, corner: tuple[int, int], size: tuple[int, int], pixel_ratio: float) -> ByteArray | None:
        """The outlines as a picture: a light line in a dark border, seen on bright and dark ground.

        Parameters
        ----------
        zoom : device pixels for one photograph pixel.
        corner : left and top of the picture in the zoomed photograph, in device pixels.
        size : width and height of the picture in device pixels.
        pixel_ratio : device pixels for one unit of length in the window; lines get wider with it.

        Returns
        -------
        uint8 (height, width, 4): blue, green, red, alpha, premultiplied. None where no outline comes into the picture.
        """
        widths = [(colour, max(1, round(width * pixel_ratio))) for colour, width in _OUTLINE_STROKES]
        if zoom >= _STAIRS_FROM:
            return self._draw_stairs(zoom, corner, size, widths)
        offset = np.array(corner, dtype=np.float64) + 0.5  # OpenCV counts from the middle of the first pixel
        lines = []
        for polygon in self.polygons(zoom):
            lines += _parts_within((polygon * zoom - offset).astype(np.float32), size, margin=widths[0][1])
        if not lines:
            return None
        # OpenCV moves all four channels towards the line's colour: on a premultiplied picture that is "over", too.
        picture = np.zeros((size[1], size[0], 4), dtype=np.uint8)
        fixed_point = [np.rint(line * 2**_SUBPIXEL_BITS).astype(np.int32) for line in lines]
        for colour, thickness in widths:
            cv2.polylines(picture, fixed_point, False, colour, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)
        return picture

    def _draw_stairs(
        self, zoom: float, corner: tuple[int, int], size: tuple[int, int], widths: Sequence[tuple[Stroke, int]]
    ) -> ByteArray | None:
        """The border between pixels inside and outside, each line half inside and half outside."""
        margin = widths[0][1]
        columns = _pixels_under(corner[0] - margin, size[0] + 2 * margin, zoom)
        rows = _pixels_under(corner[1] - margin, size[1] + 2 * margin, zoom)
        shape = self._inside.shape
        seen = np.zeros((len(rows), len(columns)), dtype=np.uint8)
        down, across = (rows >= 0) & (rows < shape[0]), (columns >= 0) & (columns < shape[1])
        seen[np.ix_(down, across)] = self._inside[np.ix_(rows[down], columns[across])]
        if not seen.any() or seen.all():
            return None
        picture = np.zeros((size[1], size[0], 4), dtype=np.uint8)
        for colour, width in widths:
            outer, inner = width // 2, width - width // 2
            grown = cv2.dilate(seen, np.ones((2 * outer + 1,) * 2, np.uint8))
            shrunk = cv2.erode(seen, np.ones((2 * inner + 1,) * 2, np.uint8))
            line = np.asarray(grown > shrunk)[margin:-margin, margin:-margin]
            picture[line] = colour
        return picture


def _pixels_under(start: int, count: int, zoom: float) -> IndexArray:
    """The photograph pixel under the middle of each of ``count`` device pixels."""
    pixels: IndexArray = np.floor((np.arange(start, start + count) + 0.5) / zoom).astype(np.int64)
    return pixels


def _parts_within(polygon: FloatArray, size: tuple[int, int], margin: float) -> list[FloatArray]:
    """Open lines of those sides of a closed polygon that come near a picture of ``size`` = (width, height)."""
    line = np.concatenate([polygon, polygon[:1]])
    low, high = np.minimum(line[:-1], line[1:]), np.maximum(line[:-1], line[1:])
    near = ((high >= -margin) & (low <= np.asarray(size) + margin)).all(axis=1)
    changes = np.flatnonzero(np.diff(np.concatenate([[False], near, [False]])))
    return [line[begin : end + 1] for begin, end in changes.reshape(-1, 2)]
