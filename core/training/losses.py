"""Losses on logits, counted inside the field of view only."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

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


def make_loss(name: str, dice_weight: float) -> Loss:
    """The loss of a configuration: "bce", "dice", or "bce_dice" = BCE + dice_weight * soft Dice."""
    if name == "bce":
        return bce
    if name == "dice":
        return soft_dice
    if name == "bce_dice":
        return lambda logits, target, inside: (
            bce(logits, target, inside) + dice_weight * soft_dice(logits, target, inside)
        )
    raise ValueError(f"unknown loss '{name}'")
