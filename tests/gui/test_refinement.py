"""Hysteresis and the smallest vessel in the window: what is shown, scored and exported is scikit-image's mask."""

import csv
import json
import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSlider, QSpinBox
from pytestqt.qtbot import QtBot
from skimage.filters import apply_hysteresis_threshold
from skimage.morphology import remove_small_objects

from core.evaluation.confusion import count
from core.masks.edits import BACKGROUND, UNTOUCHED, VESSEL, MaskEdits
from core.threshold_rule import ThresholdRule
from core.types import BoolArray, ByteArray
from serr_gui.model.result import Result
from serr_gui.model.score_selectors import model_counts
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.test_editing import Hand
from tests.gui.test_segmenting import export, read_mask, segment


@pytest.fixture
def hand(start: StartProgram, qtbot: QtBot, photo: Path) -> Hand:
    program = start(photo)
    segment(program, qtbot)
    return Hand(program, qtbot)


def reference(hand: Hand) -> BoolArray:
    """The mask of the rule that is set, without this program."""
    rule = hand.program.state.rule
    low = rule.level if rule.low_level is None else rule.low_level
    levels = hand.result.segmentation.probability.levels
    vessel = apply_hysteresis_threshold(levels, low - 1, rule.level - 1)
    if rule.min_pixels > 1:
        vessel = remove_small_objects(vessel, max_size=rule.min_pixels - 1, connectivity=2)
    if hand.result.edits is not None:
        codes = hand.codes
        vessel = np.where(codes == UNTOUCHED, vessel, codes == VESSEL)
    return np.asarray(vessel)


def set_rule(hand: Hand, level: int, low: int, least: int) -> None:
    """By the panel's own sliders."""
    window, panel = hand.program.window, hand.program.window.segmentation.refinement
    hand.program.controller.set_level(level)
    lower, smallest = panel.findChildren(QSlider)
    lower.setValue(low)
    smallest.setValue(least)
    assert hand.program.state.rule.makes == (level, low, max(least, 1))
    settle(hand)
    assert window.segmentation._share.text().endswith("% of the field of view")


def settle(hand: Hand) -> None:
    hand.qtbot.waitUntil(lambda: hand.result.fits(hand.program.state.rule), timeout=WAIT_MS)


def test_what_is_shown_counted_and_exported_is_the_mask_of_scikit_image(hand: Hand, tmp_path: Path) -> None:
    plain = hand.canvas.shown_mask()
    set_rule(hand, 140, 60, 40)
    vessel = reference(hand)
    assert not np.array_equal(vessel, hand.result.segmentation.probability.levels >= 140)
    assert np.array_equal(hand.canvas.shown_mask(), vessel)
    inside = hand.result.segmentation.fov.inside
    share = f"{np.count_nonzero(vessel & inside) / np.count_nonzero(inside) * 100:.1f} %"
    assert share in hand.program.window.segmentation._share.text()
    export(hand.program, hand.qtbot, tmp_path / "out")
    assert np.array_equal(read_mask(next((tmp_path / "out").glob("*_mask.png"))), vessel)
    rule = json.loads(next((tmp_path / "out").glob("*.serr.json")).read_text())["rule"]
    assert (rule["level"], rule["low_level"], rule["min_pixels"]) == (140, 60, 40)
    hand.program.window.commands["threshold_model"].trigger()
    assert np.array_equal(hand.canvas.shown_mask(), plain)


def test_the_sliders_live_beside_the_threshold_and_keep_to_it(hand: Hand) -> None:
    panel, state = hand.program.window.segmentation.refinement, hand.program.state
    set_rule(hand, 140, 60, 40)
    hand.program.controller.set_level(50)
    assert state.rule.makes == (50, 50, 40)
    lower, _ = panel.findChildren(QSlider)
    lower.setValue(90)
    assert (lower.value(), state.rule.low_level) == (50, None)
    panel.findChild(QSpinBox, "").setValue(7)  # type: ignore[union-attr]
    assert state.rule.min_pixels == 7
    settle(hand)
    assert np.array_equal(hand.canvas.shown_mask(), reference(hand))


