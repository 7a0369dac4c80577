"""Plots side by side where there is room, and one below the other in a narrow place.

This module loads pyqtgraph, which takes a good part of a second: import it when a plot is to be seen.
"""

from collections.abc import Sequence
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget


class PlotRows(pg.GraphicsLayoutWidget):  # type: ignore[misc]
    """Plots that are never narrower than can be read; what does not fit is left to a scroll area around it.

    ``least`` : the smallest size in which one of them can be read.
    """

    def __init__(self, plots: Sequence[Any], least: QSize, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plots = tuple(plots)
        self._least = least
        self._columns = 0
        self.setMinimumWidth(least.width())
        self._lay_out(len(self.plots))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if hasattr(self, "plots"):  # pyqtgraph resizes while it is being made
            fits = self.width() >= self._least.width() * len(self.plots)
            self._lay_out(len(self.plots) if fits else 1)

    def _lay_out(self, columns: int) -> None:
        if columns == self._columns:
            return
        if self._columns:
            for plot in self.plots:
                self.removeItem(plot)
        self._columns = columns
        for number, plot in enumerate(self.plots):
            self.addItem(plot, number // columns, number % columns)
        self.setMinimumHeight(self._least.height() * -(-len(self.plots) // columns))
