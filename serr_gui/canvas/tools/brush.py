"""A round brush that forces pixels to vessel, or, as the eraser, to background.

The right button always forces background, and Ctrl held takes the other code. With Shift a straight line is drawn from
press to release; a click with Shift draws one from the end of the last stroke.
"""

import math

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPen

from core.masks.strokes import Footprint, Point, brush_step
from serr_gui.canvas.tools import Pointer, Tool, View

_PIXELS_FROM_ZOOM, _PIXELS_UP_TO = 3.0, 64
"""From this zoom on, and up to this size, the ring follows the very pixels that a click touches."""
_SMALLEST_RING = 3.0
_CLICK_PX = 1.5


class BrushTool(Tool):
    """``began`` carries the code that is painted, ``stepped`` a ``Footprint``; then ``ended`` or ``givenUp``.

    ``size_px`` is the diameter, with ``by_pressure`` that of a pen pressed as hard as can be.
    """

    began = Signal(int)
    stepped = Signal(object)
    ended = Signal()
    givenUp = Signal()

    def __init__(self, code: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.code = code
        self.size_px = 1
        self.by_pressure = False
        self._button: Qt.MouseButton | None = None
        self._last: Point | None = None
        self._last_px = 1.0
        self._straight_from: Point | None = None
        self._pointer: Point | None = None

    @property
    def is_busy(self) -> bool:
        return self._button is not None

    def press(self, pointer: Pointer) -> None:
        if self._button is not None:
            return
        self._button = pointer.button
        self._pointer = pointer.at
        self.began.emit(pointer.code_for(self.code))
        if pointer.straight:
            self._straight_from = pointer.at
        else:
            self._last_px = self._diameter(pointer)
            self._step(pointer.at, pointer.at, self._last_px)

    def move(self, pointer: Pointer) -> None:
        self._pointer = pointer.at
        if self._button is not None and self._straight_from is None and self._last is not None:
            self._step(self._last, pointer.at, self._diameter(pointer))

    def release(self, pointer: Pointer) -> None:
        if self._button is None or pointer.button != self._button:
            return
        if pointer.pressure is None:  # a pen presses no more where it leaves, and was there already
            self.move(pointer)
        self.finish()

    def finish(self) -> None:
        if self._button is None:
            return
        begin, end = self._straight_from, self._pointer
        if begin is not None and end is not None:
            if math.dist(begin, end) < _CLICK_PX and self._last is not None:
                begin = self._last
            self._last_px = float(self.size_px)
            self._step(begin, end, self._last_px)
        self._button = self._straight_from = None
        self.ended.emit()

    def cancel(self) -> bool:
        if self._button is None:
            return False
        self._button = self._straight_from = None
        self.givenUp.emit()
        return True

    def reset(self) -> None:
        """No straight line begins where the last stroke on another photograph ended."""
        self._last = None

    def _step(self, start: Point, end: Point, end_px: float) -> None:
        self.stepped.emit(brush_step(start, end, self._last_px, end_px))
        self._last, self._last_px = end, end_px

    def _diameter(self, pointer: Pointer) -> float:
        if not self.by_pressure or pointer.pressure is None:
            return float(self.size_px)
        return max(1.0, self.size_px * pointer.pressure)

    def reach_px(self) -> float:
        return math.inf if self._straight_from is not None else self.size_px / 2.0 + 1.0

    def paint(self, painter: QPainter, view: View, at: Point | None) -> None:
        if at is None:
            return
        shapes = QPainterPath()
        if view.zoom >= _PIXELS_FROM_ZOOM and self.size_px <= _PIXELS_UP_TO:
            shapes = _outline_of(brush_step(at, at, float(self.size_px)), view)
        else:
            radius = max(self.size_px / 2.0 * view.zoom, _SMALLEST_RING)
            shapes.addEllipse(QPointF(*view.device_point(*at)), radius, radius)
        if self._straight_from is not None:
            shapes.moveTo(QPointF(*view.device_point(*self._straight_from)))
            shapes.lineTo(QPointF(*view.device_point(*at)))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for colour, width in ((Qt.GlobalColor.black, 3.0), (Qt.GlobalColor.white, 1.2)):
            painter.setPen(QPen(colour, width))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(shapes)


def _outline_of(footprint: Footprint, view: View) -> QPainterPath:
    """The border of the touched pixels: each row of a round brush is one run."""
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.WindingFill)
    for row, pixels in enumerate(footprint.pixels):
        columns = pixels.nonzero()[0]
        if len(columns):
            near = view.device_point(footprint.left + int(columns[0]), footprint.top + row)
            far = view.device_point(footprint.left + int(columns[-1]) + 1, footprint.top + row + 1)
            path.addRect(QRectF(QPointF(*near), QPointF(*far)))
    return path.simplified()