def test_a_hand_stays_forced_through_every_rule(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    set_rule(hand, 140, 60, 40)
    hand.key(Qt.Key.Key_B)
    hand.stroke((70, 70))  # smaller than the smallest vessel
    hand.stroke((50, 80), (110, 80), button=Qt.MouseButton.RightButton)
    codes = hand.codes
    assert {VESSEL, BACKGROUND} <= set(np.unique(codes))
    assert np.array_equal(hand.canvas.shown_mask(), reference(hand))
    in_window, real = list[bool](), MaskEdits.on_model_levels

    def lay_over(edits: MaskEdits, levels: ByteArray) -> MaskEdits:
        in_window.append(threading.current_thread() is threading.main_thread())
        return real(edits, levels)

    monkeypatch.setattr(MaskEdits, "on_model_levels", lay_over)
    for level, low, least in ((200, 20, 0), (90, 90, 300), (90, 90, 0), (150, 149, 12)):
        set_rule(hand, level, low, least)
        assert np.array_equal(hand.codes, codes)
        assert np.array_equal(hand.canvas.shown_mask(), reference(hand))
        result = hand.result
        assert (
            result.pixels_at_least
            == Result.of(result.segmentation, result.model_path, result.edits, result.base_levels).pixels_at_least
        )
    assert in_window
    assert not any(in_window)
    hand.program.controller.set_level(149)
    hand.stroke((50, 95), (110, 95))  # while the mask of the new threshold is being made
    settle(hand)
    assert not np.array_equal(hand.codes, codes)
    assert np.array_equal(hand.canvas.shown_mask(), reference(hand))
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert np.array_equal(hand.codes, codes)
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)  # the rules, which were moved one after the other
    assert hand.program.state.rule.makes == (140, 60, 40)
    settle(hand)
    assert np.array_equal(hand.canvas.shown_mask(), reference(hand))
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not hand.codes.any()
    assert np.array_equal(hand.canvas.shown_mask(), reference(hand))


def test_scores_and_error_map_are_of_the_mask_and_curves_say_that_they_are_not(
    start: StartProgram, qtbot: QtBot, drive: Path
) -> None:
    program = start(next((drive / "images").iterdir()))
    segment(program, qtbot)
    hand, state, window = Hand(program, qtbot), program.state, program.window
    program.controller.toggle_errors()
    window.show_dock("curves")
    set_rule(hand, 140, 60, 40)
    qtbot.waitUntil(lambda: model_counts(state) is not None, timeout=WAIT_MS)
    document = state.document
    assert document is not None
    assert document.labels[0] is not None
    label, inside = document.labels[0].label, hand.result.segmentation.fov.inside
    assert label is not None
    vessel = reference(hand)
    assert model_counts(state) == count(vessel, label.vessel, inside)
    errors = hand.canvas.shown_errors()
    assert errors is not None
    assert np.array_equal((errors & 2) > 0, vessel & inside)
    qtbot.waitUntil(lambda: "hysteresis or a smallest vessel" in window.curves._notes.text(), timeout=WAIT_MS)
    assert "grown to 0.234 (60/256), without vessels below 40 px" in window.curves._readout.text()
    hand.key(Qt.Key.Key_B)
    hand.stroke((60, 60), (100, 100))
    qtbot.waitUntil(lambda: model_counts(state) is not None, timeout=WAIT_MS)
    assert model_counts(state) == count(reference(hand), label.vessel, inside)
    program.controller.suggest_level("best_f1")
    assert state.rule.is_plain
    qtbot.waitUntil(lambda: model_counts(state) is not None, timeout=WAIT_MS)
    assert model_counts(state) == count(reference(hand), label.vessel, inside)


def test_the_rule_stays_with_its_photograph_and_is_in_the_table_of_shares(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    program = start(photos[0], photos[1])
    segment(program, qtbot)
    hand, state = Hand(program, qtbot), program.state
    set_rule(hand, 140, 60, 40)
    vessel = reference(hand)
    program.controller.photos.select(1)
    qtbot.waitUntil(lambda: state.document is not None and state.opening is None, timeout=WAIT_MS)
    assert state.rule.is_plain
    program.controller.context.store.spill(photos[0])
    program.controller.write_shares(state.photos[:1], tmp_path / "shares.csv")
    qtbot.waitUntil((tmp_path / "shares.csv").exists, timeout=WAIT_MS)
    row = next(csv.DictReader((tmp_path / "shares.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert (row["low_threshold"], row["min_pixels"]) == (str(60 / 256), "40")
    program.controller.photos.select(0)
    qtbot.waitUntil(lambda: state.document is not None and state.opening is None, timeout=WAIT_MS)
    assert state.rule == ThresholdRule(140, "user", 60, 40)
    settle(hand)
    assert np.array_equal(hand.canvas.shown_mask(), vessel)
    assert int(row["vessel_pixels"]) == np.count_nonzero(vessel & hand.result.segmentation.fov.inside)
