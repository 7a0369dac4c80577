"""Whether a person is at work: input in the program, and leaving it for another one."""

from typing import Final

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

from serr_gui.controllers.annotating import AnnotatingController

_INPUT: Final = frozenset(
    {
        QEvent.Type.MouseMove,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseButtonRelease,
        QEvent.Type.Wheel,
        QEvent.Type.KeyPress,
        QEvent.Type.TabletMove,
        QEvent.Type.TabletPress,
    }
)


class ActivityWatch(QObject):
    """Tells the controller of every input that a widget of the program gets while the program is in front."""

    def __init__(self, annotating: AnnotatingController, parent: QObject) -> None:
        super().__init__(parent)
        self._annotating = annotating
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind in _INPUT:
            if watched.isWidgetType() and QApplication.activeWindow() is not None:
                self._annotating.touch()
        elif kind == QEvent.Type.ApplicationDeactivate:
            self._annotating.pause()
        return False
