"""The mouse wheel scrolls and changes no value, unless the control under it was clicked before."""

from typing import Final

import shiboken6
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractSlider, QAbstractSpinBox, QComboBox, QScrollBar, QWidget

from serr_gui.widgets.event_watch import EventWatch

_CONTROLS: Final = (QComboBox, QAbstractSpinBox, QAbstractSlider)


class WheelGuard:
    """Watches every box, slider and number field of the program, those that are made later included.

    Qt gives the wheel to whatever is under the pointer: whoever scrolls a panel changes the model or the threshold in
    passing. Here a control gets the wheel only while it has the focus from a click; otherwise what it lies in scrolls.
    """

    def __init__(self, watch: EventWatch) -> None:
        self._clicked: QWidget | None = None
        watch.add(self._on_wheel, QWheelEvent)
        watch.add(self._on_mouse, QMouseEvent)
        watch.add(_on_control, QEvent, of=_CONTROLS)

    def _on_wheel(self, watched: QObject, event: QEvent) -> bool:
        if _is_control(watched) and not self._was_clicked(watched):
            event.ignore()  # so that Qt offers it to the parent, up to the scroll area
            return True
        return False

    def _on_mouse(self, watched: QObject, event: QEvent) -> bool:
        # A window sees the press, too, before its widgets do.
        if event.type() == QEvent.Type.MouseButtonPress and isinstance(watched, QWidget):
            self._clicked = _control_of(watched)
        return False

    def _was_clicked(self, control: QObject) -> bool:
        clicked = self._clicked
        return clicked is not None and shiboken6.isValid(clicked) and clicked is control and clicked.hasFocus()


def _is_control(thing: QObject) -> bool:
    return isinstance(thing, _CONTROLS) and not isinstance(thing, QScrollBar)


def _on_control(control: QObject, event: QEvent) -> bool:
    """Let it take the focus only by a click: the wheel itself would give it to most controls."""
    if (
        event.type() == QEvent.Type.Polish
        and isinstance(control, QWidget)
        and _is_control(control)
        and control.focusPolicy() == Qt.FocusPolicy.WheelFocus
    ):
        control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return False


def _control_of(widget: QWidget) -> QWidget | None:
    """The control that a widget is, or is a part of (the text field of a number field)."""
    if _is_control(widget):
        return widget
    parent = widget.parentWidget()
    return parent if parent is not None and _is_control(parent) else None
