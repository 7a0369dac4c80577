"""What ``serr batch`` and ``serr watch`` say of a batch."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.cli.console import say, say_json, tell
from core.files import display_path, path_text

if TYPE_CHECKING:
    from core.batch.plan import Batch
    from core.cli.batch_inputs import Gathered

_SHOWN: Final = 20


def say_plan(gathered: "Gathered", out: Path, as_json: bool) -> int:
    """Say which photographs are found and where their results would go; the exit code."""
    from core.batch.places import new_places
    from core.batch.plan import known_batch
    from core.batch.stores import place_shown, place_text

    before, there = known_batch(out), dict[Path, str]()
    for shard in () if before is None else before.all_shards:
        with before.open(shard, read_only=True) as manifest:  # type: ignore[union-attr]
            there |= manifest.places()
    paths = [photo.path for photo in gathered.photos]
    new = new_places(paths, gathered.root if before is None else before.root, there)
    where = {path: new.get(path) or there[path] for path in paths}
    if as_json:
        say_json(
            {
                "out": path_text(out),
                "photographs": [
                    {"photo": place_text(path), "result": place, "new": path in new} for path, place in where.items()
                ],
            }
        )
    else:
        say(f"{len(paths):,} photographs, {len(new):,} of them new in {display_path(out)}. Nothing is written.")
        for path, place in list(where.items())[:_SHOWN]:
            say(f"  {place_shown(path)} -> {display_path(place)}")
        if len(where) > _SHOWN:
            say(f"  ... and {len(where) - _SHOWN:,} more")
    return 1 if gathered.failed else 0


def report(
    planned: "Batch",
    as_json: bool,
    *,
    summary: Path | None,
    shards: "range | tuple[int, ...] | None" = None,
    cancelled: bool = False,
    is_status: bool = False,
) -> dict[str, int]:
    """Say how many photographs are in each state and which failed; the numbers."""
    from core.batch.manifest import STATES
    from core.batch.status import batch_status
    from core.batch.stores import place_shown, place_text

    counts: dict[str, int] = dict.fromkeys(STATES, 0)
    failed: list[tuple[Path, str]] = []
    for shard in planned.all_shards if shards is None else shards:
        if shard in planned.missing:
            continue
        with planned.open(shard, read_only=True) as manifest:
            for state, count in manifest.counts().items():
                counts[state] += count
            failed += [(item.path, item.outcome.reason) for item in manifest.items("failed")]
    about = batch_status(planned) if is_status else None
    if as_json:
        say_json(
            {
                "out": planned.store or path_text(planned.folder),
                **({"work": path_text(planned.folder)} if planned.store else {}),
                **({} if about is None else {"state": about.word, "problem": about.problem}),
                **({} if about is None else {"doubtful": about.doubtful}),
                "model": {"name": planned.options.model_name, "sha256": planned.options.model_sha256},
                "shards": planned.shards,
                "missing_shards": list(planned.missing),
                "counts": counts,
                "cancelled": cancelled,
                "summary": None if summary is None else path_text(summary),
                "failed": [{"photo": place_text(path), "why": why} for path, why in failed],
            }
        )
        return counts
    if isinstance(shards, range | tuple):  # the failures were said when they happened
        failed = []
    total = sum(counts.values())
    parts = [f"{count:,} {state}" for state, count in counts.items() if count]
    say(f"{planned.where}: {total:,} photographs: {', '.join(parts) or 'none'}.")
    if about is not None:
        doubts = f", {about.doubtful:,} of the results are doubtful" if about.doubtful else ""
        say(f"  {about.word}{doubts}. {about.problem}".rstrip())
    for path, why in failed[:_SHOWN]:
        say(f"  {place_shown(path)}: {why}")
    if len(failed) > _SHOWN:
        say(f"  ... and {len(failed) - _SHOWN:,} more that failed")
    for shard in planned.missing:
        tell(f"serr: shard {shard} is missing: plan the batch again with the same photographs.")
    if summary is not None:
        _say_older_table(summary)
        say(f"  {display_path(f'{planned.store}/{summary.name}' if planned.store else summary)}")
    return counts


def _say_older_table(summary: Path) -> None:
    """Say that a Parquet table is not what the summary is now, as where it cannot be written here."""
    from core.batch.summary import PARQUET

    table = summary.with_name(PARQUET)
    if table.is_file() and table.stat().st_mtime_ns < summary.stat().st_mtime_ns:
        tell(
            f"serr: {display_path(table)} is older than {summary.name}, and was not written again: pyarrow is not "
            "installed here, or another program has made it."
        )
