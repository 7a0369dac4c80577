"""The mouse wheel scrolls and changes no value, unless the control under it was clicked before."""

import shiboken6
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractSlider, QAbstractSpinBox, QApplication, QComboBox, QScrollBar, QWidget


class WheelGuard(QObject):
    """Watches every box, slider and number field of the program, those that are made later included.

    Qt gives the wheel to whatever is under the pointer: whoever scrolls a panel changes the model or the threshold in
    passing. Here a control gets the wheel only while it has the focus from a click; otherwise what it lies in scrolls.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._clicked: QWidget | None = None
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # By class first: every event of the program passes here, and asking for its type costs the most.
        if isinstance(event, QWheelEvent):
            if _is_control(watched) and not self._was_clicked(watched):
                event.ignore()  # so that Qt offers it to the parent, up to the scroll area
                return True
        elif isinstance(event, QMouseEvent):
            # A window sees the press, too, before its widgets do.
            if event.type() == QEvent.Type.MouseButtonPress and isinstance(watched, QWidget):
                self._clicked = _control_of(watched)
        elif isinstance(watched, QWidget) and _is_control(watched) and event.type() == QEvent.Type.Polish:
            _take_focus_only_by_click(watched)
        return False

    def _was_clicked(self, control: QObject) -> bool:
        clicked = self._clicked
        return clicked is not None and shiboken6.isValid(clicked) and clicked is control and clicked.hasFocus()


def _is_control(thing: QObject) -> bool:
    return isinstance(thing, (QComboBox, QAbstractSpinBox, QAbstractSlider)) and not isinstance(thing, QScrollBar)


def _take_focus_only_by_click(control: QWidget) -> None:
    """The wheel itself would give the focus to most controls."""
    if control.focusPolicy() == Qt.FocusPolicy.WheelFocus:
        control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)


def _control_of(widget: QWidget) -> QWidget | None:
    """The control that a widget is, or is a part of (the text field of a number field)."""
    if _is_control(widget):
        return widget
    parent = widget.parentWidget()
    return parent if parent is not None and _is_control(parent) else None
