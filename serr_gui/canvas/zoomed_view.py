"""Which part of a photograph a widget shows, and how large."""

from PySide6.QtCore import QEvent, QPointF, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from core.types import ByteArray
from serr_gui.canvas.geometry import ViewGeometry

_LOOK_SHARE, _LOOK_ZOOM = 0.3, 6.0
"""How much of the view a part takes that is looked at, and how far it is enlarged at most."""


class ZoomedView(QWidget):
    """A widget with a zoom and a place; ``PictureView`` paints the photograph there.

    ``zoomChanged`` gives device pixels for one photograph pixel.
    """

    zoomChanged = Signal(float)
    placeChanged = Signal()
    """Another part of the photograph is seen, or at another zoom."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._geometry = ViewGeometry()
        self._photo: ByteArray | None = None
        self._reported_zoom = 0.0
        self._reported_place: tuple[float, tuple[float, float], bool] | None = None

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

    def look_at(self, box: tuple[int, int, int, int], centre: tuple[int, int]) -> None:
        """Bring a part of the photograph (top, left, bottom, right) into view, enlarged, its ``centre`` in the middle.

        ``centre`` is (row, column). A part too large to be seen at 100 % is shown at 100 % around its centre.
        """
        if self._photo is None:
            return
        height, width = max(1, box[2] - box[0]), max(1, box[3] - box[1])
        share = min(self._geometry.view[0] / width, self._geometry.view[1] / height)
        self._geometry.zoom_to(min(max(share * _LOOK_SHARE, 1.0), _LOOK_ZOOM))
        self._geometry.centre_on(centre[1] + 0.5, centre[0] + 0.5)
        self._view_changed()

    def follow(self, other: "ZoomedView") -> None:
        """Show the part of the photograph that another view of one of the same size shows, at its zoom."""
        if self._photo is None or self._geometry.image != other._geometry.image:
            return
        if other.is_fitted:
            self._geometry.fit()
        else:
            self._geometry.zoom_to(other.zoom)
            self._geometry.centre_on(*other._geometry.centre)
        self._view_changed()

    def device_point(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the photograph is in the view, in device pixels."""
        return self._geometry.to_view(x, y)

    def image_point(self, place: QPointF) -> QPointF:
        """The photograph's point (column and row with fraction) at a place in the widget."""
        ratio = self.devicePixelRatioF()
        return QPointF(*self._geometry.to_image(place.x() * ratio, place.y() * ratio))

    def widget_point(self, x: float, y: float) -> QPointF:
        """The place in the widget of a point of the photograph."""
        ratio = self.devicePixelRatioF()
        return QPointF(*self._geometry.to_view(x, y)) / ratio

    def _view_changed(self) -> None:
        self.update()
        if self._geometry.zoom != self._reported_zoom:
            self._reported_zoom = self._geometry.zoom
            self.zoomChanged.emit(self._reported_zoom)
        place = (self._geometry.zoom, self._geometry.centre, self._geometry.fitted)
        if place != self._reported_place:
            self._reported_place = place
            self.placeChanged.emit()

    def _zoom_at(self, zoom: float, place: QPointF | None) -> None:
        if self._photo is None:
            return
        ratio = self.devicePixelRatioF()
        self._geometry.zoom_to(zoom, None if place is None else (place.x() * ratio, place.y() * ratio))
        self._view_changed()

    def _measure(self) -> None:
        """Take over the widget's size in device pixels."""
        ratio = self.devicePixelRatioF()
        size = (round(self.width() * ratio), round(self.height() * ratio))
        if size != self._geometry.view:
            self._geometry.set_view(*size)
            self._view_changed()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._measure()
        return super().event(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._measure()
