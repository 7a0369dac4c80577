"""Correcting the mask by hand: the tools, their size, and how much a hand has decided."""

import math

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from serr_gui.actions.qactions import Actions
from serr_gui.model.editing import PAINTING_TOOLS, SIZES_PX, TRACING_TOOLS, WIDTHS_PERCENT, ToolName
from serr_gui.model.selectors import can_edit
from serr_gui.model.state import AppState
from serr_gui.widgets.controls import faded, heading

_SLIDER_STEPS = 100
_TOOLS_IN_A_ROW = 3
_TOOLS = ("hand", "brush", "eraser", "trace", "bridge", "prune", "component", "lasso", "fill")


class EditingPanel(QWidget):
    """Tools as buttons.

    ``sizeRequested`` carries a diameter in photograph pixels, ``widthRequested`` a width in percent of the vessel's.
    """

    sizeRequested = Signal(int)
    widthRequested = Signal(int)

    def __init__(self, state: AppState, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(6)
        column.addWidget(heading(self.tr("Correct by hand")))
        column.addLayout(_grid(actions, *_TOOLS))
        column.addLayout(_grid(actions, "target_vessels", "target_questionable", "target_fov", "fov_circle"))
        column.addWidget(self._make_size())
        column.addWidget(self._make_width())
        self._lasso = _holder(_buttons(actions, "lasso_vessel", "lasso_background", "lasso_network"))
        column.addWidget(self._lasso)
        self._gaps = _holder(_buttons(actions, "find_gaps", "take_gap", "skip_gap"))
        column.addWidget(self._gaps)
        self._how = faded()
        self._how.setWordWrap(True)
        column.addWidget(self._how)
        column.addLayout(_buttons(actions, "undo", "redo"))
        self._count = faded()
        self._count.setWordWrap(True)
        column.addWidget(self._count)
        row = _buttons(actions, "discard_corrections")
        column.addLayout(row)
        column.addStretch(1)
        events = state.events
        for event in (events.editing, events.document, events.task, events.side_task, events.opening):
            event.connect(self._show)
        self._show()

    def _make_size(self) -> QWidget:
        label = faded(self.tr("Size"))
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, _SLIDER_STEPS)
        self._slider.setAccessibleName(self.tr("Size of brush and eraser"))
        self._slider.valueChanged.connect(lambda step: self.sizeRequested.emit(_size_of(step)))
        self._box = QSpinBox()
        self._box.setRange(*SIZES_PX)
        self._box.setSuffix(self.tr(" px"))
        self._box.setKeyboardTracking(False)
        self._box.setAccessibleName(self.tr("Size of brush and eraser in pixels of the photograph"))
        self._box.valueChanged.connect(self.sizeRequested)
        for widget in (self._slider, self._box):
            widget.setToolTip(self.tr("Diameter in pixels of the photograph ([ and ], or Alt and the wheel)"))
        self._size_row = _row(label, self._slider, self._box)
        return self._size_row

    def _make_width(self) -> QWidget:
        self._width = QSpinBox()
        self._width.setRange(*WIDTHS_PERCENT)
        self._width.setSingleStep(10)
        self._width.setSuffix(self.tr(" % of the vessel"))
        self._width.setKeyboardTracking(False)
        self._width.setAccessibleName(self.tr("Width of traced vessels in percent of that in the map"))
        self._width.setToolTip(self.tr("100 % is the width of the vessel in the map ([ and ], or Alt and the wheel)"))
        self._width.valueChanged.connect(self.widthRequested)
        self._width_row = _row(faded(self.tr("Width")), self._width)
        return self._width_row

    def _show(self) -> None:
        state, editing = self._state, self._state.editing
        self._size_row.setVisible(editing.tool in ("hand", "brush", "eraser"))
        self._width_row.setVisible(editing.tool in TRACING_TOOLS)
        self._lasso.setVisible(editing.tool == "lasso")
        self._gaps.setVisible(editing.tool == "bridge")
        how = self._texts().get(editing.tool, "") if can_edit(state) or editing.tool == "fov_circle" else ""
        if editing.target == "fov" and editing.tool in PAINTING_TOOLS:
            how = self.tr("Brush and lasso add to the field of view, the eraser takes away. 1 paints vessels again.")
        if editing.target == "questionable" and editing.tool in PAINTING_TOOLS:
            how = self.tr(
                "Brush and lasso mark what cannot be decided, the eraser takes the mark away. 1 paints vessels again."
            )
        self._how.setText(how)
        self._how.setVisible(bool(how))
        with QSignalBlocker(self._slider), QSignalBlocker(self._box), QSignalBlocker(self._width):
            self._width.setValue(editing.width_percent)
            if _size_of(self._slider.value()) != editing.size_px:
                self._slider.setValue(_step_of(editing.size_px))
            self._box.setValue(editing.size_px)
        if state.result is None:
            text = self.tr("Segment the photograph first: corrections are laid over its mask.")
        elif not can_edit(state):
            text = self.tr("Corrections wait until the running work has ended.")
        elif editing.corrected_px:
            text = self.tr("{count} pixels corrected. They stay at every threshold.")
            text = text.format(count=f"{editing.corrected_px:,}")
        else:
            text = self.tr("Nothing corrected. B paints vessels, E erases, Esc goes back to the hand.")
        self._count.setText(text)

    def _texts(self) -> dict[ToolName, str]:
        """How the tools are used that are more than a brush."""
        return {
            "trace": self.tr(
                "Click along a vessel. Enter or a double click accepts, Backspace removes the last piece, Esc cancels."
            ),
            "bridge": self._gap_text(),
            "lasso": self.tr("Draw around a region, or click its corners and close with Enter or a double click."),
            "prune": self.tr("Click a branch: it goes up to the next crossing. With Ctrl it stays at every threshold."),
            "component": self.tr("Click a connected vessel: all of it goes. With Ctrl it stays at every threshold."),
            "fill": self.tr("Click background that vessels enclose: it becomes vessel."),
            "fov_circle": self.tr(
                "Drag the middle of the circle to move it, its edge to size it. The next run uses this field of view."
            ),
        }

    def _gap_text(self) -> str:
        editing = self._state.editing
        if editing.looks_for_gaps:
            return self.tr("Looking for gaps: {percent} %").format(percent=editing.gaps_percent)
        if editing.gap is None:
            return self.tr("Click two ends to join them. Find Gaps proposes those that a vessel probably bridges.")
        text = self.tr("Gap {number} of {count}, probability {p}: Enter bridges it, Backspace skips it.")
        return text.format(number=editing.gap_at + 1, count=len(editing.gaps), p=f"{editing.gap.probability:.2f}")


