"""How long a step of the threshold slider takes while the program compares with two experts' labels.

Measured as in ``live_threshold.py``: from the call that moves the slider to the window system's answer, with
everything that follows in the program's own window. Besides, the time that the scores themselves take.

Run on a virtual screen: ``xvfb-run -a -s "-screen 0 1920x1200x24" python benchmarks/live_comparison.py``; ``--write
NAME`` also puts the tables into docs/benchmarks/live-comparison.md, in place of those with that name.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np
from PySide6.QtWidgets import QApplication, QDockWidget

from benchmarks.live_threshold import (
    SIZES,
    Paints,
    Row,
    facts,
    make_case,
    measure,
    open_program,
    slider_steps,
    table,
    write_section,
)
from core.threshold_rule import ThresholdRule
from core.types import BoolArray, ExpertLabel
from serr_gui.model import score_selectors
from serr_gui.model.comparison import LabelFile, LabelSlot, LabelSlots
from serr_gui.model.state import AppState, ViewOptions

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "live-comparison.md"
_REST_S = 0.32
INTRODUCTION = """# The live comparison

Made by `xvfb-run -a -s "-screen 0 1920x1200x24" python benchmarks/live_comparison.py --write NAME`. A time runs from
the step of the slider to the window system's answer that the new picture is on the screen, in the program's own window
of 1400 x 900 with two experts' labels: three columns of ten scores follow each step, and the error map and the curves
where they are named. "scores alone" is the computation of all scores of a step without showing them.

The aim: scores below 0.1 ms, a step below 10 ms in the median; with the error map below 16 ms in the median and 24 ms
for 95 % of the steps, at each size.

"processor ms" is the median of the processor time that the program took, on all cores together: alongside other work at
the same priority it stays about the same, while the times on the clock grow with what the others take. So the tables
name the load.

"after rests": the slider has rested for 0.3 s before each step, so that clDice of the step before is being computed,
which takes up to two seconds for 24 megapixels. That work waits while the mouse holds the slider, makes one skeleton at
a time, and runs at a low priority.

Why the size of the photograph hardly matters: the counts of all 256 thresholds come from two cumulative histograms that
are made once, beside the window, and the error map is one comparison and one table of four colours for each pixel of
the screen.
"""


def make_labels(size: tuple[int, int]) -> LabelSlots:
    """Two experts who see the dark structures of the photograph differently."""
    _, levels, inside = make_case(*size)
    drawn = (levels >= 150) & inside
    other = np.asarray(cv2.dilate((levels >= 190).astype(np.uint8), np.ones((3, 3), np.uint8)), np.uint8)
    other[:, : size[0] // 4] = 0
    return _slot(drawn), _slot((other > 0) & inside)


def _slot(vessel: BoolArray) -> LabelSlot:
    return LabelSlot(LabelFile(Path("label.png")), ExpertLabel(vessel), usable=True)


def rested_steps(set_level: Callable[[int], object], count: int) -> Iterator[Callable[[], None]]:
    """A slider that rests between its steps for so long that the comparison of the centre lines has just begun."""
    for step in slider_steps(set_level, count):
        until = time.perf_counter() + _REST_S
        while time.perf_counter() < until:
            QApplication.processEvents()
            time.sleep(0.005)
        yield step


def time_scores(state: AppState, count: int) -> float:
    """Median milliseconds for all scores of a step."""
    times = []
    for number in range(count):
        state.rule = ThresholdRule(1 + number % 255)
        begin = time.perf_counter()
        score_selectors.score_columns(state)
        times.append((time.perf_counter() - begin) * 1000.0)
    return float(np.median(times))


def run_size(size: tuple[int, int], count: int) -> Iterator[Row | float]:
    with open_program(size, make_labels(size)) as (window, slider):
        state = window.state
        dock = window.findChild(QDockWidget, "comparison")
        assert isinstance(dock, QDockWidget)
        dock.raise_()
        while (
            (against := score_selectors.scored_label(state, 1)) is None
            or against.areas is None
            or not state.centre_lines
        ):
            QApplication.processEvents()
            time.sleep(0.01)
        paints = Paints(window.canvas)
        errors = ViewOptions(show_errors=True)
        for name, options, curves in (
            ("mask", ViewOptions(), False),
            ("error map", errors, False),
            ("error map + probability", ViewOptions(show_errors=True, show_probability=True), False),
            ("error map + curves", errors, True),
        ):
            state.view = options
            if curves:
                window.commands["show_curves"].trigger()
            for place, show in (("fitted", window.canvas.fit), ("100 %", lambda: window.canvas.zoom_to(1.0))):
                show()
                yield Row(size, f"slider, {place}", name, measure(paints, slider_steps(slider.setValue, count)))
            if options is errors and not curves:
                window.canvas.fit()
                rested = rested_steps(slider.setValue, count // 5)
                yield Row(size, "slider after rests, fitted", name, measure(paints, rested))
        yield time_scores(state, 1000)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=302, help="steps of each kind (default: %(default)s)")
    parser.add_argument("--write", metavar="NAME", help="write the section NAME of docs/benchmarks/live-comparison.md")
    arguments = parser.parse_args()
    application = QApplication(sys.argv[:1])
    lines = facts()
    rows: list[Row] = []
    for size in SIZES:
        for outcome in run_size(size, arguments.steps):
            if isinstance(outcome, Row):
                rows.append(outcome)
            else:
                lines.append(f"ScoreSet alone at {size[0]} x {size[1]}: {outcome:.3f} ms (median)")
    text = "\n".join(f"- {line}" for line in lines)
    print(text, table(rows, markdown=False), sep="\n\n")
    if arguments.write:
        write_section(arguments.write, f"{text}\n\n{table(rows, markdown=True)}", DOCUMENT, INTRODUCTION)
    application.quit()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
