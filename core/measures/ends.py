"""Free ends of vessels: a skeleton stops about half a width before the vessel does, so its line is drawn on.

It is drawn on as an arc of a circle: with the heading and the curvature of the line before its end. A straight end
leaves a winding vessel: the chord of a half circle of 5 widths becomes 3 % too long.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from core.measures.centre_line import CentreLine, Line
from core.measures.graph import Points
from core.types import BoolArray, FloatArray

_CORNER_RADII: Final = 1.5
"""So far from a free end a skeleton bends into a corner of the end."""
_SEEN_PX: Final = 6.0
"""At least so much of a line shows how wide its end is: the last pixels may lie outside the vessel."""
_HEADING_RADII, _HEADING_PX = 3.0, 8.0
"""Along so much of the line before that the heading and the curvature of its end are taken."""
_REACH_RADII, _REACH_PX = 4.0, 3.0
"""No line is drawn on by more."""
_FARTHER: Final = 1.06
_STEP_PX: Final = 0.25
_LEAST_REACH_PX: Final = 0.01


@dataclass(frozen=True, slots=True)
class _Course:
    """Where a line leaves off: a place, the angle of its heading, and its curvature in 1/pixel."""

    place: tuple[float, float]
    heading: float
    bend: float

    def places(self, away: Line) -> Points:
        """The places on it so many pixels further on, (N, 2)."""
        middle = self.heading + self.bend * away / 2
        chord = away * np.sinc(self.bend * away / (2 * np.pi))
        ways = np.column_stack((np.sin(middle), np.cos(middle)))
        return np.asarray(np.array(self.place) + chord[:, None] * ways, np.float64)


def reach_out(
    values: FloatArray, line: CentreLine, free: tuple[bool, bool], depth: FloatArray, cut: float
) -> CentreLine:
    """The line with its free ends drawn on to where the vessel ends.

    Parameters
    ----------
    values : float32 (H, W), probability or share of vessel of each pixel; a vessel ends where they fall below ``cut``.
    free : which of the two ends no other vessel meets.
    depth : float32 (H, W), the distance to the background in pixels.
    """
    kept, more = [0, len(line.points)], [(line.points[:0], 0.0)] * 2
    for side in (0, 1):
        found = _end(values, line, side, depth, cut) if free[side] else None
        if found is not None:
            kept[side], more[side] = found[0] if side == 0 else len(line.points) - found[0], found[1:]
    if not len(more[0][0]) and not len(more[1][0]):
        return line
    return _with_ends(line, slice(*kept), more)


def in_corner(line: CentreLine, side: int, depth: FloatArray) -> BoolArray:
    """The samples of a line that are so near to one of its ends, which is free, that they may be of a corner."""
    from_end = line.along if side == 0 else line.length_px - line.along
    return from_end <= min(_CORNER_RADII * _end_radius(depth, line.points, from_end), line.length_px / 4)


def _end(
    values: FloatArray, line: CentreLine, side: int, depth: FloatArray, cut: float
) -> tuple[int, Points, float] | None:
    """How many samples go at an end, the places that take their place, outwards, and their curvature along the line."""
    order = slice(None) if side == 0 else slice(None, None, -1)
    points, tangents = line.points[order], line.tangents[order]
    from_end = line.along if side == 0 else line.length_px - line.along[::-1]
    radius = _end_radius(depth, points, from_end)
    corner, span = _CORNER_RADII * radius, max(_HEADING_RADII * radius, _HEADING_PX)
    if line.length_px < 2 * (corner + span):
        span = line.length_px / 2 - corner
    if span < 2 * radius:
        corner, span = 0.0, min(line.length_px, 2 * radius)
    tip, behind = (int(np.abs(from_end - away).argmin()) for away in (corner, corner + span))
    course = _course(
        points[tip : behind + 1], tangents[tip : behind + 1] * (1 if side else -1), from_end[tip : behind + 1], radius
    )
    if course is None:
        return None
    reach = _reach(values, course, _REACH_RADII * radius + _REACH_PX, cut)
    for share in (0.5, 0.0):  # a bend that leads out at the vessel's side has ended before
        straighter = replace(course, bend=share * course.bend)
        farther = _reach(values, straighter, _REACH_RADII * radius + _REACH_PX, cut)
        if farther > _FARTHER * reach:
            course, reach = straighter, farther
    if not reach > _LEAST_REACH_PX:  # also NaN
        return None
    steps = max(1, round(reach))
    return tip, course.places(np.arange(1, steps + 1) / steps * reach), course.bend * (1 if side else -1)


def _course(points: Points, tangents: Points, from_end: Line, radius: float) -> _Course | None:
    """The heading and curvature at the first of some places, outwards: a circle has a heading that turns evenly."""
    if len(points) < 2:
        return None
    heading = np.unwrap(np.arctan2(tangents[:, 0], tangents[:, 1]))
    before = from_end - from_end[0]
    slope, first = np.polyfit(before, heading, 1) if len(points) > 3 else (0.0, float(heading.mean()))
    bend = float(np.clip(-slope, -1 / radius, 1 / radius))
    return _Course((float(points[0, 0]), float(points[0, 1])), float(first), bend)


def _reach(values: FloatArray, course: _Course, most: float, cut: float) -> float:
    """How far on the values fall below a cut, by linear interpolation, NaN where they do not."""
    from scipy.ndimage import map_coordinates

    away = np.arange(0.0, most, _STEP_PX)
    found = map_coordinates(values, course.places(away).T, order=1, mode="constant", cval=0.0)
    below = found < cut
    last = int(below.argmax())
    if not last:  # from the first on, or nowhere
        return float("nan")
    high, low = float(found[last - 1]), float(found[last])
    return float(away[last - 1] + _STEP_PX * (high - cut) / max(high - low, 1e-9))


def _with_ends(line: CentreLine, inner: slice, more: list[tuple[Points, float]]) -> CentreLine:
    """A part of a line with others in place of its ends, each outwards and with its curvature."""
    (before, first_bend), (after, last_bend) = more
    points = np.concatenate((before[::-1], line.points[inner], after))
    along = np.r_[0.0, np.cumsum(np.hypot(*np.diff(points, axis=0).T))]
    tangents = np.gradient(points, along, axis=0)
    tangents /= np.maximum(np.hypot(*tangents.T), 1e-9)[:, None]
    place = slice(len(before), len(points) - len(after))
    tangents[place] = line.tangents[inner]
    curvature = np.r_[np.full(len(before), first_bend), line.curvature[inner], np.full(len(after), last_bend)]
    return CentreLine(points, tangents, curvature, along)


def _end_radius(depth: FloatArray, points: Points, from_end: Line) -> float:
    """Half the width near a free end: the largest distance to the background not far from it."""
    rows, columns = np.clip(np.rint(points).astype(int), 0, np.array(depth.shape) - 1).T
    deep = depth[rows, columns]
    near = from_end <= 2 * max(float(deep[from_end <= _SEEN_PX].max()), 2.0)
    return max(float(deep[near].max()), 1.0)
