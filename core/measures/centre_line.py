"""Centre lines as smoothing splines in sub-pixel coordinates.

Adding the steps of a skeleton from pixel to pixel makes a line at 22 degrees 8 % too long, and its curvature is that of
the raster. A spline is laid through the points instead whose third derivative is penalised (Eilers 2003, after
Whittaker 1923): windings shorter than ``ROUGH_PX`` are taken for the raster, longer ones stay. Because parabolas cost
nothing the ends of a line keep their curvature; a spline that may deviate from its points by a stated amount in sum
gives the whole of that to them, and pulls a half circle 0.7 pixels from its end.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.measures.graph import Points

STEP_PX: Final = 1.0
"""Distance of the samples along a centre line."""
ROUGH_PX: Final = 14.0
"""The wavelength of windings that are halved; of one twice as long 98 % stays, of one half as long 2 %."""
_LEAST_POINTS: Final = 5

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


def fit_centre_line(points: Points, *, closed: bool = False, weights: Line | None = None) -> CentreLine:
    """The smoothing spline through points in order.

    Parameters
    ----------
    points : float64 (N, 2), N >= 2, rows and columns.
    closed : the last point is the first one.
    weights : (N,), relative trust in each point.
    """
    from scipy.interpolate import CubicSpline

    keep = np.r_[True, np.any(np.diff(points, axis=0) != 0, axis=1)]
    points = points[keep]
    trust = np.ones(len(points)) if weights is None else weights[keep]
    reach = np.r_[0.0, np.cumsum(np.hypot(*np.diff(points, axis=0).T))]
    count = round(reach[-1] / STEP_PX) + 1
    if count < _LEAST_POINTS:
        return _straight(points)
    at = np.linspace(0.0, reach[-1], count)
    even = np.column_stack([np.interp(at, reach, each) for each in points.T])
    smooth = _smoothed(even, np.interp(at, reach, trust), at[1], closed=closed)
    spline = CubicSpline(at, smooth, bc_type="periodic" if closed else "not-a-knot")
    # Samples at equal steps of the curve itself: its length is longer or shorter than that of the points.
    fine = np.linspace(0.0, reach[-1], max(16, 4 * count))
    along = np.r_[0.0, np.cumsum(np.hypot(*np.diff(spline(fine), axis=0).T))]
    wanted = np.linspace(0.0, along[-1], max(3, round(along[-1] / STEP_PX) + 1))
    at = np.interp(wanted, along, fine)
    first, second = spline(at, 1), spline(at, 2)
    speed = np.maximum(np.hypot(*first.T), 1e-9)
    bend = (first[:, 1] * second[:, 0] - first[:, 0] * second[:, 1]) / speed**3
    return CentreLine(spline(at), first / speed[:, None], bend, wanted)


def _smoothed(points: Points, weights: Line, step_px: float, *, closed: bool) -> Points:
    """Whittaker's smoother of points at equal steps: z of least sum w (z - y)^2 + c sum (third difference of z)^2."""
    from scipy.linalg import solveh_banded

    if closed:
        wrap = min(len(points) - 1, 2 * round(ROUGH_PX))
        points, weights = (
            np.concatenate((each[-1 - wrap : -1], each, each[1 : 1 + wrap])) for each in (points, weights)
        )
    bands = np.zeros((4, len(points)))  # of the matrix D'D of third differences D: its diagonal last
    difference = np.array([-1.0, 3.0, -3.0, 1.0])
    for apart in range(4):
        for first in range(4 - apart):
            last = len(points) - 3 + first
            bands[3 - apart, first + apart : last + apart] += difference[first] * difference[first + apart]
    bands *= (ROUGH_PX / step_px / (2 * np.pi)) ** 6
    bands[3] += weights
    smooth = np.asarray(solveh_banded(bands, weights[:, None] * points))
    if closed:
        smooth = smooth[wrap : len(smooth) - wrap]
        smooth[-1] = smooth[0]
    return smooth


def _straight(points: Points) -> CentreLine:
    """The straight line from the first point to the last."""
    step = points[-1] - points[0]
    length = float(np.hypot(*step))
    share = np.linspace(0.0, 1.0, max(2, round(length / STEP_PX) + 1))
    tangent = step / length if length else np.array([0.0, 1.0])
    return CentreLine(
        points[0] + share[:, None] * step, np.tile(tangent, (len(share), 1)), np.zeros(len(share)), share * length
    )
