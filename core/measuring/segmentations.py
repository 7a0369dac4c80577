"""Measuring what was found in a photograph, with its corrections where it has any."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from core.errors import InputError
from core.masks.edits import BACKGROUND, VESSEL, MaskEdits
from core.masks.threshold import apply_threshold
from core.measures.calibres import OpticDisc
from core.measures.disc import propose_disc
from core.measures.marks import MarkKind
from core.measures.summary import VesselMeasures, measure_traced
from core.measures.traced import SPREAD, TracedMask, Variant, trace_mask
from core.measuring.options import AS_THEY_ARE, MeasureOptions
from core.progress import SILENT, Monitor
from core.segmentation import Segmentation
from core.threshold_rule import LEVELS, ThresholdRule
from core.types import Doubt, FieldOfView, FundusImage, ProbabilityMap, VesselMask


def measure_segmentation(
    found: Segmentation,
    options: MeasureOptions = AS_THEY_ARE,
    *,
    kinds: Mapping[int, MarkKind] | None = None,
    variants: Sequence[Variant] = (),
) -> VesselMeasures:
    """Measure the vessels of a segmentation (``trace_probability``); ``variants`` : more of them, for error bars.

    What the doubts about its photograph make meaningless has no number.

    Raises
    ------
    InputError : there is no vessel.
    """
    traced = trace_probability(found.probability, found.mask, found.fov, variants=variants)
    return measure_followed(traced, found.image, found.fov, found.doubts, options, kinds=kinds)


def measure_followed(
    traced: TracedMask,
    image: FundusImage,
    fov: FieldOfView,
    doubts: Sequence[Doubt],
    options: MeasureOptions,
    *,
    kinds: Mapping[int, MarkKind] | None = None,
) -> VesselMeasures:
    """The measures of the vessels of a photograph that were followed.

    Raises
    ------
    InputError : the size of a pixel is to be taken from a disc that is not known.
    """
    disc, doubt = options.disc, ""
    if disc == "auto":
        disc, doubt = _proposed(image, fov, traced)
    traced = traced.with_bars() if options.error_bars else traced
    pixel = options.pixel_of(disc)
    against = () if options.despite_doubts else doubts
    measures = measure_traced(traced, disc=disc, kinds=kinds, marks=options.marks, pixel=pixel, doubts=against)
    doubt = doubt or options.disc_doubt
    return replace(measures, doubts=(doubt,) if doubt else ())


def sources_of(options: MeasureOptions, measures: VesselMeasures) -> dict[str, str]:
    """By "disc", "pixel" and "marks" where each of them is from, as far as they were used."""
    sources = options.all_sources
    if options.disc == "auto":
        sources["disc"] = "proposed"
    used = {"disc": measures.disc is not None, "pixel": measures.pixel is not None, "marks": bool(options.marks)}
    return {name: source for name, source in sources.items() if used[name]}


PROPOSED: Final = "The optic disc was proposed by the program: look whether it is right."


def _proposed(image: FundusImage, fov: FieldOfView, traced: TracedMask) -> tuple[OpticDisc | None, str]:
    """A proposal for the optic disc with its doubt; without one the reason."""
    try:
        proposal = propose_disc(image, fov, traced.state.tree)
    except InputError as error:
        return None, str(error)
    return proposal.disc, proposal.doubt or PROPOSED


def trace_probability(
    probability: ProbabilityMap,
    mask: VesselMask,
    fov: FieldOfView,
    *,
    variants: Sequence[Variant] = (),
    monitor: Monitor = SILENT,
) -> TracedMask:
    """Follow the vessels of a mask that was made of a probability map.

    Widths are taken from the probabilities. Where a rule (hysteresis, smallest vessels) makes the mask more than these
    at a threshold, the mask itself is measured. Where neither makes it a hand has corrected it: the probabilities are 1
    and 0 where it has, and what they were before is a variant.

    Raises
    ------
    InputError : there is no vessel.
    """
    rule, vessel, inside = mask.rule, mask.vessel, fov.inside
    before = apply_threshold(probability, rule).vessel
    if np.array_equal(before, vessel):
        if rule.is_plain:
            return trace_mask(probability.values, inside, rule.threshold, variants=variants, monitor=monitor)
        moved = (Variant("threshold", apply_threshold(probability, each).vessel) for each in moved_rules(rule))
        return trace_mask(vessel, inside, rule.threshold, variants=(*moved, *variants), monitor=monitor)
    if rule.is_plain:
        decided = np.where(vessel != before, vessel.astype(np.float32), probability.values)
        without = Variant("corrections", probability.values, rule.threshold)
        return trace_mask(decided, inside, rule.threshold, variants=(without, *variants), monitor=monitor)
    edits = MaskEdits(probability.levels)
    codes = np.where(vessel, np.uint8(VESSEL), np.uint8(BACKGROUND)) * (vessel != before)
    edits.replace((0, 0, *vessel.shape), codes.astype(np.uint8))
    moved = (Variant("threshold", edits.mask(each).vessel) for each in moved_rules(rule))
    without = Variant("corrections", before)
    return trace_mask(vessel, inside, rule.threshold, variants=(*moved, without, *variants), monitor=monitor)


def moved_rules(rule: ThresholdRule) -> tuple[ThresholdRule, ThresholdRule]:
    """A rule with its thresholds lower and higher by SPREAD, as far as there are thresholds."""

    def moved(by: int) -> ThresholdRule:
        level = min(max(rule.level + by, 1), LEVELS - 1)
        low = None if rule.low_level is None else min(max(rule.low_level + by, 1), level)
        return replace(rule, level=level, low_level=low)

    by = round(SPREAD * LEVELS)
    return moved(-by), moved(by)
