"""``serr enhance``: clearer or larger pictures of photographs, which say of themselves that they are enhanced."""

from typing import Annotated

import typer

from core.cli.console import ResultLines, UsageError, monitored, say_json, tell
from core.cli.options import AsJson, Device, Out, Photos, Recursive, checked_device, checked_out
from core.files import display_path, path_text
from core.progress import Cancelled
from core.startup import importing


def enhance(
    *,
    paths: Photos,
    out: Out,
    scale: Annotated[
        int | None,
        typer.Option("--scale", help="1 restores a photograph on its own grid, 2 doubles its sides; 1 by default."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="An enhancement network (name or weights file) in place of the program's own."),
    ] = None,
    recursive: Recursive = False,
    device: Device = "auto",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write over enhanced pictures of other photographs, too.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Enhance photographs by a network (ESRGAN).

    Writes into --out, for each photograph: STEM_enhanced.png and STEM_enhanced.enhanced.json, which says how the
    picture was made. An enhanced picture is for looking at: what it shows may be invented. Masks and measures belong to
    the original photograph.
    """
    if scale not in (None, 1, 2):
        raise UsageError(f"--scale {scale} is not known; choose 1 or 2.")
    checked_out(out)
    device = checked_device(device)
    with importing():
        from core.cli.inputs import photo_inputs
        from core.enhancement.enhancer import EnhanceOptions, load_enhancer
        from core.enhancement.files import EnhancedFile, enhance_files

    inputs = photo_inputs(paths, recursive=recursive)
    inputs.tell_rest()
    enhancer = load_enhancer(model, scale=2 if scale == 2 else 1)
    if scale not in (None, enhancer.scale):
        raise UsageError(f"--scale {scale} contradicts --model: {enhancer.card.name} has the scale {enhancer.scale}.")
    lines = ResultLines()

    def say_done(item: EnhancedFile) -> None:
        where = ", ".join(display_path(path) for path in item.files.values())
        lines.say(f"{display_path(item.path)}: {item.width} x {item.height} pixels; {where}")

    with monitored() as monitor:
        report = enhance_files(
            inputs.photos,
            out,
            enhancer,
            options=EnhanceOptions(device=device),
            overwrite=overwrite,
            finished=None if as_json else say_done,
            monitor=monitor,
        )
    failed = (*inputs.failed, *report.failed)
    if as_json:
        say_json(
            {
                "out": path_text(out),
                "cancelled": report.cancelled,
                "network": {"name": enhancer.card.name, "sha256": enhancer.sha256, "scale": enhancer.scale},
                "done": [
                    {
                        "photo": path_text(item.path),
                        "files": {kind: path_text(path) for kind, path in item.files.items()},
                        **{"width": item.width, "height": item.height, "seconds": item.seconds},
                        "notes": list(item.notes),
                    }
                    for item in report.done
                ],
                "failed": [{"photo": path_text(path), "why": why} for path, why in failed],
            }
        )
    if report.cancelled:
        raise Cancelled(f"{len(report.done)} of {len(inputs.photos)} photographs are done, in {display_path(out)}.")
    if not as_json and failed:
        tell(f"serr: {len(report.done)} done, {len(failed)} failed.")
    if lines.problem:
        tell(f"serr: the pictures are written to {display_path(out)}, but {lines.problem}")
    return 1 if failed or lines.problem else 0
