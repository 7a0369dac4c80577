"""The manifest of a batch: what has become of each photograph, in an SQLite file that survives a kill at any moment.

Every change is one transaction. A photograph is claimed by one worker at a time; a worker holds a lock that the
operating system gives back when it ends, so claims of workers that were killed are found and given back.
"""

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from filelock import FileLock

from core.batch.items import (
    COLUMNS,
    LISTS,
    OUTCOME,
    STATES,
    Item,
    Outcome,
    State,
    columns_of,
    is_place,
    item_of,
    path_of,
)
from core.errors import InputError, OutputError, SerrError
from core.files import display_path
from core.locks import is_held, wait_for_lock
from core.photo.walking import same_name
from core.strict import Malformed, parse_json

_FORMAT: Final = 1
_PATIENCE_S: Final = 60.0
_FILLING_KB: Final = 64 << 10
_KEPT_BYTES: Final = 1 << 20
"""Of the journal of a shared manifest, which stays: removing it after each change takes longer than the change."""
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,
    place TEXT NOT NULL,
    place_key TEXT NOT NULL UNIQUE,
    columns TEXT NOT NULL DEFAULT '{}',
    state TEXT NOT NULL DEFAULT 'waiting',
    worker TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    sha256 TEXT NOT NULL DEFAULT '',
    size INTEGER NOT NULL DEFAULT -1,
    changed_ns INTEGER NOT NULL DEFAULT -1,
    options TEXT NOT NULL DEFAULT '',
    model TEXT NOT NULL DEFAULT '',
    threshold REAL,
    vessel_share REAL,
    doubts TEXT NOT NULL DEFAULT '[]',
    seconds REAL,
    outputs TEXT NOT NULL DEFAULT '[]',
    style TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS items_by_state ON items (state, id);
