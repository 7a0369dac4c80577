"""The work of the last time comes back: after a quit, and after a program that was killed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from core.datasets.synthetic import draw_case
from core.resources import sample_path
from core.session import journal as journal_module
from core.session.journal import abandoned_journals
from core.session.journal_log import LOG, START, framed, read_log
from core.session.journal_state import Entry, facts_entry, list_entry
from core.session.records import PhotoRecord, PhotoRef
from serr_gui.app import Program
from serr_gui.model.keeping import journals_folder
from tests.bad_outputs import ordinary_rights
from tests.gui.conftest import WAIT_MS, StartProgram, settled
from tests.gui.test_editing import Hand
from tests.gui.test_segmenting import answer, segment

Photos = tuple[Path, Path, Path]
KilledHere = Callable[[], None]


@pytest.fixture
def killed_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KilledHere:
    """What is on the disk now is all that the next program finds, as if this one had been killed in this moment."""

    def snapshot() -> None:
        (tmp_path / "own" / "config").mkdir(parents=True, exist_ok=True)  # nothing may have been written until now
        copy = tmp_path / "own" / f"after {len(list((tmp_path / 'own').iterdir()))}"
        shutil.copytree(tmp_path / "own" / "config", copy)
        monkeypatch.setenv("SERR_CONFIG_DIR", str(copy))

    return snapshot


def press(program: Program, text: str, qtbot: QtBot) -> None:
    """Press a button of the notices, as soon as it is there."""

    def buttons() -> list[QPushButton]:
        return [each for each in program.window.notice_bar.findChildren(QPushButton) if each.text() == text]

    qtbot.waitUntil(lambda: any(each.isVisible() for each in buttons()), timeout=WAIT_MS)
    qtbot.mouseClick(next(each for each in buttons() if each.isVisible()), Qt.MouseButton.LeftButton)


def continued(program: Program, qtbot: QtBot) -> None:
    """The work of the last time is back, and a photograph of it on the screen."""
    with qtbot.waitSignal(program.controller.keeping.restored, timeout=WAIT_MS):
        press(program, "Continue", qtbot)
    qtbot.waitUntil(lambda: settled(program), timeout=WAIT_MS)


def painted(program: Program, qtbot: QtBot) -> Hand:
    """Three strokes, of which the last is taken back."""
    hand = Hand(program, qtbot)
    hand.key(Qt.Key.Key_B)
    hand.stroke((60, 60), (90, 70), (100, 90))
    hand.stroke((40, 80), (60, 85))
    hand.key(Qt.Key.Key_E)
    hand.stroke((70, 70), (80, 90))
    program.window.commands["undo"].trigger()
    return hand


def flushed(program: Program) -> None:
    program.controller.keeping.write()
    assert program.controller.keeping.journal.flush(60)


def test_after_a_kill_everything_is_there_again_to_the_last_stroke(
    start: StartProgram, qtbot: QtBot, photos: Photos, killed_here: KilledHere
) -> None:
    first = start(*photos[:2])
    segment(first, qtbot)
    painted(first, qtbot)
    first.controller.nudge_level(7)
    flushed(first)
    before, rule = first.state.result, first.state.rule
    assert before is not None
    killed_here()
    program = start()
    continued(program, qtbot)
    state = program.state
    assert [item.path for item in state.photos] == list(photos[:2])
    assert state.item is not None
    assert (state.item.path, state.item.unsaved, state.item.corrected) == (photos[0], True, True)
    after = state.result
    assert after is not None
    assert after.segmentation.probability.values.tobytes() == before.segmentation.probability.values.tobytes()
    assert np.array_equal(after.levels, before.levels)
    assert state.rule == rule
    assert after.model == before.model
    commands = program.window.commands
    commands["redo"].trigger()
    assert not commands["redo"].isEnabled()
    while commands["undo"].isEnabled():
        commands["undo"].trigger()
    assert state.result is not None
    assert np.array_equal(state.result.levels, state.result.segmentation.probability.levels)


def test_work_on_the_sample_comes_back_but_not_a_mere_look_at_it(
    start: StartProgram, qtbot: QtBot, killed_here: KilledHere
) -> None:
    first = start(sample_path())
    segment(first, qtbot)
    flushed(first)
    killed_here()
    assert not abandoned_journals(journals_folder())
    hand = Hand(first, qtbot)
    hand.key(Qt.Key.Key_B)
    hand.stroke((30, 30), (60, 40))  # outside the field of view: nothing to keep
    flushed(first)
    hand.stroke((600, 600), (700, 640))
    flushed(first)
    result = first.state.result
    assert result is not None
    killed_here()
    second = start()
    continued(second, qtbot)
    assert second.state.document is not None
    assert second.state.document.path == sample_path()
    assert second.state.result is not None
    assert np.array_equal(second.state.result.levels, result.levels)


def test_each_stroke_is_handed_over_without_waiting_for_anything(
    start: StartProgram, qtbot: QtBot, photo: Path, killed_here: KilledHere
) -> None:
    first = start(photo)
    segment(first, qtbot)
    flushed(first)
    painted(first, qtbot)
    assert first.controller.keeping.journal.flush(60)  # without a call of write
    killed_here()
    (left,) = abandoned_journals(journals_folder())
    assert left.photos[0].edits is not None
    assert [step.name for step in left.photos[0].edits.steps] == ["Brush", "Brush", "Eraser"]
    assert left.photos[0].edits.done == 2


def test_quitting_asks_nothing_and_the_next_start_continues(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    first = start(*photos)
    segment(first, qtbot)
    painted(first, qtbot)
    first.controller.annotating.set_note(photos[1], "look again")
    levels = first.state.result.levels if first.state.result else None
    assert first.window.close()
    program = start()
    continued(program, qtbot)
    assert program.state.result is not None
    assert np.array_equal(program.state.result.levels, levels)
    assert program.state.photos[1].marks.note == "look again"
    assert program.window.close()
    assert len(abandoned_journals(journals_folder())) == 1


def test_continuing_can_be_cancelled_and_is_offered_again(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    first = start(photo)
    segment(first, qtbot)
    painted(first, qtbot)
    levels = first.state.result.levels if first.state.result else None
    assert first.window.close()
    program = start()
    press(program, "Continue", qtbot)
    assert not program.state.notices
    program.controller.session_task.cancel()
    assert program.window.session_task_bar.isVisible()
    qtbot.waitUntil(lambda: bool(program.state.notices), timeout=WAIT_MS)
    assert not program.window.session_task_bar.isVisible()
    assert not program.state.photos
    continued(program, qtbot)
    assert program.state.result is not None
    assert np.array_equal(program.state.result.levels, levels)


def test_work_that_is_not_wanted_is_deleted_only_after_a_question(
    start: StartProgram, qtbot: QtBot, photo: Path
) -> None:
    first = start(photo)
    segment(first, qtbot)
    painted(first, qtbot)
    assert first.window.close()
    second, seen = start(), []
    QTimer.singleShot(0, lambda: None)
    qtbot.waitUntil(lambda: bool(second.state.notices), timeout=WAIT_MS)
    QTimer.singleShot(100, answer("Keep It", seen))
    press(second, "Start Empty", qtbot)
    assert seen[1] == "Keep It"
    assert not second.state.photos
    assert second.window.close()
    third = start()
    qtbot.waitUntil(lambda: bool(third.state.notices), timeout=WAIT_MS)
    QTimer.singleShot(100, answer("Delete It", seen))
    press(third, "Start Empty", qtbot)
    assert not abandoned_journals(journals_folder())


def test_corrections_are_never_laid_over_other_pixels(
    start: StartProgram, qtbot: QtBot, photo: Path, killed_here: KilledHere
) -> None:
    first = start(photo)
    segment(first, qtbot)
    painted(first, qtbot)
    flushed(first)
    killed_here()
    Image.fromarray(draw_case(77, 160).image.rgb).save(photo)
    program = start()
    continued(program, qtbot)
    assert program.state.result is None
    notice = next(each for each in program.state.notices if "changed" in each.text)
    assert "corrections" in notice.text
    program.window.commands["segment"].trigger()
    qtbot.waitUntil(lambda: any("is not used" in each.text for each in program.state.notices), timeout=WAIT_MS)
    assert program.state.result is None
    flushed(program)
    folder = program.controller.keeping.journal.folder
    assert read_log(folder).state.records(folder)[0].edits is not None
    press(program, "Drop the Corrections", qtbot)
    qtbot.waitUntil(lambda: settled(program), timeout=WAIT_MS)
    result = segment(program, qtbot)
    assert not result.is_corrected
    flushed(program)
    assert read_log(folder).state.records(folder)[0].edits is None


def test_a_disk_that_fails_is_told_once_and_closing_asks_then(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_RETRY_S", 0.05)
    config = tmp_path / "own" / "config"
    config.mkdir(parents=True)
    config.chmod(0o555)
    with ordinary_rights():
        program = start(photo)
        segment(program, qtbot)
        painted(program, qtbot)
        program.controller.keeping.write()
        qtbot.waitUntil(lambda: any(each.until == "disk" for each in program.state.notices), timeout=WAIT_MS)
        seen: list[str] = []
        QTimer.singleShot(0, answer("Cancel", seen))
        assert not program.window.close()
        assert "will be lost" in seen[0]
        config.chmod(0o755)
        qtbot.waitUntil(lambda: not any(each.until == "disk" for each in program.state.notices), timeout=WAIT_MS)
        assert program.controller.keeping.journal.flush(60)
        assert program.window.close()
    (left,) = abandoned_journals(journals_folder())
    assert left.photos[0].edits is not None


def test_work_that_cannot_be_read_is_named_and_kept(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    newer, damaged = (journals_folder() / name for name in ("newer", "damaged"))
    facts = [facts_entry(PhotoRecord(PhotoRef(photo), note=note)) for note in ("one", "two", "three")]
    frames = [framed(entry) for entry in (START, list_entry((photo,), 0, ""), *facts)]
    for folder in (newer, damaged):
        folder.mkdir(parents=True)
    (newer / LOG).write_bytes(framed(Entry("start", {"serr_journal": 2})) + b"".join(frames[1:]))
    (damaged / LOG).write_bytes(b"".join(frames[:3]) + bytes(len(frames[3])) + frames[4])
    before = [(folder / LOG).read_bytes() for folder in (newer, damaged)]
    program = start()
    qtbot.waitUntil(lambda: any(each.choices for each in program.state.notices), timeout=WAIT_MS)
    asked = next(each for each in program.state.notices if each.choices)
    assert asked.text.endswith("A part of it cannot be read.")
    assert "damaged.log" in asked.details
    continued(program, qtbot)
    said = [each.text for each in program.state.notices]
    assert any("written by another version" in text for text in said)
    assert any(each.folder == newer for each in program.state.notices)
    assert program.state.photos[0].marks.note == "one"
    qtbot.waitUntil(lambda: not damaged.exists(), timeout=WAIT_MS)
    assert [(newer / LOG).read_bytes(), damaged.with_name("damaged.log").read_bytes()] == before
