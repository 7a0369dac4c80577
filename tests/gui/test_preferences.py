"""Settings, model cards, the guide in the window, the table of vessel shares, and how the photograph looks."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QUrl
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from core.files import file_sha256
from serr_gui.canvas.overlays import Tone
from serr_gui.model.selectors import stale_reasons
from serr_gui.model.settings import load_settings
from serr_gui.model.state import RunSettings
from serr_gui.panels.help_dialog import HelpDialog
from serr_gui.panels.model_card_dialog import ModelCardDialog
from serr_gui.system import desktop
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.test_segmenting import segment


def test_settings_are_taken_over_used_and_come_back(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    program = start(photo)
    qtbot.waitUntil(lambda: program.state.library_ready, timeout=WAIT_MS)
    dialog = program.window.prompts.open_settings()
    assert dialog.preferences.run == RunSettings()
    dialog._flips.setChecked(True)
    dialog._precision.setCurrentIndex(dialog._precision.findData("fp32"))
    dialog._threads.setValue(1)
    dialog._cache.setValue(512)
    dialog._font.setCurrentIndex(dialog._font.findData(14))
    dialog._folder.setText("/somewhere/else")
    dialog.accept()
    assert program.state.run == RunSettings("flips", "fp32", 1)
    assert program.controller.context.store.memory_bytes == 512 << 20
    assert QApplication.font().pointSize() == 14
    assert program.state.export_options.folder == "/somewhere/else"
    assert program.window.segmentation._flips.isChecked()
    made = segment(program, qtbot).segmentation
    assert (made.options.tta, made.precision, made.options.threads) == ("flips", "fp32", 1)
    program.save()
    kept, bad = load_settings()
    assert not bad
    assert (kept.run, kept.cache_mb, kept.font_pt) == (RunSettings("flips", "fp32", 1), 512, 14)
    program.window.prompts.open_settings()._restore()


def test_cancelled_settings_change_nothing(start: StartProgram, photo: Path) -> None:
    program = start(photo)
    dialog = program.window.prompts.open_settings()
    dialog._flips.setChecked(True)
    dialog.reject()
    assert program.state.run == RunSettings()


def test_a_result_without_flips_is_outdated_where_flips_are_asked_for(
    start: StartProgram, qtbot: QtBot, photo: Path
) -> None:
    program = start(photo)
    segment(program, qtbot)
    assert stale_reasons(program.state) == frozenset()
    program.window.segmentation._flips.click()
    assert stale_reasons(program.state) == {"averaging"}
    assert "no flips averaged" in program.window.segmentation._remarks.full_text()
    segment(program, qtbot)
    assert stale_reasons(program.state) == frozenset()


def test_the_table_of_shares_needs_no_labels_and_is_that_of_the_masks(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = start(*photos)
    program.window.commands["segment_all"].trigger()
    qtbot.waitUntil(lambda: program.state.task is None and program.state.result is not None, timeout=WAIT_MS)
    program.controller.set_level(200)
    table = tmp_path / "shares.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(table), ""))
    program.window.commands["export_shares"].trigger()
    qtbot.waitUntil(table.exists, timeout=WAIT_MS)
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["photograph"] for row in rows] == [photo.name for photo in photos]
    result = program.state.result
    assert result is not None
    here = rows[program.state.current]
    assert float(here["threshold"]) == 200 / 256
    mask = result.mask(program.state.rule).vessel
    inside = result.segmentation.fov.inside
    assert int(here["vessel_pixels"]) == np.count_nonzero(mask & inside)
    assert float(here["vessel_share"]) == pytest.approx(np.count_nonzero(mask & inside) / inside.sum(), abs=1e-6)
    assert all(row["problem"] == "" and row["model"] == rows[0]["model"] for row in rows)


def test_brightness_contrast_and_gamma_change_the_view_alone(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    program = start(photo)
    before, sha = segment(program, qtbot).segmentation.probability.values.copy(), file_sha256(photo)
    program.controller.hide_overlay(True)
    plain = program.window.canvas.grab().toImage()
    program.controller.set_view(replace(program.state.view, brightness=0.3, gamma=2.0, contrast=0.2))
    assert program.window.canvas.grab().toImage() != plain
    program.window.display._plain.click()
    assert program.window.canvas.grab().toImage() == plain
    assert np.array_equal(segment(program, qtbot).segmentation.probability.values, before)
    assert file_sha256(photo) == sha


def test_a_tone_is_a_rising_table_and_the_default_changes_nothing() -> None:
    assert np.array_equal(Tone().table(), np.arange(256))
    for tone in (Tone(0.3), Tone(-0.9, 0.5), Tone(0, -1.0), Tone(0.1, 1.0, 0.25), Tone(0, 0, 4.0)):
        assert (np.diff(tone.table().astype(int)) >= 0).all()
    assert Tone(gamma=2.0).table()[64] > 64
    assert Tone(contrast=0.5).table()[200] > 200


def test_the_card_of_the_chosen_network_says_what_a_person_asks(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    program = start(photo)
    qtbot.waitUntil(lambda: program.state.library_ready, timeout=WAIT_MS)
    program.window.commands["model_card"].trigger()
    qtbot.waitUntil(lambda: program.window.findChild(ModelCardDialog) is not None, timeout=WAIT_MS)
    dialog = program.window.findChild(ModelCardDialog)
    assert dialog is not None
    text = dialog.text.toPlainText()
    choice = program.state.model_choice
    assert choice is not None
    for words in (
        choice.name,
        "Learned from",
        "For which camera",
        "SERR-U-Net. A U-Net whose convolutions",
        "width 4, depth 2",
        "How good",
        "May I use it?",
        "commercially",
        "SHA-256",
    ):
        assert words in text
    dialog.reject()


def test_the_guide_is_read_inside_the_window_where_there_is_no_browser(
    start: StartProgram, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = start(photo)
    monkeypatch.setattr(desktop.QDesktopServices, "openUrl", lambda _url: False)
    program.window.commands["guide"].trigger()
    dialog = program.window.findChild(HelpDialog)
    assert dialog is not None
    browser = dialog.browser
    assert "Quick start" in browser.toPlainText()
    assert "toctree" not in browser.toPlainText()
    browser.anchorClicked.emit(QUrl("guide/numbers.md"))
    assert "What the numbers mean" in browser.toPlainText()
    browser.backward()
    assert "Quick start" in browser.toPlainText()
    dialog.reject()
    assert not program.state.notices
