"""All photographs: the table, its totals, what cannot be evaluated, cancelling, and the report as files."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

import core.segment
from core.datasets.layouts import read_layout
from core.evaluation.dataset_evaluation import evaluate_dataset
from core.evaluation.report import Method
from core.inference.options import InferenceOptions
from core.measures.summary import PixelSize
from core.models.catalogue import load_model
from core.models.weights_file import save_model
from core.reuse import ReusedResults
from core.segmentation import Segmentation
from core.types import FundusImage
from serr_gui.app import Program
from serr_gui.model.comparison import Evaluation
from serr_gui.model.export_options import RESULTS_FOLDER, ExportOptions
from serr_gui.model.settings import Settings
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.model_questions import answer_use
from tests.gui.test_comparing import photo_of, save, second_label
from tests.gui.test_label_choices import stop
from tests.gui.test_segmenting import export, segment
from tests.small_model import RECIPE, small_model


def evaluate(program: Program, qtbot: QtBot) -> Evaluation:
    program.window.commands["evaluate_all"].trigger()
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)
    evaluation = program.state.evaluation
    assert evaluation is not None
    return evaluation


def cells(program: Program, *, totals: bool = False) -> list[list[str]]:
    model = program.window.evaluation.total_lines if totals else program.window.evaluation.lines
    return [
        [model.data(model.index(row, column)) for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def test_the_table_is_what_the_library_says_worst_first_with_totals(
    start: StartProgram, qtbot: QtBot, drive: Path, small_models: Path
) -> None:
    program = start(drive)
    segment(program, qtbot)
    kept = program.state.result
    report = evaluate(program, qtbot).report
    assert report is not None
    assert program.state.result is kept  # what is there is used
    assert [item.status for item in program.state.photos] == ["done", "done"]
    model = load_model(small_models / "small.safetensors")
    expected = evaluate_dataset(
        read_layout("drive", drive.parent, "test"),
        ReusedResults(model, InferenceOptions(device="cpu"), model.card.rule).predict,
        method=Method("small"),
        rule=model.card.rule,
    )
    assert report.pooled == expected.pooled
    assert report.mean == expected.mean
    assert report.std == expected.std
    assert report.experts[0][1].pooled == expected.experts[0][1].pooled
    shown = cells(program)
    by_f1 = sorted(expected.images, key=lambda image: image.scores.f1)
    assert [row[0] for row in shown] == [image.stem for image in by_f1]
    assert [row[5] for row in shown] == [f"{image.scores.f1:.4f}" for image in by_f1]
    totals = cells(program, totals=True)
    assert [row[5] for row in totals[:3]] == [f"{each.f1:.4f}" for each in (report.pooled, report.mean, report.std)]
    assert [row[0] for row in totals[3:]] == ["Expert 2, all pixels pooled", "Model against expert 2"]
    head = [panel_head(program, column) for column in range(program.window.evaluation.lines.columnCount())]
    where = head.index("Pieces")
    assert [row[where] for row in shown] == [f"{image.scores.pieces:.0f}" for image in by_f1]
    assert totals[1][head.index("B0 err.")] == f"{report.mean.pieces_error:.1f}".removesuffix(".0")
    assert totals[4][5] == f"{dict(report.result.against)['expert 2'].pooled.f1:.4f}"
    names = [box.name for box in program.window.evaluation.boxes._boxes]
    assert names == ["ACC", "SE", "SP", "PPV", "F1", "IoU", "MCC", "Kappa", "clDice", "AUC"]
    program.window.commands["region_image"].trigger()
    assert cells(program, totals=True)[0][1] == f"{report.beside.total.pooled.accuracy:.4f}"
    assert cells(program, totals=True)[0][1] != totals[0][1]


def panel_head(program: Program, column: int) -> str:
    return str(program.window.evaluation.lines.headerData(column, Qt.Orientation.Horizontal))


def test_the_table_sorts_and_a_click_opens_the_case(start: StartProgram, qtbot: QtBot, drive: Path) -> None:
    program = start(drive)
    evaluate(program, qtbot)
    panel, table = program.window.evaluation, program.window.evaluation.table
    for column, order in ((2, Qt.SortOrder.DescendingOrder), (0, Qt.SortOrder.DescendingOrder)):
        table.sortByColumn(column, order)
        values = [row[column] for row in cells(program)]
        assert values == sorted(values, reverse=True)
    assert [row[0] for row in cells(program)] == ["04_test", "03_test"]
    assert program.state.current == 0
    row = table.visualRect(panel.lines.index(0, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=row)
    qtbot.waitUntil(lambda: program.state.opening is None and program.state.current == 1, timeout=WAIT_MS)
    assert program.state.result is not None
    assert [index.row() for index in table.selectionModel().selectedRows()] == [0]
    place = next(place for place in panel.boxes.places() if place[1] == "03_test")
    qtbot.mouseClick(panel.boxes, Qt.MouseButton.LeftButton, pos=QPoint(round(place[0].x()), round(place[0].y())))
    qtbot.waitUntil(lambda: program.state.opening is None and program.state.current == 0, timeout=WAIT_MS)


def test_bad_files_are_listed_at_the_end_with_their_sentences(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path
) -> None:
    label = second_label(drive, 4)
    (drive / "1st_manual" / "04_manual1.gif").write_bytes(label.read_bytes()[:200])
    extra = tmp_path / "alone.tif"
    extra.write_bytes(photo_of(drive).read_bytes())
    program = start(*sorted((drive / "images").iterdir()), extra)
    evaluation = evaluate(program, qtbot)
    assert [image.stem for image in evaluation.images] == ["03_test"]
    rows = cells(program)
    assert [row[0] for row in rows] == ["03_test", "04_test.tif", "alone.tif"]
    assert "04_manual1.gif" in rows[1][1]
    assert "no expert label" in rows[2][1]
    assert "1 of 3" in program.state.notices[-1].text
    assert program.state.notices[-1].kind == "warning"
    assert "INCOMPLETE" in program.window.evaluation._about.text().upper()


def test_a_cancelled_evaluation_keeps_what_is_done_and_goes_on(
    start: StartProgram, qtbot: QtBot, drive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = start(drive)
    state = program.state
    program.window.commands["evaluate_all"].trigger()
    qtbot.waitUntil(lambda: state.evaluation is not None and len(state.evaluation.images) >= 1, timeout=WAIT_MS)
    program.window.commands["cancel"].trigger()
    qtbot.waitUntil(lambda: state.task is None, timeout=WAIT_MS)
    assert "Cancelled" in state.notices[-1].text
    assert state.evaluation is not None
    assert state.evaluation.report is None
    assert len(cells(program)) >= 1
    assert not program.window.commands["export_evaluation"].isEnabled()
    first = program.controller.context.store.in_memory(photo_of(drive))
    assert first is not None
    segmented = listen(monkeypatch)
    assert evaluate(program, qtbot).report is not None
    assert photo_of(drive) not in segmented
    segmented.clear()
    assert evaluate(program, qtbot).report is not None
    assert segmented == []


def listen(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The photographs that are segmented from now on; each is segmented all the same."""
    segmented: list[Path] = []
    real = core.segment.segment_photo

    def segment_photo(image: FundusImage, *arguments: object, **choices: object) -> Segmentation:
        assert image.source is not None
        segmented.append(image.source)
        return real(image, *arguments, **choices)  # type: ignore[arg-type]

    monkeypatch.setattr(core.segment, "segment_photo", segment_photo)
    return segmented


