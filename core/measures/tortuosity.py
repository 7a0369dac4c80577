"""How a vessel winds, from its smooth centre line.

==================== ========================================================== =========
measure              formula                                                    unit
==================== ========================================================== =========
arc_chord            length / chord - 1 (Lotmar 1979)                           none
turning              integral of |curvature| along the line                     radian
squared_curvature    integral of curvature^2 (Hart 1999)                        1/pixel
inflections          changes of the direction of turning                        count
grisan               (n - 1)/n / length * sum(length_i / chord_i - 1)           1/pixel
                     over the n parts between inflections (Grisan 2008)
==================== ========================================================== =========
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from core.measures.centre_line import CentreLine

LEAST_TURN: Final = np.deg2rad(10)
"""A line turns one way where it turns by so much; less is the raster."""


@dataclass(frozen=True, slots=True)
class Tortuosity:
    """Measures of one vessel; the table in this module gives formulas and units. NaN for a ring's arc over chord."""

    arc_chord: float
    turning: float
    squared_curvature: float
    inflections: int
    grisan: float


def tortuosity(line: CentreLine) -> Tortuosity:
    """All measures of a centre line."""
    splits = inflections(line)
    borders = [0, *splits, len(line.points) - 1]
    parts = [_arc_chord(line, first, last) for first, last in pairwise(borders)]
    count = len(parts)
    grisan = (count - 1) / count / line.length_px * float(np.sum(parts)) if line.length_px else float("nan")
    return Tortuosity(
        arc_chord=_arc_chord(line, 0, len(line.points) - 1),
        turning=float(np.trapezoid(np.abs(line.curvature), line.along)),
        squared_curvature=float(np.trapezoid(line.curvature**2, line.along)),
        inflections=len(splits),
        grisan=grisan,
    )


def _arc_chord(line: CentreLine, first: int, last: int) -> float:
    chord = float(np.hypot(*(line.points[last] - line.points[first])))
    return float(line.along[last] - line.along[first]) / chord - 1 if chord > 1e-6 else float("nan")


def inflections(line: CentreLine) -> list[int]:
    """Samples at which the line, having turned one way by LEAST_TURN, begins to turn by as much the other way."""
    steps = np.diff(line.along)
    heading = np.r_[0.0, np.cumsum((line.curvature[1:] + line.curvature[:-1]) / 2 * steps)]
    found: list[int] = []
    way, extreme = 0, 0  # the way that it turns, and where it has turned farthest that way
    low = high = 0
    for place, angle in enumerate(heading):
        if way == 0:
            low = place if angle < heading[low] else low
            high = place if angle > heading[high] else high
            if angle - heading[low] > LEAST_TURN or heading[high] - angle > LEAST_TURN:
                way, extreme = (1 if angle - heading[low] > LEAST_TURN else -1), place
        elif way * (angle - heading[extreme]) > 0:
            extreme = place
        elif way * (heading[extreme] - angle) > LEAST_TURN:
            found.append(extreme)
            way, extreme = -way, place
    return found
