"""``serr models compare``: two models on the same photographs, with what makes a comparison unfair said."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.datasets.dataset_file import read_dataset_file
from core.datasets.leakage import fingerprint
from core.models.catalogue import load_model
from core.models.weights_file import save_model
from tests.cli.program import Serr


@pytest.fixture
def worse(tmp_path: Path, weights: Path, dataset: Path) -> Path:
    """The same network with a mistake in it, whose card says that it learned from the test photographs."""
    model = load_model(weights)
    next(iter(model.module.parameters())).data *= -1.0
    seen = [fingerprint(case.photo) for case in read_dataset_file(dataset).part("test").cases]
    training: dict[str, object] = {"data": {"sources": [{"dataset": dataset.name, "fingerprints": seen}]}}
    card = replace(model.card, name="worse", training=training)
    return save_model(tmp_path / "worse.safetensors", model.module, card)


def test_two_models_are_compared_photograph_by_photograph(
    serr: Serr, weights: Path, worse: Path, dataset: Path
) -> None:
    arguments = ("--dataset", dataset, "--split", "test", "--device", "cpu")
    ran = serr("models", "compare", worse, weights, *arguments, "--json")
    assert ran.code == 0, ran.err
    tests = {test["score"]: test for test in ran.json["comparison"]["tests"]}
    photographs = read_dataset_file(dataset).count("test")
    auc = tests["auc_roc"]
    assert (auc["n"], auc["better"], auc["worse"]) == (photographs, photographs, 0)
    assert auc["p"] == 2.0 ** (1 - photographs)
    for name, model in (("old", worse), ("new", weights)):
        alone = serr("evaluate", "--model", model, *arguments, "--json").json
        assert ran.json[name]["mean"] == alone["mean"]
        assert auc[f"{name}_mean"] == pytest.approx(alone["mean"]["auc_roc"])
    warnings = ran.json["warnings"]
    assert any(f"worse has seen {photographs} of these {photographs}" in warning for warning in warnings)
    assert any("Whether small has seen these photographs before is not known" in warning for warning in warnings)
    assert any("no difference can be significant" in warning for warning in warnings)

    text = serr("models", "compare", weights, weights, *arguments).out
    assert "small (old)" in text
    assert "small (new)" in text
    assert "Wilcoxon" in text


def test_what_cannot_be_compared_is_told(serr: Serr, weights: Path, dataset: Path) -> None:
    for arguments, code, words in (
        ((weights, "nonsense"), 2, "nonsense"),
        ((weights, weights, "--dataset", "nonsense"), 2, "nonsense"),
        ((weights, weights, "--dataset", dataset, "--split", "unused"), 1, "no photographs in its unused part"),
    ):
        ran = serr("models", "compare", *arguments)
        assert ran.code == code
        assert words in ran.sentences[0]
