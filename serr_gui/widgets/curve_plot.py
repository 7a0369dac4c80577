"""The ROC and the precision-recall curve of a map, with the operating point that a person can drag.

This module loads pyqtgraph, which takes a good part of a second: import it when a plot is to be seen.
"""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QBuffer, QByteArray, QCoreApplication, QEvent, QIODevice, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QGuiApplication, QImage, QPainter, QPalette
from PySide6.QtSvg import QSvgGenerator, QSvgRenderer
from PySide6.QtWidgets import QWidget

from core.evaluation.confusion import Counts, LevelHistogram
from core.evaluation.curves import DoubleArray, OperatingPoints, histogram_points
from core.threshold_rule import LEVELS
from serr_gui.widgets.plot_rows import PlotRows

_NEAR_PX: Final = 60.0
_TITLE_PT: Final = 10
_LEAST: Final = QSize(230, 180)
_EXPORT: Final = QSize(1000, 480)
_CURVE: Final = ("#0b6e7f", "#5cc3d4")
_POINT: Final = ("#b3261e", "#ff8a80")
_EXPERT: Final = ("#7a3ea1", "#d9a6f5")


@dataclass(frozen=True, slots=True, eq=False)
class CurveData:
    """What is drawn: the counts of each threshold, a finer curve if there is one, the texts, and expert 2's point."""

    histogram: LevelHistogram
    curve: OperatingPoints | None
    titles: tuple[str, str]
    expert: Counts | None
    expert_name: str


def _xy(points: OperatingPoints, *, roc: bool) -> tuple[DoubleArray, DoubleArray]:
    """Places of a curve's points: false positive rate and sensitivity, or sensitivity and precision."""
    if roc:
        return points.false_positive_rate, points.sensitivity
    return points.sensitivity, points.precision


def place(counts: Counts, *, roc: bool) -> tuple[float, float]:
    """Where a comparison lies in a plot; NaN where a score is undefined."""
    scores = counts.scores()
    return (1.0 - scores.specificity, scores.sensitivity) if roc else (scores.sensitivity, scores.precision)


