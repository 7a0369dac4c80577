"""The field of view corrected by hand: circle, brush and eraser, Undo, the next run, export and replay."""

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from core.models.catalogue import load_model
from core.replay import replay_sidecar
from core.types import BoolArray, FieldOfView
from serr_gui.app import Program
from serr_gui.model.selectors import fov_circle, stale_reasons
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.test_editing import Hand
from tests.gui.test_segmenting import export, read_mask, segment


def fov(program: Program) -> FieldOfView:
    document = program.state.document
    assert document is not None
    assert document.fov is not None
    return document.fov


def circle(program: Program) -> tuple[float, float, float]:
    found = fov_circle(program.state)
    assert found is not None
    return found


def drawn(program: Program, qtbot: QtBot, before: BoolArray) -> BoolArray:
    qtbot.waitUntil(lambda: not np.array_equal(fov(program).inside, before), timeout=WAIT_MS)
    assert fov(program).origin == "edited"
    return fov(program).inside


@pytest.fixture
def hand(start: StartProgram, qtbot: QtBot, photo: Path) -> Hand:
    return Hand(start(photo), qtbot)


def test_a_circle_is_moved_and_sized(hand: Hand, qtbot: QtBot) -> None:
    program = hand.program
    hand.canvas.zoom_to(2.0)
    hand.key(Qt.Key.Key_W, Qt.KeyboardModifier.ShiftModifier)
    assert program.state.editing.tool == "fov_circle"
    before = fov(program)
    top, left, bottom, right = before.box
    middle = ((left + right) / 2, (top + bottom) / 2)
    hand.stroke(middle, (middle[0] + 10, middle[1] + 5))
    moved = drawn(program, qtbot, before.inside)
    x, y, radius = circle(program)  # a part of it is beyond the edge of the picture
    assert (x, y) == pytest.approx((middle[0] + 10, middle[1] + 5), abs=1.0)
    assert radius == pytest.approx(before.diameter_px / 2, abs=1.5)
    hand.stroke((x - radius, y), (x - radius + 20, y))
    smaller = drawn(program, qtbot, moved)
    assert circle(program) == pytest.approx((x, y, radius - 20), abs=1.0)
    for wanted in (moved, before.inside):
        hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(lambda wanted=wanted: np.array_equal(fov(program).inside, wanted), timeout=WAIT_MS)
    hand.key(Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: np.array_equal(fov(program).inside, moved), timeout=WAIT_MS)
    assert smaller.any()


def test_brush_and_eraser_change_it_also_before_any_run(hand: Hand, qtbot: QtBot) -> None:
    program = hand.program
    before = fov(program).inside
    hand.key(Qt.Key.Key_3)
    program.controller.editing.set_size(20)
    hand.stroke((80, 80), (100, 80), button=Qt.MouseButton.RightButton)
    hole = drawn(program, qtbot, before)
    assert not hole[80, 90]
    assert not (hole & ~before).any()
    hand.stroke((80, 80), (100, 80))
    back = drawn(program, qtbot, hole)
    assert back[80, 90]
    hand.key(Qt.Key.Key_Escape)
    assert (program.state.editing.tool, program.state.editing.target) == ("hand", "vessels")


def test_a_polygon_takes_a_part_away(hand: Hand, qtbot: QtBot) -> None:
    program = hand.program
    before = fov(program).inside
    hand.key(Qt.Key.Key_3)
    hand.key(Qt.Key.Key_S)
    program.window.commands["lasso_background"].trigger()
    for corner in ((40, 60), (100, 60), (70, 100)):
        hand.stroke(corner)
    hand.key(Qt.Key.Key_Return)
    inside = drawn(program, qtbot, before)
    gone = before & ~inside
    assert gone[70, 70]
    assert not gone[95, 45]
    assert 900 < gone.sum() < 1500
    assert program.state.result is None  # no network is needed for it


def test_a_drawn_one_is_used_exported_and_replayed(
    hand: Hand, qtbot: QtBot, small_models: Path, tmp_path: Path
) -> None:
    program = hand.program
    segment(program, qtbot)
    before = fov(program).inside
    hand.key(Qt.Key.Key_3)
    program.controller.editing.set_size(40)
    hand.stroke((60, 80), (60, 90), button=Qt.MouseButton.RightButton)
    inside = drawn(program, qtbot, before)
    assert "fov" in stale_reasons(program.state)
    result = segment(program, qtbot)
    assert "fov" not in stale_reasons(program.state)
    assert result.segmentation.fov.origin == "edited"
    assert not (result.mask(program.state.rule).vessel & ~inside).any()
    export(program, qtbot, tmp_path / "out")
    assert np.array_equal(read_mask(next((tmp_path / "out").glob("*_fov.png"))), inside)
    path = next((tmp_path / "out").glob("*.serr.json"))
    assert json.loads(path.read_text(encoding="utf-8"))["field_of_view"]["origin"] == "edited"
    again = replay_sidecar(path, model=load_model(small_models / "small.safetensors"))
    assert np.array_equal(again.mask.vessel, result.mask(program.state.rule).vessel)
