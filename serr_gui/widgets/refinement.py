"""Hysteresis and the smallest vessel, below the threshold."""

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QSlider, QSpinBox, QWidget

from core.threshold_rule import LEVELS
from serr_gui.model.state import AppState
from serr_gui.widgets.controls import DecimalBox, faded

_SLIDER_PX = 500
_LARGEST_PX = 100_000


class RefinementRows(QWidget):
    """``lowRequested`` carries a level, that of the threshold for no hysteresis; ``leastRequested`` pixels, or 0."""

    lowRequested = Signal(int)
    leastRequested = Signal(int)

    def __init__(self, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        self._make_low(grid)
        self._make_least(grid)
        for event in (state.events.rule, state.events.document):
            event.connect(self._show)
        self._show()

    def _make_low(self, grid: QGridLayout) -> None:
        tip = self.tr(
            "Hysteresis: a pixel of at least this probability is vessel, too, where such pixels connect it with one at "
            "the threshold. At the threshold itself there is none"
        )
        self._low = QSlider(Qt.Orientation.Horizontal)
        self._low.setRange(1, LEVELS - 1)
        self._low.setPageStep(16)
        self._low.setAccessibleName(self.tr("Lower threshold of the hysteresis"))
        self._low.valueChanged.connect(self._on_low_moved)
        self._low_number = DecimalBox()
        self._low_number.setRange(1 / LEVELS, (LEVELS - 1) / LEVELS)
        self._low_number.setDecimals(3)
        self._low_number.setSingleStep(1 / LEVELS)
        self._low_number.setKeyboardTracking(False)
        self._low_number.setAccessibleName(self.tr("Lower threshold of the hysteresis as a probability"))
        self._low_number.valueChanged.connect(lambda value: self._on_low_moved(round(value * LEVELS)))
        self._low_number.lineEdit().returnPressed.connect(self._low_number.clearFocus)
        _fill_row(grid, 0, self.tr("Grow to"), tip, self._low, self._low_number)

    def _make_least(self, grid: QGridLayout) -> None:
        tip = self.tr("Connected vessels of fewer pixels are left out; 0 leaves out none")
        self._least = QSlider(Qt.Orientation.Horizontal)
        self._least.setRange(0, _SLIDER_PX)
        self._least.setPageStep(20)
        self._least.setAccessibleName(self.tr("Smallest vessel"))
        self._least.valueChanged.connect(self.leastRequested)
        self._least_number = QSpinBox()
        self._least_number.setRange(0, _LARGEST_PX)
        self._least_number.setSuffix(self.tr(" px"))
        self._least_number.setKeyboardTracking(False)
        self._least_number.setAccessibleName(self.tr("Smallest vessel in pixels"))
        self._least_number.valueChanged.connect(self.leastRequested)
        self._least_number.lineEdit().returnPressed.connect(self._least_number.clearFocus)
        _fill_row(grid, 1, self.tr("Smallest"), tip, self._least, self._least_number)

    def _show(self) -> None:
        rule = self._state.rule
        low = rule.level if rule.low_level is None else rule.low_level
        widgets = (self._low, self._low_number, self._least, self._least_number)
        for widget in widgets:
            widget.setEnabled(self._state.result is not None)
        with QSignalBlocker(self._low), QSignalBlocker(self._low_number):
            self._low.setValue(low)
            self._low_number.setValue(low / LEVELS)
        with QSignalBlocker(self._least), QSignalBlocker(self._least_number):
            self._least.setValue(min(rule.min_pixels, _SLIDER_PX))
            self._least_number.setValue(rule.min_pixels)

    def _on_low_moved(self, level: int) -> None:
        self.lowRequested.emit(min(level, self._state.rule.level))
        self._show()  # above the threshold there is nothing to choose


def _fill_row(grid: QGridLayout, row: int, text: str, tip: str, *widgets: QWidget) -> None:
    label = faded(text)
    grid.addWidget(label, row, 0)
    for column, widget in enumerate(widgets, start=1):
        grid.addWidget(widget, row, column)
    for each in (label, *widgets):
        each.setToolTip(tip)
    grid.setColumnStretch(1, 1)
