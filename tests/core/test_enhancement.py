"""Enhancing photographs: sizes, tiles, cancelling, and that generators and vessel models are never mistaken."""

import copy
import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from core.datasets.layouts import Case
from core.datasets.synthetic import draw_case
from core.enhancement.enhancer import SCALES, EnhanceOptions, Scale, enhance_photo, enhancers, load_enhancer
from core.enhancement.recipe import with_network
from core.errors import NameTakenError, WeightsError
from core.inference.options import InferenceOptions
from core.models.catalogue import DEFAULT_MODEL, find_model, list_models, load_model
from core.models.user_models import add_model, change_model, export_model, remove_model
from core.networks.families import RrdbConfig
from core.networks.rrdb import RrdbNet
from core.photo.preprocessing import prepare
from core.photo.recipe import Preprocessing
from core.progress import Cancelled, Progress
from core.segment import segment_photo
from core.training.config import TrainingConfig
from core.training.data import load_sample
from core.training.fine_tuning import prepare_config
from core.types import FundusImage
from tests.small_enhancer import save_small_enhancer, small_enhancer
from tests.small_model import RECIPE, save_small_model

CPU = EnhanceOptions(device="cpu", precision="fp32")
WHOLE = EnhanceOptions(device="cpu", precision="fp32", tile_px=512)


def photograph(height: int, width: int) -> FundusImage:
    """A part of a drawn photograph."""
    return FundusImage(draw_case(3, 400).image.rgb[40 : 40 + height, 30 : 30 + width])


class Watched:
    """Remembers the progress, and ends the work after some steps."""

    def __init__(self, last: int = 1 << 30) -> None:
        self.steps: list[Progress] = []
        self.notes: list[str] = []
        self._last = last

    def step(self, progress: Progress) -> None:
        self.steps.append(progress)
        if len(self.steps) > self._last:
            raise Cancelled

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.mark.parametrize("scale", SCALES)
def test_a_picture_of_any_size_is_enhanced_and_tiles_leave_no_seams(tmp_path: Path, scale: Scale) -> None:
    image, enhancer = photograph(227, 301), small_enhancer(tmp_path, scale)
    whole, watched = enhance_photo(image, enhancer, options=WHOLE), Watched()
    tiled = enhance_photo(
        image, enhancer, options=EnhanceOptions(device="cpu", precision="fp32", tile_px=128), monitor=watched
    )
    assert whole.shape == (227 * scale, 301 * scale)
    assert (whole.tiles, tiled.tiles > 4) == (1, True)
    assert int(np.abs(whole.rgb.astype(int) - tiled.rgb.astype(int)).max()) <= 1, "seams"
    plain = image.rgb.repeat(scale, axis=0).repeat(scale, axis=1)
    assert (whole.rgb != plain).mean() > 0.3, "it did something"
    assert watched.steps[-1].fraction == 1.0
    assert [step.done for step in watched.steps] == list(range(len(watched.steps)))


def test_a_generator_begins_as_the_photograph_itself_and_every_parameter_learns() -> None:
    for scale in SCALES:
        module = RrdbNet(RrdbConfig(scale=scale, width=8, growth=4, blocks=1))
        x = torch.rand(2, 3, 12, 16)
        with torch.inference_mode():
            assert torch.equal(module(x), nn.functional.interpolate(x, scale_factor=scale, mode="bicubic"))
        nn.init.normal_(module.last.weight, std=0.1)
        module(x).square().mean().backward()
        assert all(p.grad is not None and bool((p.grad != 0).any()) for p in module.parameters())


def test_photographs_share_one_copy_of_a_generator_until_its_weights_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, enhancer, copies, real = photograph(64, 70), small_enhancer(tmp_path, 1), [], copy.deepcopy

    def counted(module: RrdbNet) -> RrdbNet:
        copies.append(weakref.ref(made := real(module)))
        return made

    monkeypatch.setattr(copy, "deepcopy", counted)
    first, again = (enhance_photo(image, enhancer, options=WHOLE).rgb for _ in range(2))
    assert len(copies) == 1
    np.testing.assert_array_equal(first, again)
    with torch.no_grad():
        for weight in enhancer.module.parameters():
            weight.mul_(1.5)
    assert (enhance_photo(image, enhancer, options=WHOLE).rgb != first).any()
    with pytest.raises(Cancelled):
        enhance_photo(image, enhancer, options=WHOLE, monitor=Watched(last=2))
    enhance_photo(image, enhancer, options=WHOLE)
    assert len(copies) == 3, "one that was cancelled is not used again"
    del enhancer
    gc.collect()
    assert all(made() is None for made in copies)


def test_work_ends_where_the_monitor_says_so(tmp_path: Path) -> None:
    watched = Watched(last=5)
    with pytest.raises(Cancelled):
        enhance_photo(photograph(200, 200), small_enhancer(tmp_path), options=CPU, monitor=watched)
    assert len(watched.steps) == 6


