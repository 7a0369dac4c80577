"""Weights files that anybody may have made: refused in a sentence, whatever their card or header asks for."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load, save

from core.errors import WeightsError
from core.inference.options import InferenceOptions
from core.inference.predictor import predict
from core.models.catalogue import list_models, load_model
from core.models.weights_file import LoadedModel
from core.models.weights_header import read_card
from core.photo.preprocessing import prepare
from tests.core.test_weights import independent_sha256
from tests.small_model import save_small_model, small_model

Card = dict[str, Any]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return save_small_model(tmp_path_factory.mktemp("model") / "small.safetensors").read_bytes()


def with_card_text(data: bytes, change: Callable[[str], str]) -> bytes:
    """The weights file with another text as its card."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"]["serr_model"] = change(header["__metadata__"]["serr_model"])
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def with_value(place: str, value: str) -> Callable[[bytes], bytes]:
    """The weights file with the JSON text ``value`` at a place of its card."""

    def change(data: bytes) -> bytes:
        def in_text(text: str) -> str:
            document = json.loads(text)
            *folders, last = place.split(".")
            inner = document["card"]
            for name in folders:
                inner = inner[name]
            inner[last] = "@here@"
            return json.dumps(document).replace('"@here@"', value)

        return with_card_text(data, in_text)

    return change


def with_bool_weights(data: bytes) -> bytes:
    """The weights file with truth values in the place of numbers, and the hash that belongs to them."""
    length = int.from_bytes(data[:8], "little")
    document = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["serr_model"])
    tensors = {name: array > 0 if array.dtype.kind == "f" else array for name, array in load(data).items()}
    document["card"]["sha256"] = independent_sha256(tensors)
    return save(tensors, metadata={"serr_model": json.dumps(document)})


DEEP = "[" * 600 + "]" * 600

HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "deep training": with_value("training", f'{{"a": {DEEP}}}'),
    "very deep notes": with_value("notes", "[" * 100_000 + "]" * 100_000),
    "a card without end": lambda data: with_card_text(data, lambda _: '{"a":' * 100_000),
    "a diameter of 1e9": with_value("preprocessing.fov_diameter_px", "1e9"),
    "a diameter of 20,000": with_value("preprocessing.fov_diameter_px", "20000"),
    "an infinite diameter": with_value("preprocessing.fov_diameter_px", "1e999"),
    "NaN in the mix": with_value("preprocessing.mix", "[NaN, 0, 0]"),
    "infinity in the mix": with_value("preprocessing.mix", "[Infinity, 0, 0]"),
    "a huge mix": with_value("preprocessing.mix", "[1e300, 0, 0]"),
    "a huge clip": with_value("preprocessing.clahe_clip", "1e300"),
    "many tiles": with_value("preprocessing.clahe_tiles", "1000000"),
    "a gamma of almost nothing": with_value("preprocessing.gamma", "1e-300"),
    "a wide network": with_value("config.width", "512"),
    "a wider network": with_value("config.width", "1e12"),
    "a deep network": with_value("config.depth", "6"),
    "a width of 5000 digits": with_value("config.width", "9" * 5000),
    "a list as a name": with_value("name", "[]"),
    "a name without end": with_value("name", json.dumps("x" * 100_000)),
    "NUL in the name": with_value("name", '"a\\u0000b"'),
    "half a character in the notes": with_value("notes", '"\\ud800"'),
    "a mapping as seeds": with_value("seeds", '{"a": 1}'),
    "a seed of 5000 digits": with_value("seeds", "[" + "9" * 5000 + "]"),
    "a threshold that is not a number": with_value("default_threshold", "NaN"),
    "a list as preprocessing": with_value("preprocessing", "[]"),
    "a list as architecture": with_value("architecture", '["unet"]'),
    "truth values as weights": with_bool_weights,
}
BUILT_LATER = {"a wide network", "a wider network", "a deep network"}
"""Their card alone is no trouble; the network is."""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_model_is_refused_in_a_sentence(tmp_path: Path, sound: bytes, name: str) -> None:
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(HOSTILE[name](sound))
    with pytest.raises(WeightsError) as caught:
        load_model(path)
    text = str(caught.value)
    assert "hostile.safetensors" in text
    assert len(text) < 600
    assert "\n" not in text


