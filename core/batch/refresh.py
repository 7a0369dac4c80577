"""What has changed since a batch was last run: photographs, results and options."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.batch.items import Item
from core.batch.manifest import Manifest
from core.batch.plan import Batch
from core.batch.published import Publisher
from core.batch.stores import address_at, each_of, fetched, stamp
from core.errors import InputError
from core.files import file_sha256

_REASON_OPTIONS: Final = "it was made with other options"
_REASON_PHOTO: Final = "the photograph has changed"
_REASON_FILES: Final = "files of its result are missing"
_REASON_FAILED: Final = ""
_AT_ONCE: Final = 4096


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
    counts = dict.fromkeys((_REASON_OPTIONS, _REASON_PHOTO, _REASON_FILES, _REASON_FAILED), 0)
    wanted = batch.options.sha256
    for items in manifest.portions("done", "kept", "failed", size=_AT_ONCE):
        reasons: dict[str, list[int]] = {reason: [] for reason in counts}
        same: list[tuple[int, int]] = []
        for item, now, lacks in _looked_at(batch, [each for each in items if only is None or each.path in only]):
            failed = item.outcome.state == "failed"
            if item.outcome.options != wanted:
                reasons[_REASON_OPTIONS].append(item.id)
            elif now is not None and now != (item.outcome.size, item.outcome.changed_ns):
                if item.outcome.sha256 and _sha256(item.path) == item.outcome.sha256:
                    same.append((item.id, now[1]))
                else:
                    reasons[_REASON_PHOTO].append(item.id)
            elif failed and retry_failed:
                reasons[_REASON_FAILED].append(item.id)
            elif not failed and (check or lacks):
                reasons[_REASON_FILES].append(item.id)
        for reason, ids in reasons.items():
            counts[reason] += len(ids)
            if ids:
                manifest.put_back(ids, reason)
        if same:
            manifest.note_time(same)
    return Changes(*counts.values())


def _looked_at(batch: Batch, items: Sequence[Item]) -> Iterator[tuple[Item, tuple[int, int] | None, bool]]:
    """Each with the size and time of change of its photograph now, and whether its result lacks files.

    What is in stores is asked for many at once. There a result is complete where its side-car is.
    """
    publisher = Publisher(batch.store) if batch.store else None

    def look(item: Item) -> tuple[Item, tuple[int, int] | None, bool]:
        if item.outcome.state == "failed":
            return item, stamp(item.path), False
        lacks = _lacks_files(batch.folder, item) if publisher is None else not publisher.has(item.place)
        return item, stamp(item.path), lacks

    slow = publisher is not None or any(address_at(item.path) for item in items)
    yield from each_of(look, list(items)) if slow else map(look, items)


def _sha256(path: Path) -> str | None:
    """Of a photograph now; None where it cannot be read."""
    try:
        with fetched(path):
            return file_sha256(path)
    except InputError:
        return None


def _lacks_files(folder: Path, item: Item) -> bool:
    place = folder / Path(*item.place.split("/")).parent
    return not all((place / name).exists() for name in item.outcome.outputs)
