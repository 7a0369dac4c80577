"""What the colours of the error map mean, painted in a corner of the view, so that it is in every picture of it."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from serr_gui.canvas.overlays import Colour

_MARGIN, _PAD, _GAP, _CHIP = 10.0, 7.0, 6.0, 11.0


def paint_legend(painter: QPainter, view: QRectF, entries: Sequence[tuple[str, Colour]]) -> None:
    """Paint names with their colours into the lower left corner of ``view``, white on a dark ground.

    In one line where they fit, else below one another.
    """
    metrics = QFontMetricsF(painter.font())
    widths = [_CHIP + _GAP + metrics.horizontalAdvance(name) for name, _ in entries]
    line = max(_CHIP, metrics.height())
    beside = sum(widths) + 2 * _GAP * (len(entries) - 1) <= view.width() - 2 * (_MARGIN + _PAD)
    width = (sum(widths) + 2 * _GAP * (len(entries) - 1) if beside else max(widths)) + 2 * _PAD
    height = (line if beside else line * len(entries)) + 2 * _PAD
    box = QRectF(view.left() + _MARGIN, view.bottom() - _MARGIN - height, width, height)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(45, 50, 54, 215))
    painter.drawRoundedRect(box, 4, 4)
    x, middle = box.left() + _PAD, box.top() + _PAD + line / 2
    for (name, colour), taken in zip(entries, widths, strict=True):
        painter.setBrush(QColor(*colour))
        painter.setPen(QColor(255, 255, 255, 170))
        painter.drawRect(QRectF(x, middle - _CHIP / 2, _CHIP, _CHIP))
        painter.setPen(QColor("#ffffff"))
        painter.drawText(QPointF(x + _CHIP + _GAP, middle + (metrics.ascent() - metrics.descent()) / 2), name)
        if beside:
            x += taken + 2 * _GAP
        else:
            middle += line
    painter.restore()
