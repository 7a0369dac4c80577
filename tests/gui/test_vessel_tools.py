"""Tools that edit vessels and not pixels, with mouse and keys in the real window."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot
from scipy import ndimage
from skimage.morphology import skeletonize

from core.masks.branches import find_gaps
from core.masks.edits import BACKGROUND, UNTOUCHED, VESSEL
from core.masks.strokes import polygon
from core.types import BoolArray
from serr_gui.canvas.tools.part import PartTool
from serr_gui.canvas.tools.trace import TraceTool
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.test_editing import Hand
from tests.gui.test_segmenting import segment

EIGHT = np.ones((3, 3), np.bool_)
Place = tuple[float, float]


@pytest.fixture
def hand(start: StartProgram, qtbot: QtBot, photo: Path) -> Hand:
    program = start(photo)
    segment(program, qtbot)
    hand = Hand(program, qtbot)
    hand.canvas.fit()
    return hand


def mask(hand: Hand) -> BoolArray:
    return np.asarray(hand.result.mask(hand.program.state.rule).vessel)


def largest_component(vessel: BoolArray) -> BoolArray:
    labels, count = ndimage.label(vessel, structure=EIGHT)
    sizes = ndimage.sum(vessel, labels, range(1, count + 1))
    return np.asarray(labels == 1 + int(np.argmax(sizes)))


def course(vessel: BoolArray) -> list[Place]:
    """Points along the largest vessel, from its left to its right."""
    rows, columns = np.nonzero(skeletonize(largest_component(vessel)))
    order = np.argsort(columns)
    return [(float(columns[i]) + 0.5, float(rows[i]) + 0.5) for i in order]


def deepest(vessel: BoolArray) -> Place:
    """The middle of a wide part of the largest vessel."""
    row, column = np.unravel_index(np.argmax(ndimage.distance_transform_edt(largest_component(vessel))), vessel.shape)
    return float(column) + 0.5, float(row) + 0.5


def tracer(hand: Hand) -> TraceTool:
    tool = hand.canvas.tool
    assert isinstance(tool, TraceTool)
    return tool


def click(hand: Hand, at: Place, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    hand.press(at, keys=keys)
    hand.release(at)


def searched(hand: Hand) -> None:
    hand.qtbot.waitUntil(lambda: tracer(hand).is_ready, timeout=WAIT_MS)


def test_tracing_draws_the_vessel_between_clicks_at_its_width(hand: Hand) -> None:
    vessel = mask(hand)
    points = course(vessel)
    hand.key(Qt.Key.Key_T)
    assert hand.program.state.editing.tool == "trace"
    click(hand, points[3])
    searched(hand)
    QTest.mouseMove(hand.canvas, hand.place(points[-4]))
    assert tracer(hand).live_footprint is not None
    assert hand.result.edits is None  # a preview changes nothing
    click(hand, points[len(points) // 2])
    click(hand, points[-4])  # comes before the search from the second click
    hand.key(Qt.Key.Key_Return)
    hand.qtbot.waitUntil(lambda: hand.result.edits is not None, timeout=WAIT_MS)
    drawn = hand.codes == VESSEL
    assert hand.program.state.editing.undo == "Trace"
    _, count = ndimage.label(drawn, structure=EIGHT)
    assert count == 1
    for x, y in (points[3], points[-4]):
        assert ndimage.binary_dilation(drawn, iterations=4)[int(y), int(x)]
    likely = ndimage.binary_dilation(hand.result.segmentation.probability.levels >= 60, iterations=2)
    assert np.count_nonzero(drawn & likely) > 0.9 * np.count_nonzero(drawn)
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not hand.codes.any()
    hand.program.window.commands["redo"].trigger()
    assert np.array_equal(hand.codes == VESSEL, drawn)


def test_backspace_takes_a_piece_back_and_escape_gives_the_way_up(hand: Hand) -> None:
    points = course(mask(hand))
    hand.key(Qt.Key.Key_T)
    for at in (points[3], points[len(points) // 2], points[-4]):
        click(hand, at)
        searched(hand)
    assert tracer(hand).pieces == 2
    hand.key(Qt.Key.Key_Backspace)
    assert tracer(hand).pieces == 1
    searched(hand)
    hand.key(Qt.Key.Key_Escape)
    assert not tracer(hand).has_begun
    assert hand.result.edits is None
    hand.key(Qt.Key.Key_Escape)
    assert hand.program.state.editing.tool == "hand"


def test_a_double_click_accepts_and_the_width_can_be_changed(hand: Hand) -> None:
    points = course(mask(hand))

    def traced() -> int:
        hand.key(Qt.Key.Key_T)
        click(hand, points[3])
        searched(hand)
        click(hand, points[-4])
        QTest.mouseDClick(hand.canvas, Qt.MouseButton.LeftButton, pos=hand.place(points[-4]))
        hand.qtbot.waitUntil(lambda: hand.program.state.editing.corrected_px > 0, timeout=WAIT_MS)
        return hand.program.state.editing.corrected_px

    narrow = traced()
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    for _ in range(10):
        hand.key(Qt.Key.Key_BracketRight)
    assert hand.program.state.editing.width_percent == 200
    assert traced() > 1.4 * narrow


def test_another_tool_and_another_photograph_keep_what_was_traced(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path]
) -> None:
    program = start(photos[0], photos[1])
    segment(program, qtbot)
    hand = Hand(program, qtbot)
    hand.canvas.fit()
    points = course(mask(hand))
    hand.key(Qt.Key.Key_T)
    click(hand, points[3])
    searched(hand)
    click(hand, points[-4])
    hand.key(Qt.Key.Key_B)
    assert program.state.editing.undo == "Trace"
    codes = hand.codes
    hand.key(Qt.Key.Key_T)
    click(hand, points[3])
    searched(hand)
    click(hand, points[len(points) // 4])
    program.controller.photos.select(1)
    qtbot.waitUntil(lambda: program.state.document is not None, timeout=WAIT_MS)
    program.controller.photos.select(0)
    qtbot.waitUntil(lambda: program.state.document is not None and program.state.opening is None, timeout=WAIT_MS)
    assert not np.array_equal(hand.codes, codes)
    assert not tracer(hand).has_begun
    program.controller.history.undo()
    assert np.array_equal(hand.codes, codes)


def shown_part(hand: Hand, at: Place) -> BoolArray:
    """What is shown before a click, as pixels of the photograph."""
    tool = hand.canvas.tool
    assert isinstance(tool, PartTool)
    QTest.mouseMove(hand.canvas, hand.place((5.0, 5.0)))
    QTest.mouseMove(hand.canvas, hand.place(at))
    hand.qtbot.waitUntil(lambda: tool.part is not None, timeout=WAIT_MS)
    part = tool.part
    assert part is not None
    pixels = np.zeros_like(mask(hand))
    height, width = part.pixels.shape
    pixels[part.top : part.top + height, part.left : part.left + width] = part.pixels
    return pixels


def test_pruning_removes_the_branch_that_is_shown_and_nothing_else(hand: Hand) -> None:
    before = mask(hand)
    at = deepest(before)
    hand.key(Qt.Key.Key_K)
    part = shown_part(hand, at)
    assert not (part & ~before).any()
    assert hand.result.edits is None
    click(hand, at)
    assert np.array_equal(hand.codes == BACKGROUND, part)
    assert np.array_equal(mask(hand), before & ~part)
    assert hand.program.state.editing.undo == "Prune"
    hand.program.window.commands["undo"].trigger()
    assert np.array_equal(mask(hand), before)


def test_a_connected_vessel_is_removed_or_kept_at_every_threshold(hand: Hand) -> None:
    before = mask(hand)
    whole, at = largest_component(before), deepest(before)
    hand.key(Qt.Key.Key_I)
    click(hand, at)  # without waiting for the preview
    hand.qtbot.waitUntil(lambda: hand.program.state.editing.corrected_px > 0, timeout=WAIT_MS)
    assert np.array_equal(hand.codes == BACKGROUND, whole)
    assert hand.program.state.editing.undo == "Remove Vessel"
    hand.program.window.commands["undo"].trigger()
    assert np.array_equal(shown_part(hand, at), whole)
    click(hand, at, Qt.KeyboardModifier.ControlModifier)
    assert np.array_equal(hand.codes == VESSEL, whole)
    hand.program.controller.set_level(255)
    assert mask(hand)[whole].all()


def test_a_gap_that_vessels_enclose_is_filled_and_open_background_is_not(hand: Hand) -> None:
    hand.key(Qt.Key.Key_B)
    corners = ((70.0, 70.0), (110.0, 70.0), (110.0, 110.0), (70.0, 110.0), (70.0, 70.0))
    hand.stroke(*corners)
    hand.key(Qt.Key.Key_E)
    hand.program.controller.editing.set_size(20)
    hand.stroke((84.5, 90.5), (95.5, 90.5))
    codes, before = hand.codes, mask(hand)
    hand.key(Qt.Key.Key_U)
    hole = shown_part(hand, (90.5, 90.5))
    click(hand, (90.5, 90.5))
    assert hand.program.state.editing.undo == "Fill"
    assert hole[90, 90]
    assert not (hole & before).any()
    assert np.array_equal(mask(hand), before | hole)
    hand.program.window.commands["undo"].trigger()
    assert np.array_equal(hand.codes, codes)
    click(hand, (3.0, 3.0))
    hand.qtbot.waitUntil(lambda: not hand.program.controller.context.workers.busy("part"), timeout=WAIT_MS)
    assert np.array_equal(hand.codes, codes)


def outlined(hand: Hand, *corners: Place) -> BoolArray:
    """What a region must have changed, by its corners on the screen."""
    part = polygon([hand.seen_at(at) for at in corners])
    pixels = np.zeros_like(mask(hand))
    height, width = part.pixels.shape
    pixels[part.top : part.top + height, part.left : part.left + width] = part.pixels
    return np.asarray(pixels & hand.result.segmentation.fov.inside)


SQUARE = ((60.0, 60.0), (100.0, 60.0), (100.0, 100.0), (60.0, 100.0))


def test_a_region_is_outlined_in_one_go_erased_and_given_back(hand: Hand) -> None:
    before = mask(hand)
    hand.key(Qt.Key.Key_S)
    hand.stroke(*SQUARE)
    region = outlined(hand, *SQUARE)
    assert np.array_equal(hand.codes == VESSEL, region)
    assert hand.program.state.editing.undo == "Lasso"
    hand.key(Qt.Key.Key_X)
    hand.stroke(*SQUARE)
    assert np.array_equal(hand.codes == BACKGROUND, region)
    hand.stroke(*SQUARE, keys=Qt.KeyboardModifier.ControlModifier)
    assert np.array_equal(hand.codes == VESSEL, region)
    hand.program.window.commands["lasso_network"].trigger()
    left = ((60.0, 60.0), (80.0, 60.0), (80.0, 100.0), (60.0, 100.0))
    hand.stroke(*left)
    assert np.array_equal(hand.codes == UNTOUCHED, ~region | outlined(hand, *left))
    assert hand.program.state.editing.undo == "Give Back to the Network"
    for _ in range(4):
        hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert np.array_equal(mask(hand), before)


def test_a_region_is_clicked_corner_by_corner(hand: Hand) -> None:
    hand.key(Qt.Key.Key_S)
    for at in (*SQUARE[:3], (90.0, 140.0)):
        click(hand, at)
    hand.key(Qt.Key.Key_Backspace)
    click(hand, SQUARE[3])
    assert hand.result.edits is None
    hand.key(Qt.Key.Key_Enter)
    assert np.array_equal(hand.codes == VESSEL, outlined(hand, *SQUARE))
    click(hand, SQUARE[0])
    hand.key(Qt.Key.Key_Escape)
    assert hand.program.state.editing.tool == "lasso"
    assert np.array_equal(hand.codes == VESSEL, outlined(hand, *SQUARE))


def test_two_clicks_bridge_what_was_erased(hand: Hand) -> None:
    x, y = deepest(mask(hand))
    hand.key(Qt.Key.Key_E)
    hand.program.controller.editing.set_size(8)
    click(hand, (x, y))
    erased = hand.codes == BACKGROUND
    rim = ndimage.binary_dilation(erased, iterations=2) & mask(hand)
    rows, columns = np.nonzero(rim)
    first = np.argmin(columns)
    far = np.argmax(np.hypot(rows - rows[first], columns - columns[first]))
    hand.key(Qt.Key.Key_J)
    click(hand, (columns[first] + 0.5, rows[first] + 0.5))
    searched(hand)
    click(hand, (columns[far] + 0.5, rows[far] + 0.5))
    assert hand.program.state.editing.undo == "Bridge"
    assert ndimage.label(hand.codes == VESSEL, structure=EIGHT)[1] == 1
    assert not tracer(hand).has_begun


def test_gaps_are_proposed_one_after_the_other(hand: Hand) -> None:
    controller, state = hand.program.controller, hand.program.state
    values = hand.result.segmentation.probability.values

    def gaps_at(level: int) -> int:
        return len(find_gaps(values, hand.result.segmentation.probability.levels >= level))

    controller.set_level(next(level for level in range(40, 250, 10) if gaps_at(level) >= 2))
    hand.program.window.show_dock("editing")
    hand.program.window.commands["find_gaps"].trigger()
    assert any(label.text() == "Looking for gaps: 0 %" for label in hand.program.window.editing.findChildren(QLabel))
    hand.qtbot.waitUntil(lambda: bool(state.editing.gaps), timeout=WAIT_MS)
    first = state.editing.gap
    assert first is not None
    pieces = ndimage.label(mask(hand), structure=EIGHT)[1]
    hand.key(Qt.Key.Key_Backspace)
    assert state.editing.gap is not first
    assert state.editing.corrected_px == 0
    hand.key(Qt.Key.Key_Return)
    assert state.editing.undo == "Bridge"
    assert ndimage.label(mask(hand), structure=EIGHT)[1] < pieces
    while state.editing.gap is not None:
        hand.key(Qt.Key.Key_Backspace)
    assert state.notices[-1].text == "That was the last gap."
    hand.program.window.commands["undo"].trigger()
    assert ndimage.label(mask(hand), structure=EIGHT)[1] == pieces
