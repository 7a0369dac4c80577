"""Each result names its model, an outdated one looks otherwise, and results of two models are not mixed in silence."""

import json
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from serr_gui.app import Program
from serr_gui.model.selectors import made_with, outdated
from serr_gui.panels.export_dialog import ExportDialog
from serr_gui.widgets.photo_list import OutdatedRole
from tests.gui.conftest import WAIT_MS, StartProgram, looked

Photos = tuple[Path, Path, Path]


def wait_for_work(program: Program, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)


def choose(program: Program, name: str) -> None:
    panel = program.window.segmentation
    choice = next(choice for choice in program.state.models if choice.name == name)
    panel._model.activated.emit(panel._model.findData(choice.path))
    assert program.state.model == choice.path


def tips(program: Program) -> list[str]:
    model = program.window.files._model
    return [str(model.data(model.index(row), Qt.ItemDataRole.ToolTipRole)) for row in range(model.rowCount())]


def marks(program: Program) -> list[bool]:
    model = program.window.files._model
    return [bool(model.data(model.index(row), OutdatedRole)) for row in range(model.rowCount())]


def answer(button: str, seen: list[str]) -> None:
    """Press a button of the question that will be there."""

    def press() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        seen.append(f"{box.text()} {box.informativeText()}")
        next(each for each in box.buttons() if each.text().replace("&", "") == button).click()

    QTimer.singleShot(0, press)


def export_dialog(program: Program) -> ExportDialog | None:
    return next((box for box in program.window.findChildren(ExportDialog) if box.isVisible()), None)


def exported_models(folder: Path) -> list[str]:
    return sorted(json.loads(path.read_text())["model"]["name"] for path in folder.glob("*.serr.json"))


def test_results_name_their_model_and_two_models_are_asked_about(
    start: StartProgram, qtbot: QtBot, photos: Photos, tmp_path: Path
) -> None:
    program = start(*photos)
    window, state = program.window, program.state
    window.commands["segment_all"].trigger()
    wait_for_work(program, qtbot)
    assert window.status._model.full_text().startswith("mask: small  |  ")
    assert marks(program) == [False] * 3

    choose(program, "other")
    assert marks(program) == [True] * 3
    assert all("segmented with small" in tip and "another model is chosen now" in tip for tip in tips(program))
    assert window.status._model.full_text().startswith("mask: small  |  chosen: other")
    window.commands["segment"].trigger()
    wait_for_work(program, qtbot)
    assert window.status._model.full_text().startswith("mask: other  |  ")
    assert "chosen" not in window.status._model.full_text()
    assert marks(program) == [False, True, True]
    assert "segmented with other" in tips(program)[0]
    assert made_with(state.photos) == (("small", 2), ("other", 1))

    seen: list[str] = []
    answer("Cancel", seen)
    window.commands["export_all"].trigger()
    assert export_dialog(program) is None
    for words in ("several models", "small: 2 of 3", "other: 1 of 3", "2 of them were not made with"):
        assert words in seen[0]

    answer("Export as They Are", seen)
    window.commands["export_all"].trigger()
    dialog = export_dialog(program)
    assert dialog is not None
    dialog._folder.setText(str(tmp_path / "mixed"))
    looked(qtbot, dialog)
    dialog._export.click()
    wait_for_work(program, qtbot)
    assert exported_models(tmp_path / "mixed") == ["other", "small", "small"]

    answer("Segment Again with other", seen)
    window.commands["export_all"].trigger()
    qtbot.waitUntil(lambda: export_dialog(program) is not None, timeout=WAIT_MS)
    assert marks(program) == [False] * 3
    dialog = export_dialog(program)
    assert dialog is not None
    dialog._folder.setText(str(tmp_path / "one"))
    looked(qtbot, dialog)
    dialog._export.click()
    wait_for_work(program, qtbot)
    assert exported_models(tmp_path / "one") == ["other"] * 3


def test_another_field_of_view_makes_the_line_outdated(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    program.window.commands["segment"].trigger()
    wait_for_work(program, qtbot)
    assert not outdated(program.state, program.state.photos[0])
    program.window.segmentation._fov.activated.emit(2)
    qtbot.waitUntil(lambda: marks(program)[0], timeout=WAIT_MS)
    assert "outdated: another field of view is chosen now" in tips(program)[0]
    program.window.commands["segment"].trigger()
    wait_for_work(program, qtbot)
    assert marks(program) == [False] * 3


def test_a_mask_that_a_run_finds_by_itself_makes_no_result_outdated(
    start: StartProgram, qtbot: QtBot, drive: Path
) -> None:
    program = start(drive)
    program.window.commands["segment_all"].trigger()
    wait_for_work(program, qtbot)
    assert [item.made_by.fov_origin for item in program.state.photos if item.made_by] == ["file", "file"]
    assert marks(program) == [False, False]
