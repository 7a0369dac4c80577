"""The result of a photograph: what a network found and what a hand has corrected, as one mask."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.masks.edits import Box, MaskEdits, edited_levels
from core.masks.threshold import apply_threshold, level_counts, ruled_levels
from core.threshold_rule import LEVELS, ThresholdRule
from core.types import ByteArray, VesselMask

if TYPE_CHECKING:
    from core.segmentation import Segmentation


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A segmentation, what a hand has corrected in it, and a histogram that makes the vessel share a table look-up.

    The one mask of the program is ``levels >= k``: whatever shows, counts or writes vessels takes ``levels`` or
    ``mask`` of here, never the network's own map, which edits do not touch. ``pixels_at_least[k]`` counts the pixels
    inside the field of view with level k or higher.

    ``edits`` change in place with each step of a brush; ``levels`` are those of the last finished stroke and never
    change, so that they may be read in threads and compared by identity. A finished stroke makes another result.

    A rule with hysteresis or a smallest vessel is made into levels, too (``core.masks.threshold.ruled_levels``), under
    the corrections: ``shaped`` is that rule, at whose level alone they hold, and ``shaped_levels`` are the levels.
    """

    segmentation: "Segmentation"
    model_path: Path
    pixels_at_least: tuple[int, ...]
    edits: MaskEdits | None = None
    corrected: ByteArray | None = None
    shaped: ThresholdRule | None = None
    shaped_levels: ByteArray | None = None

    @classmethod
    def of(
        cls,
        segmentation: "Segmentation",
        model_path: Path,
        edits: MaskEdits | None = None,
        levels: ByteArray | None = None,
    ) -> "Result":
        """``edits`` : corrections over ``levels``, by default those of the network."""
        levels = segmentation.probability.levels if levels is None else levels
        levels = levels if edits is None else edits.levels
        counts = level_counts(levels, segmentation.fov.inside)
        at_least = tuple(int(n) for n in np.cumsum(counts[::-1])[::-1])
        return cls(segmentation, model_path, at_least, edits, _kept_levels(edits))

    def with_edits(self, edits: MaskEdits, changed: Box) -> "Result":
        """The result after ``edits`` have changed inside a box only, which is all that is counted again."""
        place = (slice(changed[0], changed[2]), slice(changed[1], changed[3]))
        inside = self.segmentation.fov.inside[place]
        before, after = (np.bincount(levels[place][inside], minlength=LEVELS) for levels in (self.levels, edits.levels))
        more = np.cumsum((after - before)[::-1])[::-1]
        at_least = tuple(old + int(new) for old, new in zip(self.pixels_at_least, more, strict=True))
        return replace(self, pixels_at_least=at_least, edits=edits, corrected=_kept_levels(edits))

    def shaped_by(self, rule: ThresholdRule, levels: ByteArray) -> "Result":
        """The result with the levels that a rule makes of the network's map under the same corrections."""
        edits = self.edits.on_model_levels(levels) if self.edits is not None else None
        made = Result.of(self.segmentation, self.model_path, edits, levels)
        return made if rule.is_plain else replace(made, shaped=rule, shaped_levels=levels)

    def fits(self, rule: ThresholdRule) -> bool:
        """Whether ``levels`` make the mask of this rule."""
        return rule.is_plain if self.shaped is None else self.shaped.makes == rule.makes

    @property
    def base_levels(self) -> ByteArray:
        """The levels under the corrections, uint8 (H, W), read-only: the network's, or what a rule made of them."""
        return self.segmentation.probability.levels if self.shaped_levels is None else self.shaped_levels

    @property
    def levels(self) -> ByteArray:
        """The levels with the corrections in their place, uint8 (H, W), read-only."""
        return self.base_levels if self.corrected is None else self.corrected

    @property
    def live_levels(self) -> ByteArray:
        """``levels`` with the stroke that is being painted: for the canvas alone."""
        return self.levels if self.edits is None else self.edits.levels

    @property
    def is_corrected(self) -> bool:
        """Whether a hand has decided pixels: scores of the mask are then not those of the model alone."""
        return self.corrected is not None

    def mask(self, rule: ThresholdRule) -> VesselMask:
        """The mask that a rule makes, with the corrections: the one that is shown, scored and exported."""
        if self.corrected is None:
            return apply_threshold(self.segmentation.probability, rule)
        levels = self.corrected
        if not self.fits(rule) and self.edits is not None:
            levels = edited_levels(ruled_levels(self.segmentation.probability.levels, rule), self.edits.codes)
        vessel = levels >= rule.level
        vessel.setflags(write=False)
        return VesselMask(vessel, rule, edited=True)

    @property
    def model(self) -> str:
        """The name of the model that made it, which need not be the chosen one."""
        return self.segmentation.card.name

    @property
    def device(self) -> str:
        """The device that really computed, in words."""
        return self.segmentation.device

    def vessel_share(self, level: int) -> float:
        """Share of the field of view at or above this level, 0 to 1."""
        return self.pixels_at_least[level] / self.pixels_at_least[0]


def _kept_levels(edits: MaskEdits | None) -> ByteArray | None:
    if not edits:
        return None
    levels = edits.levels.copy()
    levels.setflags(write=False)
    return levels
