"""A line for the path of a file or folder."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit


class PathEdit(QLineEdit):
    """``pathEntered`` carries the path that somebody has typed or pasted, at Enter.

    Enter stays here: it would also press the button of the dialog that is in front.
    """

    pathEntered = Signal(Path)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            event.accept()
            text = self.text().strip()
            if text:
                self.pathEntered.emit(Path(text).expanduser().absolute())
