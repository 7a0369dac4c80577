"""The photograph under the hand: zoom, pan, and what is under the cursor."""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QNativeGestureEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from serr_gui.canvas.picture_view import PictureView

ZOOM_STEP = 1.25
"""Factor of one notch of the wheel and of one press of + or -."""

_PAN_STEP = 0.1


class PhotoView(PictureView):
    """A picture view that follows mouse and keys. ``cursorMoved`` gives the photograph's column and row."""

    cursorMoved = Signal(int, int)
    cursorLeft = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cursor_place: QPointF | None = None
        self._cursor_pixel: tuple[int, int] | None = None
        self._space_held = False
        self._drag_from: QPointF | None = None
        self._focus_by_key = False

        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Fundus photograph"))
        self.setAccessibleDescription(
            self.tr("Arrow keys move the photograph, plus and minus zoom, the wheel zooms at the cursor.")
        )

    def _view_changed(self) -> None:
        super()._view_changed()
        self._report_cursor()

    def _shows_focus(self) -> bool:
        return self.hasFocus() and self._focus_by_key

    def _zoom_step(self, factor: float, place: QPointF | None) -> None:
        """Zoom by a factor, with a stop at 100 %, where photograph and mask are seen unresampled."""
        zoom = self.zoom * factor
        self._zoom_at(1.0 if (self.zoom - 1.0) * (zoom - 1.0) < 0.0 else zoom, place)

    def _pan(self, dx: float, dy: float) -> None:
        """Move the photograph by widget coordinates."""
        if self._photo is None:
            return
        ratio = self.devicePixelRatioF()
        self._geometry.pan(dx * ratio, dy * ratio)
        self._view_changed()

    def _report_cursor(self) -> None:
        """Say which pixel is under the cursor when that has changed."""
        pixel: tuple[int, int] | None = None
        if self._cursor_place is not None and self._photo is not None:
            point = self.image_point(self._cursor_place)
            column, row = int(np.floor(point.x())), int(np.floor(point.y()))
            if 0 <= column < self._geometry.image[0] and 0 <= row < self._geometry.image[1]:
                pixel = (column, row)
        if pixel == self._cursor_pixel:
            return
        self._cursor_pixel = pixel
        if pixel is None:
            self.cursorLeft.emit()
        else:
            self.cursorMoved.emit(*pixel)

    # Events

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self._zoom_at(self.zoom * (1.0 + event.value()), event.position())
            return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / 120.0
        if notches:
            self._zoom_step(ZOOM_STEP**notches, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._drag_from = event.position()
            self._show_cursor()
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._cursor_place = event.position()
        if self._drag_from is not None:
            moved = event.position() - self._drag_from
            self._drag_from = event.position()
            self._pan(moved.x(), moved.y())
        self._report_cursor()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag_from is not None and not event.buttons():
            self._drag_from = None
            self._show_cursor()
        else:
            super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Fits; when fitted already, goes to 100 % at the cursor."""
        if event.button() != Qt.MouseButton.LeftButton:
            super().mouseDoubleClickEvent(event)
        elif self.is_fitted:
            self._zoom_at(1.0, event.position())
        else:
            self.fit()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._cursor_place = None
        self._report_cursor()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step_x, step_y = self.width() * _PAN_STEP, self.height() * _PAN_STEP
        moves = {
            Qt.Key.Key_Left: (step_x, 0.0),
            Qt.Key.Key_Right: (-step_x, 0.0),
            Qt.Key.Key_Up: (0.0, step_y),
            Qt.Key.Key_Down: (0.0, -step_y),
        }
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self._space_held = True
                self._show_cursor()
        elif key in moves:
            self._pan(*moves[key])
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self._zoom_step(ZOOM_STEP, None)
        elif key in (Qt.Key.Key_Minus, Qt.Key.Key_Underscore):
            self._zoom_step(1.0 / ZOOM_STEP, None)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self._space_held = False
                self._show_cursor()
        else:
            super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._focus_by_key = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._space_held = False
        self._show_cursor()
        super().focusOutEvent(event)

    def _show_cursor(self) -> None:
        if self._drag_from is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._space_held:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.unsetCursor()
