"""Where the photograph lies in the view: zoom, position and their limits, in device pixels and without Qt.

Photograph coordinates have pixel (column, row) covering [column, column + 1) x [row, row + 1). A zoom of 1 puts one
photograph pixel on one device pixel. The photograph's corner always lies on a whole device pixel, so that at 100 %
nothing is resampled and a pan moves every pixel alike.
"""

import math

ZOOM_MAX = 64.0
"""Device pixels for one photograph pixel at the deepest zoom."""

_FIT_MARGIN = 0.98
_SMALLEST_SHARE = 0.25


class ViewGeometry:
    """Zoom and position of a photograph of ``image`` = (width, height) pixels in a view of ``view`` device pixels.

    The limits: the middle of the view always lies on the photograph, and the zoom goes from a quarter of the fitted
    size to ``ZOOM_MAX``; so the photograph cannot be lost. While ``fitted`` is set, a change of the view's size
    keeps the whole photograph in view.
    """

    def __init__(self) -> None:
        self.image: tuple[int, int] = (0, 0)
        self.view: tuple[int, int] = (1, 1)
        self.zoom: float = 1.0
        self.fitted: bool = True
        self._centre: tuple[float, float] = (0.0, 0.0)

    @property
    def centre(self) -> tuple[float, float]:
        """The point of the photograph in the middle of the view."""
        return self._centre

    @property
    def fit_zoom(self) -> float:
        """The zoom at which the whole photograph is seen with a little air around it."""
        width, height = self.image
        if width == 0:
            return 1.0
        return min(self.view[0] / width, self.view[1] / height, ZOOM_MAX / _FIT_MARGIN) * _FIT_MARGIN

    @property
    def zoom_range(self) -> tuple[float, float]:
        return min(self.fit_zoom * _SMALLEST_SHARE, 1.0), ZOOM_MAX

    @property
    def origin(self) -> tuple[int, int]:
        """Device pixel of the photograph's upper left corner."""
        return (
            math.floor(self.view[0] / 2 - self._centre[0] * self.zoom + 0.5),
            math.floor(self.view[1] / 2 - self._centre[1] * self.zoom + 0.5),
        )

    def set_image(self, width: int, height: int) -> None:
        """Another photograph: it is fitted."""
        self.image = (width, height)
        self.fit()

    def set_view(self, width: int, height: int) -> None:
        """Another size of the view: a fitted photograph stays fitted, else its middle stays in the middle."""
        self.view = (max(1, width), max(1, height))
        if self.fitted:
            self.fit()
        else:
            self.zoom_to(self.zoom)

    def fit(self) -> None:
        self.zoom = self.fit_zoom
        self._centre = (self.image[0] / 2, self.image[1] / 2)
        self.fitted = True

    def centre_on(self, x: float, y: float) -> None:
        """Bring a point of the photograph to the middle of the view, or as near as the limits allow."""
        self._centre = (min(max(x, 0.0), float(self.image[0])), min(max(y, 0.0), float(self.image[1])))
        self.fitted = False

    def pan(self, dx: float, dy: float) -> None:
        """Move the photograph by device pixels, to the right and down."""
        self.centre_on(self._centre[0] - dx / self.zoom, self._centre[1] - dy / self.zoom)

    def zoom_to(self, zoom: float, anchor: tuple[float, float] | None = None) -> None:
        """Change the zoom; the photograph's point at ``anchor`` (device pixels; else the middle) stays where it is."""
        low, high = self.zoom_range
        place = (self.view[0] / 2, self.view[1] / 2) if anchor is None else anchor
        offset = (place[0] - self.view[0] / 2, place[1] - self.view[1] / 2)
        fixed = (self._centre[0] + offset[0] / self.zoom, self._centre[1] + offset[1] / self.zoom)
        self.zoom = min(max(zoom, low), high)
        self.centre_on(fixed[0] - offset[0] / self.zoom, fixed[1] - offset[1] / self.zoom)

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """The photograph's point at a device pixel position of the view."""
        left, top = self.origin
        return (x - left) / self.zoom, (y - top) / self.zoom

    def to_view(self, x: float, y: float) -> tuple[float, float]:
        """The device pixel position of a point of the photograph."""
        left, top = self.origin
        return left + x * self.zoom, top + y * self.zoom
