"""What is made ready of a network serves the next photographs, too, and nothing else."""

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.datasets.synthetic import draw_case
from core.inference import runner
from core.inference.options import InferenceOptions
from core.inference.predictor import predict
from core.models.deferred import DeferredModel
from core.models.weights_file import LoadedModel
from core.photo.preprocessing import NetInput, prepare
from core.progress import Cancelled, Progress
from core.segment_files import segment_files
from tests.small_model import RECIPE, save_small_model, small_model

CPU = InferenceOptions(device="cpu", precision="fp32")


@pytest.fixture
def model(tmp_path: Path) -> LoadedModel:
    return small_model(tmp_path)


@pytest.fixture
def folds(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every network that is rewritten, as weak references."""
    made: list[object] = []
    real = runner.fold

    def counted(network: object, **how: object) -> object:
        folded = real(network, **how)  # type: ignore[arg-type]
        made.append(weakref.ref(folded))
        return folded

    monkeypatch.setattr(runner, "fold", counted)
    return made


def drawn(seed: int, side: int = 96) -> NetInput:
    case = draw_case(seed, side)
    return prepare(case.image, case.fov, RECIPE)


def test_a_folder_is_one_fold(tmp_path: Path, folds: list[object]) -> None:
    photos = []
    for seed in (1, 2, 3):
        photos.append(tmp_path / f"{seed}.png")
        Image.fromarray(draw_case(seed, 96 + 8 * seed).image.rgb).save(photos[-1])
    known = DeferredModel(save_small_model(tmp_path / "small.safetensors"))
    report = segment_files(photos, tmp_path / "out", known, options=CPU)
    assert len(report.done) == 3
    assert len(folds) == 1


def test_photographs_of_any_size_take_one_fold(model: LoadedModel, folds: list[object]) -> None:
    one, other = drawn(1), drawn(2, 128)
    first = predict(model, one, CPU).values
    predict(model, other, replace(CPU, tile_px=128, tta="flips"))
    predict(model, other, replace(CPU, tile_px=128, overlap_px=64))
    np.testing.assert_array_equal(predict(model, one, CPU).values, first)
    assert len(folds) == 1


@pytest.mark.parametrize("change", ["in place", "another tensor", "running statistics"])
def test_changed_weights_are_folded_again(model: LoadedModel, folds: list[object], change: str) -> None:
    photo = drawn(1)
    before = predict(model, photo, CPU).values
    state = {name: tensor.clone() for name, tensor in model.module.state_dict().items()}
    if change == "running statistics":
        state = {name: t + 0.5 if "running_mean" in name else t for name, t in state.items()}
        model.module.load_state_dict(state)
    elif change == "another tensor":
        model.module.load_state_dict({name: t * 1.5 for name, t in state.items()}, assign=True)
    else:
        with torch.no_grad():
            next(model.module.parameters()).mul_(1.5)
    after = predict(model, photo, CPU).values
    assert np.abs(after - before).max() > 1e-3
    assert len(folds) == 2
    fresh = predict(replace(model), photo, CPU).values
    np.testing.assert_array_equal(after, fresh)


def test_another_number_format_is_another_fold(model: LoadedModel, folds: list[object]) -> None:
    photo = drawn(1)
    for precision in ("fp32", "bf16", "fp32"):
        assert predict(model, photo, replace(CPU, precision=precision)).precision == precision  # type: ignore[arg-type]
    assert len(folds) == 3  # one is kept for each device


def test_what_is_kept_goes_with_its_model(tmp_path: Path, folds: list[object]) -> None:
    model, monitor = small_model(tmp_path), Steps()
    predict(model, drawn(1), CPU, monitor=monitor)
    kept, watcher = folds[0], weakref.ref(monitor)
    assert kept() is not None  # type: ignore[operator]
    del monitor
    assert watcher() is None  # a monitor is not kept with it
    del model
    gc.collect()
    assert kept() is None  # type: ignore[operator]


def test_a_cancelled_run_leaves_nothing(model: LoadedModel, folds: list[object]) -> None:
    with pytest.raises(Cancelled):
        predict(model, drawn(1), CPU, monitor=Steps(cancel_at=9))
    monitor = Steps()
    predict(model, drawn(1), CPU, monitor=monitor)
    assert len(folds) == 2
    assert monitor.count > 9


class Steps:
    """A monitor that counts, and cancels at a step if told so."""

    def __init__(self, cancel_at: int = -1) -> None:
        self.count, self.cancel_at = 0, cancel_at

    def step(self, progress: Progress) -> None:
        self.count += 1
        if self.count == self.cancel_at:
            raise Cancelled

    def note(self, message: str) -> None:
        pass
