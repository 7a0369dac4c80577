"""Experts' labels: found, loaded, doubted, swapped; scores, error map and thresholds that follow from them."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QPushButton,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QWidget,
)
from pytestqt.qtbot import QtBot
from skimage.measure import label as regions
from skimage.morphology import skeletonize
from sklearn import metrics

from core.photo.reading import read_fov, read_label
from core.types import BoolArray, ByteArray
from serr_gui.app import Program
from serr_gui.controllers.workers import WorkerPool
from serr_gui.model import score_selectors
from serr_gui.model.comparison import CentreLines
from serr_gui.tasks.comparing import SkeletonCache, compare_centre_lines
from serr_gui.widgets.score_texts import DASH
from tests.gui.conftest import SIDE, WAIT_MS, StartProgram
from tests.gui.test_segmenting import export, read_mask, segment


def photo_of(drive: Path, number: int = 3) -> Path:
    return drive / "images" / f"{number:02d}_test.tif"


def first_label(drive: Path, number: int = 3) -> Path:
    return drive / "1st_manual" / f"{number:02d}_manual1.gif"


def second_label(drive: Path, number: int = 3) -> Path:
    return drive / "2nd_manual" / f"{number:02d}_manual2.gif"


def wait_for_scores(program: Program, qtbot: QtBot) -> None:
    """Until every score of the table is there."""

    def complete() -> bool:
        columns = [column for column in score_selectors.score_columns(program.state) if column is not None]
        return bool(columns) and all(
            column.values.get(name) is not None
            for column in columns
            for name in ("f1", "cl_dice", *(["auc_roc"] if column.has_map else []))
        )

    qtbot.waitUntil(complete, timeout=WAIT_MS)


def compared(start: StartProgram, qtbot: QtBot, drive: Path) -> Program:
    program = start(photo_of(drive))
    segment(program, qtbot)
    wait_for_scores(program, qtbot)
    return program


def names(program: Program) -> list[str | None]:
    document = program.state.document
    assert document is not None
    return [slot.file.path.name if slot else None for slot in document.labels]


def names_shown(program: Program) -> list[str]:
    return [row._name._full for row in program.window.labels._rows]


def drop_on(widget: QWidget, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys, action = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    QApplication.sendEvent(widget, QDragEnterEvent(QPointF(5, 5).toPoint(), action, data, buttons, keys))
    QApplication.sendEvent(widget, QDropEvent(QPointF(5, 5), action, data, buttons, keys))


# ------------------------------------------------------------------------------------------------------------- roles


def test_labels_and_mask_of_a_published_layout_are_found_and_their_roles_shown(
    start: StartProgram, qtbot: QtBot, drive: Path
) -> None:
    program = start(photo_of(drive))
    assert names(program) == ["03_manual1.gif", "03_manual2.gif"]
    assert names_shown(program) == names(program)
    document, window = program.state.document, program.window
    assert document is not None
    assert document.fov is not None
    assert document.fov.source == drive / "mask" / "03_test_mask.gif"
    assert window.labels._fov._name._full == "03_test_mask.gif"
    assert window.segmentation._fov.currentText() == "From a mask file..."
    truth = document.labels[0]
    assert truth is not None
    assert truth.label is not None
    assert np.array_equal(truth.label.vessel, read_label(first_label(drive)).vessel)


def test_roles_can_be_swapped_and_emptied_and_are_kept_for_each_photograph(
    start: StartProgram, qtbot: QtBot, drive: Path
) -> None:
    program = start(photo_of(drive), photo_of(drive, 4))
    window = program.window
    window.commands["swap_labels"].trigger()
    assert names_shown(program) == ["03_manual2.gif", "03_manual1.gif"]
    window.labels.removeRequested.emit(1)
    assert names(program) == ["03_manual2.gif", None]
    program.controller.photos.set_fov(replace(program.state.photos[0].fov, request="estimated", file=None))
    qtbot.waitUntil(lambda: program.state.photos[0].fov.request == "estimated", timeout=WAIT_MS)
    program.controller.photos.select(1)
    qtbot.waitUntil(lambda: program.state.opening is None, timeout=WAIT_MS)
    assert names(program) == ["04_manual1.gif", "04_manual2.gif"]
    program.controller.photos.select(0)
    qtbot.waitUntil(lambda: program.state.opening is None, timeout=WAIT_MS)
    assert names(program) == ["03_manual2.gif", None]  # what was removed is not found again
    assert program.state.document is not None
    assert program.state.document.fov is not None
    assert program.state.document.fov.origin == "estimated"


def test_a_label_comes_by_dialog_by_drop_and_from_a_folder(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = tmp_path / "03_test.tif"  # nothing beside it
    photo.write_bytes(photo_of(drive).read_bytes())
    program = start(photo)
    window = program.window
    assert names(program) == [None, None]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_args: (str(first_label(drive)), ""))
    window.commands["load_label"].trigger()
    qtbot.waitUntil(lambda: names(program) == ["03_manual1.gif", None], timeout=WAIT_MS)
    drop_on(window, second_label(drive))  # a picture of two values is not a photograph
    qtbot.waitUntil(lambda: names(program) == ["03_manual1.gif", "03_manual2.gif"], timeout=WAIT_MS)
    assert len(program.state.photos) == 1
    drop_on(window.labels._rows[0], second_label(drive))
    qtbot.waitUntil(lambda: names(program)[0] == "03_manual2.gif", timeout=WAIT_MS)
    drop_on(window.labels._fov, drive / "mask" / "03_test_mask.gif")
    qtbot.waitUntil(lambda: window.labels._fov._name._full == "03_test_mask.gif", timeout=WAIT_MS)
    for expert in (0, 1):
        window.labels.removeRequested.emit(expert)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_args: str(drive / "2nd_manual"))
    window.commands["label_folder"].trigger()
    qtbot.waitUntil(lambda: names(program) == ["03_manual2.gif", None], timeout=WAIT_MS)
    assert "1 of 1" in program.state.notices[-1].text
    drop_on(window, photo_of(drive, 4))  # a photograph is still opened
    qtbot.waitUntil(lambda: len(program.state.photos) == 2, timeout=WAIT_MS)


def save(path: Path, pixels: ByteArray) -> Path:
    Image.fromarray(pixels).save(path)
    return path


def answers(program: Program, expert: int = 0) -> dict[str, QPushButton]:
    question = program.window.labels._questions[expert]
    return {button.text(): button for button in question.findChildren(QPushButton) if button.isVisibleTo(question)}


def ask_about(program: Program, qtbot: QtBot, path: Path) -> str:
    """Load a doubtful label; returns the sentence in the panel."""
    program.controller.comparison.load_label(0, path)
    qtbot.waitUntil(lambda: names(program)[0] == path.name, timeout=WAIT_MS)
    question = program.window.labels._questions[0]
    assert question.isVisibleTo(program.window.labels)
    assert score_selectors.score_columns(program.state)[0] is None  # not taken before it is answered
    return question._text.text()


def test_a_doubtful_label_is_answered_with_a_sentence_and_choices(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path
) -> None:
    program = start(photo_of(drive))
    drawn = read_label(first_label(drive)).vessel
    grey = cv2.GaussianBlur(drawn.astype(np.uint8) * 255, (0, 0), 2.0)
    small = drawn[: SIDE // 2].astype(np.uint8) * 255
    cases: list[tuple[str, ByteArray, str, set[str]]] = [
        ("other size.png", small, "160 x 80", set()),
        ("empty.png", np.zeros((SIDE, SIDE), np.uint8), "black everywhere", set()),
        ("full.png", np.full((SIDE, SIDE), 255, np.uint8), "same bright value", set()),
        ("inverted.png", (~drawn).astype(np.uint8) * 255, "looks inverted", {"Invert", "Use as It Is"}),
        ("grey.png", np.asarray(grey, np.uint8), "grey values", {"Cut at Half"}),
    ]
    for name, pixels, words, offered in cases:
        sentence = ask_about(program, qtbot, save(tmp_path / name, pixels))
        assert words in sentence
        assert name in sentence
        texts = set(answers(program))
        assert {"Choose Another...", "Remove"} | offered <= texts, name
        assert offered or not {"Invert", "Use as It Is", "Cut at Half"} & texts, name

    damaged = tmp_path / "damaged.gif"
    damaged.write_bytes(first_label(drive).read_bytes()[:300])
    assert "damaged.gif" in ask_about(program, qtbot, damaged)

    def used() -> BoolArray | None:
        document = program.state.document
        slot = document.labels[0] if document else None
        return slot.label.vessel if slot is not None and slot.label is not None else None

    ask_about(program, qtbot, tmp_path / "inverted.png")
    answers(program)["Invert"].click()
    qtbot.waitUntil(lambda: used() is not None, timeout=WAIT_MS)
    assert np.array_equal(used(), drawn)
    assert not program.window.labels._questions[0].isVisibleTo(program.window.labels)
    assert "inverted" in names_shown(program)[0]
    ask_about(program, qtbot, tmp_path / "grey.png")
    answers(program)["Cut at Half"].click()
    qtbot.waitUntil(lambda: used() is not None, timeout=WAIT_MS)
    assert np.array_equal(used(), grey > int(grey.max()) // 2)


def test_a_mask_taken_for_a_label_can_become_the_field_of_view(start: StartProgram, qtbot: QtBot, drive: Path) -> None:
    program = start(photo_of(drive))
    program.controller.photos.set_fov(replace(program.state.photos[0].fov, request="full", file=None))
    qtbot.waitUntil(lambda: program.window.labels._fov._name._full == "whole image", timeout=WAIT_MS)
    ask_about(program, qtbot, drive / "mask" / "03_test_mask.gif")
    answers(program)["It Is the Field of View"].click()
    qtbot.waitUntil(lambda: program.window.labels._fov._name._full == "03_test_mask.gif", timeout=WAIT_MS)
    assert names(program) == [None, "03_manual2.gif"]


# ----------------------------------------------------------------------------------------------------------- scores


def test_the_figures_are_those_of_the_exported_mask_by_scikit_learn(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path
) -> None:
    program = compared(start, qtbot, drive)
    window, state = program.window, program.state
    assert state.result is not None
    values = state.result.segmentation.probability.values
    truths = [read_label(first_label(drive)).vessel, read_label(second_label(drive)).vessel]
    inside = read_fov(drive / "mask" / "03_test_mask.gif").inside
    for region in ("fov", "image"):
        window.commands[f"region_{region}"].trigger()
        assert window.scores._regions[region].isChecked()  # type: ignore[index]
        where = inside if region == "fov" else np.ones_like(inside)
        for level in (20, 70, 140):
            window.segmentation._slider.setValue(level)
            wait_for_scores(program, qtbot)
            folder = tmp_path / f"{region} {level}"
            export(program, qtbot, folder)
            mask = read_mask(folder / "03_test_mask.png")[where]
            for column, truth in enumerate(truths):
                expected = by_scikit_learn(truth[where], mask)
                shown = {key: window.scores.score_text(key, column) for key in expected}
                assert shown == {key: f"{value:.4f}" for key, value in expected.items()}
                area = metrics.roc_auc_score(truth[where], values[where])
                assert window.scores.score_text("auc_roc", column) == f"{area:.4f}"
                course = cl_dice_of(read_mask(folder / "03_test_mask.png") & where, truth & where)
                assert window.scores.score_text("cl_dice", column) == f"{course:.4f}"
                both = [
                    regions(one & where, connectivity=2, return_num=True)[1]
                    for one in (read_mask(folder / "03_test_mask.png"), truth)
                ]
                assert window.scores.score_text("pieces", column) == str(both[0])
                assert window.scores.score_text("pieces_error", column) == str(abs(both[0] - both[1]))
                assert window.scores.score_text("thin_sensitivity", column) == DASH, "a pixel is wider here"
            between = by_scikit_learn(truths[0][where], truths[1][where])
            assert {key: window.scores.score_text(key, 2) for key in between} == {
                k: f"{v:.4f}" for k, v in between.items()
            }


def cl_dice_of(mask: BoolArray, truth: BoolArray) -> float:
    """As its authors define it."""
    found, drawn = skeletonize(mask.copy()), skeletonize(truth.copy())
    precision, sensitivity = truth[found].mean(), mask[drawn].mean()
    return float(2 * precision * sensitivity / (precision + sensitivity))


def by_scikit_learn(truth: BoolArray, mask: BoolArray) -> dict[str, float]:
    return {
        "accuracy": metrics.accuracy_score(truth, mask),
        "sensitivity": metrics.recall_score(truth, mask),
        "specificity": metrics.recall_score(~truth, ~mask),
        "precision": metrics.precision_score(truth, mask),
        "f1": metrics.f1_score(truth, mask),
        "iou": metrics.jaccard_score(truth, mask),
        "mcc": metrics.matthews_corrcoef(truth, mask),
        "kappa": metrics.cohen_kappa_score(truth, mask),
    }


def test_what_is_undefined_is_a_dash_with_its_reason(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path
) -> None:
    program = compared(start, qtbot, drive)
    outside = np.zeros((SIDE, SIDE), np.uint8)
    outside[:3, :3] = 255
    sentence = ask_about(program, qtbot, save(tmp_path / "outside.png", outside))
    assert "inside the field of view" in sentence
    answers(program)["Use as It Is"].click()
    wait_for = program.window.scores
    qtbot.waitUntil(lambda: wait_for.score_text("specificity") not in {"", "\u2026"}, timeout=WAIT_MS)
    cells = program.window.scores._cells[0]
    for name, reason in (("sensitivity", "no vessel"), ("mcc", "all vessel or all background")):
        assert cells[name].text() == "\u2013"
        assert reason in cells[name].toolTip()
    assert cells["precision"].text() == "0.0000"
    assert cells["specificity"].toolTip() == ""


def test_two_experts_are_compared_before_the_photograph_is_segmented(
    start: StartProgram, qtbot: QtBot, drive: Path
) -> None:
    program = start(photo_of(drive))
    wait_for_scores(program, qtbot)
    scores = program.window.scores
    assert scores.score_text("f1", 0) == ""
    assert 0.3 < float(scores.score_text("f1", 2)) < 1.0
    assert scores.score_text("auc_roc", 2) == ""


def test_another_label_or_field_of_view_never_shows_the_figures_of_the_old_one(
    start: StartProgram, qtbot: QtBot, drive: Path
) -> None:
    program = compared(start, qtbot, drive)
    scores = program.window.scores
    before = [scores.score_text("f1", column) for column in (0, 1)]
    program.window.commands["swap_labels"].trigger()
    assert scores.score_text("f1") == "\u2026"
    wait_for_scores(program, qtbot)
    assert [scores.score_text("f1", column) for column in (1, 0)] == before
    program.window.labels.removeRequested.emit(0)
    assert scores.score_text("f1", 0) == ""


def handle_of(slider: QSlider) -> QPoint:
    """Where to take a slider by the mouse."""
    option = QStyleOptionSlider()
    slider.initStyleOption(option)
    parts = QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, slider
    return slider.style().subControlRect(*parts).center()


def test_centre_lines_wait_until_the_slider_is_let_go(start: StartProgram, qtbot: QtBot, drive: Path) -> None:
    program = compared(start, qtbot, drive)
    window, state = program.window, program.state
    slider = window.segmentation._slider
    place = handle_of(slider)
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=place)
    slider.setValue(slider.value() + 3)
    qtbot.wait(600)  # twice as long as a rest
    assert not program.controller.context.workers.busy("centre lines")
    assert score_selectors.centre_lines(state) is None
    assert window.scores.score_text("cl_dice") == "\u2026"
    assert window.scores.score_text("f1") != "\u2026"
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=place)
    wait_for_scores(program, qtbot)


def test_only_one_skeleton_is_made_at_a_time_and_none_that_nobody_wants(
    start: StartProgram, qtbot: QtBot, drive: Path
) -> None:
    program = compared(start, qtbot, drive)
    comparison_inputs = score_selectors.comparison_inputs(program.state)
    assert comparison_inputs is not None
    cache = SkeletonCache()
    wanted: list[object] = []
    board = WorkerPool()
    with cache.turn:
        for level in (50, 60):
            work = partial(compare_centre_lines, comparison_inputs, level, cache)
            board.start("centre lines", work, succeeded=wanted.append)
        qtbot.wait(100)
        assert not wanted
        assert not cache._skeletons
    qtbot.waitUntil(lambda: len(wanted) == 1 and not board._running, timeout=WAIT_MS)
    assert isinstance(wanted[0], CentreLines)
    assert wanted[0].level == 60
