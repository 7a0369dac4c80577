"""What ``serr batch`` and ``serr watch`` say of a batch."""

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.cli.console import OneByOne, say, say_json, tell
from core.files import display_path, path_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.batch.plan import Batch
    from core.cli.batch_inputs import Gathered

_SHOWN: Final = 20


def say_plan(gathered: "Gathered", tried: "Batch", as_json: bool) -> int:
    """Say which photographs are found and where their results would go in a batch; the exit code."""
    from core.batch.plan import place_all
    from core.batch.stores import place_shown, place_text

    photos, out = gathered.photos, tried.folder
    place_all(photos, tried)
    found = ((Path(os.fsdecode(row.path)), row) for row in photos.placed())
    if as_json:
        told = ({"photo": place_text(path), "result": row.place, "new": row.new} for path, row in found)
        say_json({"out": path_text(out), "photographs": OneByOne(told)})
    else:
        say(f"{len(photos):,} photographs, {photos.new:,} of them new in {display_path(out)}. Nothing is written.")
        for path, row in islice(found, _SHOWN):
            say(f"  {place_shown(path)} -> {display_path(row.place)}")
        if len(photos) > _SHOWN:
            say(f"  ... and {len(photos) - _SHOWN:,} more")
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
    from core.batch.items import STATES
    from core.batch.status import batch_status
    from core.batch.stores import place_shown, place_text

    counts: dict[str, int] = dict.fromkeys(STATES, 0)
    missing = planned.missing
    there = [shard for shard in (planned.all_shards if shards is None else shards) if shard not in missing]
    for shard in there:
        with planned.open(shard, read_only=True) as manifest:
            for state, count in manifest.counts().items():
                counts[state] += count

    def failed() -> "Iterator[tuple[Path, str]]":
        for shard in there:
            with planned.open(shard, read_only=True) as manifest:
                for item in manifest.items("failed"):
                    yield item.path, item.outcome.reason

    about = batch_status(planned) if is_status else None
    if as_json:
        say_json(
            {
                "out": planned.store or path_text(planned.folder),
                **({"work": path_text(planned.folder)} if planned.store else {}),
                **({} if about is None else {"state": about.word, "problem": about.problem}),
                **({} if about is None else {"doubtful": about.doubtful}),
                "model": {"name": planned.options.model_name, "sha256": planned.options.model_sha256},
                "drawing_style": planned.options.style,
                "shards": planned.shards,
                "missing_shards": list(missing),
                "counts": counts,
                "cancelled": cancelled,
                "summary": None if summary is None else path_text(summary),
                "failed": OneByOne({"photo": place_text(path), "why": why} for path, why in failed()),
            }
        )
        return counts
    total = sum(counts.values())
    parts = [f"{count:,} {state}" for state, count in counts.items() if count]
    say(f"{planned.where}: {total:,} photographs: {', '.join(parts) or 'none'}.")
    if about is not None:
        doubts = f", {about.doubtful:,} of the results are doubtful" if about.doubtful else ""
        say(f"  {about.word}{doubts}. {about.problem}".rstrip())
    if shards is None:  # else the failures were said when they happened
        for path, why in islice(failed(), _SHOWN):
            say(f"  {place_shown(path)}: {why}")
        if counts["failed"] > _SHOWN:
            say(f"  ... and {counts['failed'] - _SHOWN:,} more that failed")
    for shard in missing:
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
