"""The panel Measure: what it shows is true of the mask on the screen, and of no other."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from core.datasets.synthetic import draw_case
from core.masks.tracing import corrected_values
from core.measures.calibres import OpticDisc
from core.measures.setup import MeasureSetup
from core.measures.summary import PixelSize, VesselMeasures, measure_traced, measure_vessels
from core.measuring import mirrored_maps, trace_probability
from core.models.catalogue import load_model
from serr_gui.app import Program
from serr_gui.canvas.tools.ruler import RulerTool
from serr_gui.model.measuring import measured
from serr_gui.model.state import PhotoItem
from serr_gui.widgets import questions
from serr_gui.widgets.measure_texts import bar_text, value_text
from serr_gui.widgets.score_texts import DASH
from tests.gui.conftest import WAIT_MS, StartProgram, settled
from tests.gui.test_editing import Hand
from tests.gui.test_keeping import continued
from tests.gui.test_segmenting import export, segment
from tests.gui.test_sessions import save_as


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Of a retina that is wide enough for measures that nobody doubts."""
    path = tmp_path / "wide.png"
    Image.fromarray(draw_case(1, 232).image.rgb).save(path)
    return path


def measures_of(program: Program, qtbot: QtBot) -> VesselMeasures:
    """Wait for the measures of what is on the screen, with their error bars."""

    def done() -> bool:
        found = measured(program.state)
        return found is not None and found.complete

    qtbot.waitUntil(done, timeout=WAIT_MS)
    found = measured(program.state)
    assert found is not None
    assert found.measures is not None
    return found.measures


def shown(program: Program, name: str, column: int = 1) -> str:
    """A cell of the table of the photograph."""
    model = program.window.measure.measures
    row = model._names.index(name)
    return str(model.data(model.index(row, column)))


def opened(start: StartProgram, qtbot: QtBot, photo: Path) -> tuple[Program, Hand]:
    program = start(photo)
    program.window.resize(1280, 800)
    segment(program, qtbot)
    hand = Hand(program, qtbot)
    hand.canvas.fit()
    program.window.commands["show_measures"].trigger()
    QApplication.processEvents()
    return program, hand


def longest(measures: VesselMeasures) -> int:
    return int(np.argmax([vessel.line.length_px for vessel in measures.tree.vessels]))


def middle(measures: VesselMeasures, vessel: int) -> tuple[float, float]:
    """x and y of the middle of a vessel on the photograph."""
    line = measures.tree.vessels[vessel].line.points
    row, column = line[len(line) // 2]
    return float(column) + 0.5, float(row) + 0.5


def click(hand: Hand, at: tuple[float, float]) -> None:
    QTest.mouseClick(hand.canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, hand.place(at))


def test_a_doubtful_photograph_has_dashes_with_their_reason_until_a_person_wants_numbers(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path]
) -> None:
    program, _ = opened(start, qtbot, photos[0])
    name, setup = "width/mean/all/fov", program.window.measure.setup
    measures_of(program, qtbot)
    assert shown(program, name) == DASH
    assert "small vessels cannot be seen" in measures_of(program, qtbot)[name].note
    assert setup.despite.isVisibleTo(setup)
    setup.despite.click()
    assert measures_of(program, qtbot)[name].note == ""
    assert shown(program, name) != DASH
    program.window.commands["undo"].trigger()
    measures_of(program, qtbot)
    assert shown(program, name) == DASH
    assert not setup.despite.isChecked()


