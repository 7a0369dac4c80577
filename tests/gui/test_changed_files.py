"""Files that change or vanish while their photograph is open: noticed, told, and never a record that lies."""

import hashlib
import os
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from core.sidecar import read_sidecar
from serr_gui.app import Program
from serr_gui.controllers.segmentation import ExportRequest
from serr_gui.model.export_options import ExportOptions
from serr_gui.model.notices import Notice
from serr_gui.tasks import ExportItem
from tests.gui.conftest import WAIT_MS, StartProgram

Photos = tuple[Path, Path, Path]


def wait_for_jobs(program: Program, qtbot: QtBot) -> None:
    state, workers = program.state, program.controller.context.workers
    qtbot.waitUntil(lambda: state.task is None and state.opening is None and not workers.busy("watch"), timeout=WAIT_MS)


def segment(program: Program, qtbot: QtBot) -> None:
    program.window.commands["segment"].trigger()
    qtbot.waitUntil(lambda: program.state.result is not None, timeout=WAIT_MS)
    wait_for_jobs(program, qtbot)


def come_back(program: Program, qtbot: QtBot) -> None:
    """As when a person returns to the window from another program."""
    QApplication.sendEvent(program.window, QEvent(QEvent.Type.WindowActivate))
    wait_for_jobs(program, qtbot)


def told(program: Program) -> list[Notice]:
    return [notice for notice in program.state.notices if "since it was opened" in notice.text]


def press(program: Program, text: str) -> None:
    next(button for button in program.window.findChildren(QPushButton) if button.text() == text).click()


def export(program: Program, qtbot: QtBot, folder: Path) -> None:
    items = tuple(ExportItem(item.path, item.path.stem, item.rule) for item in program.state.photos[:1])
    program.controller.segmentation.export(ExportRequest(items, folder, ExportOptions()))
    wait_for_jobs(program, qtbot)


def test_a_file_that_changed_is_told_and_reloaded(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    segment(program, qtbot)
    come_back(program, qtbot)
    assert told(program) == []
    photos[0].write_bytes(photos[2].read_bytes())
    come_back(program, qtbot)
    come_back(program, qtbot)
    assert [notice.text for notice in told(program)] == [
        "eye 1.png has changed on the disk since it was opened. "
        "Reload it (its result is then dropped), or keep what is shown."
    ]
    assert program.state.result is not None
    press(program, "Reload")
    wait_for_jobs(program, qtbot)
    document = program.state.document
    assert document is not None
    assert document.image.sha256 == hashlib.sha256(photos[2].read_bytes()).hexdigest()
    assert document.result is None
    assert program.state.photos[0].status == "new"
    assert told(program) == []


def test_what_is_kept_is_exported_with_the_hash_of_what_was_segmented(
    start: StartProgram, qtbot: QtBot, photos: Photos, tmp_path: Path
) -> None:
    program = start(*photos)
    segmented = hashlib.sha256(photos[0].read_bytes()).hexdigest()
    segment(program, qtbot)
    photos[0].write_bytes(photos[2].read_bytes())
    come_back(program, qtbot)
    press(program, "Keep")
    come_back(program, qtbot)
    assert told(program) == []  # not asked again
    export(program, qtbot, tmp_path / "out")
    assert read_sidecar(tmp_path / "out" / "eye 1.serr.json").photo_sha256 == segmented
    assert "eye 1.png is not what was segmented" in program.state.notices[-1].text
    assert program.state.notices[-1].kind == "warning"


def test_a_result_survives_that_its_file_changes_while_another_is_shown(
    start: StartProgram, qtbot: QtBot, photos: Photos
) -> None:
    program = start(*photos)
    segment(program, qtbot)
    before = program.state.result
    for spilled in (False, True):
        program.controller.photos.select(1)
        wait_for_jobs(program, qtbot)
        if spilled:
            program.controller.context.store.spill(photos[0])
        photos[0].write_bytes(photos[1 + spilled].read_bytes())
        program.controller.photos.select(0)
        wait_for_jobs(program, qtbot)
        document = program.state.document
        assert document is not None
        assert document.result is not None
        assert before is not None
        assert np.array_equal(document.image.rgb, before.segmentation.image.rgb)
        assert np.array_equal(document.result.segmentation.probability.values, before.segmentation.probability.values)
        assert len(told(program)) == 1


def test_a_file_that_vanished_is_told_once(start: StartProgram, qtbot: QtBot, photos: Photos, tmp_path: Path) -> None:
    program = start(*photos)
    photos[0].unlink()
    segment(program, qtbot)  # the beginning of long work looks, too
    assert [notice.text for notice in told(program)] == [
        "eye 1.png was deleted or moved since it was opened. What is shown can still be used."
    ]
    program.controller.context.dismiss(told(program)[0])
    come_back(program, qtbot)
    assert told(program) == []
    export(program, qtbot, tmp_path / "out")
    assert (tmp_path / "out" / "eye 1_mask.png").exists()
    assert "eye 1.png is not what was segmented" in program.state.notices[-1].text


def test_a_file_that_was_only_touched_is_no_other_file(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    os.utime(photos[0], ns=(1, 1))
    come_back(program, qtbot)
    assert told(program) == []


def test_a_batch_that_reads_a_changed_file_shows_its_picture(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    photos[0].write_bytes(photos[2].read_bytes())
    program.window.commands["segment_all"].trigger()
    wait_for_jobs(program, qtbot)
    document = program.state.document
    assert document is not None
    assert document.result is not None
    assert document.image is document.result.segmentation.image
