"""Branchings and crossings: angles, area ratio, asymmetry and the exponent of Murray's law.

At a branching three vessels meet. The widest is taken for the parent: without the direction of flow geometry says no
more, and where one of the widths is not known nothing is measured. With widths d0 of the parent and d1 >= d2 of the
daughters:

* angle: between the two daughters, in degrees;
* area ratio: (d1^2 + d2^2) / d0^2, 1.26 by Murray's law for equal daughters (Murray 1926);
* asymmetry: d2^2 / d1^2, 1 for equal daughters;
* exponent: the x of d0^x = d1^x + d2^x, 3 by Murray's law. No x exists where a daughter is as wide as the parent.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from core.measures.graph import STRAIGHT_DEG
from core.measures.vessels import VesselTree

_EXPONENTS: Final = (0.3, 15.0)


@dataclass(frozen=True, slots=True)
class Branching:
    """A node of three vessels: their numbers (parent first, then daughters by width) and measures (NaN: unknown)."""

    node: int
    vessels: tuple[int, int, int]
    angle_deg: float
    area_ratio: float
    asymmetry: float
    exponent: float


@dataclass(frozen=True, slots=True)
class Nodes:
    """What the nodes of a tree are: branchings, the numbers of the nodes that are crossings, and free ends."""

    branchings: tuple[Branching, ...]
    crossings: tuple[int, ...]
    ends: tuple[int, ...]


def nodes_of(tree: VesselTree) -> Nodes:
    """Tell branchings, crossings and ends of a tree of vessels apart."""
    branchings, crossings, ends = [], [], []
    for number, node in enumerate(tree.nodes):
        if node.degree == 1:
            ends.append(number)
        elif node.degree == 3:
            branchings.append(_branching(tree, number))
        elif node.degree == 4 and _crosses(tree, number):
            crossings.append(number)
    return Nodes(tuple(branchings), tuple(crossings), tuple(ends))


def _branching(tree: VesselTree, node: int) -> Branching:
    there = tree.graph.at(node)
    widths = [tree.vessels[vessel].width_px for vessel, _ in there]
    order = sorted(range(3), key=lambda each: -np.nan_to_num(widths[each]))
    parent, first, second = (there[each] for each in order)
    d0, d1, d2 = (widths[each] for each in order)
    angle = _degrees(float(tree.direction(*first) @ tree.direction(*second)))
    return Branching(
        node=node,
        vessels=(parent[0], first[0], second[0]),
        angle_deg=float("nan") if np.isnan(widths).any() else angle,  # any of them may be the parent
        area_ratio=(d1**2 + d2**2) / d0**2,
        asymmetry=d2**2 / d1**2,
        exponent=_exponent(d0, d1, d2),
    )


def _crosses(tree: VesselTree, node: int) -> bool:
    """Whether the four vessels of a node are two that go straight on."""
    away = [tree.direction(vessel, side) for vessel, side in tree.graph.at(node)]
    for other in (1, 2, 3):
        rest = [each for each in (1, 2, 3) if each != other]
        turns = [180 - _degrees(float(away[a] @ away[b])) for a, b in ((0, other), (rest[0], rest[1]))]
        if max(turns) <= STRAIGHT_DEG:
            return True
    return False


def _degrees(cosine: float) -> float:
    return float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))


def _exponent(d0: float, d1: float, d2: float) -> float:
    """The root of (d1/d0)^x + (d2/d0)^x = 1, NaN where there is none between the limits."""
    from scipy.optimize import brentq

    if not d1 < d0:  # also NaN
        return float("nan")

    def excess(exponent: float) -> float:
        return float((d1 / d0) ** exponent + (d2 / d0) ** exponent - 1)

    low, high = _EXPONENTS
    if not excess(low) > 0 > excess(high):
        return float("nan")
    return float(brentq(excess, low, high))
