"""``serr segment``: find the vessels in photographs and write masks, probabilities, overlays and side-cars."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.console import ResultLines, monitored, say_json, tell
from core.cli.options import (
    ALL_KINDS,
    AsFloat,
    AsJson,
    Device,
    EngineName,
    Model,
    Out,
    Photos,
    Recursive,
    Save,
    Tta,
    checked_device,
    checked_engine,
    checked_fov,
    checked_kinds,
    checked_out,
    checked_tta,
    export_choices,
    found_model,
)
from core.cli.rule_options import MIN_PIXELS, DrawLike, Low, RuleChoice, Threshold
from core.files import display_path, path_text
from core.progress import Cancelled
from core.startup import importing

if TYPE_CHECKING:
    from core.models.deferred import KnownModel
    from core.segment import BatchItem
    from core.segment_files import BatchReport


def segment(
    *,
    paths: Photos,
    out: Out,
    recursive: Recursive = False,
    model: Model = None,
    threshold: Threshold = None,
    draw_like: DrawLike = None,
    low: Low = None,
    min_pixels: Annotated[int, MIN_PIXELS] = 0,
    fov: Annotated[
        str,
        typer.Option(
            "--fov",
            metavar="auto|full|FILE|DIR",
            help="Field of view: auto finds it in each photograph, full takes the whole photograph; or a mask file, or "
            "a folder with a mask for each photograph.",
        ),
    ] = "auto",
    device: Device = "auto",
    engine: EngineName = "torch",
    tta: Tta = "none",
    save: Save = ALL_KINDS,
    as_float: AsFloat = False,
    doubt: Annotated[
        bool,
        typer.Option(
            "--doubt",
            help="Write a doubt map, too: how much the network's answer changes with changes of the photograph that "
            "should not matter. Takes seven times as long.",
        ),
    ] = False,
    skip_existing: Annotated[
        bool,
        typer.Option(
            "--skip-existing",
            help="Leave photographs alone that have all their results already, made as they would be now.",
        ),
    ] = False,
    overwrite_edited: Annotated[
        bool,
        typer.Option("--overwrite-edited", help="Write over masks that were corrected since, too."),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Write over files of which no side-car says which photograph they belong to, too."
        ),
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Find the vessels in photographs.

    Writes into --out, for each photograph: STEM_mask.png (0 and 255), STEM_probability.png (16 bit), STEM_overlay.png
    and STEM.serr.json (how the result was made). A file that cannot be used does not stop the others.
    """
    kinds = checked_kinds(save)
    checked_out(out)
    asked = RuleChoice(threshold, low, min_pixels, draw_like)
    device, tta = checked_device(device), checked_tta(tta)
    by = checked_engine(engine, device)
    choice = checked_fov(fov)

    with importing():
        from core.cli.inputs import photo_inputs
        from core.inference.memory import share_freed
        from core.inference.options import InferenceOptions
        from core.models.catalogue import DEFAULT_MODEL
        from core.models.deferred import DeferredModel
        from core.segment_files import BatchCancelled, segment_files

    weights = found_model(DEFAULT_MODEL if model is None else model)
    inputs = photo_inputs(paths, recursive=recursive)
    inputs.tell_rest()
    known = DeferredModel(weights)
    rule = asked.of(known.card)
    lines = ResultLines()
    share_freed()
    with monitored() as monitor:
        try:
            report = segment_files(
                inputs.photos,
                out,
                known,
                fov=choice,
                options=InferenceOptions(device=device, tta=tta, engine=by),
                rule=rule,
                export=replace(export_choices(kinds, as_float), doubt=doubt),
                skip_existing=skip_existing,
                overwrite_edited=overwrite_edited,
                overwrite=overwrite,
                finished=None if as_json else lambda item: lines.say(_line(item)),
                monitor=monitor,
            )
        except BatchCancelled as cancelled:
            report = cancelled.report
            if as_json:
                say_json(_as_json(report, (*inputs.failed, *report.failed), out, known, cancelled=True))
            raise Cancelled(_left_over(report, len(inputs.photos), out)) from None
    failed = (*inputs.failed, *report.failed)
    if as_json:
        say_json(_as_json(report, failed, out, known))
    else:
        for _, why in report.skipped:
            tell(f"serr: {why}")
        if failed:
            tell(f"serr: {len(report.done)} done, {len(failed)} failed.")
        if lines.problem:
            tell(f"serr: the results are written to {display_path(out)}, but {lines.problem}")
    return 1 if failed or lines.problem else 0


def _left_over(report: "BatchReport", count: int, out: Path) -> str:
    """What a cancelled batch has done, in a sentence."""
    finished = len(report.done) + len(report.skipped) + len(report.failed)
    if not report.done:
        return "No photograph was finished."
    return (
        f"{finished} of {count} photographs were through; their results are whole, in {display_path(out)}. "
        "The same command with --skip-existing does the others."
    )


def _line(item: "BatchItem") -> str:
    files = ", ".join(display_path(path) for path in item.files.values())
    return f"{display_path(item.path)}: {item.vessel_share:.1%} vessels; {files}"


def _as_json(
    report: "BatchReport",
    failed: tuple[tuple[Path, str], ...],
    out: Path,
    model: "KnownModel",
    *,
    cancelled: bool = False,
) -> dict[str, object]:
    return {
        "out": path_text(out),
        "cancelled": cancelled,
        "model": {"name": model.card.name, "sha256": model.sha256},
        "done": [
            {
                "photo": path_text(item.path),
                "stem": item.stem,
                "files": {kind: path_text(path) for kind, path in item.files.items()},
                "threshold": item.threshold,
                "low": item.low,
                "min_pixels": item.min_pixels,
                "drawing_style": item.style,
                "vessel_share": item.vessel_share,
                "field_of_view": item.fov_origin,
                "device": item.device,
                "seconds": item.seconds,
                "notes": list(item.notes),
                "doubts": [{"kind": doubt.kind, "text": doubt.text} for doubt in item.doubts],
                "again": item.again,
            }
            for item in report.done
        ],
        "skipped": [{"photo": path_text(path), "why": why} for path, why in report.skipped],
        "failed": [{"photo": path_text(path), "why": why} for path, why in failed],
    }
