"""Shapes that a hand draws, as the pixels that they touch: steps of a round brush, polygons, regions that are filled.

Positions are in photograph pixels with the origin at the upper left corner of the first pixel, so the centre of pixel
(row, column) is at (column + 0.5, row + 0.5). A pixel belongs to a shape where its centre does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

import cv2
import numpy as np
import numpy.typing as npt

from core.types import BoolArray

Point = tuple[float, float]
"""x, y."""


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """Touched pixels: ``pixels`` bool (h, w) with its upper left corner at (``top``, ``left``) of the photograph."""

    top: int
    left: int
    pixels: BoolArray


def brush_step(start: Point, end: Point, start_px: float, end_px: float | None = None) -> Footprint:
    """What a round brush touches on its way between two positions of the mouse: no gap, however fast it moved.

    Parameters
    ----------
    start, end : positions of the centre; the same for a click.
    start_px, end_px : diameters there (a pen's pressure changes them); ``end_px`` None for the same.

    Notes
    -----
    The shape is the set of points p with |p - c(t)| <= r(t) for a t in [0, 1], with centre and radius moving evenly;
    for equal radii it is a capsule. A brush of less than a pixel still touches the pixel under its centre.
    """
    end_px = start_px if end_px is None else end_px
    radius = max(start_px, end_px) / 2.0
    left, right = floor(min(start[0], end[0]) - radius), ceil(max(start[0], end[0]) + radius) + 1
    top, bottom = floor(min(start[1], end[1]) - radius), ceil(max(start[1], end[1]) + radius) + 1
    x = np.arange(left, right)[None, :] + (0.5 - start[0])
    y = np.arange(top, bottom)[:, None] + (0.5 - start[1])
    along = np.array([end[0] - start[0], end[1] - start[1]])
    length_2 = float(along @ along)
    share = np.clip((x * along[0] + y * along[1]) / length_2, 0.0, 1.0) if length_2 > 0 else np.zeros((1, 1))
    # Where the radius changes, the nearest disc is a little off the foot of the perpendicular; for brushes, whose
    # radius changes slowly along a step, the difference is below a tenth of a pixel.
    reach = (start_px + share * (end_px - start_px)) / 2.0
    pixels = (x - share * along[0]) ** 2 + (y - share * along[1]) ** 2 <= reach**2
    for px, py in (start, end):
        pixels[floor(py) - top, floor(px) - left] = True
    return Footprint(top, left, pixels)


def brush_path(points: Sequence[Point], widths_px: Sequence[float]) -> Footprint:
    """A chain of steps as one footprint; ``widths_px`` is the diameter at each point."""
    if len(points) != len(widths_px) or not points:
        raise ValueError(f"{len(points)} points need as many widths, not {len(widths_px)}")
    steps = [brush_step(points[0], points[0], widths_px[0])]
    steps += [brush_step(points[i], points[i + 1], widths_px[i], widths_px[i + 1]) for i in range(len(points) - 1)]
    return union(steps)


def discs(points: Sequence[Point], widths_px: Sequence[float]) -> Footprint:
    """A round brush set down at each point: ``brush_path`` for points that are next to one another, ten times as fast.

    Points at most a pixel and a half apart leave out less than a tenth of a pixel of what is between two discs.
    """
    if len(points) != len(widths_px) or not points:
        raise ValueError(f"{len(points)} points need as many widths, not {len(widths_px)}")
    reach = max(widths_px) / 2.0 + 1.0
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, top = floor(min(xs) - reach), floor(min(ys) - reach)
    pixels = np.zeros((ceil(max(ys) + reach) + 1 - top, ceil(max(xs) + reach) + 1 - left), np.bool_)
    made: dict[tuple[float, float, float], Footprint] = {}
    for (x, y), width in zip(points, widths_px, strict=True):
        column, row = floor(x), floor(y)
        key = (x - column, y - row, width)
        disc = made.get(key)
        if disc is None:
            place = (key[0], key[1])
            disc = made[key] = brush_step(place, place, width)
        height, length = disc.pixels.shape
        at_row, at_column = row + disc.top - top, column + disc.left - left
        pixels[at_row : at_row + height, at_column : at_column + length] |= disc.pixels
    return cut_out(pixels, top, left)


def union(parts: Sequence[Footprint]) -> Footprint:
    """Several footprints as one."""
    top, left = min(part.top for part in parts), min(part.left for part in parts)
    bottom = max(part.top + part.pixels.shape[0] for part in parts)
    right = max(part.left + part.pixels.shape[1] for part in parts)
    pixels = np.zeros((bottom - top, right - left), np.bool_)
    for part in parts:
        height, width = part.pixels.shape
        row, column = part.top - top, part.left - left
        pixels[row : row + height, column : column + width] |= part.pixels
    return Footprint(top, left, pixels)


def polygon(corners: Sequence[Point]) -> Footprint:
    """The inside of a closed line by the even-odd rule; fewer than three corners touch nothing."""
    from skimage.draw import polygon2mask

    points = np.asarray(corners, dtype=np.float64).reshape(-1, 2)
    left, top = (int(value) for value in np.floor(points.min(axis=0))) if len(points) else (0, 0)
    if len(points) < 3:
        return Footprint(top, left, np.zeros((1, 1), np.bool_))
    width, height = (int(value) for value in np.ceil(points.max(axis=0)) - (left, top) + 1)
    rows_columns = points[:, ::-1] - (top + 0.5, left + 0.5)  # polygon2mask has pixel centres at whole numbers
    return Footprint(top, left, np.asarray(polygon2mask((height, width), rows_columns), np.bool_))


def enclosed_region(vessel: BoolArray, row: int, column: int) -> Footprint | None:
    """The background around a pixel that vessels enclose on all sides; None where it is open to the border, or vessel.

    Background is connected through edges (4 neighbours), so that a diagonal vessel of one pixel is a wall.
    """
    if vessel[row, column]:
        return None
    labels = connected(~vessel, 4)
    own = labels[row, column]
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    if (border == own).any():
        return None
    return cut_out(labels == own)


def component(vessel: BoolArray, row: int, column: int) -> Footprint | None:
    """The connected vessel (8 neighbours) that a pixel belongs to; None on background."""
    if not vessel[row, column]:
        return None
    labels = connected(vessel, 8)
    return cut_out(labels == labels[row, column])


def connected(pixels: BoolArray, neighbours: int) -> npt.NDArray[np.int32]:
    """Connected pixels as numbers from 1; OpenCV lets other threads run meanwhile."""
    mask = np.ascontiguousarray(pixels).view(np.uint8)
    return np.asarray(cv2.connectedComponents(mask, connectivity=neighbours, ltype=cv2.CV_32S)[1], np.int32)


def cut_out(pixels: BoolArray, top: int = 0, left: int = 0) -> Footprint:
    """The smallest footprint with all pixels that are True; ``top``, ``left`` : where ``pixels`` lies."""
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    inner = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return Footprint(top + int(rows[0]), left + int(columns[0]), np.ascontiguousarray(inner))


def within(part: Footprint, shape: tuple[int, int]) -> Footprint | None:
    """The part of a footprint that lies in a photograph of (height, width) pixels; None where none does."""
    top, left = max(part.top, 0), max(part.left, 0)
    bottom, right = min(part.top + part.pixels.shape[0], shape[0]), min(part.left + part.pixels.shape[1], shape[1])
    if top >= bottom or left >= right:
        return None
    return Footprint(top, left, part.pixels[top - part.top : bottom - part.top, left - part.left : right - part.left])
