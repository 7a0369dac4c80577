"""Which file is which comes back when a photograph is opened again, by this program or a later one."""

import json
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from core.photo.reading import read_label
from core.types import ByteArray
from serr_gui.app import Program
from serr_gui.model import label_choices
from serr_gui.model.comparison import LabelFile
from serr_gui.model.settings import config_folder, load_settings
from serr_gui.model.state import FovChoice
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.test_comparing import answers, ask_about, first_label, names, names_shown, photo_of, save


def _inverted(drive: Path) -> ByteArray:
    return np.where(read_label(first_label(drive)).vessel, 0, 255).astype(np.uint8)


def stop(program: Program) -> None:
    program.controller.shutdown()
    program.state.photos = ()
    program.window.close()


def choose(program: Program, qtbot: QtBot, expert: int, path: Path) -> None:
    program.controller.comparison.load_label(expert, path)
    qtbot.waitUntil(lambda: names(program)[expert] == path.name, timeout=WAIT_MS)


def test_roles_come_back_when_a_photograph_is_opened_again_by_a_later_program(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path
) -> None:
    inverted = save(tmp_path / "mine.png", _inverted(drive))
    program = start(photo_of(drive), photo_of(drive, 4))
    program.window.commands["swap_labels"].trigger()
    program.window.commands["region_image"].trigger()
    program.controller.photos.set_fov(FovChoice("full"))
    qtbot.waitUntil(lambda: program.state.photos[0].fov.request == "full", timeout=WAIT_MS)
    program.controller.photos.select(1)
    qtbot.waitUntil(lambda: program.state.opening is None, timeout=WAIT_MS)
    ask_about(program, qtbot, inverted)
    answers(program)["Invert"].click()
    qtbot.waitUntil(program.window.labels._questions[0].isHidden, timeout=WAIT_MS)
    program.window.labels.removeRequested.emit(1)
    program.save()
    stop(program)

    program = start(photo_of(drive), settings=load_settings(config_folder())[0])
    assert program.state.view.region == "image"
    assert program.state.document is not None
    assert program.state.document.fov is not None
    assert program.state.document.fov.origin == "full"
    assert names_shown(program) == ["03_manual2.gif", "03_manual1.gif"]
    program.controller.photos.open_paths([photo_of(drive, 4)])
    qtbot.waitUntil(lambda: len(program.state.photos) == 2 and program.state.opening is None, timeout=WAIT_MS)
    assert names_shown(program) == ["mine.png (inverted)", "no label"]
    label = program.state.document.labels[0]
    assert label is not None
    assert label.label is not None
    assert np.array_equal(label.label.vessel, read_label(first_label(drive)).vessel)
    program.window.labels.findRequested.emit(1)
    qtbot.waitUntil(lambda: names(program)[1] == "04_manual2.gif", timeout=WAIT_MS)
    program.controller.photos.close_photos([photo_of(drive, 4)])
    qtbot.waitUntil(lambda: program.state.opening is None, timeout=WAIT_MS)
    program.controller.photos.forget_recent()
    program.controller.photos.open_paths([photo_of(drive, 4)])
    qtbot.waitUntil(lambda: len(program.state.photos) == 2 and program.state.opening is None, timeout=WAIT_MS)
    assert names_shown(program) == ["04_manual1.gif", "04_manual2.gif"]


def test_an_answer_about_a_label_ends_with_the_file_that_it_is_for(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path
) -> None:
    pixels = _inverted(drive)
    inverted = save(tmp_path / "mine.png", pixels)
    program = start(photo_of(drive))
    ask_about(program, qtbot, inverted)
    answers(program)["Invert"].click()
    qtbot.waitUntil(program.window.labels._questions[0].isHidden, timeout=WAIT_MS)
    pixels[:3] = 0
    save(inverted, pixels)
    program.controller.photos.reload(photo_of(drive))
    qtbot.waitUntil(lambda: not program.window.labels._questions[0].isHidden(), timeout=WAIT_MS)
    assert program.state.document is not None
    slot = program.state.document.labels[0]
    assert slot is not None
    assert slot.label is None  # read as was said of another file, its scores could be wrong without a word


def test_an_answer_holds_for_that_very_file_and_damage_costs_only_itself(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path
) -> None:
    pixels = _inverted(drive)
    inverted = save(tmp_path / "mine.png", pixels)
    program = start(photo_of(drive))
    ask_about(program, qtbot, inverted)
    answers(program)["Invert"].click()
    qtbot.waitUntil(program.window.labels._questions[0].isHidden, timeout=WAIT_MS)
    kept = LabelFile(inverted, inverted=True, accepted=True)
    said = label_choices.LabelChoices({0: kept})
    qtbot.waitUntil(lambda: label_choices.load_choices(photo_of(drive)) == said, timeout=WAIT_MS)  # beside the window
    pixels[:3] = 0
    save(inverted, pixels)
    assert label_choices.load_choices(photo_of(drive)) == label_choices.LabelChoices({0: LabelFile(inverted)})
    inverted.unlink()
    stop(program)
    program = start(photo_of(drive))
    assert "mine.png" in program.window.labels._questions[0]._text.text()  # gone, which is said
    stored = config_folder() / label_choices.FILE_NAME
    for damage in ({"expert 1": 7}, {"expert 1": {}}, {"field of view": {"request": "all", "file": ""}}, [], "x"):
        stored.write_text(json.dumps({"photographs": {str(photo_of(drive)): damage}}))
        assert label_choices.load_choices(photo_of(drive)) == label_choices.LabelChoices()
    stored.write_text("{")
    assert label_choices.load_choices(photo_of(drive)) == label_choices.LabelChoices()


def test_labels_of_a_chosen_folder_come_back_and_the_latest_photographs_are_kept(
    start: StartProgram, qtbot: QtBot, drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = tmp_path / "mine", tmp_path / "theirs"
    for folder, ending in zip(folders, ("", "_label"), strict=True):
        folder.mkdir()
        for number in (3, 4):
            drawn = read_label(first_label(drive, number)).vessel
            save(folder / f"{number:02d}_test{ending}.png", np.where(drawn, 255, 0).astype(np.uint8))
    program = start(photo_of(drive))
    choose(program, qtbot, 1, first_label(drive))
    for expert, folder in enumerate(folders):
        program.controller.comparison.set_label_folder(expert, folder)
        slot = f"label folder {expert}"
        qtbot.waitUntil(lambda slot=slot: not program.controller.context.workers.busy(slot), timeout=WAIT_MS)
    program.window.open_paths([photo_of(drive, 4)])  # only now
    qtbot.waitUntil(lambda: program.state.current == 1 and program.state.opening is None, timeout=WAIT_MS)
    stop(program)
    program = start(photo_of(drive, 4), photo_of(drive))
    assert names_shown(program) == ["04_test.png", "04_test_label.png"]
    program.controller.photos.select(1)
    qtbot.waitUntil(lambda: program.state.opening is None, timeout=WAIT_MS)
    assert names_shown(program) == ["03_test.png", "03_manual1.gif"]  # what was chosen by itself stays
    monkeypatch.setattr(label_choices, "LIMIT", 2)
    for number in range(3):
        label_choices.remember(tmp_path / f"{number}.png", label_choices.LabelChoices({0: None}))
    assert label_choices.load_choices(tmp_path / "0.png") == label_choices.LabelChoices()
    assert label_choices.load_choices(tmp_path / "1.png") == label_choices.LabelChoices({0: None})
