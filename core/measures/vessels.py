"""The vessels of a mask: each segment of the graph with its centre line and its width."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.measures.centre_line import CentreLine, fit_centre_line
from core.measures.ends import in_corner, reach_out
from core.measures.graph import Node, Segment, VesselGraph, vessel_graph
from core.measures.widths import edges_across
from core.types import BoolArray, ByteArray, FloatArray

MIN_WIDTHS: Final = 3
"""So many cross-sections make the width of a segment."""
_NODE_RADII: Final = 1.2
"""Cross-sections nearer to a branching or crossing would measure the other vessel too."""
_ANGLE_RADII: Final = (1.0, 3.5)
"""Between so many radii from a node the direction of a vessel is taken."""
_MASK_BLUR_PX: Final = 0.7
_UNCLEAR, _IN_CORNER = 0.2, 0.001
"""Trust in the skeleton where no two edges are seen, and where it may run into a corner of a vessel's end."""
_BEHIND_PX: Final = 1.0
"""An edge with less of the field of view behind it may be the border of that."""

Widths = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Vessel:
    """A segment between two nodes, with its centre line.

    ``widths_px`` : (N,) across each sample of the centre line, NaN near nodes and where no two edges were found.
    ``width_px`` : the mean of their middle half, NaN where there are fewer than MIN_WIDTHS.
    ``twice_depth_px`` : twice the distance to the background, the median along the centre line.
    """

    segment: Segment
    line: CentreLine
    widths_px: Widths
    width_px: float
    twice_depth_px: float


@dataclass(frozen=True, slots=True, eq=False)
class VesselTree:
    """All vessels of a mask and the nodes between them."""

    vessels: tuple[Vessel, ...]
    nodes: tuple[Node, ...]
    graph: VesselGraph
    values: FloatArray
    cut: float

    def direction(self, vessel: int, side: int) -> npt.NDArray[np.float64]:
        """Unit vector (row, column) in which a vessel leaves the node at one of its ends (0 or 1)."""
        one = self.vessels[vessel]
        node = one.segment.start if side == 0 else one.segment.end
        radius = max(self.nodes[node].radius_px, 1.5)
        points = one.line.points if side == 0 else one.line.points[::-1]
        away = np.hypot(*(points - np.array(self.nodes[node].place)).T)
        near, far = (radii * radius for radii in _ANGLE_RADII)
        end = int(np.argmax(away > far)) if (away > far).any() else len(away)
        there = points[:end][away[:end] >= min(near, away[:end].max() / 2)]
        if len(there) < 2:
            there = points
        middle = there.mean(axis=0)
        axis = np.linalg.svd(there - middle, full_matrices=False)[2][0]
        outward = there[-1] - there[0]
        return np.asarray(axis if axis @ outward >= 0 else -axis)


def trace_vessels(values: FloatArray | BoolArray, cut: float = 0.5, inside: BoolArray | None = None) -> VesselTree:
    """The vessels of a probability map at a threshold, or of a mask.

    Parameters
    ----------
    values : float32 (H, W) in [0, 1], vessel where >= ``cut``; or bool (H, W), a mask.
    cut : the threshold, in (0, 1].
    inside : bool (H, W), the field of view (None: the whole picture). Its border is not an edge of a vessel:
        where it cuts one there is no width.
    """
    if values.dtype == np.bool_:
        vessel = np.asarray(values, np.bool_)
        drawn = vessel.astype(np.float32)
        seen = np.asarray(cv2.GaussianBlur(drawn, (7, 7), _MASK_BLUR_PX, borderType=cv2.BORDER_REFLECT), np.float32)
        cut = 0.5
    else:
        seen, vessel = np.asarray(values, np.float32), np.asarray(values >= cut)
    graph = vessel_graph(vessel)
    lines = [fit_centre_line(segment.points, closed=segment.is_ring) for segment in graph.segments]
    field = np.ones(vessel.shape, np.uint8) if inside is None else inside.view(np.uint8)
    lines = _refined(seen, graph, lines, cut, field)
    lines = [
        reach_out(seen, line, segment.free, graph.depth, cut)
        for segment, line in zip(graph.segments, lines, strict=True)
    ]
    left, right, depth = _across(seen, graph, lines, cut, field)
    vessels = []
    for number, (segment, line) in enumerate(zip(graph.segments, lines, strict=True)):
        clear = _clear_of_nodes(segment, line, graph.nodes)
        widths = np.where(clear, left[number] + right[number], np.nan)
        enough = np.count_nonzero(~np.isnan(widths)) >= MIN_WIDTHS
        width = _middle_mean(widths[~np.isnan(widths)]) if enough else float("nan")
        deep = depth[number][~np.isnan(widths)] if enough else depth[number][clear] if clear.any() else depth[number]
        vessels.append(Vessel(segment, line, widths, width, 2 * float(np.median(deep))))
    return VesselTree(tuple(vessels), graph.nodes, graph, seen, cut)


