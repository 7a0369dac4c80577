"""Measures of the vessels on the screen: of the photograph, of each segment, and along the one that is chosen."""

import math
from typing import Final

import numpy as np
from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHeaderView, QSplitter, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from core.measures.traced import SPREAD
from serr_gui.actions.qactions import Actions
from serr_gui.model.measuring import (
    Measured,
    chosen_vessel,
    length_unit,
    measure_inputs,
    measured,
    vessel_values,
)
from serr_gui.model.state import AppState
from serr_gui.panels.measure.setup import MeasureBar, MeasureSetupForm
from serr_gui.panels.measure.tables import PhotoModel, SegmentTable, measure_table
from serr_gui.widgets.controls import ElidedLabel, chooser
from serr_gui.widgets.scrolling import scrolling
from serr_gui.widgets.small_plots import HistogramPlot, ProfilePlot

_COLUMNS_PX: Final = (190, 80, 40, 216, 116)
_SEGMENT_PX: Final = (32, 94, 74, 70, 88, 72)
_NARROW_PX: Final = (104, 60, 40, 50)
"""The columns of the photograph's table where there is little room."""
_NARROW_SEGMENT_PX: Final = (34, 80, 74)
_ROOM_PX: Final = 560
"""With less, plots have a tab of their own, and the tables fewer columns."""
_LEAST_PX: Final = 290
_SPLIT_PX: Final = (560, 170)


