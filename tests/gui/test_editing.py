"""Correcting the mask with mouse and keys: what is painted is kept, undone, scored, exported and asked about."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QInputDevice, QMouseEvent, QPointingDevice, QTabletEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QSpinBox
from pytestqt.qtbot import QtBot

from core.evaluation.confusion import count
from core.masks import edits as edits_module
from core.masks.edits import BACKGROUND, UNTOUCHED, VESSEL, EditDelta
from core.masks.strokes import brush_step
from core.types import BoolArray, ByteArray
from serr_gui.app import Program
from serr_gui.model.editing import EditHistory, EditStep
from serr_gui.model.export_options import ExportOptions
from serr_gui.model.result import Result
from serr_gui.model.score_selectors import curve_facts, model_counts
from serr_gui.model.selectors import unsaved
from serr_gui.panels.comparison.scores import ScoresPanel
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.test_segmenting import answer, export, export_dialog, read_mask, segment

Left, Right = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NoModifier = Qt.KeyboardModifier.NoModifier


class Hand:
    """A person with a segmented photograph: photograph pixels in, mouse events out."""

    def __init__(self, program: Program, qtbot: QtBot) -> None:
        self.program, self.qtbot = program, qtbot
        self.canvas = program.window.canvas
        program.window.activateWindow()
        qtbot.waitUntil(program.window.isActiveWindow)
        self.canvas.setFocus()
        self.canvas.zoom_to(2.0)

    def place(self, at: tuple[float, float]) -> QPoint:
        x, y = self.canvas.device_point(*at)
        ratio = self.canvas.devicePixelRatioF()
        return QPoint(round(x / ratio), round(y / ratio))

    def seen_at(self, at: tuple[float, float]) -> tuple[float, float]:
        """The photograph's point under the whole pixel of the screen that a mouse event has."""
        point = self.canvas.image_point(QPointF(self.place(at)))
        return point.x(), point.y()

    def press(self, at: tuple[float, float], button: Qt.MouseButton = Left, keys: Qt.KeyboardModifier = NoModifier):
        QTest.mousePress(self.canvas, button, keys, self.place(at))

    def release(self, at: tuple[float, float], button: Qt.MouseButton = Left) -> None:
        QTest.mouseRelease(self.canvas, button, NoModifier, self.place(at))

    def stroke(
        self, *path: tuple[float, float], button: Qt.MouseButton = Left, keys: Qt.KeyboardModifier = NoModifier
    ) -> None:
        self.press(path[0], button, keys)
        for at in path[1:]:
            self.drag(at, button)
        self.release(path[-1], button)

    def drag(self, at: tuple[float, float], button: Qt.MouseButton = Left) -> None:
        """A move with the button held, which QTest's moves do not say."""
        place = QPointF(self.place(at))
        event = QMouseEvent(
            QEvent.Type.MouseMove, place, self.canvas.mapToGlobal(place), Qt.MouseButton.NoButton, button, NoModifier
        )
        QApplication.sendEvent(self.canvas, event)

    def key(self, key: Qt.Key, keys: Qt.KeyboardModifier = NoModifier) -> None:
        QApplication.processEvents()  # commands follow the state at the next turn of the event loop
        QTest.keyClick(self.canvas, key, keys)

    @property
    def result(self) -> Result:
        result = self.program.state.result
        assert result is not None
        return result

    @property
    def codes(self) -> ByteArray:
        assert self.result.edits is not None
        return self.result.edits.codes.copy()

    def touched(self, *path: tuple[float, float], size: float) -> BoolArray:
        """What the strokes along a path must have changed, computed without the program."""
        inside = self.result.segmentation.fov.inside
        touched = np.zeros_like(inside)
        points = [self.seen_at(at) for at in path]
        for start, end in zip([points[0], *points], points, strict=False):
            step = brush_step(start, end, size)
            rows, columns = step.pixels.nonzero()
            rows, columns = rows + step.top, columns + step.left
            kept = (rows >= 0) & (columns >= 0) & (rows < inside.shape[0]) & (columns < inside.shape[1])
            touched[rows[kept], columns[kept]] = True
        return touched & inside


@pytest.fixture
def hand(start: StartProgram, qtbot: QtBot, photo: Path) -> Hand:
    program = start(photo)
    segment(program, qtbot)
    return Hand(program, qtbot)


