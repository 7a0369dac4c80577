"""Names, notes and sentences are shown letter by letter: nothing in them is markup."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QLabel

from serr_gui.widgets.event_watch import EventWatch


def show_plain_text(watch: EventWatch) -> None:
    """Watch every label of the program, those of message boxes and tooltips included.

    By default Qt takes a text for HTML that looks like it. A photograph that is called ``<img src="//host/x">`` would
    then make the program open that file; on Windows this would send the user's password hash to another machine. A
    label whose text is ours and formatted says so with ``setTextFormat``.
    """
    watch.add(_on_label, QEvent, of=QLabel)


def _on_label(label: QObject, event: QEvent) -> bool:
    # Each widget is polished before it is first seen.
    if (
        event.type() == QEvent.Type.Polish
        and isinstance(label, QLabel)
        and label.textFormat() == Qt.TextFormat.AutoText
    ):
        label.setTextFormat(Qt.TextFormat.PlainText)
    return False
