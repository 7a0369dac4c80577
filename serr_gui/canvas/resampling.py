"""Photographs and level maps at the resolution of the screen, in plain numpy and OpenCV.

Both pyramids answer ``render(zoom, box)``: the rectangle ``box`` = (left, top, right, bottom) of the zoomed image,
in device pixels counted from the image's corner. A device pixel's value depends on its place in the image alone,
never on the box, so that parts can be put together (``Scrolled``).

The photograph is smoothed when it is made smaller and keeps crisp pixels when it is made much larger. The levels
may not be averaged: below 100 % a device pixel holds the **largest** level of the photograph pixels that fall on
it. Taking the largest and comparing with a threshold can be done in either order, so at each threshold a device
pixel shows vessel exactly when the mask has a vessel pixel there: a vessel thinner than a device pixel is never
lost, as it is with the nearest pixel, and one table look-up still moves the threshold. The price is that vessels
look up to one device pixel wider when zoomed out. From 100 % on each device pixel holds the level of the photograph
pixel under its middle, so that mask and photograph pixels match one to one.
"""

import math
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import numpy.typing as npt

from core.types import ByteArray

Box = tuple[int, int, int, int]
Render = Callable[[float, Box], ByteArray]
IndexArray = npt.NDArray[np.int64]

_WINDOW_PX = 300
"""A photograph in a small window; what is halved often is small, and costs little."""
CRISP_FROM = 2.0
"""Zoom from which the photograph's pixels are shown as squares."""


def zoomed_length(length: int, zoom: float) -> int:
    """How many device pixels ``length`` photograph pixels take: each of them falls on one of these."""
    if zoom >= 1.0:
        return max(1, math.ceil(length * zoom - 0.5))
    return math.floor((length - 0.5) * zoom) + 1


def zoomed_size(shape: tuple[int, int], zoom: float) -> tuple[int, int]:
    """Width and height in device pixels of an image of (height, width) pixels."""
    return zoomed_length(shape[1], zoom), zoomed_length(shape[0], zoom)


def _nearest(start: int, stop: int, zoom: float, length: int) -> IndexArray:
    """Index of the pixel under the middle of each device pixel from ``start`` to ``stop``."""
    places: IndexArray = np.floor((np.arange(start, stop) + 0.5) / zoom).astype(np.int64)
    return places.clip(0, length - 1)


def _edges(start: int, stop: int, zoom: float, length: int, *, to_end: bool) -> IndexArray:
    """First pixel of each device pixel from ``start`` to ``stop``, and the end of the last; for zoom <= 1."""
    edges: IndexArray = np.ceil(np.arange(start, stop + 1) / zoom - 0.5).astype(np.int64).clip(0, length)
    if to_end:  # a stage's last pixel may stand for less than its full share and have its middle beyond the image
        edges[-1] = length
    return edges


def _largest_by_row(levels: ByteArray, edges: IndexArray) -> ByteArray:
    """The largest of the rows edges[i] to edges[i + 1] - 1 for each i: shape (len(edges) - 1, width)."""
    first, last = edges[:-1], np.maximum(edges[1:] - 1, edges[:-1])
    last = np.minimum(last, levels.shape[0] - 1)
    first = np.minimum(first, last)
    result: ByteArray = levels[first]
    for step in range(1, int((last - first).max(initial=0)) + 1):
        np.maximum(result, levels[np.minimum(first + step, last)], out=result)
    return result


