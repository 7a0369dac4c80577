"""The learning rate of each step, and which weights decay."""

import math
from typing import Any

from torch import nn

from core.training.config import OptimisationSection


def learning_rate(part: OptimisationSection, step: int) -> float:
    """The rate of a step, counted from 0."""
    if part.schedule == "constant":
        return part.peak_rate
    return one_cycle(step, part.steps, part.peak_rate, part.warmup_share)


def one_cycle(step: int, steps: int, peak: float, warmup_share: float) -> float:
    """Learning rate of a step: a cosine rise from peak / 25, then a cosine fall to peak / 10,000 (arXiv 1803.09820)."""
    warmup = max(1.0, warmup_share * steps)
    if step < warmup:
        start, end, share = peak / 25.0, peak, step / warmup
    else:
        start, end, share = peak, peak / 1e4, (step - warmup) / max(1.0, steps - warmup)
    return end + (start - end) * (1.0 + math.cos(math.pi * share)) / 2.0


def decay_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Kernels and matrices decay; biases and normalisations do not."""
    matrices = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
