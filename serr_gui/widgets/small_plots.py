"""Small plots without a library: a histogram, and a value along a vessel."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from serr_gui.widgets.measure_texts import value_text

Values = npt.NDArray[np.float64]
_LEFT, _TOP, _RIGHT, _BOTTOM = 44, 8, 10, 34
_BINS: Final = 24
_FONT_SHARE: Final = 0.88


class Plot(QWidget):
    """Axes with a few round numbers; what is plotted is up to those that derive from it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._x_name = self._empty = ""
        self._range = (0.0, 1.0, 0.0, 1.0)
        self._has_data = False
        self.setMinimumSize(170, 90)

    def sizeHint(self) -> QSize:
        return QSize(260, 180)

    def _set_range(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        self._range = (x[0], max(x[1], x[0] + 1e-9), y[0], max(y[1], y[0] + 1e-9))
        self._has_data = True
        self.update()

    def _at(self, x: float, y: float) -> QPointF:
        low, high, bottom, top = self._range
        area = self._area()
        return QPointF(
            area.left() + (x - low) / (high - low) * area.width(),
            area.bottom() - (y - bottom) / (top - bottom) * area.height(),
        )

    def _area(self) -> QRectF:
        return QRectF(_LEFT, _TOP, max(1, self.width() - _LEFT - _RIGHT), max(1, self.height() - _TOP - _BOTTOM))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() * _FONT_SHARE)
        painter.setFont(font)
        palette = self.palette()
        painter.fillRect(self.rect(), palette.color(QPalette.ColorRole.Base))
        if not self._has_data:
            painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
            place = self.rect().adjusted(8, 4, -8, -4)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._empty)
            painter.end()
            return
        self._paint_axes(painter)
        self._paint_data(painter, QColor(palette.color(QPalette.ColorRole.Highlight)))
        painter.end()

    def _paint_axes(self, painter: QPainter) -> None:
        area, metrics, palette = self._area(), painter.fontMetrics(), self.palette()
        text, faint = palette.color(QPalette.ColorRole.Text), palette.color(QPalette.ColorRole.Mid)
        low, high, bottom, top = self._range
        for value in round_ticks(bottom, top, max(2, int(area.height() // 36))):
            y = self._at(low, value).y()
            painter.setPen(QPen(faint, 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(text)
            place = QRectF(0, y - metrics.height() / 2, _LEFT - 5, metrics.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{value:g}")
        for value in self._x_ticks(low, high, max(2, int(area.width() // 34))):
            x = self._at(value, bottom).x()
            painter.setPen(text)
            painter.drawLine(QPointF(x, area.bottom()), QPointF(x, area.bottom() + 3))
            place = QRectF(x - 40, area.bottom() + 3, 80, metrics.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, f"{value:g}")
        painter.setPen(text)
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        name = QRectF(0, self.height() - metrics.height() - 1, self.width() - 4, metrics.height())
        painter.drawText(name, Qt.AlignmentFlag.AlignHCenter, self._x_name)

    def _x_ticks(self, low: float, high: float, most: int) -> list[float]:
        return round_ticks(low, high, most)

    def _paint_data(self, painter: QPainter, accent: QColor) -> None:
        """Paint what is plotted."""

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.update()


class HistogramPlot(Plot):
    """How often values occur; a line marks one of them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.counts: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self._edges: Values = np.zeros(0)
        self._marked = math.nan

    def set_values(self, values: Sequence[float] | Values, x_name: str, empty: str, marked: float = math.nan) -> None:
        """Show values; those that are not known are left out, and without any ``empty`` is shown.

        What is beyond the 99th percentile counts in the last bar, so that one value does not flatten all others.
        """
        known = np.asarray(values, np.float64)
        known = known[~np.isnan(known)]
        self._x_name, self._empty, self._marked = x_name, empty, marked
        self._has_data = bool(len(known))
        self.counts, self._edges = np.zeros(0, np.int64), np.zeros(0)
        if self._has_data:
            high = max(float(np.quantile(known, 0.99)), float(known.min()) + 1e-6)
            counts, self._edges = np.histogram(np.minimum(known, high), bins=_BINS, range=(float(known.min()), high))
            self.counts = counts.astype(np.int64)
            self._set_range((float(self._edges[0]), float(self._edges[-1])), (0.0, float(counts.max()) * 1.05))
        self.setAccessibleDescription(f"{x_name}: {len(known)}")
        self.update()

    def _paint_data(self, painter: QPainter, accent: QColor) -> None:
        fill = QColor(accent)
        fill.setAlpha(130)
        painter.setPen(QPen(accent, 1))
        painter.setBrush(fill)
        for count, left, right in zip(self.counts, self._edges[:-1], self._edges[1:], strict=True):
            if count:
                painter.drawRect(QRectF(self._at(float(left), float(count)), self._at(float(right), 0.0)))
        if not math.isnan(self._marked):
            x = min(max(self._marked, self._range[0]), self._range[1])
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Text), 2, Qt.PenStyle.DashLine))
            painter.drawLine(self._at(x, 0.0), self._at(x, self._range[3]))


class ProfilePlot(Plot):
    """A value along a vessel, with gaps where it is not known, and a line at what is given for the whole vessel."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.along: Values = np.zeros(0)
        self.values: Values = np.zeros(0)
        self._whole = math.nan
        self._note = ""

    def set_profile(self, along: Values, values: Values, whole: float, x_name: str, empty: str) -> None:
        """Show a profile, or ``empty`` where nothing of it is known."""
        self.along, self.values, self._whole = along, values, whole
        self._x_name, self._empty = x_name, empty
        self._has_data = bool(len(values)) and not bool(np.isnan(values).all())
        if self._has_data:
            self._set_range((0.0, float(along[-1])), (0.0, float(np.nanmax(values)) * 1.15))
        self.setAccessibleDescription(f"{x_name}: {value_text(whole)}")
        self.update()

    def _paint_data(self, painter: QPainter, accent: QColor) -> None:
        if not math.isnan(self._whole):
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Text), 1, Qt.PenStyle.DashLine))
            painter.drawLine(self._at(0.0, self._whole), self._at(self._range[1], self._whole))
        painter.setPen(QPen(accent, 2))
        part: list[QPointF] = []
        for x, y in zip(self.along, self.values, strict=True):
            if math.isnan(y):
                painter.drawPolyline(QPolygonF(part))
                part = []
            else:
                part.append(self._at(float(x), float(y)))
        painter.drawPolyline(QPolygonF(part))


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """At most ``most`` round numbers between two values."""
    raw = max((high - low) / max(most, 1), 1e-12)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(each * power for each in (1, 2, 5, 10) if each * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 10) for number in range(first, math.floor(high / step + 1e-9) + 1)]
