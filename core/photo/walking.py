"""Looking through folders: in natural order, bounded where links lead in circles, and by patterns."""

import fnmatch
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeVar

from core.errors import InputError
from core.files import display_path

Entry = os.DirEntry[str]
Found = TypeVar("Found")

_PARTS = re.compile(r"(\d+|[/\\])")


def natural_key(path: Path | str) -> tuple[list[tuple[int, int, str]], str]:
    """Sorts 2 before 10, whatever the case and the form of the letters, and names that are the same then by characters.

    Of a path each folder is compared before what is in it.
    """
    text = str(path)
    return [_rank(part) for part in _PARTS.split(same_name(text)) if part], text


def natural_bytes(text: str) -> bytes:
    """``natural_key`` as bytes that sort alike, for databases that sort what does not fit into memory."""
    parts = []
    for kind, number, letters in natural_key(text)[0]:
        digits = str(number).encode() if kind == 1 else b""
        rest = len(digits).to_bytes(2) + digits if kind == 1 else _code_points(letters)
        parts.append(bytes((kind + 1,)) + rest + b"\0" * (kind == 2))
    return b"".join(parts) + b"\0" + _code_points(text)


def _code_points(text: str) -> bytes:
    """Sorts as the text itself; so do bytes of names that are not UTF-8, which Python keeps as halves of characters."""
    return text.encode("utf-8", "surrogatepass")


def _rank(part: str) -> tuple[int, int, str]:
    if part in "/\\":
        return 0, 0, ""
    return (1, int(part), "") if part.isdecimal() else (2, 0, part)


def same_name(text: str) -> str:
    """What names have in common that a person takes for the same: letters small, accents in one form (NFC)."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def entries_of(folder: Path) -> list[Entry]:
    """What is in a folder, but for what is hidden.

    Raises
    ------
    InputError : the folder cannot be read.
    """
    return list(scanned(folder))


def scanned(folder: Path) -> Iterator[Entry]:
    """The same one after the other, in any order: of a large folder they need not be in memory. Raises InputError."""
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        raise InputError(f"The folder {display_path(folder)} cannot be read ({error.strerror or error}).") from None


def is_file(entry: Entry) -> bool:
    """Whether it is a file, or a link to one that can be reached."""
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def is_folder(entry: Entry) -> bool:
    """Whether it is a folder, or a link to one that can be reached."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def subfolders(entries: Iterable[Entry]) -> list[Path]:
    """Folders in natural order, then links to folders, so that a file is known by its own place first."""
    found = [entry for entry in entries if is_folder(entry)]
    return [Path(entry.path) for entry in sorted(found, key=lambda one: (one.is_symlink(), natural_key(one.name)))]


def walk(folder: Path, wanted: Callable[[Path], bool] = lambda _folder: True) -> Iterator[tuple[Path, list[Entry]]]:
    """All folders below one with what is in them, in natural order; each real folder once, however links lead to it.

    ``wanted`` : whether a folder is looked into. Folders that cannot be read are passed over.
    """
    try:
        inner = subfolders(entries_of(folder))
    except InputError:
        return

    def look(each: Path) -> tuple[list[Entry], list[Path]]:
        entries = entries_of(each)
        return entries, subfolders(entries)

    yield from walk_by(look, folder, inner, wanted)


def walk_by(
    look: Callable[[Path], tuple[Found, list[Path]]],
    folder: Path,
    inner: list[Path],
    wanted: Callable[[Path], bool],
) -> Iterator[tuple[Path, Found]]:
    """The same with what ``look`` finds in each folder.

    Parameters
    ----------
    look : gives what is in a folder, and its sub-folders in order; InputError where it cannot be read.
    inner : the sub-folders of ``folder``.
    """
    been, waiting = {os.path.realpath(folder)}, inner[::-1]
    while waiting:
        each = waiting.pop()
        real = os.path.realpath(each)
        if real in been or not wanted(each):
            continue
        been.add(real)
        try:
            found, inner = look(each)
        except InputError:
            continue
        yield each, found
        waiting += inner[::-1]


def expand(pattern: str) -> list[Path]:
    """The files that a pattern names (``*``, ``?``, ``[...]``, and ``**`` for any depth), in natural order.

    Python's own glob goes through a link to a folder above again and again; here each folder is gone through once.
    """
    return sorted(dict.fromkeys(matches(pattern)), key=natural_key)


def matches(pattern: str) -> Iterator[Path]:
    """The files of ``expand`` one after the other, in any order; some may come twice."""
    whole = Path(pattern)
    start, parts = Path(whole.anchor), whole.parts[1 if whole.anchor else 0 :]
    yield from _matches(start, parts, set())


def _matches(folder: Path, parts: Sequence[str], been: set[tuple[str, int]]) -> Iterator[Path]:
    """``been`` : the folders for which the last so many parts have been looked for."""
    head, *rest = parts
    if head == "**":
        below = rest or ["*"]
        for each in chain((folder,), (inner for inner, _ in walk(folder))):
            place = (os.path.realpath(each), len(below))
            if place not in been:
                been.add(place)
                yield from _matches(each, below, been)
    elif any(character in head for character in "*?["):
        yield from _matches_here(folder, head, rest, been)
    elif rest:
        yield from _matches(folder / head, rest, been)
    elif (folder / head).is_file():
        yield folder / head


def _matches_here(folder: Path, head: str, rest: Sequence[str], been: set[tuple[str, int]]) -> Iterator[Path]:
    fits = re.compile(fnmatch.translate(os.path.normcase(head))).match
    try:
        entries = [entry for entry in entries_of(folder) if fits(os.path.normcase(entry.name))]
    except InputError:
        return
    for entry in entries:
        if rest and is_folder(entry):
            yield from _matches(folder / entry.name, rest, been)
        elif not rest and is_file(entry):
            yield folder / entry.name
