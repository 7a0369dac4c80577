"""The graph of a vessel mask: segments of one-pixel lines between nodes, where vessels branch, cross or end.

1. The mask is thinned to a skeleton. Pixels with three or more neighbours are joined to nodes, the lines between are
   segments.
2. Spurs are cut: a segment that ends freely within ``SPUR_RADII`` radii of the vessel that it leaves is an artefact of
   the outline, not a vessel. Nodes that only two segments are left at disappear.
3. Two nodes of three segments each become one where they lie within one vessel, or where the other four segments are
   two that go straight on: thinning tears a crossing apart.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.masks.branches import junctions
from core.masks.skeleton import skeleton
from core.types import BoolArray, FloatArray

SPUR_RADII: Final = 1.5
"""Corners of the flat end of a vessel are sqrt(2) radii from where its skeleton forks."""
TORN_RADII: Final = 3.0
"""A crossing is torn into two branchings that are at most so many radii from one another."""
STRAIGHT_DEG: Final = 25.0
"""Two vessels cross where each continues within so many degrees on the other side."""

Points = npt.NDArray[np.float64]
"""Rows and columns in pixels, float64 (N, 2)."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A line of the skeleton between two nodes.

    ``points`` : float64 (N, 2), from node ``start`` to node ``end`` with their middles; a ring starts and ends at the
    same place and has no nodes (-1). ``free`` says which of its two ends no other segment meets.
    """

    points: Points
    start: int
    end: int
    free: tuple[bool, bool]

    @property
    def is_ring(self) -> bool:
        return self.start < 0


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """Where segments meet or end: its middle, the radius of the vessel there in pixels, and how many meet."""

    place: tuple[float, float]
    radius_px: float
    degree: int


@dataclass(frozen=True, slots=True, eq=False)
class VesselGraph:
    """Segments and nodes of a mask, and the distance of each pixel to the background in pixels (H, W)."""

    segments: tuple[Segment, ...]
    nodes: tuple[Node, ...]
    depth: FloatArray

    def at(self, node: int) -> list[tuple[int, int]]:
        """The segments that meet at a node, each with which of its ends (0 or 1) does."""
        return [
            (number, side)
            for number, segment in enumerate(self.segments)
            for side, other in enumerate((segment.start, segment.end))
            if other == node
        ]


@dataclass(slots=True, eq=False)
class _Line:
    """A segment while the graph is mended: pixels in order, and the nodes at its ends (-1: a ring)."""

    pixels: list[tuple[float, float]]
    start: int
    end: int


@dataclass(slots=True)
class _Draft:
    """The graph while it is mended."""

    lines: dict[int, _Line]
    places: dict[int, tuple[float, float]]
    radii: dict[int, float]
    ends_at: dict[int, set[tuple[int, int]]] = field(default_factory=lambda: defaultdict(set))

    def register(self, number: int) -> None:
        line = self.lines[number]
        self.ends_at[line.start].add((number, 0))
        self.ends_at[line.end].add((number, 1))

    def remove(self, number: int) -> None:
        line = self.lines.pop(number)
        self.ends_at[line.start].discard((number, 0))
        self.ends_at[line.end].discard((number, 1))


def vessel_graph(vessel: BoolArray) -> VesselGraph:
    """Segments and nodes of a vessel mask, bool (H, W)."""
    padded = np.pad(vessel, 1)  # so that no neighbour needs a check
    depth = np.asarray(cv2.distanceTransform(padded.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)
    draft = _traced(skeleton(padded), depth)
    _cut_spurs(draft)
    _join_overlapping(draft)
    return _finished(draft, depth[1:-1, 1:-1])


def _traced(thin: BoolArray, depth: FloatArray) -> _Draft:
    """The lines of a skeleton that has an empty border, in the coordinates of the picture without it."""
    width = thin.shape[1]
    crossing = junctions(thin)
    found, pieces = cv2.connectedComponents(crossing.view(np.uint8), connectivity=8)
    count, piece_of = found - 1, np.asarray(pieces, np.int32).ravel()  # 0: not on a node; node + 1
    rows, columns = np.nonzero(crossing)
    node = np.asarray(pieces[rows, columns], np.intp) - 1
    sizes = np.bincount(node, minlength=count)
    middles = zip(*(np.bincount(node, places, minlength=count) / sizes for places in (rows, columns)), strict=True)
    deepest = np.zeros(count, np.float32)
    np.maximum.at(deepest, node, depth[rows, columns])
    draft = _Draft(
        lines={},
        places={number: (float(y) - 1, float(x) - 1) for number, (y, x) in enumerate(middles)},
        radii={number: float(radius) for number, radius in enumerate(deepest)},
    )
    offsets = np.array([-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1])
    path = np.flatnonzero((thin & ~crossing).ravel())
    on = thin.ravel()
    near = path[:, None] + offsets
    hits = on[near]
    others, counts = near[hits].tolist(), hits.sum(axis=1)
    ends = np.cumsum(counts).tolist()
    neighbours = {
        pixel: others[first:last] for pixel, first, last in zip(path.tolist(), [0, *ends], ends, strict=False)
    }

    def place(pixel: int) -> tuple[float, float]:
        return pixel // width - 1.0, pixel % width - 1.0

    def node_at(pixel: int) -> int:
        """The node of a crossing's pixel, or a new one for a free end."""
        if piece_of[pixel] > 0:
            return int(piece_of[pixel]) - 1
        number = len(draft.places)
        draft.places[number], draft.radii[number] = place(pixel), float(depth.flat[pixel])
        return number

    left = set(neighbours)
    starts = path[(counts < 2) | (piece_of[near] > 0).any(axis=1)].tolist()
    for first in (*starts, *neighbours):  # lines with an end first: what is left are rings
        if first not in left:
            continue
        walked, before, after = _walk(first, neighbours, piece_of, left)
        number = len(draft.lines)
        pixels = [(pixel // width - 1.0, pixel % width - 1.0) for pixel in walked]
        if before is None and after is None and len(walked) > 2 and walked[0] in neighbours[walked[-1]]:
            draft.lines[number] = _Line([*pixels, pixels[0]], -1, -1)
            continue
        start = node_at(walked[0] if before is None else before)
        end = node_at(walked[-1] if after is None else after)
        draft.lines[number] = _Line([draft.places[start], *pixels, draft.places[end]], start, end)
        draft.register(number)
    return draft


def _walk(
    first: int, neighbours: dict[int, list[int]], piece_of: npt.NDArray[np.int32], left: set[int]
) -> tuple[list[int], int | None, int | None]:
    """The pixels of a line in order, and the pixel of a crossing before its first and after its last."""
    before = next((other for other in neighbours[first] if piece_of[other] > 0), None)
    walked, after = [first], None
    left.discard(first)
    while True:
        around = neighbours[walked[-1]]
        for onward in around:
            if onward in left:
                break
        else:
            ends = [other for other in around if piece_of[other] > 0]
            if len(walked) == 1:
                ends = [other for other in ends if piece_of[other] != piece_of[before]] if before is not None else ends
            after = ends[0] if ends else None
            return walked, before, after
        walked.append(onward)
        left.discard(onward)


def _cut_spurs(draft: _Draft) -> None:
    """Remove spurs, and join what meets at nodes that are left with two lines.

    Where a flat end makes two spurs, both go: the line then ends between them. Of a blob with nothing but spurs the two
    longest stay as its line.
    """
    changed = True
    while changed:
        changed = False
        spurs: dict[int, list[tuple[float, int]]] = defaultdict(list)
        for number, line in draft.lines.items():
            if (spur := _spur(draft, line)) is not None:
                spurs[spur[0]].append((spur[1], number))
        for node, there in spurs.items():
            all_spurs = len(there) == len(draft.ends_at[node])
            for _, number in sorted(there)[: -2 if all_spurs else None]:
                draft.remove(number)
                changed = True
            _join_at(draft, node)


def _spur(draft: _Draft, line: _Line) -> tuple[int, float] | None:
    """The node that a spur leaves and how far it reaches, in radii; None where the line is not a spur."""
    for node, tip in ((line.start, line.end), (line.end, line.start)):
        if node < 0 or node == tip or len(draft.ends_at[tip]) != 1 or len(draft.ends_at[node]) < 3:
            continue
        (y, x), (tip_y, tip_x) = draft.places[node], draft.places[tip]
        reach = float(np.hypot(tip_y - y, tip_x - x)) / max(draft.radii[node], 1.0)
        if reach <= SPUR_RADII:
            return node, reach
    return None


def _join_at(draft: _Draft, node: int) -> None:
    """Make one line of two that meet at a node where no other does."""
    if node < 0 or len(draft.ends_at[node]) != 2:
        return
    (first, first_side), (second, second_side) = sorted(draft.ends_at[node])
    if first == second:  # a ring with a node that leads nowhere
        draft.lines[first].start = draft.lines[first].end = -1
        draft.ends_at[node].clear()
        return
    one, other = draft.lines[first], draft.lines[second]
    ahead = one.pixels if first_side == 1 else one.pixels[::-1]
    behind = other.pixels if second_side == 0 else other.pixels[::-1]
    start = one.start if first_side == 1 else one.end
    end = other.end if second_side == 0 else other.start
    draft.remove(first)
    draft.remove(second)
    draft.lines[first] = _Line([*ahead, *behind[1:]], start, end)
    draft.register(first)


def _join_overlapping(draft: _Draft) -> None:
    """Make one node of two branchings that lie within one another's vessel."""
    for number in sorted(draft.lines, key=lambda each: len(draft.lines[each].pixels)):
        line = draft.lines.get(number)
        if line is None or line.start < 0 or line.start == line.end:
            continue
        if len(draft.ends_at[line.start]) != 3 or len(draft.ends_at[line.end]) != 3:
            continue
        (y, x), (other_y, other_x) = draft.places[line.start], draft.places[line.end]
        radii = np.hypot(other_y - y, other_x - x) / max(draft.radii[line.start], draft.radii[line.end], 1.0)
        if radii > TORN_RADII or (radii > 1.0 and not _goes_straight(draft, number)):
            continue
        kept, gone = line.start, line.end
        draft.remove(number)
        middle = ((y + other_y) / 2, (x + other_x) / 2)
        draft.places[kept] = middle
        draft.radii[kept] = max(draft.radii[kept], draft.radii[gone])
        for moved, side in list(draft.ends_at[gone]):
            moving = draft.lines[moved]
            draft.ends_at[gone].discard((moved, side))
            draft.ends_at[kept].add((moved, side))
            if side == 0:
                moving.start = kept
            else:
                moving.end = kept
        for touched, side in draft.ends_at[kept]:
            draft.lines[touched].pixels[0 if side == 0 else -1] = middle


def _goes_straight(draft: _Draft, number: int) -> bool:
    """Whether the four lines around a short one are two that go straight on: a crossing that thinning tore apart."""
    line = draft.lines[number]
    middle = (np.array(draft.places[line.start]) + draft.places[line.end]) / 2
    reach = 3 * max(draft.radii[line.start], draft.radii[line.end], 1.0)
    away = []
    for node in (line.start, line.end):
        for other, side in sorted(draft.ends_at[node] - {(number, 0), (number, 1)}):
            points = np.array(draft.lines[other].pixels)
            far = np.hypot(*(points - middle).T)
            order = slice(None) if side == 0 else slice(None, None, -1)
            points, far = points[order], far[order]
            place = int(np.abs(far - reach).argmin())
            away.append((points[place] - middle) / max(far[place], 1e-9))
    if len(away) != 4:
        return False
    return any(
        max(away[0] @ away[other], away[1] @ away[5 - other]) <= -np.cos(np.deg2rad(STRAIGHT_DEG)) for other in (2, 3)
    )


def _finished(draft: _Draft, depth: FloatArray) -> VesselGraph:
    for number, line in list(draft.lines.items()):
        if len(set(line.pixels)) == 1:  # a single pixel is not a line
            draft.remove(number)
    used = sorted({node for line in draft.lines.values() for node in (line.start, line.end) if node >= 0})
    number_of = {node: number for number, node in enumerate(used)} | {-1: -1}
    nodes = tuple(Node(draft.places[node], draft.radii[node], len(draft.ends_at[node])) for node in used)
    segments = []
    for line in draft.lines.values():
        start, end = number_of[line.start], number_of[line.end]
        free = tuple(node >= 0 and nodes[node].degree == 1 for node in (start, end))
        segments.append(Segment(np.array(line.pixels, np.float64), start, end, (free[0], free[1])))
    return VesselGraph(tuple(segments), nodes, depth)
