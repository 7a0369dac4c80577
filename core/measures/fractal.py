"""Fractal dimensions of a set of pixels by box counting, and its lacunarity.

Boxes of side s are laid over the picture in all of ``OFFSETS`` x ``OFFSETS`` shifted grids. The grid that needs the
fewest boxes counts: that is what the definition (the least number of boxes that cover the set) asks for, and what keeps
the result the same when the picture is shifted or turned.

D0 (capacity) is the slope of log N(s) over log 1/s; D1 (information) that of -sum p log p; D2 (correlation) that of
-log sum p^2, with p the share of the set in each box (Grassberger and Procaccia 1983; for retinal vessels Stosic and
Stosic 2006).
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.types import BoolArray

OFFSETS: Final = 4
LEAST_SIDES: Final = 4
"""So many sizes of boxes make a slope."""

Sides = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class FractalDimensions:
    """Dimensions of a set and how straight the three lines are.

    ``d0``, ``d1``, ``d2`` : capacity, information and correlation dimension, without unit. ``errors`` : the standard
    error of each slope. ``sides_px`` : the box sides that were used.
    """

    d0: float
    d1: float
    d2: float
    errors: tuple[float, float, float]
    sides_px: tuple[int, ...]


def box_sides(extent_px: float, thickness_px: float) -> Sides:
    """Sides of boxes, in pixels, between the thickness of what is drawn and a part of its extent, in equal ratios.

    Below its thickness a line is a plane; boxes of its whole extent are too few to count.
    """
    least, most = max(2.0, 1.5 * thickness_px), extent_px / 5
    if most < least * 2:
        return np.array([], np.intp)
    return np.unique(np.rint(np.geomspace(least, most, 12)).astype(np.intp))


def fractal_dimensions(inside: BoolArray, sides: Sides) -> FractalDimensions | None:
    """Box-counting dimensions of the True pixels, bool (H, W), over box sides in pixels.

    None where there are fewer than LEAST_SIDES sides, or no pixel.
    """
    points = np.argwhere(inside)
    if len(sides) < LEAST_SIDES or not len(points):
        return None
    table = np.array([_of_side(points, int(side)) for side in sides])
    logs = np.log(sides.astype(np.float64))
    fits = [_slope(logs, column) for column in table.T]
    (d0, e0), (d1, e1), (d2, e2) = fits
    return FractalDimensions(d0, d1, d2, (e0, e1, e2), tuple(int(side) for side in sides))


def lacunarity(drawn: BoolArray, side_px: int, field: BoolArray | None = None) -> float:
    """Lacunarity of the True pixels, bool (H, W), for gliding boxes (Allain and Cloitre 1991).

    1 + variance / mean^2 of the count of pixels in a box of a side in pixels; NaN where no box has any.

    Parameters
    ----------
    field : bool (H, W); only boxes that lie in it count, so that the black surround of a retina does not. None: all.
    """
    boxes = _boxes(drawn, side_px)
    if field is not None:
        boxes = boxes[_boxes(field, side_px) == side_px**2]
    if not boxes.any():
        return float("nan")
    times = np.bincount(boxes.ravel()).astype(np.float64)  # a box has few different counts: quicker than their variance
    counts = np.arange(len(times), dtype=np.float64)
    mean = (times @ counts) / times.sum()
    return float(1 + (times @ (counts - mean) ** 2) / times.sum() / mean**2)


def _boxes(drawn: BoolArray, side_px: int) -> npt.NDArray[np.int32]:
    """The count of True pixels in each box of a side; empty where the picture is smaller."""
    sums = np.asarray(cv2.integral(drawn.view(np.uint8)))
    tall = sums[side_px:] - sums[:-side_px]
    return np.asarray(tall[:, side_px:] - tall[:, :-side_px])


def _of_side(points: npt.NDArray[np.intp], side: int) -> tuple[float, float, float]:
    """log N, entropy and -log sum p^2 with boxes of a side, each of the grid in which it is least."""
    shifts = np.unique(np.linspace(0, side, OFFSETS, endpoint=False).astype(np.intp))
    columns = int(points[:, 1].max()) // side + 2
    least = np.full(3, np.inf)
    for down in shifts:
        rows = (points[:, 0] + down) // side * columns
        for right in shifts:
            counts = np.bincount(rows + (points[:, 1] + right) // side)
            share = counts[counts > 0] / len(points)
            found = (np.log(len(share)), -float(share @ np.log(share)), -np.log(float(share @ share)))
            least = np.minimum(least, found)
    return float(least[0]), float(least[1]), float(least[2])


def _slope(log_sides: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The falling slope of a line of least squares, and its standard error."""
    from scipy.stats import linregress

    line = linregress(log_sides, values)
    return -float(line.slope), float(line.stderr)
