"""Measuring the vessels on the screen, and writing their table, in a thread."""

from pathlib import Path
from typing import Final

from core.errors import SerrError
from core.files import ensure_folder, write_together
from core.measures.disc import DiscProposal, propose_disc
from core.measures.marks import vessel_numbers
from core.measures.summary import TracedMask, measure_traced
from core.measures.vessels import trace_vessels
from core.types import FundusImage
from serr_gui.model.measuring import Measured, MeasureInputs
from serr_gui.tasks.monitor import CheckingMonitor, YieldingMonitor

_SEGMENTS: Final = "_segments.csv"
"""Behind the name of the table of the photograph."""


def measure(inputs: MeasureInputs, kept: TracedMask | None, monitor: YieldingMonitor[Measured]) -> Measured:
    """The measures of a mask; first without error bars, which take three times as long.

    ``kept`` : the vessels of the same mask, where they were followed before.
    """
    from core.measuring import trace_probability

    found, setup = inputs.result.segmentation, inputs.setup
    try:
        traced = kept
        if traced is None:
            traced = trace_probability(found.probability, inputs.result.mask(inputs.rule), found.fov, monitor=monitor)
        numbers = vessel_numbers(traced.state.tree)

        def made(traced: TracedMask, *, complete: bool) -> Measured:
            measures = measure_traced(traced, disc=setup.disc, marks=setup.marks, pixel=setup.pixel)
            return Measured(inputs, measures, numbers, traced, complete=complete)

        if not traced.moved:
            monitor.yield_result(made(traced, complete=False))
        return made(traced.with_bars(monitor), complete=True)
    except SerrError as error:
        return Measured(inputs, problem=str(error), complete=True)


def find_disc(image: FundusImage, inputs: MeasureInputs, monitor: CheckingMonitor) -> DiscProposal:
    """Where the optic disc probably is."""
    fov = inputs.result.segmentation.fov
    tree = trace_vessels(inputs.result.mask(inputs.rule).vessel & fov.inside)
    monitor.check()
    return propose_disc(image, fov, tree)


def write(found: Measured, photo: Path, path: Path, monitor: CheckingMonitor) -> tuple[Path, ...]:
    """Write the measures of a photograph as ``serr measure`` does: table, codebook and segments; the files."""
    from core import measuring

    about, measures = found.inputs.result.segmentation, found.measures
    doubts = [doubt.text for doubt in about.doubts]
    if found.inputs.setup.disc_doubt:
        doubts.append(found.inputs.setup.disc_doubt)
    row = measuring.Measured(
        photo,
        measures,
        found.problem,
        field_of_view=about.fov.origin,
        model=about.card.name,
        threshold=found.inputs.rule.threshold,
        doubts=tuple(doubts),
    )
    segments = []
    if measures is not None:
        segments.append((path.with_name(path.stem + _SEGMENTS), measuring.segments_csv(measures)))
    with_bars = measures is not None and measures.threshold is not None
    pixel = found.inputs.setup.pixel
    files = measuring.table_files([row.row()], path, pixel=pixel, error_bars=with_bars, segments=segments)
    monitor.check()
    ensure_folder(path.parent)
    write_together(files)
    return tuple(file for file, _ in files)
