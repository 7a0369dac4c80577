"""The journal of a running program: its working set on the disk, a moment after each change.

Entries are handed over at once and written by a thread, so that no brush waits for a disk. Where the disk fails,
everything stays in memory, and all of it is written as soon as the disk takes it. Each running window has a folder of
its own with a lock; a folder whose lock nobody holds was left by a program that has ended, and can be taken over.
"""

import os
import secrets
import shutil
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from filelock import FileLock

from core.errors import OutputError
from core.files import output_error, private_folder, private_opener
from core.locks import is_held, try_lock
from core.session.archive import read_result, write_result
from core.session.journal_log import LOG, framed, read_log, write_log
from core.session.journal_maps import MAPS_BYTES, file_size, shared, surplus, within
from core.session.journal_state import MAPS, Entry, JournalState, map_entry
from core.session.records import MapPlace, PhotoRecord
from core.strict import Malformed

LOCK: Final = "lock"
_RETRY_S: Final = 2.0
_COMPACT_BYTES: Final = 8 << 20
_COMPACT_RATIO: Final = 4

ResultFiles = Callable[[], Mapping[str, bytes] | None]
"""Gives the files of a result (``maps.result_members``); None where there is none any more."""


@dataclass(frozen=True, slots=True, eq=False)
class AbandonedJournal:
    """What a program that has ended left behind.

    ``lost`` : bytes behind the last entry that could be read. ``problem`` : why there are more than those of an entry
    that was not finished; ``photos`` may then be none.
    """

    folder: Path
    photos: tuple[PhotoRecord, ...]
    current: int
    observer: str
    changed: float
    lost: int = 0
    problem: str = ""

    @property
    def unsaved(self) -> tuple[PhotoRecord, ...]:
        """The photographs with corrections or other work that no export holds."""
        return tuple(photo for photo in self.photos if photo.unsaved)


def abandoned_journals(parent: Path) -> tuple[AbandonedJournal, ...]:
    """The journals in a folder that no running program holds, the latest first; empty ones are removed."""
    found = []
    with suppress(OSError):
        for folder in list(parent.iterdir()):
            if folder.is_symlink() or not folder.is_dir() or is_held(folder / LOCK):
                continue
            log = read_log(folder)
            photos = log.state.records(folder)
            if not photos and not log.problem:
                remove_journal(folder)
                continue
            changed = (folder / LOG).stat().st_mtime
            state = log.state
            found.append(
                AbandonedJournal(folder, photos, state.current, state.observer, changed, log.lost, log.problem)
            )
    return tuple(sorted(found, key=lambda journal: -journal.changed))


def kept_log(folder: Path) -> Path:
    """Where the log of a journal is kept that could not be read as a whole."""
    return folder.with_name(f"{folder.name}.log")


def remove_journal(folder: Path, *, keep_log: bool = False) -> None:
    """Delete a journal that nobody holds.

    ``keep_log`` : its log, a part of which could not be read, is kept beside its folder, as ``kept_log`` says.
    """
    lock = None
    with suppress(OutputError):
        lock = try_lock(folder / LOCK)
    if lock is None:
        return
    if keep_log:
        try:
            (folder / LOG).replace(kept_log(folder))
        except OSError:
            lock.release()
            return
    for name in (LOG, MAPS):
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    lock.release()
    shutil.rmtree(folder, ignore_errors=True)