def test_hostile_models_in_the_folder_are_left_out_with_a_note_and_take_no_other_down(
    tmp_path: Path, sound: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERR_MODELS", str(tmp_path))
    for number, make in enumerate(HOSTILE.values()):
        (tmp_path / f"hostile{number}.safetensors").write_bytes(make(sound))
    (tmp_path / "folder.safetensors").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.safetensors")
    save_small_model(tmp_path / "good.safetensors", "good")
    notes: list[str] = []

    class Listening:
        def step(self, progress: object) -> None: ...

        def note(self, message: str) -> None:
            notes.append(message)

    names = [entry.card.name for entry in list_models(monitor=Listening()) if not entry.bundled]
    assert "good" in names
    said = " ".join(notes)
    for number, name in enumerate(HOSTILE):
        assert (f"hostile{number}.safetensors" in said) == (name not in BUILT_LATER), name
    assert load_model("good").card.name == "good"


def test_a_file_that_claims_a_large_network_is_not_even_read(tmp_path: Path, sound: bytes) -> None:
    """A sparse file of 900 MB, which only its header would let be read."""
    path = tmp_path / "sparse.safetensors"
    entry = {"dtype": "F32", "shape": [225 << 20], "data_offsets": [0, 900 << 20]}
    length = int.from_bytes(sound[:8], "little")
    header = json.dumps({"__metadata__": json.loads(sound[8 : 8 + length])["__metadata__"], "a": entry}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with path.open("r+b") as file:
        file.truncate(8 + len(header) + (900 << 20))
    assert read_card(path).name == "small"
    with pytest.raises(WeightsError, match="does not fit the network"):
        load_model(path)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_a_network_that_gives_no_numbers_makes_no_mask(tmp_path: Path, value: float) -> None:
    """Infinite weights cannot be loaded, but finite ones can overflow: the head is made to do so."""
    from core.datasets.synthetic import draw_case

    model = small_model(tmp_path)
    head: Any = model.module.head
    with torch.no_grad():
        head.bias.fill_(value)
    case = draw_case(1, 96)
    prepared = prepare(case.image, case.fov, model.card.preprocessing)
    with pytest.raises(WeightsError, match="not numbers"):
        predict(LoadedModel(model.card, model.module, model.path, model.sha256), prepared, InferenceOptions("cpu"))


def test_a_tile_that_does_not_fit_into_the_memory_is_made_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.datasets.synthetic import draw_case

    model = small_model(tmp_path)
    case = draw_case(1, 300)
    prepared = prepare(case.image, case.fov, model.card.preprocessing)
    monkeypatch.setattr("core.inference.predictor.free_bytes", lambda _: 6 << 20)
    found = predict(model, prepared, InferenceOptions("cpu", tile_px=1 << 20, precision="fp32"))
    assert found.tiles > 1
    assert "memory ran out" in " ".join(found.notes)
    assert np.isfinite(found.values).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"threads": 100_000},
        {"threads": 1.5},
        {"threads": True},
        {"threads": "2"},
        {"tile_px": 1 << 40},
        {"tile_px": [512]},
        {"overlap_px": -1},
        {"overlap_px": None, "tile_px": {}},
        {"gate_tolerance": float("nan")},
        {"gate_tolerance": "0"},
        {"device": 5},
        {"device": None},
        {"tta": ["flips"]},
        {"precision": {}},
    ],
    ids=str,
)
def test_options_of_a_side_car_are_checked(wrong: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)):
        InferenceOptions.from_dict(wrong)


def test_the_commands_name_what_they_leave_out(
    tmp_path: Path, sound: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from core.cli.app import run as serr
    from tests.bad_inputs import encoded

    monkeypatch.setenv("SERR_MODELS", str(tmp_path))
    (tmp_path / "bad.safetensors").write_bytes(HOSTILE["deep training"](sound))
    save_small_model(tmp_path / "good.safetensors", "good")
    (tmp_path / "eye.png").write_bytes(encoded("PNG"))
    segment = ["segment", tmp_path / "eye.png", "-o", tmp_path / "out", "--model", "good", "--device", "cpu"]
    for words in (segment, ["models"], ["models", "--json"], ["info"]):
        assert serr([str(word) for word in words]) == 0
        said = capsys.readouterr()
        assert "bad.safetensors" in said.err
        assert "nested" in said.err
        assert "good" in said.out or words is segment
