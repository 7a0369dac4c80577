"""Following vessels: the path of least cost along the ridge of the probability map, and how wide the vessel is there.

One search from a click gives the cost of every pixel in a window around it; walking back from any other pixel then
takes milliseconds, so that a preview can follow the mouse. The search is scikit-image's ``MCP_Geometric`` (Dijkstra
with diagonal steps counted by their length).
"""

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_erosion, median_filter

from core.masks.strokes import Footprint, Point, brush_path
from core.types import FloatArray

WINDOW_PX: Final = 512
"""Side of the window of a search: wide enough for a step between clicks, and searched in about 0.2 s."""

_FLOOR: Final = 0.02
"""Added to the probability before it becomes a cost: a gap of 10 pixels costs as much as 500 along a vessel."""
_INSIDE: Final = 0.3
"""What counts as vessel where only the middle of it is looked for."""
_EDGE: Final = 0.5
"""The edge of a vessel is where its profile falls to this share of its ridge."""
_SMALLEST_RIDGE: Final = 0.15
"""Below it there is no vessel whose width could be measured: the width of the neighbours is taken."""
_SMOOTHING: Final = 9
"""Points of the running median over the widths."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A path along a vessel: ``points`` (x, y) of pixel centres from the start, and its width at each, in pixels."""

    points: tuple[Point, ...]
    widths_px: tuple[float, ...]
    mean_probability: float

    def footprint(self, factor: float = 1.0, smallest_px: float = 1.0) -> Footprint:
        """The pixels of a vessel drawn along the path, its width multiplied by ``factor``."""
        return brush_path(self.points, [max(smallest_px, width * factor) for width in self.widths_px])


class Search:
    """The cheapest ways from one pixel to all others of a window around it.

    Parameters
    ----------
    values : float32 (H, W), the probability map.
    start : row and column of the pixel that was clicked; it is moved onto the ridge within ``snap_px``.
    window_px : side of the window; where the photograph ends, so does the window.
    """

    def __init__(
        self, values: FloatArray, start: tuple[int, int], *, window_px: int = WINDOW_PX, snap_px: int = 3
    ) -> None:
        from skimage.graph import MCP_Geometric

        self._values = values
        height, width = values.shape
        self.start = snapped(values, start, snap_px)
        row, column = self.start
        half = window_px // 2
        self._top, self._left = max(0, row - half), max(0, column - half)
        bottom, right = min(height, row + half), min(width, column + half)
        window = values[self._top : bottom, self._left : right]
        self._graph: Any = MCP_Geometric(cost_of(window), fully_connected=True)
        self._costs, _ = self._graph.find_costs([(row - self._top, column - self._left)])

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The window as top, left, bottom, right."""
        height, width = self._costs.shape
        return self._top, self._left, self._top + height, self._left + width

    @property
    def costs(self) -> npt.NDArray[np.float64]:
        """The cost of the cheapest way to each pixel of the window, infinite where there is none."""
        return np.asarray(self._costs)

    def reaches(self, row: int, column: int) -> bool:
        """Whether a pixel lies in the window."""
        top, left, bottom, right = self.box
        return top <= row < bottom and left <= column < right

    def walk_to(self, row: int, column: int) -> Trace:
        """The cheapest way from the start to a pixel, which must lie in the window."""
        if not self.reaches(row, column):
            raise ValueError(f"({row}, {column}) is outside the window {self.box} of this search")
        path = np.asarray(self._graph.traceback((row - self._top, column - self._left)))
        return measured(self._values, path + np.array([self._top, self._left]))


def cost_of(values: FloatArray) -> npt.NDArray[np.float64]:
    """The cost of a step onto a pixel: small on vessels, smallest along their middle.

    1 / (p + 0.02), times 1 + 4 / (1 + d) with d the distance to the edge of the vessel: a wide vessel is a plateau of
    equal probabilities, on which the cheapest way would cut every corner.
    """
    depth = _depth(values, _INSIDE).astype(np.float64)
    return (1.0 + 4.0 / (1.0 + depth)) / (values.astype(np.float64) + _FLOOR)


def snapped(values: FloatArray, pixel: tuple[int, int], reach_px: int) -> tuple[int, int]:
    """The most probable pixel within ``reach_px`` of a pixel; the nearest of several."""
    row, column = pixel
    top, left = max(0, row - reach_px), max(0, column - reach_px)
    near = values[top : row + reach_px + 1, left : column + reach_px + 1]
    rows, columns = np.nonzero(near == near.max())
    best = np.argmin((rows + top - row) ** 2 + (columns + left - column) ** 2)
    return int(rows[best]) + top, int(columns[best]) + left


def measured(values: FloatArray, path: npt.NDArray[np.int64]) -> Trace:
    """A path of pixels, (N, 2) rows and columns, with the width of the vessel along it.

    The width at a point is twice the distance to the nearest pixel below half of the ridge's probability, less the half
    pixel on each side; a running median takes out what a crossing vessel adds. In a gap, and so near to it that its end
    is the nearest edge, the width is that of the vessel on both sides of it.
    """
    rows, columns = path[:, 0], path[:, 1]
    margin = 48
    top, left = max(0, int(rows.min()) - margin), max(0, int(columns.min()) - margin)
    window = values[top : int(rows.max()) + margin + 1, left : int(columns.max()) + margin + 1]
    ridge = values[rows, columns]
    seen = ridge >= _SMALLEST_RIDGE
    level = float(np.median(ridge[seen] if seen.any() else ridge)) * _EDGE
    depth = cv2.dilate(_depth(window, max(level, 1e-6)), np.ones((3, 3)))  # the path may be a pixel off the middle
    widths = 2.0 * depth[rows - top, columns - left].astype(np.float64) - 1.0
    known = seen & (widths > 0)
    if known.any():
        at = np.arange(len(path))
        beyond = int(np.median(widths[known]) / 2.0) + 2
        away = binary_erosion(known, structure=np.ones(2 * beyond + 1), border_value=1)
        known = away if away.any() else known
        widths = np.interp(at, at[known], widths[known])
        widths = _running_median(widths, _SMOOTHING)
    else:
        widths = np.ones(len(path))
    points = tuple((float(column) + 0.5, float(row) + 0.5) for row, column in path)
    return Trace(points, tuple(float(width) for width in np.maximum(widths, 1.0)), float(ridge.mean()))


def _depth(values: FloatArray, level: float) -> FloatArray:
    """Distance of each pixel from the nearest one below a level, in pixels."""
    inside = (values >= level).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)


def _running_median(values: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.float64]:
    return np.asarray(median_filter(values, size=min(size, len(values)), mode="nearest"))