class Journal:
    """Writes down what changes.

    Parameters
    ----------
    parent : the folder of all journals; made, for the user alone, at the first entry.
    told : called from the thread with the sentence about a disk that fails, and with an empty one when all is written.
    maps_bytes : what the results may take; beyond that the oldest are given up of photographs whose work is elsewhere,
        too. Corrections are never given up.
    """

    def __init__(
        self, parent: Path, told: Callable[[str], None] = lambda _text: None, maps_bytes: int = MAPS_BYTES
    ) -> None:
        self._parent = parent
        self._maps_bytes = maps_bytes
        self._brought: dict[str, int] = {}
        """The sizes of results that came from elsewhere: the window reads them when they are asked for."""
        self._told = told
        self._problem = ""
        self._problems = {"entries": "", "results": ""}
        self._folder = parent / secrets.token_hex(8)
        self._lock: FileLock | None = None
        self._state = JournalState()
        self._log: BinaryIO | None = None
        self._size = self._compact_at = 0
        self._whole = False
        """Whether the log on the disk is that of ``_state`` but for what waits."""
        self._waiting: list[Entry] = []
        self._maps: dict[Path, ResultFiles] = {}
        self._changed = threading.Condition()
        self._making = threading.Lock()
        self._busy = self._map_busy = self._closing = False
        self._threads: list[threading.Thread] = []

    @property
    def folder(self) -> Path:
        """Where it is; may not exist yet."""
        return self._folder

    @property
    def problem(self) -> str:
        """The sentence on a disk that fails now; empty while all is well."""
        return self._problem

    def put(self, *entries: Entry) -> None:
        """Hand entries over; returns at once."""
        with self._changed:
            if self._closing:
                return
            self._waiting += entries
            self._start()
            self._changed.notify_all()

    def put_result(self, path: Path, files: ResultFiles) -> None:
        """Hand over how to get the files of a photograph's new result; they are made and written in a thread."""
        with self._changed:
            if self._closing:
                return
            self._maps[path] = files
            self._start()
            self._changed.notify_all()

    def take_over(self, left: AbandonedJournal) -> tuple[tuple[PhotoRecord, ...], Callable[[bool], bool]]:
        """Take over what a program that has ended left behind.

        Its results are here, too, from then on; the old journal stays whole, for this may end before the rest is here.
        The caller hands over entries for its photographs and then calls, in a thread, what comes as the second, with
        whether the old journal can go: then it is removed once all of it is on the disk here.

        Raises
        ------
        OutputError : another window has taken it, or this journal cannot be written.
        """
        lock = try_lock(left.folder / LOCK)
        if lock is None:
            raise OutputError("Another window has taken over this work already.")
        try:
            self._ensure_folder()
            maps = private_folder(self._folder / MAPS)
            photos = tuple(shared(photo, maps) for photo in within(left.photos, self._maps_bytes))
            places = [photo.map.file for photo in photos if photo.map is not None]
            self._brought |= {place.name: file_size(place) for place in places}
        except OSError as error:
            lock.release()
            raise output_error(self._folder / LOG, error) from error

        def finish(remove: bool) -> bool:
            good = self.flush()
            lock.release()
            if good and remove:
                remove_journal(left.folder, keep_log=bool(left.problem))
            return good

        return photos, finish

    def import_result(self, place: MapPlace, shape: tuple[int, int]) -> MapPlace:
        """Copy a result from elsewhere; where it is then. An entry has to say whose it is.

        Where the results take as much as they may, it stays where it is.

        Raises
        ------
        OSError, OutputError : it cannot be written. Malformed : it is damaged.
        """
        result = read_result(place, shape)
        size = sum(len(data) for data in result.values())
        if sum(self._brought.values()) + size > self._maps_bytes:
            return place
        self._ensure_folder()
        maps = private_folder(self._folder / MAPS)
        copy = write_result(maps / f"{secrets.token_hex(8)}.map", result)
        self._brought[copy.file.name] = size
        return copy

    def discard_results(self, places: Iterable[MapPlace]) -> None:
        """Remove results of ``import_result`` that are not wanted after all: no entry is about them."""
        for place in places:
            if self.holds(place) and self._brought.pop(place.file.name, None) is not None:
                with suppress(OSError):
                    place.file.unlink(missing_ok=True)

    def holds(self, place: MapPlace | None) -> bool:
        """Whether a result is kept here, and not where it came from."""
        return place is not None and place.file.parent == self._folder / MAPS

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until everything is on the disk. False where that was not so in time, or the disk fails."""
        with self._changed:
            return self._changed.wait_for(self._is_idle, timeout_s) and not self._problem

    def close(self, timeout_s: float = 10.0) -> bool:
        """Write what waits, end the threads, and leave the journal to the next start. False where work was lost."""
        good = self.flush(timeout_s)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout_s)
        if self._log is not None:
            with suppress(OSError):
                self._log.close()
        if self._lock is not None:
            self._lock.release()
        return good

    # Threads

    def _start(self) -> None:
        if not self._threads:
            works = ((self._write_entries, "journal"), (self._write_maps, "journal-results"))
            self._threads = [threading.Thread(target=work, name=name, daemon=True) for work, name in works]
            for thread in self._threads:
                thread.start()

    def _is_idle(self) -> bool:
        """Nothing waits, or the disk fails, so that waiting does not help."""
        return bool(self._problem) or not (self._waiting or self._maps or self._busy or self._map_busy)

    def _write_entries(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                patience = _RETRY_S if self._problem else None
                self._changed.wait_for(lambda: self._waiting or self._closing, patience)
                if self._closing and not self._waiting:
                    return
                entries, self._waiting, self._busy = self._waiting, [], True
            entries, gone = self._applied(entries)
            try:
                self._write(entries)
                for name in gone:
                    (self._folder / MAPS / name).unlink(missing_ok=True)
            except (OSError, OutputError) as error:
                self._whole = False  # what is there may end in half an entry
                self._tell("entries", _sentence(self._folder / LOG, error))
                if self._closing:
                    return
            else:
                self._tell("entries", "")

    def _applied(self, entries: list[Entry]) -> tuple[list[Entry], frozenset[str]]:
        """Those that make sense (not for a photograph that was closed meanwhile), and the results that are old now."""
        changes_results = any(entry.kind in {"list", "map", "facts"} for entry in entries)
        names = self._state.map_files if changes_results else frozenset()
        good = []
        for entry in entries:
            with suppress(Malformed):
                self._state.apply(entry)
                good.append(entry)
        if changes_results:
            names |= self._state.map_files
            good += self._given_up()
        return good, names - self._state.map_files if names else names

    def _given_up(self) -> list[Entry]:
        """Entries that say which results are not kept any more because all of them take too much room."""
        maps = self._folder / MAPS
        clean = {maps / name: path for path, name in self._state.clean_results() if name not in self._brought}
        gone = surplus((maps / name for name in self._state.map_files), clean, self._maps_bytes)
        entries = [map_entry(clean[file], "") for file in gone]
        for entry in entries:
            self._state.apply(entry)
        return entries

    def _write(self, entries: list[Entry]) -> None:
        """Append entries, or write all again where the log is not whole or has grown long."""
        self._ensure_folder()
        if not self._whole or self._log is None or self._size > self._compact_at:
            if self._log is not None:
                with suppress(OSError):  # what could not be written before
                    self._log.close()
                self._log = None
            self._size = write_log(self._folder / LOG, self._state.entries())
            self._compact_at = max(_COMPACT_BYTES, _COMPACT_RATIO * self._size)
            self._log = open(self._folder / LOG, "ab", opener=private_opener)  # noqa: SIM115 - until it is closed
            self._whole = True
            return
        data = b"".join(framed(entry) for entry in entries)
        if data:
            self._log.write(data)
            self._log.flush()
            os.fsync(self._log.fileno())
            self._size += len(data)

    def _ensure_folder(self) -> None:
        with self._making:
            self._make_folder()

    def _make_folder(self) -> None:
        if self._lock is None or not self._folder.is_dir():
            private_folder(self._folder)
            self._whole = False
            if self._lock is None:
                self._lock = try_lock(self._folder / LOCK)

    def _write_maps(self) -> None:
        while True:
            with self._changed:
                self._map_busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._maps or self._closing)
                if self._closing:
                    return
                path = next(iter(self._maps))
                files, self._map_busy = self._maps.pop(path), True
            try:
                self._write_map(path, files)
            except (OSError, OutputError) as error:
                self._tell("results", _sentence(self._folder / MAPS, error))
                with self._changed:
                    self._maps.setdefault(path, files)
                    self._changed.wait_for(lambda: self._closing, _RETRY_S)
                continue
            except Exception:  # noqa: BLE001 - a result that is gone or damaged must not end the journal of the others
                pass
            self._tell("results", "")

    def _write_map(self, path: Path, files: ResultFiles) -> None:
        result = files()
        name = ""
        if result is not None:
            self._ensure_folder()
            private_folder(self._folder / MAPS)
            name = f"{secrets.token_hex(8)}.map"
            write_result(self._folder / MAPS / name, result)
        self.put(map_entry(path, name))

    def _tell(self, thread: str, problem: str) -> None:
        """Tell the problem of the disk when it changes. Both threads have one, and only the first of them counts."""
        with self._changed:
            self._problems[thread] = problem
            first = next(filter(None, self._problems.values()), "")
            results_wait = bool(self._maps) or self._map_busy
            if first == self._problem or (not first and results_wait):
                return
            self._problem = first
        self._told(first)


def _sentence(path: Path, error: OSError | OutputError) -> str:
    return str(error) if isinstance(error, OutputError) else str(output_error(path, error))
