"""ROC and precision-recall: the operating point and the slider are one thing; expert 2; reading and exporting."""

import csv
import io
from pathlib import Path

import cv2
import numpy as np
import pyqtgraph
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from serr_gui.app import Program
from serr_gui.model import score_selectors
from serr_gui.widgets.curve_plot import CurvePlots
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.test_comparing import compared, photo_of


def with_curves(program: Program, qtbot: QtBot) -> CurvePlots:
    program.window.commands["show_curves"].trigger()
    qtbot.waitUntil(lambda: program.window.curves.plots is not None, timeout=WAIT_MS)
    plots = program.window.curves.plots
    assert plots is not None
    qtbot.waitUntil(lambda: plots.isVisible() and plots.plots[0].place_of(100) is not None, timeout=WAIT_MS)
    return plots


def on_screen(plots: CurvePlots, number: int, at: tuple[float, float]) -> QPoint:
    return plots.mapFromScene(plots.plots[number].getViewBox().mapViewToScene(QPointF(*at)))


def drag(plots: CurvePlots, begin: QPoint, end: QPoint) -> None:
    def send(kind: QEvent.Type, place: QPoint, held: Qt.MouseButton) -> None:
        button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
        local, on_all = QPointF(place), QPointF(plots.viewport().mapToGlobal(place))
        event = QMouseEvent(kind, local, on_all, button, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(plots.viewport(), event)

    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    send(QEvent.Type.MouseMove, begin, none)
    send(QEvent.Type.MouseButtonPress, begin, left)
    for share in np.linspace(0.1, 1.0, 12):
        send(QEvent.Type.MouseMove, begin + (end - begin) * share, left)
    send(QEvent.Type.MouseButtonRelease, end, none)


def test_the_operating_point_is_where_the_figures_are_and_moves_with_the_slider(
    start: StartProgram,
    qtbot: QtBot,
    drive: Path,
) -> None:
    program = compared(start, qtbot, drive)
    plots, scores = with_curves(program, qtbot), program.window.scores
    for level in (30, 120, 200):
        program.window.segmentation._slider.setValue(level)
        for plot, (across, up) in zip(
            plots.plots, (("specificity", "sensitivity"), ("sensitivity", "precision")), strict=True
        ):
            at = plot._point.pos()
            x = 1 - float(scores.score_text(across)) if across == "specificity" else float(scores.score_text(across))
            assert (at.x(), at.y()) == pytest.approx((x, float(scores.score_text(up))), abs=1e-4)
    expert = plots.plots[0]._expert
    assert expert.isVisible()
    place = expert.getData()
    assert (place[0][0], place[1][0]) == pytest.approx(
        (1 - float(scores.score_text("specificity", 2)), float(scores.score_text("sensitivity", 2))), abs=1e-4
    )
    area = scores.score_text("auc_roc")
    assert area in plots.plots[0].titleLabel.text


@pytest.mark.parametrize("number", [0, 1])
def test_dragging_the_operating_point_sets_the_threshold(
    start: StartProgram,
    qtbot: QtBot,
    drive: Path,
    number: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(pyqtgraph.CONFIG_OPTIONS, "mouseRateLimit", -1)  # the hand here is quicker than any
    program = compared(start, qtbot, drive)
    plots, state = with_curves(program, qtbot), program.state
    program.window.segmentation._slider.setValue(60)
    qtbot.wait(50)
    plot = plots.plots[number]
    wanted = plot.place_of(150)
    drag(plots, on_screen(plots, number, plot.place_of(60)), on_screen(plots, number, wanted))
    assert state.rule.origin == "user"
    now = plot.place_of(state.rule.level)
    assert now == pytest.approx(wanted, abs=0.03)  # three pixels of the plot in this small window
    assert program.window.segmentation._slider.value() == state.rule.level
    assert state.rule.level > 100
    at = plot._point.pos()
    assert (at.x(), at.y()) == pytest.approx(now, abs=1e-6)  # on the curve, not where the mouse is


def test_the_figures_under_the_mouse_are_read_out(start: StartProgram, qtbot: QtBot, drive: Path) -> None:
    program = compared(start, qtbot, drive)
    plots = with_curves(program, qtbot)
    qtbot.wait(50)
    plot = plots.plots[0]
    plots._on_mouse_moved(plot.getViewBox().mapViewToScene(QPointF(*plot.place_of(90))))
    text = program.window.curves._readout.text()
    against = score_selectors.scored_label(program.state)
    assert against is not None
    level = int(text.split("(")[1].split("/")[0])
    assert plot.place_of(level) == pytest.approx(plot.place_of(90), abs=0.01)
    assert f"sensitivity\u00a0{against.histogram.counts_at(level).scores().sensitivity:.4f}" in text
    QApplication.sendEvent(plots, QEvent(QEvent.Type.Leave))
    assert f"({program.state.rule.level}/256)" in program.window.curves._readout.text()


def test_the_curves_are_exported_as_pictures_and_table(
    start: StartProgram,
    qtbot: QtBot,
    drive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = compared(start, qtbot, drive)
    with_curves(program, qtbot)
    program.controller.set_theme("dark")  # the pictures are for paper all the same
    for suffix in (".png", ".svg", ".csv"):
        path = tmp_path / f"curve{suffix}"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args, path=path: (str(path), ""))
        program.window.curves._export.click()
        qtbot.waitUntil(
            lambda path=path: any(path.name in each.text for each in program.state.notices), timeout=WAIT_MS
        )
        assert path.is_file()
    picture = cv2.imread(str(tmp_path / "curve.png"))
    assert picture.shape == (960, 2000, 3)
    assert (picture[2, 2] == 255).all()
    drawn = QImage(1000, 480, QImage.Format.Format_RGB32)
    drawn.fill(Qt.GlobalColor.white)
    painter = QPainter(drawn)
    renderer = QSvgRenderer(str(tmp_path / "curve.svg"))
    assert renderer.isValid()
    renderer.render(painter)
    painter.end()
    # Both show the same: where one is dark the other is.
    small = cv2.resize(picture, (1000, 480), interpolation=cv2.INTER_AREA).min(axis=2) < 160
    vector = np.array([[QColor(drawn.pixel(x, y)).lightness() < 200 for x in range(0, 1000)] for y in range(480)])
    near = cv2.dilate(vector.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert (small & near).sum() > 0.9 * small.sum()
    lines = list(csv.DictReader(io.StringIO((tmp_path / "curve.csv").read_text())))
    line = lines[program.state.rule.level - 1]
    assert f"{float(line['f1']):.4f}" == program.window.scores.score_text("f1")
    assert line["label"] == "03_manual1.gif"
    assert line["region"] == "fov"
    program.window.commands["region_image"].trigger()
    qtbot.waitUntil(lambda: score_selectors.scored_label(program.state) is not None, timeout=WAIT_MS)
    for where, suffix in (("whole image", ".svg"), ("image", ".csv")):
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args, s=suffix: (str(tmp_path / f"again{s}"), ""))
        program.window.curves._export.click()
        qtbot.waitUntil((tmp_path / f"again{suffix}").exists, timeout=WAIT_MS)
        assert where in (tmp_path / f"again{suffix}").read_text()
    assert "whole image" in program.window.curves._notes.text()


def test_the_panel_says_why_it_is_empty(start: StartProgram, qtbot: QtBot, drive: Path) -> None:
    program = start(photo_of(drive))
    program.window.commands["show_curves"].trigger()
    assert "segment" in program.window.curves._empty.text()
    program.window.labels.removeRequested.emit(0)
    assert "label of expert 1" in program.window.curves._empty.text()
