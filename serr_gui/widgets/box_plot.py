"""Boxes for scores over photographs: quartiles, median, whiskers to 1.5 box lengths (Tukey), and every photograph."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QToolTip, QWidget

_LEFT, _TOP, _RIGHT = 34, 8, 8
_GAP_PX: Final = 5
"""Between two names of a line."""
_NEAR_PX: Final = 8.0
_DOT_PX: Final = 2.6
_FONT_SHARE: Final = 0.88


@dataclass(frozen=True, slots=True)
class Box:
    """One score over photographs: its name, and (photograph, value) of each in which it is defined."""

    name: str
    values: tuple[tuple[str, float], ...]


class BoxPlot(QWidget):
    """Paints boxes. The photograph under the mouse is named; ``picked`` carries its name when clicked."""

    picked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._boxes: tuple[Box, ...] = ()
        self._low = 0.0
        self.setMouseTracking(True)
        self.setMinimumSize(220, 120)
        self.setAccessibleName(self.tr("Box plots of the scores over photographs"))

    def set_boxes(self, boxes: Sequence[Box]) -> None:
        """Show these scores."""
        self._boxes = tuple(box for box in boxes if box.values)
        lowest = min((value for box in self._boxes for _, value in box.values), default=0.0)
        self._low = max(-1.0, math.floor((lowest - 0.02) * 10) / 10)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(380, 220)

    def places(self) -> list[tuple[QPointF, str, str]]:
        """Where each photograph's dot is, its name, and what it says."""
        found = []
        for number, box in enumerate(self._boxes):
            spread = _spread(len(box.values))
            for (name, value), aside in zip(box.values, spread, strict=True):
                at = QPointF(self._x(number + 0.5 + 0.22 * aside), self._y(value))
                found.append((at, name, f"{name}: {box.name} {value:.4f}"))
        return found

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._small_font())
        palette = self.palette()
        painter.fillRect(self.rect(), palette.color(QPalette.ColorRole.Base))
        text, faint = palette.color(QPalette.ColorRole.Text), palette.color(QPalette.ColorRole.Mid)
        if not self._boxes:
            painter.end()
            return
        for value in np.arange(math.ceil(self._low * 5) / 5, 1.001, 0.2):
            height = self._y(float(value))
            painter.setPen(QPen(faint, 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(_LEFT, height), QPointF(self.width() - _RIGHT, height))
            painter.setPen(text)
            label = QRectF(0, height - 9, _LEFT - 5, 18)
            painter.drawText(label, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{value:.1f}")
        lines = self._lines()
        for number, box in enumerate(self._boxes):
            self._paint_box(painter, box, number, number % lines)
        dots = QColor(text)
        dots.setAlpha(150)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(dots)
        for at, _, _ in self.places():
            painter.drawEllipse(at, _DOT_PX, _DOT_PX)
        painter.end()

    def _paint_box(self, painter: QPainter, box: Box, number: int, line: int) -> None:
        values = np.sort([value for _, value in box.values])
        low, middle, high = (float(each) for each in np.quantile(values, (0.25, 0.5, 0.75)))
        reach = 1.5 * (high - low)
        bottom = float(values[values >= low - reach].min())
        top = float(values[values <= high + reach].max())
        x, left, right = self._x(number + 0.5), self._x(number + 0.22), self._x(number + 0.78)
        palette = self.palette()
        accent = QColor(palette.color(QPalette.ColorRole.Highlight))
        fill = QColor(accent)
        fill.setAlpha(60)
        painter.setPen(QPen(accent, 1.2))
        painter.drawLine(QPointF(x, self._y(bottom)), QPointF(x, self._y(low)))
        painter.drawLine(QPointF(x, self._y(high)), QPointF(x, self._y(top)))
        painter.setBrush(fill)
        painter.drawRect(QRectF(QPointF(left, self._y(high)), QPointF(right, self._y(low))))
        painter.setPen(QPen(accent, 2.4))
        painter.drawLine(QPointF(left, self._y(middle)), QPointF(right, self._y(middle)))
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        height = painter.fontMetrics().height()
        below = QRectF(x - 60, self.height() - self._bottom() + 3 + line * height, 120, height)
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, box.name)

    def _small_font(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * _FONT_SHARE)
        return font

    def _lines(self) -> int:
        """In how many lines the names are, by turns, so that whole names do not touch below narrow boxes."""
        metrics = QFontMetricsF(self._small_font())
        widths = [metrics.horizontalAdvance(box.name) for box in self._boxes]
        step = self._x(1) - self._x(0)
        for lines in range(1, len(widths)):
            pairs = zip(widths, widths[lines:], strict=False)
            if all((one + other) / 2 + _GAP_PX <= lines * step for one, other in pairs):
                return lines
        return max(1, len(widths))

    def _bottom(self) -> float:
        return 6 + self._lines() * QFontMetricsF(self._small_font()).height()

    def _x(self, column: float) -> float:
        return _LEFT + column / max(1, len(self._boxes)) * (self.width() - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        share = (value - self._low) / (1.0 - self._low)
        return _TOP + (1.0 - share) * (self.height() - _TOP - self._bottom())

    def _nearest(self, place: QPointF) -> tuple[QPointF, str, str] | None:
        def distance(dot: tuple[QPointF, str, str]) -> float:
            return math.hypot(dot[0].x() - place.x(), dot[0].y() - place.y())

        nearest = min(self.places(), key=distance, default=None)
        return nearest if nearest is not None and distance(nearest) <= _NEAR_PX else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        found = self._nearest(event.position())
        if found is None:
            QToolTip.hideText()
            self.unsetCursor()
        else:
            QToolTip.showText(event.globalPosition().toPoint(), found[2], self)
            self.setCursor(Qt.CursorShape.PointingHandCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self._nearest(event.position())
        if found is not None:
            self.picked.emit(found[1])

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()


def _spread(count: int) -> list[float]:
    """Steps to the side, -1 to 1, the same each time, so that dots of near values do not hide one another."""
    return [((index * 0.618034) % 1.0) * 2 - 1 for index in range(count)]
