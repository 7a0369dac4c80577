"""Opening photographs: by command line, dialog, drop, and list; good ones and bad ones."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from bad_inputs import BAD_INPUTS, BadInput, encoded
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QListView, QToolButton
from pytestqt.qtbot import QtBot

from core.cli.inputs import photo_inputs
from core.datasets.recognise import recognise
from core.datasets.synthetic import draw_case
from core.photo.reading import read_fundus
from serr_gui.app import Program
from serr_gui.model.settings import load_settings
from serr_gui.panels.export_dialog import ExportDialog
from tests.gui.conftest import WAIT_MS, StartProgram, looked
from tests.gui.test_segmenting import segment

Photos = tuple[Path, Path, Path]


def names(program: Program) -> list[str]:
    return [item.path.name for item in program.state.photos]


def wait_for(qtbot: QtBot, program: Program, name: str) -> None:
    def there() -> bool:
        document = program.state.document
        return document is not None and document.path.name == name and program.state.opening is None

    qtbot.waitUntil(there, timeout=WAIT_MS)


def drop(program: Program, *paths: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys, action = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPointF(50, 50).toPoint(), action, data, buttons, keys)
    QApplication.sendEvent(program.window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(program.window, QDropEvent(QPointF(50, 50), action, data, buttons, keys))


def test_a_photograph_from_the_command_line_is_shown_with_its_field_of_view(start: StartProgram, photo: Path) -> None:
    program = start(photo)
    document = program.state.document
    assert document is not None
    assert document.fov is not None
    assert document.fov.origin == "estimated"
    assert np.array_equal(document.image.rgb, read_fundus(photo).rgb)
    assert program.window.canvas.isVisible()
    assert "eye 1.png" in program.window.windowTitle()


def test_what_is_no_photograph_is_answered_with_its_sentence(start: StartProgram, qtbot: QtBot, tmp_path: Path) -> None:
    """One program meets the whole table of bad inputs, and opens a good one at the end."""
    program = start()
    wrong = []
    for number, bad in enumerate(BAD_INPUTS):
        folder = tmp_path / str(number)
        folder.mkdir()
        with bad.rights():
            wrong += answer_to(program, qtbot, bad, bad.build(folder))
    assert not wrong, "\n".join(wrong)
    good = tmp_path / "good.png"
    good.write_bytes(encoded("PNG"))
    program.window.open_paths([good])
    wait_for(qtbot, program, "good.png")
    assert program.window.commands["close_photo"].isEnabled()


def answer_to(program: Program, qtbot: QtBot, bad: BadInput, path: Path) -> list[str]:
    """Open a bad input and say what is wrong with the answer."""
    state = program.state
    words: tuple[str, ...] = (*bad.words, path.name)
    if path.is_dir():
        words = ("no photographs", path.name)  # a folder is looked through, not refused as a picture
    state.notices = ()
    program.window.open_paths([path])
    qtbot.waitUntil(lambda: bool(state.notices) and state.opening is None, timeout=WAIT_MS)
    sentence = state.notices[-1].text
    wrong = [f"{bad.name}: {word!r} is not in: {sentence}" for word in words if word.lower() not in sentence.lower()]
    if not program.window.notice_bar.isVisible():
        wrong.append(f"{bad.name}: the sentence is not seen")
    if program.window.commands["segment"].isEnabled():
        wrong.append(f"{bad.name}: it could be segmented")
    if not path.is_dir() and (state.item is None or state.item.path != path or state.item.status != "failed"):
        wrong.append(f"{bad.name}: the list does not say that it cannot be used")
    return wrong


def test_a_folder_lists_its_photographs_in_natural_order_without_results_and_labels(
    start: StartProgram, photos: Photos
) -> None:
    folder = photos[0].parent
    for name in ("eye 1_mask.png", "eye 1_overlay.png", "eye 1_probability.png", "Image_01L_1stHO.png", ".hidden.png"):
        shutil.copy(photos[0], folder / name)
    (folder / "eye 1.serr.json").write_text("{}")
    assert names(start(folder)) == ["eye 1.png", "eye 2.png", "eye 10.png"]


def test_a_folder_gives_the_same_photographs_everywhere_and_says_what_was_left_out(
    start: StartProgram, qtbot: QtBot, photos: Photos
) -> None:
    folder = photos[0].parent
    for name in ("eye 1_mask.png", "eye 2_manual1.png", "Eye 3.jfif", "patient 2/eye.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(photos[0], folder / name)
    (folder / "eye 4.heic").write_bytes(b"")
    program = start(folder)
    opened = [item.path for item in program.state.photos]
    assert [path.name for path in opened] == ["eye 1.png", "eye 2.png", "Eye 3.jfif", "eye 10.png"]
    assert list(photo_inputs([str(folder)]).photos) == opened
    assert [entry.case.photo for entry in recognise(folder).dataset.entries] == opened
    (notice,) = [notice for notice in program.state.notices if notice.text.startswith("photographs: ")]
    for words in (
        "1 label",
        "1 mask",
        "1 picture of a kind that is not read (.heic)",
        "1 sub-folder holds 1 photograph",
    ):
        assert words in notice.text
    program.controller.photos.open_paths([folder], recursive=True)
    qtbot.waitUntil(lambda: len(program.state.photos) == 5, timeout=WAIT_MS)
    assert program.state.photos[-1].path == folder / "patient 2" / "eye.png"


def test_results_that_are_chosen_with_their_photographs_are_left_out(start: StartProgram, photos: Photos) -> None:
    for name in ("eye 1_mask.png", "eye 1_overlay.png"):
        shutil.copy(photos[0], photos[0].with_name(name))
    photos[0].with_name("eye 1.serr.json").write_text("{}")
    program = start(*sorted(path for path in photos[0].parent.iterdir()))
    assert sorted(names(program)) == ["eye 1.png", "eye 10.png", "eye 2.png"]
    assert any("3 of the files are results" in notice.text for notice in program.state.notices)


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text there")
def test_a_name_that_is_no_text_is_shown_segmented_and_exported(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path
) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/odd/eye-\xff\n\x1b.png"))
    odd.parent.mkdir()
    shutil.copy(photo, odd)
    program = start(odd.parent)
    assert program.state.document is not None
    assert program.state.document.path == odd
    assert r"eye-\xff\n\x1b.png" in program.window.windowTitle()
    program.window.commands["segment"].trigger()
    qtbot.waitUntil(lambda: program.state.task is None and program.state.result is not None, timeout=WAIT_MS)
    program.window.commands["export"].trigger()
    dialog = QApplication.activeModalWidget()
    assert isinstance(dialog, ExportDialog)
    dialog._folder.setText(str(tmp_path / "out"))
    looked(qtbot, dialog)
    dialog._export.click()
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)
    assert program.state.notices[-1].kind == "success", program.state.notices[-1].text
    assert len(list((tmp_path / "out").glob("eye-%FF%0A%1B*"))) == 4
    program.save()
    assert load_settings()[1] == ()


def test_files_and_folders_can_be_dropped_and_are_added_once(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(photos[1])
    drop(program, photos[0].parent)
    wait_for(qtbot, program, "eye 1.png")
    assert names(program) == ["eye 2.png", "eye 1.png", "eye 10.png"]
    drop(program, photos[2], photos[1])
    wait_for(qtbot, program, "eye 10.png")
    assert names(program) == ["eye 2.png", "eye 1.png", "eye 10.png"]


def test_the_dialog_opens_what_was_chosen(
    start: StartProgram, qtbot: QtBot, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = start()
    assert not program.window.canvas.isVisible()
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_args: ([str(photo)], ""))
    program.window.commands["open"].trigger()
    wait_for(qtbot, program, "eye 1.png")
    assert program.state.recent == (photo,)


def test_keys_go_through_the_list(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    window = program.window
    qtbot.keyClick(window, Qt.Key.Key_D)
    wait_for(qtbot, program, "eye 2.png")
    qtbot.keyClick(window, Qt.Key.Key_D)
    wait_for(qtbot, program, "eye 10.png")
    assert not window.commands["next"].isEnabled()
    qtbot.keyClick(window, Qt.Key.Key_A)
    wait_for(qtbot, program, "eye 2.png")


def test_of_many_hasty_requests_the_last_one_is_shown(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    for index in (1, 2, 0, 1, 2, 1):
        program.controller.photos.select(index)
    wait_for(qtbot, program, "eye 2.png")
    qtbot.wait(50)
    assert program.state.document is not None
    assert program.state.document.path == photos[1]


def test_the_strip_gets_its_thumbnails_and_selects(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    model, view = program.window.files._model, program.window.files._list
    qtbot.waitUntil(lambda: not any(model.needs_picture(row) for row in range(3)), timeout=WAIT_MS)
    place = view.visualRect(model.index(2)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    wait_for(qtbot, program, "eye 10.png")


def test_a_bad_photograph_does_not_take_the_good_one_with_it(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    photos[1].write_bytes(b"")
    program = start(*photos)
    program.controller.photos.step(1)
    qtbot.waitUntil(lambda: program.state.photos[1].status == "failed", timeout=WAIT_MS)
    program.controller.photos.step(1)
    wait_for(qtbot, program, "eye 10.png")
    program.controller.photos.step(-2)
    wait_for(qtbot, program, "eye 1.png")


def test_closing_photographs_empties_the_list(start: StartProgram, qtbot: QtBot, photos: Photos) -> None:
    program = start(*photos)
    program.window.commands["close_photo"].trigger()
    wait_for(qtbot, program, "eye 2.png")
    assert names(program) == ["eye 2.png", "eye 10.png"]
    program.window.commands["close_all"].trigger()
    assert program.state.document is None
    assert not program.window.canvas.isVisible()
    assert not program.window.commands["segment"].isEnabled()


def test_the_field_of_view_can_be_the_whole_image_or_a_file(
    start: StartProgram, qtbot: QtBot, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    program = start(photo)
    chooser = program.window.segmentation._fov
    chooser.activated.emit(2)
    qtbot.waitUntil(lambda: program.state.document.fov.origin == "full", timeout=WAIT_MS)  # type: ignore[union-attr]
    assert chooser.currentIndex() == 2

    inside = np.zeros((160, 160), np.uint8)
    inside[20:140, 30:130] = 255
    mask = tmp_path / "fov.png"
    Image.fromarray(inside).save(mask)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_args: (str(mask), ""))
    chooser.activated.emit(1)
    qtbot.waitUntil(lambda: program.state.document.fov.origin == "file", timeout=WAIT_MS)  # type: ignore[union-attr]
    assert np.array_equal(program.state.document.fov.inside, inside > 0)  # type: ignore[union-attr]

    Image.fromarray(inside[:100]).save(mask)
    chooser.activated.emit(1)
    qtbot.waitUntil(lambda: bool(program.state.notices), timeout=WAIT_MS)
    assert "160 x 100" in program.state.notices[-1].text
    assert np.array_equal(program.state.document.fov.inside, inside > 0)  # type: ignore[union-attr]
    assert chooser.currentIndex() == 1


def test_doubts_are_in_the_panel_and_in_the_list_and_move_nothing(
    start: StartProgram, qtbot: QtBot, tmp_path: Path
) -> None:
    case = draw_case(5, 256).image.rgb
    good, double = tmp_path / "good.png", tmp_path / "two eyes.png"
    Image.fromarray(case).save(good)
    Image.fromarray(np.hstack([case, case])).save(double)
    program = start(double, good)
    panel = program.window.segmentation
    button = next(
        one for one in panel.findChildren(QToolButton) if one.defaultAction() is program.window.commands["segment"]
    )
    places = button.mapTo(panel, QPoint()), panel._slider.mapTo(panel, QPoint())
    doubts = program.state.photos[0].doubts
    assert [doubt.kind for doubt in doubts] == ["several_fields"]
    assert doubts[0].text in panel._remarks.full_text()
    strip = program.window.files.findChild(QListView)
    assert strip is not None
    assert doubts[0].text in str(strip.model().index(0, 0).data(Qt.ItemDataRole.ToolTipRole))
    segment(program, qtbot)
    assert doubts[0].text in panel._remarks.full_text()
    assert program.state.notices == ()
    program.controller.photos.select(1)
    wait_for(qtbot, program, "good.png")
    assert panel._remarks.full_text() == ""
    assert (button.mapTo(panel, QPoint()), panel._slider.mapTo(panel, QPoint())) == places
    assert "doubtful" not in str(strip.model().index(1, 0).data(Qt.ItemDataRole.ToolTipRole))
