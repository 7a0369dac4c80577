"""What is measured of the vessels on the screen, and what came out: plain data, no Qt.

Measures are only shown with the mask, the optic disc, the pixel size and the marks that they were made of.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt

from core.measures.calibres import ZONES
from core.measures.marks import MarkKind
from core.measures.setup import MeasureSetup
from core.types import ByteArray
from serr_gui.canvas.vessel_marks import VesselClasses, VesselMarks

if TYPE_CHECKING:
    from core.measures.summary import VesselMeasures
    from core.measures.tortuosity import Tortuosity
    from core.measures.traced import TracedMask
    from core.measures.vessels import Vessel
    from core.segmentation import Segmentation
    from core.threshold_rule import ThresholdRule
    from core.types import ProbabilityMap
    from serr_gui.model.result import Result
    from serr_gui.model.state import AppState

Colouring = Literal["", "width", "tortuosity"]
"""What the colour of a vessel says; none."""
ClickFor = Literal["select", "arteriole", "venule", "crossing", "unmark"]
"""What a click on a vessel does."""


@dataclass(frozen=True, slots=True, eq=False)
class Mirrored:
    """What the network of a segmentation finds in its mirrored photograph (``core.measuring.mirrored_maps``)."""

    segmentation: "Segmentation"
    maps: tuple["ProbabilityMap", ...]


@dataclass(frozen=True, slots=True, eq=False)
class MeasureInputs:
    """What is measured: the mask of ``result`` at ``rule``, with what a person has said.

    ``levels`` are those of the result: arrays that never change, compared by identity. ``mirrored`` : for error bars.
    """

    result: "Result"
    rule: "ThresholdRule"
    levels: ByteArray
    setup: MeasureSetup
    mirrored: Mirrored | None = None

    def same_mask(self, other: "MeasureInputs | None") -> bool:
        """Whether both mean the same vessels."""
        return (
            other is not None
            and self.levels is other.levels
            and self.rule.makes == other.rule.makes
            and self.result.segmentation is other.result.segmentation
        )

    def same_as(self, other: "MeasureInputs | None") -> bool:
        """Whether both have the same measures."""
        if other is None or self.mirrored is not other.mirrored:
            return False
        return self.same_mask(other) and self.setup == other.setup


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """The measures of a photograph; without them ``problem`` says why.

    ``numbers`` : int32 (H, W), the vessel of each pixel of the mask, -1 elsewhere. ``traced`` : the vessels, for other
    measures of them. ``windings`` : the tortuosity of each vessel. ``complete`` : with error bars.
    """

    inputs: MeasureInputs
    measures: "VesselMeasures | None" = None
    numbers: npt.NDArray[np.int32] | None = None
    traced: "TracedMask | None" = None
    windings: tuple["Tortuosity", ...] = ()
    problem: str = ""
    complete: bool = False


@dataclass(frozen=True, slots=True)
class MeasureView:
    """What is shown of measures: ``watched`` while anybody looks, the vessel that is lit up (-1: none), the colours."""

    watched: bool = False
    vessel: int = -1
    colouring: Colouring = ""
    click: ClickFor = "select"


def measure_inputs(state: "AppState") -> MeasureInputs | None:
    """What can be measured now; None without a mask, and while the mask of a new threshold is being made."""
    result, item, document = state.result, state.item, state.document
    if result is None or item is None or document is None or item.path != document.path:
        return None
    if not result.fits(state.rule):
        return None
    mirrored = state.mirrored
    fits = mirrored is not None and mirrored.segmentation is result.segmentation
    return MeasureInputs(result, state.rule, result.levels, item.measuring, mirrored if fits else None)


def measured(state: "AppState") -> Measured | None:
    """The measures of what is on the screen; None where they are of something else, or not made yet."""
    found = state.measured
    now = measure_inputs(state)
    return found if found is not None and now is not None and now.same_as(found.inputs) else None


def chosen_vessel(state: "AppState") -> "Vessel | None":
    """The vessel that is lit up."""
    found = measured(state)
    if found is None or found.measures is None:
        return None
    vessels = found.measures.tree.vessels
    return vessels[state.measure_view.vessel] if 0 <= state.measure_view.vessel < len(vessels) else None


TORTUOSITY_EDGES = (0.01, 0.02, 0.05, 0.1, 0.2)
CLASSES = len(TORTUOSITY_EDGES) + 1


def vessel_values(found: Measured, colouring: Colouring) -> npt.NDArray[np.float64]:
    """The width of each vessel in the unit of lengths, or its length / chord - 1; NaN where it is not known."""
    measures = found.measures
    if measures is None:
        return np.zeros(0)
    if colouring == "width":
        scale = measures.pixel.um if measures.pixel is not None else 1.0
        return np.array([vessel.width_px * scale for vessel in measures.tree.vessels], np.float64)
    return np.array([winding.arc_chord for winding in found.windings], np.float64)


@lru_cache(maxsize=2)
def vessel_classes(found: Measured | None, colouring: Colouring) -> VesselClasses | None:
    """The vessels of a photograph in classes of a measure; None where there is nothing to colour."""
    if found is None or found.measures is None or found.numbers is None or not colouring:
        return None
    values, unit = vessel_values(found, colouring), "" if colouring == "tortuosity" else length_unit(found)
    edges = TORTUOSITY_EDGES if colouring == "tortuosity" else width_edges(values)
    classes = np.digitize(values, edges) + 1
    table = np.append(np.where(np.isnan(values), 0, classes), 0).astype(np.uint8)  # the last one is that of -1
    unit = f" {unit}" if unit else ""
    names = [f"< {edges[0]:g}{unit}", *(f"{low:g} - {high:g}{unit}" for low, high in pairwise(edges))]
    return VesselClasses(table[found.numbers], (*names, f"\u2265 {edges[-1]:g}{unit}"))


@lru_cache(maxsize=2)
def vessel_marks(found: Measured | None, setup: MeasureSetup, vessel: int) -> VesselMarks | None:
    """What is drawn over the photograph: the vessel that is lit up, those that are marked, and the zones."""
    disc, marks = setup.disc, VesselMarks()
    if disc is not None:
        rings = (("A", ZONES["A"][1]), ("B", ZONES["B"][1]), ("C", ZONES["C"][1]))
        ellipse = (disc.column + 0.5, disc.row + 0.5, *disc.half_axes_px, disc.angle_deg)
        marks = replace(marks, disc=ellipse, zones=rings)
    if found is not None and found.measures is not None:
        vessels, kinds = found.measures.tree.vessels, found.measures.kinds
        lines = {number: vessels[number].line.points[:, ::-1] + 0.5 for number in kinds}
        of_kind = {
            kind: tuple(lines[number] for number in kinds if kinds[number] == kind) for kind in get_args(MarkKind)
        }
        marks = replace(
            marks, arterioles=of_kind["arteriole"], venules=of_kind["venule"], crossings=of_kind["crossing"]
        )
        if 0 <= vessel < len(vessels):
            marks = replace(marks, chosen=vessels[vessel].line.points[:, ::-1] + 0.5)
    return marks


def length_unit(found: Measured) -> str:
    """The unit of lengths of a photograph."""
    return "px" if found.inputs.setup.pixel_used is None else "\u00b5m"


def width_edges(widths: npt.NDArray[np.float64]) -> tuple[float, ...]:
    """Round borders of six classes from the narrow vessels to the wide ones of a photograph."""
    known = widths[~np.isnan(widths)]
    if not len(known):
        return tuple(float(edge) for edge in range(1, CLASSES))
    low, high = np.quantile(known, (0.1, 0.95))
    step = _round_step(max(float(high - low), 1e-3) / (CLASSES - 1))
    first = max(step, round(low / step) * step)
    return tuple(round(float(first + step * number), 6) for number in range(CLASSES - 1))


def _round_step(least: float) -> float:
    """1, 2 or 5 times a power of ten, not below ``least``."""
    power = 10.0 ** np.floor(np.log10(least))
    return float(next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= least * 0.999))
