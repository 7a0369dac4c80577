"""Parts of a vessel mask that are edited as a whole: the branch under the pointer, and gaps that could be bridged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from core.masks.skeleton import skeleton
from core.masks.strokes import Footprint, connected, cut_out
from core.masks.tracing import Search, Trace
from core.progress import SILENT, Monitor, Progress
from core.types import BoolArray, ByteArray, FloatArray

WINDOWS_PX: Final = (192, 384, 768, 1536)
"""Sides of the windows in which a branch is looked for: the next one where it reaches the border of one."""

_ASIDE: Final = 48
"""How far beside the window of a search its vessels are measured, in pixels."""
_EIGHT = np.ones((3, 3), np.bool_)
_NEIGHBOURS = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Gap:
    """Two ends of vessels that a path of high probability joins.

    ``trace`` goes from one end to the other; ``length_px`` is that of the path outside the mask, ``probability`` its
    mean there, by which gaps are sorted.
    """

    trace: Trace
    length_px: float
    probability: float

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Top, left, bottom, right of the path, in pixels."""
        rows, columns = [int(y) for _, y in self.trace.points], [int(x) for x, _ in self.trace.points]
        return min(rows), min(columns), max(rows) + 1, max(columns) + 1

    @property
    def centre(self) -> tuple[int, int]:
        """Row and column of the middle of the path."""
        x, y = self.trace.points[len(self.trace.points) // 2]
        return int(y), int(x)


def branch_at(vessel: BoolArray, row: int, column: int, *, windows_px: Sequence[int] = WINDOWS_PX) -> Footprint | None:
    """The branch that a pixel of the mask belongs to, up to the next crossings; None on background.

    The skeleton is cut at its junctions; every pixel of the mask belongs to the part that is nearest. The disc of a
    junction stays with the other branches, so that removing a branch leaves them whole.

    Parameters
    ----------
    vessel : bool (H, W). ``row``, ``column`` : the pixel.
    windows_px : so far around the pixel is looked; a branch that is longer than the last is cut there.
    """
    if not vessel[row, column]:
        return None
    part: Footprint | None = None
    for window_px in windows_px:
        half = window_px // 2
        top, left = max(0, row - half), max(0, column - half)
        window = vessel[top : row + half, left : column + half]
        part = _branch_in(window, row - top, column - left)
        bottom, right = part.top + part.pixels.shape[0], part.left + part.pixels.shape[1]
        cut = (part.top == 0 < top, part.left == 0 < left, bottom == window.shape[0], right == window.shape[1])
        part = Footprint(part.top + top, part.left + left, part.pixels)
        if not any((*cut[:2], cut[2] and row + half < vessel.shape[0], cut[3] and column + half < vessel.shape[1])):
            break
    return part


def _branch_in(window: BoolArray, row: int, column: int) -> Footprint:
    from scipy import ndimage

    own = connected(window, 8)
    window = own == own[row, column]
    lines = skeleton(window)
    if not lines.any():
        lines = window
    crossings = junctions(lines)
    parts, count = ndimage.label(lines & ~crossings, structure=_EIGHT)
    if count <= 1:
        return cut_out(window)
    depth = ndimage.distance_transform_edt(window)
    nodes, node_count = ndimage.label(crossings, structure=_EIGHT)
    parts[crossings] = count + nodes[crossings]
    # Pixels nearer to a junction than its own radius belong to it, all others to the nearest part of the skeleton.
    place = ndimage.distance_transform_edt(parts == 0, return_distances=False, return_indices=True)
    nearest = parts[tuple(place)]
    if node_count:
        away, at = ndimage.distance_transform_edt(~crossings, return_indices=True)
        inner = away <= depth[tuple(at)]
        nearest = np.where(inner & window, count + nodes[tuple(at)], nearest)
    chosen = nearest[row, column]
    if chosen > count:  # on a junction: the nearest branch
        _, at = ndimage.distance_transform_edt((nearest > count) | ~window, return_indices=True)
        chosen = nearest[at[0][row, column], at[1][row, column]]
    return cut_out((nearest == chosen) & window)


def _neighbours(lines: BoolArray) -> ByteArray:
    """How many of the eight pixels around each are on a skeleton, uint8 (H, W)."""
    pixels = np.ascontiguousarray(lines).view(np.uint8)
    return np.asarray(cv2.filter2D(pixels, -1, _NEIGHBOURS, borderType=cv2.BORDER_CONSTANT), np.uint8)


def junctions(lines: BoolArray) -> BoolArray:
    """Pixels of a skeleton, bool (H, W), with three or more neighbours on it."""
    around = _neighbours(lines)
    return np.asarray(lines & (around >= 3))


def ends(lines: BoolArray) -> list[tuple[int, int]]:
    """Row and column of the pixels of a skeleton with exactly one neighbour on it."""
    around = _neighbours(lines)
    return [(int(row), int(column)) for row, column in zip(*np.nonzero(lines & (around == 1)), strict=True)]


def find_gaps(
    values: FloatArray,
    vessel: BoolArray,
    *,
    longest_px: int = 40,
    least_probability: float = 0.15,
    edge: float | None = None,
    monitor: Monitor = SILENT,
) -> list[Gap]:
    """Gaps between pieces of the mask that a vessel probably bridges, the most probable first.

    From every end of the skeleton the cheapest way to another piece is searched.

    Parameters
    ----------
    values : float32 (H, W), the probability map. ``vessel`` : bool (H, W), the mask.
    longest_px : longest way outside the mask. ``least_probability`` : on it, in the mean.
    edge : the threshold of the mask, for the width of the bridge (``core.masks.tracing.measured``).
    """
    from scipy import ndimage

    pieces, _ = ndimage.label(vessel, structure=_EIGHT)
    found: list[Gap] = []
    joined: set[tuple[int, int]] = set()
    tips = ends(skeleton(vessel))
    for number, (row, column) in enumerate(tips):
        monitor.step(Progress("Looking for gaps", number, len(tips)))
        own = pieces[row, column]
        top, left = max(0, row - longest_px - _ASIDE), max(0, column - longest_px - _ASIDE)
        part = (slice(top, row + longest_px + _ASIDE), slice(left, column + longest_px + _ASIDE))
        near = pieces[part]
        others = (near != 0) & (near != own)
        if not others.any():
            continue
        search = Search(
            values[part],
            (row, column),
            origin=(top, left),
            window_px=2 * longest_px,
            snap_px=0,
            edge=edge,
            goals=others,
        )
        if search.reached is None:
            continue
        trace = search.walk_to(*search.reached)
        first, second = sorted((int(own), int(pieces[search.reached])))
        outside = [at for at, (x, y) in enumerate(trace.points) if not vessel[int(y), int(x)]]
        if not outside or len(outside) > longest_px or (first, second) in joined:
            continue
        ridge = [float(values[int(y), int(x)]) for x, y in (trace.points[at] for at in outside)]
        probability = float(np.mean(ridge))
        if probability >= least_probability:
            joined.add((first, second))
            bridge = trace.part(max(0, outside[0] - 1), outside[-1] + 2)
            found.append(Gap(bridge, float(len(outside)), probability))
    return sorted(found, key=lambda gap: -gap.probability)
