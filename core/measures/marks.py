"""Arterioles and venules as a person marks them: places on vessels, which stay right when the mask is corrected.

A number of a segment is good for one mask only; a place finds the vessel of the next one, too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

from core.measures.vessels import VesselTree

MarkKind = Literal["arteriole", "venule", "crossing"]
"""What a segment is marked as; a crossing belongs to two vessels and counts for neither."""

REACH_PX: Final = 3.0
"""How far beside its edge a vessel is still meant."""


@dataclass(frozen=True, slots=True)
class VesselMark:
    """A place on a vessel, in pixels (the middle of the first one at 0, 0), and what the vessel is."""

    row: float
    column: float
    kind: MarkKind


def vessel_near(tree: VesselTree, row: float, column: float, reach_px: float = REACH_PX) -> int:
    """The number of the vessel at a place, or nearest to it within ``reach_px`` of its edge; -1 where none is."""
    return vessels_near(tree, [(row, column)], reach_px)[0]


def vessels_near(tree: VesselTree, places: Sequence[tuple[float, float]], reach_px: float = REACH_PX) -> list[int]:
    """``vessel_near`` of many places, as quick as of one: a person waits for it with each click."""
    if not tree.vessels:
        return [-1] * len(places)
    points = np.concatenate([vessel.line.points for vessel in tree.vessels])
    sizes = [len(vessel.line.points) for vessel in tree.vessels]
    numbers = np.repeat(np.arange(len(sizes)), sizes)
    half_widths = np.repeat([vessel.twice_depth_px / 2 for vessel in tree.vessels], sizes)
    found = []
    for row, column in places:
        away = np.hypot(points[:, 0] - row, points[:, 1] - column) - half_widths
        best = int(np.argmin(away))
        found.append(int(numbers[best]) if away[best] < reach_px else -1)
    return found


def marked_vessels(tree: VesselTree, marks: Iterable[VesselMark]) -> dict[int, MarkKind]:
    """The kinds of vessels by their numbers; of two marks on one vessel the later holds. Marks on none are left out."""
    found: dict[int, MarkKind] = {}
    marks = list(marks)
    for mark, number in zip(marks, vessels_near(tree, [(mark.row, mark.column) for mark in marks]), strict=True):
        if number >= 0:
            found[number] = mark.kind
    return found


def vessel_numbers(tree: VesselTree) -> npt.NDArray[np.int32]:
    """Which vessel each pixel of the mask belongs to: int32 (H, W), that of the nearest centre line; -1 outside."""
    shape = tree.graph.depth.shape
    numbers = np.full(shape, -1, np.int32)
    if not tree.vessels:
        return numbers
    bounds = np.array(shape)[:, None] - 1
    for number, vessel in enumerate(tree.vessels):
        rows, columns = np.clip(np.rint(vessel.line.points).astype(int).T, 0, bounds)
        numbers[rows, columns] = number
    away = np.where(numbers < 0, np.uint8(1), np.uint8(0))
    _, nearest = cv2.distanceTransformWithLabels(away, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    of_label = np.full(int(nearest.max()) + 1, -1, np.int32)
    of_label[nearest[numbers >= 0]] = numbers[numbers >= 0]
    return np.asarray(np.where(tree.graph.depth > 0, of_label[nearest], -1), np.int32)
