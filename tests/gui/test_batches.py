"""Batches in the real window: begun by the form, watched, paused, left and resumed, and their results opened."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from core.batch.control import Request, ask, is_running
from core.batch.plan import find_batch
from core.locks import wait_for_lock
from serr_gui.app import Program
from serr_gui.model.settings import load_settings
from serr_gui.tasks import batch as batch_work
from tests.cli.program import start as start_process
from tests.gui.conftest import WAIT_MS, StartProgram

LONG_MS = 4 * WAIT_MS


@pytest.fixture
def cohort(photos: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Three drawn photographs and a file that is none; what still runs at the end is ended."""
    monkeypatch.setenv("SERR_JOB_NICE", "0")
    folder = photos[0].parent
    (folder / "broken.png").write_bytes(b"no picture")
    yield folder
    for control in folder.parent.rglob("serr-batch"):
        ask(control, "stop")
        for lock in control.glob("process-*.lock"):
            held = wait_for_lock(lock, LONG_MS / 1000)
            assert held is not None
            held.release()


def begin(program: Program, qtbot: QtBot, *inputs: Path, out: Path) -> None:
    """Start a batch by the form."""
    dialog = program.window.batch_prompts.new_batch()
    assert not dialog._start.isEnabled()
    dialog.add_inputs(inputs)
    QTest.keyClicks(dialog._out, "x")
    dialog._out.setText(str(out))
    qtbot.waitUntil(dialog._start.isEnabled, timeout=LONG_MS)
    dialog._start.click()


def wait_for(program: Program, qtbot: QtBot, *words: str) -> None:
    def there() -> bool:
        facts = program.state.batches.batch
        return facts is not None and facts.word in words

    qtbot.waitUntil(there, timeout=LONG_MS)


def texts(program: Program) -> str:
    return "\n".join(notice.text for notice in program.state.notices)


def test_a_batch_is_begun_watched_and_its_results_are_opened(
    start: StartProgram, qtbot: QtBot, cohort: Path, tmp_path: Path
) -> None:
    program, out = start(), tmp_path / "results"
    panel = program.window.batches
    begin(program, qtbot, cohort, out=out)
    wait_for(program, qtbot, "done")
    assert panel.isVisible()
    assert "3 done  |  1 failed  |  0 left" in panel._facts.full_text()
    assert "one photograph failed" in texts(program)
    assert find_batch(out).options.model_name == "small"

    panel._kind.setCurrentIndex(panel._kind.findData("failed"))
    panel._kind.activated.emit(panel._kind.currentIndex())
    qtbot.waitUntil(lambda: panel.table.rows.rowCount() == 1, timeout=LONG_MS)
    panel.table.selectRow(0)
    assert "broken.png" in panel._reason.text()

    panel._kind.setCurrentIndex(0)
    panel._kind.activated.emit(0)
    QTest.keyClicks(panel._part, "EYE 1")
    qtbot.waitUntil(lambda: panel.table.rows.rowCount() == 2, timeout=LONG_MS)  # 1 and 10
    panel.table.setFocus()
    panel.table.selectRow(0)
    QTest.keyClick(panel.table, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: program.state.result is not None, timeout=LONG_MS)
    assert program.state.item is not None
    assert program.state.item.path == cohort / "eye 1.png"
    assert program.state.task is None  # it was read, not segmented again
    result = program.state.result
    assert result is not None
    share = result.vessel_share(program.state.rule.level)
    assert panel.table.rows.index(0, 2).data() == f"{share * 100:.1f} %"

    (cohort / "eye 10.png").write_bytes((cohort / "eye 2.png").read_bytes())
    panel.table.selectRow(1)
    panel._open.click()
    qtbot.waitUntil(lambda: "eye 10.png has changed since its result was made" in texts(program), timeout=LONG_MS)

    shutil.copy(cohort / "eye 2.png", cohort / "broken.png")
    panel._retry.click()
    qtbot.waitUntil(lambda: "4 done  |  0 failed" in panel._facts.full_text(), timeout=LONG_MS)
    wait_for(program, qtbot, "done")


