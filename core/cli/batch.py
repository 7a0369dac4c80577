"""``serr batch``: cohorts of any size, as one command that may be killed at any time, or as shards on a cluster."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from core.cli.batch_report import report, say_plan
from core.cli.batch_work import continued_batch, go_behind, planned_batch, tried_batch, work_through
from core.cli.console import UsageError, monitored, say, say_json
from core.cli.options import (
    ENGINE,
    FLOAT_HELP,
    OUT,
    TTA,
    AsJson,
    Device,
    Model,
    checked_device,
)
from core.cli.rule_options import MIN_PIXELS, DrawLike, Low, Threshold
from core.files import display_path, path_text

if TYPE_CHECKING:
    from core.batch.plan import Batch

_MOST_WORKERS: Final = 256

batch = typer.Typer(
    help="Thousands of photographs: killed at any time and started again, nothing is lost and nothing done twice."
)

Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH",
        help="Folders (with all below), photographs, patterns, or lists: CSV with a column of paths, or text with a "
        "path in each line; or zip archives; or addresses in an object store (s3://bucket/folder, gs://, az://). Or "
        "alone, without --out: the folder of a batch, to continue it.",
    ),
]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a batch: what --out was, or --work.")]
Work = Annotated[
    Path | None,
    typer.Option(
        "--work",
        metavar="DIR",
        help="Where the manifests are kept, if --out is in an object store.",
        show_default="in your data folder",
    ),
]
Column = Annotated[
    str | None,
    typer.Option("--column", help="The column of lists with the paths.", show_default="path, file, image ..."),
]
MinPixels = Annotated[int | None, MIN_PIXELS]
Fov = Annotated[
    str | None,
    typer.Option(
        "--fov", metavar="auto|full|FILE|DIR", help="Field of view, as of 'serr segment'.", show_default="auto"
    ),
]
Tta = Annotated[str | None, TTA]
EngineName = Annotated[str | None, ENGINE]
Save = Annotated[
    str | None,
    typer.Option(
        "--save",
        metavar="KIND,...",
        help="What to write, of mask, probability, overlay; the side-car always.",
        show_default="all",
    ),
]
AsFloat = Annotated[bool | None, typer.Option("--float/--no-float", help=FLOAT_HELP, show_default=False)]
Devices = Annotated[
    str,
    typer.Option(
        "--device",
        help="auto (all graphics processors, a process for each, else the CPU), cpu, cuda, cuda:1, mps; several with "
        "commas, such as cuda:0,cuda:1.",
    ),
]
Workers = Annotated[
    str,
    typer.Option(
        "--workers",
        metavar="N|auto",
        help="Processes for each device. More than one keep a graphics processor busy, and the cores of a large "
        "machine; auto: as many as cores and memory allow.",
    ),
]
NewOptions = Annotated[
    bool,
    typer.Option("--new-options", help="Make what is done again where these options are others than the batch's."),
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Try photographs that failed again.")]
Parquet = Annotated[
    bool, typer.Option("--parquet", help="Write the summary as summary.parquet, too; needs the package pyarrow.")
]


def _percent(text: str | float) -> float:
    """A share of the photographs: "5", "5%" or "0.5 %"; the default comes as a number."""
    try:
        share = float(str(text).strip().removesuffix("%"))
    except ValueError:
        share = -1.0
    if not 0 <= share <= 100:
        raise typer.BadParameter(f"{text} is not a number from 0 to 100 percent")
    return share


def _workers(text: str) -> int | None:
    """How many processes for each device; None for "auto"."""
    if text.strip().lower() == "auto":
        return None
    if not text.strip().isdecimal() or not 1 <= int(text) <= _MOST_WORKERS:
        raise UsageError(f"--workers {text} is not a number from 1 to {_MOST_WORKERS}, nor auto.")
    return int(text)


@batch.command("run")
def run_command(
    *,
    paths: Paths,
    out: Annotated[Path | None, OUT] = None,
    work: Work = None,
    shard: Annotated[
        int | None, typer.Option("--shard", min=1, help="Only this shard of 'serr batch plan'.", show_default=False)
    ] = None,
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
    column: Column = None,
    device: Devices = "auto",
    workers: Workers = "1",
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster",
            metavar="local|tcp://HOST:PORT",
            help="Work on a Dask cluster: the address of its scheduler, or local for a process for each core.",
            show_default=False,
        ),
    ] = None,
    max_bad: Annotated[
        float,
        typer.Option(
            "--max-failed",
            "--max-bad",
            metavar="PERCENT",
            parser=_percent,
            help="Stop when more of the photographs failed, as 5 or 5%.",
        ),
    ] = 100.0,
    new_options: NewOptions = False,
    retry_failed: RetryFailed = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Compare the hashes of all photographs and results; make again what differs."),
    ] = False,
    parquet: Parquet = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and write nothing.")] = False,
    as_json: AsJson = False,
) -> int:
    """Find the vessels in a cohort, or continue one.

    Results mirror the folders of the photographs; summary.csv has a row for each. The same command started again
    continues: photographs that are done and unchanged are left alone. Options that are not given are the batch's.
    """
    devices = [checked_device(each) for each in device.split(",")]
    if len(devices) > 1 and cluster is not None:
        raise UsageError("--cluster and several devices do not go together: the workers of a cluster have their own.")
    each = _workers(workers)
    if each != 1 and cluster is not None:
        raise UsageError("--cluster and --workers do not go together: the cluster says how many workers it has.")
    go_behind()
    _check_parquet(parquet)

    def begin(planned: "Batch") -> int:
        return work_through(
            planned,
            shard=shard,
            devices=devices,
            workers=each,
            cluster=cluster,
            max_bad=max_bad,
            retry_failed=retry_failed,
            check=check,
            parquet=parquet,
            as_json=as_json,
        )

    given = {
        **{"model": model, "threshold": threshold, "draw_like": draw_like, "low": low, "min_pixels": min_pixels},
        **{"fov": fov, "tta": tta, "engine": engine, "save": save, "as_float": as_float},
    }
    if out is None:
        if any(value is not None for value in given.values()) or column is not None or dry_run:
            raise UsageError("--out is missing: the folder for the results.")
        return begin(continued_batch(paths, work))
    from core.cli.batch_inputs import gather, where_of

    folder, store = where_of(out, work)
    with gather(paths, column, folder, dry=dry_run, store=store) as gathered:
        if dry_run:
            tried = tried_batch(
                gathered.root,
                folder,
                given,
                new_options=new_options,
                store=store,
                shard=shard,
                devices=devices,
                workers=each,
                cluster=cluster,
                parquet=parquet,
            )
            return say_plan(gathered, tried, as_json)
        failed = gathered.failed
        planned, _ = planned_batch(gathered.photos, gathered.root, folder, given, new_options=new_options, store=store)
    return max(begin(planned), 1 if failed else 0)


@batch.command()
def plan(
    *,
    paths: Paths,
    out: Annotated[Path, OUT],
    work: Work = None,
    shards: Annotated[int, typer.Option("--shards", min=2, max=9999, help="Into how many parts to divide it.")],
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
    column: Column = None,
    new_options: NewOptions = False,
    as_json: AsJson = False,
) -> int:
    """Divide a cohort into shards, and write scripts that run them: for Slurm, for PBS, and for a plain shell.

    Then 'serr batch run DIR --shard 3' does one of them, on any machine that sees the photographs and the folder. The
    same command with more photographs adds these.
    """
    from core.cli.batch_inputs import gather, where_of

    folder, store = where_of(out, work)
    given = {
        **{"model": model, "threshold": threshold, "draw_like": draw_like, "low": low, "min_pixels": min_pixels},
        **{"fov": fov, "tta": tta, "engine": engine, "save": save, "as_float": as_float},
    }
    with gather(paths, column, folder, store=store) as gathered:
        count, failed = len(gathered.photos), gathered.failed
        planned, new = planned_batch(
            gathered.photos, gathered.root, folder, given, shards=shards, new_options=new_options, store=store
        )
    from core.batch.scripts import write_scripts
    from core.cli.batch_inputs import program

    scripts = write_scripts(planned, program())
    if as_json:
        say_json(
            {
                "out": store or path_text(folder),
                "photographs": count,
                "new": new,
                "shards": shards,
                "scripts": [path_text(path) for path in scripts],
            }
        )
    else:
        say(f"{planned.where}: {count:,} photographs, {new:,} of them new, in {shards} shards.")
        for path in scripts:
            say(f"  {display_path(path)}")
    return 1 if failed else 0


@batch.command()
def status(folder: Folder, as_json: AsJson = False) -> int:
    """Say how a batch is: whether it runs, how many are done, and which failed and why."""
    from core.batch.plan import find_batch
    from core.cli.batch_inputs import where_of

    found = find_batch(where_of(folder)[0])
    report(found, as_json, summary=None, is_status=True)
    return 0


@batch.command()
def collect(folder: Folder, parquet: Parquet = False, as_json: AsJson = False) -> int:
    """Join what all shards say into summary.csv, and say what is missing. Ends with 1 where something is."""
    from core.batch.plan import find_batch
    from core.batch.summary import write_summary
    from core.cli.batch_inputs import where_of

    _check_parquet(parquet)
    found = find_batch(where_of(folder)[0])
    counts = report(found, as_json, summary=write_summary(found, parquet=parquet))
    return 1 if found.missing or any(counts[state] for state in ("waiting", "running", "failed")) else 0


@batch.command(hidden=True)
def part(
    folder: Folder,
    shard: Annotated[int, typer.Option("--shard", min=1)],
    device: Device = "auto",
    max_bad: Annotated[float, typer.Option("--max-failed")] = 100.0,
) -> None:
    """Work on a shard beside others: the command of a process that 'serr batch run' starts for a device."""
    from core.batch.devices import run_part
    from core.batch.plan import find_batch
    from core.inference.memory import share_freed
    from core.models.catalogue import find_model, load_model

    planned = find_batch(folder)
    model = load_model(find_model(planned.options.model))
    share_freed()
    with monitored() as monitor:
        run_part(planned, shard, model, device=checked_device(device), most_bad=max_bad, monitor=monitor)


def _check_parquet(parquet: bool) -> None:
    """Now, not after days of work."""
    if parquet:
        from core.batch.summary import check_parquet

        check_parquet()
