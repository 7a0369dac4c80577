#!/usr/bin/env python
"""How soon a stroke is in the journal, what that costs the window, and how large the journal becomes.

``python benchmarks/journal.py [--write]``. Nothing but the library is used: no window, no network.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from core.masks.edits import BACKGROUND, VESSEL, MaskEdits
from core.masks.strokes import brush_path
from core.session.journal import Journal
from core.session.journal_log import LOG, read_log, write_log
from core.session.journal_state import edits_entry, facts_entry, list_entry, steps_entry
from core.session.packing import packed_floats
from core.session.records import EditsRecord, PhotoRecord, PhotoRef, StepRecord

SIZES = ((565, 584), (3504, 2336), (6000, 4000))
STROKES = 500
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "journal.md"
INTRODUCTION = """# The journal

Made by `python benchmarks/journal.py --write`, and by `benchmarks/stroke.py` with its own page. A hand paints 500
strokes, each a way of 20 points with a brush of 2 to 12 pixels, and every stroke is handed to the journal as the window
does it.

- "hand over": what the window waits for, the call that gives the stroke to the journal's thread.
- "on the disk": from there until the bytes are written and the system has put them onto the disk (`fsync`).
- "stroke": bytes in the log for a stroke, with the step of Undo.
- "compaction": writing a log that has grown to all 500 strokes again as the state that it adds up to; it happens in the
  thread, when a log has more than 8 MB and four times what it needs.
- "read": reading that log, as the next start does.
- "map": the time to deflate the float32 probabilities of a photograph for the journal, once for each run of a network,
  and their size as a share of the raw values (drawn probabilities, of which most are near 0 or 1).

The aim: a stroke is on the disk within 1 s, and the window waits for less than 1 ms.
"""


def strokes(shape: tuple[int, int]) -> list[StepRecord]:
    """What a hand has painted."""
    dice, edits = np.random.default_rng(0), MaskEdits(np.zeros(shape, np.uint8))
    steps: list[StepRecord] = []
    while len(steps) < STROKES:
        start = dice.random(2) * (shape[1], shape[0])
        way = start + np.cumsum(dice.normal(0, 6, (20, 2)), axis=0)
        step = brush_path([(float(x), float(y)) for x, y in way], [float(dice.integers(2, 12))] * 20)
        delta = edits.paint(step.top, step.left, step.pixels, VESSEL if dice.random() < 0.7 else BACKGROUND)
        if delta is not None:
            steps.append(StepRecord("Brush", delta))
    return steps


def row(width: int, height: int, folder: Path) -> list[str]:
    """The numbers for photographs of a size."""
    photo = PhotoRef(Path("/photographs/eye.png"), "ab" * 32, (height, width))
    steps = strokes((height, width))
    journal = Journal(folder / f"{width}")
    journal.put(list_entry((photo.path,), 0, ""), facts_entry(PhotoRecord(photo)), edits_entry(photo, EditsRecord()))
    assert journal.flush()
    waits, written = [], []
    before = (journal.folder / LOG).stat().st_size
    for number, step in enumerate(steps):
        start = time.perf_counter()
        journal.put(steps_entry(photo.path, 0, number, (step,), number + 1))
        waits.append(time.perf_counter() - start)
        assert journal.flush()
        written.append(time.perf_counter() - start)
    size = (journal.folder / LOG).stat().st_size - before
    start = time.perf_counter()
    log = read_log(journal.folder)
    read_s = time.perf_counter() - start
    start = time.perf_counter()
    whole = write_log(folder / "compact", log.state.entries())
    compact_s = time.perf_counter() - start
    journal.close()
    dice = np.random.default_rng(1)
    values = (1 / (1 + np.exp(-dice.normal(-6, 4, (height, width))))).astype(np.float32)
    start = time.perf_counter()
    packed = len(packed_floats(values))
    map_s = time.perf_counter() - start
    return [
        f"{width} x {height}",
        f"{1000 * np.median(waits):.2f} / {1000 * np.percentile(waits, 95):.2f}",
        f"{1000 * np.median(written):.1f} / {1000 * np.percentile(written, 95):.1f} / {1000 * max(written):.0f}",
        f"{size / len(steps):.0f}",
        f"{1000 * compact_s:.0f} ms, {whole / 1024:.0f} KB",
        f"{1000 * read_s:.0f} ms",
        f"{map_s:.2f} s, {packed / values.nbytes:.0%}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.name}")
    arguments = parser.parse_args()
    page = measured()
    print(page)
    if arguments.write:
        DOCUMENT.write_text(page, encoding="utf-8")


def measured() -> str:
    """Measure everything; the page."""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
        rows = [row(width, height, Path(folder)) for width, height in SIZES]
    head = [
        "photograph",
        "hand over, ms (median / 95 %)",
        "on the disk, ms (median / 95 % / largest)",
        "stroke, bytes",
        "compaction",
        "read",
        "map",
    ]
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]
    facts = (
        f"- Processor: {platform.machine()}, {os.cpu_count()} cores; load average before (1, 5, 15 min): {load}\n"
        f"- System: {platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}\n"
        f"- Date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n"
    )
    return "\n".join([INTRODUCTION, facts, *lines, ""])


if __name__ == "__main__":
    main()
