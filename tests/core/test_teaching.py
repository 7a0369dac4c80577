"""Distillation: what is learned from a teacher, and what the card and the check for seen photographs make of it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.layouts import read_layout
from core.datasets.leakage import seen_by
from core.datasets.synthetic import draw_case, write_drive_layout
from core.errors import InputError, TrainingError
from core.inference.predictor import predict
from core.models.catalogue import load_model
from core.photo.fov_mask import read_fov_of
from core.photo.preprocessing import prepare, restore
from core.photo.reading import read_fundus
from core.progress import SILENT
from core.training.config import TrainingConfig
from core.training.data import load_training_data
from core.training.fine_tuning import prepare_config
from core.training.loop import train
from tests.small_model import save_small_model

KNOWS = {"data": {"dataset": "stare", "split": "10/10-train"}}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("drawn")
    write_drive_layout(root, 2, side=112)
    (root / "unlabelled").mkdir()
    Image.fromarray(draw_case(7, side=112).image.rgb).save(root / "unlabelled" / "x.png")
    return root


@pytest.fixture(scope="module")
def teacher(root: Path) -> Path:
    return save_small_model(root / "teacher.safetensors", "large", training=KNOWS)


def recipe(**teacher: object) -> TrainingConfig:
    config = TrainingConfig().replaced("data", validation_photos=1).replaced("preprocessing", fov_diameter_px=0)
    config = config.replaced("network", config={"width": 4, "depth": 2}).replaced("teacher", **teacher)
    return prepare_config(config.replaced("optimisation", steps=2, batch=2, crop_px=48).replaced("run", threads=1))


def test_the_target_is_the_mean_of_label_and_teacher(root: Path, teacher: Path) -> None:
    labels = load_training_data(recipe(), root, SILENT).sources[0].training[0]
    taught = load_training_data(recipe(model=str(teacher), share=0.25), root, SILENT).sources[0].training[0]
    case = next(each for each in read_layout("drive", root, "train").cases if each.stem == labels.name)
    image = read_fundus(case.photo)
    assert case.fov is not None
    fov = read_fov_of(case.fov, image)
    model = load_model(teacher)
    seen = prepare(image, fov, model.card.preprocessing)
    said = model.card.scaling.apply(restore(predict(model, seen).values, seen, fov))
    top, left, bottom, right = prepare(image, fov, recipe().preprocessing).box
    expected = 0.75 * labels.label + 0.25 * said[top:bottom, left:right]
    np.testing.assert_allclose(taught.label, expected * labels.inside, atol=1e-6)
    assert not np.array_equal(taught.label, labels.label)


def test_a_taught_run_says_who_taught_it_and_what_that_had_seen(root: Path, teacher: Path, tmp_path: Path) -> None:
    config = recipe(model=str(teacher), photographs="unlabelled")
    result = train(config, root, tmp_path / "run", device="cpu")
    card = load_model(result.weights).card
    assert "1 photograph without labels, from the teacher alone; distilled from teacher" in card.trained_on
    by = card.training["taught_by"]
    assert isinstance(by, dict)
    assert (by["name"], by["sha256"]) == ("teacher", load_model(teacher).sha256)
    assert str(root) not in str(card.to_dict())
    assert card.knows_its_sources
    unlabelled = root / "unlabelled" / "x.png"
    assert seen_by(card, "./", root, [unlabelled]).seen == {unlabelled}
    assert "stare" in [source.get("dataset") for source in card.sources]
    unknown = train(recipe(model=str(save_small_model(tmp_path / "unknown.safetensors"))), root, tmp_path / "second")
    assert not load_model(unknown.weights).card.knows_its_sources


def test_wrong_teachers_are_refused_in_a_sentence(root: Path, teacher: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="without labels need a teacher"):
        TrainingConfig().replaced("teacher", photographs="unlabelled")
    with pytest.raises(TrainingError, match="no longer the model that this run was begun with"):
        load_training_data(recipe(model=str(teacher)).replaced("teacher", sha256="0" * 64), root, SILENT)
    (tmp_path / "empty").mkdir()
    with pytest.raises(TrainingError, match="no photograph in"):
        load_training_data(recipe(model=str(teacher), photographs=str(tmp_path / "empty")), root, SILENT)
    with pytest.raises(InputError):
        load_training_data(recipe(model=str(teacher), photographs="missing"), root, SILENT)
