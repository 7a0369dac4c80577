"""Recipes, data set files and side-cars that somebody else wrote: one sentence each, and no wrong result."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.cli.app import run as serr
from core.cli.console import is_debugging
from tests.bad_inputs import encoded
from tests.small_model import save_small_model

HUGE = "9" * 5000

BAD_RECIPES = {
    "a number of 5000 digits": f"[optimisation]\nsteps = {HUGE}",
    "a number of 300 digits": f"[optimisation]\nsteps = {'9' * 300}",
    "NaN in what it started from": "[network]\nstart_sources = [{a = nan}]",
    "NaN as a rate": "[optimisation]\npeak_rate = nan",
    "an infinite rate": "[optimisation]\npeak_rate = inf",
    "NaN in the mix": "[preprocessing]\nmix = [nan, 0.0, 0.0]",
    "a number as sources": '[data]\nsources = 5\ndataset = "drive"',
    "numbers as sources": '[data]\nsources = [5]\ndataset = "drive"',
    "a text as sources": '[data]\nsources = "x"\ndataset = "drive"',
    "a million threads": "[run]\nthreads = 1000000",
    "a seed without end": f"[run]\nseed = {'9' * 40}",
    "a negative seed": "[run]\nseed = -1",
    "huge crops": "[optimisation]\ncrop_px = 1000000",
    "huge batches": "[optimisation]\nbatch = 1000000000",
    "a huge diameter": "[preprocessing]\nfov_diameter_px = 1e9",
    "a wide network": "[network]\nconfig = {width = 1000000}",
    "a key of 100,000 parts": ".".join(["a"] * 100_000) + " = 1",
    "deep lists": "a = " + "[" * 100_000,
    "half a character": 'run.name = "\\ud800"',
    "NUL": 'run.name = "a\\u0000"',
    "a long unknown key": "k" * 3000 + " = 1",
    "nothing but NUL": "\0" * 100,
}


def one_sentence(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What a command says that must fail: one sentence, which is no internal error."""
    assert not is_debugging()
    assert serr([str(word) for word in arguments]) in {1, 2}
    said = capsys.readouterr()
    (sentence,) = said.err.splitlines()
    assert "should not have happened" not in sentence
    assert len(sentence) < 700
    assert said.out == ""
    return sentence


@pytest.mark.parametrize("name", BAD_RECIPES)
def test_a_recipe_that_cannot_be_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(BAD_RECIPES[name], encoding="utf-8")
    sentence = one_sentence(capsys, "train", "--config", path, "--out", tmp_path / "run", "--device", "cpu")
    if name != "a wide network":
        assert "recipe.toml" in sentence
    assert not (tmp_path / "run").exists()


BAD_DATA_SETS = {
    "a number of 5000 digits": f"serr_dataset = 1\nname = {HUGE}",
    "a version of 5000 digits": f"serr_dataset = {HUGE}",
    "a version as truth": "serr_dataset = true",
    "NaN": 'serr_dataset = 1\n[[photographs]]\nphoto = "a.png"\npart = nan',
    "a number as photographs": "serr_dataset = 1\nphotographs = 5",
    "NUL in a path": 'serr_dataset = 1\n[[photographs]]\nphoto = "a\\u0000.png"',
    "half a character in a path": 'serr_dataset = 1\n[[photographs]]\nphoto = "\\ud800.png"',
    "a key of 100,000 parts": "serr_dataset = 1\n" + ".".join(["a"] * 100_000) + " = 1",
    "deep tables": "serr_dataset = 1\na = " + "{a=" * 100_000,
    "the same key twice": "serr_dataset = 1\nserr_dataset = 1",
}


@pytest.mark.parametrize("name", BAD_DATA_SETS)
def test_a_data_set_file_that_cannot_be_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = tmp_path / "eyes.serr-dataset"
    path.write_text(BAD_DATA_SETS[name], encoding="utf-8")
    assert "eyes.serr-dataset" in one_sentence(capsys, "dataset", "check", path)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a photograph, a model among the person's own, and the results of both."""
    folder = tmp_path_factory.mktemp("result")
    (folder / "eye.png").write_bytes(encoded("PNG"))
    save_small_model(folder / "small.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SERR_MODELS", str(folder))
        words = ["segment", folder / "eye.png", "--model", "small", "-o", folder / "out", "--device", "cpu"]
        assert serr([str(word) for word in words]) == 0
    return folder


Record = dict[str, Any]


def put(place: str, value: object) -> Callable[[Record], None]:
    def change(record: Record) -> None:
        *folders, last = place.split(".")
        for name in folders:
            record = record[name]
        record[last] = value

    return change


BAD_SIDE_CARS: dict[str, Callable[[Record], None]] = {
    "100,000 threads": put("inference.options.threads", 100_000),
    "half a thread": put("inference.options.threads", 0.5),
    "endless tiles": put("inference.options.tile_px", 10**18),
    "an infinite diameter": put("model.preprocessing.fov_diameter_px", float("inf")),
    "a huge diameter": put("model.preprocessing.fov_diameter_px", 1e9),
    "NaN in the mix": put("model.preprocessing.mix", [float("nan"), 0, 0]),
    "a list as preprocessing": put("model.preprocessing", []),
    "a list as options": put("inference.options", []),
    "a number as device": put("inference.options.device", 5),
    "NUL in a path": put("photograph.file", "a\0b"),
    "half a character in a path": put("photograph.file", "\ud800"),
    "a number as path": put("photograph.file", 5),
    "a level of 5000 digits": put("rule.level", int("9" * 300)),
    "a level as truth": put("rule.level", True),
    "NaN as level": put("rule.level", float("nan")),
    "a version as truth": put("serr_sidecar", True),
    "a list as model": put("model", []),
    "a number as files": put("mask", 5),
    "deep notes": put("notes", json.loads("[" * 90 + "]" * 90)),
}


@pytest.mark.parametrize("name", BAD_SIDE_CARS)
def test_a_side_car_that_cannot_be_is_refused(
    result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("SERR_MODELS", str(result))
    record = json.loads((result / "out" / "eye.serr.json").read_text(encoding="utf-8"))
    BAD_SIDE_CARS[name](record)
    path = tmp_path / "eye.serr.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    sentence = one_sentence(capsys, "replay", path, "--photo", result / "eye.png", "-o", tmp_path / "again")
    assert "eye.serr.json" in sentence
    assert not list(tmp_path.glob("again/*"))


def test_a_sound_side_car_is_replayed(
    result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERR_MODELS", str(result))
    path = result / "out" / "eye.serr.json"
    assert serr(["replay", str(path), "-o", str(tmp_path / "again")]) == 0
    masks = [folder / "eye_mask.png" for folder in (result / "out", tmp_path / "again")]
    assert masks[0].read_bytes() == masks[1].read_bytes()


def test_arrays_that_are_no_results_are_refused(tmp_path: Path) -> None:
    from core.errors import InputError
    from core.evaluation.predictions import read_own_map

    path = tmp_path / "eye.npy"
    np.save(path, np.full((4, 5), 0.25, np.float64))
    assert (read_own_map(path) == np.float32(0.25)).all()
    np.save(path, np.full((4, 5), np.nan))
    with pytest.raises(InputError, match=r"eye\.npy holds no probabilities"):
        read_own_map(path)
    path.write_bytes(b"\x93NUMPY\1\0\x10\x27" + b"(" * 10_000)
    with pytest.raises(InputError, match=r"eye\.npy is not a plain array of numbers"):
        read_own_map(path)