def test_a_batch_is_paused_with_the_window_and_resumed_at_the_next_start(
    start: StartProgram, qtbot: QtBot, cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(150):
        shutil.copy(cohort / "eye 1.png", cohort / f"more {number}.png")
    program, out = start(), tmp_path / "results"
    begin(program, qtbot, cohort, out=out)
    wait_for(program, qtbot, "running")
    program.window.batches._pause.click()
    wait_for(program, qtbot, "paused")
    program.window.batches._resume.click()
    wait_for(program, qtbot, "running")
    seen, in_window = list[str](), list[bool]()

    def watched(folder: Path, request: Request) -> None:
        in_window.append(threading.current_thread() is threading.main_thread())
        ask(folder, request)

    monkeypatch.setattr(batch_work, "ask", watched)

    def agree() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        seen.append(box.informativeText())
        QTest.keyClick(box, Qt.Key.Key_Return)

    QTimer.singleShot(0, agree)
    program.window.close()
    assert "results is paused after the photographs in work" in seen[0]
    assert in_window == [False], "beside the window, which waits for it"
    qtbot.waitUntil(lambda: not is_running(out / "serr-batch"), timeout=LONG_MS)

    again = start(settings=load_settings()[0])
    wait_for(again, qtbot, "paused")
    qtbot.waitUntil(lambda: "is not done" in texts(again), timeout=LONG_MS)
    assert again.window.batches.isVisible()
    buttons = again.window.notice_bar.findChildren(QToolButton) + again.window.notice_bar.findChildren(QPushButton)
    next(button for button in buttons if button.text() == "Resume").click()
    wait_for(again, qtbot, "running")
    assert "is not done" not in texts(again)
    QTimer.singleShot(0, lambda: next(b for b in _box().buttons() if b.text() == "Stop").click())
    again.window.batches._stop.click()
    wait_for(again, qtbot, "stopped")


def test_photographs_that_arrive_later_come_to_a_batch(
    start: StartProgram, qtbot: QtBot, cohort: Path, tmp_path: Path
) -> None:
    program, out = start(), tmp_path / "results"
    (cohort / "broken.png").unlink()
    dialog = program.window.batch_prompts.new_batch()
    dialog.add_inputs([cohort])
    dialog._out.setText(str(out))
    dialog._watch.click()
    qtbot.waitUntil(dialog._start.isEnabled, timeout=LONG_MS)
    dialog._start.click()

    def done(count: int) -> bool:
        facts = program.state.batches.batch
        return facts is not None and facts.status is not None and facts.status.counts["done"] == count

    qtbot.waitUntil(lambda: done(3), timeout=LONG_MS)
    shutil.copy(cohort / "eye 1.png", cohort / "late.png")
    qtbot.waitUntil(lambda: done(4), timeout=LONG_MS)
    panel = program.window.batches
    assert "waits for photographs" in panel.title.full_text()
    panel._pause.click()
    wait_for(program, qtbot, "paused")
    assert panel._resume.isEnabled()
    panel._resume.click()  # looks for photographs again, and does not just do what is left
    wait_for(program, qtbot, "running")
    facts = program.state.batches.batch
    assert facts is not None
    assert (facts.watched, facts.ends_with_window) == ((cohort,), True)


def test_a_batch_of_a_terminal_continues_without_the_window(
    start: StartProgram, qtbot: QtBot, cohort: Path, small_models: Path, tmp_path: Path
) -> None:
    out = tmp_path / "results"
    words = ("watch", cohort, "--out", out, "--model", small_models / "small.safetensors")
    process = start_process(*words)
    program = start()
    qtbot.waitUntil(lambda: is_running(out / "serr-batch") or process.poll() is not None, timeout=LONG_MS)
    program.controller.batch.take_up(out)
    wait_for(program, qtbot, "running")
    program.window.close()  # nothing is asked
    assert not program.window.isVisible()
    assert is_running(out / "serr-batch")
    ask(out / "serr-batch", "stop")
    said, told = process.communicate()
    assert process.returncode == 0, told
    assert "photographs" in said


def _box() -> QMessageBox:
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    return box


def test_what_cannot_be_a_batch_is_said_and_leaves_nothing(
    start: StartProgram, qtbot: QtBot, cohort: Path, tmp_path: Path
) -> None:
    program = start()
    program.controller.batch.take_up(cohort)
    qtbot.waitUntil(lambda: "has no batch" in texts(program), timeout=LONG_MS)
    empty = tmp_path / "empty"
    empty.mkdir()
    dialog = program.window.batch_prompts.new_batch()
    dialog.add_inputs([empty])
    qtbot.waitUntil(lambda: dialog._said.text() == "0 photographs.", timeout=LONG_MS)
    assert not dialog._start.isEnabled()
    listed = tmp_path / "list.csv"
    listed.write_text("eye,age\nOD,50\n")
    dialog.add_inputs([listed])
    dialog._out.setText(str(tmp_path / "nothing here"))
    qtbot.waitUntil(dialog._start.isEnabled, timeout=LONG_MS)
    dialog._start.click()
    qtbot.waitUntil(lambda: "no column that looks like paths" in texts(program), timeout=LONG_MS)
    assert not (tmp_path / "nothing here").exists()
