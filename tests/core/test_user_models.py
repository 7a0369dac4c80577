"""A person's own models: they come in checked, change their names without changing their weights, and go out whole."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from core.errors import OutputError, WeightsError
from core.models import catalogue
from core.models.catalogue import DEFAULT_MODEL, find_model, list_models, load_model
from core.models.user_models import add_model, change_model, export_model, remove_model
from core.models.weights_header import read_card
from tests.small_model import save_small_model


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "own models"
    monkeypatch.setenv("SERR_MODELS", str(folder))
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return save_small_model(tmp_path / "elsewhere.safetensors", "mine", notes="old")


def names() -> list[str]:
    return [entry.card.name for entry in list_models() if not entry.bundled]


def test_a_model_of_the_program_is_found_without_reading_the_others(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    monkeypatch.setattr(catalogue, "read_card", lambda path: read.append(path) or read_card(path))
    for entry in list_models(task=None):
        assert entry.path.stem == entry.card.name
        read.clear()
        assert find_model(entry.card.name, task=None) == entry.path
        assert read == [entry.path]


def test_a_model_goes_round(own: Path, file: Path, tmp_path: Path) -> None:
    entry = add_model(file, notes="für die Klinik\n2025")
    assert (entry.path, names()) == (own / "mine.safetensors", ["mine"])
    assert load_model("mine").card.notes == "für die Klinik\n2025"
    assert read_card(file).notes == "old"

    changed = change_model("mine", new_name="the clinic's", notes="")
    assert names() == ["the clinic's"]
    assert not (own / "mine.safetensors").exists()
    assert load_model("the clinic's").sha256 == read_card(file).sha256
    before, after = load_file(file), load_file(changed.path)
    assert all(np.array_equal(before[key], after[key]) for key in before)

    (tmp_path / "stick").mkdir()
    out = export_model("the clinic's", tmp_path / "stick")
    assert out == tmp_path / "stick" / "the clinic's.safetensors"
    assert out.read_bytes() == changed.path.read_bytes()
    assert remove_model("the clinic's") == changed.path
    assert names() == []
    assert add_model(out).card == changed.card


def test_the_same_model_again_is_no_trouble_and_another_is(own: Path, file: Path, tmp_path: Path) -> None:
    add_model(file)
    add_model(file)
    assert names() == ["mine"]
    other = save_small_model(tmp_path / "other.safetensors", "mine")
    data = load_model(other)
    next(iter(data.module.parameters())).data += 1.0
    from core.models.weights_file import save_model

    save_model(other, data.module, data.card)
    with pytest.raises(WeightsError, match='another model named "mine"'):
        add_model(other)
    assert load_model("mine").sha256 == read_card(file).sha256
    add_model(other, name="second")
    assert names() == ["mine", "second"]
    with pytest.raises(WeightsError, match='another model named "mine"'):
        change_model("second", new_name="mine")
    add_model(other, overwrite=True)
    assert load_model("mine").sha256 == read_card(other).sha256


def test_what_came_with_the_program_stays(own: Path, file: Path, tmp_path: Path) -> None:
    bundled = find_model(DEFAULT_MODEL)
    for act in (
        lambda: add_model(file, name=DEFAULT_MODEL, overwrite=True),
        lambda: remove_model(DEFAULT_MODEL),
        lambda: change_model(DEFAULT_MODEL, notes="x"),
    ):
        with pytest.raises(WeightsError, match=DEFAULT_MODEL):
            act()
    assert export_model(DEFAULT_MODEL, tmp_path).read_bytes() == bundled.read_bytes()


def test_what_cannot_be_is_told(own: Path, file: Path, tmp_path: Path) -> None:
    add_model(file)
    with pytest.raises(WeightsError, match="name of a model"):
        change_model("mine", new_name="a/b")
    with pytest.raises(WeightsError, match='no model of your own named "none"'):
        remove_model("none")
    with pytest.raises(OutputError, match="already exists"):
        export_model("mine", file)
    with pytest.raises(OutputError, match="suffix"):
        export_model("mine", tmp_path / "model.pth")
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(WeightsError, match="damaged"):
        add_model(damaged)
    assert names() == ["mine"]


def test_a_card_says_what_it_learned_and_how_good_it_was_on_what_was_held_out() -> None:
    card = read_card(find_model(DEFAULT_MODEL))
    assert (card.photographs, card.steps) == (72, 13_500)  # 18 + 9 + 18 + 27
    assert "72 photographs, 13500 steps" in card.experience
    assert "On photographs held out from it: AUC 0." in card.experience
    drive = read_card(find_model("serr-unet-drive"))
    assert "20 photographs, 7800 steps" in drive.experience
    assert "not measured on photographs that were held out" in drive.experience


def test_a_card_that_says_nothing_says_so(file: Path) -> None:
    assert "three drawn photographs (how much is not known)" in read_card(file).experience