@pytest.mark.parametrize("beside", [True, False])
def test_exported_results_count_in_a_later_program_where_their_sidecars_vouch_for_them(
    start: StartProgram,
    qtbot: QtBot,
    drive: Path,
    small_models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    beside: bool,
) -> None:
    program = start(drive)
    first = evaluate(program, qtbot).report
    segmented = listen(monkeypatch)
    folder = drive / "images" / RESULTS_FOLDER if beside else tmp_path / "chosen"
    export(program, qtbot, folder, "export_all")
    stop(program)
    left = ExportOptions() if beside else program.state.export_options
    program = start(drive, settings=Settings(model=str(small_models / "small.safetensors"), device="cpu", export=left))
    second = evaluate(program, qtbot).report
    assert first is not None
    assert second is not None
    assert not segmented
    assert second.pooled.auc_roc == pytest.approx(first.pooled.auc_roc, abs=1e-4)
    assert second.pooled.f1 == pytest.approx(first.pooled.f1, abs=1e-3)
    if beside:  # they were taken back when their photographs were opened
        return
    assert all("read from" in " ".join(image.notes) for image in second.images)
    sidecar = folder / "03_test.serr.json"
    sidecar.write_text(sidecar.read_text().replace(first.method.sha256, "0" * 64))
    (folder / "04_test.serr.json").write_text("{")
    evaluate(program, qtbot)
    assert sorted(segmented) == [photo_of(drive, number) for number in (3, 4)]


