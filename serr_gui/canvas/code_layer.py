"""Marked pixels over the photograph, each code in a colour: what a hand has decided, and what is questionable."""

from collections.abc import Sequence

import numpy as np
from PySide6.QtGui import QImage

from core.types import ByteArray
from serr_gui.canvas.overlays import to_argb32
from serr_gui.canvas.resampling import Box, LevelPyramid, Scrolled

_HATCH_PX = 3
"""Of lines and of the gaps between them, in units of length of the window."""


class CodeLayer:
    """Codes, uint8 (H, W), that are painted in ``colours`` (red, green, blue, alpha) by code; 0 shows nothing.

    Zoomed out, the largest code of the pixels that fall on one of the screen is shown, so that none is lost.
    ``hatched`` : in stripes, so that it can be told from the mask without its colour.
    """

    def __init__(self, colours: Sequence[tuple[int, int, int, int]], *, hatched: bool = False) -> None:
        self._lut = np.array([(0, 0, 0, 0), *colours], np.uint8)
        self._hatched = hatched
        self._pyramid: LevelPyramid | None = None
        self._scrolled: Scrolled | None = None
        self._codes: ByteArray | None = None
        self._kept: tuple[tuple[float, Box, float], QImage | None] | None = None

    @property
    def codes(self) -> ByteArray | None:
        """What is shown."""
        return self._codes

    def set_codes(self, codes: ByteArray | None) -> None:
        """Another map; None shows nothing. It is not copied."""
        self._codes, self._kept = codes, None
        self._pyramid = None if codes is None else LevelPyramid(codes)
        self._scrolled = None if self._pyramid is None else Scrolled(self._pyramid.render)

    def refresh(self, box: Box) -> None:
        """The map has changed in place in a box of photograph pixels (left, top, right, bottom)."""
        if self._pyramid is not None and self._scrolled is not None:
            self._pyramid.refresh(box)
            self._scrolled.refresh(box)
            self._kept = None

    def picture(self, zoom: float, box: Box, pixel_ratio: float) -> QImage | None:
        """The part ``box`` of the zoomed photograph (``serr_gui.canvas.resampling``); None where nothing is marked."""
        key = (zoom, box, pixel_ratio)
        if self._kept is None or self._kept[0] != key:
            self._kept = key, self._made(zoom, box, pixel_ratio)
        return self._kept[1]

    def _made(self, zoom: float, box: Box, pixel_ratio: float) -> QImage | None:
        if self._scrolled is None:
            return None
        codes = np.ascontiguousarray(self._scrolled.part(zoom, box))
        if not codes.any():
            return None
        if self._hatched:
            width = max(1, round(_HATCH_PX * pixel_ratio))
            rows, columns = np.arange(box[1], box[3])[:, None], np.arange(box[0], box[2])[None, :]
            codes = codes * ((rows + columns) // width % 2 == 0).view(np.uint8)
        height, length = codes.shape
        indexed = QImage(codes.data, length, height, length, QImage.Format.Format_Indexed8)
        indexed.setColorTable(to_argb32(self._lut))
        return indexed.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
