"""The values of two groups next to one another, or of two visits joined by lines."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPalette, QPen
from PySide6.QtWidgets import QWidget

from serr_gui.widgets.small_plots import Plot

_SPREAD: Final = 0.12
"""How far the points of a group lie from its middle, so that equal ones are seen."""


class PairPlot(Plot):
    """``values`` : both sides, pairs in the same order."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.values: tuple[Sequence[float], Sequence[float]] = ((), ())
        self._paired = False
        self._names = ("", "")

    def set_values(
        self, values: tuple[Sequence[float], Sequence[float]], names: tuple[str, str], *, paired: bool, empty: str
    ) -> None:
        """Show two sides with their names, or ``empty`` where there is nothing."""
        self.values, self._paired, self._empty = values, paired, empty
        together = np.array([*values[0], *values[1]], np.float64)
        self._has_data = bool(len(together))
        self._names = names
        if self._has_data:
            low, high = float(together.min()), float(together.max())
            room = 0.08 * (high - low) or max(abs(high), 1.0) * 0.08
            self._set_range((0.0, 2.0), (low - room, high + room))
        self.setAccessibleDescription(f"{names[0]}: {len(values[0])}, {names[1]}: {len(values[1])}")
        self.update()

    def _x_ticks(self, low: float, high: float, most: int) -> list[float]:
        return []

    def _paint_data(self, painter: QPainter, accent: QColor) -> None:
        area, height = self._area(), painter.fontMetrics().height()
        painter.setPen(self.palette().color(QPalette.ColorRole.Text))
        for place, name in zip((0.5, 1.5), self._names, strict=True):
            middle = self._at(place, self._range[2]).x()
            room = QRectF(middle - area.width() / 4, area.bottom() + 3, area.width() / 2, height)
            shown = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, int(room.width()))
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter, shown)
        painter.setPen(QPen(accent, 1.2))
        if self._paired:
            for first, second in zip(*self.values, strict=True):
                painter.drawLine(self._at(0.5, first), self._at(1.5, second))
        for place, side in zip((0.5, 1.5), self.values, strict=True):
            painter.setBrush(accent)
            for number, value in enumerate(side):
                away = 0.0 if self._paired else _SPREAD * ((number * 0.618) % 1 - 0.5) * 2
                painter.drawEllipse(self._at(place + away, value), 2.6, 2.6)
            if len(side):
                mean = float(np.mean(side))
                painter.drawLine(self._at(place - 0.25, mean), self._at(place + 0.25, mean))
