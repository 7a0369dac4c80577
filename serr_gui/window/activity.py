"""Whether a person is at work: input in the program, and leaving it for another one."""

from typing import Final

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QKeyEvent, QMouseEvent, QTabletEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from serr_gui.controllers.annotating import AnnotatingController
from serr_gui.widgets.event_watch import EventWatch

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


def watch_activity(watch: EventWatch, annotating: AnnotatingController) -> None:
    """Tell the controller of every input that a widget of the program gets while the program is in front."""

    def on_input(watched: QObject, event: QEvent) -> bool:
        if event.type() in _INPUT and watched.isWidgetType() and QApplication.activeWindow() is not None:
            annotating.touch()
        return False

    def on_program(_app: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ApplicationDeactivate:
            annotating.pause()
        return False

    watch.add(on_input, QMouseEvent, QWheelEvent, QKeyEvent, QTabletEvent)
    watch.add(on_program, QEvent, of=QApplication)
