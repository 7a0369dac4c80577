"""Two hundred photographs: marks, notes, the next that is left, the time that each takes, filters and sorting."""

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QToolButton
from pytestqt.qtbot import QtBot

from core.types import PhotoMarks
from serr_gui.app import Program
from serr_gui.model.annotating import IDLE_S, ActiveClock, time_text
from serr_gui.model.state import PhotoItem
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.test_photo_list import Photos, entry, listed_names, names, select
from tests.gui.test_segmenting import export, segment


def item(program: Program) -> PhotoItem:
    found = program.state.item
    assert found is not None
    return found


def press(program: Program, qtbot: QtBot, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier):
    program.window.activateWindow()
    qtbot.waitUntil(program.window.isActiveWindow)
    QTest.keyClick(QApplication.focusWidget() or program.window, key, modifiers)
    qtbot.waitUntil(lambda: program.state.opening is None, timeout=WAIT_MS)


def done_and_next(program: Program, qtbot: QtBot) -> None:
    press(program, qtbot, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)


def test_ctrl_enter_marks_and_goes_to_the_next_that_is_left(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    program.controller.annotating.set_done([photos[1]], True)
    done_and_next(program, qtbot)
    assert item(program).path == photos[2]  # the second one is done already
    assert "2 of 3 done" in program.window.files._summary.text()
    done_and_next(program, qtbot)
    assert all(each.marks.done for each in program.state.photos)
    assert item(program).path == photos[2]
    assert "All 3 photographs are done." in [notice.text for notice in program.state.notices]
    press(program, qtbot, Qt.Key.Key_Y)
    assert not item(program).marks.done
    program.controller.photos.select(0)
    qtbot.waitUntil(lambda: program.state.opening is None, timeout=WAIT_MS)
    done_and_next(program, qtbot)
    assert item(program).path == photos[2]


def test_a_filter_that_hides_what_is_left_says_so(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    program.controller.photos.filter_list("eye 2")
    program.controller.photos.select(1)
    qtbot.waitUntil(lambda: program.state.opening is None, timeout=WAIT_MS)
    done_and_next(program, qtbot)
    assert any("the filter hides 2" in notice.text for notice in program.state.notices)


def test_marks_and_note_are_set_below_the_list(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    form = program.window.files.marks
    done, doubtful = form.findChildren(QToolButton)[:2]
    field = form.findChild(QLineEdit)
    assert isinstance(field, QLineEdit)
    qtbot.mouseClick(doubtful, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(doubtful.isChecked, timeout=WAIT_MS)
    press(program, qtbot, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClicks(field, "bleeding near the disc")
    assert item(program).marks == PhotoMarks(
        doubtful=True, note="bleeding near the disc", seconds=item(program).marks.seconds
    )
    done_and_next(program, qtbot)  # also from inside the field
    assert item(program).path == photos[1]
    assert field.text() == ""
    qtbot.waitUntil(lambda: not doubtful.isChecked(), timeout=WAIT_MS)
    tip = str(program.window.files._model.index(0).data(Qt.ItemDataRole.ToolTipRole))
    for words in ("done", "marked as doubtful", "note: bleeding near the disc"):
        assert words in tip
    program.controller.photos.select(0)
    assert field.text() == "bleeding near the disc"
    qtbot.waitUntil(done.isChecked, timeout=WAIT_MS)


def test_the_list_shows_and_sorts_by_marks(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    annotating, files = program.controller.annotating, program.window.files
    annotating.set_done([photos[0]], True)
    annotating.set_doubtful([photos[1]], True)
    annotating.set_note(photos[2], "look again")
    program.controller.context.set_item(photos[2], corrected=True)
    box = files.findChild(QComboBox)
    assert isinstance(box, QComboBox)
    expected = {
        "Not done": [1, 2],
        "Done": [0],
        "Corrected by hand": [2],
        "Doubtful": [1],
        "With a note": [2],
        "All": [0, 1, 2],
    }
    for text, rows in expected.items():
        row = box.findText(text)
        box.setCurrentIndex(row)
        box.activated.emit(row)
        assert listed_names(program) == [photos[each].name for each in rows], text
    for order, first in (("undone", 1), ("corrected", 2), ("doubtful", 1)):
        files.orderRequested.emit("opened")
        files.orderRequested.emit(order)
        assert names(program)[0] == photos[first].name, order


def test_several_are_marked_from_the_menu_of_the_list(start: StartProgram, photos: Photos) -> None:
    program = start(*photos)
    select(program, 0, 2)
    entry(program, "Mark as Done").trigger()
    assert [each.marks.done for each in program.state.photos] == [True, False, True]
    select(program, 0, 2)
    entry(program, "Mark as Not Done").trigger()
    assert not any(each.marks.done for each in program.state.photos)
    select(program, 1)
    entry(program, "Mark as Doubtful").trigger()
    assert program.state.photos[1].marks.doubtful


def test_time_is_counted_between_inputs_and_neither_idle_nor_elsewhere() -> None:
    clock = ActiveClock()
    for now in (100.0, 102.0, 105.0):
        clock.touch(now)
    assert clock.take() == 5.0
    clock.touch(105.0 + 600.0)  # ten minutes of coffee
    assert clock.take() == IDLE_S
    clock.pause(710.0)
    clock.touch(900.0)  # another program was in front
    clock.touch(901.0)
    assert clock.take() == 5.0 + 1.0
    assert [time_text(value) for value in (44.6, 200, 3900)] == ["45 s", "3 min 20 s", "1 h 5 min"]


def test_each_photograph_has_the_time_of_the_hand_on_it(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    annotating, canvas = program.controller.annotating, program.window.canvas
    program.window.activateWindow()
    qtbot.waitUntil(program.window.isActiveWindow)
    annotating.pause()
    before = item(program).marks.seconds
    clock = iter(range(1000, 2000, 4))
    annotating.now = lambda: float(next(clock))
    for x in (10, 20, 30):
        QTest.mouseMove(canvas, QPoint(x, 10))
    program.controller.photos.step(1)
    qtbot.waitUntil(lambda: program.state.opening is None, timeout=WAIT_MS)
    seconds = program.state.photos[0].marks.seconds - before
    assert seconds >= 8.0
    assert seconds % 4.0 == pytest.approx(0.0)
    assert program.state.photos[1].marks.seconds == 0.0
    assert "of work" in str(program.window.files._model.index(0).data(Qt.ItemDataRole.ToolTipRole))


def test_the_side_car_tells_what_the_observer_said(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path
) -> None:
    program = start(photo)
    segment(program, qtbot)
    annotating = program.controller.annotating
    annotating.set_doubtful([photo], True)
    annotating.set_note(photo, "Größe?")
    folder = tmp_path / "out"
    export(program, qtbot, folder)
    record = json.loads(next(folder.glob("*.serr.json")).read_text(encoding="utf-8"))["annotation"]
    assert record["note"] == "Größe?"
    assert record["doubtful"]
    assert not record["done"]
    assert record["vessel_pixels"] == record["background_pixels"] == 0
