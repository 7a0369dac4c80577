"""Finished photographs are exported and measured while the others are segmented; that can be paused, and quit."""

from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from serr_gui.app import Program
from serr_gui.controllers.segmentation import ExportRequest
from serr_gui.model.export_options import ExportOptions
from serr_gui.tasks import ExportItem
from tests.gui.conftest import WAIT_MS, StartProgram


def held_after_the_first(program: Program, qtbot: QtBot) -> None:
    """One photograph is done, and Segment All is held before it has done another."""
    window, state = program.window, program.state
    window.commands["segment"].trigger()
    qtbot.waitUntil(lambda: state.result is not None and state.task is None, timeout=WAIT_MS)
    window.commands["segment_all"].trigger()
    window.commands["pause"].trigger()
    assert state.task is not None
    assert state.task.paused


def export_of(program: Program, folder: Path) -> ExportRequest:
    done = next(item for item in program.state.photos if item.status == "done")
    return ExportRequest((ExportItem(done.path, done.path.stem, None),), folder, ExportOptions())


def test_segment_all_is_paused_and_finished_photographs_are_exported_meanwhile(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    program = start(*photos)
    window, state = program.window, program.state
    held_after_the_first(program, qtbot)
    assert "paused" in window.task_bar._text.full_text()
    assert window.commands["export_all"].isEnabled()
    assert not window.commands["segment"].isEnabled()
    program.controller.segmentation.export(export_of(program, tmp_path / "out"))
    assert state.side_task is not None
    assert window.side_task_bar.isVisible()
    assert not window.commands["export_all"].isEnabled()  # one export at a time
    qtbot.waitUntil(lambda: state.side_task is None, timeout=WAIT_MS)
    assert len(list((tmp_path / "out").iterdir())) == 4
    assert "written" in state.notices[-1].text
    assert state.task is not None
    assert state.task.paused  # it did not continue by itself
    window.commands["pause"].trigger()
    qtbot.waitUntil(lambda: state.task is None, timeout=WAIT_MS)
    assert [item.status for item in state.photos] == ["done"] * 3


def test_finished_photographs_are_evaluated_meanwhile(start: StartProgram, qtbot: QtBot, drive: Path) -> None:
    program = start(drive / "images")
    state = program.state
    held_after_the_first(program, qtbot)
    program.window.commands["evaluate_all"].trigger()
    assert state.side_task is not None
    qtbot.waitUntil(lambda: state.side_task is None, timeout=WAIT_MS)
    assert state.evaluation is not None
    assert len(state.evaluation.images) == sum(item.status == "done" for item in state.photos) == 1
    program.window.commands["cancel"].trigger()
    qtbot.waitUntil(lambda: state.task is None, timeout=WAIT_MS)  # also while it is held


def test_the_time_left_is_told(start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path]) -> None:
    program = start(*photos)
    texts: list[str] = []
    program.state.events.task.connect(lambda: texts.append(program.window.task_bar._text.full_text()))
    program.window.commands["segment_all"].trigger()
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)
    assert any(" left" in text for text in texts if "2 of 3" in text), texts
    assert not any(" left" in text for text in texts if "1 of 3" in text), texts


def test_quitting_while_work_goes_on_asks_whether_to_stop_it(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path]
) -> None:
    program = start(*photos)
    held_after_the_first(program, qtbot)
    seen: list[list[str]] = []

    def answer() -> None:
        box = QApplication.activeModalWidget()
        if isinstance(box, QMessageBox):
            seen.append([button.text() for button in box.buttons()])
            next(button for button in box.buttons() if button.text() == "Cancel").click()

    QTimer.singleShot(0, answer)
    program.window.close()
    assert program.window.isVisible()
    assert seen == [["Cancel", "Stop and quit"]]  # what is finished comes back at the next start
    program.window.commands["cancel"].trigger()
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)
