"""Undo of what is no stroke, the history panel, and what saving leaves of the steps."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget
from pytestqt.qtbot import QtBot

from core.masks import edits as edits_module
from core.masks.edits import EditDelta
from core.threshold_rule import ThresholdRule
from serr_gui.app import Program
from serr_gui.model import result as result_module
from serr_gui.model.editing import EditHistory, EditStep
from serr_gui.model.state import FovChoice
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.test_editing import Hand
from tests.gui.test_segmenting import export, segment


@pytest.fixture
def hand(start: StartProgram, qtbot: QtBot, photo: Path) -> Hand:
    program = start(photo)
    segment(program, qtbot)
    return Hand(program, qtbot)


def idle(program: Program) -> bool:
    return program.state.task is None and not program.controller.context.workers.busy("fov")


def steps(program: Program) -> tuple[str, ...]:
    return program.state.editing.steps


def test_the_threshold_is_a_step_and_moves_of_the_slider_are_one(hand: Hand, qtbot: QtBot) -> None:
    program, state = hand.program, hand.program.state
    own = state.rule
    for level in (100, 90, 80):
        program.controller.set_level(level)
    program.window.commands["threshold_otsu"].trigger()
    qtbot.waitUntil(lambda: len(steps(program)) == 2, timeout=WAIT_MS)
    otsu = state.rule
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert state.rule == ThresholdRule(80, "user")
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert state.rule == own
    assert state.item is not None
    assert state.item.rule is None
    hand.key(Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    hand.key(Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert state.rule == otsu
    program.window.commands["threshold_otsu"].trigger()
    program.controller.set_level(77)  # sooner than Otsu's is found
    qtbot.waitUntil(lambda: not program.controller.context.workers.busy("otsu"), timeout=WAIT_MS)
    assert state.rule == ThresholdRule(77, "user")


def test_the_field_of_view_is_a_step(hand: Hand, qtbot: QtBot) -> None:
    program, state = hand.program, hand.program.state
    document = state.document
    assert document is not None
    assert document.fov is not None
    before, mask = document.fov, document.fov.inside.copy()
    mask[:, :80] = False
    program.controller.photos.set_fov(FovChoice.edited(mask))
    qtbot.waitUntil(lambda: bool(steps(program)), timeout=WAIT_MS)
    assert state.document is not None
    assert state.document.fov is not None
    assert state.document.fov.origin == "edited"
    assert np.array_equal(state.document.fov.inside, mask)
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: state.document is not None and state.document.fov is before, timeout=WAIT_MS)
    hand.key(Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: state.document is not None and state.document.fov is not before, timeout=WAIT_MS)
    assert np.array_equal(state.document.fov.inside, mask)


def test_another_model_is_a_step_and_the_corrections_stay(hand: Hand, qtbot: QtBot, small_models: Path) -> None:
    program, state = hand.program, hand.program.state
    first = hand.result.segmentation
    hand.key(Qt.Key.Key_B)
    hand.stroke((60, 60), (90, 60))
    codes = hand.codes
    program.controller.models.set_model(small_models / "other.safetensors")
    segment(program, qtbot)
    assert [hand.result.model, *steps(program)[1:]] == ["other", "Model other"]
    assert np.array_equal(hand.codes, codes)
    second = hand.result.segmentation
    program.window.commands["undo"].trigger()
    assert state.task is None, "it need not be found again"
    qtbot.waitUntil(lambda: hand.result.segmentation is first, timeout=WAIT_MS)
    assert state.model_choice is not None
    assert state.model_choice.name == "small"
    assert np.array_equal(hand.codes, codes)
    program.window.commands["redo"].trigger()
    qtbot.waitUntil(lambda: hand.result.segmentation is second, timeout=WAIT_MS)
    program.controller.history.go_to(0)
    qtbot.waitUntil(lambda: not hand.result.edits, timeout=WAIT_MS)
    assert hand.result.segmentation is first
    program.controller.history.go_to(2)
    qtbot.waitUntil(lambda: hand.result.segmentation is second, timeout=WAIT_MS)
    assert np.array_equal(hand.codes, codes)
    program.controller.context.store.memory_bytes = 1  # no room for what is not on the screen
    program.controller.context.store.overflow(keep=hand.program.state.photos[0].path)
    program.window.commands["undo"].trigger()
    qtbot.waitUntil(lambda: state.task is None and state.result is not None, timeout=WAIT_MS)
    assert hand.result.model == "small"
    assert hand.result.segmentation is not first
    assert np.array_equal(hand.result.segmentation.probability.values, first.probability.values)
    assert np.array_equal(hand.codes, codes)
    assert (len(steps(program)), state.editing.done) == (2, 1)
    program.window.commands["undo"].trigger()
    assert not hand.codes.any()


@pytest.fixture
def by_two_models(hand: Hand, qtbot: QtBot, small_models: Path) -> Hand:
    """A photograph with a stroke, then another model, and another stroke: three steps."""
    hand.key(Qt.Key.Key_B)
    hand.stroke((60, 60), (90, 60))
    hand.program.controller.models.set_model(small_models / "other.safetensors")
    segment(hand.program, qtbot)
    hand.stroke((60, 90), (90, 90))
    assert steps(hand.program) == ("Brush", "Model other", "Brush")
    return hand


def begin_to_undo_the_model(hand: Hand) -> None:
    hand.program.window.commands["undo"].trigger()  # the second stroke
    hand.program.window.commands["undo"].trigger()
    assert hand.program.controller.context.workers.busy("model step")
    assert hand.result.model == "other", "the thread is heard of in a later turn of the event loop"


def test_undo_of_a_model_lays_the_corrections_on_in_a_thread(
    by_two_models: Hand, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand, program = by_two_models, by_two_models.program
    program.window.commands["undo"].trigger()
    codes, in_window = hand.codes, dict[str, set[bool]]()
    for module, name in ((edits_module, "_unpacked"), (edits_module, "edited_levels"), (result_module, "level_counts")):
        real = getattr(module, name)

        def make(*values: Any, name: str = name, real: Any = real) -> Any:
            in_window.setdefault(name, set()).add(threading.current_thread() is threading.main_thread())
            return real(*values)

        monkeypatch.setattr(module, name, make)
    for command, model in (("undo", "small"), ("redo", "other")):
        program.window.commands[command].trigger()
        qtbot.waitUntil(lambda model=model: hand.result.model == model, timeout=WAIT_MS)
        assert in_window == {"_unpacked": {False}, "edited_levels": {False}, "level_counts": {False}}
        assert np.array_equal(hand.codes, codes)
        in_window.clear()


def applied(hand: Hand) -> None:
    """Wait until all steps are applied that were asked for."""
    hand.qtbot.waitUntil(lambda: not hand.program.controller.context.workers.busy("model step"), timeout=WAIT_MS)


def test_undo_several_times_quickly_takes_all_steps_in_their_order(by_two_models: Hand) -> None:
    hand, program = by_two_models, by_two_models.program
    codes, history = hand.codes, program.controller.history
    begin_to_undo_the_model(hand)
    history.undo()
    assert program.state.editing.done == 1
    applied(hand)
    assert program.state.editing.done == 0
    assert (hand.result.model, bool(hand.result.edits)) == ("small", False)
    for _ in range(3):
        history.redo()
    applied(hand)
    assert (program.state.editing.done, hand.result.model) == (3, "other")
    assert np.array_equal(hand.codes, codes)
    history.go_to(1)
    history.go_to(3)
    history.undo()
    applied(hand)
    assert (program.state.editing.done, hand.result.model) == (2, "other")
    history.go_to(1)
    history.redo()
    applied(hand)
    assert (program.state.editing.done, hand.result.model) == (2, "other")


def test_what_is_painted_right_after_undo_comes_after_it(by_two_models: Hand) -> None:
    hand = by_two_models
    begin_to_undo_the_model(hand)
    hand.stroke((60, 110), (90, 110))
    assert (steps(hand.program), hand.result.model) == (("Brush", "Brush"), "small")
    assert (hand.codes[60, 60:90].all(), hand.codes[90, 60:90].any(), hand.codes[110, 60:90].all()) == (1, 0, 1)
    assert np.array_equal(hand.canvas.shown_mask(), hand.result.levels >= hand.program.state.rule.level)


def test_another_photograph_right_after_undo_loses_nothing(
    by_two_models: Hand, qtbot: QtBot, photos: tuple[Path, Path, Path]
) -> None:
    hand, program = by_two_models, by_two_models.program
    program.controller.photos.list_path(photos[1])
    begin_to_undo_the_model(hand)
    program.controller.history.undo()
    program.window.commands["next"].trigger()
    qtbot.waitUntil(lambda: program.state.document is not None, timeout=WAIT_MS)
    assert program.state.item is not None
    assert (program.state.item.path, program.state.result, steps(program)) == (photos[1], None, ())
    program.window.commands["previous"].trigger()
    qtbot.waitUntil(lambda: program.state.result is not None, timeout=WAIT_MS)
    assert (hand.result.model, bool(hand.result.edits), program.state.editing.done) == ("small", False, 0)


def test_work_and_the_end_of_the_program_right_after_undo_find_it_done(
    by_two_models: Hand, qtbot: QtBot, start: StartProgram
) -> None:
    hand, program = by_two_models, by_two_models.program
    begin_to_undo_the_model(hand)
    program.controller.segmentation.segment()
    assert hand.result.model == "small"
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)
    assert (hand.result.model, steps(program)) == ("small", ("Brush", "Model other", "Brush"))
    codes = hand.codes
    program.controller.history.redo()
    assert program.controller.context.workers.busy("model step")
    assert program.window.close()
    again = start()
    qtbot.waitUntil(lambda: bool(again.state.notices), timeout=WAIT_MS)
    notice = again.state.notices[-1]
    again.controller.keeping.continue_work(notice, notice.choices[0].path)
    qtbot.waitUntil(lambda: again.state.result is not None, timeout=WAIT_MS)
    result = again.state.result
    assert result is not None
    assert result.edits is not None
    assert (result.model, again.state.editing.done) == ("other", 2)
    assert np.array_equal(result.edits.codes, codes)


def test_a_click_in_the_history_goes_there(hand: Hand) -> None:
    program = hand.program
    hand.key(Qt.Key.Key_B)
    seen = [hand.result.levels.copy()]
    for row in (50, 70, 90):
        hand.stroke((60, row), (90, row))
        seen.append(hand.result.levels.copy())
    program.window.show_dock("history")
    lines = program.window.history.findChild(QListWidget)
    assert isinstance(lines, QListWidget)
    assert [lines.item(row).text() for row in range(lines.count())] == ["As opened", "Brush", "Brush", "Brush"]
    for row in (1, 3, 0, 2):
        place = lines.visualItemRect(lines.item(row)).center()
        hand.qtbot.mouseClick(lines.viewport(), Qt.MouseButton.LeftButton, pos=place)
        assert np.array_equal(hand.result.levels, seen[row])
        assert lines.currentRow() == row
        assert lines.item(3).font().italic() is (row < 3)


def test_saving_keeps_the_steps_and_undo_knows_what_is_saved(hand: Hand, qtbot: QtBot, tmp_path: Path) -> None:
    program, state = hand.program, hand.program.state
    hand.key(Qt.Key.Key_B)
    hand.stroke((60, 60), (90, 60))
    export(program, qtbot, tmp_path / "out")

    def unsaved() -> bool:
        assert state.item is not None
        return state.item.unsaved

    assert not unsaved()
    program.window.commands["undo"].trigger()
    assert unsaved()
    program.window.commands["redo"].trigger()
    assert not unsaved()
    hand.stroke((60, 90), (90, 90))
    assert unsaved()
    program.window.commands["undo"].trigger()
    assert not unsaved()


def test_a_history_is_bounded_and_knows_what_was_saved() -> None:
    history = EditHistory(bound_bytes=100)
    history.set_clean()
    for number in range(5):
        history.push(EditStep(str(number), EditDelta((0, 0, 1, 1), b"x" * 15, b"x" * 15, 1)))
    assert history.names == ("2", "3", "4")
    while history.undo() is not None:
        assert not history.is_clean  # what was saved is beyond the bound
    history.push(EditStep("rule", kind="rule", before=1, after=2))
    history.push(EditStep("rule", kind="rule", before=2, after=3), merge=True)
    last = history.last
    assert last is not None
    assert (len(history.names), last.before, last.after) == (1, 1, 3)
