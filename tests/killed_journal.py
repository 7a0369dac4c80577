"""Journals whose program is killed while a scripted hand paints: at each file event, and at random moments.

``python -m tests.killed_journal FOLDER events`` kills a process at its n-th file event, for each n until one is through
before. ``... FOLDER random COUNT SEED`` kills COUNT of them at random moments. Each leaves FOLDER/n/journals, and in
FOLDER/n/flushed how many strokes were on the disk for certain.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

from core.masks.edits import BACKGROUND, VESSEL, MaskEdits
from core.session import journal as journal_module
from core.session.journal import Journal
from core.session.journal_state import edits_entry, facts_entry, list_entry, steps_entry
from core.session.records import EditsRecord, PhotoRecord, PhotoRef, StepRecord

SHAPE = (60, 80)
PHOTO = PhotoRef(Path("/photographs/eye.png"), "ab" * 32, SHAPE)
STROKES = 24


def stroke(edits: MaskEdits, number: int) -> StepRecord:
    """The n-th stroke of the hand: always the same."""
    dice = random.Random(number)
    code = VESSEL if number % 3 else BACKGROUND
    while True:
        top, left = dice.randrange(SHAPE[0]), dice.randrange(SHAPE[1])
        delta = edits.paint(top, left, np.ones((9, 7), np.bool_), code)
        if delta is not None:
            return StepRecord(f"Stroke {number}", delta)


def codes_after(strokes: int) -> np.ndarray:
    """What the hand has painted after so many strokes."""
    edits = MaskEdits(np.zeros(SHAPE, np.uint8))
    for number in range(strokes):
        stroke(edits, number)
    return edits.codes


def paint(folder: Path, *, strokes: int, flush_each: int) -> None:
    """Paint into a journal, and write down after every few strokes how many are on the disk."""
    journal_module._COMPACT_BYTES = 3000  # type: ignore[misc]
    journal = Journal(folder / "journals")
    edits = MaskEdits(np.zeros(SHAPE, np.uint8))
    journal.put(list_entry((PHOTO.path,), 0, "me"), facts_entry(PhotoRecord(PHOTO, unsaved=True)))
    journal.put(edits_entry(PHOTO, EditsRecord()))
    note = os.open(folder / "flushed", os.O_CREAT | os.O_WRONLY)
    for number in range(strokes):
        step = stroke(edits, number)
        journal.put(steps_entry(PHOTO.path, 0, number, (step,), number + 1))
        if number % flush_each == 0:
            assert journal.flush()
            os.pwrite(note, f"{number + 1:06d}".encode(), 0)
    journal.close()


def _at_each_event(folder: Path) -> None:
    number, killed = 0, True
    while killed:
        number += 1
        own = folder / str(number)
        own.mkdir(parents=True)
        child = os.fork()
        if not child:
            _die_at(own, number)
            paint(own, strokes=STROKES, flush_each=1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status)
        assert killed or os.waitstatus_to_exitcode(status) == 0


def _die_at(own: Path, number: int) -> None:
    left = number

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in {"os.rename", "os.remove", "os.chmod", "os.mkdir"} or (
            event == "open" and str(own) in str(arguments)
        ):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _at_random(folder: Path, count: int, seed: int) -> None:
    dice = random.Random(seed)
    for number in range(count):
        own = folder / str(number)
        own.mkdir(parents=True)
        child = os.fork()
        if not child:
            paint(own, strokes=100_000, flush_each=5)
            os._exit(1)
        time.sleep(dice.uniform(0.0, 0.08))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    where = Path(sys.argv[1])
    if sys.argv[2] == "events":
        _at_each_event(where)
    else:
        _at_random(where, int(sys.argv[3]), int(sys.argv[4]))
