"""Painting what measures show (``vessel_marks``): in device pixels, each light line in a dark one."""

import math

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from serr_gui.canvas.tools import View
from serr_gui.canvas.vessel_marks import Line, VesselMarks

_DARK = QColor(0, 0, 0, 220)
_CHOSEN, _ARTERIOLE, _VENULE = QColor(255, 235, 59), QColor(255, 82, 82), QColor(120, 170, 255)
_CROSSING = QColor(220, 220, 220)


def paint_marks(painter: QPainter, view: View, marks: VesselMarks, ratio: float) -> None:
    """Paint them over the photograph; arterioles solid, venules dashed, crossings dotted, so that no hue is needed."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    kinds = (
        (marks.arterioles, _ARTERIOLE, Qt.PenStyle.SolidLine),
        (marks.venules, _VENULE, Qt.PenStyle.DashLine),
        (marks.crossings, _CROSSING, Qt.PenStyle.DotLine),
    )
    for lines, colour, style in kinds:
        for line in lines:
            _paint_line(painter, view, line, QPen(colour, 2.0 * ratio, style, Qt.PenCapStyle.FlatCap))
    if marks.chosen is not None:
        _paint_line(painter, view, marks.chosen, QPen(_CHOSEN, 3.0 * ratio))
    if marks.disc is not None:
        _paint_zones(painter, view, marks, ratio)
    painter.restore()


def _paint_line(painter: QPainter, view: View, line: Line, pen: QPen) -> None:
    points = QPolygonF([QPointF(*view.device_point(float(x), float(y))) for x, y in line])
    painter.setPen(QPen(_DARK, pen.widthF() * 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawPolyline(points)
    painter.setPen(pen)
    painter.drawPolyline(points)


def _paint_zones(painter: QPainter, view: View, marks: VesselMarks, ratio: float) -> None:
    if marks.disc is None:
        return
    x, y, first, second, angle = marks.disc
    middle = QPointF(*view.device_point(x, y))
    top = math.hypot(first * math.sin(math.radians(angle)), second * math.cos(math.radians(angle)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for name, times in (("", 1.0), *marks.zones):
        size = times * view.zoom
        for colour, width in ((_DARK, 2.6), (QColor(255, 255, 255), 1.2)):
            style = Qt.PenStyle.SolidLine if times == 1.0 or width > 2.0 else Qt.PenStyle.DashLine
            painter.setPen(QPen(colour, width * ratio, style))
            painter.save()
            painter.translate(middle)
            painter.rotate(angle)
            painter.drawEllipse(QPointF(0, 0), first * size, second * size)
            painter.restore()
        if name:
            metrics = painter.fontMetrics()
            place = QPointF(middle.x() - metrics.horizontalAdvance(name) / 2, middle.y() - top * size - 3 * ratio)
            painter.setPen(_DARK)
            painter.drawText(place + QPointF(ratio, ratio), name)
            painter.setPen(QColor(255, 255, 255))
            painter.drawText(place, name)
