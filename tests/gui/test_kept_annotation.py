"""After a kill marks, questionable pixels, a drawn field of view and all steps of Undo are there again."""

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.test_editing import Hand
from tests.gui.test_keeping import KilledHere, continued, flushed, killed_here
from tests.gui.test_segmenting import segment

__all__ = ["killed_here"]


def test_what_an_observer_did_comes_back(
    start: StartProgram, qtbot: QtBot, photo: Path, killed_here: KilledHere
) -> None:
    first = start(photo)
    segment(first, qtbot)
    hand = Hand(first, qtbot)
    annotating = first.controller.annotating
    annotating.set_done([photo], True)
    annotating.set_note(photo, "look again")
    first.controller.set_level(77)
    hand.key(Qt.Key.Key_2)
    hand.stroke((60, 60), (90, 60))
    hand.key(Qt.Key.Key_3)
    first.controller.editing.set_size(30)
    hand.stroke((60, 90), button=Qt.MouseButton.RightButton)
    document = first.state.document
    assert document is not None
    qtbot.waitUntil(lambda: len(first.state.editing.steps) == 3, timeout=WAIT_MS)
    document = first.state.document
    assert document is not None
    assert document.fov is not None
    assert document.questionable is not None
    before, steps = first.state.item, first.state.editing.steps
    assert before is not None
    flushed(first)
    killed_here()
    program = start()
    continued(program, qtbot)
    state = program.state
    assert state.item is not None
    assert (state.item.marks.done, state.item.marks.note) == (True, "look again")
    assert (state.item.fov, state.item.questionable, state.item.rule) == (before.fov, before.questionable, before.rule)
    assert state.document is not None
    assert state.document.fov is not None
    assert np.array_equal(state.document.fov.inside, document.fov.inside)
    assert np.array_equal(state.document.questionable, document.questionable)
    assert (state.editing.steps, state.editing.done) == (steps, 3)
    program.controller.history.go_to(0)
    qtbot.waitUntil(
        lambda: state.document is not None and state.document.fov is not None and state.document.fov.origin != "edited",
        timeout=WAIT_MS,
    )
    assert state.document.questionable is None
    assert state.item.rule is None
