"""clDice: how well two masks agree in the course of their vessels, whatever the width.

Shit et al. 2021, "clDice - a novel topology-preserving loss function for tubular structure segmentation",
doi 10.1109/CVPR46437.2021.01629: with S(.) a skeleton one pixel wide, the share of S(mask) that lies in the label
(precision of the course) and the share of S(label) that lies in the mask (its sensitivity); clDice is their harmonic
mean. As in the authors' program the skeleton is scikit-image's ``skeletonize`` (Zhang and Suen 1984).
"""

import math
from dataclasses import dataclass

import numpy as np

from core.evaluation.confusion import check_shapes
from core.masks.skeleton import skeleton
from core.types import BoolArray


@dataclass(frozen=True, slots=True)
class CentreLineCounts:
    """Pixels of both skeletons; adding two gives the counts of both photographs pooled.

    ``found`` pixels of the mask's skeleton, ``found_in_label`` those of them in the label; ``drawn`` pixels of the
    label's skeleton, ``drawn_in_mask`` those of them in the mask.
    """

    found_in_label: int
    found: int
    drawn_in_mask: int
    drawn: int

    def __add__(self, other: "CentreLineCounts") -> "CentreLineCounts":
        return CentreLineCounts(
            self.found_in_label + other.found_in_label,
            self.found + other.found,
            self.drawn_in_mask + other.drawn_in_mask,
            self.drawn + other.drawn,
        )

    @property
    def cl_dice(self) -> float:
        """clDice in [0, 1]; NaN where one of the two masks has no vessel, 0 where their courses never meet."""
        if not self.found or not self.drawn:
            return math.nan
        precision, sensitivity = self.found_in_label / self.found, self.drawn_in_mask / self.drawn
        both = precision + sensitivity
        return 2 * precision * sensitivity / both if both else 0.0


NO_CENTRE_LINES = CentreLineCounts(0, 0, 0, 0)


class Skeletons:
    """Makes each skeleton of a photograph once: most of the time of an evaluation goes into them.

    Masks are known by identity, so they must not change and must live as long as this does.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[int, int], BoolArray] = {}
        self._whole: dict[int, BoolArray] = {}

    def of(self, vessel: BoolArray, inside: BoolArray) -> BoolArray:
        """``skeleton(vessel, inside)``; where no vessel lies outside, that of the whole mask, which is the same."""
        key = id(vessel), id(inside)
        if key not in self._made:
            if (vessel & ~inside).any():
                self._made[key] = skeleton(vessel, inside)
            else:
                if key[0] not in self._whole:
                    self._whole[key[0]] = skeleton(vessel)
                self._made[key] = self._whole[key[0]]
        return self._made[key]

    def count(self, vessel: BoolArray, label: BoolArray, inside: BoolArray) -> CentreLineCounts:
        """``count_centre_lines`` with skeletons that may have been made before."""
        both = self.of(vessel, inside), self.of(label, inside)
        return count_centre_lines(vessel, label, inside, skeletons=both)


def count_centre_lines(
    vessel: BoolArray, label: BoolArray, inside: BoolArray, *, skeletons: tuple[BoolArray, BoolArray] | None = None
) -> CentreLineCounts:
    """Compare the courses of two masks inside a region.

    Parameters
    ----------
    vessel, label, inside : bool (H, W); what was found, what the expert drew, and where to count.
    skeletons : ``skeleton(vessel, inside)`` and ``skeleton(label, inside)`` where they are at hand.
    """
    check_shapes(vessel=vessel, label=label, inside=inside)
    found, drawn = skeletons or (skeleton(vessel, inside), skeleton(label, inside))
    return CentreLineCounts(
        found_in_label=int(np.count_nonzero(found & label)),
        found=int(np.count_nonzero(found)),
        drawn_in_mask=int(np.count_nonzero(drawn & vessel)),
        drawn=int(np.count_nonzero(drawn)),
    )
