"""Watching all events of the program at one place."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

Handler = Callable[[QObject, QEvent], bool]
"""Gets the object and its event; True where the event goes no further."""
_Classes = type[QObject] | tuple[type[QObject], ...]


class EventWatch(QObject):
    """Sees every event of the program, and hands a few of them on.

    To be called from Qt costs a filter more than most widgets need for the event itself, so there is one for the whole
    program: with four of them a form took four times as long to open. It asks for classes alone, since even an event's
    type is slow to ask for.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._handlers: dict[type[QEvent], list[tuple[_Classes, Handler]]] = {}
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

    def add(self, handler: Handler, *kinds: type[QEvent], of: _Classes = QObject) -> None:
        """Hand on events of these classes that objects of such a class get.

        QEvent is the class of events that have none of their own, such as Polish, and means no other here.
        """
        for kind in kinds:
            self._handlers.setdefault(kind, []).append((of, handler))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        handlers = self._handlers.get(type(event))
        if handlers is not None:
            for of, handler in handlers:
                if isinstance(watched, of) and handler(watched, event):
                    return True
        return False
