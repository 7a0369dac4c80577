"""The vessels of a mask and of its variants, with what takes long to measure of them: all but zones and units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from core.errors import InputError
from core.measures.branching import Nodes, nodes_of
from core.measures.vessels import VesselTree, trace_vessels
from core.measures.whole_field import Found, whole_field
from core.progress import SILENT, Monitor, Progress
from core.types import BoolArray, FloatArray

SPREAD: Final = 0.1
"""How far the threshold moves to both sides."""

Cause = Literal["threshold", "mirrored", "corrections"]
"""Why a variant is another one: another threshold, a mirrored photograph, or without corrections by hand."""


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """Other vessels of the same photograph, for error bars: a map and the threshold in it, or a mask."""

    cause: Cause
    values: FloatArray | BoolArray
    cut: float = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class VesselState:
    """Vessels, and what is measured of them in the whole field of view."""

    tree: VesselTree
    nodes: Nodes
    whole: Mapping[str, Found]


@dataclass(frozen=True, slots=True, eq=False)
class TracedMask:
    """The vessels of a mask, and in ``moved`` those of its variants, once ``with_bars`` has followed them.

    ``threshold`` : None for a mask without variants, of which there are no error bars.
    """

    state: VesselState
    inside: BoolArray
    threshold: float | None
    pending: tuple[Variant, ...] = ()
    moved: tuple[tuple[Cause, VesselState], ...] = ()

    def with_bars(self, monitor: Monitor = SILENT) -> "TracedMask":
        """The same with its variants, for error bars."""
        moved = list(self.moved)
        for variant in self.pending:
            seen = np.where(self.inside, variant.values, np.zeros((), variant.values.dtype))
            state = _traced(seen, self.inside, variant.cut, monitor)
            if state is not None:
                moved.append((variant.cause, state))
        return replace(self, pending=(), moved=tuple(moved))


def trace_mask(
    values: FloatArray | BoolArray,
    inside: BoolArray,
    threshold: float = 0.5,
    *,
    variants: Sequence[Variant] = (),
    monitor: Monitor = SILENT,
) -> TracedMask:
    """Follow the vessels of a photograph.

    Parameters
    ----------
    values : float32 (H, W) in [0, 1], the probability map, vessel where >= ``threshold``; or bool (H, W), a mask.
    inside : bool (H, W), the field of view.
    variants : for error bars, beside those of a map at the threshold plus and minus SPREAD.

    Raises
    ------
    InputError : shapes differ, or there is no vessel.
    """
    if values.shape != inside.shape:
        raise InputError("The vessels and the field of view have different sizes: measure them on the same photograph.")
    if values.dtype != np.bool_:
        cuts = (float(np.clip(threshold + by, 0.02, 0.98)) for by in (-SPREAD, SPREAD))
        variants = (*(Variant("threshold", values, cut) for cut in cuts), *variants)
    state = _traced(np.where(inside, values, np.zeros((), values.dtype)), inside, threshold, monitor)
    if state is None:
        raise InputError("There is no vessel to measure in this mask.")
    return TracedMask(state, inside, threshold if variants else None, tuple(variants))


def _traced(values: FloatArray | BoolArray, inside: BoolArray, cut: float, monitor: Monitor) -> VesselState | None:
    monitor.step(Progress("Measuring vessels"))
    tree = trace_vessels(values, cut, inside)
    if not tree.vessels:
        return None
    monitor.step(Progress("Measuring vessels"))
    nodes = nodes_of(tree)
    return VesselState(tree, nodes, dict(whole_field(tree, nodes, inside)))
