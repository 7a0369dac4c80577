"""Widths of vessels from sub-pixel edges of the probability across the centre line.

Never area divided by length of skeleton: that depends on the angle by 40 %. Beside it twice the distance to the
background, which counts whole pixels.
"""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.measures.graph import Points
from core.types import FloatArray

_ACROSS: Final = 41
"""Samples on each side of the centre line."""
_REACH_RADII, _REACH_PX = 1.6, 3.0
_REMAP_LIMIT: Final = 32_000
"""OpenCV numbers rows and columns with 15 bits there."""

Edges = npt.NDArray[np.float64]


def edges_across(values: FloatArray, points: Points, normals: Points, radii: Edges, cut: float) -> tuple[Edges, Edges]:
    """Where the values fall below a cut on both sides of a line, by linear interpolation along the normals.

    Parameters
    ----------
    values : float32 (H, W), probability or share of vessel of each pixel.
    points, normals : (N, 2), places on the line and unit vectors across it.
    radii : (N,), about half the width there in pixels; edges are looked for up to 1.6 radii and 3 pixels away.
    cut : the value at an edge.

    Returns
    -------
    Distances from the line in pixels, (N,) in the direction of the normals and (N,) against it; NaN where no edge is
    found.
    """
    reach = _REACH_RADII * radii + _REACH_PX
    share = np.linspace(0.0, 1.0, _ACROSS)
    away = reach[:, None] * share
    rows = np.arange(len(points))
    found = []
    for direction in (1.0, -1.0):
        below = _roughly(values, points, direction * normals, away) < cut
        first = below.argmax(axis=1)
        before = np.maximum(first - 1, 0)
        high, low = (_exactly(values, points, direction * normals, away[rows, each]) for each in (before, first))
        part = np.clip((high - cut) / np.maximum(high - low, 1e-9), 0.0, 1.0)
        distance = reach * (share[before] + part * share[1])
        found.append(np.where((first > 0) & below.any(axis=1), distance, np.nan))
    return found[0], found[1]


def _roughly(values: FloatArray, points: Points, ways: Points, away: Edges) -> npt.NDArray[np.floating]:
    """The values at distances (N, M) from points in their ways, at places to 1/32 pixel: a tenth of the time."""
    if max(values.shape) > _REMAP_LIMIT:
        return _exactly(values, points[:, None], ways[:, None], away)
    found = []
    for start in range(0, len(points), _REMAP_LIMIT):
        part = slice(start, start + _REMAP_LIMIT)
        y, x = ((points[part, axis, None] + ways[part, axis, None] * away[part]).astype(np.float32) for axis in (0, 1))
        found.append(cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(0,)))
    return np.concatenate(found) if found else np.empty(away.shape, np.float32)


def _exactly(values: FloatArray, points: Points, ways: Points, away: Edges) -> npt.NDArray[np.floating]:
    """The values at distances from points in their ways."""
    from scipy.ndimage import map_coordinates

    places = np.moveaxis(points + ways * away[..., None], -1, 0)
    return np.asarray(map_coordinates(values, places, order=1, mode="constant", cval=0.0))