class MeasurePanel(QWidget):
    """``watchRequested`` tells whether anybody sees the panel: vessels are measured only then."""

    watchRequested = Signal(bool)

    def __init__(self, state: AppState, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._shown: Measured | None = None
        self._is_filled = self._waits = False
        self._chosen = -1
        self._narrow = False
        self.bar = MeasureBar(state, actions)
        self.setup = MeasureSetupForm(state, actions)
        self.measures = PhotoModel(self)
        self.table = measure_table(self.tr("Measures of the photograph"), self.measures)
        self.segments = SegmentTable(self)
        self.profile, self.histogram = ProfilePlot(), HistogramPlot()
        self.profile.setAccessibleName(self.tr("Width along the chosen vessel"))
        self.histogram.setAccessibleName(self.tr("Histogram of the vessel segments"))
        self.about = ElidedLabel(leave_out=Qt.TextElideMode.ElideRight)
        self._split = QSplitter()
        self._split.addWidget(self.segments.view)
        self._plots = self._make_plots()
        self._split.addWidget(self._plots)
        self._split.setStretchFactor(0, 3)
        self._split.setStretchFactor(1, 1)
        self._split.setSizes(_SPLIT_PX)
        self._split.setChildrenCollapsible(False)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.table, self.tr("Photograph"))
        self.tabs.addTab(self._split, self.tr("Segments"))
        self.tabs.addTab(scrolling(self.setup, sideways=True), self.tr("Pixel and Disc"))
        self.table.selectionModel().currentRowChanged.connect(lambda *_: self._show_about())
        self._arrange()
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 4)
        column.setSpacing(3)
        column.addWidget(self.bar)
        column.addWidget(self.tabs, 1)
        column.addWidget(self.about)
        events = state.events
        for event in (events.measured, events.document, events.rule, events.photos, events.current):
            event.connect(self._show)
        events.measure_view.connect(self._show_chosen)
        self._show()

    def _make_plots(self) -> QWidget:
        self.of = chooser(self.tr("What is plotted"))
        for text, of in (
            (self.tr("Width along the vessel"), ""),
            (self.tr("Widths of segments"), "width"),
            (self.tr("Tortuosity of segments"), "tortuosity"),
        ):
            self.of.addItem(text, of)
        self.of.setCurrentIndex(1)
        self.of.activated.connect(lambda _: self._show_plot())
        self.plots = QStackedWidget()
        self.plots.addWidget(self.profile)
        self.plots.addWidget(self.histogram)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.of)
        column.addWidget(self.plots, 1)
        return whole

    # Showing

    def _show(self) -> None:
        """Show what is true of the mask on the screen, and nothing of any other."""
        found = measured(self._state)
        waits = found is None and self._state.measure_view.watched and self._state.result is not None
        if not self._is_filled or found is not self._shown or waits is not self._waits:
            self._is_filled, self._shown, self._waits = True, found, waits
            measures = found.measures if found is not None else None
            self.measures.set_measures(
                measures, waits=waits, assumed=found is not None and found.inputs.setup.is_assumed
            )
            self.segments.set_measured(found)
            self._show_chosen()
            self._show_columns()
        self._show_about()

    def _show_about(self) -> None:
        found = measured(self._state)
        waits = found is None and self._state.measure_view.watched and self._state.result is not None
        row = self.table.currentIndex().row()
        chosen = self.measures.note_of(row) if row >= 0 else ""
        self.about.set_full_text(chosen or self._sentence(found, waits=waits))

    def _sentence(self, found: Measured | None, *, waits: bool) -> str:
        if self._state.result is None:
            return self.tr("Segment a photograph to measure its vessels.")
        if found is None:
            return self.tr("Measuring...") if waits or measure_inputs(self._state) is None else ""
        if found.problem or found.measures is None:
            return found.problem
        count = len(found.measures.tree.vessels)
        text = self.tr("{count} segments. Lengths are in {unit}.").format(count=count, unit=length_unit(found))
        pixel = found.inputs.setup.pixel_used
        if pixel is not None:
            text = self.tr("{count} segments. Pixel: {um} \u00b5m ({source}).")
            text = text.format(count=count, um=f"{pixel.um:.4g}", source=pixel.source)
        if not found.complete:
            return f"{text} " + self.tr("Error bars are being made...")
        if found.measures.threshold is None:
            return f"{text} " + self.tr("No error bars: the mask is more than the probability map at a threshold.")
        over = self.tr("Error bars: threshold \u00b1 {spread}.")
        if found.inputs.mirrored is not None:
            over = self.tr("Error bars: threshold \u00b1 {spread} and flips.")
        return f"{text} {over.format(spread=SPREAD)}"

    def _show_chosen(self) -> None:
        chosen = self._state.measure_view.vessel
        self.segments.choose(chosen)
        if chosen >= 0 and chosen != self._chosen:
            self.of.setCurrentIndex(0)  # what was asked for by choosing it
        self._chosen = chosen
        self._show_plot()

    def _show_plot(self) -> None:
        self._show_profile()
        self._show_histogram()
        self.plots.setCurrentWidget(self.histogram if self.of.currentData() else self.profile)

    def _show_profile(self) -> None:
        vessel, found = chosen_vessel(self._state), self._shown
        if vessel is None or found is None:
            empty = self.tr("Choose a vessel in the table, or click it in the photograph, to see its width along it.")
            self.profile.set_profile(np.zeros(0), np.zeros(0), math.nan, "", empty)
            return
        pixel = found.inputs.setup.pixel_used
        scale = pixel.um if pixel is not None else 1.0
        number = self._state.measure_view.vessel + 1
        name = self.tr("Width along segment {number} ({unit})").format(number=number, unit=length_unit(found))
        along, widths = vessel.line.along * scale, vessel.widths_px * scale
        empty = self.tr("The width of this segment is not known: it is too short, or too near to other vessels.")
        self.profile.set_profile(along, widths, vessel.width_px * scale, name, empty)

    def _show_histogram(self) -> None:
        found, colouring = self._shown, self.of.currentData()
        if found is None or found.measures is None or not colouring:
            self.histogram.set_values([], "", "")
            return
        values = vessel_values(found, colouring)
        name = self.of.currentText()
        name = f"{name} ({length_unit(found)})" if colouring == "width" else f"{name} (length / chord - 1)"
        chosen = self._state.measure_view.vessel
        marked = float(values[chosen]) if 0 <= chosen < len(values) else math.nan
        self.histogram.set_values(values, name, self.tr("Nothing is known of any segment."), marked)

    # Room

    def minimumSizeHint(self) -> QSize:
        return QSize(_LEAST_PX, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = event.size().width() < _ROOM_PX
        if narrow != self._narrow:
            self._narrow = narrow
            self._arrange()

    def _arrange(self) -> None:
        """Put the plots next to the segments, or into a tab where there is no room for both."""
        narrow = self._narrow
        if narrow:
            self.tabs.addTab(self._plots, self.tr("Plots"))
        elif self._plots.parentWidget() is not self._split:
            self._split.addWidget(self._plots)
            self._plots.show()
            self._split.setSizes(_SPLIT_PX)
        self.bar.set_narrow(narrow)
        self.measures.set_narrow(narrow)
        unit, follow = self.table.horizontalHeader(), QHeaderView.ResizeMode.ResizeToContents
        unit.setSectionResizeMode(2, QHeaderView.ResizeMode.Interactive)  # or each width makes it ask for all cells
        for table, widths in (
            (self.table, _NARROW_PX if narrow else _COLUMNS_PX),
            (self.segments.view, _NARROW_SEGMENT_PX if narrow else _SEGMENT_PX),
        ):
            for number, width in enumerate(widths):
                table.setColumnWidth(number, width)
        unit.setSectionResizeMode(2, follow)
        for number in (4, 5, 6):  # turning, inflections and marks
            self.segments.view.setColumnHidden(number, narrow)
        self._show_columns()

    def _show_columns(self) -> None:
        self.table.setColumnHidden(PhotoModel.UNCORRECTED, self._narrow or not self.measures.is_corrected())
        self.table.setColumnHidden(PhotoModel.NOTE, self._narrow)

    # Watching

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.watchRequested.emit(True)
        self._show()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if not event.spontaneous():
            self.watchRequested.emit(False)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            height = self.fontMetrics().height() + 6
            for table in (self.table, self.segments.view):
                table.verticalHeader().setDefaultSectionSize(height)
