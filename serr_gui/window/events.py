"""What events of the window are about."""

from pathlib import Path

from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QAbstractSpinBox, QLineEdit, QPlainTextEdit, QTextEdit, QWidget


def writes_text(widget: QWidget | None) -> bool:
    """Whether keys go into a text."""
    return isinstance(widget, (QLineEdit, QAbstractSpinBox, QTextEdit, QPlainTextEdit))


def local_paths(event: QDropEvent) -> list[Path]:
    """The files of this machine that were dropped."""
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
