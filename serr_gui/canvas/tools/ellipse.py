"""An ellipse with handles, such as around the optic disc: moved by its middle, each half axis pulled by its end."""

import math
from typing import Final, Literal, NamedTuple

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QPainter, QPen

from core.masks.strokes import Point
from serr_gui.canvas.tools import Pointer, View
from serr_gui.canvas.tools.circle import FAR_RADII, SMALLEST_PX
from serr_gui.canvas.tools.dragged_shape import DraggedShapeTool
from serr_gui.canvas.tools.preview import paint_knots

_NEAR_END: Final = math.radians(25)
"""Seen from the middle, so near to the end of a half axis that axis is meant; elsewhere the whole margin."""

Part = Literal["middle", "first", "second", "margin"]


class Ellipse(NamedTuple):
    """Middle and half axes in photograph pixels; the angle of the first one in degrees, clockwise on the screen."""

    x: float
    y: float
    first: float
    second: float
    angle: float

    def ends(self) -> tuple[Point, Point, Point, Point]:
        """The ends of the half axes: first, second, and those across from them."""
        cos, sin = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        along, across = (self.first * cos, self.first * sin), (-self.second * sin, self.second * cos)
        return (
            (self.x + along[0], self.y + along[1]),
            (self.x + across[0], self.y + across[1]),
            (self.x - along[0], self.y - along[1]),
            (self.x - across[0], self.y - across[1]),
        )

    def seen_from(self, at: Point) -> Point:
        """A point in half axes from the middle: (1, 0) is the end of the first one."""
        cos, sin = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        right, down = at[0] - self.x, at[1] - self.y
        return (right * cos + down * sin) / self.first, (down * cos - right * sin) / self.second


class EllipseTool(DraggedShapeTool[Ellipse]):
    """``changed`` carries an ``Ellipse`` when the button is let go. A press far outside brings it there.

    A half axis that is pulled turns the ellipse, too.
    """

    changed = Signal(object)

    def __init__(self, parent: object = None) -> None:
        super().__init__(parent)
        self._part: Part = "middle"
        self._side = 1.0

    def set_ellipse(self, ellipse: Ellipse | None) -> None:
        """Where the ellipse is; not while it is being moved."""
        self._show(ellipse)

    def _tell(self, shape: Ellipse) -> None:
        self.changed.emit(shape)

    def press(self, pointer: Pointer) -> None:
        if self._shape is None or pointer.erases:
            return
        self._kept = now = self._shape
        if math.hypot(*now.seen_from(pointer.at)) > FAR_RADII:
            now = now._replace(x=pointer.at[0], y=pointer.at[1])
        self._before, self._from = now, pointer.at
        self._dragging = True
        self._part, self._side = _part_at(now, pointer.at)
        self.move(pointer)

    def move(self, pointer: Pointer) -> None:
        before, part = self._before, self._part
        if not self._dragging or before is None:
            return
        right, down = pointer.at[0] - self._from[0], pointer.at[1] - self._from[1]
        if part == "middle":
            self._shape = before._replace(x=before.x + right, y=before.y + down)
        elif part == "margin":
            grown = math.hypot(*before.seen_from(pointer.at)) / max(math.hypot(*before.seen_from(self._from)), 1e-6)
            grown = max(grown, SMALLEST_PX / min(before.first, before.second))
            self._shape = before._replace(first=before.first * grown, second=before.second * grown)
        else:
            end = before.ends()[0 if part == "first" else 1]
            pulled = (end[0] - before.x + self._side * right, end[1] - before.y + self._side * down)
            length, angle = max(math.hypot(*pulled), SMALLEST_PX), math.degrees(math.atan2(pulled[1], pulled[0]))
            if part == "first":
                self._shape = before._replace(first=length, angle=angle)
            else:
                self._shape = before._replace(second=length, angle=angle - 90.0)
        self.looksChanged.emit()

    def paint(self, painter: QPainter, view: View, at: Point | None) -> None:
        now = self._shape
        if now is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.save()
        painter.translate(QPointF(*view.device_point(now.x, now.y)))
        painter.rotate(now.angle)
        for colour, width in ((Qt.GlobalColor.black, 3.0), (Qt.GlobalColor.yellow, 1.4)):
            painter.setPen(QPen(colour, width, Qt.PenStyle.DashLine if width < 2.0 else Qt.PenStyle.SolidLine))
            painter.drawEllipse(QPointF(0, 0), now.first * view.zoom, now.second * view.zoom)
        painter.restore()
        paint_knots(painter, view, [(now.x, now.y), *now.ends()])


def _part_at(ellipse: Ellipse, at: Point) -> tuple[Part, float]:
    """What a press takes hold of, and -1 where that is the other end of a half axis."""
    along, across = ellipse.seen_from(at)
    if math.hypot(along, across) < 0.5:
        return "middle", 1.0
    if abs(across) < abs(along) * math.tan(_NEAR_END):
        return "first", math.copysign(1.0, along)
    if abs(along) < abs(across) * math.tan(_NEAR_END):
        return "second", math.copysign(1.0, across)
    return "margin", 1.0
