"""The data set wizard on the real program: found, checked, corrected, divided, saved; and adding by one click."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QItemSelectionModel, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from core.datasets.dataset_file import read_dataset_file
from core.datasets.recognise import OWN_LABEL
from core.datasets.synthetic import write_drive_layout
from core.photo.reading import read_label
from serr_gui.app import Program
from serr_gui.panels.data_set.dialog import DataSetDialog
from serr_gui.panels.data_set.table import LABEL, NAME, PART, PATIENT, PHOTO, REMARK, SHARE
from serr_gui.panels.training.new_training_dialog import NewTrainingDialog
from serr_gui.widgets.label_values_dialog import LabelValuesDialog
from tests.gui.conftest import WAIT_MS, StartProgram


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """Five drawn photographs in each part."""
    return write_drive_layout(tmp_path / "data", 5, side=96)


def opened(program: Program, qtbot: QtBot, path: Path) -> DataSetDialog:
    dialog = program.window.training_prompts.open_data_set(path)
    qtbot.waitUntil(lambda: bool(dialog.model.entries) and not dialog.model.unseen(), timeout=WAIT_MS)
    return dialog


def row_of(dialog: DataSetDialog, name: str) -> int:
    return next(row for row, e in enumerate(dialog.model.entries) if e.case.photo.name == name)


def cell(dialog: DataSetDialog, row: int, column: int) -> str:
    return str(dialog.model.index(row, column).data())


def select(dialog: DataSetDialog, *rows: int) -> None:
    chosen = dialog.table.selectionModel()
    chosen.clearSelection()
    whole = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    for row in rows:
        chosen.select(dialog.model.index(row, 0), whole)


def test_a_folder_can_be_typed_and_its_table_is_seen_on_a_small_screen(
    start: StartProgram, qtbot: QtBot, drive: Path
) -> None:
    program = start()
    dialog = program.window.training_prompts.open_data_set()
    QTest.keyClicks(dialog._folder, str(drive))
    QTest.keyClick(dialog._folder, Qt.Key.Key_Return)
    assert QApplication.activeModalWidget() in (None, dialog), "no button of the dialog is pressed"
    qtbot.waitUntil(lambda: len(dialog.model.entries) == 10, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not dialog.model.unseen(), timeout=WAIT_MS)
    dialog.resize(820, 440)
    QApplication.processEvents()
    assert dialog.table.height() > 2 * dialog._summary.height()
    dialog.reject()


def test_a_folder_is_found_checked_divided_and_saved(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path
) -> None:
    label = drive / "training" / "1st_manual" / "02_manual1.gif"
    Image.fromarray(np.where(read_label(label).vessel, 0, 255).astype(np.uint8)).save(label)
    (drive / "training" / "1st_manual" / "03_manual1.gif").unlink()
    program = start()
    dialog = opened(program, qtbot, drive)
    assert "Recognised as DRIVE" in dialog._recognised.text()
    rows = {name: row_of(dialog, name) for name in ("01_training.tif", "02_training.tif", "03_training.tif")}
    assert "looks inverted" in cell(dialog, rows["02_training.tif"], REMARK)
    assert "03_manual1.gif" in cell(dialog, rows["03_training.tif"], REMARK)
    assert cell(dialog, rows["03_training.tif"], PART) == "not used"
    assert cell(dialog, rows["01_training.tif"], REMARK) == ""
    assert cell(dialog, rows["01_training.tif"], SHARE).endswith("%")
    assert "96 x 96" in cell(dialog, rows["01_training.tif"], NAME)
    assert not dialog.model.index(rows["01_training.tif"], PHOTO).data(Qt.ItemDataRole.DecorationRole).isNull()
    assert "left out (1)" in dialog._summary.toPlainText()
    assert dialog.division.counts.text().split() == [
        "training:",
        "3",
        "validation:",
        "1",
        "test:",
        "5",
        "not",
        "used:",
        "1",
    ]

    # The missing label is given by hand; the photograph is of use again.
    other = tmp_path / "by hand.png"
    Image.fromarray(read_label(drive / "test" / "1st_manual" / "06_manual1.gif").vessel.astype(np.uint8) * 255).save(
        other
    )
    dialog.set_label(rows["03_training.tif"], other)
    qtbot.waitUntil(lambda: not dialog.model.unseen(), timeout=WAIT_MS)
    assert "same label" in dialog._summary.toPlainText()  # as that of a test photograph, which it is
    select(dialog, rows["02_training.tif"])
    dialog._parts.actions()[-1].trigger()  # not used
    dialog.model.setData(dialog.model.index(rows["01_training.tif"], PATIENT), "Ann")
    dialog.model.setData(dialog.model.index(rows["03_training.tif"], PATIENT), "Ann")
    dialog.division.seed.setValue(5)
    dialog.division.validation.setValue(40)
    dialog.division.divide.click()
    parts = {e.case.photo.name: e.part for e in dialog.model.entries}
    assert parts["01_training.tif"] == parts["03_training.tif"]
    assert parts["02_training.tif"] == "unused"
    assert sorted(parts.values()).count("test") == 5

    dialog._name.setText("Drawn set")
    file = tmp_path / "drawn.serr-dataset"
    dialog.saveRequested.emit(file, dialog.dataset())
    qtbot.waitUntil(lambda: "Saved as" in dialog._recognised.text(), timeout=WAIT_MS)
    saved = read_dataset_file(file)
    assert saved == dialog.dataset()
    assert saved.name == "Drawn set"
    assert "seed 5" in saved.split
    assert program.state.data_set == file
    dialog.reject()

    again = opened(program, qtbot, file)
    assert [e.case.photo for e in again.model.entries] == [e.case.photo for e in saved.entries]
    assert again.dataset().split == saved.split  # looking at it has not divided it again
    again.reject()


def test_a_leak_is_shown_and_divided_away(start: StartProgram, qtbot: QtBot, drive: Path) -> None:
    photo = drive / "training" / "images" / "01_training.tif"
    (drive / "training" / "images" / "01_copy.tif").write_bytes(photo.read_bytes())
    (drive / "training" / "mask" / "01_copy_mask.gif").write_bytes(
        (drive / "training" / "mask" / "01_training_mask.gif").read_bytes()
    )
    program = start()
    dialog = opened(program, qtbot, drive)
    one, other = row_of(dialog, "01_training.tif"), row_of(dialog, "01_copy.tif")
    dialog.model.set_part([one], "validation")
    dialog.model.set_part([other], "training")
    assert "different parts" in cell(dialog, one, REMARK)
    for seed in range(4):
        dialog.division.seed.setValue(seed)
        dialog.division.divide.click()
        assert "different parts" not in dialog._summary.toPlainText()
    dialog.reject()


def test_a_folder_without_photographs_is_told_and_the_dialog_stays(
    start: StartProgram, qtbot: QtBot, tmp_path: Path
) -> None:
    program = start()
    (tmp_path / "empty").mkdir()
    dialog = program.window.training_prompts.open_data_set(tmp_path / "empty")
    qtbot.waitUntil(lambda: "no photographs" in dialog._recognised.text(), timeout=WAIT_MS)
    assert not dialog._save.isEnabled()
    dialog.saveRequested.emit(tmp_path / "none" / "x.serr-dataset", dialog.dataset())
    qtbot.waitUntil(lambda: "does not exist" in dialog._recognised.text(), timeout=WAIT_MS)
    dialog.reject()


def test_photographs_can_be_added_one_by_one(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path], drive: Path
) -> None:
    program = start()
    dialog = opened(program, qtbot, drive)
    count = len(dialog.model.entries)
    dialog.add_photographs([photos[0], photos[0]])
    qtbot.waitUntil(lambda: not dialog.model.unseen(), timeout=WAIT_MS)
    assert len(dialog.model.entries) == count + 1
    row = row_of(dialog, photos[0].name)
    assert "has no label" in cell(dialog, row, REMARK)
    assert cell(dialog, row, PART) == "not used"
    select(dialog, row)
    dialog._of_rows[2].click()  # remove
    assert len(dialog.model.entries) == count
    dialog.reject()


def test_save_and_train_goes_on_to_the_form(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = start()
    dialog = opened(program, qtbot, drive)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "mine"), ""))
    dialog._save_train.click()
    qtbot.waitUntil(lambda: program.window.findChild(NewTrainingDialog) is not None, timeout=WAIT_MS)
    form = program.window.findChild(NewTrainingDialog)
    assert isinstance(form, NewTrainingDialog)
    assert form._data.text() == str(tmp_path / "mine.serr-dataset")
    qtbot.waitUntil(lambda: not form.is_looking, timeout=WAIT_MS)
    assert "training: 4" in form._data_facts.text()
    form.reject()


def test_the_photograph_on_the_screen_is_added_by_one_click(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = start(photo)
    commands = program.window.commands
    assert not commands["add_to_data_set"].isEnabled()
    commands["segment"].trigger()
    qtbot.waitUntil(lambda: program.state.task is None and program.state.result is not None, timeout=WAIT_MS)
    asked: list[str] = []

    def ask(*_: object, **__: object) -> tuple[str, str]:
        asked.append("once")
        return str(tmp_path / "mine.serr-dataset"), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    for level in (60, 120):
        program.window.segmentation._slider.setValue(level)
        program.state.notices = ()
        commands["add_to_data_set"].trigger()
        qtbot.waitUntil(lambda: bool(program.state.notices), timeout=WAIT_MS)
        assert "is in the data set mine" in program.state.notices[0].text
        (entry,) = read_dataset_file(tmp_path / "mine.serr-dataset").entries
        assert entry.case.photo == photo
        label = read_label(entry.case.labels[OWN_LABEL]).vessel
        assert np.array_equal(label, program.window.canvas.shown_mask())
    assert asked == ["once"]


def test_values_of_labels_are_asked_for_where_they_are_not_black_and_white(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path
) -> None:
    for path in sorted((drive / "training").rglob("*_manual1.gif")):
        vessel = read_label(path).vessel
        pixels = vessel.astype(np.uint8) * np.where(np.arange(vessel.shape[1]) < 48, 1, 2).astype(np.uint8)
        Image.fromarray(pixels).save(path)
    program = start()
    dialog = opened(program, qtbot, drive / "training")
    assert dialog.dataset().count("unused") == 5
    assert not dialog._save.isEnabled()
    said = dialog._summary.toPlainText()
    assert "Labels of several values: 5. Choose with Label Values..." in said
    assert "--vessel-values" not in said + cell(dialog, 0, REMARK)
    assert "holds the values" in cell(dialog, 0, REMARK)
    assert "0 (" in said

    def answer() -> None:
        asked = QApplication.activeModalWidget()
        assert isinstance(asked, LabelValuesDialog)
        assert asked.choice((1, 1, 1)).currentText() == asked.choice((2, 2, 2)).currentText() == "Vessel"
        asked.accept()

    QTimer.singleShot(0, answer)
    dialog._values.click()
    qtbot.waitUntil(lambda: not dialog.model.unseen(), timeout=WAIT_MS)
    assert dialog.dataset().count("training") == 4
    assert dialog.dataset().count("validation") == 1
    assert "vessel: 1,2" in cell(dialog, 0, LABEL) or "vessel: 2,1" in cell(dialog, 0, LABEL)
    assert cell(dialog, 0, SHARE).endswith("%")
    assert "several values" not in dialog._summary.toPlainText()
    assert dialog._values.isEnabled()  # to be changed again
    file = tmp_path / "drawn.serr-dataset"
    dialog.saveRequested.emit(file, dialog.dataset())
    qtbot.waitUntil(lambda: "Saved as" in dialog._recognised.text(), timeout=WAIT_MS)
    for entry in read_dataset_file(file).entries:
        assert entry.case.values
        assert {colour[0] for values in entry.case.values.values() for colour in values.vessel} == {1, 2}
    dialog.reject()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
def test_a_name_that_is_no_text_is_left_out_of_a_new_data_set(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path
) -> None:
    photo = drive / "training" / "images" / "03_training.tif"
    photo.rename(os.fsdecode(os.fsencode(photo.parent) + b"/03_training\xff.tif"))
    program = start()
    dialog = opened(program, qtbot, drive / "training")
    assert len(dialog.model.entries) == 4
    assert "left out" in dialog._recognised.text()
    file = tmp_path / "drawn.serr-dataset"
    dialog.saveRequested.emit(file, dialog.dataset())
    qtbot.waitUntil(lambda: "Saved as" in dialog._recognised.text(), timeout=WAIT_MS)
    dialog.reject()
