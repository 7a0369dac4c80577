"""Training a generator: what spoils pictures, the losses, and a run that is continued."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from core.datasets.synthetic import draw_case
from core.enhancement.adversary import FEATURES_OF, Discriminator, VesselFeatures, relativistic_loss
from core.enhancement.degradation import blurred, degrade, draw_strengths, jpeg, same_strengths
from core.enhancement.enhancer import load_enhancer
from core.errors import TrainingError
from core.models.catalogue import load_model
from core.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from core.training.esrgan import CHECKPOINT_FILE, Budget, EsrganConfig, train_generator
from core.training.esrgan_photos import cases_for

SMALL = EsrganConfig(width=8, growth=4, blocks=1, crop_px=32, batch=2, first_part=0.5)


def picture(size: int = 96) -> torch.Tensor:
    rgb = draw_case(3, 256).image.rgb[80 : 80 + size, 70 : 70 + size]
    return torch.from_numpy(rgb.transpose(2, 0, 1).copy())[None].float() / 255


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.square(one.astype(float) - other).mean()))


def test_jpeg_is_that_of_the_files() -> None:
    """Against libjpeg: what differs is the way to the colours' half resolution and back."""
    rgb = (picture() * 255).byte()[0].permute(1, 2, 0).numpy()
    for quality in (35, 80):
        flags = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x221111]
        _, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[:, :, ::-1]), flags)
        real = cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1]
        made = jpeg(picture(), torch.tensor([float(quality)]))[0].permute(1, 2, 0).numpy() * 255
        assert psnr(made, real) > psnr(rgb, real) + 8


def test_each_picture_is_spoiled_by_its_own_strengths() -> None:
    twice, dice = picture().repeat(2, 1, 1, 1), torch.Generator().manual_seed(1)
    soft = blurred(twice, torch.tensor([0.0, 2.0]))
    torch.testing.assert_close(soft[0], twice[0])
    reference = cv2.GaussianBlur(twice[1].permute(1, 2, 0).numpy(), (13, 13), 2.0, borderType=cv2.BORDER_REFLECT_101)
    np.testing.assert_allclose(soft[1].permute(1, 2, 0).numpy(), reference, atol=1e-4)
    sound = degrade(twice, 1, same_strengths(2, blur_px=0, noise_sd=0, quality=100), dice)
    assert float((sound - twice).abs().mean()) < 0.02, "next to nothing but colours at half resolution"
    assert degrade(twice, 2, draw_strengths(2, dice), dice).shape == (2, 3, 48, 48)


def test_the_losses_are_those_of_the_publication() -> None:
    real, made = torch.tensor([[2.0], [4.0]]), torch.tensor([[-1.0], [1.0]])
    log = torch.nn.functional.logsigmoid
    expected = -(log(real - made.mean()).mean() + log(real.mean() - made).mean()) / 2
    torch.testing.assert_close(relativistic_loss(real, made), expected)
    assert Discriminator(8)(picture()).shape == (1, 1, 6, 6)
    features = VesselFeatures(load_model(FEATURES_OF))
    sound, near = picture(64), (picture(64) + 0.01 * torch.randn(1, 3, 64, 64)).requires_grad_()
    assert float(features(sound, sound)) == 0
    loss = features(near, sound)
    loss.backward()
    assert loss.item() > 0
    assert near.grad is not None
    assert bool(near.grad.isfinite().all())


@pytest.fixture
def drawn_root(tmp_path: Path) -> Path:
    """Drawn photographs called as those of DRIVE and of HRF."""
    for number, (folder, name) in enumerate(
        [("DRIVE/training/images", "21_training.png"), ("DRIVE/training/images", "38_training.png")]
    ):
        place = tmp_path / "data" / folder
        place.mkdir(parents=True, exist_ok=True)
        rgb = draw_case(number, 200).image.rgb
        cv2.imwrite(str(place / name.replace("png", "tif")), np.ascontiguousarray(rgb[:, :, ::-1]))
    return tmp_path / "data"


def test_a_training_has_two_parts_and_is_continued(drawn_root: Path, tmp_path: Path) -> None:
    assert [case.stem for case in cases_for(drawn_root, "choosing")["drive"]] == ["38_training"]
    lines: list[str] = []
    out = tmp_path / "run"
    config = replace(SMALL, scale=2)
    first = train_generator(config, drawn_root, out, Budget(steps=2), say=lines.append)
    again = train_generator(config, drawn_root, out, Budget(steps=4), say=lines.append)
    assert [path.name for path in (*first, *again)] == [
        *("serr-enhance-2x-l1.safetensors", "serr-enhance-2x-gan.safetensors", "serr-enhance-2x-gan.safetensors")
    ]
    assert any("from step 2" in line for line in lines)
    made = load_enhancer(again[-1])
    assert (made.scale, made.card.training["steps"], made.card.task) == (2, 4, "enhancement")
    assert "serr-unet-general" in made.card.notes
    assert (out / CHECKPOINT_FILE).is_file()
    with pytest.raises(TrainingError, match="a training with other settings"):
        train_generator(replace(config, rate=1.0), drawn_root, out, Budget(steps=4))
    with pytest.raises(TrainingError, match="has no photographs of DRIVE"):
        train_generator(config, tmp_path / "nothing", out, Budget(steps=4))
    kept = load_checkpoint(out / CHECKPOINT_FILE)
    name = next(name for name in kept.tensors if name.startswith("mean."))
    for facts, tensors in (
        *(({"step": value}, {}) for value in (None, -1, "4", 4.0, True)),
        *(({"seconds": value}, {}) for value in (None, -1, "4", float("nan"), [])),
        ({"second_part": "yes"}, {}),
        ({}, {name: torch.full_like(kept.tensors[name], torch.nan)}),
    ):
        save_checkpoint(out / CHECKPOINT_FILE, Checkpoint({**kept.tensors, **tensors}, {**kept.facts, **facts}))
        with pytest.raises(TrainingError, match="is damaged"):
            train_generator(config, drawn_root, out, Budget(steps=4))
