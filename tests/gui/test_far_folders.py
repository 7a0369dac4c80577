"""Dialogs look into folders beside the window: on a slow share a look takes seconds, and the window must not wait."""

import builtins
import io
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QDialog, QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from core.datasets.synthetic import draw_case
from core.training.pictures import Pictures
from core.training.run_view import RunView, Validated
from serr_gui.model import label_choices
from serr_gui.model.export_options import RESULTS_FOLDER
from serr_gui.model.settings import config_folder
from serr_gui.panels.export_dialog import ExportDialog
from serr_gui.panels.model_card_dialog import ModelCardDialog
from serr_gui.widgets import questions
from serr_gui.window import label_prompts
from tests.gui.conftest import SIDE, WAIT_MS, StartProgram, looked
from tests.job_runs import drawn_dataset


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, list[str]]:
    """A folder, and what looks at it: "window" for each look in the thread of the window, else "beside"."""
    folder, looks = tmp_path / "far", list[str]()
    folder.mkdir()

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def look(path: Any = ".", *rest: Any, **named: Any) -> Any:
            if isinstance(path, (str, os.PathLike)) and Path(path).is_relative_to(folder):
                looks.append("window" if threading.current_thread() is threading.main_thread() else "beside")
            return function(path, *rest, **named)

        return look

    for module, name in ((os, "stat"), (os, "lstat"), (os, "listdir"), (os, "scandir"), (os, "open"), (io, "open")):
        monkeypatch.setattr(module, name, watched(getattr(module, name)))
    monkeypatch.setattr(builtins, "open", io.open)
    return folder, looks


