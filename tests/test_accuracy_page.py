"""The program that measures the models writes a whole page, and says where a model has seen its photographs."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score

from core.datasets.synthetic import write_drive_layout
from core.evaluation.predictions import read_own_map
from core.models.catalogue import load_model
from core.models.weights_file import save_model
from core.types import FieldOfView
from tests.small_model import save_small_model

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

import accuracy  # noqa: E402 - the programs that measure are no package
from vessel_errors import VesselErrors  # noqa: E402


def _differing(model: Path, path: Path) -> Path:
    """The model with other weights, as another seed would have given them."""
    loaded = load_model(model)
    torch.manual_seed(1)
    with torch.no_grad():
        for values in loaded.module.parameters():
            values.add_(torch.randn_like(values), alpha=0.05)
    return save_model(path, loaded.module, replace(loaded.card, seeds=(1,)))


def _picture(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture)


def _auc_of_means(folder: Path, tta: str) -> float:
    """AUC by scikit-learn of the mean of what two models have left behind, inside the field of view."""
    maps, labels = [], []
    for number in ("03", "04"):
        found = sorted((folder / "kept").glob(f"fresh-*/{tta}/drive/{number}_test_probability.tif"))
        assert len(found) == 2
        test = folder / "data" / "DRIVE" / "test"
        inside = _picture(test / "mask" / f"{number}_test_mask.gif") > 0
        maps.append(np.mean([read_own_map(path)[inside] for path in found], axis=0))
        labels.append(_picture(test / "1st_manual" / f"{number}_manual1.gif")[inside] > 0)
    return float(roc_auc_score(np.concatenate(labels), np.concatenate(maps)))


def test_the_page_has_every_model_and_parts_seen_photographs_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(accuracy, "RESAMPLES", 20)
    write_drive_layout(tmp_path / "data", 2, side=96)
    learned = {"data": {"dataset": "drive", "split": "train"}}
    fresh = save_small_model(tmp_path / "fresh.safetensors", "fresh", training=learned)
    seen = save_small_model(
        tmp_path / "seen.safetensors", "seen", training={"data": {"dataset": "drive", "split": "test"}}
    )
    other = _differing(fresh, tmp_path / "other.safetensors")
    out = tmp_path / "out"
    arguments = [
        "--root",
        tmp_path / "data",
        "--models",
        fresh,
        seen,
        "--seeds",
        other,
        "--only",
        "drive",
        "--results",
        tmp_path / "kept",
    ]
    accuracy.main([*map(str, arguments), "--out", str(out)])
    capsys.readouterr()
    text = (out / "accuracy.md").read_text(encoding="utf-8")
    assert "$" not in text
    fair, unfair = text.split("## Photographs that a model has seen: no test")
    assert fair.count("| **fresh** |") == 2
    assert "| fresh, flips |" in fair
    assert "seen" not in re.findall(r"^\| (?:\*\*)?(\w+)", fair, re.MULTILINE)
    assert "seen, flips (has seen 2 of them: no test)" in unfair.partition("## Where")[0]
    assert text.count("mean +- sd of 2") == 2, "without and with flips"
    joint = [line.split(" | ") for line in text.splitlines() if "probabilities averaged (2 networks)" in line]
    assert [line[1] for line in joint] == ["none", "flips"]
    for line in joint:
        assert float(line[8]) == pytest.approx(_auc_of_means(tmp_path, line[1]), abs=0.0005)
    pictures = re.findall(r"\]\((images/[^)]+\.svg)\)", text)
    assert len(pictures) == 2
    assert all((out / name).read_text(encoding="utf-8").startswith("<svg") for name in pictures)
    accuracy.main([*map(str, arguments), "--out", str(tmp_path / "again")])
    numbers = re.compile(r"^\|.*", re.MULTILINE)
    assert numbers.findall((tmp_path / "again" / "accuracy.md").read_text(encoding="utf-8")) == numbers.findall(text)
    assert "again" in capsys.readouterr().out


def test_errors_are_parted_by_width_and_distance() -> None:
    label = np.zeros((540, 540), dtype=np.bool_)
    label[100, 50:250] = True  # one pixel wide
    label[200:209, 50:250] = True  # nine pixels wide
    vessel = label.copy()
    vessel[100, 150:250] = False
    vessel[209:211, 50:250] = True  # at the edge
    vessel[400, 50:250] = True  # nowhere near
    errors = VesselErrors()
    errors.add(vessel, label, FieldOfView.full(label.shape))
    assert errors.found_shares[0] == pytest.approx(0.5, abs=0.03)
    assert errors.found_shares[2] == 1.0
    assert (errors.near, errors.far) == (400, 200)
    assert errors.near_share == pytest.approx(2 / 3)