def test_answers_about_labels_and_the_sliders_threshold_count(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path
) -> None:
    from core.photo.reading import read_label

    program = start(drive)
    plain = evaluate(program, qtbot).report
    assert plain is not None
    drawn = read_label(drive / "1st_manual" / "03_manual1.gif").vessel
    save(tmp_path / "inverted.png", (~drawn).astype("uint8") * 255)
    program.controller.comparison.load_label(0, tmp_path / "inverted.png")
    document = program.state.document
    qtbot.waitUntil(lambda: program.state.document is not document, timeout=WAIT_MS)
    assert "looks inverted" in " ".join(cells_after(program, qtbot)[-1])
    program.controller.comparison.accept_label(0, invert=True)
    qtbot.waitUntil(lambda: program.state.document.labels[0].label is not None, timeout=WAIT_MS)  # type: ignore[union-attr]
    again = evaluate(program, qtbot).report
    assert again is not None
    assert again.pooled == plain.pooled
    program.window.segmentation._slider.setValue(140)
    program.window.evaluation._rule.activated.emit(1)
    other = evaluate(program, qtbot).report
    assert other is not None
    assert other.rule is not None
    assert (other.rule.level, other.rule.origin) == (140, "user")
    assert other.pooled.sensitivity < plain.pooled.sensitivity


def cells_after(program: Program, qtbot: QtBot) -> list[list[str]]:
    evaluate(program, qtbot)
    return cells(program)


@pytest.mark.parametrize("differs", ["weights", "recipe"])
def test_a_result_of_another_model_is_neither_used_nor_replaced(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, differs: str
) -> None:
    model, recipe = small_model(tmp_path), RECIPE
    if differs == "weights":
        with torch.no_grad():
            next(model.module.parameters()).mul_(1.1)
    else:
        recipe = RECIPE.model_copy(update={"gamma": 1.5})
    other = save_model(
        tmp_path / "third.safetensors", model.module, replace(model.card, name="third", preprocessing=recipe)
    )
    monkeypatch.setenv("SERR_MODELS", str(tmp_path / "own models"))
    program = start(drive)
    segment(program, qtbot)
    kept = program.state.result
    program.controller.models.add_model(other)
    answer_use(program, qtbot, "Use third")
    segmented = listen(monkeypatch)
    report = evaluate(program, qtbot).report
    assert len(segmented) == 2
    assert report is not None
    assert report.method.name == "third"
    assert program.state.result is kept
    assert len(report.images) == 2


def test_the_report_is_written_as_each_kind(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = start(drive)
    program.controller.measuring.set_pixel(PixelSize(7.0, "data sheet"), everywhere=True)
    program.controller.measuring.despite_doubts(True)  # of the first, which is too small to measure without a doubt
    program.window.evaluation.measures.click()
    report = evaluate(program, qtbot).report
    assert report is not None
    for suffix, begins in ((".html", b"<!DOCTYPE html>"), (".pdf", b"%PDF"), (".csv", b"dataset,"), (".json", b"{")):
        path = tmp_path / f"report{suffix}"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args, path=path: (str(path), ""))
        program.window.commands["export_evaluation"].trigger()
        qtbot.waitUntil(path.is_file, timeout=WAIT_MS)
        assert path.read_bytes().lower().startswith(begins.lower())
        qtbot.waitUntil(lambda path=path: path.name in program.state.notices[-1].text, timeout=WAIT_MS)
    stored = json.loads((tmp_path / "report.json").read_text())
    assert stored["pooled"] == report.pooled.to_dict()
    assert "ground truth expert 1 (from 1st_manual)" in stored["protocol"]
    page = (tmp_path / "report.html").read_text()
    assert f"{report.pooled.f1:.4f}" in page
    doubtful, vessels = (stored["per_image"][number]["vessels"] for number in (1, 0))
    (length,) = (row for row in doubtful["rows"] if row["name"] == "length/total")
    assert length["value"] is None
    assert "small vessels cannot be seen" in length["note"]
    assert vessels["doubts"][-1] == "A pixel is 7 \u00b5m wide (data sheet)."
    (length,) = (row for row in vessels["rows"] if row["name"] == "length/total")
    assert (length["unit"], length["low"] <= length["value"]) == ("um", True)
    assert f"<td>{length['value']:.4g}</td><td>\u00b5m</td>" in page
    assert "03_test" in page
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args: (str(tmp_path / "no" / "report.html"), ""))
    program.window.commands["export_evaluation"].trigger()
    qtbot.waitUntil(lambda: program.state.notices[-1].kind == "error", timeout=WAIT_MS)
    assert "report.html" in program.state.notices[-1].text


def test_closing_a_photograph_in_the_table_does_no_harm(start: StartProgram, qtbot: QtBot, drive: Path) -> None:
    program = start(drive)
    evaluate(program, qtbot)
    program.controller.photos.close_photos([photo_of(drive)])
    qtbot.waitUntil(lambda: program.state.opening is None, timeout=WAIT_MS)
    assert len(cells(program)) == 2
    program.window.evaluation.photoRequested.emit(photo_of(drive))
    qtbot.waitUntil(lambda: len(program.state.photos) == 2 and program.state.opening is None, timeout=WAIT_MS)
    assert program.state.photos[-1].path == photo_of(drive)
