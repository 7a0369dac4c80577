"""``serr watch``: photographs that a camera drops are segmented as they arrive."""

from pathlib import Path
from typing import Annotated

import typer

from core.cli.batch import AsFloat, EngineName, Fov, MinPixels, NewOptions, RetryFailed, Save, Tta
from core.cli.batch_report import report
from core.cli.batch_work import go_behind, planned_batch
from core.cli.console import UsageError, monitored
from core.cli.options import AsJson, Device, Model, Out, checked_device
from core.cli.rule_options import DrawLike, Low, Threshold
from core.errors import InputError
from core.files import display_path
from core.progress import Cancelled


def watch(
    *,
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR", help="Folders into which photographs are written, with all below.")
    ],
    out: Out,
    model: Model = None,
    threshold: Threshold = None,
    draw_like: DrawLike = None,
    low: Low = None,
    min_pixels: MinPixels = None,
    fov: Fov = None,
    tta: Tta = None,
    engine: EngineName = None,
    save: Save = None,
    as_float: AsFloat = None,
    device: Device = "auto",
    settle: Annotated[
        float,
        typer.Option(
            "--settle",
            metavar="SECONDS",
            min=0,
            max=3600,
            help="For how long a file must not have changed to be taken for complete.",
        ),
    ] = 2.0,
    every: Annotated[
        float, typer.Option("--every", metavar="SECONDS", min=0.1, max=86400, help="How often to look.")
    ] = 2.0,
    new_options: NewOptions = False,
    retry_failed: RetryFailed = False,
    as_json: AsJson = False,
) -> int:
    """Segment photographs as they arrive in folders, until Ctrl+C.

    What is there already is done first. Only files that are complete are taken: those whose size and time of change
    have stayed the same for a while. Bad files are reported, and tried again when they change. The same command
    started again continues, and 'serr batch status DIR' says how it is. Network shares will do.
    """
    from core.batch.stores import address_of

    device = checked_device(device)
    go_behind()
    watched = []
    for path in folders:
        if address_of(path) is not None:
            raise UsageError(
                "object stores cannot be watched. Start 'serr batch run' from time to time: it does the rest."
            )
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{display_path(folder)} is not a folder that could be watched. Make it, or name another.")
        watched.append(folder.resolve() if ".." in folder.parts else folder.absolute())
    from core.batch.control import running
    from core.batch.places import common_root
    from core.batch.refresh import refresh
    from core.batch.summary import refuse_other_summary, write_summary
    from core.batch.watching import watch as watch_folders
    from core.inference.memory import share_freed
    from core.models.catalogue import find_model, load_model

    given = {
        **{"model": model, "threshold": threshold, "draw_like": draw_like, "low": low, "min_pixels": min_pixels},
        **{"fov": fov, "tta": tta, "engine": engine, "save": save, "as_float": as_float},
    }
    planned, _ = planned_batch((), common_root(watched), out, given, new_options=new_options, watched=watched)
    refuse_other_summary(planned)
    share_freed()
    loaded = load_model(find_model(planned.options.model))
    if retry_failed:
        for shard in planned.all_shards:
            with planned.open(shard) as manifest:
                refresh(planned, manifest, retry_failed=True)
    summary = None
    with monitored() as console:
        try:
            with running(planned.control_folder, console) as monitor:
                try:
                    watch_folders(
                        planned,
                        loaded,
                        device=device,
                        monitor=monitor,
                        summarize=lambda: write_summary(planned),
                        settle_s=settle,
                        every_s=every,
                    )
                finally:
                    summary = write_summary(planned)
        except Cancelled:  # the only way in which it is meant to end
            pass
    report(planned, as_json, summary=summary, shards=planned.all_shards)
    return 0
