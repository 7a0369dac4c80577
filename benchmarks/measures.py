"""Measures of vessels on drawn shapes of known measures, and on the labels of two experts.

    python benchmarks/measures.py [--data FOLDER]

FOLDER holds DRIVE as published; without it the second table is left out. Writes docs/benchmarks/measures.md. Each shape
is drawn at six angles. Beside each value is what counting pixels gives: the skeleton of scikit-image for a length, area
divided by that for a width, box counting in one grid for a dimension.
"""

import argparse
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from skimage.morphology import skeletonize

from core.datasets.layouts import read_layout
from core.measures import shapes
from core.measures.branching import nodes_of
from core.measures.calibres import OpticDisc, knudtson_equivalent, widths_in_zone
from core.measures.fractal import fractal_dimensions
from core.measures.shapes import Drawing, Inside, draw
from core.measures.summary import CODEBOOK, measure_vessels
from core.measures.tortuosity import tortuosity
from core.measures.vessels import trace_vessels
from core.photo.reading import read_fov, read_label
from core.types import BoolArray, FloatArray

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "measures.md"
ANGLES = (0, 15, 30, 45, 60, 90)
NAN = float("nan")

Read = Callable[[FloatArray], float]


@dataclass(frozen=True)
class Trial:
    """A shape, what is measured of it and how, by us and by counting pixels."""

    shape: str
    inside: Inside
    side_px: int
    measure: str
    truth: float
    ours: Read
    pixels: Read | None = None
    in_degrees: bool = False

    def errors(self, read: Read) -> list[float]:
        """At each angle: share of the truth, or degrees."""
        found = [read(draw(self.inside, Drawing(self.side_px, angle, (0.3, 0.2)))) for angle in ANGLES]
        return [value - self.truth if self.in_degrees else value / self.truth - 1 for value in found]


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


def skeleton_length(values: FloatArray) -> float:
    return float(np.count_nonzero(skeletonize(values >= 0.5)))


def area_over_skeleton(values: FloatArray) -> float:
    return float(np.count_nonzero(values >= 0.5)) / skeleton_length(values)


def calibre(disc: OpticDisc) -> Read:
    return lambda values: knudtson_equivalent(
        list(widths_in_zone(trace_vessels(values), disc, "B").values()), "arteriole"
    )


def dimension(order: int, least_px: int) -> Read:
    sides = np.unique(np.rint(np.geomspace(least_px, 24, 8)).astype(np.intp))

    def read(values: FloatArray) -> float:
        found = fractal_dimensions(values >= 0.5, sides)
        return NAN if found is None else (found.d0, found.d1, found.d2)[order]

    return read


