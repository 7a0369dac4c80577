"""How a batch is, read from its manifests at any time, also while processes work on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

from core.batch.control import Ended, Request, asked, how_it_ended, is_running
from core.batch.items import STATES, Item, State
from core.batch.plan import Batch

Kind = Literal["all", "failed", "doubtful", "done", "waiting"]
"""Photographs to look at; ``done`` has those that were kept, and ``waiting`` those that are in work."""
KINDS: Final[tuple[Kind, ...]] = ("all", "failed", "doubtful", "done", "waiting")


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """How a batch is.

    Parameters
    ----------
    running : a process works on it now; ``request`` : it is asked to end.
    by_window : a window has started it.
    doubtful : how many results have doubts.
    watched : photographs that arrive later come to it, so that it is never done by itself.
    ended : how the last process ended; None where it was killed, or none has run.
    """

    counts: Mapping[State, int]
    running: bool
    request: Request | None
    ended: Ended | None
    missing_shards: tuple[int, ...] = ()
    doubtful: int = 0
    watched: bool = False
    by_window: bool = False

    @property
    def problem(self) -> str:
        """The sentence on what stopped the last process; empty while one runs, or where nothing did."""
        return "" if self.running or self.ended is None else self.ended.problem

    @property
    def total(self) -> int:
        """How many photographs it has."""
        return sum(self.counts.values())

    @property
    def left(self) -> int:
        """How many of them have no outcome yet."""
        return self.counts["waiting"] + self.counts["running"]

    @property
    def word(self) -> str:
        """In one word: running, pausing, stopping, done, paused, stopped, failed, interrupted."""
        if self.running:
            return {None: "running", "pause": "pausing", "stop": "stopping"}[self.request]
        if self.ended is not None and self.ended.how == "problem":
            return "failed"
        if not self.left and not self.missing_shards and not self.watched:
            return "done"
        how = self.ended.how if self.ended is not None else None
        return {"pause": "paused", "stop": "stopped"}.get(how or "", "interrupted")


def batch_status(batch: Batch) -> BatchStatus:
    """Raises InputError or OutputError where a manifest cannot be read."""
    counts: dict[State, int] = dict.fromkeys(STATES, 0)
    missing, doubtful = batch.missing, 0
    for shard in batch.all_shards:
        if shard not in missing:
            with batch.open(shard, read_only=True) as manifest:
                for state, count in manifest.counts().items():
                    counts[state] += count
                doubtful += manifest.doubtful()
    folder = batch.control_folder
    return BatchStatus(
        counts,
        is_running(folder),
        asked(folder),
        how_it_ended(folder),
        missing_shards=missing,
        doubtful=doubtful,
        watched=bool(batch.watched),
        by_window=is_running(folder, by_window=True),
    )


def look_at(batch: Batch, kind: Kind, limit: int, part: str = "") -> tuple[Item, ...]:
    """Some of the photographs of a batch, in its order.

    Parameters
    ----------
    limit : how many at most.
    part : only those whose result's place has this in it; small and capital letters are the same.

    Raises
    ------
    InputError, OutputError : a manifest cannot be read.
    """
    found: list[Item] = []
    for shard in batch.all_shards:
        if batch.manifest_path(shard).is_file() and len(found) < limit:
            with batch.open(shard, read_only=True) as manifest:
                found += islice(manifest.look_at(kind, part), limit - len(found))
    return tuple(found)
