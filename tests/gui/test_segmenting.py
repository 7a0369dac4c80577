"""From Segment to exported files: one photograph, many, cancelled, failed, and closed in the middle."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from bad_outputs import read_only_folder
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
from pytestqt.qtbot import QtBot

from core.export import MASK_COLOUR
from core.inference.options import InferenceOptions
from core.models.catalogue import load_model
from core.photo.reading import read_fundus
from core.segment import segment_photo
from core.threshold_rule import ThresholdRule
from core.types import BoolArray
from serr_gui.app import Program
from serr_gui.model.export_options import ExportOptions
from serr_gui.model.result import Result
from serr_gui.model.result_store import ResultStore
from serr_gui.model.selectors import stale_reasons, unsaved
from serr_gui.panels.export_dialog import ExportDialog
from tests.gui.conftest import WAIT_MS, StartProgram, looked, settled

Photos = tuple[Path, Path, Path]


def segment(program: Program, qtbot: QtBot) -> Result:
    program.window.commands["segment"].trigger()
    qtbot.waitUntil(lambda: program.state.task is None and program.state.result is not None, timeout=WAIT_MS)
    result = program.state.result
    assert result is not None
    return result


def export_dialog(program: Program, qtbot: QtBot, command: str = "export") -> ExportDialog:
    program.window.commands[command].trigger()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ExportDialog)
    looked(qtbot, dialog)
    return dialog


def export(program: Program, qtbot: QtBot, folder: Path, command: str = "export") -> str:
    """Export through the dialog; returns the sentence in the window."""
    dialog = export_dialog(program, qtbot, command)
    dialog._folder.setText(str(folder))
    looked(qtbot, dialog)
    dialog._export.click()
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)
    program.window.activateWindow()
    qtbot.waitUntil(program.window.isActiveWindow)
    return program.state.notices[-1].text


def read_mask(path: Path) -> BoolArray:
    values = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    assert set(np.unique(values)) <= {0, 255}
    return values == 255


def answer(button: str, seen: list[str]) -> Callable[[], None]:
    """Presses a button of the question that will be there, at once or when the disk has answered."""

    def press() -> None:
        box = QApplication.activeModalWidget()
        if box is None:
            QTimer.singleShot(10, press)
            return
        assert isinstance(box, QMessageBox)
        default = box.defaultButton()
        seen.extend([f"{box.text()} {box.informativeText()}", default.text() if default else ""])
        next(b for b in box.buttons() if b.text() == button).click()

    return press


def test_the_window_finds_what_the_library_finds(
    start: StartProgram, qtbot: QtBot, photo: Path, small_models: Path
) -> None:
    program = start(photo)
    result = segment(program, qtbot)
    document = program.state.document
    assert document is not None
    model = load_model(small_models / "small.safetensors")
    expected = segment_photo(document.image, model, fov=document.fov, options=InferenceOptions(device="cpu"))
    assert np.array_equal(result.segmentation.probability.values, expected.probability.values)
    assert program.state.rule == ThresholdRule(96, "model")
    assert program.state.device_used == expected.device
    assert expected.device in program.window.status._model.full_text()
    assert program.state.photos[0].status == "done"
    assert "96/256" in program.window.segmentation._origin.full_text()
    share = expected.mask.vessel.sum() / expected.fov.inside.sum()
    assert f"{share * 100:.1f} %" in program.window.segmentation._share.text()


def test_the_exported_mask_is_the_shown_one_for_every_way_to_set_the_threshold(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path
) -> None:
    program = start(photo)
    levels = segment(program, qtbot).segmentation.probability.levels
    window, panel = program.window, program.window.segmentation
    ways: list[tuple[Callable[[], None], int | None]] = [
        (lambda: panel._slider.setValue(31), 31),
        (lambda: panel._number.setValue(0.75), 192),
        (lambda: qtbot.keyClick(window.canvas, Qt.Key.Key_Comma), 191),
        (lambda: qtbot.keyClick(window.canvas, Qt.Key.Key_Period), 192),
        (lambda: qtbot.keyClick(window.canvas, Qt.Key.Key_O), None),
        (lambda: qtbot.keyClick(window.canvas, Qt.Key.Key_M), 96),
        (lambda: panel._slider.setValue(1), 1),
        (lambda: panel._slider.setValue(255), 255),
    ]
    for number, (way, level) in enumerate(ways):
        way()
        qtbot.waitUntil(lambda: not program.controller.context.workers.busy("otsu"), timeout=WAIT_MS)
        now = program.state.rule.level
        assert level is None or now == level
        assert panel._slider.value() == now
        assert panel._number.value() == pytest.approx(now / 256, abs=5e-4)
        folder = tmp_path / str(number)
        export(program, qtbot, folder)
        exported = read_mask(folder / "eye 1_mask.png")
        assert np.array_equal(exported, window.canvas.shown_mask())
        assert np.array_equal(exported, levels >= now)
        assert json.loads((folder / "eye 1.serr.json").read_text())["rule"]["level"] == now


def test_the_exported_overlay_has_the_colour_of_the_screen(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path
) -> None:
    program = start(photo)
    segment(program, qtbot)
    box = program.window.display._mask_colour
    box.setCurrentIndex(box.count() - 1)
    box.activated.emit(box.currentIndex())
    colour = np.array(program.state.view.mask_colour)
    assert tuple(colour) != MASK_COLOUR
    export(program, qtbot, tmp_path)
    vessel = read_mask(tmp_path / "eye 1_mask.png")
    added = read_fundus(tmp_path / "eye 1_overlay.png").rgb[vessel] - 0.3 * read_fundus(photo).rgb[vessel]
    assert np.abs(added - 0.7 * colour).max() <= 1


def test_what_is_painted_changes_with_the_slider(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    """Counted on the screen: pixels in the mask's colour."""
    program = start(photo)
    segment(program, qtbot)
    window = program.window
    program.controller.set_view(replace(program.state.view, mask_opacity=1.0, show_fov=False))
    window.canvas.zoom_to(1.0)
    counts = []
    for level in (20, 120, 250):
        window.segmentation._slider.setValue(level)
        image = window.canvas.grab().toImage()
        wanted = program.state.view.mask_colour
        seen = sum(
            image.pixelColor(x, y).getRgb()[:3] == wanted for x in range(image.width()) for y in range(image.height())
        )
        assert seen == int(window.canvas.shown_mask().sum())
        counts.append(seen)
    assert counts[0] > counts[1] > counts[2]


