"""Names, notes and sentences are shown letter by letter: nothing in them is markup."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QApplication, QLabel


class PlainTextGuard(QObject):
    """Watches every label of the program, those of message boxes and tooltips included.

    By default Qt takes a text for HTML that looks like it. A photograph that is called ``<img src="//host/x">`` would
    then make the program open that file; on Windows this would send the user's password hash to another machine. A
    label whose text is ours and formatted says so with ``setTextFormat``.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # Each widget is polished before it is first seen.
        if (
            isinstance(watched, QLabel)
            and event.type() == QEvent.Type.Polish
            and watched.textFormat() == Qt.TextFormat.AutoText
        ):
            watched.setTextFormat(Qt.TextFormat.PlainText)
        return False