def _holder(layout: QHBoxLayout) -> QWidget:
    holder = QWidget()
    layout.setContentsMargins(0, 0, 0, 0)
    holder.setLayout(layout)
    return holder


def _row(*widgets: QWidget) -> QWidget:
    """Widgets next to one another; the second takes the room."""
    holder = QWidget()
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    for number, widget in enumerate(widgets):
        row.addWidget(widget, int(number == 1))
    return holder


def _button(actions: Actions, key: str) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(actions[key])
    button.setAutoRaise(True)  # as in the tool bar: it shows which one is chosen in the dark theme, too
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return button


def _buttons(actions: Actions, *keys: str) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(6)
    for key in keys:
        row.addWidget(_button(actions, key))
    row.addStretch(1)
    return row


def _grid(actions: Actions, *keys: str) -> QGridLayout:
    """The tools, as many in a row as a narrow panel shows."""
    grid = QGridLayout()
    grid.setSpacing(4)
    for number, key in enumerate(keys):
        button = _button(actions, key)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        grid.addWidget(button, *divmod(number, _TOOLS_IN_A_ROW))
    return grid


def _size_of(step: int) -> int:
    """Sizes grow by a constant factor along the slider: the small ones are those that vessels have."""
    smallest, largest = SIZES_PX
    return round(smallest * math.pow(largest / smallest, step / _SLIDER_STEPS))


def _step_of(size_px: int) -> int:
    return min(range(_SLIDER_STEPS + 1), key=lambda step: abs(_size_of(step) - size_px))