class CurvePlot(pg.PlotItem):  # type: ignore[misc]
    """One of the two curves. ``level_requested`` is called with a threshold level when the point is dragged."""

    def __init__(self, names: tuple[str, str], *, roc: bool) -> None:
        super().__init__()
        self._names = names
        self._roc = roc
        self.level_requested: Callable[[int], None] | None = None
        self._places: tuple[DoubleArray, DoubleArray] | None = None
        self._showing = False
        self._title, self._text = "", QColor()
        self.setMinimumWidth(_LEAST.width() // 2)  # of its own, and not what its title needs
        self.setMenuEnabled(False)
        self.hideButtons()
        self.getAxis("bottom").setStyle(hideOverlappingLabels=False)  # or the 1.0 at the end is left out
        self.getViewBox().setAspectLocked(False)
        self.getViewBox().setLimits(xMin=-0.05, xMax=1.05, yMin=-0.05, yMax=1.05, minXRange=0.01, minYRange=0.01)
        self.reset_view()
        self._chance = pg.PlotCurveItem([0, 1], [0, 1])
        self._chance.setVisible(roc)
        self._curve = pg.PlotCurveItem(antialias=True)
        self._expert = pg.ScatterPlotItem(size=13, symbol="d")
        self._expert_text = pg.TextItem(anchor=(0.0, 0.0))
        self._hover = pg.ScatterPlotItem(size=10, symbol="o")
        self._point = pg.TargetItem(size=10, symbol="o", movable=True)
        self._point.sigPositionChanged.connect(self._on_point_moved)
        for item in (self._chance, self._curve, self._expert, self._hover, self._point):
            self.addItem(item)
        self.addItem(self._expert_text, ignoreBounds=True)
        for item in (self._expert, self._expert_text, self._hover, self._point):
            item.setVisible(False)

    def reset_view(self) -> None:
        """Show the whole curve."""
        self.getViewBox().setRange(QRectF(0, 0, 1, 1), padding=0.03)

    def paint_in(self, *, text: QColor, dark: bool) -> None:
        """Take colours for light or dark ground."""
        for name in ("left", "bottom"):
            axis = self.getAxis(name)
            axis.setPen(text)
            axis.setTextPen(text)
        for name, label in zip(("bottom", "left"), self._names, strict=True):
            self.setLabel(name, label, color=text.name())
        faint = QColor(text)
        faint.setAlpha(110)
        self._chance.setPen(pg.mkPen(faint, style=Qt.PenStyle.DashLine))
        self._curve.setPen(pg.mkPen(_CURVE[dark], width=2))
        self._expert.setBrush(pg.mkBrush(_EXPERT[dark]))
        self._expert.setPen(pg.mkPen(text))
        self._expert_text.setColor(_EXPERT[dark])
        self._hover.setBrush(pg.mkBrush(None))
        self._hover.setPen(pg.mkPen(text, width=1.5))
        self._point.setPen(pg.mkPen(_POINT[dark], width=2))
        self._point.setBrush(pg.mkBrush(_POINT[dark]))
        self._point.setHoverBrush(pg.mkBrush(text))
        self._point.setHoverPen(pg.mkPen(_POINT[dark], width=3))

    def _show_title(self) -> None:
        """In a narrow plot only the area: the axes say which curve it is."""
        font = QGuiApplication.font()
        font.setPointSize(_TITLE_PT)
        fits = QFontMetricsF(font).horizontalAdvance(self._title) <= self.getViewBox().width()
        shown = self._title if fits else self._title.rpartition(": ")[2]
        self.setTitle(shown, color=self._text.name(), size=f"{_TITLE_PT}pt")

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        if hasattr(self, "_title"):  # pyqtgraph resizes while it is being made
            self._show_title()

    def show_data(self, data: CurveData | None, *, text: QColor) -> None:
        """Draw a curve, or none."""
        if data is None:
            self._places = None
            self._curve.setData([], [])
            for item in (self._expert, self._expert_text, self._hover, self._point):
                item.setVisible(False)
            self._title = ""
            self._show_title()
            return
        levels = histogram_points(data.histogram)
        x, y = _xy(levels, roc=self._roc)
        self._places = x[::-1], y[::-1]  # by level, 0 to 256
        x, y = _xy(data.curve if data.curve is not None else levels, roc=self._roc)
        known = np.isfinite(x) & np.isfinite(y)
        self._curve.setData(x[known], y[known])
        self._title, self._text = data.titles[0 if self._roc else 1], text
        self._show_title()
        seen = False
        if data.expert is not None:
            at = place(data.expert, roc=self._roc)
            seen = bool(np.isfinite(at).all())
            if seen:
                self._expert.setData([at[0]], [at[1]])
                self._expert_text.setText(data.expert_name)
                self._expert_text.setAnchor((-0.08, 0.5) if at[0] < 0.6 else (1.08, 0.5))
                self._expert_text.setPos(*at)
        self._expert.setVisible(seen)
        self._expert_text.setVisible(seen)

    def show_level(self, level: int) -> None:
        """Put the operating point where this threshold is."""
        at = self.place_of(level)
        self._point.setVisible(at is not None)
        if at is not None:
            self._showing = True
            self._point.setPos(*at)
            self._showing = False

    def place_of(self, level: int) -> tuple[float, float] | None:
        """Where a threshold lies, None without a curve or where undefined."""
        if self._places is None:
            return None
        x, y = float(self._places[0][level]), float(self._places[1][level])
        return (x, y) if np.isfinite(x) and np.isfinite(y) else None

    def nearest_level(self, x: float, y: float) -> tuple[int, float] | None:
        """The threshold level (1 to 255) nearest to a place of the plot, and its distance in pixels of the screen."""
        if self._places is None:
            return None
        width, height = self.getViewBox().viewPixelSize()
        if not width or not height:
            return None
        distance = np.hypot((self._places[0] - x) / width, (self._places[1] - y) / height)[1:LEVELS]
        if not np.isfinite(distance).any():
            return None
        nearest = int(np.nanargmin(distance))
        return nearest + 1, float(distance[nearest])

    def show_hover(self, level: int | None) -> None:
        """Mark a threshold under the mouse."""
        at = self.place_of(level) if level is not None else None
        self._hover.setVisible(at is not None)
        if at is not None:
            self._hover.setData([at[0]], [at[1]])

    def _on_point_moved(self) -> None:
        if self._showing:
            return
        found = self.nearest_level(self._point.pos().x(), self._point.pos().y())
        if found is not None and self.level_requested is not None:
            self.level_requested(found[0])
            self.show_level(found[0])  # on the curve, not where the mouse is


Names = tuple[tuple[str, str], tuple[str, str]]
"""Of the axes, across and up, of both plots."""


def curve_plot(names: Names, number: int) -> CurvePlot:
    """The first plot, of the ROC curve, or the second: each takes a while to make."""
    return CurvePlot(names[number], roc=number == 0)


class CurvePlots(PlotRows):
    """Both curves side by side (``curve_plot`` makes one).

    ``levelRequested`` comes from dragging, ``hovered`` carries a level or None.
    """

    levelRequested = Signal(int)
    hovered = Signal(object)

    def __init__(self, plots: Sequence[CurvePlot], parent: QWidget | None = None, *, light: bool = False) -> None:
        super().__init__(plots, _LEAST, parent)
        for plot in plots:
            plot.level_requested = self._request_level
        self._data: CurveData | None = None
        self._level = LEVELS // 2
        self._light = light
        self.ci.setContentsMargins(6, 4, 10, 4)
        self.ci.layout.setHorizontalSpacing(18)
        self.scene().sigMouseMoved.connect(self._on_mouse_moved)
        self._take_colours()

    def _request_level(self, level: int) -> None:
        self.levelRequested.emit(level)

    def show_curves(self, data: CurveData | None) -> None:
        """Draw these curves, or none."""
        self._data = data
        text = self._text_colour()
        for plot in self.plots:
            plot.show_data(data, text=text)
        self.show_level(self._level)

    def show_level(self, level: int) -> None:
        """Put the operating points to a threshold."""
        self._level = level
        for plot in self.plots:
            plot.show_level(level)

    def reset_view(self) -> None:
        for plot in self.plots:
            plot.reset_view()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_light"):
            self._take_colours()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._show_hover(None)

    def mouseDoubleClickEvent(self, event: Any) -> None:
        self.reset_view()
        event.accept()

    def _text_colour(self) -> QColor:
        return QColor("#1c1f21") if self._light else self.palette().color(QPalette.ColorRole.Text)

    def _take_colours(self) -> None:
        ground = QColor("#ffffff") if self._light else self.palette().color(QPalette.ColorRole.Base)
        self.setBackground(ground)
        for plot in self.plots:
            plot.paint_in(text=self._text_colour(), dark=ground.lightness() < 128)
        if self._data is not None:
            self.show_curves(self._data)

    def _on_mouse_moved(self, at: QPointF) -> None:
        for plot in self.plots:
            view = plot.getViewBox()
            if view.sceneBoundingRect().contains(at):
                point = view.mapSceneToView(at)
                found = plot.nearest_level(point.x(), point.y())
                self._show_hover(found[0] if found is not None and found[1] <= _NEAR_PX else None)
                return
        self._show_hover(None)

    def _show_hover(self, level: int | None) -> None:
        for plot in self.plots:
            plot.show_hover(level)
        self.hovered.emit(level)


def draw_curves(names: Names, data: CurveData, level: int, caption: str, *, svg: bool) -> bytes:
    """Both curves as a picture on white ground with a line of text below: PNG of 2000 x 960 pixels, or SVG."""
    plots = CurvePlots([curve_plot(names, number) for number in range(len(names))], light=True)
    plots.addLabel(html.escape(caption), row=1, col=0, colspan=2, color="#5a6066", size="9pt")
    plots.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    plots.resize(_EXPORT)
    plots.show_curves(data)
    plots.show_level(level)
    plots.show()  # lays it out; nothing comes to the screen
    try:
        drawing = _svg_of(plots)
        return drawing if svg else _png_of(drawing)
    finally:
        plots.close()
        plots.deleteLater()


def _svg_of(plots: CurvePlots) -> bytes:
    store = QBuffer()
    store.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(store)
    generator.setResolution(plots.logicalDpiX())  # else the axes, which are kept as drawn, are scaled by the difference
    generator.setSize(_EXPORT)
    generator.setViewBox(QRectF(0, 0, _EXPORT.width(), _EXPORT.height()))
    generator.setTitle(QCoreApplication.translate("Plots", "ROC and precision-recall curve"))
    painter = QPainter(generator)
    plots.render(painter, QRectF(0, 0, _EXPORT.width(), _EXPORT.height()), plots.viewport().rect())
    painter.end()
    return bytes(store.data().data())


def _twice(found: re.Match[bytes]) -> bytes:
    return b'stroke-width="%g"%b' % (2 * float(found[1]), found[2])


def _png_of(drawing: bytes) -> bytes:
    """A picture of an SVG: drawn twice as large by itself, a plot would keep its thin lines and small symbols."""
    picture = QImage(_EXPORT * 2, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.white)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    # Lines whose width belongs to the screen do not grow with the rest by themselves.
    growing = re.sub(rb'stroke-width="([\d.]+)"([^>]*>\s*<path vector-effect)', _twice, drawing)
    QSvgRenderer(QByteArray(growing)).render(painter, QRectF(picture.rect()))
    painter.end()
    data = QByteArray()
    store = QBuffer(data)
    store.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(store, "PNG")  # type: ignore[call-overload]
    return bytes(data.data())
