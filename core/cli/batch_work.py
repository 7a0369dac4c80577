"""What the commands of ``serr batch`` and ``serr watch`` do alike: planning, continuing and working through a batch."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli.batch_report import report
from core.cli.console import UsageError, monitored
from core.files import display_path
from core.progress import Cancelled

if TYPE_CHECKING:
    from core.batch.gathering import Gathering
    from core.batch.lists import Listed
    from core.batch.options import BatchOptions
    from core.batch.plan import Batch


def go_behind() -> None:
    """Let every other program go first, where the window has started this one."""
    from core.batch.control import is_background

    if is_background():
        from core.jobs.process import step_back

        step_back()


def continued_batch(paths: Sequence[str], work: Path | None) -> "Batch":
    """The batch of the folder that is given alone. Raises UsageError where there is none."""
    from core.batch.plan import known_batch
    from core.cli.batch_inputs import where_of

    folder, _ = where_of(Path(paths[0]), work)
    found = known_batch(folder) if len(paths) == 1 and folder.is_dir() else None
    if found is None:
        why = f" ({display_path(folder)} has no batch that could be continued)" if len(paths) == 1 else ""
        raise UsageError(f"--out is missing: the folder for the results{why}.")
    return found


def planned_batch(
    photos: "Iterable[Listed] | Gathering",
    root: Path,
    out: Path,
    given: dict[str, Any],
    *,
    shards: int | None = None,
    new_options: bool,
    watched: Sequence[Path] = (),
    store: str = "",
) -> tuple["Batch", int]:
    """Plan a batch, or continue one; returns how many photographs are new, too. Raises UsageError, SerrError."""
    from core.batch.plan import plan_batch

    before, options = _asked(out, given, new_options=new_options)
    known = before.shards if before is not None else 1
    shards = known if shards is None else shards
    return plan_batch(photos, root, out, options, shards=shards, watched=watched, store=store)


def tried_batch(
    root: Path,
    out: Path,
    given: dict[str, Any],
    *,
    new_options: bool,
    store: str,
    shard: int | None,
    devices: Sequence[str],
    workers: int | None,
    cluster: str | None,
    parquet: bool,
) -> "Batch":
    """The batch that ``planned_batch`` would plan, and ``work_through`` work on; nothing is written.

    Raises
    ------
    UsageError, SerrError : what they would refuse.
    """
    from core.batch.plan import BATCH_FOLDER, Batch, check_same
    from core.files import check_folder

    before, options = _asked(out, given, new_options=new_options)
    check_folder(out)
    check_folder(out / BATCH_FOLDER)
    if before is None:
        batch = Batch(out, root, 1, options, store=store)
    else:
        check_same(before, before.shards, store)
        batch = replace(before, options=options)
    _check(batch, shard, parquet=parquet)
    _worker(batch, devices, workers, cluster)
    return batch


def _asked(out: Path, given: dict[str, Any], *, new_options: bool) -> "tuple[Batch | None, BatchOptions]":
    """The batch that a folder has, and the options that are asked for. Raises UsageError, SerrError."""
    from core.batch.plan import known_batch
    from core.cli.batch_inputs import options_of

    before = known_batch(out)
    options = options_of(given, None if before is None else before.options)
    differences = options.differences(before.options) if before is not None else ()
    if differences and not new_options:
        raise UsageError(
            f"the batch in {display_path(out)} was made with other options: {'; '.join(differences)}. Leave them out "
            "to continue it, choose another --out, or add --new-options to make what is done again."
        )
    return before, options


def _check(planned: "Batch", shard: int | None, *, parquet: bool) -> None:
    """Now, not after days of work. Raises UsageError where there is no such shard, OutputError."""
    from core.batch.summary import refuse_other_summary

    if shard is not None and shard > planned.shards:
        raise UsageError(f"--shard {shard} is not there: the batch has the shards 1 to {planned.shards}.")
    if shard is None:
        refuse_other_summary(planned, parquet=parquet)


def work_through(
    planned: "Batch",
    *,
    shard: int | None,
    devices: Sequence[str],
    workers: int | None,
    cluster: str | None,
    max_bad: float,
    retry_failed: bool,
    check: bool,
    parquet: bool,
    as_json: bool,
) -> int:
    """Work on a batch, or on one of its shards, and say how it ended; returns the exit code.

    Parameters
    ----------
    workers : processes for each device; None: as many as cores and memory allow.

    Raises
    ------
    UsageError : there is no such shard. Cancelled : it was asked to end. SerrError.
    """
    from core.batch.control import running
    from core.batch.refresh import refresh
    from core.batch.summary import write_summary
    from core.inference.memory import share_freed

    share_freed()
    _check(planned, shard, parquet=parquet)
    work = _worker(planned, devices, workers, cluster)
    shards = planned.all_shards if shard is None else (shard,)
    cancelled, summary = False, None
    with monitored() as console:
        try:
            with running(planned.control_folder, console) as monitor:
                try:
                    for each in shards:
                        with planned.open(each) as manifest:
                            changes = refresh(planned, manifest, retry_failed=retry_failed, check=check)
                        for sentence in changes.sentences:
                            monitor.note(sentence)
                        work(planned, each, most_bad=max_bad, monitor=monitor)
                finally:
                    summary = write_summary(planned, parquet=parquet) if shard is None else None
        except Cancelled:
            cancelled = True
    counts = report(planned, as_json, summary=summary, shards=shards, cancelled=cancelled)
    if cancelled:
        raise Cancelled("What is done stays done; the same command continues.")
    return 1 if counts["failed"] or counts["waiting"] else 0


def _worker(planned: "Batch", devices: Sequence[str], workers: int | None, cluster: str | None) -> Callable[..., None]:
    """What does a shard: this process, one or more for each device, or a cluster. Raises SerrError where it cannot."""
    from core.batch.cluster import check_cluster, run_on_cluster
    from core.batch.devices import run_on_devices, usable_devices, workers_by_itself
    from core.batch.run import run_shard
    from core.batch.wanted import wanted_by
    from core.models.catalogue import find_model, load_model

    model = load_model(find_model(planned.options.model))
    if cluster is not None:
        check_cluster()
        return partial(run_on_cluster, address=cluster, device=devices[0])
    wanted_by(planned.options, model, devices[0])
    usable = usable_devices(devices, planned.options.engine)
    usable *= workers_by_itself(usable) if workers is None else workers
    if len(usable) > 1:
        return partial(run_on_devices, devices=usable)
    return partial(run_shard, model=model, device=usable[0])