@pytest.fixture
def begun_in(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders in which dialogs for folders have begun; nobody chooses one."""
    begun = list[str]()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda _parent, _title, start: begun.append(start) or "")
    return begun


def browse(dialog: QDialog) -> None:
    next(button for button in dialog.findChildren(QPushButton) if button.text() == "&Browse...").click()


def test_the_export_dialog_looks_into_folders_beside_the_window(
    start: StartProgram, qtbot: QtBot, photo: Path, far: tuple[Path, list[str]], begun_in: list[str]
) -> None:
    folder, looks = far
    program = start(photo, segment=True)
    qtbot.waitUntil(lambda: program.state.result is not None and program.state.task is None, timeout=WAIT_MS)
    program.window.commands["export"].trigger()
    dialog = program.window.findChild(ExportDialog)
    assert isinstance(dialog, ExportDialog)
    looked(qtbot, dialog)
    (folder / "eye 1_mask.png").write_bytes(b"somebody's")
    looks.clear()
    dialog._folder.setText(str(folder))
    dialog._overlay.click()
    looked(qtbot, dialog)
    assert "eye 1_mask.png   (replaces a file)" in dialog._preview.toPlainText()
    dialog._folder.setText(str(folder / "not yet" / "made"))
    browse(dialog)
    qtbot.waitUntil(lambda: begun_in == [str(folder)], timeout=WAIT_MS)
    dialog.reject()
    assert set(looks) == {"beside"}


def test_the_form_of_a_batch_looks_at_its_inputs_beside_the_window(
    start: StartProgram,
    qtbot: QtBot,
    photos: tuple[Path, ...],
    far: tuple[Path, list[str]],
    begun_in: list[str],
) -> None:
    folder, looks = far
    shutil.copytree(photos[0].parent, folder / "eyes")
    listed = folder / "eyes.csv"
    listed.write_text("path\n")
    program = start()
    dialog = program.window.batch_prompts.new_batch()
    looks.clear()
    dialog.add_inputs([folder / "eyes"])
    qtbot.waitUntil(dialog._start.isEnabled, timeout=WAIT_MS)
    assert dialog.out() == folder / "eyes" / RESULTS_FOLDER
    assert dialog._watch.isEnabled()
    browse(dialog)
    qtbot.waitUntil(lambda: begun_in == [str(folder / "eyes")], timeout=WAIT_MS)
    dialog.add_inputs([listed])
    qtbot.waitUntil(lambda: not dialog._watch.isEnabled(), timeout=WAIT_MS)
    dialog.reject()
    assert set(looks) == {"beside"}


def test_the_forms_for_trainings_read_data_sets_beside_the_window(
    start: StartProgram, qtbot: QtBot, far: tuple[Path, list[str]], small_models: Path
) -> None:
    folder, looks = far
    data_set = drawn_dataset(folder)
    program = start()
    looks.clear()
    form = program.window.training_prompts.new_training(data_set)
    qtbot.waitUntil(lambda: not form.is_looking, timeout=WAIT_MS)
    assert "training: " in form._data_facts.text()
    form.run.name.setText("another")
    assert form._order.isEnabled()
    form.reject()
    compared = program.window.training_prompts._compare(small_models / "other.safetensors", "other", data_set)
    qtbot.waitUntil(lambda: compared.order() is not None, timeout=WAIT_MS)
    compared.reject()
    assert set(looks) == {"beside"}


def test_the_card_of_a_model_is_read_beside_the_window(
    start: StartProgram, qtbot: QtBot, far: tuple[Path, list[str]]
) -> None:
    folder, looks = far
    program = start()
    choice = program.state.model_choice
    assert choice is not None
    model = shutil.copy(choice.path, folder / "far.safetensors")
    program.controller.models.start(str(model))
    qtbot.waitUntil(lambda: any(each.path == model for each in program.state.models), timeout=WAIT_MS)
    program.controller.models.set_model(model)
    looks.clear()
    program.window.commands["model_card"].trigger()
    qtbot.waitUntil(lambda: program.window.findChild(ModelCardDialog) is not None, timeout=WAIT_MS)
    dialog = program.window.findChild(ModelCardDialog)
    assert isinstance(dialog, ModelCardDialog)
    assert "small" in dialog.text.toPlainText()
    dialog.reject()
    assert set(looks) == {"beside"}


def test_opening_again_and_saving_a_label_look_beside_the_window(
    start: StartProgram,
    qtbot: QtBot,
    photos: tuple[Path, ...],
    far: tuple[Path, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, looks = far
    first, second, _ = (Path(shutil.copy(path, folder)) for path in photos)
    program = start()
    window, state, prompts = program.window, program.state, program.window.prompts
    looks.clear()
    prompts.open_recent(first)
    qtbot.waitUntil(lambda: state.document is not None, timeout=WAIT_MS)
    assert state.last_folder == str(folder)
    prompts.take_dropped([second, folder / "eye 10.png"])
    qtbot.waitUntil(lambda: len(state.photos) == 3 and state.opening is None, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: state.recent == (folder, first), timeout=WAIT_MS)
    program.controller.segmentation.segment()
    qtbot.waitUntil(lambda: state.result is not None and state.task is None, timeout=WAIT_MS)

    chosen, asked = [first, folder / "eye 1_label.png"], list[str]()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args, **_kwargs: (str(chosen.pop(0)), ""))
    monkeypatch.setattr(label_prompts, "ask", lambda _parent, question, *_rest: asked.append(question) or "replace")
    window.commands["save_label"].trigger()
    qtbot.waitUntil(lambda: any("is an open photograph" in notice.text for notice in state.notices), timeout=WAIT_MS)
    window.commands["save_label"].trigger()
    qtbot.waitUntil(lambda: any("is written" in notice.text for notice in state.notices), timeout=WAIT_MS)
    chosen.append(folder / "eye 1_label.png")
    window.commands["save_label"].trigger()
    qtbot.waitUntil(lambda: asked == ["Replace eye 1_label.png?"], timeout=WAIT_MS)
    assert set(looks) == {"beside"}


def test_files_are_replaced_and_choices_kept_beside_the_window(
    start: StartProgram,
    qtbot: QtBot,
    photos: tuple[Path, ...],
    far: tuple[Path, list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, looks = far
    (folder / "shares.csv").write_text("mine")
    label = folder / "label.png"
    Image.fromarray(np.where(draw_case(10, SIDE).label.vessel, 0, 255).astype(np.uint8)).save(label)
    program = start(photos[0], segment=True)
    window, state = program.window, program.state
    qtbot.waitUntil(lambda: state.result is not None and state.task is None, timeout=WAIT_MS)
    asked, answers = list[str](), ["", "replace"]
    chosen = iter([folder / "shares", folder / "shares", folder / "mine"])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args, **_kwargs: (str(next(chosen)), ""))
    monkeypatch.setattr(questions, "ask", lambda _parent, question, *_rest: asked.append(question) or answers.pop(0))
    looks.clear()
    window.commands["export_shares"].trigger()
    qtbot.waitUntil(lambda: asked == ["Replace shares.csv?"], timeout=WAIT_MS)
    window.commands["export_shares"].trigger()
    qtbot.waitUntil(lambda: any("shares.csv is written" in notice.text for notice in state.notices), timeout=WAIT_MS)
    window.commands["save_session_as"].trigger()
    qtbot.waitUntil(lambda: state.session == folder / "mine.serr-session", timeout=WAIT_MS)

    window.controller.comparison.load_label(0, label)
    qtbot.waitUntil(lambda: state.document is not None and state.document.labels[0] is not None, timeout=WAIT_MS)
    window.labels.acceptRequested.emit(0, True)
    kept = config_folder() / label_choices.FILE_NAME
    qtbot.waitUntil(lambda: kept.exists() and "answered for" in kept.read_text(), timeout=WAIT_MS)
    window.controller.keeping.write()  # as a moment later it does by itself
    assert set(looks) == {"beside"}


def test_the_pictures_of_a_training_are_read_beside_the_window(
    start: StartProgram, qtbot: QtBot, far: tuple[Path, list[str]]
) -> None:
    run, looks = far
    written = Pictures(run)
    photo, label = written.begin(np.full((20, 30, 3), (200, 60, 20), np.uint8), np.ones((20, 30), bool))
    maps = tuple(
        Validated(step, 0.0, 0.0, 0.9, 0.0, 0.8, 0.0, 0.0, written.add(step, np.full((20, 30), 1.0, np.float32)))
        for step in (0, 1, 2)
    )
    (run / maps[1].picture).unlink()
    program = start()
    pictures = program.window.trainings.pictures
    looks.clear()
    pictures.show_run(run, RunView(photo=photo, label=label, validated=maps))
    qtbot.waitUntil(lambda: pictures.photo.has_picture and pictures.map.has_picture, timeout=WAIT_MS)
    assert "step 2:" in pictures._caption.text()
    assert pictures.photo._picture.toImage().pixelColor(5, 5).getRgb()[:3] == (200, 60, 20)
    pictures._slider.setValue(1)
    qtbot.waitUntil(lambda: "step 0:" in pictures._caption.text(), timeout=WAIT_MS)
    pictures.show_run(None, None)
    assert not pictures.photo.has_picture
    assert set(looks) == {"beside"}
