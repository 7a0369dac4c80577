"""What an observer says of the photograph on the screen, below the list: done, doubtful, and a note."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from serr_gui.model.state import AppState

_NOTE_LENGTH = 2000


class MarksForm(QWidget):
    """Buttons of commands and a field. ``noteRequested`` carries a path and each new state of its note."""

    noteRequested = Signal(object, str)

    def __init__(self, state: AppState, actions: Sequence[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        for action in actions:
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setAutoRaise(True)
            buttons.addWidget(button)
        self._note = QLineEdit()
        self._note.setPlaceholderText(self.tr("Note"))
        self._note.setAccessibleName(self.tr("Note about this photograph"))
        self._note.setToolTip(self.tr("A note about the photograph on the screen; it is kept with it"))
        self._note.setMaxLength(_NOTE_LENGTH)
        self._note.setMinimumWidth(40)
        self._note.textEdited.connect(self._on_edited)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 2, 4, 4)
        column.setSpacing(3)
        column.addLayout(buttons)
        column.addWidget(self._note)
        for event in (state.events.photos, state.events.current):
            event.connect(self._show)
        self._show()

    def write_note(self) -> None:
        """Put the cursor into the field."""
        self._note.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._note.selectAll()

    def _on_edited(self, text: str) -> None:
        item = self._state.item
        if item is not None:
            self.noteRequested.emit(item.path, text)

    def _show(self) -> None:
        item = self._state.item
        self._note.setEnabled(item is not None)
        note = item.marks.note if item is not None else ""
        if self._note.text() != note:
            with QSignalBlocker(self._note):
                self._note.setText(note)
                self._note.setCursorPosition(0)
