"""What the files of a folder are by their names: photographs, labels, masks or results, however many they are.

Many words that make a name that of a label may belong to a photograph, too (initials, say): they count where the
photograph itself is in the same folder. So all names are gathered before one is judged.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from core.photo.enhanced import ENHANCED_SUFFIX
from core.photo.naming import take_apart
from core.photo.reading import is_photo_path
from core.photo.sibling_files import SIDECAR_SUFFIX, photo_stem
from core.photo.temporary_base import explained, temporary_base
from core.photo.walking import natural_bytes, natural_key, same_name

Role = Literal["photograph", "label", "mask", "result"]

AT_ONCE: Final = 50_000
"""Facts on names that are held in memory (about 10 MB); of larger folders all are in a temporary database."""
_CACHE_KB: Final = 32 << 10
_TABLES: Final = """
CREATE TABLE keys (key BLOB NOT NULL);
CREATE TABLE wanted (sort BLOB NOT NULL, name BLOB NOT NULL, role TEXT);
"""
_SURE: Final[tuple[tuple[Role, re.Pattern[str]], ...]] = (
    ("result", re.compile(r"_(overlay|probability|doubt)$", re.IGNORECASE)),
    ("label", re.compile(r"([_\-. ](manual\d?|1stho|2ndho)|\.(ah|vk))$", re.IGNORECASE)),
    ("mask", re.compile(r"[_\-. ]masks?$", re.IGNORECASE)),
)
"""Ends of names that no photograph has."""
_SIDECAR, _ENHANCED_SIDECAR, _STEM, _PHOTOGRAPH = "sev#"
"""What a key is of, as its first character: a side-car; one of an enhanced picture; a picture that is neither a label,
a mask nor a result for sure; what is left of a photograph's name without words for its role."""


class FolderNames:
    """The names of the files of one folder; for ``with``, where they may be many.

    Raises
    ------
    OutputError : by all methods, where the folder for temporary files is full.
    """

    def __init__(self) -> None:
        self._keys = set[str]()
        self._wanted = list[tuple[str, Role | None]]()
        self._base: sqlite3.Connection | None = None
        self._is_sorted = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back what they take; for those that are not used in ``with``."""
        if self._base is not None:
            self._base.close()

    def know(self, name: str, *, wanted: bool = False) -> None:
        """A file of the folder; ``wanted`` : as ``want``."""
        keys, role = _told(name)
        self._keys.update(keys)
        if wanted:
            self._wanted.append((name, role))
        self._make_room()

    def want(self, name: str) -> None:
        """A picture of the folder, which ``roles`` gives with its role."""
        self._wanted.append((name, _told(name)[1]))
        self._make_room()

    def roles(self) -> Iterator[tuple[str, Role]]:
        """The pictures that are wanted, in natural order, when all files are known."""
        for name, role in self._ordered():
            yield name, role or self.role(name)

    def role(self, name: str) -> Role:
        """What a picture of the folder is, when all files are known."""
        path = Path(name)
        stem = photo_stem(path)
        if (
            stem.endswith("_enhanced")
            and self._has(_ENHANCED_SIDECAR + same_name(stem + ENHANCED_SUFFIX))
            and self._has(_STEM + same_name(stem.removesuffix("_enhanced")))
        ):
            return "result"
        sure = _sure(stem)
        if sure == "mask" and self._has(_SIDECAR + same_name(stem).removesuffix("_mask")):
            return "result"
        if sure is not None:
            return sure
        parts = take_apart(path)
        if parts.role != "photograph" and self._has(_PHOTOGRAPH + parts.keys[-1]):
            return parts.role
        return "photograph"

    def _ordered(self) -> Iterator[tuple[str, Role | None]]:
        if self._base is None:
            yield from sorted(self._wanted, key=lambda each: natural_key(each[0]))
            return
        self._sort()
        with explained():
            for name, role in self._base.execute("SELECT name, role FROM wanted ORDER BY sort"):
                yield _text(name), role

    def _has(self, key: str) -> bool:
        if self._base is None:
            return key in self._keys
        self._sort()
        with explained():
            found = self._base.execute("SELECT EXISTS (SELECT 1 FROM keys WHERE key = ?)", (_bytes(key),))
            return bool(found.fetchone()[0])

    def _make_room(self) -> None:
        if len(self._keys) + len(self._wanted) > AT_ONCE:
            self._to_disk()

    def _sort(self) -> None:
        """Make all names in the database ready to be looked up."""
        self._to_disk()
        if not self._is_sorted and self._base is not None:
            self._is_sorted = True
            with explained():
                self._base.execute("CREATE INDEX keys_in_order ON keys (key)")

    def _to_disk(self) -> None:
        if self._base is None:
            self._base = temporary_base(_TABLES, _CACHE_KB)
        with explained():
            self._base.executemany("INSERT INTO keys VALUES (?)", ((_bytes(key),) for key in self._keys))
            rows = ((natural_bytes(name), _bytes(name), role) for name, role in self._wanted)
            self._base.executemany("INSERT INTO wanted VALUES (?, ?, ?)", rows)
        self._keys.clear()
        self._wanted.clear()


def roles(pictures: Iterable[Path], names: Iterable[str]) -> dict[Path, Role]:
    """What pictures of one folder are, by the names.

    Parameters
    ----------
    pictures : some pictures of the folder.
    names : the names of all its files: side-cars among them tell results, and photographs tell what belongs to them.
    """
    with FolderNames() as there:
        for name in names:
            there.know(name)
        return {path: there.role(path.name) for path in pictures}


def _told(name: str) -> tuple[tuple[str, ...], Role | None]:
    """What a file's name says about others, as keys, and its role; None where that depends on others."""
    key = same_name(name)
    if key.endswith(SIDECAR_SUFFIX):
        return (_SIDECAR + key.removesuffix(SIDECAR_SUFFIX),), None
    if key.endswith(ENHANCED_SUFFIX):
        return (_ENHANCED_SIDECAR + key,), None
    path = Path(name)
    if not is_photo_path(path):
        return (), None
    stem = photo_stem(path)
    may_be_enhanced, sure = stem.endswith("_enhanced"), _sure(stem)
    if sure is not None:
        return (), None if may_be_enhanced or sure == "mask" else sure
    parts = take_apart(path)
    if parts.role != "photograph":
        return (_STEM + parts.keys[0],), None
    return (_STEM + parts.keys[0], _PHOTOGRAPH + parts.keys[-1]), None if may_be_enhanced else "photograph"


def _sure(stem: str) -> Role | None:
    return next((role for role, ending in _SURE if ending.search(stem)), None)


def _bytes(text: str) -> bytes:
    """Also of names that are not UTF-8, which Python keeps as halves of characters."""
    return text.encode("utf-8", "surrogatepass")


def _text(stored: bytes) -> str:
    return stored.decode("utf-8", "surrogatepass")
