"""Planes in strips of rows, each small enough to stay in the cache from one convolution to the next."""

from typing import Final, NamedTuple

from torch import Tensor

STRIP_BYTES: Final = 12_000_000
"""Of a plane with all its channels. Smaller ones compute more rows twice (docs/benchmarks/memory.md)."""

LARGE_BYTES: Final = 40_000_000
"""From this size on it pays to give back what smaller planes have left before such a plane is taken from the system."""

_LEAST_REACHES: Final = 8


class Strip(NamedTuple):
    """Rows of a plane: those that are read, and those of the result that are right, in the plane and in the window."""

    window: slice
    kept: slice
    kept_in_window: slice


def strips_of(x: Tensor, *, reach: int, most_bytes: int) -> list[Strip]:
    """Strips of a plane (1, C, h, w) whose results, what is kept of each, make up that of the plane.

    All windows have the same height, since oneDNN makes code for each shape.

    Parameters
    ----------
    reach : how many rows above and below it a row of the result depends on.
    """
    rows = x.shape[2]
    most = max(most_bytes * rows // max(x.numel() * x.element_size(), 1), _LEAST_REACHES * reach, 1)
    kept = -(-rows // -(-rows // (most - 2 * reach)))
    height = min(kept + 2 * reach, rows)
    strips = []
    for start in range(0, rows, kept):
        stop, first = min(start + kept, rows), min(max(start - reach, 0), rows - height)
        strips.append(Strip(slice(first, first + height), slice(start, stop), slice(start - first, stop - first)))
    return strips
