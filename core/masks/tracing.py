"""Following vessels: the path of least cost along the ridge of the probability map, and how wide the vessel is there.

One search from a click gives the cost of every pixel in a window around it; walking back from any other pixel then
takes milliseconds, so that a preview can follow the mouse. The search is scikit-image's ``MCP_Geometric`` (Dijkstra
with diagonal steps counted by their length).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from core.masks.strokes import Footprint, Point, discs
from core.threshold_rule import LEVELS
from core.types import BoolArray, ByteArray, FloatArray, ProbabilityMap

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
_MARGIN: Final = 48
"""How far beside a path is looked for the edges of the vessel, in pixels."""
_PIXELS_BETWEEN_QUESTIONS: Final = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A path along a vessel: ``points`` (x, y) of pixel centres from the start, and its width at each, in pixels."""

    points: tuple[Point, ...]
    widths_px: tuple[float, ...]
    mean_probability: float

    def part(self, begin: int, end: int) -> "Trace":
        """The points from ``begin`` up to and without ``end``."""
        return Trace(self.points[begin:end], self.widths_px[begin:end], self.mean_probability)

    def footprint(self, factor: float = 1.0, smallest_px: float = 1.0) -> Footprint:
        """The pixels of a vessel drawn along the path, its width multiplied by ``factor``."""
        return discs(self.points, [max(smallest_px, width * factor) for width in self.widths_px])


