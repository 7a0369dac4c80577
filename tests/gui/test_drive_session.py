"""A referee's hour on the real program, in minutes: DRIVE with both experts and the shipped network."""

import csv
import io
import json
import shutil
from pathlib import Path

import pyqtgraph
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QSlider
from pytestqt.qtbot import QtBot
from sklearn import metrics

from core.evaluation.report import EvaluationReport
from core.photo.reading import read_fov, read_label
from core.resources import resource_path
from serr_gui.app import Program
from serr_gui.model.settings import Settings
from tests.gui.conftest import StartProgram
from tests.gui.test_comparing import by_scikit_learn, handle_of, wait_for_scores
from tests.gui.test_curves_panel import drag, on_screen, with_curves
from tests.gui.test_evaluating import cells
from tests.gui.test_segmenting import segment
from tests.shipped_scores import EVERY, known

LONG_MS = 1_200_000
MASK = "01_test_mask.gif"


def test_drive_from_one_photograph_to_the_report(
    start: StartProgram,
    qtbot: QtBot,
    serr_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(pyqtgraph.CONFIG_OPTIONS, "mouseRateLimit", -1)
    drive = some_of(serr_data / "DRIVE" / "test", tmp_path / "DRIVE" / "test")
    # The network that comes with the program, on the processor.
    program = start(drive / "images" / "01_test.tif", settings=Settings(model="serr-unet-drive-small", device="cpu"))
    window = program.window
    assert program.state.model == resource_path("weights", "serr-unet-drive-small.safetensors")
    assert [row._name._full for row in window.labels._rows] == ["01_manual1.gif", "01_manual2.gif"]
    assert window.labels._fov._name._full == MASK
    human = drag_the_slider(program, qtbot, drive)
    drag_the_operating_point(program, qtbot, human)
    step_through_errors(program, qtbot)
    evaluate_all(program, qtbot, drive)
    write_reports(program, qtbot, tmp_path, monkeypatch)
    open_the_worst(program, qtbot)


def drag_the_slider(program: Program, qtbot: QtBot, drive: Path) -> dict[str, float]:
    """What is in the table is what scikit-learn says about this very mask; returns the second expert's scores."""
    window = program.window
    probability = segment(program, qtbot).segmentation.probability
    wait_for_scores(program, qtbot)
    inside = read_fov(drive / "mask" / MASK).inside
    truths = [read_label(drive / f"{n}_manual" / f"01_manual{n[0]}.gif").vessel for n in ("1st", "2nd")]
    slider = window.segmentation._slider
    levels = {program.state.rule.level}
    for share in (0.2, 0.5, 0.85):
        drag_handle(slider, qtbot, share)
        level = program.state.rule.level
        levels.add(level)
        assert level == slider.value() == pytest.approx(share * 256, abs=12)
        mask = (probability.values >= level / 256)[inside]
        for column, truth in enumerate(truths):
            expected = by_scikit_learn(truth[inside], mask)
            assert {key: window.scores.score_text(key, column) for key in expected} == {
                key: f"{value:.4f}" for key, value in expected.items()
            }
    assert len(levels) == 4
    area = metrics.roc_auc_score(truths[0][inside], probability.values[inside])
    assert window.scores.score_text("auc_roc") == f"{area:.4f}"
    human = by_scikit_learn(truths[0][inside], truths[1][inside])
    assert {key: window.scores.score_text(key, 2) for key in human} == {k: f"{value:.4f}" for k, value in human.items()}
    return human


def drag_handle(slider: QSlider, qtbot: QtBot, share: float) -> None:
    """Take the slider's handle by the mouse to a share of its way."""
    begin = handle_of(slider)
    end = QPoint(round(slider.width() * share), begin.y())
    held = Qt.MouseButton.LeftButton
    qtbot.mousePress(slider, held, pos=begin)
    for part in (0.3, 0.7, 1.0):
        place = QPointF(begin + (end - begin) * part)
        event = QMouseEvent(
            QEvent.Type.MouseMove, place, slider.mapToGlobal(place), held, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(slider, event)
    qtbot.mouseRelease(slider, held, pos=end)


def drag_the_operating_point(program: Program, qtbot: QtBot, human: dict[str, float]) -> None:
    """To where the second expert is as sensitive."""
    window, state = program.window, program.state
    plots = with_curves(program, qtbot)
    window.commands["threshold_expert"].trigger()
    assert float(window.scores.score_text("sensitivity")) == pytest.approx(human["sensitivity"], abs=0.01)
    assert window.scores._remarks.isVisibleTo(window.scores)
    wanted = state.rule.level
    window.segmentation._slider.setValue(30)
    qtbot.wait(50)
    plot = plots.plots[0]
    drag(plots, on_screen(plots, 0, plot.place_of(30)), on_screen(plots, 0, plot.place_of(wanted)))
    assert plot.place_of(state.rule.level) == pytest.approx(plot.place_of(wanted), abs=0.04)
    assert state.rule.origin == "user"


def step_through_errors(program: Program, qtbot: QtBot) -> None:
    """The largest first, on the photograph."""
    window, state = program.window, program.state
    window.commands["show_errors"].trigger()
    assert window.canvas.shown_errors() is not None
    fitted = window.canvas.zoom
    sizes = []
    for number in range(4):
        window.commands["next_error"].trigger()
        qtbot.waitUntil(lambda number=number: state.error_at == number, timeout=LONG_MS)
        assert state.errors is not None
        sizes.append(state.errors.regions[number].area_px)
        assert window.canvas.zoom >= 1.0 > fitted, "as near as the size of the error leaves room for, never smaller"
    assert sizes == sorted(sizes, reverse=True)
    window.commands["previous_error"].trigger()
    assert state.error_at == 2


def some_of(drive: Path, folder: Path) -> Path:
    """The photographs that tests/shipped_scores.py measures, with their labels and masks, laid out as DRIVE is."""
    for number in range(1, 21, EVERY):
        for path in drive.glob(f"*/{number:02d}_*"):
            place = folder / path.relative_to(drive)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
    return folder


def evaluate_all(program: Program, qtbot: QtBot, folder: Path) -> None:
    """At the model's own threshold."""
    window, state = program.window, program.state
    window.open_paths([folder])
    qtbot.waitUntil(lambda: len(state.photos) == 3 and state.opening is None, timeout=LONG_MS)
    window.commands["evaluate_all"].trigger()
    qtbot.waitUntil(lambda: state.task is None, timeout=LONG_MS)
    report = report_of(program)
    assert (report.n_images, report.failed) == (3, ())
    assert report.method.seen == 0  # the network has learned from DRIVE's other half
    photos = known("serr-unet-drive-small", "drive", "test").photos
    for image in report.images:
        assert (image.scores.auc_roc, image.scores.f1) == pytest.approx(photos[image.stem], abs=0.002), image.stem
    assert report.pooled.accuracy == pytest.approx(0.9558, abs=0.01), "that of all twenty"
    f1 = [float(row[5]) for row in cells(program)]
    assert len(f1) == 3
    assert f1 == sorted(f1)
    assert cells(program, totals=True)[3][0].startswith("Expert 2")


def report_of(program: Program) -> EvaluationReport:
    evaluation = program.state.evaluation
    assert evaluation is not None
    assert evaluation.report is not None
    return evaluation.report


def write_reports(program: Program, qtbot: QtBot, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As HTML, PDF, CSV and JSON."""
    for suffix in (".html", ".pdf", ".csv", ".json"):
        path = folder / f"drive{suffix}"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args, path=path: (str(path), ""))
        program.window.commands["export_evaluation"].trigger()
        qtbot.waitUntil(path.is_file, timeout=LONG_MS)
    page = (folder / "drive.html").read_text(encoding="utf-8")
    assert all(f"{number:02d}_test" in page for number in range(1, 21, EVERY))
    assert "3 open photographs; ground truth expert 1 (from 1st_manual)" in page
    assert page.count("data:image/") >= 6
    assert (folder / "drive.pdf").read_bytes().startswith(b"%PDF")
    assert json.loads((folder / "drive.json").read_text())["complete"] is True
    lines = csv.DictReader(io.StringIO((folder / "drive.csv").read_text()))
    pooled = next(row for row in lines if row["row"] == "all pixels pooled")
    assert float(pooled["f1"]) == pytest.approx(report_of(program).pooled.f1)


def open_the_worst(program: Program, qtbot: QtBot) -> None:
    """One click away."""
    window, state = program.window, program.state
    worst = window.evaluation.lines.line(0).path
    window.evaluation.table.clicked.emit(window.evaluation.lines.index(0, 0))
    qtbot.waitUntil(lambda: state.document is not None and state.document.path == worst, timeout=LONG_MS)
    assert state.result is not None
