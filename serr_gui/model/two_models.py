"""Two models on one photograph: their maps, and how far they agree."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from core.threshold_rule import ThresholdRule
from core.types import ByteArray, FieldOfView, FundusImage, ProbabilityMap
from serr_gui.canvas.difference import difference_picture


@dataclass(frozen=True, slots=True, eq=False)
class ModelMap:
    """What a model finds, without corrections by hand. ``rule`` is its own threshold."""

    name: str
    path: Path
    probability: ProbabilityMap
    rule: ThresholdRule


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of two masks inside the field of view: their shares of it, the share that is alike, and Dice of the two.

    ``dice`` is NaN where neither has a vessel. ``largest`` is the largest difference of the probabilities.
    """

    left_share: float
    right_share: float
    alike: float
    dice: float
    largest: float


@dataclass(frozen=True, eq=False)
class TwoModels:
    """The maps of two models for one photograph in one field of view."""

    photo: Path
    image: FundusImage
    fov: FieldOfView
    left: ModelMap
    right: ModelMap

    @cached_property
    def difference(self) -> ByteArray:
        """The difference of the two maps in colours, uint8 (H, W, 3)."""
        return difference_picture(self.left.probability.levels, self.right.probability.levels, self.fov.inside)

    @cached_property
    def agreement(self) -> Agreement:
        """How far the masks agree, each at its model's own threshold."""
        inside = self.fov.inside
        maps = (self.left, self.right)
        left, right = (each.probability.levels[inside] >= each.rule.level for each in maps)
        both = int(np.count_nonzero(left & right))
        drawn = int(np.count_nonzero(left)) + int(np.count_nonzero(right))
        first, second = (each.probability.values[inside] for each in maps)
        return Agreement(
            left_share=float(left.mean()),
            right_share=float(right.mean()),
            alike=float((left == right).mean()),
            dice=2 * both / drawn if drawn else float("nan"),
            largest=float(np.abs(first - second).max()),
        )