class Search:
    """The cheapest ways from one pixel to all others of a window around it.

    Parameters
    ----------
    values : float32 (H, W), the probability map, or a part of it; ``origin`` says where its upper left pixel is on the
        photograph. All places that are given and taken are those of the photograph.
    start : row and column of the pixel that was clicked; it is moved onto the ridge within ``snap_px``.
    window_px : side of the window; where the photograph ends, so does the window.
    edge : the probability at which vessels end, for their width (``measured``).
    goals : bool (H, W) as ``values``; the search ends at the first of these pixels, which ``reached`` then names.
    stopped : asked now and then; where it says so, the search ends early, and pixels not reached have infinite costs.
    """

    def __init__(
        self,
        values: FloatArray,
        start: tuple[int, int],
        *,
        origin: tuple[int, int] = (0, 0),
        window_px: int = WINDOW_PX,
        snap_px: int = 3,
        edge: float | None = None,
        goals: BoolArray | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._values, self._origin, self._edge = values, origin, edge
        self._half_widths = None if edge is None else half_widths(values, edge)  # once, for all ways
        height, width = values.shape
        row, column = start[0] - origin[0], start[1] - origin[1]
        half = window_px // 2
        self._top, self._left = max(0, row - half), max(0, column - half)
        bottom, right = min(height, row + half), min(width, column + half)
        self._step_costs = cost_of(values[self._top : bottom, self._left : right])
        self._costs: npt.NDArray[np.float64] = np.full(self._step_costs.shape, np.inf)
        self.start = self.snapped(*start, snap_px)
        self._graph: Any = _patient_graph()(self._step_costs, fully_connected=True)
        self._graph.stopped = stopped
        if goals is not None:
            self._graph.goals = goals[self._top : bottom, self._left : right].ravel(order="F")  # as the search counts
        self._costs, _ = self._graph.find_costs([self._in_window(*self.start)])

    @property
    def reached(self) -> tuple[int, int] | None:
        """Row and column of the goal at which the search has ended; None where it has met none."""
        if self._graph.reached is None:
            return None
        column, row = divmod(int(self._graph.reached), self._step_costs.shape[0])
        top, left = self.box[:2]
        return row + top, column + left

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The window as top, left, bottom, right."""
        height, width = self._step_costs.shape
        top, left = self._top + self._origin[0], self._left + self._origin[1]
        return top, left, top + height, left + width

    @property
    def costs(self) -> npt.NDArray[np.float64]:
        """The cost of the cheapest way to each pixel of the window, infinite where there is none."""
        return np.asarray(self._costs)

    def reaches(self, row: int, column: int) -> bool:
        """Whether a pixel lies in the window."""
        top, left, bottom, right = self.box
        return top <= row < bottom and left <= column < right

    def nearest(self, row: int, column: int) -> tuple[int, int]:
        """The pixel of the window that is nearest to a pixel."""
        top, left, bottom, right = self.box
        return min(max(row, top), bottom - 1), min(max(column, left), right - 1)

    def snapped(self, row: int, column: int, reach_px: int) -> tuple[int, int]:
        """The middle of the vessel within ``reach_px`` of a pixel of the window; the pixel itself where there is none.

        The cheapest pixel, where one at the full reach counts as twice as dear as the pixel itself.
        """
        row, column = self._in_window(row, column)
        top, left = max(0, row - reach_px), max(0, column - reach_px)
        near = self._step_costs[top : row + reach_px + 1, left : column + reach_px + 1]
        rows, columns = np.ogrid[top : top + near.shape[0], left : left + near.shape[1]]
        away = np.hypot(rows - row, columns - column) / max(reach_px, 1)
        best = np.unravel_index(int(np.argmin(near * (1.0 + away))), near.shape)
        top_left = self.box[:2]
        return int(best[0]) + top + top_left[0], int(best[1]) + left + top_left[1]

    def walk_to(self, row: int, column: int) -> Trace:
        """The cheapest way from the start to a pixel, which must lie in the window."""
        if not self.reaches(row, column):
            raise ValueError(f"({row}, {column}) is outside the window {self.box} of this search")
        path = np.asarray(self._graph.traceback(self._in_window(row, column)))
        return measured(
            self._values, path + np.array([self._top, self._left]), self._origin, self._edge, self._half_widths
        )

    def _in_window(self, row: int, column: int) -> tuple[int, int]:
        top, left = self.box[:2]
        return row - top, column - left


@cache
def _patient_graph() -> type[Any]:
    """``MCP_Geometric`` that lets other threads of Python run meanwhile, and can be stopped.

    The search holds the interpreter for as long as it takes; a method in Python, called for each pixel, gives it away
    now and then. That costs nothing that could be measured.
    """
    from skimage.graph import MCP_Geometric

    class PatientGraph(MCP_Geometric):  # type: ignore[misc]
        stopped: Callable[[], bool] = staticmethod(lambda: False)
        goals: BoolArray | None = None
        reached: int | None = None
        _pixels = 0

        def goal_reached(self, index: int, _cost: float) -> int:
            if self.goals is not None and self.goals[index]:
                self.reached = index
                return 2
            self._pixels += 1
            return 2 if self._pixels % _PIXELS_BETWEEN_QUESTIONS == 0 and self.stopped() else 0

    return PatientGraph


def search_from(
    probability: ProbabilityMap,
    levels: ByteArray,
    start: tuple[int, int],
    *,
    base: ByteArray | None = None,
    window_px: int = WINDOW_PX,
    snap_px: int = 3,
    edge: float | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Search:
    """A search on the probability map as a hand has corrected it: forced vessels are followed, erased ones are not.

    Parameters
    ----------
    probability : the network's map. ``levels`` : uint8 (H, W), its levels with the corrections (``MaskEdits.levels``).
    base : the levels under the corrections, where they are not the network's own.
    start, window_px, snap_px, edge, stopped : see ``Search``.
    """
    reach = window_px // 2 + _MARGIN
    top, left = max(0, start[0] - reach), max(0, start[1] - reach)
    part = (slice(top, start[0] + reach), slice(left, start[1] + reach))
    values = corrected_values(probability, levels, part, base)
    return Search(values, start, origin=(top, left), window_px=window_px, snap_px=snap_px, edge=edge, stopped=stopped)


def corrected_values(
    probability: ProbabilityMap, levels: ByteArray, part: tuple[slice, slice], base: ByteArray | None = None
) -> FloatArray:
    """A part of the map, float32, with 1 where a hand has forced vessel and 0 where it has forced background.

    ``levels`` : with the corrections; ``base`` : those under them, by default those of the map.
    """
    forced = levels[part] != (probability.levels if base is None else base)[part]
    return np.where(forced, levels[part].astype(np.float32) / np.float32(LEVELS - 1), probability.values[part])


def cost_of(values: FloatArray) -> npt.NDArray[np.float64]:
    """The cost of a step onto a pixel: small on vessels, smallest along their middle.

    1 / (p + 0.02), times 1 + 4 / (1 + d) with d the distance to the edge of the vessel: a wide vessel is a plateau of
    equal probabilities, on which the cheapest way would cut every corner.
    """
    depth = _depth(values, _INSIDE).astype(np.float64)
    return (1.0 + 4.0 / (1.0 + depth)) / (values.astype(np.float64) + _FLOOR)


def measured(
    values: FloatArray,
    path: npt.NDArray[np.int64],
    origin: tuple[int, int] = (0, 0),
    edge: float | None = None,
    at_edge: FloatArray | None = None,
) -> Trace:
    """A path of pixels, (N, 2) rows and columns of ``values``, with the width of the vessel along it.

    ``origin`` : row and column of the upper left pixel of ``values`` on the photograph. ``edge`` : the probability at
    which a mask's vessels end; None, or where the ridge is not above it: half of the ridge's probability. ``at_edge`` :
    ``half_widths(values, edge)`` where it is at hand.

    The width at a point is twice the distance to the nearest pixel below the edge, less the half pixel on each side; a
    running median takes out what a crossing vessel adds. In a gap, and so near to it that its end is the nearest edge,
    the width is that of the vessel on both sides of it.
    """
    rows, columns = path[:, 0], path[:, 1]
    ridge = values[rows, columns]
    seen = ridge >= _SMALLEST_RIDGE
    height = float(np.median(ridge[seen] if seen.any() else ridge))
    if edge is not None and edge < height and at_edge is not None:
        halves = at_edge[rows, columns]
    else:
        level = edge if edge is not None and edge < height else height * _EDGE
        top, left = max(0, int(rows.min()) - _MARGIN), max(0, int(columns.min()) - _MARGIN)
        window = values[top : int(rows.max()) + _MARGIN + 1, left : int(columns.max()) + _MARGIN + 1]
        halves = half_widths(window, max(level, 1e-6))[rows - top, columns - left]
    widths = 2.0 * halves.astype(np.float64) - 1.0
    known = seen & (widths > 0)
    if known.any():
        from scipy.ndimage import binary_erosion

        at = np.arange(len(path))
        beyond = int(np.median(widths[known]) / 2.0) + 2
        away = binary_erosion(known, structure=np.ones(2 * beyond + 1), border_value=1)
        known = away if away.any() else known
        widths = np.interp(at, at[known], widths[known])
        widths = _running_median(widths, _SMOOTHING)
    else:
        widths = np.ones(len(path))
    points = tuple((float(column) + 0.5, float(row) + 0.5) for row, column in path + np.array(origin))
    return Trace(points, tuple(float(width) for width in np.maximum(widths, 1.0)), float(ridge.mean()))


def half_widths(values: FloatArray, level: float) -> FloatArray:
    """Distance of each pixel, or of one next to it, from the nearest pixel below a level: a path may be a pixel off."""
    return np.asarray(cv2.dilate(_depth(values, level), np.ones((3, 3))), np.float32)


def _depth(values: FloatArray, level: float) -> FloatArray:
    """Distance of each pixel from the nearest one below a level, in pixels."""
    inside = (values >= level).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)


def _running_median(values: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.float64]:
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(values, size=min(size, len(values)), mode="nearest"))
