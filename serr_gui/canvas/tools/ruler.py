"""A line between two points of the photograph, with its length."""

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from core.masks.strokes import Point
from serr_gui.canvas.tools import Pointer, Tool, View
from serr_gui.canvas.tools.preview import paint_knots


class RulerTool(Tool):
    """Changes nothing; its line stays until the next one.

    ``pixel_um`` : size of a pixel, None where not known. ``is_assumed`` : nobody has measured it.
    """

    def __init__(self, parent: object = None) -> None:
        super().__init__(parent)  # type: ignore[arg-type]
        self.pixel_um: float | None = None
        self.is_assumed = False
        self._line: tuple[Point, Point] | None = None
        self._drags = False

    @property
    def is_busy(self) -> bool:
        return self._drags

    def length_text(self) -> str:
        """The length of the line, in pixels and, where their size is known, in micrometres; empty without a line."""
        if self._line is None:
            return ""
        length = math.dist(*self._line)
        text = f"{length:.1f} px"
        if self.pixel_um is None:
            return text
        unit = self.tr("\u00b5m assumed") if self.is_assumed else "\u00b5m"
        return f"{length * self.pixel_um:.0f} {unit} ({text})"

    def press(self, pointer: Pointer) -> None:
        if not pointer.erases:
            self._line, self._drags = (pointer.at, pointer.at), True

    def move(self, pointer: Pointer) -> None:
        if self._drags and self._line is not None:
            self._line = self._line[0], pointer.at

    def release(self, pointer: Pointer) -> None:
        self.move(pointer)
        self.finish()

    def finish(self) -> None:
        self._drags = False

    def cancel(self) -> bool:
        had, self._line, self._drags = self._line is not None, None, False
        self.looksChanged.emit()
        return had

    def reset(self) -> None:
        self._line, self._drags = None, False

    def paint(self, painter: QPainter, view: View, at: Point | None) -> None:
        if self._line is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        first, last = (QPointF(*view.device_point(*point)) for point in self._line)
        for colour, width in ((Qt.GlobalColor.black, 4.0), (Qt.GlobalColor.yellow, 1.8)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(first, last)
        paint_knots(painter, view, list(self._line))
        font = painter.font()
        font.setPixelSize(max(14, round(painter.fontMetrics().height() * painter.device().devicePixelRatioF())))
        painter.setFont(font)
        text, metrics = self.length_text(), painter.fontMetrics()
        size = QRectF(0, 0, metrics.horizontalAdvance(text) + 12, metrics.height() + 6)
        size.moveCenter((first + last) / 2 + QPointF(0, -metrics.height() * 1.2))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(45, 50, 54, 225))
        painter.drawRoundedRect(size, 4, 4)
        painter.setPen(Qt.GlobalColor.white)
        painter.drawText(size, Qt.AlignmentFlag.AlignCenter, text)
