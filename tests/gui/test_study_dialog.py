"""Comparing two groups, or two visits, in the window: what is said, what comes out, and what is written."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot
from scipy import stats

from core.evaluation.csv_text import csv_text
from core.measures.summary import PixelSize, measure_traced
from core.measuring import trace_probability
from serr_gui.app import Program
from serr_gui.panels.measure.study_dialog import StudyDialog
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.test_segmenting import segment

WIDTH = "width/mean/all/fov"
FIRST, SECOND = (3.1, 3.4, 2.9, 3.3, 3.0), (3.6, 3.9, 3.5, 3.8, 3.7)


def table(folder: Path, first: int = 0) -> Path:
    """Measures of five photographs in each of two folders."""
    rows = [
        {"file": f"/data/{group}/eye {number + first}.png", "error": "", WIDTH: value, f"{WIDTH}/note": ""}
        for group, values in (("control", FIRST), ("diabetes", SECOND))
        for number, value in enumerate(values)
    ]
    path = folder / "measures.csv"
    path.write_text(csv_text(list(rows[0]), rows), encoding="utf-8")
    return path


def dialog_of(program: Program, qtbot: QtBot, path: Path, monkeypatch: pytest.MonkeyPatch) -> StudyDialog:
    program.window.commands["compare_groups"].trigger()
    dialog = next(each for each in QApplication.topLevelWidgets() if isinstance(each, StudyDialog))
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(path)], ""))
    assert not dialog.compare.isEnabled()
    dialog.tables.click()
    qtbot.waitUntil(lambda: bool(program.state.study.rows), timeout=WAIT_MS)
    return dialog


def compared(dialog: StudyDialog, program: Program, qtbot: QtBot) -> None:
    before = program.state.study
    dialog.compare.click()
    qtbot.waitUntil(lambda: program.state.study is not before, timeout=WAIT_MS)


def test_groups_are_compared_plotted_and_written(
    start: StartProgram, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = start()
    dialog = dialog_of(program, qtbot, table(tmp_path), monkeypatch)
    assert [member.group for member in dialog.said()] == ["control"] * 5 + ["diabetes"] * 5, "as their folders say"
    compared(dialog, program, qtbot)
    found = program.state.study.comparison
    assert found is not None
    row = next(number for number, test in enumerate(found.tests) if test.name == WIDTH)
    assert found.tests[row].p == pytest.approx(stats.ttest_ind(FIRST, SECOND, equal_var=False).pvalue)
    cells = [dialog.tests.item(row, column).text() for column in range(6)]
    assert cells[:3] == ["Mean width (px)", "3.140", "3.700"]
    assert cells[3].startswith("0.5600 (")
    assert cells[5] == "n = 5, 5"
    assert "Measures tested: 1;" in dialog.about.text()
    dialog.tests.setCurrentCell(row, 0)
    assert [sorted(side) for side in dialog.plot.values] == [sorted(FIRST), sorted(SECOND)]
    untested = dialog.tests.item(0 if row else 1, 5).text()
    assert untested
    assert dialog.tests.item(0 if row else 1, 4).text() == "\N{EN DASH}"

    out = tmp_path / "out.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    dialog.export.click()
    qtbot.waitUntil(lambda: any("are written" in each.text for each in program.state.notices), timeout=WAIT_MS)
    assert {path.name for path in tmp_path.iterdir()} >= {"out.csv", "out.html", "out_long.csv", "out.R"}

    dialog.members.item(0, 1).setText("")
    for number in range(5, 10):
        dialog.members.item(number, 1).setText("case")
    table(tmp_path, first=5)
    dialog.tables.click()
    qtbot.waitUntil(lambda: len(program.state.study.rows) == 20, timeout=WAIT_MS)
    groups = [dialog.members.item(row, 1).text() for row in range(20)]
    assert groups == ["", *["control"] * 4, *["case"] * 5, *["control"] * 5, *["case"] * 5], "new ones as their folder"
    dialog.reject()
    assert program.state.study.rows == ()


def test_shares_are_in_percent_in_the_plot_too_and_what_is_not_tested_says_why(
    start: StartProgram, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = "area/share/all/fov"
    rows = [
        {"file": f"/data/{group}/eye {number}.png", "error": "", share: value, f"{share}/note": ""}
        for group, values in (("control", (0.1, 0.12)), ("diabetes", (0.08, 0.09)))
        for number, value in enumerate(values)
    ]
    path = tmp_path / "measures.csv"
    path.write_text(csv_text(list(rows[0]), rows), encoding="utf-8")
    program = start()
    dialog = dialog_of(program, qtbot, path, monkeypatch)
    compared(dialog, program, qtbot)
    assert dialog.about.text().startswith("Not tested: fewer than 3 values in one of the groups.")
    found = program.state.study.comparison
    assert found is not None
    row = next(number for number, test in enumerate(found.tests) if test.name == share)
    dialog.tests.setCurrentCell(row, 0)
    assert dialog.tests.item(row, 0).text() == "Share of vessels in the area (%)"
    assert [sorted(side) for side in dialog.plot.values] == [pytest.approx([10, 12]), pytest.approx([8, 9])]
    dialog.reject()


def test_open_photographs_are_measured_for_groups(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = start(photos[0])
    dialog = dialog_of(program, qtbot, table(tmp_path), monkeypatch)
    dialog.opened.click()
    assert "No open photograph has a mask yet" in dialog.about.text()
    segment(program, qtbot)
    program.controller.photos.list_path(photos[1])  # it has none, so it takes no part
    program.controller.measuring.set_pixel(PixelSize(7.0, "data sheet"))
    program.controller.measuring.despite_doubts(True)  # the drawing is too small to measure without a doubt
    dialog.members.item(0, 1).setText("mine")
    before = program.state.study
    dialog.opened.click()
    assert not dialog.compare.isEnabled()
    assert "Measuring the open photographs" in dialog.about.text()
    qtbot.waitUntil(lambda: len(program.state.study.rows) == 11, timeout=WAIT_MS)
    assert program.state.study.rows[:10] == before.rows
    row = program.state.study.rows[10]
    assert row["file"] == str(photos[0])
    assert row["pixel_um"] == 7.0
    result = program.state.result
    assert result is not None
    traced = trace_probability(
        result.segmentation.probability, result.mask(program.state.rule), result.segmentation.fov
    )
    assert row[WIDTH] == pytest.approx(measure_traced(traced, pixel=PixelSize(7.0, "x"))[WIDTH].value, rel=1e-5)
    assert dialog.members.item(0, 1).text() == "mine", "what was written stays"
    dialog.members.item(10, 1).setText("diabetes")
    dialog.members.item(0, 1).setText("control")
    compared(dialog, program, qtbot)
    assert "in pixels and some in micrometres" in dialog.about.text()
    dialog.reject()


def test_what_was_written_survives_further_tables(
    start: StartProgram, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = start()
    dialog = dialog_of(program, qtbot, table(tmp_path), monkeypatch)
    dialog.members.item(0, 1).setText("mine")
    dialog.members.item(1, 2).setText("Q7")
    dialog.members.item(1, 1).setText("")  # a subject without a group yet
    more = tmp_path / "more.csv"
    more.write_text(
        f"file,error,{WIDTH},{WIDTH}/note\n/data/control/eye 4.png,,9.5,\n/data/third/eye.png,,3.3,\n", encoding="utf-8"
    )
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(more)], ""))
    dialog.tables.click()
    qtbot.waitUntil(lambda: len(program.state.study.rows) == 11, timeout=WAIT_MS)
    texts = {row["file"]: dialog.members.item(number, 1).text() for number, row in enumerate(program.state.study.rows)}
    assert texts["/data/control/eye 0.png"] == "mine"
    assert texts["/data/control/eye 4.png"] == "control", "another row of the same photograph"
    assert texts["/data/third/eye.png"] == ""
    assert dialog.members.item(1, 2).text() == "Q7"

    dialog.members.selectRow(0)
    dialog.take_out.click()
    assert len(program.state.study.rows) == 10
    assert "/data/control/eye 0.png" not in {member.file for member in dialog.said()}
    dialog.reject()


def test_visits_come_from_a_file_and_say_what_is_missing(
    start: StartProgram, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = start()
    dialog = dialog_of(program, qtbot, table(tmp_path), monkeypatch)
    dialog.visits.setChecked(True)
    compared(dialog, program, qtbot)
    assert "has no subject" in dialog.about.text()
    assert not dialog.export.isEnabled()

    visits = [
        {"file": row["file"], "subject": str(row["file"])[-5], "visit": str(row["file"]).split("/")[2]}
        for row in program.state.study.rows
    ]
    file = tmp_path / "visits.csv"
    file.write_text(csv_text(list(visits[0]), visits), encoding="utf-8")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(file), ""))
    dialog.file.click()
    qtbot.waitUntil(lambda: bool(program.state.study.members), timeout=WAIT_MS)
    assert [member.subject for member in dialog.said()] == list("0123401234")
    compared(dialog, program, qtbot)
    found = program.state.study.comparison
    assert found is not None
    assert found.paired
    test = next(test for test in found.tests if test.name == WIDTH)
    assert test.p == pytest.approx(stats.ttest_rel(FIRST, SECOND).pvalue)
    assert test.difference == pytest.approx(np.mean(SECOND) - np.mean(FIRST))

    # A name that several photographs have gives none of them a group.
    file.write_text("file,group\neye 0.png,x\neye 1.png,y\n", encoding="utf-8")
    dialog.file.click()
    qtbot.waitUntil(lambda: "eye 0.png is the name of 2 measured files" in dialog.about.text(), timeout=WAIT_MS)
    assert [member.subject for member in dialog.said()] == list("0123401234")

    # A table that is none says so, and costs nothing.
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(file)], ""))
    dialog.tables.click()
    qtbot.waitUntil(lambda: "is not a table of measures" in dialog.about.text(), timeout=WAIT_MS)
    assert len(program.state.study.rows) == 10
    dialog.reject()
