"""What a tool would change, shown on the photograph before it does."""

from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from core.masks.edits import BACKGROUND, VESSEL
from core.masks.strokes import Footprint, Point
from serr_gui.canvas.tools import View

COLOURS: Final = {VESSEL: QColor(255, 196, 0, 170), BACKGROUND: QColor(255, 40, 90, 190)}
"""Of pixels that become vessel, or background; of those that are given back to the network, ``GIVEN_BACK``."""
GIVEN_BACK: Final = QColor(120, 220, 120, 150)


class Preview:
    """Pixels in a colour. The picture is made once and scaled by the painter, so that a view that moves stays quick."""

    def __init__(self, footprint: Footprint, code: int) -> None:
        self.footprint, self.code = footprint, code
        pixels = np.ascontiguousarray(footprint.pixels.view(np.uint8))
        height, width = pixels.shape
        indexed = QImage(pixels.data, width, height, width, QImage.Format.Format_Indexed8)
        indexed.setColorTable([0, COLOURS.get(code, GIVEN_BACK).rgba()])
        self._image = indexed.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)

    def paint(self, painter: QPainter, view: View) -> None:
        """In device pixels of the view."""
        part = self.footprint
        height, width = part.pixels.shape
        near = QPointF(*view.device_point(part.left, part.top))
        far = QPointF(*view.device_point(part.left + width, part.top + height))
        painter.drawImage(QRectF(near, far), self._image)


def paint_line(painter: QPainter, view: View, points: list[Point], *, dashed: bool = False) -> None:
    """A light line in a dark one, seen on every ground."""
    line = [QPointF(*view.device_point(*point)) for point in points]
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
    for colour, width in ((Qt.GlobalColor.black, 2.6), (Qt.GlobalColor.white, 1.2)):
        painter.setPen(QPen(colour, width, style))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(line)


def paint_knots(painter: QPainter, view: View, points: list[Point]) -> None:
    """Small discs where a person has clicked."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(Qt.GlobalColor.black, 1.4))
    painter.setBrush(Qt.GlobalColor.white)
    for point in points:
        painter.drawEllipse(QPointF(*view.device_point(*point)), 3.6, 3.6)
