"""The networks that ship reach, on real photographs, what their cards say."""

from pathlib import Path

import pytest

from core.datasets.layouts import read_layout
from core.evaluation.folder import evaluate_dataset
from core.evaluation.report import EvaluationReport, Method
from core.inference.predictor import InferenceOptions
from core.progress import Monitor
from core.segment import segment_photo
from core.types import FieldOfView, FundusImage, ProbabilityMap
from core.weights import load_model


def report_on(data: Path, model_name: str, dataset: str, split: str) -> EvaluationReport:
    """Score a shipped model as ``serr evaluate`` does."""
    model = load_model(model_name)
    options = InferenceOptions(device="cpu")

    def find(image: FundusImage, fov: FieldOfView, monitor: Monitor) -> ProbabilityMap:
        return segment_photo(image, model, fov=fov, options=options, monitor=monitor).probability

    method = Method(model_name, model.sha256, "none", model.card.seeds, "cpu")
    return evaluate_dataset(read_layout(dataset, data, split), find, method=method, rule=model.card.rule)


def test_the_drive_model_on_drives_test_photographs(serr_data: Path) -> None:
    scores = report_on(serr_data, "serr-unet-drive", "drive", "test").total.pooled
    assert scores.auc_roc >= 0.978
    assert scores.f1 == pytest.approx(0.8243, abs=0.002), "docs/models/serr-unet-drive.md says so"
    assert scores.accuracy == pytest.approx(0.9536, abs=0.001)


def test_the_general_model_on_photographs_that_chose_nothing(serr_data: Path) -> None:
    drive = report_on(serr_data, "serr-unet-general", "drive", "test").total.pooled
    assert drive.auc_roc >= 0.976
    assert drive.f1 == pytest.approx(0.7937, abs=0.002), "docs/models/serr-unet-general.md says so"
    stare = report_on(serr_data, "serr-unet-general", "stare", "test").total.pooled
    assert stare.auc_roc >= 0.987
    assert stare.f1 == pytest.approx(0.8371, abs=0.002)
