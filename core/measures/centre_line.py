"""Centre lines as smoothing splines in sub-pixel coordinates.

Adding the steps of a skeleton from pixel to pixel makes a line at 22 degrees 8 % too long, and its curvature is that of
the raster. A cubic smoothing spline whose residual is the rounding to pixels has neither fault.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.measures.graph import Points

STEP_PX: Final = 1.0
"""Distance of the samples along a centre line."""
ROUNDING_PX: Final = 0.35
"""Standard deviation of a skeleton's pixels from the line that they stand for."""
REFINED_PX: Final = 0.12
"""Standard deviation of the middles between two sub-pixel edges, measured on drawn bars."""

Line = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CentreLine:
    """Equidistant samples of a centre line.

    ``points`` (N, 2) and ``tangents`` (N, 2) are (row, column), tangents of length 1; ``curvature`` (N,) is signed, in
    1/pixel; ``along`` (N,) is the length from the start in pixels.
    """

    points: Points
    tangents: Points
    curvature: Line
    along: Line

    @property
    def length_px(self) -> float:
        """Length of the curve in pixels."""
        return float(self.along[-1])

    @property
    def normals(self) -> Points:
        """Unit vectors across the line (N, 2)."""
        return np.column_stack((-self.tangents[:, 1], self.tangents[:, 0]))


def fit_centre_line(
    points: Points, *, deviation_px: float = ROUNDING_PX, closed: bool = False, weights: Line | None = None
) -> CentreLine:
    """The smoothing spline through points in order.

    Parameters
    ----------
    points : float64 (N, 2), N >= 2, rows and columns.
    deviation_px : standard deviation of the points from the line that is looked for.
    closed : the last point is the first one.
    weights : (N,), relative trust in each point.
    """
    from scipy.interpolate import splev, splprep

    keep = np.r_[True, np.any(np.diff(points, axis=0) != 0, axis=1)]
    points = points[keep]
    weights = None if weights is None else weights[keep]
    if len(points) < 5:
        return _straight(points)
    reach = np.r_[0.0, np.cumsum(np.hypot(*np.diff(points, axis=0).T))]
    trust = np.full(len(points), 1.0) if weights is None else weights
    spline, _ = splprep(
        points.T, w=trust / deviation_px, u=reach, s=float(len(points)) * 2, k=3, per=int(closed), quiet=2
    )
    # Samples at equal steps of the curve itself: its length is longer or shorter than that of the points.
    fine = np.linspace(0.0, reach[-1], max(16, 4 * round(reach[-1])))
    places = np.column_stack(splev(fine, spline))
    along = np.r_[0.0, np.cumsum(np.hypot(*np.diff(places, axis=0).T))]
    wanted = np.linspace(0.0, along[-1], max(3, round(along[-1] / STEP_PX) + 1))
    at = np.interp(wanted, along, fine)
    first, second = (np.column_stack(splev(at, spline, der=order)) for order in (1, 2))
    speed = np.maximum(np.hypot(*first.T), 1e-9)
    bend = (first[:, 1] * second[:, 0] - first[:, 0] * second[:, 1]) / speed**3
    return CentreLine(np.column_stack(splev(at, spline)), first / speed[:, None], bend, wanted)


def _straight(points: Points) -> CentreLine:
    """The straight line from the first point to the last."""
    step = points[-1] - points[0]
    length = float(np.hypot(*step))
    share = np.linspace(0.0, 1.0, max(2, round(length / STEP_PX) + 1))
    tangent = step / length if length else np.array([0.0, 1.0])
    return CentreLine(
        points[0] + share[:, None] * step, np.tile(tangent, (len(share), 1)), np.zeros(len(share)), share * length
    )
