"""Photographs that arrive in folders later: found by looking, and given to the batch when their files are complete.

Folders are looked through again and again, rather than by what the system tells of changes: network shares, where
cameras write, tell nothing of other machines' files, and no system tells that a file is complete. A file is taken for
complete when its size and time of change have stayed the same for a while and it can be opened.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.batch.manifest import Manifest
from core.batch.plan import Batch, as_listed, plan_batch
from core.batch.refresh import refresh
from core.batch.run import run_shard
from core.errors import InputError
from core.files import display_path
from core.models.weights_file import LoadedModel
from core.photo.finding import photos_in
from core.progress import Monitor, Progress

SETTLE_S: Final = 2.0
EVERY_S: Final = 2.0
_GIVEN_UP_S: Final = 30.0
"""After so long without a change a file that is empty or cannot be opened goes to the batch, which says why."""
_SHARE_OF_TIME: Final = 10.0
"""Looking takes at most about a tenth of the time, however large the folders and slow the disk."""
_SUMMARY_S: Final = 60.0
_BREATH_S: Final = 0.1

_Stamp = tuple[int, int]


@dataclass(slots=True)
class _Seen:
    stamp: _Stamp
    since: float
    given: bool = False


class Arrivals:
    """The photographs of some folders, each as soon as its file is complete, and again when it has changed.

    Parameters
    ----------
    out : a folder that is not looked into: that of the results.
    settle_s : how long a file has to stay the same.
    """

    def __init__(self, folders: Sequence[Path], out: Path, settle_s: float = SETTLE_S) -> None:
        self._folders, self._out, self._settle_s = folders, out, settle_s
        self._seen: dict[Path, _Seen] = {}
        self._gone: set[Path] = set()
        self.notes: list[str] = []
        """What a person should know: folders that have gone, or are there again. For the caller to take."""

    @property
    def unsettled(self) -> int:
        """How many files are not complete yet, as far as can be said."""
        return sum(not seen.given for seen in self._seen.values())

    def look(self, now: float) -> list[Path]:
        """Those that are complete since the last look, in the order of the folders.

        Parameters
        ----------
        now : in seconds, by a clock that never goes back.
        """
        found = []
        for path in self._photos():
            try:
                status = path.stat()
            except OSError:
                continue
            stamp = status.st_size, status.st_mtime_ns
            seen = self._seen.get(path)
            if seen is None or seen.stamp != stamp:
                self._seen[path] = _Seen(stamp, now)
            elif not seen.given and self._is_complete(path, seen, now):
                seen.given = True
                found.append(path)
        return found

    def _is_complete(self, path: Path, seen: _Seen, now: float) -> bool:
        still = now - seen.since
        if still < self._settle_s:
            return False
        return still >= _GIVEN_UP_S or (seen.stamp[0] > 0 and _can_be_read(path))

    def _photos(self) -> list[Path]:
        photos = []
        for folder in self._folders:
            try:
                found = photos_in(folder, recursive=True).photos
            except InputError as error:
                if folder not in self._gone:
                    self._gone.add(folder)
                    self.notes.append(f"{error} It is looked for again and again.")
                continue
            if folder in self._gone:
                self._gone.discard(folder)
                self.notes.append(f"{display_path(folder)} is there again.")
            photos += [path for path in found if not path.is_relative_to(self._out)]
        return photos


def _can_be_read(path: Path) -> bool:
    """Whether it can be opened; Windows refuses that while another program writes."""
    try:
        with path.open("rb") as file:
            return bool(file.read(1))
    except OSError:
        return False


def watch(
    batch: Batch,
    model: LoadedModel,
    *,
    device: str,
    monitor: Monitor,
    summarize: Callable[[], object],
    settle_s: float = SETTLE_S,
    every_s: float = EVERY_S,
) -> None:
    """Segment what is in the batch's watched folders and what arrives there, until the monitor ends it.

    What is done is in the manifest: started again, nothing is lost and nothing is done twice. A photograph that failed
    is tried again when its file changes.

    Parameters
    ----------
    summarize : writes the table; called now and then.
    every_s : how long to wait between two looks.

    Raises
    ------
    Cancelled : by the monitor. OutputError : the disk is full or read-only. SerrError : as of ``run_shard``.
    """
    arrivals = Arrivals(batch.watched, batch.folder.absolute(), settle_s)
    for shard in batch.all_shards:  # what has changed since the last time
        with batch.open(shard) as manifest:
            refresh(batch, manifest)
    _work(batch, model, device, monitor)
    summarized = -_SUMMARY_S
    dirty = True
    while True:
        began = time.monotonic()
        new = arrivals.look(began)
        looking = time.monotonic() - began
        while arrivals.notes:
            monitor.note(arrivals.notes.pop(0))
        if new:
            _take(batch, new)
            _work(batch, model, device, monitor)
            dirty = True
        now = time.monotonic()
        if dirty and now - summarized >= _SUMMARY_S:
            summarize()
            summarized, dirty = now, False
        _rest(arrivals.unsettled, max(every_s, _SHARE_OF_TIME * looking), monitor)


def _take(batch: Batch, new: Sequence[Path]) -> None:
    """Put photographs into the batch; those that it has and that have changed wait again."""
    plan_batch(as_listed(new), batch.root, batch.folder, batch.options, shards=batch.shards, watched=batch.watched)
    wanted = set(new)
    for shard in batch.all_shards:
        with batch.open(shard) as manifest:
            refresh(batch, manifest, only=wanted)


def _work(batch: Batch, model: LoadedModel, device: str, monitor: Monitor) -> None:
    for shard in batch.all_shards:
        with batch.open(shard, read_only=True) as manifest:
            waits = _waits(manifest)
        if waits:
            run_shard(batch, shard, model, device=device, monitor=monitor)


def _waits(manifest: Manifest) -> bool:
    counts = manifest.counts()
    return bool(counts["waiting"] or counts["running"])


def _rest(unsettled: int, seconds: float, monitor: Monitor) -> None:
    text = f"Waiting for photographs{f', {unsettled:,} not complete yet' if unsettled else ''}"
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        monitor.step(Progress(text))
        time.sleep(_BREATH_S)
