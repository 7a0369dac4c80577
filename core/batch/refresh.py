"""What has changed since a batch was last run: photographs, results and options."""

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.batch.manifest import Item, Manifest
from core.batch.plan import Batch
from core.files import file_sha256

_REASON_OPTIONS: Final = "it was made with other options"
_REASON_PHOTO: Final = "the photograph has changed"
_REASON_FILES: Final = "files of its result are missing"


@dataclass(frozen=True, slots=True)
class Changes:
    """How many finished photographs wait again, and why."""

    options: int = 0
    photographs: int = 0
    results: int = 0
    retried: int = 0

    @property
    def sentences(self) -> tuple[str, ...]:
        """For the user; empty where nothing changed."""
        told = (
            (self.options, "made with other options"),
            (self.photographs, "changed since"),
            (self.results, "without all files of its result, or to be checked"),
            (self.retried, "failed before and tried again"),
        )
        return tuple(f"{count:,} photograph{'' if count == 1 else 's'} {what}." for count, what in told if count)


def refresh(
    batch: Batch,
    manifest: Manifest,
    *,
    retry_failed: bool = False,
    check: bool = False,
    only: Container[Path] | None = None,
) -> Changes:
    """Let those photographs wait again whose outcome is out of date.

    A photograph whose size and time of change are as before is taken for the same; else its hash tells. With ``check``
    all are looked at again: hashes of photographs and results are compared, and only what differs is made again.
    ``only`` : look at these photographs alone; None: at all.
    """
    reasons: dict[str, list[int]] = {_REASON_OPTIONS: [], _REASON_PHOTO: [], _REASON_FILES: [], "": []}
    same: list[tuple[int, int]] = []
    wanted = batch.options.sha256
    for item in manifest.items("done", "kept", "failed"):
        if only is not None and item.path not in only:
            continue
        failed = item.outcome.state == "failed"
        now = _status(item.path)
        if item.outcome.options != wanted:
            reasons[_REASON_OPTIONS].append(item.id)
        elif now is not None and now != (item.outcome.size, item.outcome.changed_ns):
            if item.outcome.sha256 and file_sha256(item.path) == item.outcome.sha256:
                same.append((item.id, now[1]))
            else:
                reasons[_REASON_PHOTO].append(item.id)
        elif failed and retry_failed:
            reasons[""].append(item.id)
        elif not failed and (check or _lacks_files(batch.folder, item)):
            reasons[_REASON_FILES].append(item.id)
    for reason, ids in reasons.items():
        if ids:
            manifest.put_back(ids, reason)
    if same:
        manifest.note_time(same)
    return Changes(*map(len, reasons.values()))


def _status(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:  # gone: its result is all there is
        return None
    return status.st_size, status.st_mtime_ns


def _lacks_files(folder: Path, item: Item) -> bool:
    place = folder / Path(*item.place.split("/")).parent
    return not all((place / name).exists() for name in item.outcome.outputs)
