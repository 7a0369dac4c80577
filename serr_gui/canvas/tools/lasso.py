"""Regions that a hand outlines: dragged around in one go, or clicked corner by corner."""

import math

from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPolygonF

from core.masks.edits import VESSEL
from core.masks.strokes import Point, polygon
from serr_gui.canvas.tools import Pointer, Tool, View
from serr_gui.canvas.tools.preview import COLOURS, GIVEN_BACK, paint_knots, paint_line

_DRAG_SCREEN_PX = 6.0
"""A press that moves less is a click, which sets a corner."""
_SHOWN_ALPHA = 90


class LassoTool(Tool):
    """``chosen`` carries the pixels of the region and the code that they get.

    ``code`` is that of the left button. Ctrl held at the first press swaps vessel and background; the right button
    makes background.
    """

    chosen = Signal(object, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.code = VESSEL
        self.zoom = 1.0
        self.reset()

    def reset(self) -> None:
        self._line: list[Point] = []
        self._corners: list[int] = []
        self._painted = self.code
        self._button: Qt.MouseButton | None = None
        self._pointer: Point | None = None

    @property
    def is_busy(self) -> bool:
        return self._button is not None

    def press(self, pointer: Pointer) -> None:
        if self._button is not None:
            return
        if not self._line:
            self._painted = pointer.code_for(self.code)
        self._button, self._pointer = pointer.button, pointer.at
        self._corners.append(len(self._line))
        self._line.append(pointer.at)

    def move(self, pointer: Pointer) -> None:
        self._pointer = pointer.at
        if self._button is not None and math.dist(self._line[-1], pointer.at) * self.zoom >= 1.0:
            self._line.append(pointer.at)
        if self._line:
            self.looksChanged.emit()

    def release(self, pointer: Pointer) -> None:
        if pointer.button != self._button:
            return
        self._button = None
        begin = self._corners[-1]
        dragged = max(math.dist(self._line[begin], point) for point in self._line[begin:]) * self.zoom
        if dragged < _DRAG_SCREEN_PX:
            del self._line[begin + 1 :]
        elif begin == 0:  # around in one go
            self._close()

    def double_click(self, pointer: Pointer) -> None:
        """Close the region: the first press has set the last corner."""
        self._close()

    def key(self, key: Qt.Key) -> bool:
        if not self._line or self._button is not None:
            return False
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._close()
        elif key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            del self._line[self._corners.pop() :]
        else:
            return False
        return True

    def finish(self) -> None:
        """A line that is dragged is closed; corners that were only clicked outline nothing yet."""
        if self._button is not None and self._corners == [0]:
            self._close()
        self.reset()

    def cancel(self) -> bool:
        begun = bool(self._line)
        self.reset()
        return begun

    def _close(self) -> None:
        line, code = self._line, self._painted
        self.reset()
        part = polygon(line)
        if part.pixels.any():
            self.chosen.emit(part, code)
        self.looksChanged.emit()

    def paint(self, painter: QPainter, view: View, at: Point | None) -> None:
        self.zoom = view.zoom
        if not self._line:
            return
        line = [*self._line, *((at,) if at is not None else ())]
        colour = QColor(COLOURS.get(self._painted, GIVEN_BACK))
        colour.setAlpha(_SHOWN_ALPHA)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawPolygon(QPolygonF([QPointF(*view.device_point(*point)) for point in line]))
        paint_line(painter, view, line)
        paint_line(painter, view, [line[-1], line[0]], dashed=True)
        if len(self._corners) > 1 or self._button is None:
            paint_knots(painter, view, [self._line[corner] for corner in self._corners])

    def reach_px(self) -> float:
        return math.inf if self._line else 0.0
