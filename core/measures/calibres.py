"""Calibres of the vessels around the optic disc: zones, and the equivalents of the central artery and vein.

Zone A reaches from the margin of the disc to half a disc diameter from it (1 to 2 radii from its middle), zone B from
there to one diameter (2 to 3 radii), zone C to two diameters less a half (2 to 5 radii), as in the ARIC study and its
followers.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.measures.vessels import MIN_WIDTHS, VesselTree
from core.types import BoolArray

Zone = Literal["A", "B", "C"]
Structure = Literal["arteriole", "venule"]

ZONES: Final[dict[Zone, tuple[float, float]]] = {"A": (1.0, 2.0), "B": (2.0, 3.0), "C": (2.0, 5.0)}
"""Inner and outer radius of each zone, in disc radii from the middle of the disc."""
KNUDTSON: Final[dict[Structure, float]] = {"arteriole": 0.88, "venule": 0.95}
LARGEST: Final = 6


@dataclass(frozen=True, slots=True)
class OpticDisc:
    """A circle or an ellipse in pixels: row and column of its middle, and its radius.

    ``across_px`` : of an ellipse the half axis across the first one, which is ``radius_px``; None for a circle.
    ``angle_deg`` : of the first half axis, from the direction of the columns towards that of the rows (clockwise in a
    picture whose first row is at the top).

    Distances from an ellipse are counted in its radii in the same direction, so zone A begins at its margin everywhere.
    """

    row: float
    column: float
    radius_px: float
    across_px: float | None = None
    angle_deg: float = 0.0

    def __post_init__(self) -> None:
        across = self.radius_px if self.across_px is None else self.across_px
        numbers = (self.row, self.column, self.radius_px, across, self.angle_deg)
        if not (self.radius_px > 0 and across > 0 and np.isfinite(numbers).all()):
            raise InputError("The optic disc needs a middle and a radius of more than 0 pixels.")

    @property
    def half_axes_px(self) -> tuple[float, float]:
        """The two half axes; of a circle the same."""
        return self.radius_px, self.radius_px if self.across_px is None else self.across_px

    @property
    def mean_radius_px(self) -> float:
        """The radius of the circle of the same area."""
        first, second = self.half_axes_px
        return math.sqrt(first * second)

    def values(self) -> list[float]:
        """Row, column and radius, and of an ellipse the other half axis and the angle: ``OpticDisc(*values)`` is it."""
        circle = [self.row, self.column, self.radius_px]
        return circle if self.across_px is None else [*circle, self.across_px, self.angle_deg]

    def zone(self, zone: Zone, shape: tuple[int, int]) -> BoolArray:
        """The pixels of a zone, bool (H, W)."""
        inner, outer = ZONES[zone]
        reach = outer * max(self.half_axes_px) + 1.0  # a zone is a small part of a large picture
        top, bottom = (int(np.clip(self.row + by, 0, shape[0])) for by in (-reach, reach + 1.0))
        left, right = (int(np.clip(self.column + by, 0, shape[1])) for by in (-reach, reach + 1.0))
        away = self.radii_away(*np.ogrid[top:bottom, left:right])
        found = np.zeros(shape, np.bool_)
        found[top:bottom, left:right] = (away >= inner) & (away < outer)
        return found

    def share_seen(self, zone: Zone, inside: BoolArray) -> float:
        """The share of a zone that lies inside the field of view, 0 to 1; parts beyond the picture count as unseen."""
        inner, outer = ZONES[zone]
        area = np.pi * (outer**2 - inner**2) * self.mean_radius_px**2
        return min(1.0, float(np.count_nonzero(self.zone(zone, inside.shape) & inside) / area))

    def radii_away(self, rows: npt.ArrayLike, columns: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """How far places are from the middle of the disc, in its radii."""
        down, right = np.subtract(rows, self.row), np.subtract(columns, self.column)
        if self.across_px is None:
            return np.asarray(np.hypot(down, right) / self.radius_px, np.float64)
        cos, sin = math.cos(math.radians(self.angle_deg)), math.sin(math.radians(self.angle_deg))
        along, across = right * cos + down * sin, down * cos - right * sin
        return np.asarray(np.hypot(along / self.radius_px, across / self.across_px), np.float64)


def widths_in_zone(tree: VesselTree, disc: OpticDisc, zone: Zone) -> dict[int, float]:
    """The mean width in pixels of each vessel that crosses a zone, for those with enough cross-sections in it."""
    inner, outer = ZONES[zone]
    found = {}
    for number, vessel in enumerate(tree.vessels):
        away = disc.radii_away(vessel.line.points[:, 0], vessel.line.points[:, 1])
        widths = vessel.widths_px[(away >= inner) & (away < outer)]
        widths = widths[~np.isnan(widths)]
        if len(widths) >= MIN_WIDTHS:
            found[number] = float(widths.mean())
    return found


def knudtson_equivalent(widths: Sequence[float], structure: Structure) -> float:
    """Central equivalent of the six widest vessels, in the unit of the widths (Knudtson et al. 2003).

    The widest is joined with the narrowest, w = k sqrt(w1^2 + w2^2) with k = 0.88 for arterioles and 0.95 for venules,
    until one is left. NaN with fewer than six vessels.
    """
    factor = KNUDTSON[structure]
    return _joined(widths, lambda narrow, wide: factor * np.hypot(narrow, wide))


def hubbard_equivalent(widths_um: Sequence[float], structure: Structure, *, unit: str) -> float:
    """Central equivalent of the six widest vessels by the formulas of Parr and Hubbard, in micrometres (Hubbard 1999).

    They hold for micrometres only.

    Raises
    ------
    InputError : ``unit`` is not "um".
    """
    if unit != "um":
        raise InputError(
            "The formulas of Hubbard hold for micrometres only: give the size of a pixel, or use those of Knudtson."
        )
    if structure == "arteriole":
        return _joined(widths_um, lambda a, b: np.sqrt(max(0.87 * a**2 + 1.01 * b**2 - 0.22 * a * b - 10.76, 0.0)))
    return _joined(widths_um, lambda a, b: np.sqrt(0.72 * a**2 + 0.91 * b**2 + 450.05))


def _joined(widths: Sequence[float], join: Callable[[float, float], float]) -> float:
    if len(widths) < LARGEST:
        return float("nan")
    left = sorted(widths)[-LARGEST:]
    while len(left) > 1:
        half = len(left) // 2
        middle = left[half : len(left) - half]  # of an odd number the middle one waits
        pairs = [float(join(narrow, wide)) for narrow, wide in zip(left[:half], left[: -half - 1 : -1], strict=True)]
        left = sorted([*pairs, *middle])
    return left[0]
