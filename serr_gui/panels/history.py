"""The steps of Undo of the photograph on the screen: those that are made, and those that can be made again."""

from typing import Final

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QPalette, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from serr_gui.actions.qactions import Actions
from serr_gui.model.editing import HISTORY_BYTES
from serr_gui.model.selectors import may_undo
from serr_gui.model.state import AppState
from serr_gui.widgets.controls import faded

_SHOWN: Final = 500
"""The newest steps are listed; Undo has them all."""


class HistoryPanel(QWidget):
    """``stepRequested`` carries how many steps shall be made."""

    stepRequested = Signal(int)

    def __init__(self, state: AppState, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._list = QListWidget()
        self._list.setAccessibleName(self.tr("Steps of Undo"))
        self._list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._list.setUniformItemSizes(True)
        self._list.setFrameShape(QListWidget.Shape.NoFrame)
        self._list.currentRowChanged.connect(self._on_row_changed)
        note = faded(
            self.tr("Click a step to go back or forward to it. Each photograph keeps up to {size} MB of steps.").format(
                size=HISTORY_BYTES >> 20
            )
        )
        note.setWordWrap(True)
        row = QHBoxLayout()
        for key in ("undo", "redo"):
            button = QToolButton()
            button.setDefaultAction(actions[key])
            button.setAutoRaise(True)
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 10)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self._list, 1)
        column.addWidget(note)
        self._shown: tuple[tuple[str, ...], int, bool] | None = None
        for event in (state.events.editing, state.events.document, state.events.task, state.events.side_task):
            event.connect(self._show)
        self._show()

    @property
    def _first(self) -> int:
        """The number of steps that are made where the first line is chosen."""
        return max(0, len(self._state.editing.steps) - _SHOWN)

    def _on_row_changed(self, row: int) -> None:
        done = self._first + row
        if row >= 0 and done != self._state.editing.done:
            self.stepRequested.emit(done)
            self._shown = None
            self._show()

    def _show(self) -> None:
        state, editing = self._state, self._state.editing
        wanted = (editing.steps, editing.done, may_undo(state))
        if wanted == self._shown or not self.isVisible():
            return
        self._shown = wanted
        with QSignalBlocker(self._list):
            self._list.clear()
            if state.document is not None:
                begin = self.tr("As opened") if not self._first else self.tr("Older steps")
                for number, name in enumerate((begin, *editing.steps[self._first :]), start=self._first):
                    self._list.addItem(self._line(name, undone=number > editing.done))
                self._list.setCurrentRow(editing.done - self._first)
        self._list.setEnabled(may_undo(state))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show()

    def _line(self, name: str, *, undone: bool) -> QListWidgetItem:
        line = QListWidgetItem(name)
        if undone:
            font = line.font()
            font.setItalic(True)
            line.setFont(font)
            line.setForeground(self.palette().brush(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text))
            line.setData(Qt.ItemDataRole.AccessibleTextRole, self.tr("{name}, undone").format(name=name))
        return line
