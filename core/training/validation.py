"""Scores of a network on the held-out photographs, by which weights and threshold are chosen."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.evaluation.counts import LevelHistogram
from core.evaluation.curves import PooledValues
from core.training.augmentation import Sample
from core.training.losses import Loss
from core.types import LEVELS, FloatArray, ProbabilityMap


@dataclass(frozen=True, slots=True)
class Validation:
    """Figures inside the field of view, pixels pooled; ``f1`` is the best over thresholds, ``level`` its k of k/256."""

    loss: float
    auc_roc: float
    auc_pr: float
    f1: float
    level: int


def pad_to_multiple(planes: Tensor, multiple: int) -> Tensor:
    """Reflect (N, C, h, w) at the bottom and right until both sides are multiples."""
    height, width = planes.shape[-2:]
    return functional.pad(planes, (0, -width % multiple, 0, -height % multiple), mode="reflect")


@torch.inference_mode()
def validate(
    module: nn.Module,
    samples: list[Sample],
    loss: Loss,
    device: torch.device,
    autocast: Callable[[], AbstractContextManager[object]],
) -> Validation:
    """Run the network over whole photographs and pool the results. Leaves the module in training mode if it was."""
    was_training = module.training
    module.eval()
    stride = int(module.stride)  # type: ignore[arg-type]
    pooled, losses = PooledValues(), []
    histogram: LevelHistogram | None = None
    for sample in samples:
        planes = torch.from_numpy(sample.planes)[None].to(device, memory_format=torch.channels_last)
        height, width = sample.label.shape
        with autocast():
            logits = module(pad_to_multiple(planes, stride))[..., :height, :width].float()
        label, inside = (torch.from_numpy(plane)[None, None].to(device) for plane in (sample.label, sample.inside))
        losses.append(float(loss(logits, label, inside)))
        values: FloatArray = np.ascontiguousarray(logits.sigmoid()[0, 0].cpu().numpy())
        drawn, counted = sample.label > 0, sample.inside > 0
        pooled.add(values, drawn, counted)
        one = LevelHistogram.from_map(ProbabilityMap(values).levels, drawn, counted)
        histogram = one if histogram is None else histogram + one
    module.train(was_training)
    if histogram is None:
        raise ValueError("no photographs to validate on")
    by_level = [histogram.counts_at(level).scores().f1 for level in range(1, LEVELS)]
    level = 1 + int(np.nanargmax(by_level))
    areas = pooled.areas()
    return Validation(float(np.mean(losses)), areas.auc_roc, areas.auc_pr, by_level[level - 1], level)