def test_values_are_those_of_the_library_and_never_of_another_mask(
    start: StartProgram, qtbot: QtBot, photo: Path
) -> None:
    program, hand = opened(start, qtbot, photo)
    state = program.state
    first = measures_of(program, qtbot)
    width = "width/mean/all/fov"

    def expected() -> VesselMeasures:
        result = hand.result
        segmentation = result.segmentation
        if result.is_corrected:
            everywhere = (slice(None), slice(None))
            values = corrected_values(segmentation.probability, result.levels, everywhere)
            np.testing.assert_array_equal(values >= state.rule.threshold, result.mask(state.rule).vessel)
            return measure_vessels(values, segmentation.fov.inside, state.rule.threshold)
        traced = trace_probability(segmentation.probability, result.mask(state.rule), segmentation.fov)
        return measure_traced(traced.with_bars())

    assert shown(program, width) == value_text(expected()[width].value)
    assert "-" in shown(program, width, 3)
    assert shown(program, "calibre/avr/knudtson/B") == DASH
    assert "optic disc is not known" in shown(program, "calibre/avr/knudtson/B", 5)

    # Another threshold: the old values are gone at once, and the new ones are those of the new mask.
    program.controller.set_level(state.rule.level + 40)
    assert measured(state) is None
    assert shown(program, width) == "\u2026"
    assert shown(program, width, 3) == ""
    second = measures_of(program, qtbot)
    assert second[width].value != first[width].value
    assert shown(program, width) == value_text(expected()[width].value)

    # A stroke: nothing is shown from its first step on, however long it takes.
    program.window.commands["brush"].trigger()
    hand.press((60.0, 60.0))
    hand.drag((100.0, 60.0), Qt.MouseButton.LeftButton)
    assert measured(state) is None
    hand.release((100.0, 60.0))
    third = measures_of(program, qtbot)
    assert third["length/total/all/fov"].value != second["length/total/all/fov"].value
    assert shown(program, width) == value_text(expected()[width].value)
    assert shown(program, width, 3) == bar_text(expected()[width])

    # What the stroke has changed has a column of its own, beside the error bar.
    panel, length = program.window.measure, "length/total/all/fov"
    assert not panel.table.isColumnHidden(4)
    assert third[length].uncorrected == second[length].value
    change = third[length].value / second[length].value - 1
    assert shown(program, length, 4) == f"{value_text(second[length].value)} ({100 * change:+.1f} %)"

    # Nobody looks: nothing is measured.
    program.window.show_dock("history")
    program.window.commands["show_measures"].trigger()
    program.window.commands["show_measures"].trigger()
    assert not state.measure_view.watched
    program.window.commands["undo"].trigger()
    QApplication.processEvents()
    assert not program.controller.context.workers.busy("measure")


def test_a_vessel_is_chosen_in_the_table_and_in_the_photograph_and_coloured(
    start: StartProgram, qtbot: QtBot, photo: Path
) -> None:
    program, hand = opened(start, qtbot, photo)
    panel, canvas = program.window.measure, program.window.canvas
    found = measures_of(program, qtbot)
    panel.tabs.setCurrentIndex(1)
    vessel = longest(found)
    click(hand, middle(found, vessel))
    assert program.state.measure_view.vessel == vessel
    assert panel.segments.model.vessel(panel.segments.view.currentIndex().row()) == vessel
    marks = canvas.shown_vessel_marks()
    assert marks is not None
    np.testing.assert_allclose(marks.chosen, found.tree.vessels[vessel].line.points[:, ::-1] + 0.5)
    np.testing.assert_array_equal(panel.profile.values, found.tree.vessels[vessel].widths_px)

    panel.segments.view.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    widest = int(np.nanargmax([each.width_px for each in found.tree.vessels]))
    assert panel.segments.model.vessel(0) == widest
    QTest.mouseClick(
        panel.segments.view.viewport(),
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
        panel.segments.view.visualRect(panel.segments.model.index(0, 1)).center(),
    )
    assert program.state.measure_view.vessel == widest
    assert panel.histogram.counts.sum() == 0, "the profile is in front"
    panel.of.setCurrentIndex(1)
    panel.of.activated.emit(1)
    assert panel.histogram.counts.sum() == sum(not np.isnan(each.width_px) for each in found.tree.vessels)

    assert canvas.legend() == []
    program.window.commands["colour_width"].trigger()
    assert [name.endswith("px") for name, _ in canvas.legend()] == [True] * 6
    assert not canvas.shown_mask().any(), "the colours are in place of the mask"
    program.window.commands["colour_tortuosity"].trigger()
    assert canvas.legend()[0][0] == "< 0.01"
    program.window.commands["show_measures"].trigger()
    assert canvas.legend() == [], "colours of a mask that nobody measures"


FROM_COLUMNS = ("disc_from", "pixel_from", "marks_from")


