"""Widths of vessels from sub-pixel edges of the probability across the centre line.

Never area divided by length of skeleton: that depends on the angle by 40 %. Beside it twice the distance to the
background, which counts whole pixels.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from core.measures.graph import Points
from core.types import FloatArray

_ACROSS: Final = 41
"""Samples on each side of the centre line."""
_REACH_RADII, _REACH_PX = 1.6, 3.0

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
    from scipy.ndimage import map_coordinates

    reach = _REACH_RADII * radii + _REACH_PX
    share = np.linspace(0.0, 1.0, _ACROSS)
    away = reach[:, None] * share
    found = []
    for direction in (1.0, -1.0):
        places = (direction * normals.T)[:, :, None] * away  # in the layout of map_coordinates, which copies any other
        places += points.T[:, :, None]
        seen = map_coordinates(values, places, order=1, mode="constant", cval=0.0)
        below = seen < cut
        first = below.argmax(axis=1)
        rows = np.arange(len(points))
        before = np.maximum(first - 1, 0)
        high, low = seen[rows, before], seen[rows, first]
        part = (high - cut) / np.maximum(high - low, 1e-9)
        distance = reach * (share[before] + part * share[1])
        found.append(np.where((first > 0) & below.any(axis=1), distance, np.nan))
    return found[0], found[1]