def test_generators_and_vessel_models_are_never_offered_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERR_MODELS", str(tmp_path))
    generator, vessels = save_small_enhancer(tmp_path), save_small_model(tmp_path / "small.safetensors")
    assert "small-enhancer" not in {entry.card.name for entry in list_models()}
    assert [entry.card.name for entry in enhancers() if not entry.bundled] == ["small-enhancer"]
    for chosen in (generator, "small-enhancer"):
        with pytest.raises(WeightsError, match="enhances photographs and finds no vessels; needed is one that finds"):
            load_model(chosen)
    for chosen in (vessels, "small"):
        with pytest.raises(WeightsError, match="finds vessels; needed is one that enhances photographs"):
            load_enhancer(chosen)
    with pytest.raises(WeightsError, match='no model named "small-enhancr"'):
        find_model("small-enhancr", task="enhancement")
    assert load_enhancer("small-enhancer").scale == 1


def test_a_generator_of_the_user_comes_in_is_renamed_and_goes_out_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERR_MODELS", str(tmp_path / "own"))
    file = save_small_enhancer(tmp_path, 2, "mine")
    entry = add_model(file, notes="of our camera")
    assert (entry.path, "was not measured" in entry.card.experience) == (tmp_path / "own" / "mine.safetensors", False)
    assert "pictures were not measured" in entry.card.experience
    vessels = save_small_model(tmp_path / "small.safetensors", "mine")
    with pytest.raises(NameTakenError, match='another model named "mine"'):
        add_model(vessels)
    with pytest.raises(NameTakenError):
        add_model(file, name=DEFAULT_MODEL)
    add_model(vessels, name="vessels")
    with pytest.raises(NameTakenError):
        change_model("mine", new_name="vessels")
    assert change_model("mine", new_name="clearer").card.notes == "of our camera"
    assert load_enhancer("clearer").scale == 2
    assert "clearer" not in {one.card.name for one in list_models()}
    out = export_model("clearer", tmp_path / "out.safetensors")
    assert load_enhancer(out).sha256 == load_enhancer(file).sha256
    remove_model("clearer")
    assert [one.card.name for one in enhancers() if not one.bundled] == []
    with pytest.raises(WeightsError, match="came with the program"):
        remove_model("serr-enhance-1x")
    bundled = load_enhancer()
    assert add_model(bundled.path).path == bundled.path
    assert "PSNR before and after enhancing: " in bundled.card.experience


def test_a_recipe_may_enhance_first_and_always_by_the_same_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERR_MODELS", str(tmp_path))
    save_small_enhancer(tmp_path)
    save_small_enhancer(tmp_path, 2, "doubling")
    recipe = with_network(RECIPE.model_copy(update={"enhance": "small-enhancer"}))
    assert recipe.enhance_sha256 == load_enhancer("small-enhancer").sha256
    assert Preprocessing.from_dict(recipe.to_dict()) == recipe
    assert "enhance" not in RECIPE.to_dict(), "older programs read recipes without the step"
    model = load_model(save_small_model(tmp_path / "model.safetensors", preprocessing=recipe))
    plain = load_model(save_small_model(tmp_path / "plain.safetensors", "plain"))
    case, on_cpu = draw_case(3, 256), InferenceOptions(device="cpu", precision="fp32")
    found = segment_photo(case.image, model, fov=case.fov, options=on_cpu)
    by_hand = FundusImage(enhance_photo(case.image, load_enhancer("small-enhancer"), options=CPU).rgb)
    expected = segment_photo(by_hand, plain, fov=case.fov, options=on_cpu)
    np.testing.assert_array_equal(found.probability.values, expected.probability.values)
    assert found.image is case.image
    assert "small looks for vessels in the photograph as small-enhancer enhances it." in found.notes
    with pytest.raises(WeightsError, match='"small-enhancer" is needed by small: '):
        remove_model("small-enhancer")
    change_model("small-enhancer", new_name="clearer")
    renamed = segment_photo(case.image, model, fov=case.fov, options=on_cpu)
    np.testing.assert_array_equal(renamed.probability.values, expected.probability.values)
    change_model("clearer", new_name="small-enhancer")
    save_small_enhancer(tmp_path, seed=1)
    with pytest.raises(WeightsError, match="made with another enhancement network of the name small-enhancer"):
        segment_photo(case.image, model, fov=case.fov, options=on_cpu)
    for name, sentence in (("doubling", "changes the size"), ("gone", 'no model named "gone"')):
        with pytest.raises(WeightsError, match=sentence):
            prepare_config(TrainingConfig().replaced("preprocessing", enhance=name))
    begun = prepare_config(TrainingConfig().replaced("preprocessing", enhance="small-enhancer"))
    assert begun.preprocessing.enhance_sha256 == load_enhancer("small-enhancer").sha256


def test_a_training_learns_from_photographs_that_its_recipe_enhanced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERR_MODELS", str(tmp_path))
    save_small_enhancer(tmp_path)
    drawn = draw_case(3, 200)
    for name, pixels in (("eye", drawn.image.rgb), ("label", drawn.label.vessel), ("fov", drawn.fov.inside)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    case = Case("eye", tmp_path / "eye.png", {"expert": tmp_path / "label.png"}, tmp_path / "fov.png")
    plain = TrainingConfig().replaced("preprocessing", fov_diameter_px=0).replaced("data", check_pairs=False)
    config = prepare_config(plain.replaced("preprocessing", enhance="small-enhancer"))
    made = enhance_photo(drawn.image, load_enhancer("small-enhancer"), options=CPU)
    expected = prepare(FundusImage(made.rgb), drawn.fov, plain.preprocessing).planes
    learned = load_sample(case, config).variants[0]
    assert np.array_equal(learned, expected)
    assert not np.array_equal(learned, load_sample(case, plain).variants[0])
