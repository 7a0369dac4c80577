"""Shapes whose measures are known, drawn in continuous coordinates: what the measures are tested on.

A shape is a set of points in the plane. A pixel gets the share of it that the shape covers (``FINER`` x ``FINER``
points in each pixel), so that what is turned is the shape and never a picture of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from core.types import FloatArray

FINER: Final = 8
_GOLDEN = (np.sqrt(5) - 1) / 2

Plane = npt.NDArray[np.float64]
Inside = Callable[[Plane, Plane], npt.NDArray[np.bool_]]
"""Whether points (x to the right, y down, in pixels from the middle of the picture) belong to a shape."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a shape is drawn: side of the picture in pixels, degrees by which it is turned, and its middle's shift."""

    side_px: int
    degrees: float = 0.0
    shift_px: tuple[float, float] = (0.0, 0.0)


def draw(inside: Inside, drawing: Drawing) -> FloatArray:
    """The share of each pixel that a shape covers, float32 (side, side) in [0, 1]."""
    side, turn = drawing.side_px, np.deg2rad(drawing.degrees)
    fine = (np.arange(side * FINER) + 0.5) / FINER - side / 2
    # Each row of points is shifted by another part of their distance: edges at 45 degrees would meet them all at once.
    shifts = (np.arange(side * FINER) * _GOLDEN % 1 - 0.5) / FINER
    covered = np.empty((side, side), np.float32)
    rows_at_once = max(1, 400_000 // (side * FINER * FINER))
    for top in range(0, side, rows_at_once):
        rows = fine[top * FINER : (top + rows_at_once) * FINER]
        y, x = np.meshgrid(rows - drawing.shift_px[0], fine - drawing.shift_px[1], indexing="ij")
        x += shifts[top * FINER : top * FINER + len(rows), None]
        right = x * np.cos(turn) + y * np.sin(turn)
        down = y * np.cos(turn) - x * np.sin(turn)
        hit = inside(right, down).reshape(len(rows) // FINER, FINER, side, FINER)
        covered[top : top + len(hit)] = hit.mean(axis=(1, 3))
    return covered


def line(points: Sequence[tuple[float, float]], width: float, *, flat: bool = True) -> Inside:
    """A stroke of a width along straight pieces (x, y); its two ends are flat, or round."""

    def inside(x: Plane, y: Plane) -> npt.NDArray[np.bool_]:
        hit = np.zeros(x.shape, np.bool_)
        last, reach = len(points) - 2, width / 2
        for number, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
            near = np.abs(x - (x0 + x1) / 2) <= abs(x1 - x0) / 2 + reach
            near &= np.abs(y - (y0 + y1) / 2) <= abs(y1 - y0) / 2 + reach
            near_x, near_y = x[near], y[near]  # a stroke has few points: the rest takes the time
            length = float(np.hypot(x1 - x0, y1 - y0))
            along = ((near_x - x0) * (x1 - x0) + (near_y - y0) * (y1 - y0)) / length
            aside = np.abs((near_x - x0) * (y1 - y0) - (near_y - y0) * (x1 - x0)) / length
            within = (along >= 0) & (along <= length) & (aside <= reach)
            if not flat or number > 0:
                within |= np.hypot(near_x - x0, near_y - y0) <= reach
            if not flat or number < last:
                within |= np.hypot(near_x - x1, near_y - y1) <= reach
            hit[near] |= within
        return hit

    return inside


def ring(radius: float, width: float) -> Inside:
    """A closed circle."""
    return lambda x, y: np.abs(np.hypot(x, y) - radius) <= width / 2


def arc(radius: float, width: float, degrees: float) -> Inside:
    """A part of a circle around the middle of the picture, with flat ends, symmetric about the x axis."""
    half = np.deg2rad(degrees) / 2

    def inside(x: Plane, y: Plane) -> npt.NDArray[np.bool_]:
        return np.asarray((np.abs(np.hypot(x, y) - radius) <= width / 2) & (np.abs(np.arctan2(y, x)) <= half))

    return inside


def sinusoid(length: float, amplitude: float, periods: float, width: float) -> Inside:
    """All points within half a width of y = amplitude sin(2 pi periods x / length), so with round ends."""
    x = np.linspace(-length / 2, length / 2, 4_000)
    return _around(np.column_stack((x, amplitude * np.sin(2 * np.pi * periods * x / length))), width)


def sinusoid_length(length: float, amplitude: float, periods: float) -> float:
    """The length of its curve, by the integral of sqrt(1 + y'^2)."""
    x = np.linspace(0, length, 200_001)
    slope = amplitude * 2 * np.pi * periods / length * np.cos(2 * np.pi * periods * x / length)
    return float(np.trapezoid(np.sqrt(1 + slope**2), x))


def fork(arm: float, widths: tuple[float, float, float], degrees: float) -> Inside:
    """A stem from the left to the middle and two arms with an angle between them, symmetric about the x axis."""
    half = np.deg2rad(degrees) / 2
    tips = ((-arm, 0.0), (arm * np.cos(half), -arm * np.sin(half)), (arm * np.cos(half), arm * np.sin(half)))
    return union(*(line([(0.0, 0.0), tip], width, flat=False) for tip, width in zip(tips, widths, strict=True)))


def tree(generations: int, arm: float, width: float, degrees: float = 60.0) -> Inside:
    """A stem that forks ``generations`` times; each arm is 0.7 times as long and 0.8 times as wide as the one before.

    It has 2^(g + 1) - 1 segments, 2^g - 1 branchings and 2^g + 1 free ends.
    """
    strokes: list[Inside] = []

    def grow(x: float, y: float, heading: float, generation: int) -> None:
        length = arm * 0.7**generation
        tip = (x + length * np.cos(heading), y + length * np.sin(heading))
        strokes.append(line([(x, y), tip], width * 0.8**generation, flat=False))
        if generation < generations:
            for side in (-1, 1):
                grow(*tip, heading + side * np.deg2rad(degrees) / 2, generation + 1)

    grow(-1.3 * arm, 0.0, 0.0, 0)
    return union(*strokes)


def spokes(count: int, inner: float, outer: float, widths: Sequence[float]) -> Inside:
    """Straight vessels that leave a disc at equal angles, from ``inner`` to ``outer`` pixels from the middle."""
    strokes = []
    for number in range(count):
        angle = 2 * np.pi * number / count + 0.1
        way = [(radius * np.cos(angle), radius * np.sin(angle)) for radius in (inner, outer)]
        strokes.append(line(way, widths[number % len(widths)]))
    return union(*strokes)


def rectangle(width: float, height: float) -> Inside:
    return lambda x, y: (np.abs(x) <= width / 2) & (np.abs(y) <= height / 2)


def gasket(side: float, generations: int) -> Inside:
    """A Sierpinski triangle; its dimension is log 3 / log 2 = 1.585."""
    height = side * np.sqrt(3) / 2

    def inside(x: Plane, y: Plane) -> npt.NDArray[np.bool_]:
        # Barycentric coordinates; a point belongs where in each generation one of the three is at least a half.
        a = 0.5 - y / height
        b = (x / side + 0.5) - a / 2
        parts = [a, b, 1 - a - b]
        hit: npt.NDArray[np.bool_] = (parts[0] >= 0) & (parts[1] >= 0) & (parts[2] >= 0)
        for _ in range(generations):
            large = [part >= 0.5 for part in parts]
            hit &= large[0] | large[1] | large[2]
            parts = [np.where(big, 2 * part - 1, 2 * part) for part, big in zip(parts, large, strict=True)]
        return hit

    return inside


def carpet(side: float, generations: int) -> Inside:
    """A Sierpinski carpet; its dimension is log 8 / log 3 = 1.893."""

    def inside(x: Plane, y: Plane) -> npt.NDArray[np.bool_]:
        across, down = x / side + 0.5, y / side + 0.5
        hit: npt.NDArray[np.bool_] = (across >= 0) & (across < 1) & (down >= 0) & (down < 1)
        for _ in range(generations):
            across, down = across * 3 % 3, down * 3 % 3
            hit &= ~((across >= 1) & (across < 2) & (down >= 1) & (down < 2))
            across, down = across % 1, down % 1
        return hit

    return inside


def _around(curve: Plane, width: float) -> Inside:
    """All points within half a width of a curve that is given by many points (x, y)."""
    from scipy.spatial import KDTree

    tree = KDTree(curve)
    (left, top), (right, bottom) = curve.min(axis=0) - width, curve.max(axis=0) + width

    def inside(x: Plane, y: Plane) -> npt.NDArray[np.bool_]:
        hit = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
        near, _ = tree.query(np.column_stack((x[hit], y[hit])), distance_upper_bound=width / 2, eps=0.01)
        hit[hit] = np.isfinite(near)
        return np.asarray(hit)

    return inside


def union(*shapes: Inside) -> Inside:
    def inside(x: Plane, y: Plane) -> npt.NDArray[np.bool_]:
        hit = shapes[0](x, y)
        for shape in shapes[1:]:
            hit |= shape(x, y)
        return hit

    return inside


def koch(side: float, generations: int, width: float) -> Inside:
    """A Koch curve as a stroke; its dimension is log 4 / log 3 = 1.262 above its pieces of side / 3^generations."""
    points = np.array([-side / 2, side / 2], np.complex128)
    bump = np.exp(-1j * np.pi / 3)
    for _ in range(generations):
        start, third = points[:-1], np.diff(points) / 3
        made = np.stack((start, start + third, start + third * (1 + bump), start + 2 * third), axis=1).ravel()
        points = np.append(made, points[-1])
    return line([(float(point.real), float(point.imag)) for point in points + 1j * side / 8], width, flat=False)
