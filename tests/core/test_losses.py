"""Losses: inside the field of view only, against MONAI, and what each of them is there for."""

import numpy as np
import pytest
import torch
from skimage.morphology import skeletonize
from torch import Tensor

from core.datasets.synthetic import draw_case
from core.training.config import OptimisationSection
from core.training.losses import bce, focal_tversky, make_loss, soft_cldice, soft_dice, soft_skeleton

NAMES = ["bce", "dice", "bce_dice", "bce_dice_cldice", "focal_tversky"]


def batch(seed: int = 1, side: int = 48) -> tuple[Tensor, Tensor, Tensor]:
    """Random logits on drawn vessels, and a field of view with a border."""
    random = torch.Generator().manual_seed(seed)
    labels = [draw_case(seed + number, side).label.vessel for number in range(2)]
    target = torch.from_numpy(np.stack(labels)[:, None].astype(np.float32))
    logits = 3.0 * (target - 0.5) + 2.0 * torch.randn(target.shape, generator=random)
    inside = torch.zeros_like(target)
    inside[..., side // 8 : -side // 8, side // 6 :] = 1.0
    return logits, target, inside


@pytest.mark.parametrize("name", NAMES)
def test_losses_count_inside_the_field_of_view_only(name: str) -> None:
    logits, target, inside = batch()
    loss = make_loss(OptimisationSection(loss=name))
    before = loss(logits, target, inside)
    outside = inside == 0
    changed = logits + 5.0 * outside
    changed.requires_grad_()
    after = loss(changed, torch.where(outside, 1.0, target), inside)
    assert torch.equal(before, after.detach())
    after.backward()
    assert changed.grad is not None
    assert not changed.grad[outside].any(), "nothing is learned outside"
    assert changed.grad[~outside].any()
    assert not torch.equal(before, loss(logits + 5.0 * inside, target, inside))


@pytest.mark.parametrize("name", NAMES)
def test_losses_of_a_perfect_and_of_an_inverted_map(name: str) -> None:
    _, target, inside = batch()
    loss, sure = make_loss(OptimisationSection(loss=name)), 20.0 * (2.0 * target - 1.0)
    assert float(loss(sure, target, inside)) < 0.01
    assert float(loss(-sure, target, inside)) > 0.8


def test_bce_is_the_mean_over_the_field_of_view() -> None:
    logits, target, inside = batch()
    counted = inside > 0
    expected = torch.nn.BCEWithLogitsLoss()(logits[counted], target[counted])
    assert float(bce(logits, target, inside)) == pytest.approx(float(expected), rel=1e-6)


def test_soft_dice_and_tversky_are_those_of_monai() -> None:
    from monai.losses import DiceLoss, TverskyLoss  # a second, which only this process of the tests should take

    logits, target, inside = batch()
    p, t = logits.sigmoid() * inside, target * inside
    dice = DiceLoss(smooth_nr=1.0, smooth_dr=1.0, batch=True)(p, t)
    assert float(soft_dice(logits, target, inside)) == pytest.approx(float(dice), rel=1e-5)
    tversky = TverskyLoss(alpha=0.3, beta=0.7, smooth_nr=1.0, smooth_dr=1.0, batch=True)(p, t)
    plain = focal_tversky(logits, target, inside, missed=0.7, focus=1.0)
    assert float(plain) == pytest.approx(float(tversky), rel=1e-5)
    focal = focal_tversky(logits, target, inside, missed=0.7, focus=0.75)
    assert float(focal) == pytest.approx(float(tversky) ** 0.75, rel=1e-5)


def test_soft_cldice_is_made_of_monais_skeletons() -> None:
    from monai.losses.cldice import soft_skel

    logits, target, inside = batch()
    p, t = logits.sigmoid() * inside, target * inside
    assert torch.equal(soft_skeleton(p, 4), soft_skel(p, 4))
    found, drawn = soft_skel(p, 4), soft_skel(t, 4)
    precision = ((found * t).sum() + 1) / (found.sum() + 1)
    sensitivity = ((drawn * p).sum() + 1) / (drawn.sum() + 1)
    harmonic = 2 / (1 / float(precision) + 1 / float(sensitivity))
    assert float(soft_cldice(logits, target, inside, iterations=4)) == pytest.approx(1 - harmonic, rel=1e-5)


def test_the_soft_skeleton_of_a_mask_lies_along_its_true_skeleton() -> None:
    label = draw_case(2, 160).label.vessel.copy()  # scikit-image wants to be able to write
    soft = soft_skeleton(torch.from_numpy(label[None, None].astype(np.float32)), 6)[0, 0].numpy() > 0.5
    true = skeletonize(label)
    assert not (soft & ~label).any()
    near = torch.nn.functional.max_pool2d(torch.from_numpy(soft[None, None].astype(np.float32)), 3, 1, 1)[0, 0] > 0
    assert near.numpy()[true].mean() > 0.97
    assert soft.sum() < 0.65 * label.sum()


def test_soft_cldice_minds_a_gap_more_than_soft_dice_does() -> None:
    """A thin bridge cut through: hardly any pixels, but a piece of the vessel's length."""
    target = torch.zeros(1, 1, 40, 40)
    target[..., 5:15, :] = 1.0  # a wide vessel
    target[..., 25, :] = 1.0  # a thin one
    inside = torch.ones_like(target)
    cut = target.clone()
    cut[..., 25, 10:30] = 0.0
    logits = 20.0 * (2.0 * cut - 1.0)
    assert float(soft_cldice(logits, target, inside, iterations=6)) > 3 * float(soft_dice(logits, target, inside))


def test_a_missed_vessel_costs_more_than_a_false_one_in_focal_tversky() -> None:
    _, target, inside = batch()
    half = target.clone()
    half[..., ::2, :] = 0.0
    one, other = 20.0 * (2.0 * half - 1.0), 20.0 * (2.0 * target - 1.0)
    missed = focal_tversky(one, target, inside, missed=0.7, focus=0.75)
    false = focal_tversky(other, half, inside, missed=0.7, focus=0.75)
    assert float(missed) > float(false)


@pytest.mark.parametrize("name", ["bce", "dice", "bce_dice", "focal_tversky"])
def test_the_best_answer_to_a_soft_target_is_the_target(name: str) -> None:
    """Shares of area are learned as they are, not driven to 0 and 1."""
    target = torch.linspace(0.1, 0.9, 64).reshape(1, 1, 8, 8)
    inside, loss = torch.ones_like(target), make_loss(OptimisationSection(loss=name))
    best = float(loss(torch.logit(target), target, inside))
    for factor in (0.0, 0.5, 2.0, 8.0):
        assert float(loss(factor * torch.logit(target), target, inside)) > best