def test_segment_means_the_chosen_photograph_also_while_it_is_being_opened(
    start: StartProgram, qtbot: QtBot, photos: Photos
) -> None:
    program = start(*photos)
    _, second, third = photos
    qtbot.keyClick(program.window.canvas, Qt.Key.Key_D)
    assert program.state.opening == second
    program.window.commands["segment"].trigger()
    qtbot.waitUntil(lambda: program.state.result is not None, timeout=WAIT_MS)
    assert program.state.document is not None
    assert program.state.document.path == second
    assert [item.status for item in program.state.photos] == ["new", "done", "new"]
    # Going on to another photograph takes the request back.
    program.window.commands["previous"].trigger()
    program.window.commands["segment"].trigger()
    program.controller.photos.select(2)
    qtbot.waitUntil(
        lambda: program.state.document is not None and program.state.document.path == third, timeout=WAIT_MS
    )
    assert program.state.task is None
    assert [item.status for item in program.state.photos] == ["new", "done", "new"]


def test_the_threshold_field_takes_a_decimal_comma_and_gives_the_keys_back(
    start: StartProgram, qtbot: QtBot, photos: Photos
) -> None:
    program = start(*photos)
    segment(program, qtbot)
    program.window.show()
    program.window.activateWindow()
    field = program.window.segmentation._number
    for typed in ("0,5", "0.5"):
        program.controller.set_level(90)
        field.setFocus()
        field.selectAll()
        qtbot.keyClicks(field, typed)
        qtbot.keyClick(field, Qt.Key.Key_Return)
        assert program.state.rule.level == 128, typed
    assert not field.hasFocus()


