"""Where a mask differs from a label: by the width of the vessel, and by the distance from the label."""

from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np

from core.evaluation.connectedness import unit_of, widths
from core.masks.skeleton import skeleton
from core.types import BoolArray, FieldOfView

WIDTHS = (0.0, 2.5, 4.5, np.inf)
"""Thin, middle and wide vessels, in pixels of a photograph whose field of view is as wide as DRIVE's."""

NEAR = 2.0
"""As far as this from a drawn vessel, a false positive is a matter of where its edge is."""


@dataclass
class VesselErrors:
    """Gathers photographs: pixels of drawn centre lines by width, those found; false positives near and far."""

    drawn: list[int] = field(default_factory=lambda: [0] * (len(WIDTHS) - 1))
    found: list[int] = field(default_factory=lambda: [0] * (len(WIDTHS) - 1))
    near: int = 0
    far: int = 0

    def add(self, vessel: BoolArray, label: BoolArray, fov: FieldOfView) -> None:
        """Take in one photograph; mask, label and field of view (H, W)."""
        unit = unit_of(fov.diameter_px)
        label = label & fov.inside
        lines = skeleton(label)
        width = widths(label, lines) / unit
        hit = vessel[lines]
        for number, (low, high) in enumerate(pairwise(WIDTHS)):
            chosen = (width >= low) & (width < high)
            self.drawn[number] += int(np.count_nonzero(chosen))
            self.found[number] += int(np.count_nonzero(chosen & hit))
        away = cv2.distanceTransform((~label).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) / unit
        wrong = vessel & ~label & fov.inside
        self.near += int(np.count_nonzero(wrong & (away <= NEAR)))
        self.far += int(np.count_nonzero(wrong & (away > NEAR)))

    @property
    def shares(self) -> list[str]:
        """The cells of a table: centre lines found by width, and the share of false positives at an edge."""
        return [f"{share:.0%}" for share in (*self.found_shares, self.near_share)]

    @property
    def found_shares(self) -> list[float]:
        """The share of the centre lines of each width that the mask covers."""
        return [found / drawn if drawn else float("nan") for found, drawn in zip(self.found, self.drawn, strict=True)]

    @property
    def near_share(self) -> float:
        """The share of the false positives that touch a drawn vessel."""
        return self.near / max(1, self.near + self.far)
