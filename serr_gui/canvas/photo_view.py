"""The photograph under the hand: zoom, pan, and what is under the cursor."""

import math

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPointingDevice,
    QTabletEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

from serr_gui.canvas.picture_view import PictureView
from serr_gui.canvas.tools import Pointer, Tool
from serr_gui.canvas.wipe import Wipe

ZOOM_STEP = 1.25
"""Factor of one notch of the wheel and of one press of + or -."""

_PAN_STEP = 0.1
_WIPE_STEP = 0.02
"""How far an arrow key moves the line of a wipe, as a share of what is seen of the photograph."""


class PhotoView(PictureView):
    """A picture view that follows mouse and keys. ``cursorMoved`` gives the photograph's column and row."""

    cursorMoved = Signal(int, int)
    cursorLeft = Signal()
    clicked = Signal(float, float)
    """The hand was pressed and let go without a movement: the point of the photograph."""
    sizeStepRequested = Signal(int)
    """Alt and the wheel: the tool larger (1) or smaller (-1)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cursor_place: QPointF | None = None
        self._cursor_pixel: tuple[int, int] | None = None
        self._space_held = False
        self._drag_from: QPointF | None = None
        self._pressed_at: QPointF | None = None
        self._focus_by_key = False
        self._wipes = self._near_line = False
        self._tool: Tool | None = None
        self._tool_seen = QRectF()

        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Fundus photograph"))
        self._describe()

    # The line of a wipe

    def set_wipe(self, wipe: Wipe | None) -> None:
        super().set_wipe(wipe)
        self._wipes = self._near_line = False
        self._describe()
        self._show_cursor()

    def _describe(self) -> None:
        """What keys do, for who does not see it."""
        text = self.tr("Arrow keys move the photograph, plus and minus zoom, the wheel zooms at the cursor.")
        if self._wipe is not None:
            text = self.tr(
                "{left} is on the left of a line, {right} on the right. The left and right arrow keys move the line, "
                "Home and End bring it to a side; with Shift, arrow keys move the photograph."
            ).format(left=self._wipe.left, right=self._wipe.right)
        self.setAccessibleDescription(text)

    def _is_on_line(self, place: QPointF) -> bool:
        """Whether a press here takes the line: with a tool under the pointer, its grip alone."""
        return self.has_wipe and self._placed_line().is_at(place, grip_only=self._tool is not None)

    def _move_line(self, x: float) -> None:
        self._placed_line().move_to(x)
        self.update()

    def _line_key(self, key: Qt.Key) -> bool:
        """A key that moves the line; False for all others."""
        line, steps = self._placed_line(), {Qt.Key.Key_Left: -_WIPE_STEP, Qt.Key.Key_Right: _WIPE_STEP}
        ends = {Qt.Key.Key_Home: line.seen.left(), Qt.Key.Key_End: line.seen.right()}
        if key in steps:
            line.step(steps[key])
        elif key in ends:
            line.move_to(ends[key])
        else:
            return False
        self.update()
        return True

    # Tools

    def set_tool(self, tool: Tool | None) -> None:
        """What the left and the right button do; None for the hand, which moves the photograph."""
        if tool is not self._tool:
            self.finish_stroke()
            if self._tool is not None:
                self._tool.looksChanged.disconnect(self.show_tool)
            self._tool = tool
            if tool is not None:
                tool.looksChanged.connect(self.show_tool)
            self._show_cursor()
            self.update()

    @property
    def tool(self) -> Tool | None:
        """What is under the pointer; None for the hand."""
        return self._tool

    def finish_stroke(self) -> None:
        """End a running stroke as if the button had been let go."""
        if self._tool is not None:
            self._tool.finish()

    def cancel_stroke(self) -> bool:
        """Give a running stroke up; False where there is none."""
        return self._tool is not None and self._tool.cancel()

    def show_tool(self) -> None:
        """The tool looks different: paint what it shows at the pointer again."""
        seen = self._tool_rect()
        self.update(self._tool_seen.united(seen).toAlignedRect())
        self._tool_seen = seen

    def _tool_rect(self) -> QRectF:
        """What the tool may paint at the pointer, in widget coordinates."""
        if self._tool is None or self._photo is None:
            return QRectF()
        reach = self._tool.reach_px()
        if math.isinf(reach):
            return QRectF(self.rect())
        if self._cursor_place is None:
            return QRectF()
        side = reach * self.zoom / self.devicePixelRatioF() + 8.0
        return QRectF(self._cursor_place, self._cursor_place).adjusted(-side, -side, side, side)

    def _pointer(self, event: QMouseEvent) -> Pointer:
        point = self.image_point(event.position())
        return Pointer((point.x(), point.y()), event.button(), event.modifiers())

    def _pen(self, event: QTabletEvent) -> Pointer:
        point = self.image_point(event.position())
        button = event.button()
        if event.pointerType() == QPointingDevice.PointerType.Eraser and button == Qt.MouseButton.LeftButton:
            button = Qt.MouseButton.RightButton
        return Pointer((point.x(), point.y()), button, event.modifiers(), event.pressure())

    def _takes(self, event: QMouseEvent | QTabletEvent) -> bool:
        """Whether a press is for the tool and does not move the photograph."""
        pans = event.button() == Qt.MouseButton.LeftButton and self._space_held
        buttons = (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton)
        if event.button() == Qt.MouseButton.LeftButton and self._is_on_line(event.position()):
            return False
        return self._tool is not None and self._photo is not None and event.button() in buttons and not pans

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._tool is None or self._photo is None or self.is_waiting:
            return
        place = self._cursor_place if self._drag_from is None else None
        painter = QPainter(self)
        ratio = self.devicePixelRatioF()
        painter.scale(1.0 / ratio, 1.0 / ratio)
        point = self.image_point(place) if place is not None else None
        self._tool.paint(painter, self, (point.x(), point.y()) if point is not None else None)
        painter.end()

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
        if self._tool is not None and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            turned = event.angleDelta().y() or event.angleDelta().x()  # Alt turns the wheel sideways on some systems
            if turned:
                self.sizeStepRequested.emit(1 if turned > 0 else -1)
        elif notches:
            self._zoom_step(ZOOM_STEP**notches, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._tool is not None and self._takes(event):
            self._cursor_place = event.position()
            self._tool.press(self._pointer(event))
            self.show_tool()
        elif (
            event.button() == Qt.MouseButton.LeftButton and not self._space_held and self._is_on_line(event.position())
        ):
            self._wipes = True
        elif event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._drag_from = event.position()
            self._pressed_at = event.position() if event.button() == Qt.MouseButton.LeftButton else None
            self._show_cursor()
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._cursor_place = event.position()
        self._notice_line(event)
        if self._wipes:
            self._move_line(event.position().x())
        elif self._drag_from is not None:
            moved = event.position() - self._drag_from
            if self._pressed_at is not None and not self._is_near(event.position(), self._pressed_at):
                self._pressed_at = None
            self._drag_from = event.position()
            self._pan(moved.x(), moved.y())
        elif self._tool is not None:
            if self._tool.is_busy and not event.buttons():  # the release went to somebody else
                self._tool.finish()
            self._tool.move(self._pointer(event))
            self.show_tool()
        self._report_cursor()

    def _notice_line(self, event: QMouseEvent) -> None:
        """The pointer says where the line can be taken; it is let go of where the release went to somebody else."""
        self._wipes = self._wipes and bool(event.buttons() & Qt.MouseButton.LeftButton)
        near = self._wipes or (not event.buttons() and self._is_on_line(event.position()))
        if near != self._near_line:
            self._near_line = near
            self._show_cursor()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._wipes and event.button() == Qt.MouseButton.LeftButton:
            self._wipes = False
        elif self._drag_from is not None and not event.buttons():
            self._drag_from = None
            self._show_cursor()
            if self._pressed_at is not None and self._photo is not None:
                point = self.image_point(event.position())
                self._pressed_at = None
                self.clicked.emit(point.x(), point.y())
        elif self._tool is not None and self._tool.is_busy:
            self._tool.release(self._pointer(event))
            self.show_tool()
        else:
            super().mouseReleaseEvent(event)

    @staticmethod
    def _is_near(place: QPointF, other: QPointF) -> bool:
        moved = place - other
        return abs(moved.x()) + abs(moved.y()) < QApplication.startDragDistance()

    def tabletEvent(self, event: QTabletEvent) -> None:
        """A pen, whose pressure a tool may use. What no tool takes comes again as an event of the mouse."""
        self._cursor_place = event.position()
        kind, tool = event.type(), self._tool
        if tool is None or (not tool.is_busy and not (kind == QEvent.Type.TabletPress and self._takes(event))):
            event.ignore()
            return
        if kind == QEvent.Type.TabletPress:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            tool.press(self._pen(event))
        elif kind == QEvent.Type.TabletRelease:
            tool.release(self._pen(event))
        else:
            tool.move(self._pen(event))
        event.accept()
        self.show_tool()
        self._report_cursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Fits; when fitted already, goes to 100 % at the cursor. A tool may have another use for it."""
        if self._tool is not None and self._takes(event):
            self._cursor_place = event.position()
            self._tool.double_click(self._pointer(event))
            self.show_tool()
        elif event.button() != Qt.MouseButton.LeftButton:
            super().mouseDoubleClickEvent(event)
        elif self._is_on_line(event.position()):
            self._wipes = True  # the second press of somebody who takes it in a hurry
        elif self.is_fitted:
            self._zoom_at(1.0, event.position())
        else:
            self.fit()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._cursor_place = None
        self.show_tool()
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
        held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if self._tool is not None and not held and self._tool.key(key):
            self.show_tool()
        elif self.has_wipe and not held and self._line_key(key):
            return
        elif key == Qt.Key.Key_Space:
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
        elif self._near_line:
            self.setCursor(Qt.CursorShape.SplitHCursor)
        elif self._tool is not None:
            self.setCursor(Qt.CursorShape.CrossCursor)
        else:
            self.unsetCursor()