def one_grid(least_px: int) -> Read:
    sides = np.unique(np.rint(np.geomspace(least_px, 24, 8)).astype(np.intp))

    def read(values: FloatArray) -> float:
        points = np.argwhere(values >= 0.5)
        counts = [len(np.unique(points // side, axis=0)) for side in sides]
        return -float(np.polyfit(np.log(sides), np.log(counts), 1)[0])

    return read


def trials() -> Iterator[Trial]:
    for wide in (2, 3, 5, 9, 13):
        bar = shapes.line([(-60, 0), (60, 0)], wide)
        yield Trial(f"bar, {wide} wide", bar, 150, "width", wide, width, area_over_skeleton)
    for long in (40, 80, 160):
        bar = shapes.line([(-long / 2, 0), (long / 2, 0)], 5)
        yield Trial(f"bar, {long} long", bar, 190, "length", long, length, skeleton_length)
    for radius in (30, 50, 70):
        half = shapes.arc(radius, 6, 180)
        yield Trial(f"half circle, {radius}", half, 170, "length", np.pi * radius, length, skeleton_length)
        yield Trial(f"half circle, {radius}", half, 170, "arc / chord", np.pi / 2, arc_over_chord)
    wave, whole = shapes.sinusoid(140, 20, 2, 5), shapes.sinusoid_length(140, 20, 2) + 5
    yield Trial("sinusoid", wave, 180, "length", whole, length, skeleton_length)
    yield Trial("ring", shapes.ring(40, 6), 110, "length", 2 * np.pi * 40, length, skeleton_length)
    daughter = 10 / 2 ** (1 / 3)
    for between in (40, 70, 100):
        fork = shapes.fork(60, (10, daughter, daughter), between)
        yield Trial(f"fork, {between} degrees", fork, 160, "angle", between, angle, in_degrees=True)
        yield Trial(f"fork, {between} degrees", fork, 160, "Murray exponent", 3, exponent)
    yield Trial("tree", shapes.tree(3, 45, 7), 220, "branchings", 7, branchings)
    widths = (9, 7, 8, 6, 5, 10)
    wheel = shapes.spokes(6, 20, 90, widths)
    whole = knudtson_equivalent(widths, "arteriole")
    yield Trial("spokes", wheel, 200, "Knudtson, zone B", whole, calibre(OpticDisc(99.8, 99.7, 28)))
    sets = (
        ("square", shapes.rectangle(200, 200), 2, 2.0),
        ("gasket", shapes.gasket(240, 6), 4, np.log(3) / np.log(2)),
        ("carpet", shapes.carpet(243, 4), 3, np.log(8) / np.log(3)),
    )
    for name, inside, least_px, truth in sets:
        for order in (0, 1, 2):
            pixels = one_grid(least_px) if order == 0 else None
            yield Trial(name, inside, 360, f"D{order}", truth, dimension(order, least_px), pixels)


def table() -> list[str]:
    lines = [
        "| shape | measure | truth | error over six angles | spread | by counting pixels | spread |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for trial in trials():
        ours = trial.errors(trial.ours)
        pixels = trial.errors(trial.pixels) if trial.pixels is not None else []
        cells = [trial.shape, trial.measure, f"{trial.truth:.4g}", *described(ours, trial), *described(pixels, trial)]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def described(errors: list[float], trial: Trial) -> tuple[str, str]:
    """Least and greatest error, and their distance."""
    if not errors:
        return "", ""
    low, high = min(errors), max(errors)
    if trial.in_degrees:
        return f"{low:+.1f} to {high:+.1f} degrees", f"{high - low:.1f}"
    return f"{low:+.1%} to {high:+.1%}", f"{high - low:.1%}"


def experts(root: Path) -> list[str]:
    """How well the labels of the two experts of DRIVE agree in each measure."""
    rows: dict[str, list[tuple[float, float]]] = {}
    seconds: list[float] = []
    for case in read_layout("drive", root, "test").cases:
        assert case.fov is not None
        inside: BoolArray = read_fov(case.fov).inside
        both = []
        for path in case.labels.values():
            start = time.process_time()
            both.append(measure_vessels(read_label(path).vessel, inside).as_dict())
            seconds.append(time.process_time() - start)
        for name in CODEBOOK:
            rows.setdefault(name, []).append((both[0][name], both[1][name]))
    lines = [
        f"Masks of both experts for the 20 test photographs of DRIVE; {np.median(seconds):.2f} s of processor time for "
        f"a mask in the median, {max(seconds):.2f} s at most.",
        "",
        "| measure | mean, expert 1 | mean, expert 2 | limits of agreement | ICC |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, pairs in rows.items():
        values = np.array(pairs)
        if np.isnan(values).any():
            continue
        apart = values[:, 1] - values[:, 0]
        reach = 1.96 * apart.std(ddof=1)
        first, second = values.mean(axis=0)
        limits = f"{apart.mean() - reach:+.3g} to {apart.mean() + reach:+.3g}"
        lines.append(f"| {name} | {first:.4g} | {second:.4g} | {limits} | {agreement(values):.2f} |")
    return lines


def agreement(values: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> float:
    """ICC(2,1): two-way random effects, absolute agreement, of one rater (Shrout and Fleiss 1979)."""
    count, raters = values.shape
    grand = values.mean()
    of_cases = raters * ((values.mean(axis=1) - grand) ** 2).sum() / (count - 1)
    of_raters = count * ((values.mean(axis=0) - grand) ** 2).sum() / (raters - 1)
    left = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + grand
    error = (left**2).sum() / ((count - 1) * (raters - 1))
    return float((of_cases - error) / (of_cases + (raters - 1) * error + raters * (of_raters - error) / count))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    data = parser.parse_args().data
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "scikit-image"))
    text = [
        "# Measures of vessels",
        "",
        f"`python benchmarks/measures.py --data FOLDER`, {datetime.now(UTC):%Y-%m-%d}, {versions}, "
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}.",
        "",
        "## On shapes whose measures are known",
        "",
        "Each shape is drawn in continuous coordinates at 0, 15, 30, 45, 60 and 90 degrees; a pixel has the share that "
        "the shape covers. Counting pixels means: pixels of the skeleton (scikit-image) for a length, area divided by "
        "that for a width, boxes of one grid for a dimension.",
        "",
        *table(),
        "",
        "Dimensions are further from the truth than the other measures: boxes at the border of a set count in full. D2 "
        "suffers least from it. Compare dimensions only between photographs of the same size.",
    ]
    if data is not None:
        text += ["", "## Two experts, the same photographs", "", *experts(data)]
        text += [
            "",
            "What two experts do not agree on cannot be trusted in one of them. An ICC below 0.75 is usually called "
            "moderate at best. Small differences of a mask move counts and branching most.",
        ]
    PAGE.write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