def test_marks_disc_and_pixel_size_count_at_once_and_come_back(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, hand = opened(start, qtbot, photo)
    state, panel = program.state, program.window.measure
    vessel = longest(measures_of(program, qtbot))
    at = middle(measures_of(program, qtbot), vessel)
    panel.bar.click.setCurrentIndex(2)
    panel.bar.click.activated.emit(2)
    click(hand, at)
    click(hand, at)  # sooner than they are counted: it is taken, too
    assert state.measure_view.vessel == vessel
    assert measures_of(program, qtbot).kinds == {vessel: "venule"}
    program.controller.set_level(state.rule.level + 8)  # the mark is a place: it holds for the next mask
    kinds = measures_of(program, qtbot).kinds
    assert list(kinds.values()) == ["venule"]
    marks = program.window.canvas.shown_vessel_marks()
    assert marks is not None
    assert len(marks.venules) == 1

    # A size without a source is not used, and the panel says so.
    panel.setup.pixel_um.setValue(7.5)
    assert state.item is not None
    assert state.item.measuring.pixel is None
    assert "Say where" in panel.setup._about.text()
    panel.setup.source.setText("data sheet")
    panel.setup.source.editingFinished.emit()
    assert state.item.measuring.pixel == PixelSize(7.5, "data sheet")
    found = measures_of(program, qtbot)
    assert found["length/total/all/fov"].unit == "um"
    assert shown(program, "length/total/all/fov", 2) == "\u00b5m"

    # The circle of the disc by hand: a press far outside brings it there.
    program.window.commands["disc_circle"].trigger()
    hand.stroke((40.0, 80.0), (44.0, 82.0))
    disc = state.item.measuring.disc
    assert disc is not None
    assert (disc.column, disc.row) == (pytest.approx(43.5, abs=1.5), pytest.approx(81.5, abs=1.5))
    assert disc == measures_of(program, qtbot).disc
    marks = program.window.canvas.shown_vessel_marks()
    assert marks is not None
    assert marks.disc == (disc.column + 0.5, disc.row + 0.5, disc.radius_px, disc.radius_px, 0.0)

    # The table that is written has these values, and says where the pixel size is from.
    out = tmp_path / "eye.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    program.window.commands["export_measures"].trigger()
    qtbot.waitUntil(lambda: any("are written" in each.text for each in state.notices), timeout=WAIT_MS)
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert rows[0].items() >= {**dict.fromkeys(FROM_COLUMNS, "window"), "pixel_source": "data sheet"}.items()
    assert float(rows[0]["length/total/all/fov"]) == pytest.approx(found["length/total/all/fov"].value, rel=1e-5)
    segments = csv.DictReader((tmp_path / "eye_segments.csv").read_text(encoding="utf-8").splitlines())
    assert [row["kind"] for row in segments if row["kind"]] == ["venule"]

    # All of it is there at the next start.
    setup = state.item.measuring
    program.controller.shutdown()
    again = start()
    continued(again, qtbot)
    assert again.state.item is not None
    assert again.state.item.measuring == setup


def test_the_disc_as_an_ellipse_is_pulled_turned_and_moved(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    program, hand = opened(start, qtbot, photo)
    state, panel = program.state, program.window.measure
    disc = OpticDisc(80.5, 60.5, 12)
    program.controller.measuring.set_disc(disc)
    assert state.item is not None
    program.window.commands["disc_ellipse"].trigger()
    QApplication.processEvents()
    assert "ends of its axes" in panel.setup._about.text()
    x, y, radius = disc.column + 0.5, disc.row + 0.5, disc.radius_px
    hand.stroke((x + radius, y), (x + radius + 2, y), (x + radius + 4, y + 6))
    ellipse = state.item.measuring.disc
    assert ellipse is not None
    assert ellipse.half_axes_px == (pytest.approx(np.hypot(radius + 4, 6), abs=0.6), pytest.approx(radius))
    assert ellipse.angle_deg == pytest.approx(np.degrees(np.arctan2(6, radius + 4)), abs=2)
    hand.stroke((x, y), (x + 3, y))
    moved = state.item.measuring.disc
    assert moved is not None
    assert moved.column == pytest.approx(disc.column + 3, abs=0.6)
    assert moved.half_axes_px == ellipse.half_axes_px
    assert measures_of(program, qtbot).disc == moved
    marks = program.window.canvas.shown_vessel_marks()
    assert marks is not None
    assert marks.disc == (moved.column + 0.5, moved.row + 0.5, *moved.half_axes_px, moved.angle_deg)


def test_what_is_said_for_measures_is_undone_kept_and_counts_as_work(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, hand = opened(start, qtbot, photos[0])
    state, measuring = program.state, program.controller.measuring
    for path in photos[1:]:
        program.controller.photos.list_path(path)

    def setup() -> MeasureSetup:
        return item().measuring

    def item() -> PhotoItem:
        assert state.item is not None
        return state.item

    save_as(program, tmp_path / "clean.serr-session", qtbot, monkeypatch)
    assert not item().unsaved
    said = [setup()]
    vessel = longest(measures_of(program, qtbot))
    measuring.mark(vessel, "arteriole")
    assert item().unsaved, "a mark is work that no file holds"
    said.append(setup())
    measuring.set_disc(OpticDisc(80, 60, 12))
    said.append(setup())
    measuring.set_pixel(PixelSize(7, "data sheet"))
    measuring.set_pixel(PixelSize(7.5, "data sheet"))  # as one turns the wheel: one step
    said.append(setup())
    measuring.mark(longest(measures_of(program, qtbot)), None)
    said.append(setup())
    assert state.editing.steps == ("Mark Arteriole", "Optic Disc", "Pixel Size 7.5 \u00b5m", "Take Mark Away")

    # Undo and Redo lead through all of it, and back to what was saved.
    for expected in reversed(said[:-1]):
        hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        assert setup() == expected
    assert not item().unsaved
    for expected in said[1:-1]:
        hand.key(Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
        assert setup() == expected
    assert measures_of(program, qtbot).kinds, "and the measures follow"

    # A size for all photographs is a step of each.
    measuring.set_pixel(PixelSize(9, "file"), everywhere=True)
    assert [each.measuring.pixel for each in state.photos] == [PixelSize(9, "file")] * 3
    assert all(each.unsaved for each in state.photos)
    program.controller.photos.select(1)
    qtbot.waitUntil(lambda: settled(program), timeout=WAIT_MS)
    program.window.commands["undo"].trigger()
    assert [each.measuring.pixel is None for each in state.photos] == [False, True, False]
    program.controller.photos.select(0)
    qtbot.waitUntil(lambda: settled(program) and state.result is not None, timeout=WAIT_MS)

    # It goes with what is exported, and comes back with it where nothing else is left.
    export(program, qtbot, photos[0].parent / "SERR results")
    assert not item().unsaved
    before = setup()
    monkeypatch.setenv("SERR_CONFIG_DIR", str(tmp_path / "another computer"))
    again = start(photos[0])
    again.controller.keeping.write()
    qtbot.waitUntil(lambda: again.state.result is not None, timeout=WAIT_MS)
    assert again.state.item is not None
    assert again.state.item.measuring == before


def test_a_pixel_size_from_the_disc_is_marked_as_assumed_and_follows_the_disc(
    start: StartProgram, qtbot: QtBot, photo: Path
) -> None:
    program, hand = opened(start, qtbot, photo)
    state, form = program.state, program.window.measure.setup
    length = measures_of(program, qtbot)["length/total/all/fov"].value
    form.assumed.click()
    assert "Place the optic disc" in form._about.text()
    assert measures_of(program, qtbot)["length/total/all/fov"].unit == "px"
    program.controller.measuring.set_disc(OpticDisc(80, 60, 15, 10))
    radius = np.sqrt(150)
    found = measures_of(program, qtbot)["length/total/all/fov"]
    assert found.value == pytest.approx(length * 900 / radius)
    assert shown(program, "length/total/all/fov", 2) == "\u00b5m (assumed)"
    assert shown(program, "branching/angle/all/fov", 2) == "\u00b0"
    assert "assumed: the optic disc is 1.8 mm wide" in program.window.measure.about.full_text()
    assert not form.pixel_um.isEnabled()
    assert form.pixel_um.value() == pytest.approx(900 / radius, abs=0.001)

    # A size that is known takes its place, as one step; Undo brings the assumption back.
    program.controller.measuring.set_pixel(PixelSize(8, "data sheet"))
    assert not form.assumed.isChecked()
    measures_of(program, qtbot)
    assert shown(program, "length/total/all/fov", 2) == "\u00b5m"
    hand.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert form.assumed.isChecked()
    form.disc_mm.setValue(1.5)
    assert state.item is not None
    assert MeasureSetup.from_values(state.item.measuring.values()) == state.item.measuring
    assert state.item.measuring.pixel_used is not None
    assert state.item.measuring.pixel_used.um == pytest.approx(750 / radius)


def test_error_bars_over_flips_are_made_on_request_and_hold_for_corrections(
    start: StartProgram, qtbot: QtBot, photo: Path
) -> None:
    program, hand = opened(start, qtbot, photo)
    state, command = program.state, program.window.commands["mirror"]
    before = measures_of(program, qtbot)
    QApplication.processEvents()
    assert "Error bars: threshold \u00b1 0.1." in program.window.measure.about.full_text()
    command.trigger()
    qtbot.waitUntil(lambda: state.task is None and state.mirrored is not None, timeout=WAIT_MS)
    found = measures_of(program, qtbot)
    assert "threshold \u00b1 0.1 and flips." in program.window.measure.about.full_text()
    assert [row.value for row in found.rows if row.value == row.value] == [
        row.value for row in before.rows if row.value == row.value
    ]
    pairs = [(old, new) for old, new in zip(before.rows, found.rows, strict=True) if old.low == old.low]
    assert all(new.low <= old.low and old.high <= new.high for old, new in pairs)
    assert any((new.low, new.high) != (old.low, old.high) for old, new in pairs), "a small network in a mirror"
    segmentation, model = hand.result.segmentation, load_model(hand.result.model_path)
    maps = mirrored_maps(segmentation.image, model, segmentation.fov, inference=segmentation.options)
    assert state.mirrored is not None
    for one, other in zip(maps, state.mirrored.maps, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
    QApplication.processEvents()
    assert not command.isEnabled(), "they are here"

    # They stay for another threshold and a correction, and go with the photograph's next run.
    program.controller.set_level(state.rule.level + 20)
    hand.key(Qt.Key.Key_B)
    hand.stroke((60.0, 60.0), (100.0, 60.0))
    measures_of(program, qtbot)
    assert "threshold \u00b1 0.1 and flips." in program.window.measure.about.full_text()
    segment(program, qtbot)
    assert state.mirrored is None
    measures_of(program, qtbot)
    assert "flips" not in program.window.measure.about.full_text()


def test_files_next_to_the_table_are_not_replaced_without_a_question(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, hand = opened(start, qtbot, photo)
    program.window.commands["brush"].trigger()
    hand.stroke((60.0, 60.0), (100.0, 60.0))
    uncorrected = measures_of(program, qtbot)["length/total/all/fov"].uncorrected
    codebook = tmp_path / "eye_codebook.csv"
    codebook.write_text("mine")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "eye"), ""))
    asked, answers, workers = list[str](), ["", "replace", "", "replace"], program.controller.context.workers
    monkeypatch.setattr(questions, "ask", lambda _parent, *said: asked.append(" ".join(said[:2])) or answers.pop(0))
    QApplication.processEvents()
    for count, there in ((1, False), (2, True)):
        program.window.commands["export_measures"].trigger()
        qtbot.waitUntil(lambda count=count: len(asked) == count and not workers.busy("measures"), timeout=WAIT_MS)
        assert (tmp_path / "eye.csv").is_file() == there
        assert (codebook.read_text(encoding="utf-8") == "mine") != there
    assert asked[0].startswith("Replace eye_codebook.csv?")
    (row,) = csv.DictReader((tmp_path / "eye.csv").read_text(encoding="utf-8").splitlines())
    assert float(row["length/total/all/fov/uncorrected"]) == pytest.approx(uncorrected, rel=1e-5)
    program.window.commands["export_measures"].trigger()  # the dialog asked about "eye", and not about "eye.csv"
    qtbot.waitUntil(lambda: len(asked) == 3, timeout=WAIT_MS)
    assert "eye.csv, eye_codebook.csv, eye_segments.csv" in asked[2]
    codebook.unlink()
    program.window.commands["export_measures"].trigger()
    program.controller.photos.close_photos([photo])  # sooner than it is known what would be replaced
    qtbot.waitUntil(lambda: "no longer on the screen" in program.state.notices[-1].text, timeout=WAIT_MS)
    assert not codebook.exists()


def test_a_proposed_disc_says_that_it_is_one(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    program = start(photo)
    segment(program, qtbot)
    QApplication.processEvents()  # commands follow the state at the next turn of the event loop
    program.window.commands["propose_disc"].trigger()
    state = program.state
    qtbot.waitUntil(lambda: state.item is not None and state.item.measuring.disc is not None, timeout=WAIT_MS)
    assert "look whether" in program.window.measure.setup._about.text()
    marks = program.window.canvas.shown_vessel_marks()
    assert marks is not None
    assert [name for name, _ in marks.zones] == ["A", "B", "C"]
    program.window.measure.setup.remove_disc.click()
    assert state.item is not None
    assert state.item.measuring.disc is None


def test_the_ruler_says_a_length_and_changes_nothing(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    program = start(photo)
    hand = Hand(program, qtbot)
    program.window.commands["ruler"].trigger()
    hand.stroke((10.0, 10.0), (40.0, 50.0))
    tool = program.window.canvas.tool
    assert isinstance(tool, RulerTool)
    seen = np.hypot(*np.subtract(hand.seen_at((40.0, 50.0)), hand.seen_at((10.0, 10.0))))
    assert tool.length_text() == f"{seen:.1f} px"
    program.controller.measuring.set_pixel(PixelSize(10.0, "test"))
    assert tool.length_text() == f"{seen * 10:.0f} \u00b5m ({seen:.1f} px)"
    hand.key(Qt.Key.Key_Escape)
    assert tool.length_text() == ""
    assert program.state.result is None
