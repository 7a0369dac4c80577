"""The networks that ship reach on real photographs what their cards say (serr-unet-drive: test_drive_session.py)."""

from pathlib import Path

import pytest

from core.datasets.layouts import read_layout
from core.evaluation.dataset_evaluation import evaluate_dataset
from core.evaluation.report import EvaluationReport, Method
from core.inference.predictor import InferenceOptions
from core.models.catalogue import load_model
from core.progress import Monitor
from core.segment import segment_photo
from core.training.config import SourceSection, load_preset, recipes_of_models
from core.types import FieldOfView, FundusImage, ProbabilityMap

STARE_MODELS = [("serr-unet-stare", "test", 0.9885, 0.8467), ("serr-unet-stare-seed", "seed", 0.9773, 0.8534)]
"""Name, split, and the AUC and F1 inside the field of view that its card tells."""


def report_on(data: Path, model_name: str, dataset: str, split: str) -> EvaluationReport:
    """Score a shipped model as ``serr evaluate`` does."""
    model = load_model(model_name)
    options = InferenceOptions(device="cpu")

    def find(image: FundusImage, fov: FieldOfView, monitor: Monitor) -> ProbabilityMap:
        return segment_photo(image, model, fov=fov, options=options, monitor=monitor).probability

    method = Method(model_name, model.sha256, "none", model.card.seeds, "cpu")
    return evaluate_dataset(read_layout(dataset, data, split), find, method=method, rule=model.card.rule)


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
        rounds_alike = {"compile", "threads"} if part == "run" else set()  # they change the speed
        for field in set(fields) - rounds_alike:
            found = fields[field]
            if field == "sources":  # the cards are older than some fields, which have their defaults then
                found = [SourceSection.model_validate(source).model_dump(mode="json") for source in found]
            assert found == wanted[part][field], f"{part}.{field}"
    assert card.preprocessing == recipe.preprocessing
    assert {**card.config, **recipe.network.config} == card.config


def test_the_general_model_on_photographs_that_chose_nothing(serr_data: Path) -> None:
    drive = report_on(serr_data, "serr-unet-general", "drive", "test").total.pooled
    assert drive.auc_roc >= 0.979, "within 0.002 of serr-unet-drive's"
    assert drive.f1 == pytest.approx(0.8023, abs=0.002), "docs/models/serr-unet-general.md says so"
    stare = report_on(serr_data, "serr-unet-general", "stare", "test").total.pooled
    assert stare.auc_roc >= 0.988
    assert stare.f1 == pytest.approx(0.8456, abs=0.002)


@pytest.mark.parametrize(("name", "split", "auc", "f1"), STARE_MODELS)
def test_a_model_for_stare_on_the_test_photographs_of_its_protocol(
    serr_data: Path, name: str, split: str, auc: float, f1: float
) -> None:
    scores = report_on(serr_data, name, "stare", split).total.pooled
    assert scores.auc_roc == pytest.approx(auc, abs=0.001), f"docs/models/{name}.md says so"
    assert scores.f1 == pytest.approx(f1, abs=0.002)