def _across(
    seen: FloatArray, graph: VesselGraph, lines: list[CentreLine], cut: float, field: ByteArray
) -> tuple[list[Widths], list[Widths], list[Widths]]:
    """The edges on both sides of all lines, and the distance to the background on them, for each line.

    An edge is NaN where the field of view (1; 0 outside) ends within a pixel behind it: the vessel may be wider.
    """
    if not lines:
        return [], [], []
    from scipy.ndimage import map_coordinates

    points = np.concatenate([line.points for line in lines])
    normals = np.concatenate([line.normals for line in lines])
    depth = map_coordinates(graph.depth, points.T, order=1, mode="nearest").astype(np.float64)
    edges = []
    for way, edge in zip((normals, -normals), edges_across(seen, points, normals, depth, cut), strict=True):
        behind = points + (np.nan_to_num(edge) + _BEHIND_PX)[:, None] * way
        edges.append(np.where(map_coordinates(field, behind.T, order=0, mode="constant", cval=0) > 0, edge, np.nan))
    left, right = edges
    splits = np.cumsum([len(line.points) for line in lines])[:-1]
    return np.split(left, splits), np.split(right, splits), np.split(depth, splits)


def _refined(
    seen: FloatArray, graph: VesselGraph, lines: list[CentreLine], cut: float, field: ByteArray
) -> list[CentreLine]:
    """The lines through the middles between both edges, where these are clear; as they were elsewhere."""
    left, right, _ = _across(seen, graph, lines, cut, field)
    refined = []
    for number, (segment, line) in enumerate(zip(graph.segments, lines, strict=True)):
        clear = _clear_of_nodes(segment, line, graph.nodes) & ~np.isnan(left[number] + right[number])
        shift = np.where(clear, (left[number] - right[number]) / 2, 0.0)
        clear &= np.abs(shift) <= 1.5
        if len(line.points) < 5 or np.count_nonzero(clear) < 5:
            refined.append(line)
            continue
        middles = line.points + np.where(clear, shift, 0.0)[:, None] * line.normals
        weights = np.where(clear, 1.0, _UNCLEAR)
        for side in (0, 1):
            if segment.free[side]:
                weights[in_corner(line, side, graph.depth)] = _IN_CORNER
        if segment.is_ring:
            middles[-1], weights[-1] = middles[0], weights[0]
        refined.append(fit_centre_line(middles, closed=segment.is_ring, weights=weights))
    return refined


def _clear_of_nodes(segment: Segment, line: CentreLine, nodes: tuple[Node, ...]) -> BoolArray:
    """Which samples of a line are so far from its nodes that only this vessel is seen across."""
    clear = np.ones(len(line.points), np.bool_)
    for number in {segment.start, segment.end} - {-1}:
        node = nodes[number]
        away = np.hypot(*(line.points - np.array(node.place)).T)
        clear &= away > _NODE_RADII * node.radius_px
        if node.degree == 1:  # the flat or round end itself
            clear &= np.minimum(line.along, line.length_px - line.along) > 1.0
    return clear


def _middle_mean(widths: Widths) -> float:
    """The mean of the middle half: as robust as the median, which jumps between the phases of the raster."""
    ordered = np.sort(widths)
    outside = len(ordered) // 4
    return float(ordered[outside : len(ordered) - outside].mean())
