"""The list of photographs: several at once, taken out, filtered, sorted, and told apart."""

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt, QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from serr_gui.app import Program
from serr_gui.panels.export_dialog import ExportDialog
from tests.gui.conftest import WAIT_MS, StartProgram, looked, settled
from tests.gui.test_segmenting import answer

Photos = tuple[Path, Path, Path]


def press_later(button: str) -> list[str]:
    """Answer the question that will be there; the list is empty until it was asked."""
    seen: list[str] = []
    QTimer.singleShot(0, answer(button, seen))
    return seen


def select(program: Program, *rows: int) -> None:
    view = program.window.files._list
    for number, row in enumerate(rows):
        kind = QItemSelectionModel.SelectionFlag
        view.selectionModel().select(view.model().index(row, 0), kind.Select if number else kind.ClearAndSelect)


def entry(program: Program, text: str) -> QAction:
    menu = program.window.files.make_menu()
    return next(action for action in menu.actions() if action.text().replace("&", "").startswith(text))


def names(program: Program) -> list[str]:
    return [item.path.name for item in program.state.photos]


def listed_names(program: Program) -> list[str]:
    view = program.window.files._list
    rows = [row for row in range(view.model().rowCount()) if not view.isRowHidden(row)]
    return [str(view.model().index(row, 0).data()) for row in rows]


def test_several_photographs_are_segmented_exported_and_removed(
    start: StartProgram, qtbot: QtBot, photos: Photos
) -> None:
    program = start(*photos)
    state, files = program.state, program.window.files
    select(program, 0, 2)
    assert files.selected() == [photos[0], photos[2]]
    assert not entry(program, "Export").isEnabled()
    entry(program, "Segment 2").trigger()
    qtbot.waitUntil(lambda: state.task is None, timeout=WAIT_MS)
    assert [item.status for item in state.photos] == ["done", "new", "done"]
    select(program, 0, 1, 2)
    entry(program, "Export 2").trigger()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ExportDialog)
    looked(qtbot, dialog)
    assert "eye 10" in dialog._preview.toPlainText()
    assert "eye 2" not in dialog._preview.toPlainText()
    dialog.reject()
    entry(program, "Copy Paths").trigger()
    assert QApplication.clipboard().text().splitlines() == [str(path) for path in photos]
    select(program, 1)
    qtbot.keyClick(files._list, Qt.Key.Key_Delete)  # nothing would be lost: no question
    assert names(program) == ["eye 1.png", "eye 10.png"]
    select(program, 0, 1)
    press_later("Cancel")
    qtbot.keyClick(files._list, Qt.Key.Key_Delete)
    assert names(program) == ["eye 1.png", "eye 10.png"]
    press_later("Remove without exporting")
    qtbot.keyClick(files._list, Qt.Key.Key_Delete)
    assert names(program) == []
    assert all(path.is_file() for path in photos)


def test_the_list_is_filtered_and_the_keys_follow(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    field = program.window.files._filter
    qtbot.keyClicks(field, "EYE 1")
    assert listed_names(program) == ["eye 1.png", "eye 10.png"]
    assert "2 listed" in program.window.files._summary.text()
    program.window.commands["next"].trigger()
    assert program.state.current == 2
    assert not program.window.commands["next"].isEnabled()
    qtbot.waitUntil(lambda: settled(program), timeout=WAIT_MS)
    field.clear()
    assert len(listed_names(program)) == 3
    assert program.window.commands["previous"].isEnabled()


@pytest.mark.parametrize(
    ("order", "expected"),
    [("name", [1, 2, 10]), ("new", [10, 1, 2]), ("done", [2, 10, 1]), ("opened", [10, 2, 1])],
)
def test_the_list_is_sorted_and_the_photograph_stays(
    start: StartProgram, qtbot: QtBot, photos: Photos, order: str, expected: list[int]
) -> None:
    program = start(photos[2], photos[1], photos[0])
    program.controller.context.set_item(photos[1], status="done")
    program.controller.photos.select(1)
    qtbot.waitUntil(lambda: program.state.opening is None, timeout=WAIT_MS)
    program.controller.context.set_item(photos[1], status="done")
    program.window.files.orderRequested.emit(order)
    assert names(program) == [f"eye {number}.png" for number in expected]
    assert program.state.item is not None
    assert program.state.item.path == photos[1]
    assert program.window.files._list.currentIndex().row() == program.state.current


def test_the_worst_comes_first(start: StartProgram, qtbot: QtBot, drive: Path) -> None:
    program = start(drive / "images")
    program.window.commands["evaluate_all"].trigger()
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)
    evaluation = program.state.evaluation
    assert evaluation is not None
    f1 = {image.photo: image.score_set.scores.f1 for image in evaluation.images}
    program.window.files.orderRequested.emit("worst")
    values = [f1[item.path] for item in program.state.photos]
    assert values == sorted(values)
    assert len(values) == 2


@pytest.mark.parametrize(
    ("button", "expected"), [("Replace Them", [1, 2, 10]), ("Add to Them", [0, 1, 2, 10]), ("Cancel", [0])]
)
def test_a_folder_replaces_or_comes_to_what_is_open(
    start: StartProgram, qtbot: QtBot, photos: Photos, tmp_path: Path, button: str, expected: list[int]
) -> None:
    other = tmp_path / "eye 0.png"
    shutil.copy(photos[0], other)
    program = start()
    program.window.prompts.open_recent(photos[0].parent)  # nothing is open: nothing is asked
    qtbot.waitUntil(lambda: settled(program), timeout=WAIT_MS)
    program.window.commands["close_all"].trigger()
    program.window.open_paths([other])
    qtbot.waitUntil(lambda: settled(program), timeout=WAIT_MS)
    asked = press_later(button)
    program.window.prompts.open_recent(photos[0].parent)
    qtbot.waitUntil(lambda: bool(asked), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: len(program.state.photos) == len(expected) and settled(program), timeout=WAIT_MS)
    assert names(program) == [f"eye {number}.png" for number in expected]


def test_photographs_of_sub_folders_are_added_by_one_click(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    inner = photos[0].parent / "second visit" / "eye 3.png"
    inner.parent.mkdir()
    shutil.copy(photos[0], inner)
    program = start(photos[0].parent)
    bar = program.window.notice_bar
    assert "1 sub-folder holds 1 photograph" in bar._text.full_text()
    bar._choices[0].click()
    qtbot.waitUntil(lambda: len(program.state.photos) == 4 and settled(program), timeout=WAIT_MS)
    assert names(program)[-1] == "eye 3.png"


def test_equal_names_are_told_apart_by_their_folders(start: StartProgram, photos: Photos, tmp_path: Path) -> None:
    copies = []
    for part in ("left", "right"):
        copies.append(tmp_path / part / "images" / "eye 1.png")
        copies[-1].parent.mkdir(parents=True)
        shutil.copy(photos[0], copies[-1])
    program = start(*copies, photos[1])
    assert listed_names(program) == ["left/eye 1.png", "right/eye 1.png", "eye 2.png"]
    tip = program.window.files._list.model().index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert str(copies[0]) in tip
