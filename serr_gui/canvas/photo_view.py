"""The photograph with its overlays: zoom, pan, and a threshold that follows the slider.

The widget holds pictures at the resolution of the screen, for the visible part only: the photograph, the level map (one
byte for each device pixel), its coloured form, and the outline. A slider step makes the third anew from the second
through 256 colours and paints; the size of the photograph does not enter.
"""

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from core.types import LEVELS, BoolArray, ByteArray, FloatArray
from serr_gui.canvas.geometry import ViewGeometry
from serr_gui.canvas.overlays import OverlayStyle, build_lut, draw_outline, fov_outline, to_argb32
from serr_gui.canvas.resampling import Box, LevelPyramid, PhotoPyramid, zoomed_size

ZOOM_STEP = 1.25
"""Factor of one notch of the wheel and of one press of + or -."""

_PAN_STEP = 0.1
_PREMULTIPLIED = QImage.Format.Format_ARGB32_Premultiplied


class PhotoView(QWidget):
    """Shows a fundus photograph, its vessel map and mask, and the outline of its field of view.

    All arrays have the photograph's height and width and are not copied: do not change them afterwards.
    ``cursorMoved`` gives the photograph's column and row under the cursor, ``zoomChanged`` device pixels for one
    photograph pixel.
    """

    cursorMoved = Signal(int, int)
    cursorLeft = Signal()
    zoomChanged = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._geometry = ViewGeometry()
        self._photo: ByteArray | None = None
        self._base: PhotoPyramid | None = None
        self._levels: LevelPyramid | None = None
        self._levels_full: ByteArray | None = None
        self._outlines: list[FloatArray] = []
        self._style = OverlayStyle()
        self._threshold_level = LEVELS // 2
        self._overlay_visible = True
        self._fov_visible = True
        self._hint = ""

        self._drawn_at: tuple[float, Box] | None = None
        self._base_pixels: ByteArray | None = None
        self._base_image = QImage()
        self._level_pixels: ByteArray | None = None
        self._overlay_image = QImage()
        self._outline_pixels: ByteArray | None = None
        self._outline_image = QImage()

        self._reported_zoom = 0.0
        self._cursor_place: QPointF | None = None
        self._cursor_pixel: tuple[int, int] | None = None
        self._space_held = False
        self._drag_from: QPointF | None = None
        self._focus_by_key = False

        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(80, 80)
        self.setAccessibleName(self.tr("Fundus photograph"))
        self.setAccessibleDescription(
            self.tr("Arrow keys move the photograph, plus and minus zoom, the wheel zooms at the cursor.")
        )

    # What is shown

    def set_photo(self, rgb: ByteArray | None) -> None:
        """Show another photograph, uint8 (H, W, 3), fitted and without overlays; None empties the view."""
        if rgb is not None:
            if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
                raise ValueError(f"a photograph is uint8 (H, W, 3), not {rgb.dtype} {rgb.shape}")
            rgb = np.ascontiguousarray(rgb)
        self._photo = rgb
        self._base = None if rgb is None else PhotoPyramid(rgb)
        self._levels = None
        self._levels_full = None
        self._outlines = []
        if rgb is None:
            self._geometry.set_image(0, 0)
        else:
            self._geometry.set_image(rgb.shape[1], rgb.shape[0])
        self._view_changed(everything=True)

    def set_base(self, pixels: ByteArray | None) -> None:
        """Show another picture of the same photograph, uint8 (H, W, 3) or (H, W); None: the photograph itself."""
        pixels = self._photo if pixels is None else pixels
        self._check_shape(pixels, "The picture")
        self._base = None if pixels is None else PhotoPyramid(np.ascontiguousarray(pixels))
        self._forget_drawn(base=True)

    def set_levels(self, levels: ByteArray | None) -> None:
        """Lay a level map, uint8 (H, W), over the photograph (``ProbabilityMap.levels``); None takes it away."""
        self._check_shape(levels, "The level map")
        self._levels_full = None if levels is None else np.ascontiguousarray(levels)
        self._levels = None if self._levels_full is None else LevelPyramid(self._levels_full)
        self._forget_drawn(levels=True)

    def set_fov(self, inside: BoolArray | None) -> None:
        """Outline this field of view, bool (H, W); None takes the outline away."""
        self._check_shape(inside, "The field of view")
        self._outlines = [] if inside is None else fov_outline(inside)
        self._outline_image = QImage()
        self.update()

    def set_threshold_level(self, level: int) -> None:
        """Vessel is where the level is at least this, 1 to 255."""
        if not 1 <= level <= LEVELS - 1:
            raise ValueError(f"threshold level must be 1 to {LEVELS - 1}, not {level}")
        if level != self._threshold_level:
            self._threshold_level = level
            self._recolour()

    def set_overlay_style(self, style: OverlayStyle) -> None:
        if style != self._style:
            self._style = style
            self._recolour()

    def set_overlay_visible(self, visible: bool) -> None:
        """Show or hide probability map and mask together, whatever the style says."""
        if visible != self._overlay_visible:
            self._overlay_visible = visible
            self.update()

    def set_fov_visible(self, visible: bool) -> None:
        if visible != self._fov_visible:
            self._fov_visible = visible
            self.update()

    def set_hint(self, text: str) -> None:
        """A sentence in the middle of the view while there is no photograph."""
        self._hint = text
        self.update()

    def shown_mask(self) -> BoolArray:
        """Bool (H, W): the pixels that are painted as vessel; (0, 0) without a photograph."""
        if self._photo is None:
            return np.zeros((0, 0), dtype=np.bool_)
        if self._levels_full is None or not self._overlay_visible or not self._style.show_mask:
            return np.zeros(self._photo.shape[:2], dtype=np.bool_)
        return self._levels_full >= self._threshold_level

    # Where it is shown

    @property
    def zoom(self) -> float:
        """Device pixels for one photograph pixel."""
        return self._geometry.zoom

    @property
    def is_fitted(self) -> bool:
        """Whether the view keeps the whole photograph in sight when its size changes."""
        return self._geometry.fitted

    def fit(self) -> None:
        """Show the whole photograph."""
        self._geometry.fit()
        self._view_changed()

    def zoom_to(self, factor: float) -> None:
        """Zoom at the middle of the view; 1.0 is 100 %, one photograph pixel on one device pixel."""
        self._zoom_at(factor, None)

    def zoom_by(self, factor: float) -> None:
        """Zoom at the middle of the view, relative to the present zoom."""
        self._zoom_at(self.zoom * factor, None)

    def centre_on(self, x: float, y: float) -> None:
        """Bring a point of the photograph to the middle of the view."""
        self._geometry.centre_on(x, y)
        self._view_changed()

    def image_point(self, place: QPointF) -> QPointF:
        """The photograph's point (column and row with fraction) at a place in the widget."""
        ratio = self.devicePixelRatioF()
        return QPointF(*self._geometry.to_image(place.x() * ratio, place.y() * ratio))

    def widget_point(self, x: float, y: float) -> QPointF:
        """The place in the widget of a point of the photograph."""
        ratio = self.devicePixelRatioF()
        return QPointF(*self._geometry.to_view(x, y)) / ratio

    def sizeHint(self) -> QSize:
        return QSize(900, 700)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.palette().color(QPalette.ColorRole.Window))
        if self._base is None:
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._hint)
        else:
            self._paint_photo(painter)
        if self.hasFocus() and self._focus_by_key:
            painter.resetTransform()
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 2))
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        painter.end()

    def _paint_photo(self, painter: QPainter) -> None:
        # In device pixels, so that the pictures are copied and not scaled on screens with fractional scaling.
        ratio = self.devicePixelRatioF()
        painter.scale(1.0 / ratio, 1.0 / ratio)
        box = self._visible_box()
        if box[0] < box[2] and box[1] < box[3]:
            self._draw(box)
            left, top = self._geometry.origin
            corner = QPointF(left + box[0], top + box[1])
            painter.drawImage(corner, self._base_image)
            if self._overlay_visible and self._levels is not None:
                painter.drawImage(corner, self._overlay_image)
            if self._fov_visible and self._outlines:
                painter.drawImage(corner, self._outline_image)

    def _visible_box(self) -> Box:
        """The visible part of the zoomed photograph, in device pixels from its corner."""
        left, top = self._geometry.origin
        width, height = zoomed_size((self._geometry.image[1], self._geometry.image[0]), self._geometry.zoom)
        view = QRect(0, 0, *self._geometry.view) & QRect(left, top, width, height)
        return (view.left() - left, view.top() - top, view.right() + 1 - left, view.bottom() + 1 - top)

    def _draw(self, box: Box) -> None:
        """Bring the pictures up to date."""
        zoom = self._geometry.zoom
        if self._drawn_at != (zoom, box):
            self._drawn_at = (zoom, box)
            self._base_image = QImage()
            self._level_pixels = None
            self._overlay_image = QImage()
            self._outline_image = QImage()
        width, height = box[2] - box[0], box[3] - box[1]
        if self._base is not None and self._base_image.isNull():
            self._base_pixels = self._base.render(zoom, box)
            self._base_image = QImage(self._base_pixels.data, width, height, width * 4, QImage.Format.Format_RGB32)
        if self._levels is not None and self._overlay_visible and self._overlay_image.isNull():
            if self._level_pixels is None:
                self._level_pixels = self._levels.render(zoom, box)
            indexed = QImage(self._level_pixels.data, width, height, width, QImage.Format.Format_Indexed8)
            indexed.setColorTable(to_argb32(build_lut(self._style, self._threshold_level)))
            self._overlay_image = indexed.convertToFormat(_PREMULTIPLIED)

        if self._outlines and self._fov_visible and self._outline_image.isNull():
            ratio = self.devicePixelRatioF()
            self._outline_pixels = draw_outline(self._outlines, zoom, (box[0], box[1]), (width, height), ratio)
            outline = QImage(self._outline_pixels.data, width, height, width * 4, _PREMULTIPLIED)
            self._outline_image = outline

    def _forget_drawn(self, *, base: bool = False, levels: bool = False) -> None:
        if base:
            self._base_image = QImage()
        if levels:
            self._level_pixels = None
            self._overlay_image = QImage()
        self.update()

    def _recolour(self) -> None:
        self._overlay_image = QImage()
        self.update()

    def _check_shape(self, array: ByteArray | BoolArray | None, what: str) -> None:
        if array is None:
            return
        if self._photo is None:
            raise ValueError(f"{what} has no photograph to lie on")
        if array.shape[:2] != self._photo.shape[:2]:
            raise ValueError(f"{what} has shape {array.shape[:2]}, the photograph {self._photo.shape[:2]}")

    # Changes of the view

    def _view_changed(self, *, everything: bool = False) -> None:
        if everything:
            self._drawn_at = None
        self.update()
        if self._geometry.zoom != self._reported_zoom:
            self._reported_zoom = self._geometry.zoom
            self.zoomChanged.emit(self._reported_zoom)
        self._report_cursor()

    def _zoom_at(self, zoom: float, place: QPointF | None) -> None:
        if self._base is None:
            return
        ratio = self.devicePixelRatioF()
        self._geometry.zoom_to(zoom, None if place is None else (place.x() * ratio, place.y() * ratio))
        self._view_changed()

    def _zoom_step(self, factor: float, place: QPointF | None) -> None:
        """Zoom by a factor, with a stop at 100 %, where photograph and mask are seen unresampled."""
        zoom = self.zoom * factor
        self._zoom_at(1.0 if (self.zoom - 1.0) * (zoom - 1.0) < 0.0 else zoom, place)

    def _pan(self, dx: float, dy: float) -> None:
        """Move the photograph by widget coordinates."""
        if self._base is None:
            return
        ratio = self.devicePixelRatioF()
        self._geometry.pan(dx * ratio, dy * ratio)
        self._view_changed()

    def _measure(self) -> None:
        """Take over the widget's size in device pixels."""
        ratio = self.devicePixelRatioF()
        size = (round(self.width() * ratio), round(self.height() * ratio))
        if size != self._geometry.view:
            self._geometry.set_view(*size)
            self._view_changed()

    def _report_cursor(self) -> None:
        """Say which pixel is under the cursor when that has changed."""
        pixel: tuple[int, int] | None = None
        if self._cursor_place is not None and self._base is not None:
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
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._measure()
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self._zoom_at(self.zoom * (1.0 + event.value()), event.position())
            return True
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._measure()

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