def test_a_fast_stroke_has_no_gaps_and_undo_and_redo_are_exact(hand: Hand) -> None:
    before = hand.result.levels
    hand.key(Qt.Key.Key_B)
    hand.program.controller.editing.set_size(7)
    path = ((60, 60), (95, 75), (70, 110))
    hand.stroke(*path)
    wanted = np.where(hand.touched(*path, size=7), np.uint8(VESSEL), np.uint8(UNTOUCHED))
    assert wanted.any()
    assert np.array_equal(hand.codes, wanted)
    assert np.array_equal(hand.canvas.shown_mask(), hand.result.mask(hand.program.state.rule).vessel)
    assert unsaved(hand.program.state)
    window = hand.program.window
    hand.key(Qt.Key.Key_E)
    hand.stroke((80, 60), (80, 100))
    both, levels = hand.codes, hand.result.levels.copy()
    assert (both == BACKGROUND).any()
    assert window.commands["undo"].text() == "&Undo Eraser"
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert np.array_equal(hand.codes, wanted)
    assert window.commands["undo"].text() == "&Undo Brush"
    window.commands["undo"].trigger()
    assert np.array_equal(hand.result.levels, before)
    assert not hand.result.mask(hand.program.state.rule).edited
    assert not window.commands["undo"].isEnabled()
    window.commands["redo"].trigger()
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert np.array_equal(hand.codes, both)
    assert np.array_equal(hand.result.levels, levels)
    assert not window.commands["redo"].isEnabled()


def test_the_share_is_counted_as_if_from_the_start(hand: Hand) -> None:
    hand.key(Qt.Key.Key_B)
    hand.stroke((50, 50), (110, 90))
    hand.stroke((90, 60), (60, 100), button=Right)
    result = hand.result
    assert result.pixels_at_least == Result.of(result.segmentation, result.model_path, result.edits).pixels_at_least


def test_the_threshold_slides_under_the_corrections(hand: Hand) -> None:
    hand.key(Qt.Key.Key_B)
    hand.stroke((50, 80), (110, 80))
    hand.stroke((80, 50), (80, 110), button=Right)
    codes = hand.codes
    for level in (1, 90, 255):
        hand.program.controller.set_level(level)
        mask = hand.canvas.shown_mask()
        assert mask[codes == VESSEL].all()
        assert not mask[codes == BACKGROUND].any()
        untouched = codes == UNTOUCHED
        levels = hand.result.segmentation.probability.levels
        assert np.array_equal(mask[untouched], (levels >= level)[untouched])


def test_nothing_is_painted_outside_the_field_of_view_or_without_a_tool(hand: Hand) -> None:
    hand.stroke((60, 60), (100, 100))
    assert hand.result.edits is None
    hand.key(Qt.Key.Key_B)
    hand.canvas.fit()
    hand.program.controller.editing.set_size(40)
    hand.stroke((0, 0), (159, 0), (159, 159))
    assert not hand.codes[~hand.result.segmentation.fov.inside].any()


