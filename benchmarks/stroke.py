#!/usr/bin/env python
"""How long steps of the brush, of Undo and of Trace take to reach the screen, and a stroke to reach the journal.

Run it with a real screen, or with one in memory:
``xvfb-run -a -s "-screen 0 1920x1200x24" python benchmarks/stroke.py``.
With ``--write`` it writes stroke.md and journal.md.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from benchmarks import journal
from benchmarks.live_comparison import make_labels
from benchmarks.live_threshold import Paints, Row, facts, measure, open_program, settle, table, write_section
from serr_gui.canvas.photo_view import PhotoView
from serr_gui.canvas.tools.trace import TraceTool
from serr_gui.model.score_selectors import comparison
from serr_gui.window.main_window import MainWindow

SIZES = ((3504, 2336), (6000, 4000))
DIAMETERS_PX = (9, 100)
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "stroke.md"
INTRODUCTION = """# Strokes, Undo and Trace

Made by `xvfb-run -a -s "-screen 0 1920x1200x24" python benchmarks/stroke.py --write NAME`. Each time runs from a move
of the mouse with the button held, about 20 pixels of the screen from the one before, to the window system's answer that
the new picture is on the screen. The program's own window is 1400 x 900. Only the box that changed is halved, coloured
and painted again. "click" is a whole stroke, with the step of Undo, the share of vessels and the copy of the levels
that other threads read.

"with scores" is the same with two experts' labels: the error map is painted in place of the mask, and the scores of
both experts follow each step. "undo" takes a stroke of 100 px across the view back, or makes it again, by turns.
"trace" is a move of the mouse after the first click: the way back along the vessel, its width, and the preview. The
search from that click, which runs in a thread and stops nothing, is given below the table.

"processor ms" is the median of the processor time that the program itself took: it stays about the same when other work
shares the machine, the times on the clock do not.

The aim: median below 10 ms and 95 % of the steps below 16 ms at each size; with scores 95 % below 24 ms; a move of
Trace below 20 ms.
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


def run_scores(count: int) -> Iterator[Row]:
    """The brush while the error map is painted and two experts' scores follow."""
    for size in SIZES:
        with open_program(size, make_labels(size)) as (window, _slider):
            view, controller = window.canvas, window.controller
            controller.toggle_errors()
            wait_until_compared(window)
            paints = Paints(view)
            controller.editing.set_tool("brush")
            controller.editing.set_size(DIAMETERS_PX[0])
            for name, zoom in (("fitted", None), ("100 %", 1.0)):
                view.fit() if zoom is None else view.zoom_to(zoom)
                settle(paints)
                mouse(view, QEvent.Type.MouseButtonPress, view.width() / 2 + 40.0, view.height() / 2)
                settle(paints)
                what = f"brush of {DIAMETERS_PX[0]} px with scores, {name}"
                yield Row(size, what, "errors", measure(paints, stroke_steps(view, count)))
                mouse(view, QEvent.Type.MouseButtonRelease, view.width() / 2, view.height() / 2)
                wait_until_compared(window)


def run_undo(count: int) -> Iterator[Row]:
    for size in SIZES:
        with open_program(size) as (window, _slider):
            view, editing, document = window.canvas, window.controller.editing, window.state.document
            history = window.controller.history
            assert document is not None
            assert document.result is not None
            window.controller.context.store.put(document.path, document.result)  # it has the steps of Undo
            paints = Paints(view)
            editing.set_tool("brush")
            editing.set_size(DIAMETERS_PX[1])
            settle(paints)
            mouse(view, QEvent.Type.MouseButtonPress, view.width() / 2 - 200.0, view.height() / 2)
            for x in range(-200, 201, 20):
                mouse(view, QEvent.Type.MouseMove, view.width() / 2 + x, view.height() / 2)
            mouse(view, QEvent.Type.MouseButtonRelease, view.width() / 2 + 200.0, view.height() / 2)
            turns = (history.undo if number % 2 == 0 else history.redo for number in range(count))
            yield Row(size, "undo, redo, fitted", "mask", measure(paints, turns))


def run_trace(count: int, searches: list[str]) -> Iterator[Row]:
    for size in SIZES:
        with open_program(size) as (window, _slider):
            view, editing = window.canvas, window.controller.editing
            paints = Paints(view)
            editing.set_tool("trace")
            view.zoom_to(1.0)
            settle(paints)
            begin = time.perf_counter()
            mouse(view, QEvent.Type.MouseButtonPress, view.width() / 2, view.height() / 2)
            mouse(view, QEvent.Type.MouseButtonRelease, view.width() / 2, view.height() / 2)
            tool = view.tool
            assert isinstance(tool, TraceTool)
            wait_for(lambda tool=tool: tool.is_ready)  # type: ignore[misc]
            searches.append(f"{size[0]} x {size[1]}: {(time.perf_counter() - begin) * 1000.0:.0f} ms")
            yield Row(size, "trace: a move, 100 %", "mask", measure(paints, stroke_steps(view, count)))


def wait_until_compared(window: MainWindow) -> None:
    workers = window.controller.context.workers
    wait_for(lambda: comparison(window.state) is not None and not workers.busy("compare"))


def wait_for(ready: Callable[[], bool]) -> None:
    while not ready():
        QApplication.processEvents()
        time.sleep(0.005)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=202, help="steps of each kind (default: %(default)s)")
    parser.add_argument(
        "--write", metavar="NAME", help="write the section NAME of docs/benchmarks/stroke.md, and journal.md"
    )
    arguments = parser.parse_args()
    application = QApplication(sys.argv[:1])
    lines = facts()
    searches: list[str] = []
    count = arguments.steps
    rows = [*run(count), *run_scores(count), *run_undo(count), *run_trace(count, searches)]
    text = "\n".join(f"- {line}" for line in lines)
    after = f"Search from a click in a window of 512 x 512, in a thread: {', '.join(searches)}."
    page = journal.measured()
    print(text, table(rows, markdown=False), after, page, sep="\n\n")
    if arguments.write:
        write_section(arguments.write, f"{text}\n\n{table(rows, markdown=True)}\n\n{after}", DOCUMENT, INTRODUCTION)
        journal.DOCUMENT.write_text(page, encoding="utf-8")
    application.quit()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
