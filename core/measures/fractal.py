"""Fractal dimensions of a set by box counting, and its lacunarity.

Boxes of side s are laid over the set in ``GRIDS`` grids that are shifted and turned, and what is counted is the mean
over them. The grid with the fewest boxes, which the definition asks for, is right in the limit of fine boxes; of a
finite set its count depends on whether the set's sides are multiples of the box's: a square is then up to 0.14 off, and
0.05 between angles. Grids that are turned, too, make the count nearly the same for every angle of the set.

D0 (capacity) is the slope of log N(s) over log 1/s; D1 (information) that of -sum p log p; D2 (correlation) that of
-log sum p^2, with p the share of the set in each box (Grassberger and Procaccia 1983; for retinal vessels Stosic and
Stosic 2006).

The boxes at the border of a set reach beyond it, so that N(s) = c s^-D (1 + s / L)^b with L the mean width of the set
over all directions and b >= 0: of a straight line the mean number of boxes is 1 + 2 L / s. Without it a square has 1.87
dimensions. So log N = a - D log s + b log(1 + s / L) is fitted, by least squares with b >= 0: a set whose log N bends
the other way, as that of vessels may, gets b = 0, a straight line. The sizes in the middle of the range count more
(by sin^2, nothing at its ends): the log N of a set that repeats itself at steps of size waves about its line, and where
in a wave the range begins and ends would be seen in the slope.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.types import BoolArray

_TURNS, _SHIFTS = 4, 9
GRIDS: Final = _TURNS * _SHIFTS
LEAST_SIDES: Final = 4
"""So many sizes of boxes make a slope."""
_SHARES: Final = (0.01, 0.2)
"""Sides of the smallest and the largest boxes, of the extent: the same part of the retina in every photograph."""
_LEAST_PX: Final = 4.0
_GLIDES: Final = 16
"""Gliding boxes glide by at most this part of their side: they overlap so much that more of them say nothing new."""
_SIDES: Final = 12
_STEP: Final = 4
"""Of a lattice of shifts: those of grid k are k / _SHIFTS and k * _STEP / _SHIFTS of a box, so that both are even."""

Sides = npt.NDArray[np.float64]
Places = npt.NDArray[np.float64]


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
    sides_px: tuple[float, ...]


def box_sides(extent_px: float, part_px: float = 0.0) -> Sides:
    """Sides of boxes in pixels, in equal ratios: from 1 % to 20 % of the extent of what is measured.

    The smallest are at least 4 pixels and twice ``part_px``, the smallest part of the set: below that a set is what it
    is drawn with. Larger ones are too few to count. Empty where the largest are not twice as large as the smallest.
    """
    least, most = max(_LEAST_PX, 2 * part_px, _SHARES[0] * extent_px), _SHARES[1] * extent_px
    if most < least * 2:
        return np.array([], np.float64)
    return np.geomspace(least, most, _SIDES)


def places_of(inside: BoolArray, finer: int = 4) -> Places:
    """The True pixels, bool (H, W), as sets of ``finer`` x ``finer`` places each: rows and columns, (N, 2).

    As single places a set of pixels would be half a pixel too small on all sides.
    """
    part = (np.arange(finer) + 0.5) / finer - 0.5
    shifts = np.stack(np.meshgrid(part, part, indexing="ij"), axis=-1).reshape(1, -1, 2)
    return np.asarray((np.argwhere(inside)[:, None, :] + shifts).reshape(-1, 2), np.float64)


def fractal_dimensions(places: Places, sides: Sides) -> FractalDimensions | None:
    """Box-counting dimensions of a set of places, rows and columns in pixels (N, 2), over box sides in pixels.

    None where there are fewer than LEAST_SIDES sides, or no place.
    """
    if len(sides) < LEAST_SIDES or not len(places):
        return None
    turned = _turned(places)
    extent = max(float(np.mean([each.max(axis=0) for each in turned])), 1.0)
    table = np.array([_of_side(turned, float(side)) for side in sides])
    (d0, e0), (d1, e1), (d2, e2) = (_slope(sides, column, extent) for column in table.T)
    return FractalDimensions(d0, d1, d2, (e0, e1, e2), tuple(float(side) for side in sides))


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
    """The count of True pixels in boxes of a side at equal small steps; empty where the picture is smaller."""
    sums, step = np.asarray(cv2.integral(drawn.view(np.uint8))), max(1, side_px // _GLIDES)
    tall = sums[side_px::step] - sums[:-side_px:step]
    return np.asarray(tall[:, side_px::step] - tall[:, :-side_px:step])


def _turned(places: Places) -> list[Places]:
    """The places as they are and turned by parts of a quarter turn, each from 0 on in both directions."""
    found = []
    for turn in np.arange(_TURNS) * (np.pi / 2 / _TURNS):
        cos, sin = np.cos(turn), np.sin(turn)
        each = places @ np.array([[cos, -sin], [sin, cos]])
        found.append(each - each.min(axis=0))
    return found


def _of_side(turned: list[Places], side: float) -> tuple[float, float, float]:
    """log N, entropy and -log sum p^2 with boxes of a side, from the mean over grids."""
    found = np.zeros(3)
    for places in turned:
        columns = int(places[:, 1].max() / side) + 2
        down, right = (places / side).T
        for grid in range(_SHIFTS):
            rows = (down + grid / _SHIFTS).astype(np.intp) * columns
            counts = np.bincount(rows + (right + grid * _STEP % _SHIFTS / _SHIFTS).astype(np.intp))
            share = counts[counts > 0] / len(places)
            found += (len(share), -float(share @ np.log(share)), float(share @ share))
    boxes, entropy, squares = found / GRIDS
    return float(np.log(boxes)), float(entropy), -float(np.log(squares))


def _slope(sides: Sides, values: npt.NDArray[np.float64], extent: float) -> tuple[float, float]:
    """D of values = a - D log s + b log(1 + s / extent) with b >= 0 by least squares, and its standard error."""
    trust = np.sin(np.pi * np.arange(1, len(sides) + 1) / (len(sides) + 1))
    terms = np.column_stack((np.ones(len(sides)), -np.log(sides), np.log1p(sides / extent))) * trust[:, None]
    values = values * trust
    fit = np.linalg.lstsq(terms, values, rcond=None)[0]
    if fit[2] < 0:
        terms = terms[:, :2]
        fit = np.linalg.lstsq(terms, values, rcond=None)[0]
    free = len(sides) - terms.shape[1]
    if not free:
        return float(fit[1]), float("nan")
    variance = float(((values - terms @ fit) ** 2).sum()) / free
    return float(fit[1]), float(np.sqrt(variance * np.linalg.inv(terms.T @ terms)[1, 1]))
