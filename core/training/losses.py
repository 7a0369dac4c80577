"""Losses on logits, counted inside the field of view only."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from core.training.config import OptimisationSection

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(logits, target, inside), each (N, 1, h, w) float, target in [0, 1], inside 0 or 1 -> scalar."""


def bce(logits: Tensor, target: Tensor, inside: Tensor) -> Tensor:
    """Binary cross-entropy, mean over the pixels inside the field of view."""
    each = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (each * inside).sum() / inside.sum().clamp_min(1.0)


def soft_dice(logits: Tensor, target: Tensor, inside: Tensor) -> Tensor:
    """1 - soft Dice coefficient of the whole batch (Milletari et al. 2016, arXiv 1606.04797), with linear denominators.

    Over the batch and not for each crop: a crop with hardly any vessel would otherwise weigh as much as a full one. The
    overlap is min(p, t), which for targets of 0 and 1 is the usual product, and which for targets between them is the
    only one of the two whose loss is least at p = t (the Dice semimetric of Wang et al. 2023, arXiv 2303.16296).
    """
    probability = logits.sigmoid() * inside
    target = target * inside
    overlap = torch.minimum(probability, target).sum()
    return 1.0 - (2.0 * overlap + 1.0) / (probability.sum() + target.sum() + 1.0)


def focal_tversky(logits: Tensor, target: Tensor, inside: Tensor, *, missed: float, focus: float) -> Tensor:
    """(1 - TI) ** focus of the whole batch (Abraham and Khan 2019, arXiv 1810.07842; focus is their 1 / gamma).

    TI = TP / (TP + missed * FN + (1 - missed) * FP): above 0.5, a missed vessel costs more than a false one. TP is
    min(p, t), as in ``soft_dice``.
    """
    probability = logits.sigmoid() * inside
    target = target * inside
    hit = torch.minimum(probability, target).sum()
    lost, false = target.sum() - hit, probability.sum() - hit
    index = (hit + 1.0) / (hit + missed * lost + (1.0 - missed) * false + 1.0)
    return (1.0 - index).clamp_min(1e-7) ** focus  # the power's slope at 0 is infinite for a focus below 1


def soft_cldice(logits: Tensor, target: Tensor, inside: Tensor, *, iterations: int) -> Tensor:
    """1 - soft clDice of the whole batch (Shit et al. 2021, arXiv 2003.07311): also thin vessels must be connected.

    The skeleton of each map has to lie in the other map. ``iterations`` must reach half the width of the widest vessel,
    in pixels.
    """
    probability = logits.sigmoid() * inside
    target = target * inside
    found, drawn = soft_skeleton(probability, iterations), soft_skeleton(target, iterations)
    precision = ((found * target).sum() + 1.0) / (found.sum() + 1.0)
    sensitivity = ((drawn * probability).sum() + 1.0) / (drawn.sum() + 1.0)
    return 1.0 - 2.0 * precision * sensitivity / (precision + sensitivity)


def soft_skeleton(plane: Tensor, iterations: int) -> Tensor:
    """The differentiable skeleton of maps (N, 1, h, w) in [0, 1]: what each opening of the eroded map takes away."""
    skeleton = functional.relu(plane - _opened(plane))
    for _ in range(iterations):
        plane = _eroded(plane)
        thin = functional.relu(plane - _opened(plane))
        skeleton = skeleton + functional.relu(thin - skeleton * thin)
    return skeleton


def _eroded(plane: Tensor) -> Tensor:
    """The least of each pixel and its four neighbours."""
    columns = -functional.max_pool2d(-plane, (3, 1), 1, (1, 0))
    rows = -functional.max_pool2d(-plane, (1, 3), 1, (0, 1))
    return torch.minimum(columns, rows)


def _opened(plane: Tensor) -> Tensor:
    return functional.max_pool2d(_eroded(plane), 3, 1, 1)


def make_loss(part: OptimisationSection) -> Loss:
    """The loss of a configuration."""

    def dice_beside(logits: Tensor, target: Tensor, inside: Tensor) -> Tensor:
        return bce(logits, target, inside) + part.dice_weight * soft_dice(logits, target, inside)

    def cldice_beside(logits: Tensor, target: Tensor, inside: Tensor) -> Tensor:
        connected = soft_cldice(logits, target, inside, iterations=part.cldice_iterations)
        return dice_beside(logits, target, inside) + part.cldice_weight * connected

    losses: dict[str, Loss] = {
        "bce": bce,
        "dice": soft_dice,
        "bce_dice": dice_beside,
        "focal_tversky": partial(focal_tversky, missed=part.tversky_missed, focus=part.tversky_focus),
        "bce_dice_cldice": cldice_beside,
    }
    return losses[part.loss]