def test_keys_choose_turn_and_size_the_tool(hand: Hand) -> None:
    state = hand.program.state
    hand.key(Qt.Key.Key_B)
    assert state.editing.tool == "brush"
    hand.key(Qt.Key.Key_X)
    assert state.editing.tool == "eraser"
    hand.stroke((80, 80), keys=Qt.KeyboardModifier.ControlModifier)
    assert set(np.unique(hand.codes)) == {UNTOUCHED, VESSEL}
    size = state.editing.size_px
    hand.key(Qt.Key.Key_BracketRight)
    assert state.editing.size_px == size + 1
    hand.key(Qt.Key.Key_BracketLeft)
    place = QPointF(hand.place((80, 80)))
    wheel = QWheelEvent(
        place, place, QPoint(), QPoint(120, 0), Qt.MouseButton.NoButton, Qt.KeyboardModifier.AltModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(hand.canvas, wheel)
    assert state.editing.size_px == size + 1
    hand.key(Qt.Key.Key_Escape)
    assert state.editing.tool == "hand"
    hand.key(Qt.Key.Key_B, Qt.KeyboardModifier.ShiftModifier)
    assert state.view.base == "blue"
    assert state.editing.tool == "hand"


def test_letters_in_a_text_field_choose_no_tool(hand: Hand) -> None:
    field = hand.program.window.editing.findChild(QSpinBox)
    assert field is not None
    hand.program.window.show_dock("editing")
    field.setFocus()
    hand.qtbot.waitUntil(field.hasFocus)
    QTest.keyClick(field, Qt.Key.Key_B)
    assert hand.program.state.editing.tool == "hand"


def test_escape_gives_a_running_stroke_up(hand: Hand) -> None:
    hand.key(Qt.Key.Key_B)
    before = hand.canvas.shown_mask().copy()
    hand.press((70, 70))
    hand.drag((100, 100))
    assert not np.array_equal(hand.canvas.shown_mask(), before)
    hand.key(Qt.Key.Key_Escape)
    assert np.array_equal(hand.canvas.shown_mask(), before)
    assert hand.program.state.editing.tool == "brush"
    hand.release((100, 100))
    assert not hand.codes.any()
    assert not hand.program.window.commands["undo"].isEnabled()


def test_shift_draws_straight_lines(hand: Hand) -> None:
    hand.key(Qt.Key.Key_B)
    hand.program.controller.editing.set_size(3)
    hand.stroke((60, 60), (60, 100), (100, 90), keys=Qt.KeyboardModifier.ShiftModifier)
    assert np.array_equal(hand.codes == VESSEL, hand.touched((60, 60), (100, 90), size=3))
    hand.press((110, 60), keys=Qt.KeyboardModifier.ShiftModifier)
    hand.release((110, 60))
    wanted = hand.touched((60, 60), (100, 90), (110, 60), size=3)
    assert np.array_equal(hand.codes == VESSEL, wanted)


def test_space_and_the_middle_button_still_move_the_photograph(hand: Hand) -> None:
    hand.key(Qt.Key.Key_B)
    point = hand.seen_at((80, 80))
    hand.stroke((80, 80), (90, 80), button=Qt.MouseButton.MiddleButton)
    QTest.keyPress(hand.canvas, Qt.Key.Key_Space)
    hand.stroke((80, 80), (90, 80))
    QTest.keyRelease(hand.canvas, Qt.Key.Key_Space)
    assert hand.result.edits is None
    assert point == pytest.approx(hand.seen_at((80, 80)))


def test_what_is_exported_is_what_was_painted(hand: Hand, tmp_path: Path) -> None:
    hand.key(Qt.Key.Key_B)
    hand.stroke((50, 80), (110, 80))
    hand.program.state.export_options = ExportOptions(mask=False, probability=True)
    export(hand.program, hand.qtbot, tmp_path / "map")
    assert unsaved(hand.program.state)  # the map of the network does not hold them
    hand.program.state.export_options = ExportOptions()
    export(hand.program, hand.qtbot, tmp_path / "out")
    written = read_mask(next((tmp_path / "out").glob("*_mask.png")))
    assert np.array_equal(written, hand.canvas.shown_mask())
    assert written[hand.codes == VESSEL].all()
    assert not unsaved(hand.program.state)
    dialog = export_dialog(hand.program, hand.qtbot)  # what is there now was made by hand, and the dialog knows
    dialog._folder.setText(str(tmp_path / "out"))
    hand.qtbot.waitUntil(lambda: "were corrected by hand" in dialog._warning.text(), timeout=WAIT_MS)
    dialog.reject()


def test_segmenting_again_keeps_the_corrections_and_says_so(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    hand.key(Qt.Key.Key_B)
    hand.stroke((50, 80), (110, 80))
    codes = hand.codes
    first = hand.result
    in_window = dict[str, bool]()
    for name in ("_packed", "_unpacked", "edited_levels"):  # what takes long on a large photograph
        real = getattr(edits_module, name)

        def make(*values: Any, name: str = name, real: Any = real) -> Any:
            in_window[name] = in_window.get(name, False) or threading.current_thread() is threading.main_thread()
            return real(*values)

        monkeypatch.setattr(edits_module, name, make)
    segment(hand.program, hand.qtbot)
    hand.program.controller.keeping.write()
    assert in_window == {"_packed": False, "_unpacked": False, "edited_levels": False}
    assert hand.result.segmentation is not first.segmentation
    assert np.array_equal(hand.codes, codes)
    assert any("your corrections" in notice.text for notice in hand.program.state.notices)
    hand.program.window.commands["undo"].trigger()
    assert not hand.codes.any()


def test_closing_the_photograph_asks_and_staying_loses_nothing(hand: Hand, tmp_path: Path) -> None:
    export(hand.program, hand.qtbot, tmp_path / "out")
    assert not unsaved(hand.program.state)
    hand.key(Qt.Key.Key_B)
    hand.stroke((50, 80), (110, 80))
    seen: list[str] = []
    QTimer.singleShot(0, answer("Cancel", seen))
    hand.program.window.commands["close_photo"].trigger()
    assert "not exported" in seen[0]
    assert hand.program.state.photos
    assert hand.codes.any()


def test_discarding_asks_and_can_be_undone(hand: Hand) -> None:
    hand.key(Qt.Key.Key_B)
    hand.stroke((50, 80), (110, 80))
    codes, seen = hand.codes, []
    QTimer.singleShot(0, answer("Cancel", seen))
    hand.program.window.commands["discard_corrections"].trigger()
    assert seen[1] == "Cancel"
    assert np.array_equal(hand.codes, codes)
    QTimer.singleShot(0, answer("Discard", seen))
    hand.program.window.commands["discard_corrections"].trigger()
    assert not hand.codes.any()
    hand.program.window.commands["undo"].trigger()
    assert np.array_equal(hand.codes, codes)


def test_corrections_and_their_steps_come_back_with_the_photograph(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path]
) -> None:
    program = start(photos[0], photos[1])
    segment(program, qtbot)
    hand = Hand(program, qtbot)
    hand.key(Qt.Key.Key_B)
    hand.stroke((50, 80), (110, 80))
    codes = hand.codes
    program.controller.photos.select(1)
    qtbot.waitUntil(lambda: program.state.document is not None, timeout=WAIT_MS)
    assert program.state.editing.undo == ""
    program.controller.context.store.spill(photos[0])
    program.controller.photos.select(0)
    qtbot.waitUntil(lambda: program.state.document is not None, timeout=WAIT_MS)
    assert np.array_equal(hand.codes, codes)
    program.window.commands["undo"].trigger()
    assert not hand.codes.any()


def test_scores_and_error_map_follow_a_stroke(start: StartProgram, qtbot: QtBot, drive: Path) -> None:
    program = start(next((drive / "images").iterdir()))
    segment(program, qtbot)
    state = program.state
    qtbot.waitUntil(lambda: model_counts(state) is not None, timeout=WAIT_MS)
    program.controller.toggle_errors()
    hand = Hand(program, qtbot)
    hand.key(Qt.Key.Key_B)
    before = model_counts(state)
    hand.press((60, 60))
    hand.drag((100, 100))
    document = state.document
    assert document is not None
    label, inside = document.labels[0].label.vessel, hand.result.segmentation.fov.inside
    painted = hand.touched((60, 60), (100, 100), size=state.editing.size_px)
    errors = hand.canvas.shown_errors()
    assert errors is not None
    assert ((errors & 2) > 0)[painted].all()  # while it is painted
    live = hand.result.live_levels >= state.rule.level
    assert model_counts(state) == count(live, label, inside) != before
    hand.release((100, 100))
    qtbot.waitUntil(lambda: model_counts(state) not in (None, before), timeout=WAIT_MS)
    assert model_counts(state) == count(hand.result.mask(state.rule).vessel, label, inside)


def test_figures_of_a_corrected_mask_are_not_called_those_of_the_model(
    start: StartProgram, qtbot: QtBot, drive: Path
) -> None:
    program = start(next((drive / "images").iterdir()))
    segment(program, qtbot)
    window, state = program.window, program.state
    scores, status = window.findChild(ScoresPanel), window.status
    assert scores is not None
    qtbot.waitUntil(lambda: model_counts(state) is not None, timeout=WAIT_MS)
    hand = Hand(program, qtbot)
    hand.key(Qt.Key.Key_B)
    hand.stroke((60, 60), (100, 100))

    def copied() -> str:
        scores._copy.click()
        return QGuiApplication.clipboard().text()

    qtbot.waitUntil(lambda: "Corrected vs Expert 1" in copied(), timeout=WAIT_MS)
    assert "Model vs" not in copied()
    assert "The mask is corrected by hand: only AUC is a score of the model alone." in copied()
    assert status._model.full_text().startswith(f"mask: {hand.result.model}, corrected")
    qtbot.waitUntil(lambda: curve_facts(state).get("corrected_by_hand") is True, timeout=WAIT_MS)
    program.controller.history.undo()
    qtbot.waitUntil(lambda: "Model vs Expert 1" in copied(), timeout=WAIT_MS)
    assert "orrected" not in copied()
    assert "corrected" not in status._model.full_text()
    qtbot.waitUntil(lambda: curve_facts(state).get("corrected_by_hand") is False, timeout=WAIT_MS)


def test_evaluating_scores_the_model_and_says_that_corrections_do_not_count(
    start: StartProgram, qtbot: QtBot, drive: Path
) -> None:
    program = start(next((drive / "images").iterdir()))
    segment(program, qtbot)
    hand = Hand(program, qtbot)
    hand.key(Qt.Key.Key_B)
    hand.stroke((60, 60), (100, 100))
    codes, state = hand.codes, program.state
    program.controller.evaluation.evaluate_all()
    qtbot.waitUntil(lambda: state.task is None, timeout=WAIT_MS)
    assert "corrections by hand (1 photographs) do not count" in state.notices[-1].text
    assert state.evaluation is not None
    assert state.document is not None
    assert state.document.labels[0] is not None
    label, made = state.document.labels[0].label, hand.result.segmentation
    assert label is not None
    own = count(made.probability.levels >= made.card.rule.level, label.vessel, made.fov.inside)
    assert state.evaluation.images[0].score_set.scores.f1 == pytest.approx(own.scores().f1)
    assert np.array_equal(hand.codes, codes)


def test_a_label_that_is_shown_alone_is_not_painted_on(start: StartProgram, qtbot: QtBot, drive: Path) -> None:
    program = start(next((drive / "images").iterdir()))
    segment(program, qtbot)
    program.controller.set_view(replace(program.state.view, show_label=True))
    hand = Hand(program, qtbot)
    assert not program.window.commands["brush"].isEnabled()
    hand.key(Qt.Key.Key_B)
    hand.stroke((60, 60), (100, 100))
    assert hand.result.edits is None


def test_a_stroke_ends_where_work_begins(hand: Hand) -> None:
    hand.key(Qt.Key.Key_B)
    hand.press((60, 60))
    hand.drag((100, 100))
    codes = hand.codes
    hand.program.window.commands["segment"].trigger()
    assert hand.program.state.editing.undo == "Brush"
    hand.drag((60, 100))
    hand.release((60, 100))
    hand.stroke((70, 60), (70, 100))
    hand.qtbot.waitUntil(lambda: hand.program.state.task is None, timeout=WAIT_MS)
    assert np.array_equal(hand.codes, codes)


def test_history_is_bounded_and_keeps_the_last_step() -> None:
    history = EditHistory(bound_bytes=100)
    for number in range(10):
        history.push(EditStep(str(number), EditDelta((0, 0, 1, 1), b"x" * 20, b"x" * 20, 1)))
    names = []
    while step := history.undo():
        names.append(step.name)
    assert names == ["9", "8"]
    assert history.redo_name == "8"
    history.push(EditStep("large", EditDelta((0, 0, 1, 1), b"x" * 200, b"", 1)))
    assert (history.undo_name, history.redo_name) == ("large", "")


def pen(hand: Hand, kind: QEvent.Type, at: tuple[float, float], pressure: float, *, eraser: bool = False) -> None:
    """An event as a pen on a tablet gives it."""
    types = QPointingDevice.PointerType
    device = QPointingDevice(
        "pen", 1, QInputDevice.DeviceType.Stylus, types.Eraser if eraser else types.Pen,
        QInputDevice.Capability.Position | QInputDevice.Capability.Pressure, 1, 2,
    )  # fmt: skip
    place = QPointF(hand.place(at))
    button = Left if kind != QEvent.Type.TabletMove else Qt.MouseButton.NoButton
    held = Qt.MouseButton.NoButton if kind == QEvent.Type.TabletRelease else Left
    event = QTabletEvent(
        kind, device, place, QPointF(hand.canvas.mapToGlobal(place.toPoint())), pressure, 0.0, 0.0, 0.0, 0.0, 0.0,
        NoModifier, button, held,
    )  # fmt: skip
    QApplication.sendEvent(hand.canvas, event)


def test_a_pen_draws_as_wide_as_it_is_pressed_and_its_other_end_erases(hand: Hand) -> None:
    editing = hand.program.controller.editing
    hand.key(Qt.Key.Key_B)
    editing.set_size(20)

    def draw(*, eraser: bool = False) -> int:
        pen(hand, QEvent.Type.TabletPress, (60, 80), 0.25, eraser=eraser)
        pen(hand, QEvent.Type.TabletMove, (100, 80), 0.25, eraser=eraser)
        pen(hand, QEvent.Type.TabletRelease, (100, 80), 0.0, eraser=eraser)
        return int(np.count_nonzero(hand.codes[:, 80]))

    assert draw() == pytest.approx(20, abs=1)
    hand.program.controller.history.undo()
    hand.program.window.commands["pen_pressure"].trigger()
    assert draw() == pytest.approx(5, abs=1)
    assert draw(eraser=True) == pytest.approx(5, abs=1)
    assert (hand.codes == BACKGROUND).any()
    assert hand.program.state.editing.undo == "Eraser"
