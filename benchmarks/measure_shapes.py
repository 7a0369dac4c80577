"""Drawn shapes of known measures, what is measured of them, how far it may be off, and the table of how far it is."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.measures import shapes
from core.measures.branching import nodes_of
from core.measures.calibres import OpticDisc, knudtson_equivalent, widths_in_zone
from core.measures.fractal import FractalDimensions, box_sides, fractal_dimensions, places_of
from core.measures.shapes import Drawing, Inside, draw
from core.measures.tortuosity import tortuosity
from core.measures.vessels import VesselTree, trace_vessels
from core.measures.whole_field import places_along
from core.types import FloatArray

ANGLES = (0, 15, 30, 45, 60, 90)
NAN = float("nan")
PIXELS, SKAN, PVBM = "scikit-image", "skan", "PVBM"
PROGRAMS = (PIXELS, SKAN, PVBM)
TARGETS = {
    **{"width": 0.02, "length": 0.01, "arc / chord": 0.01, "calibre": 0.02},
    **{"angle": 2.0, "exponent": 0.03, "count": 0.0, "D": 0.03},
}
"""How far each kind of measure may be off: shares of the truth, degrees, and for dimensions the difference itself."""
SPREAD = 0.02
"""How far a measure may move between angles, as a share of the truth; counts not at all."""

Reading = tuple[str, float]
"""A function of ``other_measures`` and its number."""


@dataclass(frozen=True)
class Seen:
    """A drawn shape and, once asked for, its vessels: several measures are made of the same."""

    name: str
    values: FloatArray
    kept: dict[str, VesselTree] = field(default_factory=dict)
    dimensions: dict[str, FractalDimensions | None] = field(default_factory=dict)

    @property
    def tree(self) -> VesselTree:
        if "tree" not in self.kept:
            self.kept["tree"] = trace_vessels(self.values)
        return self.kept["tree"]


Read = Callable[[Seen], float]


@dataclass(frozen=True)
class Trial:
    """A shape, what is measured of it and how, by us and by others; ``kind`` is one of TARGETS."""

    shape: str
    inside: Inside
    side_px: int
    measure: str
    kind: str
    truth: float
    ours: Read
    others: Mapping[str, Reading] = field(default_factory=dict)
    pixels: Read | None = None
    """Counted here, with the parameters that ours has."""

    def drawn(self, folder: Path | None = None, angles: Sequence[int] = ANGLES) -> list[Seen]:
        """At each angle; kept in a folder, and taken from there."""
        found = []
        for degrees in angles:
            name = f"{re.sub('[^a-z0-9]+', '-', self.shape.lower())}-at-{degrees}"
            place = None if folder is None else folder / f"{name}.npy"
            if place is not None and place.exists():
                found.append(Seen(name, np.load(place)))
                continue
            found.append(Seen(name, draw(self.inside, Drawing(self.side_px, degrees, (0.3, 0.2)))))
            if folder is not None and place is not None:
                beside = folder / f"{name}.part.npy"
                np.save(beside, found[-1].values)
                beside.replace(place)
        return found

    def error(self, value: float) -> float:
        """In degrees, the difference itself of a dimension or a count, and else a share of the truth."""
        return value - self.truth if self.kind in ("angle", "count", "D") else value / self.truth - 1

    def missed(self, errors: list[float]) -> bool:
        """Whether errors, one for each angle, are beyond the target, or spread too far."""
        if not errors or np.isnan(errors).any():
            return True
        spread = np.ptp(errors) / (self.truth if self.kind in ("angle", "D") else 1)
        return max(map(abs, errors)) > TARGETS[self.kind] or (self.kind != "count" and spread > SPREAD)

    def described(self, errors: list[float]) -> str:
        """Least and greatest error."""
        if not errors or np.isnan(errors).all():
            return "none" if errors else ""
        some = " (not at all angles)" if np.isnan(errors).any() else ""
        low, high = (each + 0.0 for each in (float(np.nanmin(errors)), float(np.nanmax(errors))))
        form = {"angle": "{:+.1f}\u00b0", "D": "{:+.3f}", "count": "{:+.0f}"}.get(self.kind, "{:+.1%}")
        return f"{form.format(low)} to {form.format(high)}{some}"

    @property
    def target(self) -> str:
        """In words of the table."""
        allowed = TARGETS[self.kind]
        return {"angle": f"{allowed:.0f}\u00b0", "D": f"{allowed}", "count": "exact"}.get(self.kind, f"{allowed:.0%}")


def width(seen: Seen) -> float:
    widths = [vessel.width_px for vessel in seen.tree.vessels]
    return widths[int(np.abs(np.array(widths) - np.mean(widths)).argmax())]  # of several the one farthest off


def length(seen: Seen) -> float:
    return sum(vessel.line.length_px for vessel in seen.tree.vessels)


def arc_over_chord(seen: Seen) -> float:
    return 1 + tortuosity(seen.tree.vessels[0].line).arc_chord


def angle(seen: Seen) -> float:
    found = nodes_of(seen.tree).branchings
    return found[0].angle_deg if found else NAN


def exponent(seen: Seen) -> float:
    found = nodes_of(seen.tree).branchings
    return found[0].exponent if found else NAN


def branchings(seen: Seen) -> float:
    return len(nodes_of(seen.tree).branchings)


def crossings(seen: Seen) -> float:
    return len(nodes_of(seen.tree).crossings)


def ends(seen: Seen) -> float:
    return len(nodes_of(seen.tree).ends)


def segments(seen: Seen) -> float:
    return len(seen.tree.vessels)


def calibre(disc: OpticDisc) -> Read:
    return lambda seen: knudtson_equivalent(list(widths_in_zone(seen.tree, disc, "B").values()), "arteriole")


def dimension(order: int, extent: float, part: float, *, of_lines: bool) -> Read:
    def read(seen: Seen) -> float:
        if "d" not in seen.dimensions:  # the three are counted together
            places = places_along(seen.tree) if of_lines else places_of(seen.values >= 0.5, 3)
            seen.dimensions["d"] = fractal_dimensions(places, box_sides(extent, part))
        found = seen.dimensions["d"]
        return NAN if found is None else (found.d0, found.d1, found.d2)[order]

    return read


def one_grid(extent: float, part: float) -> Read:
    """Box counting in one grid, over the same sides."""
    sides = np.unique(np.rint(box_sides(extent, part)).astype(np.intp))

    def read(seen: Seen) -> float:
        if not len(sides):
            return NAN
        points = np.argwhere(seen.values >= 0.5)
        counts = [np.count_nonzero(np.bincount(points // side @ np.array([10_000, 1]))) for side in sides]
        return -float(np.polyfit(np.log(sides), np.log(counts), 1)[0])

    return read


def trials() -> Iterator[Trial]:
    """All, those of one shape one after the other."""
    yield from _lines()
    yield from _nodes()
    for size in (240, 320, 400):
        yield from sets(size)


def _lines() -> Iterator[Trial]:
    long_of: dict[str, Reading] = {
        PIXELS: ("skeleton_length", 0),
        SKAN: ("skan_length", 0),
        PVBM: ("pvbm_geometry", 3),
    }
    wide_of: dict[str, Reading] = {PIXELS: ("area_over_skeleton", 0)}
    wind: dict[str, Reading] = {SKAN: ("skan_arc_over_chord", 0), PVBM: ("pvbm_geometry", 1)}
    for wide in (3, 5, 9):
        for long in (40, 80, 160):
            bar, name, side = shapes.line([(-long / 2, 0), (long / 2, 0)], wide), f"bar, {wide} x {long}", long + 30
            yield Trial(name, bar, side, "width", "width", wide, width, wide_of)
            yield Trial(name, bar, side, "length", "length", long, length, long_of)
            yield Trial(name, bar, side, "arc / chord", "arc / chord", 1, arc_over_chord, wind)
    for wide in (3, 6, 9):
        for radius in (30, 50, 70):
            half, name, side = shapes.arc(radius, wide, 180), f"half circle, {wide} x {radius}", 2 * radius + 30
            yield Trial(name, half, side, "width", "width", wide, width, wide_of)
            yield Trial(name, half, side, "length", "length", np.pi * radius, length, long_of)
            yield Trial(name, half, side, "arc / chord", "arc / chord", np.pi / 2, arc_over_chord, wind)
    for wide in (3, 5, 7):
        for long in (105, 140, 175):
            wave, name = shapes.sinusoid(long, long / 7, 2, wide), f"sinusoid, {wide} x {long}"
            whole = shapes.sinusoid_length(long, long / 7, 2) + wide  # its ends are round
            yield Trial(name, wave, long + 40, "length", "length", whole, length, long_of)
    ring_of = {name: read for name, read in long_of.items() if name != PVBM}  # it looks for ends
    for wide in (3, 6, 9):
        for radius in (20, 40, 60):
            ring, name, side = shapes.ring(radius, wide), f"ring, {wide} x {radius}", 2 * radius + 30
            yield Trial(name, ring, side, "width", "width", wide, width, wide_of)
            yield Trial(name, ring, side, "length", "length", 2 * np.pi * radius, length, ring_of)
    for wide in (3, 5, 9):
        bars = shapes.union(*(shapes.line([(-40, y), (40, y)], wide) for y in (-3 * wide, -wide, wide, 3 * wide)))
        name, side = f"4 parallel bars, {wide} wide", 130
        yield Trial(name, bars, side, "segments", "count", 4, segments)
        yield Trial(name, bars, side, "width", "width", wide, width, wide_of)


def _nodes() -> Iterator[Trial]:
    for stem in (6, 10, 14):
        daughter = stem / 2 ** (1 / 3)
        for between in (40, 70, 100):
            arm = 6.0 * stem
            fork, name = shapes.fork(arm, (stem, daughter, daughter), between), f"fork, {stem} wide, {between} degrees"
            theirs: dict[str, Reading] = {PVBM: ("pvbm_geometry", 4)}
            yield Trial(name, fork, int(2 * arm) + 40, "angle", "angle", between, angle, theirs)
            yield Trial(name, fork, int(2 * arm) + 40, "Murray exponent", "exponent", 3, exponent)
    for wide in (5, 7, 9):
        arm = 6.5 * wide
        tree, name, side = shapes.tree(3, arm, wide), f"tree, {wide} wide", int(4.9 * arm)
        for what, truth, read in (("segments", 15, segments), ("branchings", 7, branchings), ("ends", 9, ends)):
            theirs = {PVBM: ("pvbm_geometry", 7)} if what == "branchings" else {}
            yield Trial(name, tree, side, what, "count", truth, read, theirs)
    for wide in (3, 5, 9):
        cross = shapes.union(*(shapes.line([(-8 * wide, 0), (8 * wide, 0)], wide), _turned(8 * wide, 70, wide)))
        yield Trial(f"crossing, {wide} wide", cross, 16 * wide + 30, "crossings", "count", 1, crossings)
    for size in (20, 28, 36):
        widths = tuple(size / 28 * wide for wide in (9, 7, 8, 6, 5, 10))
        wheel, whole = shapes.spokes(6, 0.7 * size, 3.2 * size, widths), knudtson_equivalent(widths, "arteriole")
        side = int(7.2 * size)
        disc = OpticDisc((side - 1) / 2 + 0.3, (side - 1) / 2 + 0.2, size)
        theirs = {PVBM: ("pvbm_calibre", size)}
        yield Trial(f"spokes, disc {size}", wheel, side, "Knudtson, zone B", "calibre", whole, calibre(disc), theirs)


def _turned(arm: float, degrees: float, wide: float) -> Inside:
    way = (float(arm * np.cos(np.deg2rad(degrees))), float(arm * np.sin(np.deg2rad(degrees))))
    return shapes.line([(-way[0], -way[1]), way], wide)


def sets(size: int) -> Iterator[Trial]:
    """Sets of known dimension of a size in pixels; the smallest part of a carpet is 1/81 of it, of a gasket 1/64."""
    log = np.log
    known: tuple[tuple[str, Inside, float, float, bool], ...] = (
        ("straight line", shapes.line([(-size / 2, 0), (size / 2, 0)], 5), 0, 1.0, True),
        ("square", shapes.rectangle(size * 0.8, size * 0.8), 0, 2.0, False),
        ("gasket", shapes.gasket(size, 6), size / 64, log(3) / log(2), False),
        ("Koch, 2 generations", shapes.koch(size, 2, 3), size / 9, log(4) / log(3), True),
        ("Koch, 3 generations", shapes.koch(size, 3, 2), size / 27, log(4) / log(3), True),
        ("carpet", shapes.carpet(size, 4), size / 81, log(8) / log(3), False),
    )
    for name, inside, part, truth, of_lines in known:
        for order in (0, 1, 2):
            yield Trial(
                shape=f"{name}, {size}",
                inside=inside,
                side_px=int(size * 1.42) + 4,
                measure=f"D{order}",
                kind="D",
                truth=truth,
                ours=dimension(order, size, part, of_lines=of_lines),
                others={PVBM: ("pvbm_dimension", order)},
                pixels=one_grid(size, part) if order == 0 else None,
            )
