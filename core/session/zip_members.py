"""The files in a zip that anybody may have written: read one by one, bounded, never put onto the disk by their name.

A zip whose end is missing (a copy that was cut short) is read from its beginning, as far as it goes.
"""

import re
import struct
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

from core.strict import Malformed, open_regular

_NAME: Final = re.compile(r"session\.json|photographs/[0-9]{5,7}/[a-z_]{1,40}\.[a-z0-9]{1,8}")
_MOST_MEMBERS: Final = 2_000_000
_MOST_RATIO: Final = 200
"""What our files can be smaller when compressed; pictures and deflated data hardly are."""
_FREE: Final = 1 << 16
_LOCAL: Final = struct.Struct("<4s2x2H4x3I2H")
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a member's bytes are in a file that has lost its end."""

    start: int
    method: int
    packed: int
    size: int
    crc: int


class ZipMembers:
    """The members of a zip with names that a session has; ``strange`` are the other names, which are left alone.

    ``twice`` : names that come more than once, of which the last counts.
    ``cut`` : the file has lost its end, and what is there was found from its beginning. To be used in a ``with``.

    Raises
    ------
    OSError : it cannot be read. Malformed : it is not a zip.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = open_regular(path)
        self._zip: zipfile.ZipFile | None = None
        self._found: dict[str, _Place] = {}
        try:
            try:
                self._zip = zipfile.ZipFile(self._file)
                names = self._zip.namelist()
            except (zipfile.BadZipFile, ValueError, OverflowError, struct.error, NotImplementedError, EOFError):
                self._zip, self._found = None, _scanned(self._file)
                names = list(self._found)
                if not names:
                    raise Malformed("it is not a session file, or nothing of it is left") from None
        except BaseException:
            self._file.close()
            raise
        self.cut = self._zip is None
        self.names = frozenset(name for name in names[:_MOST_MEMBERS] if _NAME.fullmatch(name))
        self.twice = tuple(
            name for name, count in Counter(names[:_MOST_MEMBERS]).items() if count > 1 and name in self.names
        )
        self.strange = tuple(name for name in names[:_MOST_MEMBERS] if name not in self.names)

    def __enter__(self) -> "ZipMembers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._zip is not None:
            self._zip.close()
        self._file.close()

    def read(self, name: str, most: int) -> bytes:
        """The content of a member, at most so many bytes. Raises Malformed, also where it is not there."""
        if name not in self.names:
            raise Malformed("it is missing")
        try:
            data = self._of_zip(self._zip, name, most) if self._zip is not None else self._of_rest(name, most)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, struct.error) as error:
            if isinstance(error, Malformed):
                raise
            raise Malformed("it is damaged") from None
        if len(data) > most:
            raise Malformed(f"it is larger than {most} bytes")
        return data

    @staticmethod
    def _of_zip(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
        info = archive.getinfo(name)
        if info.compress_type not in _METHODS or _is_bomb(info.file_size, info.compress_size):
            raise Malformed("it is compressed in a way that sessions are not")
        with archive.open(name) as member:
            return member.read(most + 1)

    def _of_rest(self, name: str, most: int) -> bytes:
        place = self._found[name]
        if place.packed > most + _FREE or place.size > most or _is_bomb(place.size, place.packed):
            raise Malformed(f"it is larger than {most} bytes")
        self._file.seek(place.start)
        data = self._file.read(place.packed)
        if place.method == zipfile.ZIP_DEFLATED:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, most + 1)
        if len(data) != place.size or zlib.crc32(data) != place.crc:
            raise Malformed("it is damaged")
        return data


def _is_bomb(size: int, packed: int) -> bool:
    return size > _MOST_RATIO * packed + _FREE


def _scanned(file: BinaryIO) -> dict[str, _Place]:
    """The members that are wholly there, by the headers in front of them."""
    size = file.seek(0, 2)
    found: dict[str, _Place] = {}
    position = 0
    while len(found) < _MOST_MEMBERS:
        file.seek(position)
        header = file.read(_LOCAL.size)
        if len(header) < _LOCAL.size:
            break
        mark, flags, method, crc, packed, unpacked, name_length, extra_length = _LOCAL.unpack(header)
        if mark != b"PK\x03\x04" or flags & 0x09 or method not in _METHODS:  # encrypted, or sizes behind the data
            break
        name = file.read(name_length).decode("utf-8", "replace")
        start = position + _LOCAL.size + name_length + extra_length
        if start + packed > size:
            break
        found[name] = _Place(start, method, packed, unpacked, crc)
        position = start + packed
    return found
