"""The engine OpenVINO: the masks of torch, and a sentence where it cannot give them."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.batch.devices import usable_devices
from core.batch.options import BatchOptions
from core.datasets.synthetic import draw_case
from core.errors import EngineError, InputError
from core.inference.engine_choice import checked_engine, is_installed
from core.inference.options import InferenceOptions
from core.inference.predictor import predict
from core.models.catalogue import load_model
from core.models.deferred import DeferredModel
from core.models.model_card import ModelCard
from core.models.weights_file import LoadedModel
from core.networks.families import FAMILIES
from core.photo.field_of_view import estimate_field_of_view
from core.photo.preprocessing import NetInput, prepare
from core.photo.reading import read_fundus
from core.photo.recipe import Preprocessing
from core.progress import Cancelled
from core.replay import replay_sidecar
from core.resources import sample_path
from core.segment_files import segment_files
from core.sidecar import read_sidecar, sidecar_path
from core.types import BoolArray
from tests.core.test_engines import Steps
from tests.core.test_folding import trained
from tests.small_model import save_small_model, small_model

if not is_installed("openvino"):
    pytest.skip("the extra 'openvino' is not installed: pip install 'serr-fundus[openvino]'", allow_module_level=True)

TORCH = InferenceOptions(device="cpu", precision="fp32")
OPENVINO = replace(TORCH, engine="openvino", precision="auto")
SMALL: dict[str, dict[str, object]] = {
    "deeplab-v3plus": {"encoder": "resnet18", "width": 8},
    "r2-unet": {"width": 4, "depth": 2, "patch_px": 2},
}


def of_family(name: str) -> LoadedModel:
    network = trained(name, SMALL.get(name, {"width": 4, "depth": 2}))
    return LoadedModel(ModelCard(name, name, {}, Preprocessing()), network, Path(name), "")


def noise(height: int, width: int) -> NetInput:
    return alone(np.random.default_rng(height).normal(size=(1, height, width)), np.ones((height, width), bool))


def alone(planes: np.ndarray, inside: BoolArray) -> NetInput:
    """Planes that are the whole photograph."""
    height, width = inside.shape
    return NetInput(planes.astype(np.float32), inside, 1.0, (0, 0, height, width), (height, width), Preprocessing())


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


@pytest.mark.parametrize("name", FAMILIES)
def test_every_network_gives_what_torch_gives(name: str) -> None:
    model = of_family(name)
    planes = noise(83, 61)
    found, expected = predict(model, planes, OPENVINO), predict(model, planes, TORCH)
    np.testing.assert_allclose(found.values, expected.values, atol=2e-3)
    assert (found.options.engine, found.options.device, found.precision) == ("openvino", "cpu", "fp32")
    assert "OpenVINO" in found.device_label


def test_the_shipped_network_gives_the_same_mask() -> None:
    model = load_model()
    image = read_fundus(sample_path())
    prepared = prepare(image, estimate_field_of_view(image), model.card.preprocessing)
    part = (slice(200, 456), slice(200, 456))  # a quarter of a second instead of two
    crop = alone(prepared.planes[:, *part], prepared.inside[part])
    found, expected = (predict(model, crop, options).values for options in (OPENVINO, TORCH))
    threshold = model.card.default_threshold
    assert np.count_nonzero(expected >= threshold) > 1000
    assert dice(found >= threshold, expected >= threshold) >= 0.999


def test_a_result_says_its_engine_and_is_made_again_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = save_small_model(tmp_path / "small.safetensors")
    photo, out = tmp_path / "eye.png", tmp_path / "out"
    Image.fromarray(draw_case(3, 96).image.rgb).save(photo)
    model = DeferredModel(weights)
    done = segment_files([photo], out, model, options=OPENVINO).done
    assert "OpenVINO" in done[0].device
    record = read_sidecar(sidecar_path(out, "eye"))
    assert record.options["engine"] == "openvino"
    assert record.record["program"]["openvino"]
    again = replay_sidecar(record.path, model=model.loaded())
    assert again.options.engine == "openvino"
    assert not again.notes
    assert segment_files([photo], out, model, options=OPENVINO, skip_existing=True).skipped
    (item,) = segment_files([photo], out, model, options=TORCH, skip_existing=True).done
    assert "by the engine openvino, not torch" in item.again
    monkeypatch.setitem(sys.modules, "openvino", None)  # as if it were not installed
    segment = segment_files([photo], out, model, options=OPENVINO)
    assert "not installed" in segment.failed[0][1]


def test_a_model_is_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.inference import openvino_runner

    count, real = [], openvino_runner._converted
    monkeypatch.setattr(openvino_runner, "_converted", lambda *of: count.append(1) or real(*of))  # type: ignore[func-returns-value]
    model = small_model(tmp_path)
    for size in (64, 96, 80):
        predict(model, noise(size, size), OPENVINO)
    assert len(count) == 1
    predict(model, noise(64, 64), TORCH)
    predict(model, noise(64, 64), replace(OPENVINO, precision="bf16"))
    assert len(count) == 2
    # The package would report each use to its maker.
    assert not [name for name in sys.modules if name.split(".")[0] == "openvino_telemetry"]


def test_a_run_is_cancelled_within_the_network(tmp_path: Path) -> None:
    model = small_model(tmp_path)
    large = noise(900, 900)  # takes longer than the time between two questions
    with pytest.raises(Cancelled):
        predict(model, large, OPENVINO, monitor=Steps(cancel_at=1))
    assert predict(model, noise(64, 64), OPENVINO).tiles == 1


def test_pieces_are_refused_where_they_would_differ() -> None:
    with pytest.raises(EngineError, match="Use the engine torch"):
        predict(of_family("serr-unet"), noise(300, 300), replace(OPENVINO, tile_px=160))
    unet = of_family("unet")
    pieces = predict(unet, noise(300, 300), replace(OPENVINO, tile_px=160, overlap_px=64))
    assert pieces.tiles > 1
    same = predict(unet, noise(300, 300), replace(TORCH, tile_px=160, overlap_px=64))
    np.testing.assert_allclose(pieces.values, same.values, atol=2e-3)


def test_what_it_cannot_do_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="on the CPU, not on the device"):
        checked_engine("openvino", "cuda:1")
    with pytest.raises(EngineError, match="fp16"):
        predict(of_family("unet"), noise(64, 64), replace(OPENVINO, precision="fp16"))
    assert usable_devices(["auto"], "openvino") == ("auto",)
    monkeypatch.setitem(sys.modules, "openvino", None)  # as if it were not installed
    assert checked_engine("torch", "cuda:1") == "torch"
    with pytest.raises(EngineError, match=r"pip install 'serr-fundus\[openvino\]'"):
        predict(of_family("unet"), noise(64, 64), OPENVINO)


def test_batches_tell_engines_apart() -> None:
    plain = BatchOptions("m", "m", "0", 128, kinds=("mask",))
    other = replace(plain, engine="openvino")
    assert other.sha256 != plain.sha256
    assert other.differences(plain) == ("engine torch, not openvino",)
    assert BatchOptions.from_dict(other.to_dict()) == other
    before = {key: value for key, value in plain.to_dict().items() if key != "engine"}  # of version 0.1.0
    assert BatchOptions.from_dict(before) == plain
    with pytest.raises(InputError, match="does not say how"):
        BatchOptions.from_dict({**before, "engine": "another"})
