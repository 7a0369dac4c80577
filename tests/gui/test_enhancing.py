"""Enhancing in the window: the picture and the line over the canvas, what is said of it, what stays, and its files."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from core.enhancement.enhancer import enhance_photo, load_enhancer
from core.progress import SILENT
from serr_gui.app import Program
from serr_gui.model.enhancing import KEPT_BYTES, EnhancedPhoto, EnhancerChoice, with_another
from serr_gui.model.selectors import canvas_picture, enhanced_photo
from serr_gui.panels.enhancers_dialog import EnhancersDialog
from serr_gui.tasks.enhancing import read_enhancers
from serr_gui.window import model_prompts, report_prompts
from serr_gui.window.name_dialog import NameDialog
from tests.gui.conftest import WAIT_MS, StartProgram, settled
from tests.gui.test_photo_view import screenshot
from tests.gui.test_sessions import opened, save_as
from tests.small_enhancer import save_small_enhancer


@pytest.fixture
def enhancers(tmp_path: Path, small_models: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two networks that enhance, of which the second doubles each side, next to the models for vessels."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for model in small_models.iterdir():
        (folder / model.name).symlink_to(model)
    save_small_enhancer(folder, 1, "clearer")
    save_small_enhancer(folder, 2, "larger")
    return folder


@pytest.fixture
def program(start: StartProgram, enhancers: Path, photos: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setenv("SERR_MODELS", str(enhancers))
    return start(*photos)


def listed(program: Program) -> list[str]:
    return [choice.name for choice in program.state.enhancing.choices]


def press(program: Program, qtbot: QtBot) -> EnhancedPhoto:
    """F6, and wait for the picture."""
    state = program.state
    qtbot.waitUntil(lambda: state.enhancing.choice is not None, timeout=WAIT_MS)
    program.window.commands["enhance"].trigger()
    qtbot.waitUntil(lambda: state.task is None and enhanced_photo(state) is not None, timeout=WAIT_MS)
    made = enhanced_photo(state)
    assert made is not None
    return made


def show(program: Program, qtbot: QtBot, photo: Path) -> None:
    state = program.state
    program.controller.photos.select([item.path for item in state.photos].index(photo))
    qtbot.waitUntil(
        lambda: state.document is not None and state.document.path == photo and settled(program), timeout=WAIT_MS
    )


def test_enhance_shows_both_pictures_and_changes_nothing_else(program: Program, qtbot: QtBot, photo: Path) -> None:
    state, canvas, bar = program.state, program.window.canvas, program.window.enhanced
    program.controller.segmentation.segment()
    qtbot.waitUntil(lambda: state.result is not None and state.task is None, timeout=WAIT_MS)
    document, mask, file = state.document, canvas.shown_mask(), hashlib.sha256(photo.read_bytes()).hexdigest()
    assert document is not None
    assert not bar.isVisible()
    made = press(program, qtbot)
    assert program.window.commands["enhance"].isChecked()

    # The picture is that of the library.
    directly = enhance_photo(document.image, load_enhancer(made.model))
    assert np.array_equal(made.picture.rgb, directly.rgb)
    wipe = canvas_picture(state).wipe
    assert wipe is not None
    assert (wipe.left, wipe.right) == ("Original", "Enhanced")
    assert wipe.pixels is made.picture.rgb

    # It is said what it is, and what was measured.
    assert bar.isVisible()
    said = " ".join(label.text() for label in bar.findChildren(QLabel))
    assert "vessels that are not there" in said
    assert "those of the original" in said
    assert bar.measured.full_text()
    assert not bar._about.icon().isNull()

    # Nothing but the picture is new.
    assert state.document is document
    assert np.array_equal(canvas.shown_mask(), mask)
    assert hashlib.sha256(photo.read_bytes()).hexdigest() == file
    assert not (state.item is not None and state.item.corrected)

    # The same key puts it aside and takes it back, without running the network again.
    program.window.commands["enhance"].trigger()
    assert canvas_picture(state).wipe is None
    assert not bar.isVisible()
    assert not canvas.has_wipe
    program.window.commands["enhance"].trigger()
    assert state.task is None
    assert enhanced_photo(state) is made
    assert canvas.has_wipe
    assert "F6" in program.window.commands["enhance"].toolTip()
    both = screenshot(canvas)
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_Home)
    moved = screenshot(canvas)
    assert not np.array_equal(moved, both), "the arrow keys and Home are for the line"
    program.controller.hide_overlay(True)
    assert not canvas.has_wipe, "H hides it like all that is over the photograph"
    program.controller.hide_overlay(False)
    assert np.array_equal(screenshot(canvas), moved)


def test_the_other_network_and_other_channels(program: Program, qtbot: QtBot) -> None:
    state, bar = program.state, program.window.enhanced
    first = press(program, qtbot)
    assert sorted(bar.networks.itemData(index).stem for index in range(bar.networks.count())) == sorted(listed(program))
    larger = next(choice.path for choice in state.enhancing.choices if choice.name == "larger")
    bar.networks.activated.emit(bar.networks.findData(larger))
    qtbot.waitUntil(lambda: state.task is None and state.enhancing.chosen == larger, timeout=WAIT_MS)
    made = enhanced_photo(state)
    assert made is not None
    height, width = first.picture.image.shape
    assert made.picture.rgb.shape == (2 * height, 2 * width, 3)
    assert bar.networks.currentData() == larger
    bar.networks.activated.emit(bar.networks.findData(first.model))
    assert enhanced_photo(state) is first, "kept, not made again"
    assert state.task is None
    program.controller.enhancing.choose(larger)
    for base in ("green", "enhanced"):
        program.controller.set_base(base)
        qtbot.waitUntil(lambda base=base: state.base_view is not None and state.base_view.base == base, timeout=WAIT_MS)
        wipe = canvas_picture(state).wipe
        assert wipe is not None
        assert wipe.pixels.shape == (2 * height, 2 * width), "the same channel on both sides"
        if base == "green":
            assert np.array_equal(wipe.pixels, made.picture.rgb[:, :, 1])


def test_a_network_that_the_window_adds_is_offered_here_and_never_for_vessels(
    start: StartProgram, qtbot: QtBot, small_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, file = tmp_path / "own", save_small_enhancer(tmp_path, 1, "trained")
    monkeypatch.setenv("SERR_MODELS", str(own))
    program = start(model=str(file))
    state = program.state
    assert any("finds no vessels" in notice.text for notice in state.notices), "refused as a model for vessels"
    assert state.model != file
    program.controller.models.add_model(file)
    qtbot.waitUntil(lambda: "trained" in listed(program), timeout=WAIT_MS)
    assert any("View > Enhance offers it" in notice.text for notice in state.notices)
    assert "trained" not in {choice.name for choice in state.models}


def select(dialog: EnhancersDialog, name: str) -> EnhancerChoice:
    (row,) = dialog.networks.findItems(name, Qt.MatchFlag.MatchExactly)
    dialog.networks.setCurrentItem(row)
    return selected(dialog)


def selected(dialog: EnhancersDialog) -> EnhancerChoice:
    choice = dialog.selected()
    assert choice is not None
    return choice


def test_networks_of_the_user_are_renamed_exported_and_removed(
    program: Program, qtbot: QtBot, enhancers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, out, answers = program.state, tmp_path / "out.safetensors", ["", "yes"]
    qtbot.waitUntil(lambda: "larger" in listed(program), timeout=WAIT_MS)
    program.controller.enhancing.choose(enhancers / "larger.safetensors")
    qtbot.waitUntil(lambda: state.task is None and enhanced_photo(state) is not None, timeout=WAIT_MS)
    made = state.enhancing.kept[0]
    program.window.commands["enhancers"].trigger()
    (dialog,) = program.window.findChildren(EnhancersDialog)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(out), ""))
    monkeypatch.setattr(model_prompts, "ask", lambda *_: answers.pop(0))

    assert dialog.networks.topLevelItemCount() == len(listed(program))
    select(dialog, "serr-enhance-1x")
    assert "PSNR" in dialog.measured.toPlainText()
    assert (dialog.edit.isEnabled(), dialog.remove.isEnabled()) == (False, False)
    assert "came with the program" in dialog.remove.toolTip()
    assert select(dialog, "larger").scale == 2
    assert "not measured" in dialog.measured.toPlainText()

    dialog.edit.click()
    (names,) = dialog.findChildren(NameDialog)
    names.findChildren(QLineEdit)[0].setText("clinic-2x")
    names.accept()
    qtbot.waitUntil(lambda: "clinic-2x" in listed(program), timeout=WAIT_MS)
    assert load_enhancer("clinic-2x").scale == 2
    assert not (enhancers / "larger.safetensors").exists()
    assert selected(dialog).name == "clinic-2x"
    renamed = enhanced_photo(state)
    assert renamed is not None
    assert renamed.picture is made.picture, "its picture stays"

    dialog.export.click()
    qtbot.waitUntil(out.is_file, timeout=WAIT_MS)

    dialog.remove.click()
    assert select(dialog, "clinic-2x").path.is_file(), "Cancel"
    dialog.remove.click()
    qtbot.waitUntil(lambda: "clinic-2x" not in listed(program), timeout=WAIT_MS)
    assert not (enhancers / "clinic-2x.safetensors").exists()
    assert not state.enhancing.kept
    assert enhanced_photo(state) is None
    assert dialog.networks.topLevelItemCount() == len(listed(program))

    dialog.add.click()
    qtbot.waitUntil(lambda: "clinic-2x" in listed(program), timeout=WAIT_MS)
    assert selected(dialog).name == "clinic-2x", "what was added is selected"
    dialog.close()


def test_a_session_remembers_which_network_enhanced_and_makes_its_picture_again(
    program: Program,
    start: StartProgram,
    qtbot: QtBot,
    enhancers: Path,
    photos: tuple[Path, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "work.serr-session"
    for number in (1, 0):
        show(program, qtbot, photos[number])
        qtbot.waitUntil(lambda: "larger" in listed(program), timeout=WAIT_MS)
        program.controller.enhancing.choose(enhancers / "larger.safetensors")
        qtbot.waitUntil(
            lambda: program.state.task is None and enhanced_photo(program.state) is not None, timeout=WAIT_MS
        )
    save_as(program, path, qtbot, monkeypatch)

    again = start()
    state = again.state
    opened(again, path, qtbot)
    said = [each.text for each in state.notices if f"{photos[0].name} was enhanced by larger" in each.text]
    assert len(said) == 1
    assert "not kept" in said[0]
    assert not state.enhancing.kept
    assert press(again, qtbot).picture.card.name == "larger"

    (enhancers / "larger.safetensors").unlink()
    again.controller.enhancing.start()
    qtbot.waitUntil(lambda: "larger" not in listed(again), timeout=WAIT_MS)
    show(again, qtbot, photos[1])
    assert press(again, qtbot).picture.card.name != "larger"
    assert any("larger, which enhanced this photograph before, is missing" in each.text for each in state.notices)


def test_cancelled_switched_and_closed_while_it_runs(program: Program, qtbot: QtBot) -> None:
    state, controller, commands = program.state, program.controller, program.window.commands
    qtbot.waitUntil(lambda: state.enhancing.choice is not None, timeout=WAIT_MS)
    first = state.photos[0].path
    commands["enhance"].trigger()
    assert state.task is not None
    assert state.task.kind == "enhance"
    assert not commands["close_photo"].isEnabled()
    commands["cancel"].trigger()
    qtbot.waitUntil(lambda: state.task is None, timeout=WAIT_MS)
    assert not state.enhancing.kept
    assert state.enhancing.running is None

    commands["enhance"].trigger()
    commands["next"].trigger()
    qtbot.waitUntil(lambda: state.task is None and settled(program), timeout=WAIT_MS)
    assert state.document is not None
    assert state.document.path != first
    assert enhanced_photo(state) is None, "another photograph has none"
    assert canvas_picture(state).wipe is None
    commands["previous"].trigger()
    qtbot.waitUntil(lambda: settled(program) and state.document is not None, timeout=WAIT_MS)
    made = enhanced_photo(state)
    assert made is not None, "it is there when one comes back"
    assert made.photo == first

    commands["next"].trigger()
    qtbot.waitUntil(lambda: settled(program) and state.document is not None, timeout=WAIT_MS)
    commands["enhance"].trigger()
    controller.photos.close_photos([item.path for item in state.photos])  # as "Remove" does for some of the list
    qtbot.waitUntil(lambda: state.task is None, timeout=WAIT_MS)
    assert not state.enhancing.kept, "pictures of closed photographs are let go"


def test_a_photograph_that_has_changed_is_not_shown_with_the_old_picture(
    program: Program, qtbot: QtBot, photo: Path
) -> None:
    made = press(program, qtbot)
    Image.fromarray(made.picture.image.rgb[::-1].copy()).save(photo)
    program.controller.photos.reload(photo)
    qtbot.waitUntil(lambda: settled(program) and program.state.document is not None, timeout=WAIT_MS)
    assert enhanced_photo(program.state) is None


def test_export_writes_picture_and_side_car_and_asks_before_it_replaces(
    program: Program, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, command = program.state, program.window.commands["export_enhanced"]
    assert not command.isEnabled()
    made = press(program, qtbot)
    folder, answers = tmp_path / "out", []
    folder.mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    monkeypatch.setattr(report_prompts, "ask", lambda *_: answers.pop(0))
    program.window.commands["export_enhanced"].trigger()
    qtbot.waitUntil(lambda: any("is written" in notice.text for notice in state.notices), timeout=WAIT_MS)
    picture, sidecar = sorted(folder.iterdir(), key=lambda path: path.suffix, reverse=True)
    assert np.array_equal(np.asarray(Image.open(picture)), made.picture.rgb)
    assert picture.name == "eye 1_enhanced.png"
    assert "enhanced" in json.dumps(json.loads(sidecar.read_text()))
    command.trigger()  # what is there is of the same photograph: it may be written again
    qtbot.waitUntil(lambda: not program.controller.context.workers.busy("enhanced files"), timeout=WAIT_MS)
    assert sorted(folder.iterdir()) == sorted([picture, sidecar])
    sidecar.unlink()
    picture.write_bytes(b"somebody's")
    answers += ["", "replace"]
    command.trigger()
    qtbot.waitUntil(lambda: len(answers) == 1, timeout=WAIT_MS)
    assert picture.read_bytes() == b"somebody's"
    command.trigger()
    qtbot.waitUntil(lambda: picture.read_bytes() != b"somebody's", timeout=WAIT_MS)


def test_what_was_measured_of_the_networks_that_come_with_the_program_is_said() -> None:
    bundled = [choice for choice in read_enhancers(SILENT) if choice.bundled]
    assert {choice.scale for choice in bundled} == {1, 2}
    for each in bundled:
        assert each.path.stat().st_size < 10_000_000
        assert re.search(r"PSNR .* dB", each.measured)
        assert "that no expert has drawn" in each.measured


def test_as_many_pictures_are_kept_as_memory_has_room_for() -> None:
    class Picture:
        def __init__(self, nbytes: int) -> None:
            self.rgb = np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (nbytes,), (0,))

    def made(number: int, nbytes: int) -> EnhancedPhoto:
        return EnhancedPhoto(Path(str(number)), Path("m"), Picture(nbytes), None)  # type: ignore[arg-type]

    kept: tuple[EnhancedPhoto, ...] = ()
    for number in range(5):
        kept = with_another(kept, made(number, KEPT_BYTES // 3))
    assert [each.photo.name for each in kept] == ["2", "3", "4"]
    assert [each.photo.name for each in with_another(kept, made(3, 10))] == ["2", "4", "3"]
    assert [each.photo.name for each in with_another(kept, made(9, 2 * KEPT_BYTES))] == ["9"]
