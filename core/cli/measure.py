"""``serr measure``: widths, lengths, tortuosity, fractal dimension, branching and calibres of vessels, as a table."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.console import ConsoleMonitor, ResultLines, UsageError, monitored, say_json, tell
from core.cli.measure_options import assumed_pixel, disc_of, measure_inputs, pixel_of
from core.cli.options import (
    AsJson,
    Device,
    EngineName,
    Model,
    Photos,
    Recursive,
    Tta,
    checked_device,
    checked_engine,
    checked_fov,
    checked_tta,
    found_model,
)
from core.cli.rule_options import DrawLike, RuleChoice, Threshold
from core.files import display_path, ensure_folder, path_text, write_together
from core.progress import Cancelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core.measuring import Measured


def measure(
    *,
    paths: Photos,
    out: Annotated[Path, typer.Option("--out", "-o", help="Table to write (.csv), one row a photograph.")],
    masks: Annotated[
        bool, typer.Option("--masks", help="The files are masks of vessels, not photographs: measure them as they are.")
    ] = False,
    recursive: Recursive = False,
    model: Model = None,
    threshold: Threshold = None,
    draw_like: DrawLike = None,
    fov: Annotated[
        str,
        typer.Option(
            "--fov",
            metavar="auto|full|FILE|DIR",
            help="Field of view: auto finds it in each photograph, full takes the whole picture (so does auto for "
            "masks); or a mask file, or a folder with a mask for each photograph.",
        ),
    ] = "auto",
    disc: Annotated[
        str | None,
        typer.Option(
            "--disc",
            metavar="ROW,COLUMN,RADIUS|auto",
            help="The optic disc in pixels, for zones and calibres around it; of an ellipse also the other half axis "
            "and the angle of the first one in degrees. auto looks for it in each photograph, and says its doubt.",
        ),
    ] = None,
    pixel_um: Annotated[
        float | None, typer.Option("--pixel-um", help="Width of a pixel on the retina in micrometres.")
    ] = None,
    pixel_source: Annotated[
        str | None,
        typer.Option("--pixel-source", help="Where the size of a pixel is known from; it is written into the table."),
    ] = None,
    disc_mm: Annotated[
        float | None,
        typer.Option(
            "--disc-mm",
            help="Take the size of a pixel from the optic disc (--disc, or that of a session or side-car), as if it "
            "were so wide: 1.8 is the usual assumption.",
        ),
    ] = None,
    segments: Annotated[
        Path | None, typer.Option("--segments", help="Folder for a table of the vessel segments of each photograph.")
    ] = None,
    error_bars: Annotated[
        bool, typer.Option(help="Measure at the threshold plus and minus 0.1, too: three times the work.")
    ] = True,
    mirrored: Annotated[
        bool,
        typer.Option(
            "--mirrored", help="Error bars over the mirrored photograph, too: the network runs four times on each."
        ),
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite existing files.")] = False,
    despite_doubts: Annotated[
        bool,
        typer.Option(
            "--despite-doubts",
            help="Also give the numbers that a doubt about the photograph makes meaningless, instead of the reason.",
        ),
    ] = False,
    device: Device = "auto",
    engine: EngineName = "torch",
    tta: Tta = "none",
    as_json: AsJson = False,
) -> int:
    """Measure the vessels of photographs, masks, or results of earlier runs.

    Results are side-cars (NAME.serr.json) and sessions (NAME.serr-session): their masks are measured as they were left,
    with the optic disc, the pixel size and the marks of vessels that they hold, and of corrected ones the table also
    says what each measure would be without the corrections. So it does for masks (--masks) with their side-car and
    their probabilities beside them. --disc, --pixel-um and --disc-mm win over what a result holds; the columns
    disc_from, pixel_from and marks_from say where each of them is from.

    Writes a table with one row for each file, also for those that cannot be measured, and beside it
    NAME_codebook.csv, which says what each column means. Lengths are in pixels unless --pixel-um is given.
    """
    if out.suffix.lower() != ".csv" or out.is_dir():
        raise UsageError(f"--out {display_path(out)} must be a file that ends in .csv.")
    asked = RuleChoice(threshold, draw_like=draw_like)
    device, tta = checked_device(device), checked_tta(tta)
    by = checked_engine(engine, device)
    if masks and (model is not None or asked.is_given or mirrored):
        raise UsageError(
            "--masks measures masks as they are; leave out --model, --threshold, --draw-like and --mirrored."
        )
    if mirrored and not error_bars:
        raise UsageError("--mirrored is for the error bars, which --no-error-bars leaves out.")
    choice = checked_fov(fov)
    circle, pixel = disc_of(disc, masks=masks), pixel_of(pixel_um, pixel_source)

    from core.inference.options import InferenceOptions
    from core.measuring import MeasureOptions, codebook_path, measure_files, refuse_other_codebook
    from core.models.catalogue import DEFAULT_MODEL, load_model

    inputs = measure_inputs(paths, masks=masks, recursive=recursive)
    has_choices = mirrored or model is not None or asked.is_given or fov != "auto"
    inputs.check(masks=masks, has_choices=has_choices, has_segments=segments is not None)
    pixel = assumed_pixel(disc_mm, pixel, has_disc=circle is not None or bool(inputs.results))
    inputs.tell_same_disc(circle)
    inputs.tell_unused()
    pictures = inputs.pictures
    loaded = None
    if inputs.photos and not masks:
        loaded = load_model(found_model(DEFAULT_MODEL if model is None else model))
    for folder in (out.parent, segments):  # before the work, not after it
        if folder is not None:
            ensure_folder(folder)
    places = _segment_places(pictures, segments)
    refuse_other_codebook(out)
    if not replace:
        _refuse_existing([out, codebook_path(out), *places.values()])
    lines = ResultLines()
    with monitored() as monitor:
        found = measure_files(
            pictures,
            loaded,
            fov=choice,
            inference=InferenceOptions(device=device, tta=tta, engine=by),
            rule=asked.of(loaded.card) if loaded else None,
            options=MeasureOptions(
                circle, pixel, error_bars, mirrored=mirrored, disc_mm=disc_mm, despite_doubts=despite_doubts
            ),
            monitor=monitor,
        )
        table = _collected(found, monitor, None if as_json else lines, with_segments=segments is not None)
    if table.cancelled and not table.rows:
        raise Cancelled("Nothing was measured, and nothing is written.")
    files = _written(table, out, places, error_bars=error_bars)
    if as_json:
        written = [path_text(path) for path in files]
        say_json({"files": written, "cancelled": table.cancelled, "rows": table.rows})
    if table.cancelled:
        raise Cancelled(f"{len(table.rows)} of {len(pictures)} are measured, in {display_path(out)}.")
    if not as_json:
        lines.say(f"{display_path(out)}: {len(table.rows)} rows; {display_path(files[1])} says what the columns mean.")
    if lines.problem:
        tell(f"serr: the measures are written to {display_path(out)}, but {lines.problem}")
    return 1 if inputs.given.failed or lines.problem or any(row["error"] for row in table.rows) else 0


@dataclass(slots=True)
class _Table:
    """What is written: the rows, and the segments of each picture as CSV. Not the measures: they hold pictures."""

    rows: list[dict[str, object]] = field(default_factory=list)
    segments: dict[Path, str] = field(default_factory=dict)
    cancelled: bool = False


def _collected(
    found: "Iterator[Measured]", monitor: ConsoleMonitor, lines: ResultLines | None, *, with_segments: bool
) -> _Table:
    """Measure one after the other, until the end or until it is cancelled, and say what comes."""
    from core.measuring import segments_csv

    table = _Table()
    try:
        for each in found:
            table.rows.append(each.row())
            if with_segments and each.measures is not None:
                table.segments[each.path] = segments_csv(each.measures)
            if each.error:
                monitor.note(each.error)
            elif lines is not None:
                lines.say(_line(each))
            if each.said:
                monitor.note(f"{display_path(each.path.name)}: {each.said}")
            for doubt in each.doubts:
                monitor.note(f"{display_path(each.path.name)}: {doubt}")
    except Cancelled:
        table.cancelled = True
    return table


def _line(each: "Measured") -> str:
    if each.measures is None:
        return ""
    length, width = (each.measures[name] for name in ("length/total/all/fov", "width/mean/all/fov"))
    said = [f"{len(each.measures.tree.vessels)} segments"]
    for name, measure in (("length", length), ("mean width", width)):
        known = not math.isnan(measure.value)
        said.append(f"{name} {measure.value:.5g} {measure.unit}" if known else f"no {name} ({measure.note})")
    return f"{display_path(each.path)}: {', '.join(said)}"


def _segment_places(photos: "Sequence[Path]", folder: Path | None) -> dict[Path, Path]:
    """Where the table of segments of each picture goes."""
    from core.photo.sibling_files import output_stems

    if folder is None:
        return {}
    return {path: folder / f"{stem}_segments.csv" for path, stem in output_stems(list(photos), folder).items()}


def _refuse_existing(files: "Sequence[Path]") -> None:
    """Before the long work: nothing is replaced without a word, neither the table nor what comes with it."""
    for path in files:
        if path.exists():
            raise UsageError(f"{display_path(path)} already exists; choose another name, or add --replace.")


def _written(table: _Table, out: Path, places: dict[Path, Path], *, error_bars: bool) -> list[Path]:
    """Write the table, its codebook and the tables of segments, all or none; the paths in this order."""
    from core.measuring import table_files

    segments = [(places[path], text) for path, text in table.segments.items()]
    files = table_files(table.rows, out, error_bars=error_bars, segments=segments)
    write_together(files)
    return [path for path, _ in files]