def test_messages_go_when_they_are_old_and_the_photograph_stays_where_it_is(
    start: StartProgram, qtbot: QtBot, photos: Photos
) -> None:
    program = start(*photos)
    canvas = program.window.canvas
    place = canvas.geometry()
    photos[1].write_bytes(b"no photograph")
    program.controller.photos.step(1)
    qtbot.waitUntil(lambda: program.state.photos[1].status == "failed", timeout=WAIT_MS)
    assert [notice.kind for notice in program.state.notices] == ["error"]
    assert canvas.geometry() == place
    program.controller.photos.step(1)
    assert program.state.notices == ()
    qtbot.waitUntil(lambda: settled(program), timeout=WAIT_MS)
    program.window.commands["segment_all"].trigger()
    assert canvas.geometry() == place
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)
    assert "2 of 3" in program.state.notices[-1].text
    segment(program, qtbot)
    assert program.state.notices == ()


def test_cancel_keeps_what_was_there(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    program = start(photo)
    first = segment(program, qtbot)
    window = program.window
    window.commands["segment"].trigger()
    assert window.task_bar.isVisible()
    assert not window.commands["segment"].isEnabled()
    assert program.state.result is first  # on the screen until the new one is there
    window.commands["cancel"].trigger()
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)
    assert program.state.result is first
    assert not window.task_bar.isVisible()
    assert window.commands["segment"].isEnabled()


def test_a_run_for_one_photograph_ends_well_while_another_is_looked_at(
    start: StartProgram, qtbot: QtBot, photos: Photos
) -> None:
    program = start(*photos)
    program.window.commands["segment"].trigger()
    program.controller.photos.select(1)
    qtbot.waitUntil(lambda: program.state.task is None and program.state.photos[0].status == "done", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: program.state.opening is None, timeout=WAIT_MS)
    assert program.state.document is not None
    assert program.state.document.path == photos[1]
    assert program.state.result is None
    program.controller.photos.select(0)
    qtbot.waitUntil(lambda: program.state.result is not None, timeout=WAIT_MS)


def test_each_photograph_keeps_its_threshold(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    segment(program, qtbot)
    program.window.segmentation._slider.setValue(50)
    program.controller.photos.select(1)
    qtbot.waitUntil(lambda: program.state.opening is None, timeout=WAIT_MS)
    assert program.state.rule == ThresholdRule(96, "model")
    program.controller.photos.select(0)
    qtbot.waitUntil(lambda: program.state.opening is None, timeout=WAIT_MS)
    assert program.state.rule == ThresholdRule(50, "user")


def test_segment_all_does_the_rest_and_tells_about_the_bad_one(
    start: StartProgram, qtbot: QtBot, photos: Photos, tmp_path: Path
) -> None:
    photos[1].write_bytes(photos[1].read_bytes()[:1000])
    program = start(*photos)
    first = segment(program, qtbot)
    program.window.commands["segment_all"].trigger()
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)
    assert [item.status for item in program.state.photos] == ["done", "failed", "done"]
    assert program.state.result is first
    notice = program.state.notices[-1]
    assert "1 of 2" in notice.text
    assert "eye 2.png" in notice.text
    assert "cut short" in notice.details
    sentence = export(program, qtbot, tmp_path / "out", "export_all")
    assert "2 of 2" in sentence
    assert program.state.notices[-1].folder == tmp_path / "out"
    assert sorted(path.name for path in (tmp_path / "out").glob("*_mask.png")) == ["eye 10_mask.png", "eye 1_mask.png"]
    assert unsaved(program.state) == ()


def test_segment_all_can_be_cancelled_and_keeps_its_results(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    program.window.commands["segment_all"].trigger()
    qtbot.waitUntil(lambda: program.state.photos[0].status == "done", timeout=WAIT_MS)
    program.window.commands["cancel"].trigger()
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)
    done = [item for item in program.state.photos if item.status == "done"]
    assert 1 <= len(done) <= 3
    assert f"{len(done)} of 3" in program.state.notices[-1].text
    assert stale_reasons(program.state) == frozenset()


