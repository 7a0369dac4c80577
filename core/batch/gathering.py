"""Photographs on their way into a batch, in a database of SQLite's own: whatever their number, they fit into memory.

The database is a temporary one (``core.photo.temporary_base``). Duplicates, names that meet, and orders are found by
sorting, which SQLite does on the disk.
"""

import json
import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from core.batch.lists import Listed
from core.batch.places import kind_of, usual_folder
from core.photo.sibling_files import photo_stem, safe_name
from core.photo.temporary_base import explained, temporary_base
from core.photo.walking import natural_bytes, same_name

_CACHE_KB: Final = 64 << 10
_FOLDERS: Final = 1024
"""Whose real paths and places are remembered: photographs come folder by folder."""
_TABLES: Final = """
CREATE TABLE found (
    id INTEGER PRIMARY KEY, source INTEGER NOT NULL, link INTEGER NOT NULL, path BLOB NOT NULL, real BLOB, columns TEXT
);
CREATE TABLE known (path BLOB NOT NULL, shard INTEGER NOT NULL, place TEXT NOT NULL, key TEXT NOT NULL);
CREATE TABLE fresh (id INTEGER PRIMARY KEY, place TEXT NOT NULL, key TEXT NOT NULL, shard INTEGER NOT NULL);
CREATE TABLE sorted (key BLOB NOT NULL, path BLOB NOT NULL, name BLOB NOT NULL);
"""
_FRESH: Final = "SELECT id, path, place, key, columns, 1, shard FROM found JOIN fresh USING (id)"
_KNOWN: Final = (
    "SELECT found.id, path, known.place, known.key, columns, 0, known.shard FROM found CROSS JOIN known USING (path)"
)


class Row(NamedTuple):
    """A photograph with its place. ``path`` and ``columns`` (JSON) as a manifest has them; ``new``: to the batch."""

    path: bytes
    place: str
    key: str
    columns: str
    new: bool
    shard: int


