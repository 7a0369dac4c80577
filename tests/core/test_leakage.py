"""A model's own photographs are known as such, so that nobody takes scores on them for a test."""

from pathlib import Path

import pytest

from core.datasets.dataset_file import DataSetFile, Entry, write_dataset_file
from core.datasets.layouts import read_layout
from core.datasets.leakage import Leakage, fingerprint, seen_by
from core.datasets.synthetic import write_drive_layout
from core.models.model_card import ModelCard
from tests.small_model import CONFIG, RECIPE


def _card(trained_on: str = "drawn photographs", **data: object) -> ModelCard:
    training: dict[str, object] = {"data": data} if data else {}
    return ModelCard("a", "serr-unet", CONFIG, RECIPE, trained_on=trained_on, training=training)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_drive_layout(tmp_path, 3, side=64)
    return tmp_path


def _photos(root: Path, split: str) -> list[Path]:
    return [case.photo for case in read_layout("drive", root, split).cases]


@pytest.mark.parametrize(
    "data",
    [
        {"dataset": "drive", "split": "train", "validation_photos": 1},
        {"sources": [{"dataset": "HRF", "split": "train"}, {"dataset": "DRIVE", "split": "train"}]},
    ],
)
def test_the_photographs_of_a_models_own_split_are_seen(root: Path, data: dict[str, object]) -> None:
    train, test = _photos(root, "train"), _photos(root, "test")
    assert seen_by(_card(**data), "drive", root, train).seen == set(train)
    assert seen_by(_card(**data), "Drive", root / "DRIVE", test) == seen_by(_card(**data), "drive", root, test)
    assert not seen_by(_card(**data), "drive", root, test).seen
    assert not seen_by(_card(**data), "drive", root, test).unknown


def test_photographs_of_ones_own_are_known_again_by_their_fingerprints(root: Path) -> None:
    train = read_layout("drive", root, "train").cases
    file = root / "own.serr-dataset"
    write_dataset_file(
        file, DataSetFile("own", (Entry(train[0]), Entry(train[1], "test"), Entry(train[2], "validation")))
    )
    photos = [case.photo for case in train]
    known = [fingerprint(photo) for photo in (photos[0], photos[2])]  # the one it learned from, and chose by
    card = _card(sources=[{"dataset": "own.serr-dataset", "split": "training", "fingerprints": known}])
    assert seen_by(card, "drive", root, photos) == Leakage(frozenset({photos[0], photos[2]}))
    file.unlink()
    moved = photos[0].rename(root / "another name.tif")
    assert seen_by(card, "other.serr-dataset", root, [moved, photos[1]]) == Leakage(frozenset({moved}))


def test_a_published_data_set_is_known_again_in_a_data_set_of_ones_own(root: Path) -> None:
    train = read_layout("drive", root, "train").cases
    photos = [case.photo for case in train]
    of_drive = _card(sources=[{"dataset": "drive", "split": "train"}])
    assert seen_by(of_drive, "own.serr-dataset", root, photos[1:]).seen == set(photos[1:])


@pytest.mark.parametrize("dataset", ["chase_db1", "hrf"])
def test_photographs_that_are_called_otherwise_are_none_of_a_published_data_set(tmp_path: Path, dataset: str) -> None:
    photos = [tmp_path / "left eye.jpg", tmp_path / "images" / "right eye.jpg"]
    for photo in photos:
        photo.parent.mkdir(exist_ok=True)
        photo.touch()
    twice = [{"dataset": dataset, "split": "train"}] * 2
    found = seen_by(_card(sources=twice), "./", tmp_path, photos)
    assert found == Leakage(frozenset(), (f"{dataset} (train)",))


def test_what_cannot_be_known_is_said(root: Path) -> None:
    photos = _photos(root, "test")
    gone = _card(sources=[{"dataset": "gone.serr-dataset", "split": "training"}])
    assert seen_by(gone, "drive", root, photos).unknown == ("gone.serr-dataset (training)",)
    assert seen_by(_card(), "drive", root, photos).unknown == ("drawn photographs",)
    tuned = _card("first (0123456789ab), then DRIVE train", dataset="drive", split="train")
    assert seen_by(tuned, "drive", root, photos).unknown == ("what first (0123456789ab) had learned from",)


def test_what_the_model_that_it_began_with_had_learned_from_is_seen(root: Path) -> None:
    before = {"name": "first", "sources": [{"dataset": "drive", "split": "test"}]}
    training = {"data": {"dataset": "drive", "split": "train"}, "started_from": before}
    tuned = ModelCard("a", "serr-unet", CONFIG, RECIPE, "first (0123456789ab), then DRIVE train", training=training)
    photos = _photos(root, "test")
    assert seen_by(tuned, "drive", root, photos) == Leakage(frozenset(photos))
