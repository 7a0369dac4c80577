"""``serr measure``: widths, lengths, tortuosity, fractal dimension, branching and calibres of vessels, as a table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.console import UsageError, monitored, say, say_json, tell
from core.cli.options import (
    DEVICE_HELP,
    MODEL_HELP,
    THRESHOLD_HELP,
    TTA_HELP,
    checked_device,
    checked_threshold,
    checked_tta,
    found_model,
)
from core.files import display_path, ensure_folder, write_together

if TYPE_CHECKING:
    from core.measures.calibres import OpticDisc
    from core.measures.summary import PixelSize
    from core.measuring import Measured
    from core.photo.sibling_files import FovOption


def measure(
    *,
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Photographs, folders of them, or patterns.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Table to write (.csv), one row a photograph.")],
    masks: Annotated[
        bool, typer.Option("--masks", help="The files are masks of vessels, not photographs: measure them as they are.")
    ] = False,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Look through the sub-folders of folders as well.")
    ] = False,
    model: Annotated[str | None, typer.Option("--model", help=MODEL_HELP)] = None,
    threshold: Annotated[float | None, typer.Option("--threshold", help=THRESHOLD_HELP)] = None,
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
            "--disc", metavar="ROW,COLUMN,RADIUS", help="The optic disc in pixels, for zones and calibres around it."
        ),
    ] = None,
    pixel_um: Annotated[
        float | None, typer.Option("--pixel-um", help="Width of a pixel on the retina in micrometres.")
    ] = None,
    pixel_source: Annotated[
        str | None,
        typer.Option("--pixel-source", help="Where the size of a pixel is known from; it is written into the table."),
    ] = None,
    segments: Annotated[
        Path | None, typer.Option("--segments", help="Folder for a table of the vessel segments of each photograph.")
    ] = None,
    error_bars: Annotated[
        bool, typer.Option(help="Measure at the threshold plus and minus 0.1, too: three times the work.")
    ] = True,
    device: Annotated[str, typer.Option("--device", help=DEVICE_HELP)] = "auto",
    tta: Annotated[str, typer.Option("--tta", help=TTA_HELP)] = "none",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
) -> int:
    """Measure the vessels of photographs or masks.

    Writes a table with one row for each file, also for those that cannot be measured, and beside it
    NAME_codebook.csv, which says what each column means. Lengths are in pixels unless --pixel-um is given.
    """
    if out.suffix.lower() != ".csv":
        raise UsageError(f"--out {display_path(out)} must end in .csv.")
    checked_threshold(threshold)
    device, tta = checked_device(device), checked_tta(tta)
    if masks and (model is not None or threshold is not None):
        raise UsageError("--masks measures masks as they are; leave out --model and --threshold.")
    if fov not in {"auto", "full"} and not Path(fov).exists():
        raise UsageError(f"--fov {fov} is neither auto nor full nor an existing mask file or folder of masks.")
    circle, pixel = _disc(disc), _pixel(pixel_um, pixel_source)

    from core.cli.inputs import find_masks, find_photos
    from core.inference.predictor import InferenceOptions
    from core.measuring import MeasureOptions, measure_files
    from core.models.catalogue import DEFAULT_MODEL, load_model
    from core.types import ThresholdRule

    inputs = find_masks(paths, recursive=recursive) if masks else find_photos(paths, recursive=recursive)
    for sentence in (*(sentence for _, sentence in inputs.failed), *inputs.notes):
        tell(f"serr: {sentence}")
    if segments is not None:
        ensure_folder(segments)
    loaded = None if masks else load_model(found_model(DEFAULT_MODEL if model is None else model))
    choice: FovOption = fov if fov in {"auto", "full"} else Path(fov)  # type: ignore[assignment]
    with monitored() as monitor:
        rows = measure_files(
            inputs.photos,
            loaded,
            fov=choice,
            inference=InferenceOptions(device=device, tta=tta),
            rule=None if threshold is None else ThresholdRule.nearest(threshold),
            options=MeasureOptions(circle, pixel, error_bars),
            finished=None if as_json else _tell_row,
            monitor=monitor,
        )
    files = _written(rows, out, segments, pixel, error_bars=error_bars)
    if as_json:
        say_json({"files": [str(path) for path in files], "rows": [row.row() for row in rows]})
    else:
        say(f"{display_path(out)}: {len(rows)} rows; {display_path(files[1])} says what the columns mean.")
    return 1 if inputs.failed or any(row.error for row in rows) else 0


def _tell_row(row: "Measured") -> None:
    if row.error:
        tell(f"serr: {row.error}")
    elif row.measures is not None:
        width, length = row.measures["width/mean/all/fov"], row.measures["length/total/all/fov"]
        say(
            f"{display_path(row.path)}: {len(row.measures.tree.vessels)} segments, length {length.value:.5g} "
            f"{length.unit}, mean width {width.value:.3g} {width.unit}"
        )


def _written(
    rows: "list[Measured]", out: Path, segments: Path | None, pixel: "PixelSize | None", *, error_bars: bool
) -> list[Path]:
    """Write the table, its codebook and the tables of segments, all or none; the paths in this order."""
    from core.evaluation.csv_text import csv_text
    from core.measuring import codebook, columns, segment_rows
    from core.photo.sibling_files import output_stems

    ensure_folder(out.parent)
    tables = [
        (out, csv_text(columns(error_bars=error_bars), [row.row() for row in rows])),
        (out.with_name(f"{out.stem}_codebook.csv"), csv_text(["name", "unit", "description"], codebook(pixel))),
    ]
    if segments is not None:
        stems = output_stems([row.path for row in rows], segments)
        for row in rows:
            if row.measures is not None:
                lines = list(segment_rows(row.measures))
                tables.append((segments / f"{stems[row.path]}_segments.csv", csv_text(list(lines[0]), lines)))
    write_together([(path, text.encode()) for path, text in tables])
    return [path for path, _ in tables]


def _disc(text: str | None) -> "OpticDisc | None":
    if text is None:
        return None
    from core.measures.calibres import OpticDisc

    try:
        row, column, radius = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"--disc {text} is not understood: give row, column and radius in pixels, such as 290,480,38."
        ) from None
    return OpticDisc(row, column, radius)


def _pixel(um: float | None, source: str | None) -> "PixelSize | None":
    if um is None and source is None:
        return None
    from core.measures.summary import PixelSize

    if um is None or source is None:
        raise UsageError("--pixel-um and --pixel-source belong together: a size of a pixel needs its source.")
    return PixelSize(um, source)
