"""Planning a batch: which photographs it has, where their results go, and in which shard each of them is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from core.batch.gathering import Gathering, Row
from core.batch.lists import Listed
from core.batch.manifest import Manifest
from core.batch.options import BatchOptions
from core.errors import InputError, OutputError
from core.files import atomic_path, display_path, ensure_folder, output_error
from core.locks import wait_for_lock
from core.strict import is_text

BATCH_FOLDER: Final = "serr-batch"
"""In the folder of the results: manifests and scripts."""
MOST_SHARDS: Final = 9999
"""Their numbers have four digits in the names of the manifests."""
_LOCK: Final = "planning"
_PATIENCE_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch that is planned.

    Parameters
    ----------
    folder : where its results are.
    root : the folder whose tree the results mirror.
    shards : into how many it is divided.
    watched : folders whose new photographs come to it (``core.batch.watching``).
    store : the address where its results are published (``core.batch.published``); ``folder`` then has the manifests
        and what is in work. Empty: the results are in ``folder``.
    """

    folder: Path
    root: Path
    shards: int
    options: BatchOptions
    watched: tuple[Path, ...] = ()
    store: str = ""

    @property
    def control_folder(self) -> Path:
        """Where its manifests are, and where its processes are seen and asked (``core.batch.control``)."""
        return self.folder / BATCH_FOLDER

    @property
    def where(self) -> str:
        """Where its results are, as text for people."""
        return display_path(self.store or self.folder)

    def manifest_path(self, shard: int) -> Path:
        """The manifest of a shard, 1 to ``shards``."""
        return self.control_folder / f"shard-{shard:04}.sqlite"

    def open(self, shard: int, *, read_only: bool = False) -> Manifest:
        """The manifest of a shard; for ``with``. Raises InputError where it is not there."""
        path = self.manifest_path(shard)
        if not path.is_file():
            raise InputError(
                f"The manifest {display_path(path)} is missing. Plan the batch again with the same photographs; "
                "existing results are not made again."
            )
        return Manifest(path, read_only=read_only, shared=self.shards > 1, shard=shard)

    @property
    def missing(self) -> tuple[int, ...]:
        """Shards whose manifest is not there."""
        return tuple(shard for shard in self.all_shards if not self.manifest_path(shard).is_file())

    @property
    def all_shards(self) -> range:
        """Their numbers."""
        return range(1, self.shards + 1)


def known_batch(folder: Path) -> Batch | None:
    """The batch whose results are in a folder, None where there is none.

    Raises
    ------
    InputError : its manifest is damaged. OutputError : it cannot be used.
    """
    for path in sorted((folder / BATCH_FOLDER).glob("shard-*.sqlite")):
        with Manifest(path, read_only=True) as manifest:
            facts = manifest.facts()
        try:
            return _planned(folder, facts)
        except (InputError, KeyError, TypeError, ValueError):
            raise InputError(
                f"The manifest {display_path(path)} does not say how the batch was planned: it is damaged. "
                "Delete it and start the same command again: results that are whole are not made again."
            ) from None
    return None


def _planned(folder: Path, facts: Mapping[str, Any]) -> Batch:
    """The batch that a manifest tells of. Raises InputError, KeyError, TypeError, ValueError where it cannot be one."""
    root, shards, watched, store = facts["root"], facts["shards"], facts.get("watched", []), facts.get("store", "")
    if type(shards) is not int or not 1 <= shards <= MOST_SHARDS or not isinstance(watched, list):
        raise ValueError
    if not all(isinstance(text, str) and is_text(text) for text in (root, store, *watched)):
        raise ValueError
    options = BatchOptions.from_dict(facts["options"])
    return Batch(folder, Path(root), shards, options, tuple(map(Path, watched)), store)


def find_batch(folder: Path) -> Batch:
    """The batch whose results are in a folder. Raises InputError where there is none, OutputError."""
    batch = known_batch(folder)
    if batch is None:
        name = display_path(folder)
        raise InputError(f"{name} has no batch. Begin one: serr batch run PHOTOGRAPHS --out {name}")
    return batch