def test_another_model_or_field_of_view_makes_a_result_old(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    program = start(photo)
    segment(program, qtbot)
    panel = program.window.segmentation
    assert "Made with" not in panel._remarks.full_text()
    other = next(choice for choice in program.state.models if choice.name == "other")
    panel._model.activated.emit(panel._model.findData(other.path))
    assert "another model, small" in panel._remarks.full_text()
    segment(program, qtbot)
    assert "Made with" not in panel._remarks.full_text()
    assert program.state.rule == ThresholdRule(128, "model")
    panel._fov.activated.emit(2)
    qtbot.waitUntil(lambda: stale_reasons(program.state) == {"fov"}, timeout=WAIT_MS)
    assert "another field of view" in panel._remarks.full_text()


def test_the_export_dialog_shows_names_and_is_careful_with_what_is_there(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path
) -> None:
    program = start(photo)
    segment(program, qtbot)
    dialog = export_dialog(program, qtbot)
    assert dialog._folder.text() == str(photo.parent / "SERR results")
    assert dialog._preview.toPlainText().split("\n") == [
        "eye 1_mask.png",
        "eye 1_probability.png",
        "eye 1_overlay.png",
        "eye 1.serr.json",
    ]
    assert dialog._export.isDefault()
    dialog._kind.setCurrentIndex(1)
    dialog._kind.activated.emit(1)
    dialog._overlay.setChecked(False)
    looked(qtbot, dialog)
    assert "eye 1_probability.tif" in dialog._preview.toPlainText()
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "eye 1_mask.png").write_bytes(b"old")
    dialog._folder.setText(str(folder))
    assert not dialog._export.isEnabled(), "not before it is known what would be replaced"
    assert dialog._export.isDefault(), "so that Return does not cancel"
    looked(qtbot, dialog)
    assert "1 of 3" in dialog._warning.text()
    assert "No record says which photograph they belong to: eye 1_mask.png." in dialog._warning.text()
    assert dialog._cancel.isDefault()
    assert dialog._export.text() == "Replace and Export"
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert (folder / "eye 1_mask.png").read_bytes() == b"old"

    dialog = export_dialog(program, qtbot)
    for box in (dialog._mask, dialog._probability, dialog._overlay, dialog._sidecar):
        box.setChecked(False)
    assert not dialog._export.isEnabled()
    dialog.reject()


