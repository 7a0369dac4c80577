"""Measuring the vessels on the screen, and writing their table, in a thread."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from core.errors import InputError, SerrError
from core.files import ensure_folder, write_together
from core.masks.edits import BACKGROUND, UNTOUCHED, VESSEL
from core.masks.threshold import apply_threshold
from core.masks.tracing import corrected_values
from core.measures.disc import DiscProposal, propose_disc
from core.measures.marks import vessel_numbers
from core.measures.summary import VesselMeasures, measure_traced
from core.measures.tortuosity import tortuosity
from core.measures.traced import TracedMask, Variant, trace_mask
from core.measures.vessels import VesselTree, trace_vessels
from core.progress import Monitor
from core.types import FundusImage
from serr_gui.model.i18n import translate
from serr_gui.model.measuring import Measured, MeasureInputs, Mirrored
from serr_gui.tasks.monitor import CheckingMonitor, YieldingMonitor
from serr_gui.tasks.segmenting import ModelCache

_SEGMENTS: Final = "_segments.csv"
"""Behind the name of the table of the photograph."""


def measure(inputs: MeasureInputs, kept: TracedMask | None, monitor: YieldingMonitor[Measured]) -> Measured:
    """The measures of a mask; first without error bars, which take three times as long.

    ``kept`` : the vessels of the same mask, where they were followed before.
    """
    try:
        traced = kept
        if traced is None:
            traced = _traced(inputs, monitor)
        traced = _with_mirrored(traced, inputs)
        tree = traced.state.tree
        numbers, windings = vessel_numbers(tree), tuple(tortuosity(vessel.line) for vessel in tree.vessels)

        def made(traced: TracedMask, *, complete: bool) -> Measured:
            measures = _measures(traced, inputs)
            return Measured(inputs, measures, numbers, traced, windings, complete=complete)

        if traced.pending:
            monitor.yield_result(made(traced, complete=False))
        return made(traced.with_bars(monitor), complete=True)
    except SerrError as error:
        return Measured(inputs, problem=str(error), complete=True)


def measure_whole(inputs: MeasureInputs, monitor: Monitor) -> Measured:
    """The measures of a photograph that need not be on the screen, with error bars; without them ``problem`` says why.

    Raises
    ------
    Cancelled : by the monitor.
    """
    try:
        return Measured(inputs, _measures(_traced(inputs, monitor).with_bars(monitor), inputs), complete=True)
    except SerrError as error:
        return Measured(inputs, problem=str(error), complete=True)


def _measures(traced: TracedMask, inputs: MeasureInputs) -> VesselMeasures:
    """The measures with what a person has said; without those that a doubt about the photograph makes meaningless."""
    setup = inputs.setup
    doubts = () if setup.despite_doubts else inputs.result.segmentation.doubts
    return measure_traced(traced, disc=setup.disc, marks=setup.marks, pixel=setup.pixel_used, doubts=doubts)


def _traced(inputs: MeasureInputs, monitor: Monitor) -> TracedMask:
    """The vessels of the mask with its corrections, and as variants those without them and at other thresholds."""
    from core.measuring import moved_rules, trace_probability

    result, rule = inputs.result, inputs.rule
    found, mask = result.segmentation, result.mask(rule)
    if not result.is_corrected:
        return trace_probability(found.probability, mask, found.fov, monitor=monitor)
    inside = found.fov.inside
    if rule.is_plain and result.fits(rule):
        # The map has 1 and 0 where a hand has decided: widths elsewhere stay those of the probabilities.
        values = corrected_values(found.probability, result.levels, (slice(None), slice(None)), result.base_levels)
        before = (Variant("corrections", found.probability.values, rule.threshold),)
        return trace_mask(values, inside, rule.threshold, variants=before, monitor=monitor)
    moved = (Variant("threshold", result.mask(each).vessel) for each in moved_rules(rule))
    before = (Variant("corrections", apply_threshold(found.probability, rule).vessel),)
    return trace_mask(mask.vessel, inside, rule.threshold, variants=(*moved, *before), monitor=monitor)


def _with_mirrored(traced: TracedMask, inputs: MeasureInputs) -> TracedMask:
    """The same with what was found in the mirrored photograph as variants, where it has them not yet."""
    from core.measuring import mirrored_variants

    known = {variant.cause for variant in traced.pending} | {cause for cause, _ in traced.moved}
    if inputs.mirrored is None or "mirrored" in known:
        return traced
    levels, before = inputs.levels, inputs.result.base_levels
    decided = np.where(levels > before, np.uint8(VESSEL), np.uint8(BACKGROUND))
    codes = np.where(levels != before, decided, np.uint8(UNTOUCHED)) if inputs.result.is_corrected else None
    variants = mirrored_variants(inputs.mirrored.maps, inputs.rule, codes)
    return replace(traced, threshold=inputs.rule.threshold, pending=(*traced.pending, *variants))


def mirror(inputs: MeasureInputs, device: str, model_cache: ModelCache, monitor: Monitor) -> Mirrored:
    """Run the network of a result on its mirrored photograph.

    Raises
    ------
    SerrError : the model is not the one that made the result any more, or model or device cannot be used.
    """
    from core.measuring import mirrored_maps

    found = inputs.result.segmentation
    model = model_cache.get(inputs.result.model_path, monitor)
    if model.card.sha256 != found.model_sha256:
        text = translate("Work", "The model {name} is not the one that made this result: segment the photograph again.")
        raise InputError(text.format(name=found.card.name))
    options = replace(found.options, device=device)
    return Mirrored(found, mirrored_maps(found.image, model, found.fov, inference=options, monitor=monitor))


def find_disc(
    image: FundusImage, inputs: MeasureInputs, tree: VesselTree | None, monitor: CheckingMonitor
) -> DiscProposal:
    """Where the optic disc probably is; ``tree`` are the vessels of the mask, where they were followed already."""
    fov = inputs.result.segmentation.fov
    if tree is None:
        tree = trace_vessels(inputs.result.mask(inputs.rule).vessel & fov.inside)
    monitor.check()
    return propose_disc(image, fov, tree)


def names_of_files(path: Path) -> tuple[Path, ...]:
    """The files that ``write`` may write for a table at ``path``."""
    return path, path.with_name(f"{path.stem}_codebook.csv"), path.with_name(path.stem + _SEGMENTS)


def table_row(found: Measured, photo: Path) -> dict[str, object]:
    """The row of a photograph in a table of measures, as ``serr measure`` writes it."""
    from core import measuring

    about, setup, measures = found.inputs.result.segmentation, found.inputs.setup, found.measures
    doubts = [doubt.text for doubt in about.doubts]
    if setup.disc_doubt:
        doubts.append(setup.disc_doubt)
    sources = {"disc": "proposed" if setup.disc_doubt else "window", "pixel": "window", "marks": "window"}
    options = measuring.MeasureOptions(marks=setup.marks, sources=sources)
    return measuring.Measured(
        photo,
        found.measures,
        found.problem,
        field_of_view=about.fov.origin,
        model=about.card.name,
        threshold=found.inputs.rule.threshold,
        style=found.inputs.rule.style,
        doubts=tuple(doubts),
        sources=measuring.sources_of(options, measures) if measures is not None else {},
    ).row()


def write(found: Measured, photo: Path, path: Path, monitor: CheckingMonitor) -> tuple[Path, ...]:
    """Write the measures of a photograph as ``serr measure`` does: table, codebook and segments; the files."""
    from core import measuring

    measures, row = found.measures, table_row(found, photo)
    segments = []
    if measures is not None:
        segments.append((path.with_name(path.stem + _SEGMENTS), measuring.segments_csv(measures)))
    with_bars = measures is not None and measures.threshold is not None
    files = measuring.table_files([row], path, error_bars=with_bars, segments=segments)
    monitor.check()
    ensure_folder(path.parent)
    write_together(files)
    return tuple(file for file, _ in files)
