"""The pictures that lie on one another in the view, at the resolution of the screen and for the visible part only.

From below: the photograph, the overlay (the level map through 256 colours), the error map (in place of the mask), what
a hand has decided, what is questionable, the outline of the field of view. Vessels in the colours of a measure are in
place of the mask, too. Each is kept until what it depends on
changes, so that a step of the threshold makes only the overlay and the error map again, from one or two bytes for each
device pixel; the size of the photograph does not enter.

Zoomed out, the error map compares what is seen of the mask with what would be seen of the label: a device pixel counts
as found, or drawn, where any of its photograph's pixels is. So a missed or false vessel is never lost, however thin,
and a border that is off by less than a device pixel is right. From 100 % on each pixel is judged by itself.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import cv2
import numpy as np
from PySide6.QtGui import QImage, QPainter

from core.threshold_rule import LEVELS
from core.types import BoolArray, ByteArray
from serr_gui.canvas.code_layer import CodeLayer
from serr_gui.canvas.overlays import (
    ErrorStyle,
    FovOutline,
    OverlayStyle,
    Tone,
    build_lut,
    error_codes,
    error_lut,
    to_argb32,
    with_rim,
)
from serr_gui.canvas.prepared import Prepared
from serr_gui.canvas.resampling import Box, LevelPyramid, PhotoPyramid, Scrolled
from serr_gui.canvas.vessel_marks import CLASS_COLOURS

_OPAQUE = QImage.Format.Format_RGB32
_PREMULTIPLIED = QImage.Format.Format_ARGB32_Premultiplied


EDIT_COLOURS = ((255, 64, 129, 215), (255, 214, 0, 215))
"""Of pixels that a hand has made background, and vessel."""
QUESTIONABLE_COLOUR = (186, 104, 255, 225)


class Layers:
    """What is shown, and the pictures of it.

    ``style``, ``tone``, ``error_style`` (None: no error map), ``threshold_level``, ``overlay_visible``,
    ``fov_visible`` and ``wipe_from`` (the device pixel, from the left of the zoomed photograph, from which the picture
    of ``set_wiped`` is shown; None: nowhere) may be set at any time; the next pictures follow.
    """

    def __init__(self) -> None:
        self.style = OverlayStyle()
        self.tone = Tone()
        self.error_style: ErrorStyle | None = None
        self.threshold_level = LEVELS // 2
        self.overlay_visible = True
        self.fov_visible = True
        self.wipe_from: int | None = None
        self.prepared: Prepared | None = None
        self._base: Scrolled | None = None
        self._wiped: Scrolled | None = None
        self._wiped_scale = 1
        self._levels: ByteArray | None = None
        self._scrolled_levels: Scrolled | None = None
        self._error_levels: ByteArray | None = None
        self._drawn: ByteArray | None = None
        self._error_region: BoolArray | None = None
        self._pyramid: LevelPyramid | None = None
        self._error_pyramid: LevelPyramid | None = None
        self._scrolled_error_levels: Scrolled | None = None
        self._scrolled_drawn: Scrolled | None = None
        self.edits = CodeLayer(EDIT_COLOURS)
        self.questionable = CodeLayer([QUESTIONABLE_COLOUR], hatched=True)
        self.classes = CodeLayer([(*colour, 255) for colour in CLASS_COLOURS])
        self.shows_edits = False
        self.shows_questionable = True
        self._outline: FovOutline | None = None
        self._rim_px = 1
        self._base_image = _Kept()
        self._overlay_image = _Kept()
        self._error_image = _Kept()
        self._outline_image = _Kept()

    def set_base(self, pixels: ByteArray | None) -> None:
        """The lowest picture: uint8 (H, W, 3) or (H, W)."""
        self._base = None
        if pixels is not None:
            pixels = np.ascontiguousarray(pixels)
            made = self.prepared.photo(pixels) if self.prepared is not None else None
            self._base = Scrolled((made or PhotoPyramid(pixels)).render)
        self._base_image = _Kept()

    def set_wiped(self, pixels: ByteArray | None, scale: int = 1) -> None:
        """The picture that takes the place of the lowest one from ``wipe_from`` on, ``scale`` times as fine."""
        self._wiped = None if pixels is None else Scrolled(PhotoPyramid(np.ascontiguousarray(pixels)).render)
        self._wiped_scale = scale
        self._base_image = _Kept()

    def set_levels(self, levels: ByteArray | None) -> None:
        """The level map, uint8 (H, W)."""
        self._levels = None if levels is None else np.ascontiguousarray(levels)
        self._pyramid = None
        if self._levels is not None:
            made = self.prepared.levels(self._levels) if self.prepared is not None else None
            self._pyramid = made or LevelPyramid(self._levels)
        self._scrolled_levels = None if self._pyramid is None else Scrolled(self._pyramid.render)
        self._overlay_image = _Kept()

    def set_errors(self, levels: ByteArray | None, drawn: ByteArray | None, region: BoolArray | None = None) -> None:
        """What the error map compares, both uint8 (H, W) and 0 outside the region: levels, and 1 where was drawn.

        ``region`` : bool (H, W), where it compares; None for everywhere. ``refresh_levels`` keeps to it.
        """
        if levels is None or drawn is None:
            levels, drawn = None, None
        self._error_image = _Kept()
        self._error_region = region
        if drawn is not self._drawn:
            self._drawn = drawn
            self._scrolled_drawn = None if drawn is None else Scrolled(LevelPyramid(drawn).render)
        if levels is not self._error_levels:
            self._error_levels = levels
            if levels is self._levels:
                self._error_pyramid, self._scrolled_error_levels = self._pyramid, self._scrolled_levels
            else:
                self._error_pyramid = None if levels is None else LevelPyramid(levels)
                self._scrolled_error_levels = (
                    None if self._error_pyramid is None else Scrolled(self._error_pyramid.render)
                )

    def refresh_levels(self, box: Box) -> None:
        """The level map has changed in place in a box of photograph pixels: bring overlay and error map up to it."""
        self.edits.refresh(box)
        if self._levels is None or self._pyramid is None or self._scrolled_levels is None:
            return
        self._pyramid.refresh(box)
        part = self._scrolled_levels.refresh(box)
        if part is not None:
            style = (self._overlay_style, self.threshold_level)
            self._overlay_image.patch(part, style, lambda zoom, wanted, _frame: self._overlay_part(zoom, wanted))
        self._refresh_errors(self._levels, box)

    def _refresh_errors(self, live: ByteArray, box: Box) -> None:
        if self._error_pyramid is None or self._scrolled_error_levels is None:
            return
        place = (slice(box[1], box[3]), slice(box[0], box[2]))
        levels = live[place]
        if self._error_region is not None:
            levels = levels * self._error_region[place].view(np.uint8)
        self._error_pyramid.write(box, levels)
        part = self._scrolled_error_levels.refresh(box)
        if part is not None:
            rim = self._rim_px

            def paint(zoom: float, wanted: Box, frame: Box) -> QImage:
                return self._error_picture(zoom, _grown(wanted, rim, frame), wanted)

            self._error_image.patch(part, (self.error_style, self.threshold_level), paint, margin=rim)

    def set_fov(self, inside: BoolArray | None) -> None:
        """The field of view, bool (H, W)."""
        made = self.prepared.outline(inside) if self.prepared is not None and inside is not None else None
        self._outline = None if inside is None else made or FovOutline(inside)
        self._outline_image = _Kept()

    def mask(self) -> BoolArray | None:
        """Bool (H, W), the pixels that the pictures show as vessel; None where they show none."""
        if self._levels is None or not self.overlay_visible or not self._overlay_style.show_mask:
            return None
        return self._levels >= self.threshold_level

    @property
    def shows_errors(self) -> bool:
        """Whether the error map is painted, in place of the mask."""
        return self.error_style is not None and self._drawn is not None and self.overlay_visible

    @property
    def shows_classes(self) -> bool:
        """Whether vessels are painted in the colours of a measure, in place of the mask."""
        return self.classes.codes is not None and self.overlay_visible and not self.shows_errors

    def errors(self) -> ByteArray | None:
        """Codes of the error map, uint8 (H, W); None where none is painted."""
        if not self.shows_errors or self._error_levels is None or self._drawn is None:
            return None
        levels = self._error_levels if self._error_pyramid is None else self._error_pyramid.levels
        return error_codes(levels, self._drawn, self.threshold_level)

    def pictures(self, zoom: float, box: Box, pixel_ratio: float) -> Iterator[QImage]:
        """The pictures from below, each (right - left) x (bottom - top) device pixels; valid until the next call.

        Parameters
        ----------
        zoom, box : see ``serr_gui.canvas.resampling``.
        pixel_ratio : device pixels for one unit of length in the window.
        """
        if self._base is not None:
            if self._base_image.is_old((zoom, box, self.tone, self.wipe_from)):
                pixels = self._base_part(self._base, zoom, box)
                if self.tone != Tone():
                    pixels = np.asarray(cv2.LUT(pixels, self.tone.table()), np.uint8)
                self._base_image.hold(pixels, _OPAQUE)
            yield self._base_image.image
        style = self._overlay_style
        seen = style.show_mask or style.show_probability
        if self._scrolled_levels is not None and self.overlay_visible and seen:
            if self._overlay_image.is_old((zoom, box, style, self.threshold_level)):
                self._overlay_image.image = self._overlay_part(zoom, box)
            yield self._overlay_image.image
        if self.shows_errors:
            if self._error_image.is_old((zoom, box, self.error_style, self.threshold_level, pixel_ratio)):
                self._rim_px = max(1, int(pixel_ratio))
                self._error_image.image = self._error_picture(zoom, box)
            yield self._error_image.image
        for layer, is_shown in (
            (self.classes, self.shows_classes),
            (self.edits, self.shows_edits),
            (self.questionable, self.shows_questionable),
        ):
            picture = layer.picture(zoom, box, pixel_ratio) if is_shown and self.overlay_visible else None
            if picture is not None:
                yield picture
        if self._outline is not None and self.fov_visible:
            if self._outline_image.is_old((zoom, box, pixel_ratio)):
                size = (box[2] - box[0], box[3] - box[1])
                self._outline_image.hold(self._outline.draw(zoom, (box[0], box[1]), size, pixel_ratio), _PREMULTIPLIED)
            if not self._outline_image.image.isNull():
                yield self._outline_image.image

    def _base_part(self, base: Scrolled, zoom: float, box: Box) -> ByteArray:
        """The lowest picture, with the other one from the line of the wipe on."""
        pixels = base.part(zoom, box)
        start = None if self.wipe_from is None else min(max(self.wipe_from - box[0], 0), pixels.shape[1])
        if self._wiped is None or start is None or start == pixels.shape[1]:
            return pixels
        wiped = self._wiped.part(zoom / self._wiped_scale, box)
        return np.concatenate((pixels[:, :start], wiped[:, start:]), axis=1)

    @property
    def _overlay_style(self) -> OverlayStyle:
        return replace(self.style, show_mask=False) if self.shows_errors or self.shows_classes else self.style

    def _overlay_part(self, zoom: float, box: Box) -> QImage:
        if self._scrolled_levels is None:
            return QImage()
        levels = np.ascontiguousarray(self._scrolled_levels.look(zoom, box))
        return _coloured(levels, build_lut(self._overlay_style, self.threshold_level))

    def _error_picture(self, zoom: float, box: Box, inner: Box | None = None) -> QImage:
        """The error map in a box; ``inner`` : the part of it that is wanted, whose rims begin outside."""
        levels, drawn, style = self._scrolled_error_levels, self._scrolled_drawn, self.error_style
        if levels is None or drawn is None or style is None:
            return QImage()
        codes = error_codes(levels.look(zoom, box), drawn.look(zoom, box), self.threshold_level)
        codes = with_rim(codes, style, self._rim_px)
        if inner is not None:
            codes = codes[inner[1] - box[1] : inner[3] - box[1], inner[0] - box[0] : inner[2] - box[0]]
        return _coloured(np.ascontiguousarray(codes), error_lut(style))


def _grown(box: Box, margin: int, frame: Box) -> Box:
    """A box with a margin, as far as it lies in a frame."""
    return (
        max(box[0] - margin, frame[0]),
        max(box[1] - margin, frame[1]),
        min(box[2] + margin, frame[2]),
        min(box[3] + margin, frame[3]),
    )


def _coloured(indices: ByteArray, lut: ByteArray) -> QImage:
    height, width = indices.shape
    indexed = QImage(indices.data, width, height, width, QImage.Format.Format_Indexed8)
    indexed.setColorTable(to_argb32(lut))
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

    def patch(
        self, part: Box, style: tuple[object, ...], paint: Callable[[float, Box, Box], QImage], margin: int = 0
    ) -> None:
        """Paint a part of a level picture again. Its key begins with zoom, box and ``style``.

        ``paint`` gets the zoom, the part with a ``margin`` around it, and the box of the whole picture.
        """
        if self._key is None or self._key[2:4] != style or self.image.isNull():
            self._key = None
            return
        zoom, box = self._key[0], self._key[1]
        assert isinstance(zoom, float)
        assert isinstance(box, tuple)
        wanted = _grown(part, margin, box)
        painter = QPainter(self.image)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        painter.drawImage(wanted[0] - box[0], wanted[1] - box[1], paint(zoom, wanted, box))
        painter.end()

    def hold(self, pixels: ByteArray | None, image_format: QImage.Format) -> None:
        """Wrap an array (height, width, 4) without copying; the array lives as long as the picture."""
        if pixels is None:
            self.image, self._pixels = QImage(), None
            return
        height, width = pixels.shape[:2]
        self._pixels = pixels
        self.image = QImage(pixels.data, width, height, width * 4, image_format)