def test_two_patients_whose_photographs_have_one_name_keep_their_results(
    start: StartProgram, qtbot: QtBot, photos: Photos, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    masks = []
    for patient, photo in zip(("p1", "p2"), photos, strict=False):
        (tmp_path / patient).mkdir()
        shutil.copy(photo, tmp_path / patient / "OD.png")
        program = start(tmp_path / patient / "OD.png")
        segment(program, qtbot)
        dialog = export_dialog(program, qtbot)
        dialog._folder.setText(str(out))
        looked(qtbot, dialog)
        assert ("other photographs" in dialog._warning.text()) == (patient == "p2")
        dialog.reject()
        export(program, qtbot, out)
        masks.append(program.window.canvas.shown_mask())
    assert {path.name for path in out.glob("*_mask.png")} == {"OD_mask.png", "p2_OD_mask.png"}
    assert np.array_equal(read_mask(out / "OD_mask.png"), masks[0])
    assert np.array_equal(read_mask(out / "p2_OD_mask.png"), masks[1])


def test_the_files_are_those_that_the_dialog_named_and_it_remembers(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path
) -> None:
    program = start(photo)
    result = segment(program, qtbot)
    dialog = export_dialog(program, qtbot)
    dialog._kind.setCurrentIndex(1)
    dialog._kind.activated.emit(1)
    dialog._overlay.setChecked(False)
    looked(qtbot, dialog)
    dialog._folder.setText(str(tmp_path / "out"))
    looked(qtbot, dialog)
    named = dialog._preview.toPlainText().split("\n")
    dialog._export.click()
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(named)
    import tifffile

    values = tifffile.imread(tmp_path / "out" / "eye 1_probability.tif")
    assert np.array_equal(values, result.segmentation.probability.values)
    assert program.state.export_options == ExportOptions(str(tmp_path / "out"), overlay=False, float_probability=True)
    assert not program.window.isWindowModified()


def test_a_folder_that_cannot_be_written_to_leaves_the_result_to_be_exported(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path
) -> None:
    with read_only_folder(tmp_path) as folder:
        program = start(photo)  # its threads get the rights of this one
        segment(program, qtbot)
        sentence = export(program, qtbot, folder)
        assert "read-only" in sentence or "permission" in sentence
        assert program.state.notices[-1].kind == "error"
        assert list(folder.iterdir()) == []
    assert len(unsaved(program.state)) == 1
    assert program.window.isWindowModified()


def test_closing_with_work_or_unexported_results_asks_first(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    window = program.window
    seen: list[str] = []
    window.commands["segment_all"].trigger()
    QTimer.singleShot(0, answer("Cancel", seen))
    assert not window.close()
    assert "still running" in seen[0]
    assert seen[1] == "Cancel"
    assert window.isVisible()
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)

    QTimer.singleShot(0, answer("Cancel", seen))
    window.commands["close_all"].trigger()
    assert "3 photographs" in seen[2]
    assert len(program.state.photos) == 3

    QTimer.singleShot(0, answer("Export All...", seen))
    window.commands["close_all"].trigger()
    dialog = window.findChild(ExportDialog)
    assert dialog is not None
    assert dialog.isVisible()
    dialog.reject()

    QTimer.singleShot(0, answer("Close without exporting", seen))
    window.commands["close_photo"].trigger()
    assert "one photograph" in seen[6]
    assert len(program.state.photos) == 2

    assert window.close()  # nothing is lost by that: it comes back at the next start
    assert not window.isVisible()


def test_closing_while_a_job_runs_ends_it(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    program.window.commands["segment_all"].trigger()
    QTimer.singleShot(0, answer("Stop and quit", []))
    assert program.window.close()
    assert not program.controller.context.workers._running


def test_a_changed_threshold_is_work_to_be_exported_again(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path
) -> None:
    program = start(photo)
    segment(program, qtbot)
    export(program, qtbot, tmp_path / "out")
    assert unsaved(program.state) == ()
    program.window.segmentation._slider.setValue(77)
    assert len(unsaved(program.state)) == 1


def test_results_leave_the_memory_and_come_back_bit_for_bit(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    store = ResultStore(memory_bytes=1)
    for part in (program.controller.context,):
        part.store = store
    program.window.commands["segment_all"].trigger()
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: store.in_memory(photos[1]) is None, timeout=WAIT_MS)
    program.controller.photos.select(1)
    qtbot.waitUntil(lambda: program.state.document is not None and program.state.document.path == photos[1])
    back = program.state.result
    assert back is not None
    again = segment_photo(
        back.segmentation.image,
        load_model(back.model_path),
        fov=back.segmentation.fov,
        options=InferenceOptions(device="cpu"),
    )
    assert np.array_equal(back.segmentation.probability.values, again.probability.values)
    assert np.array_equal(back.segmentation.mask.vessel, again.mask.vessel)
    assert back.segmentation.model_sha256 == again.model_sha256


def test_the_sample_is_segmented_at_once_and_is_no_work_to_lose(start: StartProgram, qtbot: QtBot) -> None:
    program = start(sample=True)
    qtbot.waitUntil(lambda: program.state.result is not None, timeout=WAIT_MS)
    program.window.segmentation._slider.setValue(60)
    assert unsaved(program.state) == ()
    dialog = export_dialog(program, qtbot)
    assert "retina_mask.png" in dialog._preview.toPlainText()
    dialog.reject()
    assert program.window.close()
