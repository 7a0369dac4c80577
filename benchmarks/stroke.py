#!/usr/bin/env python
"""How long a step of the brush takes to reach the screen, in the program's own window.

Run it with a real screen, or with one in memory:
``xvfb-run -a -s "-screen 0 1920x1200x24" python benchmarks/stroke.py``.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from benchmarks.live_threshold import Paints, Row, facts, measure, open_program, settle, table, write_section
from serr_gui.canvas.photo_view import PhotoView

SIZES = ((3504, 2336), (6000, 4000))
DIAMETERS_PX = (9, 100)
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "stroke.md"
INTRODUCTION = """# A stroke of the brush

Made by `xvfb-run -a -s "-screen 0 1920x1200x24" python benchmarks/stroke.py --write NAME`. Each time runs from a move
of the mouse with the button held, about 20 pixels of the screen from the one before, to the window system's answer that
the new picture is on the screen. The program's own window is 1400 x 900. Only the box that changed is halved, coloured
and painted again. "click" is a whole stroke, with the step of Undo, the share of vessels and the copy of the levels
that other threads read; no label is open, whose scores would follow in a thread.

The aim: median below 10 ms, 95 % of the steps below 16 ms, at each size.
"""


def mouse(view: PhotoView, kind: QEvent.Type, x: float, y: float) -> None:
    """Send the view a mouse event with the left button held."""
    place = QPointF(x, y)
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else Qt.MouseButton.LeftButton
    event = QMouseEvent(kind, place, view.mapToGlobal(place), button, held, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(view, event)


def circle(view: PhotoView, count: int) -> Iterator[tuple[float, float]]:
    """Places on a circle that grows, so that each step meets pixels that are not painted yet."""
    for number in range(count):
        radius = 40.0 + 100.0 * number / count
        angle = 20.0 * number / radius
        yield view.width() / 2 + radius * np.cos(angle), view.height() / 2 + radius * np.sin(angle)


def stroke_steps(view: PhotoView, count: int) -> Iterator[Callable[[], None]]:
    for x, y in circle(view, count):
        yield lambda x=x, y=y: mouse(view, QEvent.Type.MouseMove, x, y)  # type: ignore[misc]


def click_steps(view: PhotoView, count: int) -> Iterator[Callable[[], None]]:
    """Whole strokes: with the end come a step of Undo, the share of vessels, and a result for whoever counts."""

    def click(x: float, y: float) -> None:
        mouse(view, QEvent.Type.MouseButtonPress, x, y)
        mouse(view, QEvent.Type.MouseButtonRelease, x, y)

    for x, y in circle(view, count):
        yield lambda x=x, y=y: click(x, y)  # type: ignore[misc]


def run(count: int) -> Iterator[Row]:
    for size in SIZES:
        with open_program(size) as (window, _slider):
            view, editing = window.canvas, window.controller.editing
            paints = Paints(view)
            for name, zoom in (("fitted", None), ("100 %", 1.0)):
                for diameter in DIAMETERS_PX:
                    view.fit() if zoom is None else view.zoom_to(zoom)
                    editing.set_tool("brush")
                    editing.set_size(diameter)
                    settle(paints)
                    mouse(view, QEvent.Type.MouseButtonPress, view.width() / 2 + 40.0, view.height() / 2)
                    settle(paints)
                    what = f"brush of {diameter} px, {name}"
                    yield Row(size, what, "mask", measure(paints, stroke_steps(view, count)))
                    mouse(view, QEvent.Type.MouseButtonRelease, view.width() / 2, view.height() / 2)
                editing.discard()
                editing.set_size(DIAMETERS_PX[0])
                yield Row(size, f"click, {name}", "mask", measure(paints, click_steps(view, count)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=202, help="steps of each kind (default: %(default)s)")
    parser.add_argument("--write", metavar="NAME", help="write the section NAME of docs/benchmarks/stroke.md")
    arguments = parser.parse_args()
    application = QApplication(sys.argv[:1])
    lines = facts()
    rows = list(run(arguments.steps))
    text = "\n".join(f"- {line}" for line in lines)
    print(text, table(rows, markdown=False), sep="\n\n")
    if arguments.write:
        write_section(arguments.write, f"{text}\n\n{table(rows, markdown=True)}", DOCUMENT, INTRODUCTION)
    application.quit()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