def plan_batch(
    photos: Iterable[Listed] | Gathering,
    root: Path,
    folder: Path,
    options: BatchOptions,
    *,
    shards: int = 1,
    watched: Sequence[Path] = (),
    store: str = "",
) -> tuple[Batch, int]:
    """Plan a batch, or add photographs to one; those that it has stay where they are.

    They are never all in memory. A manifest that is new is in its place when all are written, and what is added to one
    is one transaction: a plan that is interrupted leaves what was there.

    Parameters
    ----------
    photos : by absolute paths; a ``Gathering`` is settled.
    root : the folder whose tree the results mirror; that of a batch which is there already stays.
    options : of a batch which is there already they become these.
    watched : folders whose new photographs come to it.
    store : the address in a store where results are published; empty: they are in ``folder``.

    Returns
    -------
    The batch, and how many of the photographs are new in it.

    Raises
    ------
    InputError : it is divided into another number of shards, or has its results elsewhere. OutputError : it cannot be
    written.
    """
    if not isinstance(photos, Gathering):
        with Gathering() as found:
            found.add(replace(photo, path=photo.path.absolute()) for photo in photos)
            found.settle()
            return plan_batch(found, root, folder, options, shards=shards, watched=watched, store=store)
    ensure_folder(folder)
    ensure_folder(folder / BATCH_FOLDER)
    with _only_one(folder):
        before = known_batch(folder)
        if before is not None:
            check_same(before, shards, store)
        batch = Batch(folder, root if before is None else before.root, shards, options, tuple(watched), store)
        place_all(photos, batch)
        _write(photos, batch)
    return batch, photos.new


def check_same(before: Batch, shards: int, store: str) -> None:
    """Raises InputError where a batch is divided into another number of shards, or has its results elsewhere."""
    folder = before.folder
    if before.shards != shards:
        raise InputError(
            f"The batch in {display_path(folder)} is divided into {before.shards}, not {shards}. Choose another "
            f"--out, or plan it with --shards {before.shards}."
        )
    if before.store != store:
        raise InputError(
            f"The batch in {display_path(folder)} has its results in {display_path(before.store or folder)}, not "
            f"in {display_path(store or folder)}. Choose another folder."
        )


def place_all(photos: Gathering, batch: Batch) -> None:
    """Give photographs their places in a batch, which may not be there yet. Raises InputError, OutputError."""
    for shard in batch.all_shards:
        if batch.manifest_path(shard).is_file():
            with batch.open(shard, read_only=True) as manifest:
                photos.know(shard, manifest.places())
    photos.place(batch.root, batch.shards)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """One process at a time plans a batch: another one that was started with it finds what the first has planned."""
    path = folder / BATCH_FOLDER / _LOCK
    lock = wait_for_lock(path, _PATIENCE_S)
    if lock is None:
        raise OutputError(
            f"Another process has planned the batch in {display_path(folder)} for a long time. Wait until it has "
            "ended, then start the same command again."
        )
    try:
        yield
    finally:
        lock.release()


def _write(photos: Gathering, batch: Batch) -> None:
    left = set(batch.all_shards)
    with ExitStack() as new:

        def write(shard: int, rows: Iterable[Row]) -> None:
            left.discard(shard)
            path, facts = batch.manifest_path(shard), {**_facts(batch), "shard": shard}
            made_at = None if path.is_file() else new.enter_context(_new_manifest(path))
            with Manifest(path, shared=batch.shards > 1, made_at=made_at) as manifest:
                manifest.extend((row[:4] for row in rows), facts)

        for shard, rows in photos.to_write():
            write(shard, rows)
        for shard in sorted(left):
            write(shard, ())


@contextmanager
def _new_manifest(path: Path) -> Iterator[Path]:
    """Where a new one is made, without what SQLite has kept of a deleted one: it would be played back into this one."""
    for kept in ("-journal", "-wal", "-shm"):
        left = path.with_name(path.name + kept)
        try:
            left.unlink(missing_ok=True)
        except OSError as error:
            raise output_error(left, error) from error
    with atomic_path(path) as temporary:
        yield temporary


def as_listed(paths: Iterable[Path]) -> Iterator[Listed]:
    """Photographs without a list."""
    return (Listed(path, {}) for path in paths)


def _facts(batch: Batch) -> dict[str, object]:
    return {
        **{"root": str(batch.root), "shards": batch.shards, "options": batch.options.to_dict()},
        "watched": [str(folder) for folder in batch.watched],
        **({"store": batch.store} if batch.store else {}),
    }
