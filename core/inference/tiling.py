"""Cutting a plane into overlapping tiles and putting the results together again. Pure numpy; knows nothing of networks.

Along each axis neighbouring tiles overlap, and one boundary is in the middle of each overlap. The boundaries cut
the plane into *cores*, one for each tile, that touch and never overlap (sums over cores are sums over the plane).
Results are blended across each boundary by a raised cosine that spans a quarter of the overlap: the outer three
eighths on either side, where a tile sees least of its surroundings, count for nothing. The weights of an axis are
differences of neighbouring ramps, so that they add up to one at each pixel by construction; those of the plane are
products of its two axes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from core.types import FloatArray

Shape = tuple[int, int]
_Line = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one axis: the tile is [start, stop), its core [core_start, core_stop), in pixels of the plane."""

    start: int
    stop: int
    core_start: int
    core_stop: int


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of the plane that is computed at once."""

    rows: Span
    columns: Span

    @property
    def window(self) -> tuple[slice, slice]:
        """Where the tile is on the plane."""
        return slice(self.rows.start, self.rows.stop), slice(self.columns.start, self.columns.stop)

    @property
    def core(self) -> tuple[slice, slice]:
        """Where the tile's core is on the plane."""
        return slice(self.rows.core_start, self.rows.core_stop), slice(self.columns.core_start, self.columns.core_stop)

    @property
    def core_in_tile(self) -> tuple[slice, slice]:
        """Where the tile's core is in the tile."""
        rows, columns = self.rows, self.columns
        return (
            slice(rows.core_start - rows.start, rows.core_stop - rows.start),
            slice(columns.core_start - columns.start, columns.core_stop - columns.start),
        )


@dataclass(frozen=True, slots=True)
class TilePlan:
    """The tiles of a plane of ``shape``. All tiles have the size ``tile``."""

    shape: Shape
    tile: Shape
    overlap: int
    rows: tuple[Span, ...]
    columns: tuple[Span, ...]

    def __len__(self) -> int:
        return len(self.rows) * len(self.columns)

    def __iter__(self) -> Iterator[Tile]:
        """Row by row, from the top left."""
        return (Tile(row, column) for row in self.rows for column in self.columns)

    def weights(self, tile: Tile) -> FloatArray:
        """Blending weights of a tile, float32 of the tile's shape, in [0, 1]; over all tiles they add up to 1."""
        rows = _axis_weights(self.rows, self.rows.index(tile.rows))
        columns = _axis_weights(self.columns, self.columns.index(tile.columns))
        return rows[:, None] * columns[None, :]


class Blender:
    """Adds up the results of a plan's tiles. ``result`` is the blended plane once every tile has been added once."""

    def __init__(self, plan: TilePlan) -> None:
        self.plan = plan
        self.result: FloatArray = np.zeros(plan.shape, np.float32)

    def add(self, tile: Tile, values: FloatArray) -> None:
        """Add the values of one tile, float32 of the tile's shape."""
        if values.shape != self.plan.tile:
            raise ValueError(f"the tile is {self.plan.tile}, its values are {values.shape}")
        self.result[tile.window] += values if len(self.plan) == 1 else values * self.plan.weights(tile)


def plan_tiles(shape: Shape, tile: int | Shape, overlap: int, multiple: int = 1) -> TilePlan:
    """Spread tiles of equal size evenly over a plane.

    Parameters
    ----------
    shape : height and width of the plane in pixels, multiples of ``multiple``.
    tile : the largest side of a tile in pixels, or its largest height and width. Tiles come out smaller where that
        covers the plane with as many of them, and a plane that is smaller than a tile is one tile.
    overlap : the least overlap of neighbours in pixels, smaller than a tile.
    multiple : tiles begin, end, and have cores that begin and end, at multiples of this (the network's stride).
        ``tile`` is rounded down and ``overlap`` up to it.

    Raises
    ------
    ValueError : the numbers do not fit one another.
    """
    tile = (tile, tile) if isinstance(tile, int) else tile
    if multiple < 1 or overlap < 0 or min(shape) < 1:
        raise ValueError(f"impossible plan: plane {shape}, overlap {overlap}, multiple {multiple}")
    overlap += -overlap % multiple
    rows, columns = (_spans(length, side, overlap, multiple) for length, side in zip(shape, tile, strict=True))
    size = rows[0].stop - rows[0].start, columns[0].stop - columns[0].start
    return TilePlan(shape, size, overlap, rows, columns)


def _spans(length: int, side: int, overlap: int, multiple: int) -> tuple[Span, ...]:
    if length % multiple:
        raise ValueError(f"the plane's side of {length} pixels is not a multiple of {multiple}")
    side -= side % multiple
    if length <= side:
        return (Span(0, length, 0, length),)
    if side <= overlap:
        raise ValueError(f"tiles of {side} pixels cannot overlap by {overlap}")
    count = -(-(length - overlap) // (side - overlap))
    side = -(-(length + (count - 1) * overlap) // count)
    side += -side % multiple
    # In units of ``multiple`` the step is at most side - overlap, a whole number; so is every rounded-down difference.
    starts = [i * (length - side) // ((count - 1) * multiple) * multiple for i in range(count)]
    middles = [(left + side + right) // (2 * multiple) * multiple for left, right in pairwise(starts)]
    edges = [0, *middles, length]
    return tuple(
        Span(start, start + side, core_start, core_stop)
        for start, (core_start, core_stop) in zip(starts, pairwise(edges), strict=True)
    )


def _axis_weights(spans: tuple[Span, ...], index: int) -> FloatArray:
    """Ramp up across the boundary before the tile minus ramp up across the one after it."""
    span = spans[index]
    rise = _ramp(spans, index - 1, span) if index > 0 else np.ones(span.stop - span.start)
    fall = _ramp(spans, index, span) if index < len(spans) - 1 else np.zeros(span.stop - span.start)
    return (rise - fall).astype(np.float32)


def _ramp(spans: tuple[Span, ...], boundary: int, over: Span) -> _Line:
    """0 to 1 across the boundary between tiles ``boundary`` and the next, at the pixels of ``over``."""
    before, after = spans[boundary], spans[boundary + 1]
    at = after.core_start
    # A quarter of the way to the tiles' ends, and not into the ramp of the next boundary.
    half = min((before.stop - at) / 4, (at - after.start) / 4, (at - before.core_start) / 2, (after.core_stop - at) / 2)
    pixels = np.arange(over.start, over.stop) + 0.5
    if half <= 0:
        return (pixels > at).astype(np.float64)
    ramp: _Line = 0.5 - 0.5 * np.cos(np.pi * np.clip((pixels - at + half) / (2 * half), 0.0, 1.0))
    return ramp
