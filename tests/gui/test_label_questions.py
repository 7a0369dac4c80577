"""What is doubtful about labels and masks stays beside them and beside the scores, with what can be done about it."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialogButtonBox, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from core.photo.label_values import LabelValues, find_values, with_thickness
from core.photo.reading import read_fov, read_label
from core.photo.samples import turned
from serr_gui.app import Program
from serr_gui.model.selectors import canvas_picture
from serr_gui.model.state import FovChoice
from serr_gui.panels.comparison import labels as labels_panel
from serr_gui.widgets.label_values_dialog import LabelValuesDialog
from tests.gui.conftest import SIDE, WAIT_MS, StartProgram
from tests.gui.test_comparing import answers, ask_about, compared, first_label, names, photo_of, save, wait_for_scores

LEFT = np.mgrid[:SIDE, :SIDE][1] < SIDE // 2


def used(program: Program) -> np.ndarray | None:
    document = program.state.document
    slot = document.labels[0] if document is not None else None
    return slot.label.vessel if slot is not None and slot.label is not None else None


def text_of(widget: QLabel | None) -> str:
    assert widget is not None
    return widget.text()


def test_a_turned_label_is_asked_about_turned_and_kept_so(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path
) -> None:
    drawn = read_label(first_label(drive)).vessel
    path = save(tmp_path / "turned.png", turned(drawn, 3).astype(np.uint8) * 255)
    program = start(photo_of(drive))
    sentence = ask_about(program, qtbot, path)
    assert "turned by 180 degrees" in sentence
    assert {"Turn It", "Use as It Is", "Choose Another...", "Remove"} <= set(answers(program))
    answers(program)["Turn It"].click()
    qtbot.waitUntil(lambda: used(program) is not None, timeout=WAIT_MS)
    assert np.array_equal(used(program), drawn)
    assert not program.window.labels._questions[0].isVisibleTo(program.window.labels)
    again = start(photo_of(drive))  # the next program reads it in the same way
    assert names(again)[0] == "turned.png"
    assert np.array_equal(used(again), drawn)


def test_figures_with_a_doubtful_label_say_so_for_as_long_as_it_is_used(
    start: StartProgram, qtbot: QtBot, drive: Path
) -> None:
    program = compared(start, qtbot, drive)
    scores = program.window.scores
    assert "Doubtful: The vessels" not in text_of(scores._remarks)
    ask_about(program, qtbot, first_label(drive, 4))
    answers(program)["Use as It Is"].click()
    qtbot.waitUntil(lambda: used(program) is not None, timeout=WAIT_MS)
    wait_for_scores(program, qtbot)
    assert scores.score_text("accuracy")
    assert "Doubtful: The vessels in 04_manual1.gif are not where" in text_of(scores._remarks)
    assert scores._remarks.isVisibleTo(scores)
    scores._copy.click()
    assert "Doubtful: The vessels" in QGuiApplication.clipboard().text()
    question = program.window.labels._questions[0]
    assert question.isVisibleTo(program.window.labels)
    assert "Use as It Is" not in answers(program)
    answers(program)["Remove"].click()
    assert not question.isVisibleTo(program.window.labels)


def test_a_mask_that_lies_oddly_is_doubted_and_one_beside_the_retina_refused(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path
) -> None:
    program = compared(start, qtbot, drive)
    inside = read_fov(drive / "mask" / "03_test_mask.gif").inside
    shifted = save(tmp_path / "shifted.png", np.roll(inside, 16, axis=0).astype(np.uint8) * 255)
    inverted = save(tmp_path / "inverted.png", (~inside).astype(np.uint8) * 255)
    panel, scores = program.window.labels, program.window.scores
    program.controller.photos.set_fov(FovChoice("file", inverted))
    qtbot.waitUntil(
        lambda: any("seems to be inverted" in f"{n.text} {n.details}" for n in program.state.notices), timeout=WAIT_MS
    )
    assert panel._fov._name._full == "03_test_mask.gif"
    program.controller.photos.set_fov(FovChoice("file", shifted))
    qtbot.waitUntil(lambda: panel._fov._name._full == "shifted.png", timeout=WAIT_MS)
    wait_for_scores(program, qtbot)
    question = panel._fov_question
    assert question.isVisibleTo(panel)
    assert "lies outside the retina" in question._text.text()
    assert "Doubtful: " in text_of(scores._remarks)
    buttons = {button.text(): button for button in question.findChildren(QPushButton)}
    buttons["Estimate It"].click()
    qtbot.waitUntil(lambda: not question.isVisibleTo(panel), timeout=WAIT_MS)


def test_values_are_asked_for_and_arteries_and_veins_are_both_kept(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = read_label(first_label(drive)).vessel
    path = save(tmp_path / "classes.png", drawn.astype(np.uint8) + (drawn & LEFT))
    program = start(photo_of(drive))
    sentence = ask_about(program, qtbot, path)
    assert "holds the values 0 (" in sentence
    assert not {"Use as It Is", "Cut at Half"} & set(answers(program))
    monkeypatch.setattr(labels_panel.LabelValuesDialog, "exec", lambda _dialog: 1)
    answers(program)["Choose Values..."].click()
    qtbot.waitUntil(lambda: used(program) is not None, timeout=WAIT_MS)
    assert np.array_equal(used(program), drawn)
    assert "vessel" in program.window.labels._rows[0]._name._full
    again = start(photo_of(drive))
    assert np.array_equal(used(again), drawn)


def test_the_dialog_of_values_proposes_and_needs_a_vessel(qtbot: QtBot) -> None:
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[40:43] = 1
    pixels[60:110, 60:110] = 255
    found = with_thickness(pixels, find_values(pixels))
    dialog = LabelValuesDialog("label.png", found, None)
    qtbot.addWidget(dialog)
    assert dialog.values() == LabelValues.parse("1", "255")
    ok = dialog._buttons.button(QDialogButtonBox.StandardButton.Ok)
    dialog.choice((1, 1, 1)).setCurrentIndex(0)
    assert not ok.isEnabled()
    dialog.choice((255, 255, 255)).setCurrentIndex(1)
    assert ok.isEnabled()
    assert dialog.values() == LabelValues.parse("255")


def test_the_label_is_shown_alone(start: StartProgram, qtbot: QtBot, drive: Path) -> None:
    program = start(photo_of(drive))
    program.window.commands["show_label"].trigger()
    picture = canvas_picture(program.state)
    assert picture.levels is not None
    assert np.array_equal(picture.levels >= picture.level, read_label(first_label(drive)).vessel)
    program.window.commands["show_errors"].trigger()
    assert canvas_picture(program.state).levels is None  # nothing is segmented yet