def _halve_largest(levels: ByteArray) -> ByteArray:
    """Half the size, each pixel the largest of its up to four; an odd last row or column is taken alone."""
    height, width = levels.shape
    rows = levels[::2].copy()
    np.maximum(rows[: height // 2], levels[1::2], out=rows[: height // 2])
    columns = rows[:, ::2].copy()
    np.maximum(columns[:, : width // 2], rows[:, 1::2], out=columns[:, : width // 2])
    return columns


def _stages_of(shape: tuple[int, int]) -> int:
    """How many times an image is halved until a window is larger than it."""
    return max(0, math.ceil(math.log2(max(*shape, 1) / _WINDOW_PX)))


class LevelPyramid:
    """Level map, uint8 (H, W), at any zoom. Each stage halves the one before by taking the largest of four.

    The map is not copied. Where its owner changes it, ``refresh`` says in which box; ``write`` changes a copy.
    """

    def __init__(self, levels: ByteArray) -> None:
        self._stages = [levels]
        self._owns_map = False
        self.shape = (levels.shape[0], levels.shape[1])

    @property
    def levels(self) -> ByteArray:
        """The map, uint8 (H, W); do not write to it."""
        return self._stages[0]

    def refresh(self, box: Box) -> None:
        """The map has changed in a box of its own pixels: halve that part again, and no other."""
        left, top, right, bottom = box
        for number in range(1, len(self._stages)):
            left, top, right, bottom = left // 2, top // 2, -(-right // 2), -(-bottom // 2)
            part = self._stages[number - 1][2 * top : 2 * bottom, 2 * left : 2 * right]
            self._stages[number][top:bottom, left:right] = _halve_largest(part)

    def write(self, box: Box, levels: ByteArray) -> None:
        """Put other levels into a box, in a map of the pyramid's own; the one that it was made of stays as it is."""
        if not self._owns_map:
            self._stages[0], self._owns_map = self._stages[0].copy(), True
        left, top, right, bottom = box
        self._stages[0][top:bottom, left:right] = levels
        self.refresh(box)

    def make_stages(self) -> None:
        """Make those that a window may show, which are otherwise made when they are first wanted."""
        self._stage(_stages_of(self.shape))

    def _stage(self, number: int) -> ByteArray:
        while len(self._stages) <= number:
            self._stages.append(_halve_largest(self._stages[-1]))
        return self._stages[number]

    def render(self, zoom: float, box: Box) -> ByteArray:
        """uint8 (bottom - top, right - left), C order."""
        left, top, right, bottom = box
        if zoom == 1.0:
            return self._stages[0][top:bottom, left:right].copy()
        if zoom > 1.0:
            rows = _nearest(top, bottom, zoom, self.shape[0])
            columns = _nearest(left, right, zoom, self.shape[1])
            part = self._stages[0][rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            magnified: ByteArray = part[:, columns - columns[0]][rows - rows[0]]
            return magnified
        number = math.floor(-math.log2(zoom))
        stage = self._stage(number)
        rest = zoom * 2**number
        width, height = zoomed_size(self.shape, zoom)
        rows = _edges(top, bottom, rest, stage.shape[0], to_end=bottom == height)
        columns = _edges(left, right, rest, stage.shape[1], to_end=right == width)
        begin, end = max(0, int(columns[0]) - 1), min(stage.shape[1], int(columns[-1]) + 1)
        strip = _largest_by_row(stage[:, begin:end], rows)
        # Columns are gathered as rows of the transposed strip: several times faster than along the contiguous axis.
        turned = np.asarray(cv2.transpose(strip), dtype=np.uint8)
        return np.asarray(cv2.transpose(_largest_by_row(turned, columns - begin)), dtype=np.uint8)


class PhotoPyramid:
    """Photograph, uint8 (H, W, 3) or grey (H, W), at any zoom. Each stage halves the one before by averaging."""

    def __init__(self, pixels: ByteArray) -> None:
        self._pixels = pixels
        self._to_screen = cv2.COLOR_RGB2BGRA if pixels.ndim == 3 else cv2.COLOR_GRAY2BGRA
        self._halved: list[ByteArray] = []
        self.shape = (pixels.shape[0], pixels.shape[1])

    @property
    def pixels(self) -> ByteArray:
        """The photograph; do not write to it."""
        return self._pixels

    def make_stages(self) -> None:
        """As ``LevelPyramid.make_stages``."""
        if number := _stages_of(self.shape):
            self._stage(number)

    def _stage(self, number: int) -> ByteArray:
        """A halved stage, in the screen's four channels: OpenCV warps four more than twice as fast as three."""
        while len(self._halved) < number:
            last = self._halved[-1] if self._halved else self._pixels
            size = (-(-last.shape[1] // 2), -(-last.shape[0] // 2))
            half = np.asarray(cv2.resize(last, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
            self._halved.append(half if self._halved else self._screen(half))
        return self._halved[number - 1]

    def render(self, zoom: float, box: Box) -> ByteArray:
        """uint8 (bottom - top, right - left, 4): blue, green, red, 255, which is Qt's RGB32 in little-endian memory."""
        left, top, right, bottom = box
        if zoom == 1.0:
            return self._screen(self._pixels[top:bottom, left:right])
        if zoom >= CRISP_FROM:
            rows = _nearest(top, bottom, zoom, self.shape[0])
            columns = _nearest(left, right, zoom, self.shape[1])
            part = self._screen(self._pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
            packed = part.view(np.uint32)[:, :, 0]
            gathered: npt.NDArray[np.uint32] = packed[:, columns - columns[0]][rows - rows[0]]
            return gathered.view(np.uint8).reshape(bottom - top, right - left, 4)
        number = max(0, math.floor(-math.log2(zoom)))
        stage = self._stage(number) if number else self._pixels
        # Shape ratios instead of powers of two: a stage of odd size is stretched over the whole photograph.
        scale_x = stage.shape[1] / self.shape[1] / zoom
        scale_y = stage.shape[0] / self.shape[0] / zoom
        x, y = (left + 0.5) * scale_x - 0.5, (top + 0.5) * scale_y - 0.5
        # Only the part that is needed: OpenCV's warps take at most 32767 pixels a side. Where a photograph is smaller
        # than one device pixel, that pixel's middle lies beyond its edge: the edge itself is needed then.
        begin_x = min(max(0, math.floor(x) - 1), stage.shape[1] - 1)
        begin_y = min(max(0, math.floor(y) - 1), stage.shape[0] - 1)
        end_x = math.ceil(x + (right - left) * scale_x) + 2
        end_y = math.ceil(y + (bottom - top) * scale_y) + 2
        source = stage[begin_y:end_y, begin_x:end_x]
        warped = cv2.warpAffine(
            source if number else self._screen(source),
            np.array([[scale_x, 0.0, x - begin_x], [0.0, scale_y, y - begin_y]]),
            (right - left, bottom - top),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(warped, dtype=np.uint8)

    def _screen(self, pixels: ByteArray) -> ByteArray:
        return np.asarray(cv2.cvtColor(pixels, self._to_screen), dtype=np.uint8)


class Scrolled:
    """The part of a zoomed image that is in view, kept so that a pan renders only what has come into view."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._zoom = 0.0
        self._box: Box = (0, 0, 0, 0)
        self._pixels: ByteArray | None = None

    def part(self, zoom: float, box: Box) -> ByteArray:
        """The same as rendering ``box`` at ``zoom``; do not write to it."""
        old = self._pixels
        if old is not None and zoom == self._zoom and box == self._box:
            return old
        shared = _intersection(box, self._box)
        if old is None or zoom != self._zoom or shared is None:
            new = self._render(zoom, box)
        else:
            new = np.empty((box[3] - box[1], box[2] - box[0], *old.shape[2:]), dtype=np.uint8)
            _window(new, box, shared)[...] = _window(old, self._box, shared)
            for rest in _around(shared, box):
                _window(new, box, rest)[...] = self._render(zoom, rest)
        self._zoom, self._box, self._pixels = zoom, box, new
        return new

    def look(self, zoom: float, box: Box) -> ByteArray:
        """As ``part``; where ``box`` is a piece of what is kept, that stays as it is and the answer is a view of it."""
        shared = _intersection(box, self._box)
        if self._pixels is not None and zoom == self._zoom and shared == box:
            return _window(self._pixels, self._box, box)
        return self.part(zoom, box)

    def refresh(self, box: Box) -> Box | None:
        """Render again what a box of the photograph's pixels covers; which part that is, None where none is kept."""
        if self._pixels is None:
            return None
        part = _intersection(device_box(box, self._zoom), self._box)
        if part is not None:
            _window(self._pixels, self._box, part)[...] = self._render(self._zoom, part)
        return part


def device_box(box: Box, zoom: float) -> Box:
    """The device pixels that may show something of a box of photograph pixels, with a little around them.

    A stage's pixel stands for up to 1 / zoom photograph pixels and falls on one device pixel, so none is further away.
    """
    return (
        math.floor(box[0] * zoom) - 2,
        math.floor(box[1] * zoom) - 2,
        math.ceil(box[2] * zoom) + 2,
        math.ceil(box[3] * zoom) + 2,
    )


def _intersection(one: Box, other: Box) -> Box | None:
    left, top = max(one[0], other[0]), max(one[1], other[1])
    right, bottom = min(one[2], other[2]), min(one[3], other[3])
    return (left, top, right, bottom) if left < right and top < bottom else None


def _around(inner: Box, outer: Box) -> Iterator[Box]:
    """The up to four boxes that make up ``outer`` without ``inner``."""
    left, top, right, bottom = outer
    candidates = (
        (left, top, right, inner[1]),
        (left, inner[3], right, bottom),
        (left, inner[1], inner[0], inner[3]),
        (inner[2], inner[1], right, inner[3]),
    )
    return (box for box in candidates if box[0] < box[2] and box[1] < box[3])


def _window(pixels: ByteArray, box: Box, part: Box) -> ByteArray:
    """View of the part of ``pixels``, which hold ``box``."""
    return pixels[part[1] - box[1] : part[3] - box[1], part[0] - box[0] : part[2] - box[0]]
