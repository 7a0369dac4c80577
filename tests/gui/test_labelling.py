"""What a mask begins with (nothing, a label, the network again), and writing it as a label."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from core.photo.reading import read_label
from serr_gui.app import Program
from serr_gui.model.result import Result
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.test_editing import Hand
from tests.gui.test_segmenting import answer, read_mask, segment


def result(program: Program) -> Result:
    found = program.state.result
    assert found is not None
    return found


def save_as(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args, **_options: (str(path), ""))


def test_a_label_is_corrected_as_a_copy_and_saved(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = sorted((drive / "images").iterdir())[0]
    program = start(photo)
    document = program.state.document
    assert document is not None
    slot = document.labels[0]
    assert slot is not None
    assert slot.label is not None
    before = slot.file.path.read_bytes()
    program.window.commands["start_label_1"].trigger()  # the map is found first
    qtbot.waitUntil(lambda: program.state.task is None and program.state.editing.corrected_px > 0, timeout=WAIT_MS)
    inside = result(program).segmentation.fov.inside
    for level in (10, 240):
        program.controller.set_level(level)
        assert np.array_equal(result(program).mask(program.state.rule).vessel, slot.label.vessel & inside)
    hand = Hand(program, qtbot)
    program.window.commands["brush"].trigger()
    hand.stroke((60, 60), (90, 60))
    drawn = result(program).mask(program.state.rule).vessel
    path = tmp_path / "labels" / "mine"
    save_as(monkeypatch, path)
    program.window.commands["save_label"].trigger()
    qtbot.waitUntil(lambda: path.with_name("mine.png").is_file(), timeout=WAIT_MS)
    assert np.array_equal(read_mask(path.with_name("mine.png")), drawn)
    assert np.array_equal(read_label(path.with_name("mine.png")).vessel, drawn)
    assert slot.file.path.read_bytes() == before


def test_a_label_file_is_replaced_only_after_a_question(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = sorted((drive / "images").iterdir())[0]
    program = start(photo)
    segment(program, qtbot)
    document = program.state.document
    assert document is not None
    slot = document.labels[0]
    assert slot is not None
    label = tmp_path / "copy.png"
    label.write_bytes(slot.file.path.read_bytes())
    program.controller.comparison.load_label(0, label)
    qtbot.waitUntil(lambda: _file(program) == label, timeout=WAIT_MS)
    before = label.read_bytes()
    save_as(monkeypatch, label)
    seen: list[str] = []
    QTimer.singleShot(0, answer("Cancel", seen))
    program.window.commands["save_label"].trigger()
    qtbot.waitUntil(lambda: len(seen) == 2, timeout=WAIT_MS)
    assert "What the expert drew is lost" in seen[0]
    assert seen[1] == "Cancel"
    assert label.read_bytes() == before
    save_as(monkeypatch, label)
    QTimer.singleShot(0, answer("Replace", seen))
    program.window.commands["save_label"].trigger()
    qtbot.waitUntil(lambda: label.read_bytes() != before, timeout=WAIT_MS)


def _file(program: Program) -> Path | None:
    document = program.state.document
    slot = document.labels[0] if document is not None else None
    return slot.file.path if slot is not None else None


def test_an_empty_mask_is_drawn_in_and_undone(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    program = start(photo)
    segment(program, qtbot)
    own = result(program).levels
    program.window.commands["start_empty"].trigger()
    assert not result(program).mask(program.state.rule).vessel.any()
    program.window.commands["undo"].trigger()
    assert np.array_equal(result(program).levels, own)


def test_start_over_asks_and_undo_brings_the_corrections_back(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    program = start(photo)
    segment(program, qtbot)
    hand = Hand(program, qtbot)
    program.window.commands["brush"].trigger()
    hand.stroke((60, 60), (90, 60))
    codes = hand.codes
    seen: list[str] = []
    QTimer.singleShot(0, answer("Cancel", seen))
    program.window.commands["start_over"].trigger()
    assert seen[1] == "Cancel"
    assert np.array_equal(hand.codes, codes)
    old = program.state.result
    QTimer.singleShot(0, answer("Start Over", seen))
    program.window.commands["start_over"].trigger()
    assert program.state.task is not None
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)
    assert result(program).segmentation is not (old.segmentation if old is not None else None)
    assert not result(program).is_corrected
    program.window.commands["undo"].trigger()
    assert np.array_equal(hand.codes, codes)
