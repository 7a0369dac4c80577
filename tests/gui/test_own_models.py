"""A person's own models in the window: one registry, which the command line and Python read as well."""

from pathlib import Path
from shutil import copy

import pytest
from pytestqt.qtbot import QtBot

from core.models.catalogue import find_model, list_models, load_model
from core.models.user_models import add_model
from core.models.weights_file import save_model
from core.models.weights_header import read_card
from serr_gui.app import Program
from serr_gui.model.settings import Settings, load_settings
from serr_gui.window.name_dialog import NameDialog
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.model_questions import answer_use
from tests.gui.test_segmenting import segment
from tests.small_model import save_small_model


@pytest.fixture
def own(start: StartProgram, small_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of own models for this test alone."""
    folder = tmp_path / "own models"
    folder.mkdir()
    for name in ("small", "other"):
        copy(small_models / f"{name}.safetensors", folder)
    monkeypatch.setenv("SERR_MODELS", str(folder))
    return folder


def settings(own: Path) -> Settings:
    return Settings(model=str(own / "small.safetensors"), device="cpu")


def another(path: Path, name: str) -> Path:
    """A weights file of other weights than those of ``save_small_model``."""
    model = load_model(save_small_model(path, name))
    next(iter(model.module.parameters())).data += 1.0
    return save_model(path, model.module, model.card)


def names(program: Program) -> list[str]:
    return [choice.name for choice in program.state.models if not choice.bundled]


def test_a_model_that_the_window_adds_is_one_of_all_programs(
    start: StartProgram, qtbot: QtBot, own: Path, tmp_path: Path
) -> None:
    program = start(settings=settings(own))
    file = another(tmp_path / "from a colleague.safetensors", "clinic")
    program.controller.models.add_model(file)
    answer_use(program, qtbot, "Use clinic")
    file.unlink()  # the stick is pulled out
    assert program.state.model == own / "clinic.safetensors" == find_model("clinic")
    assert "clinic" in [entry.card.name for entry in list_models()]
    assert names(program) == ["clinic", "other", "small"]
    program.controller.models.remove_model("clinic")
    qtbot.waitUntil(lambda: names(program) == ["other", "small"], timeout=WAIT_MS)
    assert program.state.model != own / "clinic.safetensors"


def test_a_name_that_is_taken_is_asked_for(start: StartProgram, qtbot: QtBot, own: Path, tmp_path: Path) -> None:
    program = start(settings=settings(own))
    program.controller.models.add_model(another(tmp_path / "new.safetensors", "other"))
    dialogs: list[NameDialog] = []

    def asked() -> bool:
        dialogs[:] = program.window.findChildren(NameDialog)
        return bool(dialogs)

    qtbot.waitUntil(asked, timeout=WAIT_MS)
    assert dialogs[0].name() == "other-2"
    assert names(program) == ["other", "small"]
    dialogs[0].accept()
    answer_use(program, qtbot, "Keep small")
    assert names(program) == ["other", "other-2", "small"]
    assert read_card(own / "other.safetensors").sha256 != read_card(own / "other-2.safetensors").sha256


def test_a_model_that_came_with_the_program_is_not_copied(own: Path, tmp_path: Path) -> None:
    bundled = next(entry for entry in list_models() if entry.bundled)
    assert add_model(copy(bundled.path, tmp_path)) == bundled
    assert sorted(path.name for path in own.iterdir()) == ["other.safetensors", "small.safetensors"]


def test_a_weights_file_that_the_start_names_is_used_where_it_is(
    start: StartProgram, qtbot: QtBot, own: Path, tmp_path: Path
) -> None:
    file = another(tmp_path / "try.safetensors", "try")
    program = start(settings=settings(own), model=str(file))
    assert program.state.model == file
    assert not (own / "try.safetensors").exists()
    program.controller.models.change_model("other", "third", "")  # the list is read again
    qtbot.waitUntil(lambda: "third" in names(program), timeout=WAIT_MS)
    assert file in [choice.path for choice in program.state.models]
    program.controller.models.set_model(file)
    program.controller.models.add_model(file)
    qtbot.waitUntil(lambda: program.state.model == own / "try.safetensors", timeout=WAIT_MS)
    assert names(program).count("try") == 1


def test_models_that_an_earlier_version_added_by_path_come_into_the_registry(
    start: StartProgram, own: Path, tmp_path: Path
) -> None:
    file = another(tmp_path / "elsewhere.safetensors", "mine")
    gone = tmp_path / "gone.safetensors"
    program = start(settings=Settings(model=str(file), added_models=(str(file), str(gone)), device="cpu"))
    assert program.state.model == own / "mine.safetensors" == find_model("mine")
    assert [notice.text for notice in program.state.notices if "gone.safetensors" in notice.text]
    program.save()
    stored = load_settings()[0]
    assert (stored.added_models, stored.model) == ((), str(own / "mine.safetensors"))


def test_a_damaged_model_is_refused_and_the_old_one_stays(
    start: StartProgram, qtbot: QtBot, photo: Path, own: Path, tmp_path: Path
) -> None:
    program = start(photo, settings=settings(own))
    before = program.state.model
    for name, content in (
        ("model.pth", b"\x80\x02anything"),
        ("cut.safetensors", (own / "small.safetensors").read_bytes()[:-100]),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        program.state.notices = ()
        program.controller.models.add_model(path)
        qtbot.waitUntil(lambda: bool(program.state.notices), timeout=WAIT_MS)
        assert name in program.state.notices[0].text
        assert program.state.notices[0].kind == "error"
        assert program.state.model == before
    good = another(tmp_path / "good.safetensors", "mine")
    program.controller.models.add_model(good)
    question = answer_use(program, qtbot, "Keep small")
    assert "Learned from: three drawn photographs" in question
    assert "not measured on photographs that were held out" in question
    assert program.state.model == before
    assert own / "mine.safetensors" in [choice.path for choice in program.state.models]
    program.controller.models.add_model(good)
    answer_use(program, qtbot, "Use mine")
    assert program.state.model == own / "mine.safetensors"
    segment(program, qtbot)


def test_a_model_that_vanished_fails_with_a_sentence(
    start: StartProgram, qtbot: QtBot, photo: Path, own: Path, tmp_path: Path
) -> None:
    program = start(photo, settings=settings(own))
    program.controller.models.add_model(another(tmp_path / "mine.safetensors", "mine"))
    answer_use(program, qtbot, "Use mine")
    (own / "mine.safetensors").unlink()
    program.state.notices = ()
    program.window.commands["segment"].trigger()
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)
    assert "mine.safetensors" in program.state.notices[-1].text
    assert program.state.photos[0].status == "new"
