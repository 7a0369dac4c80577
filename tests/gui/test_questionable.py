"""The questionable layer: painted, shown, undone, exported, left out of the agreement; and corrected pixels shown."""

import json
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from core.evaluation.confusion import count
from core.types import ByteArray
from serr_gui.app import Program
from serr_gui.canvas.layers import EDIT_COLOURS, QUESTIONABLE_COLOUR
from serr_gui.model.score_selectors import model_counts
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.test_editing import Hand
from tests.gui.test_segmenting import export, read_mask, segment


def layer(program: Program) -> ByteArray:
    document = program.state.document
    assert document is not None
    assert document.questionable is not None
    return document.questionable


@pytest.fixture
def hand(start: StartProgram, qtbot: QtBot, photo: Path) -> Hand:
    program = start(photo)
    segment(program, qtbot)
    return Hand(program, qtbot)


def test_it_is_painted_over_any_mask_and_undone(hand: Hand, qtbot: QtBot) -> None:
    program = hand.program
    levels = hand.result.levels
    hand.key(Qt.Key.Key_2)
    program.controller.editing.set_size(9)
    path = ((60, 60), (95, 75))
    hand.stroke(*path)
    wanted = hand.touched(*path, size=9)
    assert np.array_equal(layer(program) == 1, wanted)
    assert np.array_equal(hand.canvas.shown_questionable() == 1, wanted)
    assert hand.result.levels is levels  # the mask does not know of it
    hand.stroke((60, 60), (70, 64), button=Qt.MouseButton.RightButton)
    erased = layer(program) == 1
    assert 0 < erased.sum() < wanted.sum()
    assert program.state.editing.steps == ("Questionable", "Not Questionable")
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert np.array_equal(layer(program) == 1, wanted)
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert program.state.document is not None
    assert program.state.document.questionable is None
    hand.key(Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    hand.key(Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert np.array_equal(layer(program) == 1, erased)
    hand.press((100, 100))
    hand.drag((120, 100))
    hand.key(Qt.Key.Key_Escape)  # the stroke is given up
    assert np.array_equal(layer(program) == 1, erased)
    assert np.array_equal(hand.canvas.shown_questionable() == 1, erased)
    segment(program, qtbot)
    assert np.array_equal(layer(program) == 1, erased)


def test_it_comes_back_with_its_photograph_and_is_exported(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    program = start(*photos)
    segment(program, qtbot)
    hand = Hand(program, qtbot)
    hand.key(Qt.Key.Key_2)
    hand.stroke((60, 60), (90, 60))
    painted = layer(program) == 1
    for by in (1, -1):
        program.controller.photos.step(by)
        qtbot.waitUntil(lambda: program.state.opening is None, timeout=WAIT_MS)
    assert np.array_equal(layer(program) == 1, painted)
    folder = tmp_path / "out"
    export(program, qtbot, folder)
    file = next(folder.glob("*_questionable.png"))
    assert np.array_equal(read_mask(file), painted)
    record = json.loads(next(folder.glob("*.serr.json")).read_text(encoding="utf-8"))
    assert record["questionable"]["pixels"] == painted.sum()
    assert record["files"]["questionable"] == file.name
    program.window.commands["undo"].trigger()
    export(program, qtbot, folder)
    assert not read_mask(file).any()  # the old one would tell of what is gone


def test_the_agreement_leaves_it_out_and_says_so(start: StartProgram, qtbot: QtBot, drive: Path) -> None:
    program = start(sorted((drive / "images").iterdir())[0])
    segment(program, qtbot)
    hand = Hand(program, qtbot)
    hand.key(Qt.Key.Key_2)
    program.controller.editing.set_size(40)
    hand.stroke((60, 60), (110, 80))
    state = program.state
    document = state.document
    assert document is not None
    assert document.fov is not None
    slot = document.labels[0]
    assert slot is not None
    assert slot.label is not None
    for leave_out in (False, True):
        inside = document.fov.inside & (layer(program) == 0) if leave_out else document.fov.inside
        wanted = count(hand.result.mask(state.rule).vessel, slot.label.vessel, inside)
        qtbot.waitUntil(lambda wanted=wanted: model_counts(state) == wanted, timeout=WAIT_MS)
        said = program.window.scores._remarks.text()
        assert ("Without" if leave_out else "With ") in said
        assert f"{int(layer(program).sum()):,} questionable pixels" in said
        program.window.commands["skip_questionable"].trigger()


def test_all_photographs_are_evaluated_without_it(start: StartProgram, qtbot: QtBot, drive: Path) -> None:
    program = start(sorted((drive / "images").iterdir())[0])
    segment(program, qtbot)
    hand = Hand(program, qtbot)
    hand.key(Qt.Key.Key_2)
    program.controller.editing.set_size(40)
    hand.stroke((60, 60), (110, 80))
    totals = []
    for leave_out in (False, True):
        program.window.commands["evaluate_all"].trigger()
        qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)
        evaluation = program.state.evaluation
        assert evaluation is not None
        assert evaluation.report is not None
        image = evaluation.report.images[0]
        totals.append(image.counts.total)
        assert any("questionable pixels" in note for note in image.notes) is leave_out
        program.window.commands["skip_questionable"].trigger()
    assert totals[0] - totals[1] == layer(program).sum()


def test_corrected_and_questionable_pixels_are_seen(hand: Hand) -> None:
    program, canvas = hand.program, hand.canvas
    program.window.commands["show_fov"].trigger()
    hand.key(Qt.Key.Key_B)
    program.controller.editing.set_size(12)
    hand.stroke((60, 60), (90, 60))
    hand.stroke((60, 90), (90, 90), button=Qt.MouseButton.RightButton)
    hand.key(Qt.Key.Key_2)
    hand.stroke((100, 110), (120, 110))
    program.window.commands["hand"].trigger()
    program.window.commands["show_edits"].trigger()

    def colours(at: tuple[float, float]) -> list[tuple[int, int, int]]:
        picture = canvas.grab().toImage()
        place = hand.place(at)
        ratio = picture.devicePixelRatio()
        near = [(dx, dy) for dx in range(-6, 7) for dy in range(-6, 7)]
        pixels = [picture.pixelColor(round(place.x() * ratio) + dx, round(place.y() * ratio) + dy) for dx, dy in near]
        return [(pixel.red(), pixel.green(), pixel.blue()) for pixel in pixels]

    def like(colour: tuple[int, ...], seen: list[tuple[int, int, int]]) -> bool:
        return any(max(abs(a - b) for a, b in zip(colour, one, strict=False)) < 60 for one in seen)

    background, vessel = EDIT_COLOURS
    assert like(vessel[:3], colours((75, 60)))
    assert like(background[:3], colours((75, 90)))
    assert like(QUESTIONABLE_COLOUR[:3], colours((110, 110)))
    assert {name for name, _ in canvas.legend()} == {"background by hand", "vessel by hand", "questionable"}
    program.window.commands["show_edits"].trigger()
    assert not like(background[:3], colours((75, 90)))
    program.window.commands["show_questionable"].trigger()
    assert not like(QUESTIONABLE_COLOUR[:3], colours((110, 110)))
    assert canvas.legend() == []
