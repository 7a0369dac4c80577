"""Pictures of what each measure of vessels is, for docs/guide/measuring.md: drawn shapes with what is measured of them.

    python docs/measure_pictures.py

Lines, edges, nodes and boxes are those that ``core.measures`` finds, not drawn beside it.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QBuffer
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from core.files import write_bytes_atomic
from core.measures import shapes
from core.measures.branching import nodes_of
from core.measures.calibres import LARGEST, ZONES, OpticDisc, widths_in_zone
from core.measures.shapes import Drawing, Inside, draw
from core.measures.tortuosity import inflections, tortuosity
from core.measures.vessels import Vessel, VesselTree, trace_vessels

OUT = Path(__file__).resolve().parent / "images" / "measures"
WIDTH, HEIGHT = 400, 190
SCALE = 1.5
VESSEL, LINE, MARK, SECOND = "#b8d8e8", "#0b5c7a", "#c2410c", "#6d28d9"

Points = Iterable[npt.ArrayLike]


@dataclass
class Picture:
    """An SVG in pixels of the shape, whose middle is the middle of the picture."""

    parts: list[str] = field(default_factory=list)

    def path(self, points: Points, colour: str, width: float = 1.5, *, dashed: bool = False) -> None:
        """A line through points (row, column)."""
        places = " L".join(f"{column:.1f} {row:.1f}" for row, column in np.asarray(list(points), float))
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(f'<path d="M{places}" fill="none" stroke="{colour}" stroke-width="{width:.1f}"{dash}/>')

    def dot(self, place: npt.ArrayLike, colour: str, radius: float = 4.0) -> None:
        row, column = np.asarray(place, float)
        self.parts.append(f'<circle cx="{column:.1f}" cy="{row:.1f}" r="{radius:.1f}" fill="{colour}"/>')

    def ring(self, place: npt.ArrayLike, radius: float, colour: str, *, dashed: bool = False) -> None:
        row, column = np.asarray(place, float)
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(
            f'<circle cx="{column:.1f}" cy="{row:.1f}" r="{radius:.1f}" fill="none" stroke="{colour}"'
            f' stroke-width="1.5"{dash}/>'
        )

    def box(self, row: float, column: float, side: float, fill: str, opacity: float) -> None:
        self.parts.append(
            f'<rect x="{column:g}" y="{row:g}" width="{side:g}" height="{side:g}" fill="{fill}"'
            f' fill-opacity="{opacity:.2f}" stroke="#999" stroke-width="0.7"/>'
        )

    def text(self, row: float, column: float, text: str, colour: str = "#222") -> None:
        self.parts.append(
            f'<text x="{column:.0f}" y="{row:.0f}" fill="{colour}" font-family="sans-serif" font-size="12">'
            f"{text}</text>"
        )

    def vessel(self, vessel: Vessel, colour: str = VESSEL) -> None:
        """A vessel as wide as it was measured, and its centre line."""
        width = vessel.width_px if not np.isnan(vessel.width_px) else vessel.twice_depth_px
        line = np.vstack((vessel.line.points[:-1:3], vessel.line.points[-1:]))
        self.path(line, colour, width)
        self.path(line, LINE, 1.0)

    def svg(self, side: int) -> bytes:
        left, top = (side - WIDTH) / 2, (side - HEIGHT) / 2
        ground = f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left} {top} {WIDTH} {HEIGHT}" width="{WIDTH}">'
        return "\n".join((head, ground, *self.parts, "</svg>\n")).encode()


def traced(shape: Inside) -> VesselTree:
    return trace_vessels(draw(shape, Drawing(WIDTH)))


def longest(tree: VesselTree) -> Vessel:
    return max(tree.vessels, key=lambda vessel: vessel.line.length_px)


def width(picture: Picture) -> None:
    """Cross-sections with their edges, and at the right end the circle that fits in."""
    vessel = longest(traced(shapes.sinusoid(330, 45, 0.75, 26)))
    line = vessel.line
    picture.path(line.points, VESSEL, vessel.width_px)
    picture.path(line.points, LINE, 1.0)
    for at in range(20, int(len(line.points) * 0.7), 22):
        half = vessel.widths_px[at] / 2
        ends = [line.points[at] + sign * half * line.normals[at] for sign in (-1, 1)]
        picture.path(ends, MARK)
        for end in ends:
            picture.dot(end, MARK, 2.5)
    place = line.points[int(len(line.points) * 0.85)]
    picture.ring(place, vessel.twice_depth_px / 2, SECOND)


def length(picture: Picture) -> None:
    vessel = longest(traced(shapes.sinusoid(330, 40, 1, 16)))
    picture.vessel(vessel)
    line = vessel.line.points
    picture.path((line[0], line[-1]), MARK, dashed=True)
    found = tortuosity(vessel.line)
    chord = float(np.hypot(*(line[-1] - line[0])))
    text = f"length {vessel.line.length_px:.0f} / chord {chord:.0f} - 1 = {found.arc_chord:.2f}"
    picture.text(WIDTH / 2 + 85, WIDTH / 2 - 150, text)


def bends(picture: Picture) -> None:
    vessel = longest(traced(shapes.sinusoid(340, 24, 2.5, 12)))
    picture.vessel(vessel)
    places = inflections(vessel.line)
    points = vessel.line.points
    for first, last in pairwise([0, *places, len(points) - 1]):
        picture.path((points[first], points[last]), MARK, dashed=True)
    for place in places:
        picture.dot(points[place], MARK)
    found = tortuosity(vessel.line)
    text = f"{found.inflections} changes of direction, turns by {found.turning:.1f} rad in all"
    picture.text(WIDTH / 2 + 80, WIDTH / 2 - 150, text)


def share(picture: Picture) -> None:
    tree = traced(shapes.tree(3, 62, 12))
    picture.ring((WIDTH / 2, WIDTH / 2), 92, "#444")
    for vessel in tree.vessels:
        picture.vessel(vessel)


def boxes(picture: Picture) -> None:
    tree = traced(shapes.tree(4, 58, 5))
    side = 12
    points = np.concatenate([vessel.line.points for vessel in tree.vessels])
    for row, column in np.unique(points // side, axis=0):
        picture.box(row * side, column * side, side, MARK, 0.15)
    for vessel in tree.vessels:
        picture.path(vessel.line.points, LINE, 1.5)


def gaps(picture: Picture) -> None:
    values = draw(shapes.tree(4, 58, 6), Drawing(WIDTH))
    side, top = 19, (WIDTH - HEIGHT) // 2
    blocks = values[top : top + HEIGHT].reshape(HEIGHT // side, side, -1)[:, :, : WIDTH // side * side]
    shares = blocks.reshape(HEIGHT // side, side, -1, side).mean(axis=(1, 3))
    for (row, column), one in np.ndenumerate(shares):
        picture.box(top + row * side, column * side, side, LINE, min(1.0, float(one) * 4))


def nodes(picture: Picture) -> None:
    crossing = shapes.union(shapes.fork(150, (12, 10, 8), 50), shapes.line(((-95, -90), (-55, 90)), 8))
    tree = traced(crossing)
    found = nodes_of(tree)
    for vessel in tree.vessels:
        picture.vessel(vessel)
    marked = ((found.ends, "#444"), (found.crossings, SECOND), ([one.node for one in found.branchings], MARK))
    for numbers, colour in marked:
        for number in numbers:
            picture.dot(tree.nodes[number].place, colour, 5)
    counts = (("branching", MARK), ("crossing", SECOND), ("free end", "#444"))
    for line, (name, colour) in enumerate(counts):
        picture.dot((WIDTH / 2 - 16 + 16 * line, WIDTH / 2 + 115), colour, 5)
        picture.text(WIDTH / 2 - 12 + 16 * line, WIDTH / 2 + 126, name)


def branching(picture: Picture) -> None:
    tree = traced(shapes.fork(150, (20, 16, 12), 60))
    (found,) = nodes_of(tree).branchings
    for vessel in tree.vessels:
        picture.vessel(vessel)
    for name, number in zip(("d0", "d1", "d2"), found.vessels, strict=True):
        vessel = tree.vessels[number]
        middle = len(vessel.line.points) // 2
        half = vessel.width_px / 2
        ends = [vessel.line.points[middle] + sign * half * vessel.line.normals[middle] for sign in (-1, 1)]
        picture.path(ends, MARK, 2)
        place = vessel.line.points[middle] + ((-24, -70) if name == "d1" else (-14, 8))
        picture.text(float(place[0]), float(place[1]), f"{name} = {vessel.width_px:.1f}", MARK)
    picture.text(WIDTH / 2 + 4, WIDTH / 2 + 26, f"{found.angle_deg:.0f}\u00b0", SECOND)
    ratio = f"area ratio {found.area_ratio:.2f}, asymmetry {found.asymmetry:.2f}, exponent {found.exponent:.2f}"
    picture.text(WIDTH / 2 + 86, WIDTH / 2 - 185, ratio)


def zones(picture: Picture) -> None:
    widths = (9, 7, 8, 6, 5, 10, 4, 3)
    tree = traced(shapes.spokes(8, 18, 90, widths))
    disc = OpticDisc(WIDTH / 2 - 0.5, WIDTH / 2 - 0.5, 18)
    across = widths_in_zone(tree, disc, "B")
    six = sorted(across, key=lambda number: -across[number])[:LARGEST]
    for number, vessel in enumerate(tree.vessels):
        picture.vessel(vessel, "#f3b48b" if number in six else VESSEL)
    middle = (disc.row, disc.column)
    picture.ring(middle, disc.radius_px, "#444")
    for name, (_, outer) in ZONES.items():
        radius = outer * disc.radius_px
        picture.ring(middle, radius, "#444", dashed=True)
        picture.text(disc.row - 3, disc.column + radius - 12, name)
    for line, text in enumerate(("orange: the six", "widest in zone B")):
        picture.text(WIDTH / 2 - 74 + 16 * line, WIDTH / 2 + 94, text)


PICTURES: dict[str, Callable[[Picture], None]] = {
    each.__name__: each for each in (share, length, width, bends, boxes, gaps, nodes, branching, zones)
}


def make(name: str) -> bytes:
    """The picture with this name as PNG: the help in the window has no reader of SVG everywhere."""
    picture = Picture()
    PICTURES[name](picture)
    image = QImage(round(WIDTH * SCALE), round(HEIGHT * SCALE), QImage.Format.Format_RGB32)
    image.fill(0xFFFFFF)
    painter = QPainter(image)
    QSvgRenderer(picture.svg(WIDTH)).render(painter)
    painter.end()
    data = QBuffer()
    image.save(data, "PNG")
    return bytes(data.data().data())


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QGuiApplication([])  # for its fonts
    OUT.mkdir(exist_ok=True)
    for name in PICTURES:
        write_bytes_atomic(OUT / f"{name}.png", make(name))
