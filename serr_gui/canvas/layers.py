"""The pictures that lie on one another in the view, at the resolution of the screen and for the visible part only.

From below: the photograph, the overlay (the level map through 256 colours), the outline of the field of view. Each
is kept until what it depends on changes, so that a step of the threshold makes only the overlay anew, from one byte
for each device pixel; the size of the photograph does not enter.
"""

from collections.abc import Iterator

import numpy as np
from PySide6.QtGui import QImage

from core.types import LEVELS, BoolArray, ByteArray
from serr_gui.canvas.overlays import FovOutline, OverlayStyle, build_lut, to_argb32
from serr_gui.canvas.resampling import Box, LevelPyramid, PhotoPyramid, Scrolled

_OPAQUE = QImage.Format.Format_RGB32
_PREMULTIPLIED = QImage.Format.Format_ARGB32_Premultiplied


class Layers:
    """What is shown, and the pictures of it.

    ``style``, ``threshold_level``, ``overlay_visible`` and ``fov_visible`` may be set at any time; the next
    pictures follow.
    """

    def __init__(self) -> None:
        self.style = OverlayStyle()
        self.threshold_level = LEVELS // 2
        self.overlay_visible = True
        self.fov_visible = True
        self._base: Scrolled | None = None
        self._levels: ByteArray | None = None
        self._scrolled_levels: Scrolled | None = None
        self._outline: FovOutline | None = None
        self._base_image = _Kept()
        self._overlay_image = _Kept()
        self._outline_image = _Kept()

    def set_base(self, pixels: ByteArray | None) -> None:
        """The lowest picture: uint8 (H, W, 3) or (H, W)."""
        self._base = None if pixels is None else Scrolled(PhotoPyramid(np.ascontiguousarray(pixels)).render)
        self._base_image = _Kept()

    def set_levels(self, levels: ByteArray | None) -> None:
        """The level map, uint8 (H, W)."""
        self._levels = None if levels is None else np.ascontiguousarray(levels)
        self._scrolled_levels = None if self._levels is None else Scrolled(LevelPyramid(self._levels).render)
        self._overlay_image = _Kept()

    def set_fov(self, inside: BoolArray | None) -> None:
        """The field of view, bool (H, W)."""
        self._outline = None if inside is None else FovOutline(inside)
        self._outline_image = _Kept()

    def mask(self) -> BoolArray | None:
        """Bool (H, W), the pixels that the pictures show as vessel; None where they show none."""
        if self._levels is None or not self.overlay_visible or not self.style.show_mask:
            return None
        return self._levels >= self.threshold_level

    def pictures(self, zoom: float, box: Box, pixel_ratio: float) -> Iterator[QImage]:
        """The pictures from below, each (right - left) x (bottom - top) device pixels; valid until the next call.

        Parameters
        ----------
        zoom, box : see ``serr_gui.canvas.resampling``.
        pixel_ratio : device pixels for one unit of length in the window.
        """
        if self._base is not None:
            if self._base_image.is_old((zoom, box)):
                self._base_image.hold(self._base.part(zoom, box), _OPAQUE)
            yield self._base_image.image
        if self._scrolled_levels is not None and self.overlay_visible:
            if self._overlay_image.is_old((zoom, box, self.style, self.threshold_level)):
                self._overlay_image.image = self._coloured(self._scrolled_levels.part(zoom, box))
            yield self._overlay_image.image
        if self._outline is not None and self.fov_visible:
            if self._outline_image.is_old((zoom, box, pixel_ratio)):
                size = (box[2] - box[0], box[3] - box[1])
                self._outline_image.hold(self._outline.draw(zoom, (box[0], box[1]), size, pixel_ratio), _PREMULTIPLIED)
            if not self._outline_image.image.isNull():
                yield self._outline_image.image

    def _coloured(self, levels: ByteArray) -> QImage:
        height, width = levels.shape
        indexed = QImage(levels.data, width, height, width, QImage.Format.Format_Indexed8)
        indexed.setColorTable(to_argb32(build_lut(self.style, self.threshold_level)))
        return indexed.convertToFormat(_PREMULTIPLIED)


class _Kept:
    """A picture and what it was made for."""

    def __init__(self) -> None:
        self.image = QImage()
        self._key: tuple[object, ...] | None = None
        self._pixels: ByteArray | None = None

    def is_old(self, key: tuple[object, ...]) -> bool:
        """Whether the picture was made for something else than ``key``; from now on it counts as made for it."""
        old = key != self._key
        self._key = key
        return old

    def hold(self, pixels: ByteArray | None, image_format: QImage.Format) -> None:
        """Wrap an array (height, width, 4) without copying; the array lives as long as the picture."""
        if pixels is None:
            self.image, self._pixels = QImage(), None
            return
        height, width = pixels.shape[:2]
        self._pixels = pixels
        self.image = QImage(pixels.data, width, height, width * 4, image_format)
