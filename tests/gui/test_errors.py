"""The error map over the photograph, steps from error to error, and thresholds that follow from a label."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from pytestqt.qtbot import QtBot
from sklearn import metrics

from core.evaluation.error_map import FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE, error_map, largest_errors
from core.photo.reading import read_fov, read_label
from serr_gui.model import score_selectors
from serr_gui.model.state import FovChoice
from tests.gui.conftest import SIDE, WAIT_MS, StartProgram
from tests.gui.test_comparing import by_scikit_learn, compared, first_label, names, photo_of, save, wait_for_scores
from tests.gui.test_segmenting import segment


def test_the_error_map_is_painted_as_the_library_computes_it(start: StartProgram, qtbot: QtBot, drive: Path) -> None:
    program = compared(start, qtbot, drive)
    window, state = program.window, program.state
    window.commands["show_errors"].trigger()
    program.controller.set_view(replace(state.view, error_opacity=1.0, show_fov=False))
    window.canvas.zoom_to(1.0)
    assert state.result is not None
    levels = state.result.segmentation.probability.levels
    label = read_label(first_label(drive)).vessel
    inside = read_fov(drive / "mask" / "03_test_mask.gif").inside
    for region, level in (("fov", 40), ("fov", 110), ("image", 110)):
        window.commands[f"region_{region}"].trigger()
        window.segmentation._slider.setValue(level)
        qtbot.waitUntil(lambda: score_selectors.comparison(state) is not None, timeout=WAIT_MS)
        where = inside if region == "fov" else np.ones_like(inside)
        expected = error_map(levels >= level, label, where)
        assert np.array_equal(window.canvas.shown_errors(), expected)
        image = window.canvas.grab().toImage()
        corner = window.canvas.widget_point(0, 0)
        left, top = round(corner.x()), round(corner.y())
        seen = np.array([[image.pixelColor(left + x, top + y).getRgb()[:3] for x in range(SIDE)] for y in range(SIDE)])
        legend = dict(window.canvas.legend())
        for code, name in ((FALSE_NEGATIVE, "missed"), (FALSE_POSITIVE, "false"), (TRUE_POSITIVE, "right")):
            assert (seen[expected == code] == legend[name]).all()
        numbers = [label.text() for label in window.errors._numbers]
        assert numbers == [f"{int((expected == code).sum()):,} px".replace(",", "\u2009") for code in (1, 2, 3)]


def test_what_lies_outside_the_field_of_view_is_no_error_and_no_figure(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path
) -> None:
    """Neither in a label that runs across the border, nor in a map that was made in a larger field of view."""
    program = start(photo_of(drive))
    window, state = program.window, program.state
    program.controller.photos.set_fov(FovChoice("full"))
    qtbot.waitUntil(lambda: state.photos[0].fov.request == "full", timeout=WAIT_MS)
    levels = segment(program, qtbot).segmentation.probability.levels
    drawn = read_label(first_label(drive)).vessel.copy()
    drawn[::7] = True
    program.controller.comparison.load_label(0, save(tmp_path / "across.png", np.where(drawn, 255, 0).astype(np.uint8)))
    mask = drive / "mask" / "03_test_mask.gif"
    program.controller.photos.set_fov(FovChoice("file", mask))
    qtbot.waitUntil(lambda: names(program)[0] == "across.png" and state.photos[0].fov.file == mask, timeout=WAIT_MS)
    program.controller.comparison.accept_label(0, invert=False)  # its lines are no vessels
    level = 60
    window.segmentation._slider.setValue(level)
    wait_for_scores(program, qtbot)
    inside = read_fov(mask).inside
    assert (levels >= level)[~inside].any()
    expected = by_scikit_learn(drawn[inside], (levels >= level)[inside])
    assert {key: window.scores.score_text(key) for key in expected} == {k: f"{v:.4f}" for k, v in expected.items()}
    window.commands["show_errors"].trigger()
    codes = error_map(levels >= level, drawn, inside)
    assert np.array_equal(window.canvas.shown_errors(), codes)
    window.errors._borders.click()
    for request in ("false_negative", "false_positive"):
        window.commands[f"errors_{request}"].trigger()
        window.commands["next_error"].trigger()
        qtbot.waitUntil(lambda: score_selectors.error_list(state) is not None, timeout=WAIT_MS)
        assert state.errors is not None
        assert state.errors.regions
        assert state.errors.regions == largest_errors(codes, request)  # type: ignore[arg-type]


def test_steps_go_from_the_largest_error_to_smaller_ones_and_show_them(
    start: StartProgram, qtbot: QtBot, drive: Path
) -> None:
    program = compared(start, qtbot, drive)
    window, state = program.window, program.state
    window.segmentation._slider.setValue(100)
    window.errors._borders.click()
    assert not state.view.skip_borders
    assert state.result is not None
    inside = read_fov(drive / "mask" / "03_test_mask.gif").inside
    label = read_label(first_label(drive)).vessel
    codes = error_map(state.result.segmentation.probability.levels >= 100, label, inside)
    for request in ("false_negative", "false_positive"):
        window.commands[f"errors_{request}"].trigger()
        expected = largest_errors(codes, request)  # type: ignore[arg-type]
        assert len(expected) > 2
        for number, error in enumerate(expected[:3]):
            qtbot.keyClick(window.canvas, Qt.Key.Key_N)
            qtbot.waitUntil(lambda number=number: state.error_at == number, timeout=WAIT_MS)
            assert f"{number + 1} of {len(expected)}" in window.errors._place.text()
            assert f"{error.area_px} pixels" in window.errors._place.text()
            assert window.canvas.zoom >= 1.0
            middle = window.canvas.image_point(QPointF(window.canvas.rect().center()))
            assert abs(middle.y() - error.centre[0]) <= 2
            assert abs(middle.x() - error.centre[1]) <= 2
        qtbot.keyClick(window.canvas, Qt.Key.Key_N, Qt.KeyboardModifier.ShiftModifier)
        assert state.error_at == 1
    window.errors._borders.click()  # other errors: the steps begin again
    assert window.errors._place.text() == ""
    window.commands["next_error"].trigger()
    qtbot.waitUntil(lambda: state.error_at == 0, timeout=WAIT_MS)
    beyond = largest_errors(codes, "false_positive", border_px=1)
    assert f"1 of {len(beyond)}" in window.errors._place.text()
    window.segmentation._slider.setValue(101)
    assert window.errors._place.text() == ""


# -------------------------------------------------------------------------------------------------------- thresholds


def test_a_threshold_from_the_label_is_the_best_one_and_says_that_it_is_no_honest_test(
    start: StartProgram, qtbot: QtBot, drive: Path
) -> None:
    program = compared(start, qtbot, drive)
    window, state = program.window, program.state
    assert state.result is not None
    values = state.result.segmentation.probability.values
    inside = read_fov(drive / "mask" / "03_test_mask.gif").inside
    truth = read_label(first_label(drive)).vessel[inside]
    f1 = [metrics.f1_score(truth, values[inside] >= k / 256, zero_division=0) for k in range(1, 256)]
    assert "biased" not in window.scores._remarks.text()
    window.commands["threshold_best_f1"].trigger()
    assert f1[state.rule.level - 1] == pytest.approx(max(f1))
    assert window.scores._remarks.isVisibleTo(window.scores)
    assert "biased" in window.scores._remarks.text()
    assert "best F1" in window.segmentation._origin.full_text()
    window.commands["threshold_expert"].trigger()
    assert float(window.scores.score_text("sensitivity")) >= float(window.scores.score_text("sensitivity", 2))
    window.commands["threshold_youden"].trigger()
    assert state.rule.origin == "youden"
    window.commands["threshold_model"].trigger()
    assert "biased" not in window.scores._remarks.text()
