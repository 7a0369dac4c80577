"""Drawing styles in the window: chosen, moved away from, kept in sessions, taken along to other models."""

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollArea
from pytestqt.qtbot import QtBot

from core.models.drawing_style import DrawingStyle
from core.threshold_rule import ThresholdRule
from serr_gui.app import Program
from serr_gui.model.batch import BatchFacts
from serr_gui.model.settings import Settings
from serr_gui.start_options import StartOptions
from tests.gui.conftest import WAIT_MS, StartProgram, settled
from tests.gui.test_keeping import KilledHere, continued, flushed, killed_here, painted, press
from tests.gui.test_layout import SMALL, docks_of
from tests.gui.test_segmenting import export, read_mask, segment
from tests.gui.test_sessions import opened, save_as
from tests.small_model import save_small_model

__all__ = ["killed_here"]

DRIVE, HRF = DrawingStyle("DRIVE", 40, 4), DrawingStyle("HRF", 180, 1)


@pytest.fixture
def styled(start: StartProgram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with a model that has two drawing styles; "second" has one of them at another level, "small" none."""
    folder = tmp_path / "models of styles"
    folder.mkdir()
    path = save_small_model(folder / "styled.safetensors", name="styled", styles=(DRIVE, HRF))
    save_small_model(folder / "second.safetensors", name="second", styles=(DrawingStyle("DRIVE", 70),))
    save_small_model(folder / "small.safetensors")
    monkeypatch.setenv("SERR_MODELS", str(folder))
    return Settings(model=str(path), device="cpu")


def choose(program: Program, name: str) -> None:
    """By the keyboard, as a person does."""
    box = program.window.segmentation.styles.box
    assert box.isEnabled()
    box.setFocus()
    for _ in range(box.count()):
        QTest.keyClick(box, Qt.Key.Key_Up)
    while box.currentText() != name:
        before = box.currentIndex()
        QTest.keyClick(box, Qt.Key.Key_Down)
        assert box.currentIndex() > before


def with_model(program: Program, qtbot: QtBot, name: str) -> None:
    state = program.state
    program.controller.models.set_model(next(choice.path for choice in state.models if choice.name == name))
    program.window.commands["segment"].trigger()
    qtbot.waitUntil(lambda: state.result is not None and state.result.model == name, timeout=WAIT_MS)


def show(program: Program, qtbot: QtBot, index: int) -> None:
    program.controller.photos.select(index)
    qtbot.waitUntil(lambda: settled(program), timeout=WAIT_MS)


def test_a_style_moves_the_slider_counts_is_undone_and_exported(
    start: StartProgram, qtbot: QtBot, photo: Path, styled: Settings, tmp_path: Path
) -> None:
    program = start(photo, settings=styled)
    segment(program, qtbot)
    panel, state = program.window.segmentation, program.state
    box = panel.styles.box
    assert [box.itemText(row) for row in range(box.count())] == ["Average", "DRIVE", "HRF"]
    assert box.currentText() == "Average"
    assert "DRIVE: 40/256, chosen by 4 photographs" in box.toolTip()
    choose(program, "DRIVE")
    assert state.rule == DRIVE.rule
    assert panel._slider.value() == 40
    assert panel._origin.full_text() == "40/256, as the experts of DRIVE draw"
    levels = state.result.segmentation.probability.levels  # type: ignore[union-attr]
    export(program, qtbot, tmp_path / "out")
    assert np.array_equal(read_mask(next((tmp_path / "out").glob("*_mask.png"))), levels >= 40)
    rule = json.loads(next((tmp_path / "out").glob("*.serr.json")).read_text())["rule"]
    assert (rule["origin"], rule["style"]) == ("style", "DRIVE")
    panel._slider.setValue(41)
    assert (box.currentIndex(), box.currentText(), state.rule) == (-1, "", ThresholdRule(41))
    panel._slider.setValue(40)
    assert box.currentIndex() == -1, "set by hand, at whatever level"
    assert program.window.commands["undo"].text() == "&Undo Threshold 0.156"
    program.window.commands["undo"].trigger()
    assert box.currentText() == "DRIVE"
    assert program.window.commands["undo"].text() == "&Undo Draw Like DRIVE"
    program.window.commands["undo"].trigger()
    assert (box.currentText(), state.rule.level) == ("Average", 96)


def test_what_is_segmented_from_then_on_is_drawn_in_that_style(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path], styled: Settings
) -> None:
    program = start(*photos, settings=styled)
    segment(program, qtbot)
    show(program, qtbot, 1)
    choose(program, "HRF")
    assert (program.state.rule, program.window.segmentation._slider.value()) == (HRF.rule, 180)
    segment(program, qtbot)
    assert program.state.photos[1].rule == HRF.rule
    program.controller.segmentation.segment_all()
    qtbot.waitUntil(lambda: program.state.photos[2].status == "done", timeout=WAIT_MS)
    assert [item.rule for item in program.state.photos] == [None, HRF.rule, HRF.rule]
    show(program, qtbot, 0)
    assert program.window.segmentation.styles.box.currentText() == "Average"
    show(program, qtbot, 1)
    program.window.commands["threshold_model"].trigger()
    assert (program.state.draw_like, program.state.photos[1].rule) == ("", None)


def test_a_start_can_ask_for_a_style(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path], styled: Settings
) -> None:
    program = start(photos[0], settings=styled, draw_like="drive", segment=True)
    qtbot.waitUntil(lambda: program.state.result is not None, timeout=WAIT_MS)
    assert program.state.rule == DRIVE.rule
    program.take_over(StartOptions((photos[1],), segment=True, draw_like="Picasso").handed())
    qtbot.waitUntil(lambda: [i.status for i in program.state.photos] == ["done", "done"], timeout=WAIT_MS)
    asked = [notice.text for notice in program.state.notices if "Picasso" in notice.text]
    assert asked == ["styled has no drawing style Picasso: its own threshold is used. It can draw like: DRIVE, HRF."]
    assert (program.state.photos[0].rule, program.state.photos[1].rule) == (DRIVE.rule, None)


def test_a_style_for_all_keeps_corrections_and_is_undone_in_each_or_in_all(
    start: StartProgram,
    qtbot: QtBot,
    photos: tuple[Path, Path, Path],
    styled: Settings,
    killed_here: KilledHere,
) -> None:
    program = start(*photos, settings=styled)
    state, commands = program.state, program.window.commands
    segment(program, qtbot)
    painted(program, qtbot)
    corrected = state.result
    assert corrected is not None
    assert corrected.edits is not None
    show(program, qtbot, 1)
    with_model(program, qtbot, "second")
    choose(program, "DRIVE")
    second = ThresholdRule(70, "style", style="DRIVE")
    assert [item.rule for item in state.photos] == [None, second, None]
    commands["threshold_all"].trigger()
    assert [item.rule for item in state.photos] == [DRIVE.rule, second, None], "at the level of its own model"
    assert (
        state.notices[-1].text == "Draw Like DRIVE is now used for one more photograph. Corrections by hand are kept."
    )
    press(program, "Undo for All", qtbot)
    assert [item.rule for item in state.photos] == [None, second, None]
    commands["threshold_all"].trigger()
    show(program, qtbot, 2)
    assert segment(program, qtbot).model == "second"
    assert state.rule == second, "from its first result on"
    program.controller.set_level(99)
    commands["threshold_all"].trigger()
    assert [item.rule for item in state.photos] == [DRIVE.rule, ThresholdRule(99), ThresholdRule(99)]
    assert "Photographs of other models keep theirs, since levels of models differ: 1." in state.notices[-1].text
    flushed(program)
    killed_here()
    again = start(settings=styled)
    continued(again, qtbot)
    show(again, qtbot, 0)
    state, commands = again.state, again.window.commands
    assert state.rule == DRIVE.rule
    assert state.result is not None
    assert state.result.edits is not None
    assert state.result.edits.packed() == corrected.edits.packed()
    assert commands["undo"].text() == "&Undo Draw Like DRIVE"
    commands["undo"].trigger()
    assert (state.rule.level, commands["undo"].text()) == (96, "&Undo Brush")


def test_undo_for_all_reaches_photographs_without_a_result_and_those_that_come_later(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path], styled: Settings
) -> None:
    program = start(*photos, settings=styled)
    state, commands = program.state, program.window.commands
    segment(program, qtbot)
    choose(program, "HRF")
    program.controller.set_level(99)
    state.draw_like = ""
    commands["threshold_all"].trigger()
    assert [item.rule for item in state.photos] == [ThresholdRule(99)] * 3
    commands["undo"].trigger()
    commands["threshold_all"].trigger()
    assert (state.draw_like, [item.rule for item in state.photos]) == ("HRF", [HRF.rule, None, None])
    press(program, "Undo for All", qtbot)
    assert (state.draw_like, [item.rule for item in state.photos]) == ("", [HRF.rule, *[ThresholdRule(99)] * 2])


def test_a_threshold_by_hand_stays_whichever_model_finds_the_vessels_and_the_window_says_so(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path], styled: Settings
) -> None:
    program = start(*photos, settings=styled)
    state = program.state
    segment(program, qtbot)
    program.window.commands["threshold_otsu"].trigger()
    qtbot.waitUntil(lambda: state.rule.origin == "otsu", timeout=WAIT_MS)
    level = state.rule.level
    program.window.commands["threshold_all"].trigger()
    waiting = "Photographs without a result get it with their first one, whichever model finds it: 2."
    assert waiting in state.notices[-1].text
    kept = "Thresholds that were set are kept. Levels of models differ: Model's Own (M) takes that of second."
    with_model(program, qtbot, "second")
    assert (state.rule.makes[0], state.rule.origin) == (level, "user"), "Otsu's method found it in another map"
    assert kept in [notice.text for notice in state.notices]
    show(program, qtbot, 1)
    assert segment(program, qtbot).model == "second"
    assert state.rule == ThresholdRule(level), "as in the photograph that it comes from"
    program.window.commands["threshold_model"].trigger()
    with_model(program, qtbot, "small")
    assert state.rule.origin == "model"
    assert kept.replace("second", "small") not in [notice.text for notice in state.notices]


def test_another_model_draws_at_its_own_level_of_that_style_or_says_that_it_cannot(
    start: StartProgram, qtbot: QtBot, photo: Path, styled: Settings
) -> None:
    program = start(photo, settings=styled)
    segment(program, qtbot)
    choose(program, "DRIVE")
    with_model(program, qtbot, "second")
    assert program.state.rule == ThresholdRule(70, "style", style="DRIVE")
    with_model(program, qtbot, "small")
    assert program.state.rule == ThresholdRule(96, "model")
    assert "small has no drawing style DRIVE: its own threshold is used." in [n.text for n in program.state.notices]
    box = program.window.segmentation.styles.box
    assert (box.isEnabled(), box.currentText()) == (False, "Average")
    assert "no drawing styles" in box.toolTip()


def test_a_session_remembers_the_style_and_the_chooser_fits_a_small_screen(
    start: StartProgram,
    qtbot: QtBot,
    photo: Path,
    styled: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = start(photo, settings=styled)
    segment(program, qtbot)
    choose(program, "DRIVE")
    window = program.window
    window.resize(SMALL)
    window.show_dock("segmentation")
    QApplication.processEvents()
    area = docks_of(window)["segmentation"].widget()
    assert isinstance(area, QScrollArea)
    assert area.horizontalScrollBar().maximum() == 0
    save_as(program, tmp_path / "eye.serr-session", qtbot, monkeypatch)
    again = start(settings=styled)
    opened(again, tmp_path / "eye.serr-session", qtbot)
    assert again.state.rule == DRIVE.rule
    assert again.window.segmentation.styles.box.currentText() == "DRIVE"


def test_a_batch_of_the_window_is_drawn_in_a_style(
    start: StartProgram, qtbot: QtBot, photo: Path, styled: Settings, tmp_path: Path
) -> None:
    program = start(settings=styled)
    choose(program, "HRF")
    dialog = program.window.batch_prompts.new_batch()
    dialog._out.setText(str(tmp_path / "out"))
    assert dialog.order().words[-2:] == ("--draw-like", "HRF"), "as the window's photographs"
    assert dialog._threshold.value() == pytest.approx(180 / 256, abs=5e-4)
    dialog._own.setChecked(False)
    assert not dialog._style.isEnabled()
    assert dialog.order().words[-2:] == ("--threshold", "0.7030")
    dialog._own.setChecked(True)
    dialog._model.setCurrentIndex(dialog._model.findText("small"))
    dialog._model.activated.emit(dialog._model.currentIndex())
    assert (dialog._style.isEnabled(), dialog.order().words[-2:]) == (False, ("--tta", "none"))
    dialog.reject()
    assert BatchFacts(tmp_path, threshold=0.25, style="DRIVE").threshold_text == "0.250 (DRIVE)"
