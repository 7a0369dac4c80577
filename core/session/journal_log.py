"""The log of a journal on the disk: entries one behind the other, each with its length and its check sum.

What was written is found again up to the first entry that is not whole, however the program ended.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from core.files import atomic_path, display_path
from core.session.journal_state import Entry, JournalState, encoded
from core.strict import Malformed, open_regular, parse_json

LOG: Final = "journal.log"
VERSION: Final = 1
_FRAME: Final = struct.Struct("<4sII")
_MARK: Final = b"SERJ"
_MOST_ENTRY: Final = 1 << 30
START: Final = Entry("start", {"serr_journal": VERSION})


def framed(entry: Entry) -> bytes:
    """An entry as it is in the log."""
    data = encoded(entry)
    return _FRAME.pack(_MARK, len(data), zlib.crc32(data)) + data


@dataclass(frozen=True, slots=True, eq=False)
class ReadLog:
    """What a log adds up to. ``lost`` : bytes behind the last whole entry. ``problem`` : why it cannot be read."""

    state: JournalState
    lost: int = 0
    problem: str = ""


def read_log(folder: Path) -> ReadLog:
    """Read the log of a journal as far as it is whole. One that is not there is empty."""
    state, path = JournalState(), folder / LOG
    try:
        with open_regular(path) as file:
            size = file.seek(0, 2)
            file.seek(0)
            good = 0
            try:
                for entry in _entries(file):
                    _check_version(entry)
                    state.apply(entry)
                    good = file.tell()
            except Malformed as error:
                return ReadLog(state, size - good, str(error))
            file.seek(good)
            problem = "an entry in its middle is damaged" if _has_entry(file.read(_MOST_ENTRY)) else ""
            return ReadLog(state, size - good, problem)
    except FileNotFoundError:
        return ReadLog(state)
    except (OSError, Malformed) as error:
        return ReadLog(state, 0, f"{display_path(path)}: {error}")


def _entries(file: BinaryIO) -> Iterator[Entry]:
    """The entries up to the first that is not whole. Raises Malformed for one that is, and makes no sense."""
    while True:
        frame = file.read(_FRAME.size)
        if len(frame) < _FRAME.size:
            return
        mark, length, crc = _FRAME.unpack(frame)
        data = file.read(length) if mark == _MARK and length <= _MOST_ENTRY else b""
        if len(data) != length or zlib.crc32(data) != crc:
            return
        yield _decoded(data)


def _has_entry(rest: bytes) -> bool:
    """Whether a whole entry follows in what could not be read: a program that was killed leaves a part of one only."""
    place = rest.find(_MARK, 1)
    while place >= 0:
        frame, start = rest[place : place + _FRAME.size], place + _FRAME.size
        if len(frame) == _FRAME.size:
            _, length, crc = _FRAME.unpack(frame)
            if 0 < length <= len(rest) - start and zlib.crc32(memoryview(rest)[start : start + length]) == crc:
                return True
        place = rest.find(_MARK, place + 1)
    return False


def _decoded(data: bytes) -> Entry:
    start = 4 + int.from_bytes(data[:4], "little")
    header = parse_json(data[4:start], surrogates=True)
    try:
        blobs = {}
        for name, size in header["sizes"].items():
            blobs[name] = data[start : start + size]
            start += size
        return Entry(str(header["kind"]), dict(header["values"]), blobs)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Malformed("an entry is damaged") from None


def _check_version(entry: Entry) -> None:
    if entry.kind == "start" and entry.values.get("serr_journal") != VERSION:
        raise Malformed("it was written by another version of the program")


def write_log(path: Path, entries: Iterable[Entry]) -> int:
    """Write a log whole or not at all, readable by the user alone; its size in bytes.

    Raises
    ------
    OutputError : it cannot be written.
    """
    with atomic_path(path, private=True) as temporary, temporary.open("wb") as file:
        for entry in (START, *entries):
            file.write(framed(entry))
        return file.tell()