class Gathering:
    """The photographs for a batch, in the order in which they were added; for ``with``.

    Raises
    ------
    OutputError : by all methods, where the folder for temporary files is full.
    """

    def __init__(self) -> None:
        self._base = temporary_base(_TABLES, _CACHE_KB)
        self._real_folder = lru_cache(_FOLDERS)(os.path.realpath)
        self._sources = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()

    def __len__(self) -> int:
        return self._number("SELECT count(*) FROM found")

    @property
    def new(self) -> int:
        """How many of those that have places are new to the batch."""
        return self._number("SELECT count(*) FROM fresh")

    def add(self, photos: Iterable[Listed], *, links_last: bool = False) -> int:
        """Add the photographs of a list, a folder or the like, by absolute paths; returns a number for ``again``.

        Parameters
        ----------
        links_last : where a file and a link to it are both among them, the file counts, whichever comes first.
        """
        self._sources += 1
        rows = (self._row(photo, links_last=links_last) for photo in photos)
        with explained():
            self._base.executemany(
                f"INSERT INTO found (source, link, path, real, columns) VALUES ({self._sources}, ?, ?, ?, ?)", rows
            )
        return self._sources

    def _row(self, photo: Listed, *, links_last: bool) -> tuple[bool, bytes, bytes | None, str]:
        path = os.fspath(photo.path)
        folder, name = os.path.split(path)
        is_link = photo.path.is_symlink()
        real = os.path.realpath(path) if is_link or name in {"", ".", ".."} else None
        if real is None:
            real = os.path.normcase(f"{self._real_folder(folder)}{os.sep}{name}")
        columns = json.dumps(photo.columns) if photo.columns else "{}"
        return is_link and links_last, os.fsencode(path), None if real == path else os.fsencode(real), columns

    def settle(self) -> dict[int, int]:
        """Let each file count once: the first of its names. How many further names each source has for its files."""
        ordered = "PARTITION BY coalesce(real, path){} ORDER BY source, link, id"
        with explained():
            self._base.execute(
                "CREATE TABLE twice AS SELECT id FROM (SELECT id, row_number() OVER "
                f"({ordered.format('')}) AS number FROM found) WHERE number > 1"
            )
            again: dict[int, int] = {}
            if self._number("SELECT count(*) FROM twice"):
                again = dict(
                    self._base.execute(
                        "SELECT source, count(*) FROM (SELECT source, row_number() OVER "
                        f"({ordered.format(', source')}) AS number FROM found) WHERE number > 1 GROUP BY source"
                    ).fetchall()
                )
                self._base.execute("DELETE FROM found WHERE id IN (SELECT id FROM twice)")
            self._base.execute("DROP TABLE twice")
        return again

    def in_natural_order(self, files: Iterable[Path]) -> Iterator[tuple[Path, Iterator[str]]]:
        """The names of files folder by folder, the folders in natural order; each once."""
        rows = ((natural_bytes(str(each.parent)), os.fsencode(each.parent), os.fsencode(each.name)) for each in files)
        with explained():
            self._base.execute("DELETE FROM sorted")
            self._base.executemany("INSERT INTO sorted VALUES (?, ?, ?)", rows)
            found = self._base.execute("SELECT DISTINCT key, path, name FROM sorted ORDER BY key, path, name")
            for folder, names in groupby(found, key=itemgetter(1)):
                yield Path(os.fsdecode(folder)), (os.fsdecode(name) for _, _, name in names)

    def know(self, shard: int, places: Iterable[tuple[bytes, str, str]]) -> None:
        """Photographs that a shard of the batch has already: path, place, and the place as it is compared."""
        with explained():
            self._base.executemany(f"INSERT INTO known VALUES (?, {shard}, ?, ?)", places)

    def place(self, root: Path, shards: int = 1) -> None:
        """Give each photograph that the batch does not know a place for its results, and a shard.

        The place is the path below ``root`` without the suffix, with ``/``. Photographs that differ in nothing else get
        their suffix behind (``a_png``, ``a_jpg``), and what is left the same a number. Small and capital letters are
        the same.
        """
        with explained():
            self._base.execute("DELETE FROM fresh")
            self._base.execute("CREATE INDEX IF NOT EXISTS known_paths ON known (path)")
            self._base.execute("CREATE INDEX IF NOT EXISTS known_keys ON known (key)")
            self._base.executemany("INSERT INTO fresh VALUES (?, ?, ?, ?)", self._usual(root, shards))
            self._keep_apart()

    def _usual(self, root: Path, shards: int) -> Iterator[tuple[int, str, str, int]]:
        below = lru_cache(_FOLDERS)(lambda folder: usual_folder(Path(folder), root))
        rows = self._base.execute(
            "SELECT id, path FROM found WHERE NOT EXISTS (SELECT 1 FROM known WHERE known.path = found.path) "
            "ORDER BY id"
        )
        for number, (row, path) in enumerate(rows):
            folder, name = os.path.split(os.fsdecode(path))
            place = below(folder) + safe_name(photo_stem(Path(name)))
            yield row, place, same_name(place), number % shards + 1

    def _keep_apart(self) -> None:
        """Give those of the same place others."""
        base = self._base
        base.execute(
            "CREATE TABLE clash AS SELECT id FROM (SELECT id, count(*) OVER (PARTITION BY key) AS times FROM fresh) "
            "WHERE times > 1 UNION SELECT id FROM fresh WHERE key IN (SELECT key FROM known)"
        )
        if self._number("SELECT count(*) FROM clash"):
            base.create_function("by_parts", 1, _by_parts, deterministic=True)
            base.execute("UPDATE fresh SET key = '' WHERE id IN (SELECT id FROM clash)")
            base.execute("CREATE INDEX fresh_keys ON fresh (key)")
            rows = base.execute(
                "SELECT id, path, place FROM clash JOIN fresh USING (id) JOIN found USING (id) ORDER BY by_parts(path)"
            )
            for row, path, usual in rows:
                place = usual + kind_of(Path(os.fsdecode(path)))
                free, number = place, 2
                while self._is_taken(same_name(free)):
                    free, number = f"{place}_{number}", number + 1
                base.execute("UPDATE fresh SET place = ?, key = ? WHERE id = ?", (free, same_name(free), row))
            base.execute("DROP INDEX fresh_keys")
        base.execute("DROP TABLE clash")

    def _is_taken(self, key: str) -> bool:
        return bool(
            self._base.execute(
                "SELECT EXISTS (SELECT 1 FROM fresh WHERE key = ?1) OR EXISTS (SELECT 1 FROM known WHERE key = ?1)",
                (key,),
            ).fetchone()[0]
        )

    def placed(self) -> Iterator[Row]:
        """All photographs with their places, in their order."""
        with explained():
            yield from map(_row, self._base.execute(f"{_FRESH} UNION ALL {_KNOWN} ORDER BY 1"))

    def to_write(self) -> Iterator[tuple[int, Iterator[Row]]]:
        """What the manifest of each shard has to be told, by shards: new photographs, and new columns of known ones."""
        with explained():
            told = f"SELECT * FROM ({_KNOWN}) WHERE columns <> '{{}}'"
            rows = self._base.execute(f"{_FRESH} UNION ALL {told} ORDER BY 7, 1")
            for shard, group in groupby(rows, key=itemgetter(6)):
                yield shard, map(_row, group)

    def _number(self, question: str) -> int:
        with explained():
            return int(self._base.execute(question).fetchone()[0])


def _row(values: tuple[Any, ...]) -> Row:
    _, path, place, key, columns, new, shard = values
    return Row(path, place, key, columns, bool(new), shard)


def _by_parts(path: bytes) -> bytes:
    """Sorts as paths do: folder by folder."""
    return "\0".join(Path(os.fsdecode(path)).parts).encode("utf-8", "surrogatepass")


def absolute(path: Path) -> Path:
    """A path from the root, without ``..``."""
    return path.resolve() if ".." in path.parts else path.absolute()
