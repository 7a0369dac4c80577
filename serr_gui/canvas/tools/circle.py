"""A circle with handles, such as around the retina: moved by its middle, made larger or smaller by its edge."""

import math
from typing import Final, Literal

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QPainter, QPen

from core.masks.strokes import Point
from serr_gui.canvas.tools import Pointer, View
from serr_gui.canvas.tools.dragged_shape import DraggedShapeTool
from serr_gui.canvas.tools.preview import paint_knots

SMALLEST_PX: Final = 8.0
"""Radius."""
FAR_RADII: Final = 1.6
"""A press so far from the middle is far outside."""

Part = Literal["middle", "edge"]


class CircleTool(DraggedShapeTool[tuple[float, float, float]]):
    """``changed`` carries x, y and radius in photograph pixels, when the button is let go.

    ``jumps`` : a press far outside brings the circle there.
    """

    changed = Signal(float, float, float)

    def __init__(self, parent: object = None, *, jumps: bool = False) -> None:
        super().__init__(parent)
        self._jumps = jumps
        self._part: Part = "middle"

    def set_circle(self, circle: tuple[float, float, float] | None) -> None:
        """Where the circle is: x, y, radius; not while it is being moved."""
        self._show(circle)

    def _tell(self, shape: tuple[float, float, float]) -> None:
        self.changed.emit(*shape)

    def press(self, pointer: Pointer) -> None:
        if self._shape is None or pointer.erases:
            return
        x, y, radius = self._shape
        if self._jumps and math.dist((x, y), pointer.at) > FAR_RADII * radius:
            x, y = pointer.at
        self._kept = self._shape
        self._before, self._from = (x, y, radius), pointer.at
        self._dragging, self._part = True, "middle" if math.dist((x, y), pointer.at) < radius / 2.0 else "edge"
        self.move(pointer)

    def move(self, pointer: Pointer) -> None:
        if not self._dragging or self._before is None:
            return
        x, y, radius = self._before
        if self._part == "middle":
            self._shape = (x + pointer.at[0] - self._from[0], y + pointer.at[1] - self._from[1], radius)
        else:
            longer = math.dist((x, y), pointer.at) - math.dist((x, y), self._from)
            self._shape = (x, y, max(radius + longer, SMALLEST_PX))
        self.looksChanged.emit()

    def paint(self, painter: QPainter, view: View, at: Point | None) -> None:
        if self._shape is None:
            return
        x, y, radius = self._shape
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        middle, length = QPointF(*view.device_point(x, y)), radius * view.zoom
        for colour, width in ((Qt.GlobalColor.black, 3.0), (Qt.GlobalColor.yellow, 1.4)):
            painter.setPen(QPen(colour, width, Qt.PenStyle.DashLine if width < 2.0 else Qt.PenStyle.SolidLine))
            painter.drawEllipse(middle, length, length)
        handles = [(x, y), (x - radius, y), (x + radius, y), (x, y - radius), (x, y + radius)]
        paint_knots(painter, view, handles)
