"""What is measured of the vessels in the whole field of view, in pixels: it depends on nothing but the mask."""

from collections.abc import Callable, Iterable
from typing import Final

import cv2
import numpy as np

from core.measures.branching import Nodes
from core.measures.fractal import Places, box_sides, fractal_dimensions, lacunarity
from core.measures.tortuosity import Tortuosity, tortuosity
from core.measures.vessels import VesselTree
from core.types import BoolArray

LEAST_VESSELS: Final = 5
LEAST_BRANCHINGS: Final = 3
LEAST_LENGTH_PX: Final = 15.0
"""Shorter segments say little about tortuosity."""
_LACUNARITY_SHARE: Final = 0.05
_CUT_RADII: Final = 1.5
"""A skeleton ends so far before the end of its vessel."""
_BORDER_PX, _BORDER_SHARE = 2.0, 0.01
"""Networks find nothing in the last pixels before the border: so many, or this share of the width of the field."""

Found = tuple[float, str]
"""A value, and why there is none or what is to be said about it."""
NONE: Final = float("nan")


def whole_field(tree: VesselTree, nodes: Nodes, inside: BoolArray) -> Iterable[tuple[str, Found]]:
    """What is measured in the whole field of view, in pixels."""
    area = np.count_nonzero(inside)
    lengths = np.array([vessel.line.length_px for vessel in tree.vessels])
    total = float(lengths.sum())
    vessel = tree.graph.depth > 0
    yield "area/share/all/fov", (float(np.count_nonzero(vessel) / area), "")
    yield "length/total/all/fov", (total, "")
    yield "length/density/all/fov", (total / area, "")
    widths = np.array([vessel.width_px for vessel in tree.vessels])
    depths = np.array([vessel.twice_depth_px for vessel in tree.vessels])
    known = ~np.isnan(widths)
    few = "" if np.count_nonzero(known) >= LEAST_VESSELS else f"Fewer than {LEAST_VESSELS} segments have a width."
    yield "width/mean/all/fov", known_or(lambda: float(np.average(widths[known], weights=lengths[known])), few)
    yield "width/median/all/fov", known_or(lambda: _weighted_median(widths[known], lengths[known]), few)
    yield "width/twice_depth/all/fov", known_or(lambda: float(np.average(depths[known], weights=lengths[known])), few)
    yield from _winding(tree, lengths)
    sparse = "" if len(lengths) >= LEAST_VESSELS else f"Fewer than {LEAST_VESSELS} segments."
    extent = float(np.sqrt(4 * area / np.pi))
    dimensions = fractal_dimensions(places_along(tree), box_sides(extent))
    short = "" if dimensions is not None else "The field of view is too small for boxes of several sizes."
    short = short or sparse
    for name in ("d0", "d1", "d2"):
        yield f"fractal/{name}/all/fov", known_or(lambda name=name: getattr(dimensions, name), short)  # type: ignore[misc]
    gaps = lacunarity(vessel, max(2, round(_LACUNARITY_SHARE * extent)), inside)
    empty = "No box with a vessel fits into the field of view." if np.isnan(gaps) else sparse
    yield "fractal/lacunarity/all/fov", known_or(lambda: gaps, empty)
    counts = {"segments": len(tree.vessels), "branchings": len(nodes.branchings), "crossings": len(nodes.crossings)}
    for name, count in {**counts, "ends": _free_ends(tree, nodes, inside, extent)}.items():
        yield f"count/{name}/all/fov", (float(count), "")
    measures: dict[str, Callable[[list[float]], float]] = {"angle": mean, "area_ratio": _median, "asymmetry": _median}
    for name, summed in {**measures, "exponent": _median}.items():
        attribute = "angle_deg" if name == "angle" else name
        each = [value for node in nodes.branchings if not np.isnan(value := getattr(node, attribute))]
        few = "" if len(each) >= LEAST_BRANCHINGS else f"Fewer than {LEAST_BRANCHINGS} branchings can be measured."
        yield f"branching/{name}/all/fov", (NONE if few else summed(each), few)


def _free_ends(tree: VesselTree, nodes: Nodes, inside: BoolArray, extent: float) -> int:
    """How many vessels end in the field of view: those at its border are cut off there, and do not end."""
    depth = cv2.distanceTransform(np.pad(inside, 1).view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3)[1:-1, 1:-1]
    count = 0
    for number in nodes.ends:
        node = tree.nodes[number]
        row, column = (round(min(max(each, 0), side - 1)) for each, side in zip(node.place, depth.shape, strict=True))
        count += float(depth[row, column]) > _CUT_RADII * node.radius_px + max(_BORDER_PX, _BORDER_SHARE * extent)
    return count


def _winding(tree: VesselTree, lengths: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Iterable[tuple[str, Found]]:
    long = [number for number, length in enumerate(lengths) if length >= LEAST_LENGTH_PX]
    wind: list[Tortuosity] = [tortuosity(tree.vessels[number].line) for number in long]
    weights = lengths[long]
    few = "" if len(long) >= LEAST_VESSELS else f"Fewer than {LEAST_VESSELS} segments of {LEAST_LENGTH_PX:.0f} pixels."

    def weighted(values: list[float]) -> Found:
        known = ~np.isnan(values)
        why = few or ("" if known.any() else "All segments are closed rings, which have no chord.")
        return known_or(lambda: float(np.average(np.array(values)[known], weights=weights[known])), why)

    yield "tortuosity/arc_chord/all/fov", weighted([each.arc_chord for each in wind])
    yield "tortuosity/grisan/all/fov", weighted([each.grisan for each in wind])
    length = float(weights.sum())
    yield "tortuosity/turning/all/fov", known_or(lambda: sum(each.turning for each in wind) / length, few)
    yield "tortuosity/inflections/all/fov", known_or(lambda: sum(each.inflections for each in wind) / length, few)


def places_along(tree: VesselTree) -> Places:
    """Places along all centre lines at equal steps of about half a pixel, rows and columns (N, 2)."""
    lines = [vessel.line.points for vessel in tree.vessels]
    middles = [(points[1:] + points[:-1]) / 2 for points in lines]
    return np.concatenate([*(points[1:] for points in lines), *middles])


def known_or(value: Callable[[], float], why: str) -> Found:
    return (NONE, why) if why else (value(), "")


def mean(values: list[float]) -> float:
    return float(np.mean(values))


def _median(values: list[float]) -> float:
    return float(np.median(values))


def _weighted_median(
    values: "np.ndarray[tuple[int], np.dtype[np.float64]]", weights: "np.ndarray[tuple[int], np.dtype[np.float64]]"
) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, reached[-1] / 2)])
