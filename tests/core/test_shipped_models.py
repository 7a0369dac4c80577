"""The shipped networks reach on real photographs what cards say (serr-unet-drive-small: test_drive_session.py)."""

from pathlib import Path

import pytest

from core.models.catalogue import list_models, load_model
from core.resources import resource_path
from core.training.config import SourceSection, load_preset, recipes_of_models
from tests.shipped_scores import MEASURED, known, measure

SAID = {
    ("serr-unet-drive", "drive"): (0.9822, 0.8308),
    ("serr-unet-drive-small", "drive"): (0.9812, 0.8285),
    ("serr-unet-general", "drive"): (0.9802, 0.8023),
    ("serr-unet-general", "stare"): (0.9892, 0.8456),
    ("serr-unet-general-large", "drive"): (0.9805, 0.8202),
    ("serr-unet-general-large", "stare"): (0.9899, 0.8473),
    ("serr-unet-general-small", "drive"): (0.9793, 0.8079),
    ("serr-unet-general-small", "stare"): (0.9891, 0.8439),
    ("serr-unet-stare", "stare"): (0.9885, 0.8467),
    ("serr-unet-stare-seed", "stare"): (0.9773, 0.8534),
}
"""The AUC and F1 inside the field of view, all photographs pooled, that docs/models/ and the cards say."""


@pytest.mark.parametrize("name", recipes_of_models())
def test_a_models_recipe_is_the_one_in_its_card(name: str) -> None:
    card, recipe = load_model(name).card, load_preset(name)
    wanted = recipe.model_dump(mode="json")
    for part, fields in card.training.items():
        if part == "best_step":
            continue
        assert isinstance(fields, dict)
        if part == "started_from":
            assert fields["name"] == recipe.network.start_from
            assert fields["sha256"] == load_model(recipe.network.start_from).sha256
            continue
        if part == "taught_by":
            teacher = load_model(recipe.teacher.model)
            assert (fields["name"], fields["sha256"]) == (teacher.card.name, teacher.sha256)
            assert fields["share"] == recipe.teacher.share
            continue
        rounds_alike = {"compile", "threads"} if part == "run" else set()  # they change the speed
        for field in set(fields) - rounds_alike:
            found = fields[field]
            if field == "sources":  # the cards are older than some fields, which have their defaults then
                found = [SourceSection.model_validate(source).model_dump(mode="json") for source in found]
            assert found == wanted[part][field], f"{part}.{field}"
    finer = recipe.preprocessing.fov_diameter_max_px  # 0: where a file has one it was chosen afterwards
    trained_with = card.preprocessing if finer else card.preprocessing.model_copy(update={"fov_diameter_max_px": 0.0})
    assert trained_with == recipe.preprocessing
    assert {**card.config, **recipe.network.config} == card.config


@pytest.mark.parametrize(("name", "dataset", "split"), MEASURED)
def test_the_scores_that_are_known_are_those_of_the_cards(name: str, dataset: str, split: str) -> None:
    scores = known(name, dataset, split)
    auc_roc, f1 = SAID[name, dataset]
    assert len(scores.photos) == {"drive test": 20, "stare test": 10, "stare seed": 6}[f"{dataset} {split}"]
    assert scores.auc_roc == pytest.approx(auc_roc, abs=0.001), f"docs/models/{name}.md says so"
    assert scores.f1 == pytest.approx(f1, abs=0.002), f"docs/models/{name}.md says so"


def test_the_drawing_styles_of_the_cards_are_those_of_their_pages() -> None:
    docs = resource_path("weights").parents[1] / "docs"
    measured = (docs / "benchmarks" / "drawing-styles.md").read_text(encoding="utf-8")
    styled = {entry.card.name: entry.card.styles for entry in list_models() if entry.bundled and entry.card.styles}
    assert {"serr-unet-general", "serr-unet-general-large"} <= styled.keys()
    for name, styles in styled.items():
        assert name in measured
        said = ", ".join(f"{style.name} {style.level}/256" for style in styles)
        assert said in (docs / "models" / f"{name}.md").read_text(encoding="utf-8")
        assert [style.name for style in styles] == ["DRIVE", "STARE", "CHASE_DB1", "HRF"]
        assert all(style.photographs for style in styles)


IN_THE_WINDOW = "serr-unet-drive-small"


@pytest.mark.parametrize(("name", "dataset", "split"), [each for each in MEASURED if each[0] != IN_THE_WINDOW])
def test_a_shipped_model_scores_as_it_is_known_to(serr_data: Path, name: str, dataset: str, split: str) -> None:
    """On some photographs of those that its page is about."""
    photos = known(name, dataset, split).photos
    report = measure(serr_data, name, dataset, split)
    assert report.n_images in (1, 2, 3)
    for image in report.images:
        auc_roc, f1 = photos[image.stem]
        assert image.scores.auc_roc == pytest.approx(auc_roc, abs=0.001), image.stem
        assert image.scores.f1 == pytest.approx(f1, abs=0.002), image.stem
