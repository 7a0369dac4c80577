"""Drawn shapes of known measures, what is measured of them, and the table of how far each program is off."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import other_measures as others

from core.measures import shapes
from core.measures.branching import nodes_of
from core.measures.calibres import OpticDisc, knudtson_equivalent, widths_in_zone
from core.measures.fractal import box_sides, fractal_dimensions, places_of
from core.measures.shapes import Drawing, Inside, draw
from core.measures.tortuosity import tortuosity
from core.measures.vessels import trace_vessels
from core.measures.whole_field import places_along
from core.types import FloatArray

ANGLES = (0, 15, 30, 45, 60, 90)
NAN = float("nan")
PIXELS, SKAN, PVBM = "scikit-image", "skan", "PVBM"

Read = Callable[[FloatArray], float]


@dataclass(frozen=True)
class Trial:
    """A shape, what is measured of it and how, by us and by others."""

    shape: str
    inside: Inside
    side_px: int
    measure: str
    truth: float
    ours: Read
    others: dict[str, Read] = field(default_factory=dict)
    unit: str = "%"
    """In what the error is: % of the truth, degrees, or the difference itself."""

    def errors(self, drawn: list[FloatArray], read: Read) -> list[float]:
        """At each angle."""
        found = [read(values) for values in drawn]
        return [value / self.truth - 1 if self.unit == "%" else value - self.truth for value in found]

    def described(self, errors: list[float]) -> str:
        """Least and greatest error."""
        if not errors or np.isnan(errors).all():
            return "none" if errors else ""
        some = " (not at all angles)" if np.isnan(errors).any() else ""
        low, high = float(np.nanmin(errors)), float(np.nanmax(errors))
        if self.unit == "%":
            return f"{low:+.1%} to {high:+.1%}{some}"
        return f"{low:+.1f}\u00b0 to {high:+.1f}\u00b0{some}" if self.unit else f"{low:+.3f} to {high:+.3f}{some}"


def width(values: FloatArray) -> float:
    return trace_vessels(values).vessels[0].width_px


def length(values: FloatArray) -> float:
    return sum(vessel.line.length_px for vessel in trace_vessels(values).vessels)


def arc_over_chord(values: FloatArray) -> float:
    return 1 + tortuosity(trace_vessels(values).vessels[0].line).arc_chord


def angle(values: FloatArray) -> float:
    found = nodes_of(trace_vessels(values)).branchings
    return found[0].angle_deg if found else NAN


def exponent(values: FloatArray) -> float:
    found = nodes_of(trace_vessels(values)).branchings
    return found[0].exponent if found else NAN


def branchings(values: FloatArray) -> float:
    return len(nodes_of(trace_vessels(values)).branchings)


def calibre(disc: OpticDisc) -> Read:
    return lambda values: knudtson_equivalent(
        list(widths_in_zone(trace_vessels(values), disc, "B").values()), "arteriole"
    )


def dimension(order: int, extent: float, part: float, *, of_lines: bool) -> Read:
    def read(values: FloatArray) -> float:
        places = places_along(trace_vessels(values)) if of_lines else places_of(values >= 0.5, 3)
        found = fractal_dimensions(places, box_sides(extent, part))
        return NAN if found is None else (found.d0, found.d1, found.d2)[order]

    return read


def one_grid(extent: float, part: float) -> Read:
    """Box counting in one grid, over the same sides."""
    sides = np.unique(np.rint(box_sides(extent, part)).astype(np.intp))

    def read(values: FloatArray) -> float:
        if not len(sides):
            return NAN
        points = np.argwhere(values >= 0.5)
        counts = [len(np.unique(points // side, axis=0)) for side in sides]
        return -float(np.polyfit(np.log(sides), np.log(counts), 1)[0])

    return read


def trials() -> Iterator[Trial]:
    long_of: dict[str, Read] = {PIXELS: others.skeleton_length, SKAN: others.skan_length, PVBM: others.pvbm_length}
    wind: dict[str, Read] = {SKAN: others.skan_arc_over_chord, PVBM: others.pvbm_arc_over_chord}
    for wide in (2, 3, 5, 9, 13):
        bar = shapes.line([(-60, 0), (60, 0)], wide)
        yield Trial(f"bar, {wide} wide", bar, 150, "width", wide, width, {PIXELS: others.area_over_skeleton})
    for long in (40, 80, 160):
        bar = shapes.line([(-long / 2, 0), (long / 2, 0)], 5)
        yield Trial(f"bar, {long} long", bar, 190, "length", long, length, long_of)
    yield Trial("bar, 80 long", shapes.line([(-40, 0), (40, 0)], 5), 110, "arc / chord", 1, arc_over_chord, wind)
    for radius in (30, 50, 70):
        half = shapes.arc(radius, 6, 180)
        yield Trial(f"half circle, {radius}", half, 170, "length", np.pi * radius, length, long_of)
        yield Trial(f"half circle, {radius}", half, 170, "arc / chord", np.pi / 2, arc_over_chord, wind)
    wave, whole = shapes.sinusoid(140, 20, 2, 5), shapes.sinusoid_length(140, 20, 2) + 5
    yield Trial("sinusoid", wave, 180, "length", whole, length, long_of)
    ring_of = {name: read for name, read in long_of.items() if name != PVBM}  # it looks for ends
    yield Trial("ring", shapes.ring(40, 6), 110, "length", 2 * np.pi * 40, length, ring_of)
    daughter = 10 / 2 ** (1 / 3)
    for between in (40, 70, 100):
        fork = shapes.fork(60, (10, daughter, daughter), between)
        name = f"fork, {between} degrees"
        yield Trial(name, fork, 160, "angle", between, angle, {PVBM: others.pvbm_angle}, unit="degrees")
        yield Trial(name, fork, 160, "Murray exponent", 3, exponent)
    tree = shapes.tree(3, 45, 7)
    yield Trial("tree", tree, 220, "branchings", 7, branchings, {PVBM: others.pvbm_branchings})
    widths = (9, 7, 8, 6, 5, 10)
    wheel, whole = shapes.spokes(6, 20, 90, widths), knudtson_equivalent(widths, "arteriole")
    theirs: dict[str, Read] = {PVBM: lambda values: others.pvbm_calibre(values, 28)}
    yield Trial("spokes", wheel, 200, "Knudtson, zone B", whole, calibre(OpticDisc(99.8, 99.7, 28)), theirs)
    for size in (240, 320, 400):
        yield from _sets(size)


def _sets(size: int) -> Iterator[Trial]:
    """Sets of known dimension of a size in pixels; the smallest part of a carpet is 1/81 of it, of a gasket 1/64."""
    log = np.log
    sets: tuple[tuple[str, Inside, float, float, bool], ...] = (
        ("straight line", shapes.line([(-size / 2, 0), (size / 2, 0)], 5), 0, 1.0, True),
        ("square", shapes.rectangle(size * 0.8, size * 0.8), 0, 2.0, False),
        ("gasket", shapes.gasket(size, 6), size / 64, log(3) / log(2), False),
        ("Koch, 2 generations", shapes.koch(size, 2, 3), size / 9, log(4) / log(3), True),
        ("Koch, 3 generations", shapes.koch(size, 3, 2), size / 27, log(4) / log(3), True),
        ("carpet", shapes.carpet(size, 4), size / 81, log(8) / log(3), False),
    )
    for name, inside, part, truth, of_lines in sets:
        for order in (0, 1, 2):
            ours = dimension(order, size, part, of_lines=of_lines)
            theirs: dict[str, Read] = {
                PVBM: lambda values, order=order: others.pvbm_dimensions(values)[order]  # type: ignore[misc]
            }
            if order == 0:
                theirs[PIXELS] = one_grid(size, part)
            yield Trial(f"{name}, {size}", inside, int(size * 1.42) + 4, f"D{order}", truth, ours, theirs, unit="")


def table() -> list[str]:
    """Rows of the errors of each program over all angles."""
    names = [PIXELS, *([SKAN] if others.HAS_SKAN else []), *([PVBM] if others.HAS_PVBM else [])]
    heads = ["shape", "measure", "truth", "**SERR Fundus**", *names]
    lines = ["| " + " | ".join(heads) + " |", "| --- " * len(heads) + "|"]
    before, drawn = "", list[FloatArray]()
    for trial in trials():
        if trial.shape != before:
            drawn = [draw(trial.inside, Drawing(trial.side_px, degrees, (0.3, 0.2))) for degrees in ANGLES]
            before = trial.shape
        cells = [trial.shape, trial.measure, f"{trial.truth:.4g}", trial.described(trial.errors(drawn, trial.ours))]
        for name in names:
            read = trial.others.get(name)
            cells.append(trial.described(trial.errors(drawn, read) if read is not None else []))
        lines.append("| " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    return lines
