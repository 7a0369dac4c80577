"""The line between two pictures of one photograph, which a person moves.

The line keeps its place on the screen, so that it stays at hand however far the photograph is enlarged or moved; where
the photograph takes only a part of the view, it keeps to that part.
"""

from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

GRIP_RADIUS: Final = 13.0
"""Of the round grip in the middle of the line, in widget coordinates."""
_REACH: Final = 6.0
"""How near to the line counts as on it."""
_MARGIN, _PAD, _GAP = 10.0, 6.0, 8.0
_GROUND, _DARK, _LIGHT = QColor(45, 50, 54, 215), QColor(0, 0, 0, 190), QColor(255, 255, 255)


class WipeLine:
    """Where the line is, in widget coordinates: it runs from the top of what is seen of the photograph to its bottom.

    ``seen`` is that rectangle, in a view that is ``width`` wide.
    """

    def __init__(self) -> None:
        self.share = 0.5
        self._seen = QRectF()
        self._width = 1.0

    def set_view(self, seen: QRectF, width: float) -> None:
        """The photograph is seen in another part of the view."""
        self._seen, self._width = seen, max(width, 1.0)

    @property
    def seen(self) -> QRectF:
        """The part of the view in which the photograph is seen."""
        return self._seen

    @property
    def x(self) -> float:
        """The line's place, from the left of the view."""
        return min(max(self.share * self._width, self._seen.left()), self._seen.right())

    @property
    def grip(self) -> QPointF:
        """The middle of the grip."""
        return QPointF(self.x, self._seen.center().y())

    def move_to(self, x: float) -> None:
        """Put the line to a place from the left of the view, or as near as the photograph is seen."""
        self.share = min(max(x, self._seen.left()), self._seen.right()) / self._width

    def step(self, by: float) -> None:
        """Move it by a share of the width in which the photograph is seen."""
        self.move_to(self.x + by * self._seen.width())

    def is_at(self, place: QPointF, *, grip_only: bool) -> bool:
        """Whether a place in the view is on the line or its grip; or on its grip alone."""
        away = place - self.grip
        if QPointF.dotProduct(away, away) <= GRIP_RADIUS**2:
            return True
        inside = self._seen.top() <= place.y() <= self._seen.bottom()
        return not grip_only and inside and abs(away.x()) <= _REACH


def paint_wipe(painter: QPainter, line: WipeLine, names: tuple[str, str]) -> None:
    """Paint the line with its grip, light on dark, and the names of the two pictures on its sides."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    top, bottom = QPointF(line.x, line.seen.top()), QPointF(line.x, line.seen.bottom())
    for colour, width in ((_DARK, 3.6), (_LIGHT, 1.6)):
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
        painter.drawLine(top, bottom)
    painter.setPen(QPen(_LIGHT, 1.6))
    painter.setBrush(_GROUND)
    painter.drawEllipse(line.grip, GRIP_RADIUS, GRIP_RADIUS)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_LIGHT)
    for side in (-1, 1):
        corners = ((4.0, -4.5), (9.0, 0.0), (4.0, 4.5))
        painter.drawPolygon(QPolygonF([line.grip + QPointF(side * x, y) for x, y in corners]))
    for side, name in zip((-1, 1), names, strict=True):
        _paint_name(painter, line, side, name)
    painter.restore()


def _paint_name(painter: QPainter, line: WipeLine, side: int, name: str) -> None:
    """Next to the line, at the top; not where that side is too narrow for it."""
    metrics = QFontMetricsF(painter.font())
    size = QRectF(0, 0, metrics.horizontalAdvance(name) + 2 * _PAD, metrics.height() + _PAD)
    left = line.x + _GAP if side > 0 else line.x - _GAP - size.width()
    size.moveTo(left, line.seen.top() + _MARGIN)
    if size.left() < line.seen.left() or size.right() > line.seen.right():
        return
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_GROUND)
    painter.drawRoundedRect(size, 4, 4)
    painter.setPen(_LIGHT)
    painter.drawText(size, Qt.AlignmentFlag.AlignCenter, name)
