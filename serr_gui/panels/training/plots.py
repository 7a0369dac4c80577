"""The curves of a training, and the ROC curves of two models.

This module loads pyqtgraph, which takes a good part of a second: import it when a plot is to be seen.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QWidget

from core.evaluation.curves import OperatingPoints
from core.training.run_view import RunView
from serr_gui.widgets.plot_rows import PlotRows

# Dark on light ground and light on dark: told apart by lightness and dash, not by hue alone.
_FIRST: Final = ("#0b6e7f", "#5cc3d4")
_SECOND: Final = ("#b3561e", "#ffb07a")
_MOST_POINTS: Final = 400
_LEAST_PX: Final = 80
_RATE_SCALE: Final = 1e4
"""Learning rates are shown in ten-thousandths: 0.0001 and 8e-05 beside one another cannot be read."""
_COLOURED: Final = "<span style='color:{}'>{}</span>"


class _StepAxis(pg.AxisItem):  # type: ignore[misc]
    """Writes thousands of steps shortly: 20000 and its neighbours would run into one another."""

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if spacing * scale < 1000:
            return list(super().tickStrings(values, scale, spacing))
        return [f"{value * scale / 1000:g}k" if value else "0" for value in values]


class _Plot(pg.PlotItem):  # type: ignore[misc]
    """A plot with one or two named curves that the mouse does not move."""

    def __init__(self, title: str, names: Sequence[str], bottom: str) -> None:
        super().__init__(axisItems={"bottom": _StepAxis("bottom")})
        self.setMinimumWidth(_LEAST_PX)  # of its own, and not what its title needs
        self._title, self._names, self._bottom = title, tuple(names), bottom
        self.setMenuEnabled(False)
        self.hideButtons()
        self.getViewBox().setMouseEnabled(x=False, y=False)
        self.getViewBox().setDefaultPadding(0.04)
        self.lines = [pg.PlotDataItem(antialias=True, connect="finite") for _ in names]
        for curve in self.lines:
            self.addItem(curve)
        self.mark = pg.InfiniteLine(angle=90, movable=False)
        self.mark.setVisible(False)
        self.addItem(self.mark, ignoreBounds=True)

    def paint_in(self, *, text: QColor, dark: bool) -> None:
        """Take colours for light or dark ground."""
        for name in ("left", "bottom"):
            axis = self.getAxis(name)
            axis.enableAutoSIPrefix(False)
            axis.setPen(text)
            axis.setTextPen(text)
        self.setLabel("bottom", self._bottom, color=text.name())
        words = []
        for curve, name, colours, style in zip(
            self.lines,
            self._names,
            (_FIRST, _SECOND),
            (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine),
            strict=False,
        ):
            colour = colours[dark]
            curve.setPen(pg.mkPen(colour, width=2, style=style))
            curve.setSymbolSize(5)
            curve.setSymbolBrush(colour)
            curve.setSymbolPen(None)
            dash = "" if style == Qt.PenStyle.SolidLine else "- "
            words.append(_COLOURED.format(colour, dash + name))
        shown = f"{self._title}: " + ", ".join(words) if self._title else ", ".join(words)
        self.setTitle(shown, color=text.name(), size="8pt")
        faint = QColor(text)
        faint.setAlpha(120)
        self.mark.setPen(pg.mkPen(faint, style=Qt.PenStyle.DotLine))


class _Plots(PlotRows):
    """Plots in the colours of the palette."""

    def __init__(self, plots: Sequence[_Plot], least: QSize, parent: QWidget | None = None) -> None:
        super().__init__(plots, least, parent)
        self.ci.setContentsMargins(4, 2, 8, 2)
        self.ci.layout.setHorizontalSpacing(10)
        self._take_colours()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "plots"):
            self._take_colours()

    def wheelEvent(self, event: Any) -> None:
        event.ignore()

    def _take_colours(self) -> None:
        ground = self.palette().color(QPalette.ColorRole.Base)
        self.setBackground(ground)
        for plot in self.plots:
            plot.paint_in(text=self.palette().color(QPalette.ColorRole.Text), dark=ground.lightness() < 128)


class TrainingCurves(_Plots):
    """Losses, scores and learning rate of a run over its steps; a dotted line marks the best weights."""

    def __init__(self, texts: dict[str, str], parent: QWidget | None = None) -> None:
        step = texts["step"]
        super().__init__(  # nothing here is negative, and a single value has no range of its own
            (
                _Plot(texts["loss"], (texts["training"], texts["validation"]), step),
                _Plot(texts["validation"], (texts["auc"], texts["f1"]), step),
                _Plot("", (texts["rate"],), step),
            ),
            QSize(150, 150),
            parent,
        )
        for plot, most in zip(self.plots, (None, 1.0, None), strict=True):
            plot.getViewBox().setLimits(yMin=0.0, yMax=most)

    def show_run(self, view: RunView | None) -> None:
        """Draw the curves of a run, or none."""
        learned = view.learned if view else ()
        validated = view.validated if view else ()
        losses, figures, rates = self.plots
        losses.lines[0].setData([p.step for p in learned], [p.loss for p in learned])
        at = [p.step for p in validated]
        few = "o" if len(at) <= 60 else None  # a single point is seen, too, and many are a line
        for line in (losses.lines[1], *figures.lines):
            line.setSymbol(few)
        losses.lines[1].setData(at, [p.loss for p in validated])
        figures.lines[0].setData(at, [p.auc_roc for p in validated])
        figures.lines[1].setData(at, [p.f1 for p in validated])
        rates.lines[0].setData([p.step for p in learned], [p.rate * _RATE_SCALE for p in learned])
        best = view.best if view else None
        for plot in self.plots[:2]:
            plot.mark.setVisible(best is not None)
            if best is not None:
                plot.mark.setPos(best.step)
        steps = view.steps if view else 0
        for plot in self.plots:
            if steps:
                plot.getViewBox().setXRange(0, steps, padding=0.02)


class TwoRocs(_Plots):
    """The ROC curves of an old and a new model over one another; the whole, and the corner that matters."""

    def __init__(self, names: tuple[str, str], axis_names: tuple[str, str], parent: QWidget | None = None) -> None:
        plots = (_Plot("", names, axis_names[0]), _Plot("", names, axis_names[0]))
        super().__init__(plots, QSize(220, 200), parent)
        for plot in plots:
            plot.setLabel("left", axis_names[1])
        plots[0].getViewBox().setRange(xRange=(0, 1), yRange=(0, 1), padding=0.02)
        plots[1].getViewBox().setRange(xRange=(0, 0.1), yRange=(0.6, 1), padding=0.02)

    def show_curves(self, old: OperatingPoints, new: OperatingPoints) -> None:
        """Draw both."""
        for number, points in enumerate((old, new)):
            x, y = _thinned(points)
            for plot in self.plots:
                plot.lines[number].setData(x, y)


def _thinned(points: OperatingPoints) -> tuple[Any, Any]:
    """At most some hundred points of a curve, evenly along it."""
    x, y = points.false_positive_rate, points.sensitivity
    if len(x) <= _MOST_POINTS:
        return x, y
    along = np.cumsum(np.r_[0.0, np.hypot(np.diff(x), np.diff(y))])
    kept = np.unique(np.searchsorted(along, np.linspace(0.0, along[-1], _MOST_POINTS)).clip(0, len(x) - 1))
    return x[kept], y[kept]
