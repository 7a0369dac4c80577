"""Circles in pictures: found through outlines of which much is wrong, moved onto edges, drawn."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.types import BoolArray, ByteArray

Floats = npt.NDArray[np.float64]

RAYS = 360
"""Directions in which the neighbourhood of a circle is looked at: one for each degree, clockwise from the right."""

_TRIES, _MOST_POINTS = 250, 240
# In shares of the radius: how near to the circle a point must be to count as lying on it.
_ON_CIRCLE = 0.008
# By how much rounding may move a distance that is not computed by hypot, in shares of the radius.
_ROUNDING: Final = 1e-9
_MIN_POINTS = 10
# Smallest and largest radius, in longer sides of the picture.
_SMALLEST, _LARGEST = 0.1, 1.2
# How far along a ray an edge is looked for, in shares of the radius, and the least step in it (natural logarithm).
_REACH, _LEAST_STEP = 0.04, 0.4


_ANGLES: Final = np.arange(RAYS) * (2 * np.pi / RAYS)
_ALONG, _DOWN = np.cos(_ANGLES), np.sin(_ANGLES)


@dataclass(frozen=True, slots=True)
class Circle:
    """Centre and radius in pixels; the centre of the first pixel is (0, 0)."""

    x: float
    y: float
    radius: float

    def scaled(self, factor: float) -> "Circle":
        """The same circle on a copy of the picture that is ``factor`` times as large."""
        return Circle((self.x + 0.5) * factor - 0.5, (self.y + 0.5) * factor - 0.5, self.radius * factor)

    def disc(self, shape: tuple[int, ...], factor: float = 1.0) -> ByteArray:
        """1 inside the circle of ``factor`` times the radius, 0 elsewhere; uint8 (H, W), read-only."""
        return _disc(self.x, self.y, self.radius * factor, (shape[0], shape[1]))

    def along_rays(self, plane: npt.NDArray[np.float32], factors: Floats) -> npt.NDArray[np.float32]:
        """Values of a plane (H, W) at ``factors`` times the radius, (factors, RAYS); NaN outside the picture."""
        reach = self.radius * factors[:, None]
        x, y = self.x + reach * _ALONG, self.y + reach * _DOWN
        values = cv2.remap(plane, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
        outside = (x < 0) | (y < 0) | (x > plane.shape[1] - 1) | (y > plane.shape[0] - 1)
        return np.where(outside, np.float32(np.nan), values).astype(np.float32)


def circles_of(shape: ByteArray) -> Iterator[Circle]:
    """The circles on which most of an outline lies, at most two, straight cuts at its four sides left out.

    Tabs and shadows make many points of an outline wrong, so circles through three points of it are tried (the same
    ones each time), and the best is refined by least squares on the points that lie on it. The second is the best for
    the points that are not on the first.

    Parameters
    ----------
    shape : uint8 (H, W), one connected part of 1.
    """
    left, top, width, height = cv2.boundingRect(shape)
    outline, _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    points = np.asarray(max(outline, key=len), np.float64).reshape(-1, 2)
    x, y = points[:, 0] - left, points[:, 1] - top
    free = points[(x > 2) & (x < width - 3) & (y > 2) & (y < height - 3)]
    if len(free) < 2 * _MIN_POINTS:
        return
    free = free[:: max(1, len(free) // _MOST_POINTS)]
    circles = _through(free[_triples(len(free))])
    side = max(shape.shape)
    circles = circles[(circles[:, 2] > _SMALLEST * side) & (circles[:, 2] < _LARGEST * side)]
    if not len(circles):
        return
    on = _points_on(free, circles)
    left_over = np.ones(len(free), np.bool_)
    for _ in range(2):
        counts = np.count_nonzero(on & left_over, axis=1)
        best = int(counts.argmax())
        if counts[best] < _MIN_POINTS:
            return
        off = _off(free, circles[best])
        circle = _fitted(free[(off < 2 * _ON_CIRCLE) & left_over])
        if _SMALLEST * side < circle.radius < _LARGEST * side:
            yield circle
        left_over &= off >= 2 * _ON_CIRCLE


def moved_onto_edge(circle: Circle, plane: npt.NDArray[np.float32]) -> Circle:
    """The circle through the strongest fall of a plane (H, W), from inside to outside, along each ray near a circle.

    Rays without a clear fall do not count; the circle stays where most rays have none.
    """
    reach = max(_REACH, 4 / circle.radius)
    factors = np.linspace(1 - reach, 1 + reach, 25)
    values = circle.along_rays(plane, factors)
    falls = (values[:-4] + values[1:-3] - values[3:-1] - values[4:]) / 2
    falls[np.isnan(falls)] = -1.0
    place, fall = falls.argmax(axis=0), falls.max(axis=0)
    clear = fall > _LEAST_STEP
    for _ in range(3):
        if clear.sum() < RAYS // 8:
            return circle
        angles = np.flatnonzero(clear) * (2 * np.pi / RAYS)
        radii = circle.radius * factors[2 + place[clear]]
        points = np.column_stack([circle.x + radii * np.cos(angles), circle.y + radii * np.sin(angles)])
        found = _fitted(points)
        off = np.abs(np.hypot(points[:, 0] - found.x, points[:, 1] - found.y) - found.radius)
        keep = off <= max(2.5 * float(np.median(off)), 0.25)
        if keep.all():
            break
        clear[np.flatnonzero(clear)[~keep]] = False
    moved = np.hypot(found.x - circle.x, found.y - circle.y) + abs(found.radius - circle.radius)
    return found if moved < 2 * reach * circle.radius else circle


@lru_cache(maxsize=16)
def _disc(x: float, y: float, radius: float, shape: tuple[int, int]) -> ByteArray:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    disc: ByteArray = ((rows - y) ** 2 + (columns - x) ** 2 <= radius**2).view(np.uint8)
    disc.setflags(write=False)
    return disc


@lru_cache(maxsize=512)
def _triples(count: int) -> npt.NDArray[np.int64]:
    """Numbers of three different points of so many, for each try."""
    triples = np.random.default_rng(0).integers(0, count, (_TRIES, 3))
    return triples[(np.diff(np.sort(triples, axis=1), axis=1) > 0).all(axis=1)]


def _off(points: Floats, circle: Floats) -> Floats:
    """How far points are from a circle, in its radii."""
    x, y, radius = circle
    return np.asarray(np.abs(np.hypot(points[:, 0] - x, points[:, 1] - y) / radius - 1), np.float64)


def _points_on(points: Floats, circles: Floats) -> BoolArray:
    """Which points (n, 2) lie on which circles (m, 3), bool (m, n), as ``_off`` has it.

    A distance d from the centre is within (1 - e) r and (1 + e) r where |d^2 - r^2 - (e r)^2| < 2 e r^2, and d^2 is a
    product of matrices, which takes a tenth of the time of hypot. What that leaves open, hypot decides.
    """
    x, y, radius = circles.T
    squares = radius * radius
    left = np.column_stack([np.ones_like(x), x, y, x * x + y * y - squares * (1 + _ON_CIRCLE**2)])
    right = np.column_stack([(points * points).sum(axis=1), -2 * points, np.ones(len(points))])
    off = left @ right.T
    np.abs(off, out=off)
    most = 2 * _ON_CIRCLE * squares[:, None]
    on: BoolArray = off < most * (1 - _ROUNDING / _ON_CIRCLE)
    perhaps = off < most * (1 + _ROUNDING / _ON_CIRCLE)
    if np.count_nonzero(perhaps) > np.count_nonzero(on):
        for number in np.flatnonzero((perhaps != on).any(axis=1)):
            on[number] = _off(points, circles[number]) < _ON_CIRCLE
    return on


def _through(triples: Floats) -> Floats:
    """Centre x, y and radius of the circles through n times three points (n, 3, 2); huge for points on a line."""
    first = triples[:, 0]
    a, b = triples[:, 1] - first, triples[:, 2] - first
    cross = 2 * (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    cross[cross == 0] = 1e-9
    aa, bb = (a * a).sum(axis=1), (b * b).sum(axis=1)
    x = (b[:, 1] * aa - a[:, 1] * bb) / cross
    y = (a[:, 0] * bb - b[:, 0] * aa) / cross
    return np.column_stack([first[:, 0] + x, first[:, 1] + y, np.maximum(np.hypot(x, y), 1e-6)])


def _fitted(points: Floats) -> Circle:
    """Least-squares circle: x^2 + y^2 = 2 a x + 2 b y + c is linear in a, b, c."""
    x, y = points.T
    (a, b, c), *_ = np.linalg.lstsq(np.column_stack([2 * x, 2 * y, np.ones_like(x)]), x * x + y * y, rcond=None)
    return Circle(float(a), float(b), float(np.sqrt(max(c + a * a + b * b, 1e-9))))