"""


_COLUMNS: Final = ", ".join(COLUMNS)
_FACT_COLUMNS: Final = ("name", "value")
_NEEDED: Final = (*(name for name in COLUMNS if name != "style"), "place_key", "worker")
"""All but what manifests of older programs lack."""
_KINDS: Final = {
    "all": "1",
    "failed": "state = 'failed'",
    "doubtful": "state IN ('done', 'kept') AND doubts <> '[]'",
    "done": "state IN ('done', 'kept')",
    "waiting": "state IN ('waiting', 'running')",
}


class Manifest:
    """An open manifest; for ``with``. Belongs to the thread that opened it.

    Parameters
    ----------
    path : its file. It is made where it is missing, unless it is only read; an existing one has its tables, for it
        was filled before it was moved into its place.
    shared : on a disk of several machines, where SQLite's write-ahead log cannot be used.
    shard : whose it has to be: the photographs of a copy of another shard's would count twice. None: of any.
    made_at : where a new one is being made that will be moved to ``path``: it is filled quickly, and lost by a kill.

    Raises
    ------
    InputError : it is damaged, or of a newer version. OutputError : it cannot be written.
    """

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool = False,
        shared: bool = False,
        shard: int | None = None,
        made_at: Path | None = None,
    ) -> None:
        self.path = path
        self.worker = secrets.token_hex(6)
        self._lock: FileLock | None = None
        try:
            with self._explained():
                if path.exists() and not path.is_file():  # SQLite would wait at a pipe without end
                    raise Malformed("it is not a file")
                is_new = made_at is not None or not path.exists()
                address = f"{(made_at or path).absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
                self._base = sqlite3.connect(address, _PATIENCE_S, isolation_level=None, uri=True)
                if read_only:
                    self._take_back_half_a_change()
                if not is_new:
                    self._check_tables(shard)  # before anything is made: an empty table would count as no photographs
                if not read_only:
                    journal = "OFF" if made_at is not None else "PERSIST" if shared else "WAL"
                    self._base.execute(f"PRAGMA journal_mode={journal}")
                    self._base.execute(f"PRAGMA journal_size_limit={_KEPT_BYTES}")
                    self._base.execute(f"PRAGMA synchronous={'OFF' if made_at is not None else 'NORMAL'}")
                    self._base.executescript(f"BEGIN IMMEDIATE;{_TABLES}COMMIT;")
                self._columns = self._know_styles(read_only=read_only)
        except SerrError:
            if hasattr(self, "_base"):
                self._base.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(sqlite3.Error):
            self._base.close()
        self._give_lock_back()

    # facts

    def facts(self) -> dict[str, Any]:
        """What is true of the whole batch, such as its options."""
        with self._explained():
            rows = self._base.execute("SELECT name, value FROM facts").fetchall()
            return {name: _fact(name, value) for name, value in rows}

    # photographs

    def extend(self, rows: Iterable[tuple[bytes, str, str, str]], facts: Mapping[str, Any]) -> None:
        """Add photographs and set facts, in one transaction. Known ones get new columns of the list.

        Parameters
        ----------
        rows : the path, the place of the results, that place as ``same_name`` makes it, and the columns as JSON.
        """
        with self._transaction():
            self._base.execute(f"PRAGMA cache_size=-{_FILLING_KB}")
            self._base.executemany(
                "INSERT INTO items (path, place, place_key, columns) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (path) DO UPDATE SET columns = excluded.columns WHERE excluded.columns <> '{}'",
                rows,
            )
            self._base.executemany(
                "INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                [(name, json.dumps(value)) for name, value in {**facts, "format": _FORMAT}.items()],
            )

    def places(self) -> Iterator[tuple[bytes, str, str]]:
        """The path of each photograph, where its results are, and that place as ``same_name`` makes it."""
        with self._explained():
            for path, place, key in self._base.execute("SELECT path, place, place_key FROM items"):
                path_of(path)
                if not isinstance(place, str) or not is_place(place) or not isinstance(key, str):
                    raise Malformed(f"it says {place!r:.60} for the place of a photograph")
                yield path, place, key

    def titles(self) -> list[str]:
        """The names of all columns that lists have said something in."""
        found: dict[str, None] = {}
        with self._explained():
            for (columns,) in self._base.execute("SELECT columns FROM items WHERE columns <> '{}' ORDER BY id"):
                found.update(dict.fromkeys(columns_of(columns)))
        return list(found)

    def items(self, *states: State) -> Iterator[Item]:
        """The photographs in their order; of some states, or all."""
        marks = ", ".join("?" * len(states))
        where = f"WHERE state IN ({marks})" if states else ""
        with self._explained():
            for row in self._base.execute(f"SELECT {self._columns} FROM items {where} ORDER BY id", states):
                yield item_of(row)

    def portions(self, *states: State, size: int) -> Iterator[list[Item]]:
        """The photographs of some states in their order, so many at a time: their states may be changed meanwhile."""
        marks, last = ", ".join("?" * len(states)), -1
        while True:
            with self._explained():
                rows = self._base.execute(
                    f"SELECT {self._columns} FROM items NOT INDEXED WHERE id > ? AND state IN ({marks}) "
                    "ORDER BY id LIMIT ?",
                    (last, *states, size),
                ).fetchall()
            if not rows:
                return
            yield list(map(item_of, rows))
            last = rows[-1][0]

    def look_at(self, kind: str, part: str = "") -> Iterator[Item]:
        """The photographs of a kind (``core.batch.status.Kind``) in their order.

        Parameters
        ----------
        part : only those whose result's place has this in it; small and capital letters are the same.
        """
        where, values = _KINDS[kind], []
        if part:
            where, values = f"({where}) AND instr(place_key, ?)", [same_name(part)]
        with self._explained():
            for row in self._base.execute(f"SELECT {self._columns} FROM items WHERE {where} ORDER BY id", values):
                yield item_of(row)

    def counts(self) -> dict[State, int]:
        """How many photographs are in each state."""
        with self._explained():
            found = dict(self._base.execute("SELECT state, count(*) FROM items GROUP BY state").fetchall())
            if not found.keys() <= set(STATES):
                raise Malformed("it holds photographs in a state that there is not")
            return {state: found.get(state, 0) for state in STATES}

    def doubtful(self) -> int:
        """How many results have doubts."""
        with self._explained():
            return int(self._base.execute(f"SELECT count(*) FROM items WHERE {_KINDS['doubtful']}").fetchone()[0])

    def holders(self) -> set[str]:
        """Which workers have claimed photographs."""
        with self._explained():
            return {
                worker for (worker,) in self._base.execute("SELECT DISTINCT worker FROM items WHERE state = 'running'")
            }

    # work

    def claim(self) -> Item | None:
        """Take the next photograph that waits, so that no other worker takes it; None where none waits."""
        if self._lock is None:
            self._lock = wait_for_lock(self._lock_path(self.worker), _PATIENCE_S)
        with self._explained():
            rows = self._base.execute(
                "UPDATE items SET state = 'running', worker = ? WHERE id = "
                f"(SELECT id FROM items WHERE state = 'waiting' ORDER BY id LIMIT 1) RETURNING {self._columns}",
                (self.worker,),
            ).fetchall()
            return item_of(rows[0]) if rows else None

    def finish(self, item: Item, outcome: Outcome) -> None:
        """Write down what became of a photograph that was claimed."""
        values = [getattr(outcome, name) for name in OUTCOME]
        texts = [json.dumps(value) if name in LISTS else value for name, value in zip(OUTCOME, values, strict=True)]
        with self._explained():
            self._base.execute(
                f"UPDATE items SET worker = '', {', '.join(f'{name} = ?' for name in OUTCOME)} WHERE id = ?",
                (*texts, item.id),
            )

    def put_back(self, item_ids: Iterable[int], reason: str = "") -> None:
        """Let photographs wait (again), in one transaction."""
        with self._transaction():
            self._base.executemany(
                "UPDATE items SET state = 'waiting', worker = '', reason = ? WHERE id = ?",
                [(reason, item_id) for item_id in item_ids],
            )

    def note_time(self, times: Iterable[tuple[int, int]]) -> None:
        """Write down times of change, each with the photograph's id, of files that turned out to be the same."""
        with self._transaction():
            self._base.executemany(
                "UPDATE items SET changed_ns = ? WHERE id = ?", [(when, item_id) for item_id, when in times]
            )

    def recover(self) -> int:
        """Give back what workers had claimed that are gone; how many photographs these are."""
        count = 0
        for worker in self.holders():
            if worker == self.worker or is_held(self._lock_path(worker)):
                continue
            with self._explained():
                count += self._base.execute(
                    "UPDATE items SET state = 'waiting', worker = '' WHERE state = 'running' AND worker = ?", (worker,)
                ).rowcount
            with suppress(OSError):
                self._lock_path(worker).unlink()
        return count

    # within

    def _take_back_half_a_change(self) -> None:
        """Finish what a process that was killed has left of a shared manifest, which only a writer can do."""
        try:
            self._base.execute("SELECT 1 FROM sqlite_master").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_READONLY_ROLLBACK":
                raise
            with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=rw", _PATIENCE_S, uri=True)) as writer:
                writer.execute("SELECT 1 FROM sqlite_master").fetchone()

    def _lock_path(self, worker: str) -> Path:
        return self.path.with_name(f"{self.path.stem}-{worker}.lock")

    def _give_lock_back(self) -> None:
        if self._lock is not None:
            self._lock.release()
            with suppress(OSError):
                self._lock_path(self.worker).unlink()

    def _check_tables(self, shard: int | None) -> None:
        """Raises Malformed where a table or a column is missing, or it is another shard's; InputError: a newer one."""
        tables = {name for (name,) in self._base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "facts" in tables:
            self._check_version()
        for table, wanted in (("facts", _FACT_COLUMNS), ("items", _NEEDED)):
            if table not in tables:
                raise Malformed(f"it has no table {table!r}")
            there = {name for (name,) in self._base.execute("SELECT name FROM pragma_table_info(?)", (table,))}
            if lacking := [name for name in wanted if name not in there]:
                raise Malformed(f"its table {table!r} has no column {lacking[0]!r}")
        if shard is not None and self.facts().get("shard", shard) != shard:
            raise Malformed(f"it is the manifest of another shard than {shard}")

    def _check_version(self) -> None:
        try:
            version = self.facts().get("format", _FORMAT)
        except ValueError:
            version = None
        if version != _FORMAT:
            raise InputError(
                f"The manifest {display_path(self.path)} is of another version of the program. Use that version, or "
                "another folder for the results."
            )

    def _know_styles(self, *, read_only: bool) -> str:
        """The columns to ask for; a manifest of an older program gets the one that it lacks, unless it is only read."""
        if self._lacks_styles() and not read_only:
            with self._transaction():
                if self._lacks_styles():  # no other process was faster
                    self._base.execute("ALTER TABLE items ADD COLUMN style TEXT NOT NULL DEFAULT ''")
        return _COLUMNS.replace("style", "'' AS style") if self._lacks_styles() else _COLUMNS

    def _lacks_styles(self) -> bool:
        columns = self._base.execute("SELECT name FROM pragma_table_info('items')").fetchall()
        return ("style",) not in columns

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._explained():
            self._base.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._base.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has ended it already
                    self._base.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """What SQLite says, as a sentence for the user."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise OutputError(
                f"The manifest {display_path(self.path)} cannot be used ({error}): is the disk full, read-only, or the "
                "file locked by another program? Start the same command again when that is fixed; nothing is lost."
            ) from error
        except (sqlite3.DatabaseError, Malformed) as error:
            raise InputError(
                f"The manifest {display_path(self.path)} is damaged ({error}). Delete it and start the same command "
                "again: results that are whole are not made again."
            ) from error


def _fact(name: object, value: object) -> Any:
    if not isinstance(value, str):
        raise Malformed(f"its fact {name!r:.60} is not text")
    return parse_json(value)
