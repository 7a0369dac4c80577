"""Photographs in zip archives: unpacked beside the manifests, so that they are photographs like all others."""

import errno
import json
import lzma
import os
import re
import shutil
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from core.errors import InputError, OutputError
from core.files import atomic_path, display_path, ensure_folder, write_bytes_atomic
from core.photo.folder_names import roles
from core.photo.reading import is_photo_path
from core.photo.sibling_files import safe_name
from core.progress import SILENT, Monitor, Progress
from core.strict import Malformed, parse_json, read_bytes

UNPACKED: Final = "unpacked"
"""In the folder of the manifests."""
_STAMP: Final = "archive.json"
_MOST_MEMBERS: Final = 10_000_000
_MOST_BYTES: Final = 2 << 30
"""Of a photograph; none is so large."""
_NAMES: Final = frozenset({errno.ENAMETOOLONG, errno.ENOTDIR, errno.EEXIST, errno.EISDIR})
"""Too long, or that of a folder for one member and of a file for another."""
_CHUNK: Final = 1 << 20
_SPARE_BYTES: Final = 64 << 20
_NOT_ON_WINDOWS: Final = re.compile(r'[<>:"|?*]|[. ]$')


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Photographs of an archive by the paths that they have, or get; the folder whose tree they are in; and what is
    wrong with members that could not be unpacked, in sentences."""

    photos: tuple[Path, ...]
    root: Path
    problems: tuple[str, ...] = ()


def is_archive(path: Path) -> bool:
    """Whether a file is an archive of photographs, by its suffix."""
    return path.suffix.lower() == ".zip" and path.is_file()


def look_into(file: Path, folder: Path) -> Unpacked:
    """The photographs of an archive by the paths that they get in ``folder``; nothing is written. Raises InputError."""
    root = _root(file, folder)
    with _opened(file) as archive:
        members, doubles = _photographs(file, archive)
        return Unpacked(tuple(root / name for name in members), root, doubles)


def unpack(file: Path, folder: Path, monitor: Monitor = SILENT) -> Unpacked:
    """Unpack the photographs of an archive; labels, masks and other files are left in it.

    What is there already and is the same is left alone, so that an archive is unpacked once. Each photograph is put in
    place whole or not at all. Names that would lead out of the folder do not.

    Raises
    ------
    InputError : it is damaged, encrypted, has no photographs or such that are far too large. OutputError : there is no
    room for them, or they cannot be written. Cancelled : by the monitor.
    """
    root = _root(file, folder)
    stamp = _stamp(file)
    with _opened(file) as archive:
        members, doubles = _photographs(file, archive)
        paths = {root / name: info for name, info in members.items()}
        if _is_unpacked(root, stamp):
            return Unpacked(tuple(path for path in paths if path.is_file()), root, doubles)
        ensure_folder(root)
        new = {path: info for path, info in paths.items() if not _is_there(path, info)}
        room, needed = shutil.disk_usage(root).free, sum(info.file_size for info in new.values())
        if needed + _SPARE_BYTES > room:
            raise OutputError(
                f"There is no room for the photographs of {display_path(file)} in {display_path(root)}: they take "
                f"{needed / 1e9:.1f} GB, and {room / 1e9:.1f} GB are free. Choose another --out."
            )
        problems = {}
        for number, (path, info) in enumerate(new.items()):
            monitor.step(Progress(f"Unpacking {display_path(file.name)}", number, len(new)))
            why = _unpack(archive, info, path)
            if why:
                problems[path] = f"{display_path(info.filename)} in {display_path(file)} cannot be unpacked: {why}."
    if not problems:
        write_bytes_atomic(root / _STAMP, json.dumps(stamp).encode())
    return Unpacked(tuple(path for path in paths if path not in problems), root, (*doubles, *problems.values()))


def _root(file: Path, folder: Path) -> Path:
    return folder / UNPACKED / safe_name(file.stem)


def _stamp(file: Path) -> dict[str, object]:
    status = file.stat()
    return {"archive": str(file.absolute()), "size": status.st_size, "changed_ns": status.st_mtime_ns}


def _is_unpacked(root: Path, stamp: dict[str, object]) -> bool:
    try:
        return bool(parse_json(read_bytes(root / _STAMP)) == stamp)
    except (OSError, Malformed):
        return False


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    name = display_path(file)
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, EOFError):
        raise InputError(f"{name} is not a whole zip archive. Copy it again.") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror or error}.") from error
    with archive:
        yield archive


def _photographs(file: Path, archive: zipfile.ZipFile) -> tuple[dict[Path, zipfile.ZipInfo], tuple[str, ...]]:
    """The members that are photographs, by their names below the root; of which names there are several, in sentences.

    Raises InputError.
    """
    name = display_path(file)
    folders: dict[PurePosixPath, dict[str, zipfile.ZipInfo]] = defaultdict(dict)
    others: dict[PurePosixPath, list[zipfile.ZipInfo]] = defaultdict(list)
    for info in archive.infolist()[:_MOST_MEMBERS]:
        path = PurePosixPath(*(part for part in PurePosixPath(info.filename).parts if part not in {"/", "..", "."}))
        if not info.is_dir() and path.parts and "__MACOSX" not in path.parts:
            others[path].append(info)
            folders[path.parent][path.name] = info
    found: dict[Path, zipfile.ZipInfo] = {}
    doubles: dict[Path, None] = {}
    for folder, there in sorted(folders.items()):
        kinds = roles((Path(each) for each in there if is_photo_path(Path(each))), there)
        for photo in (each for each, role in kinds.items() if role == "photograph"):
            place = Path(*map(_part, (*folder.parts, photo.name)))
            same = [*others[folder / photo.name], *([found[place]] if place in found else [])]
            if len({(info.CRC, info.file_size) for info in same}) > 1:
                doubles[place] = None
            found[place] = there[photo.name]
    if not found:
        raise InputError(f"The archive {name} holds no photographs.")
    for info in found.values():
        if info.flag_bits & 1:
            raise InputError(f"The archive {name} is encrypted. Unpack it, and give the folder.")
        if info.file_size > _MOST_BYTES:
            raise InputError(f"{display_path(info.filename)} in the archive {name} is larger than any photograph.")
    sentences = (
        f"Several photographs in the archive {name} are called {display_path(place)}, and only one of them was taken. "
        "Give each a name of its own."
        for place in doubles
    )
    return found, tuple(sentences)


def _part(name: str) -> str:
    """A part of a path that can be written here."""
    return _NOT_ON_WINDOWS.sub("_", safe_name(name)) if os.name == "nt" else safe_name(name)


def _is_there(path: Path, info: zipfile.ZipInfo) -> bool:
    try:
        if path.stat().st_size != info.file_size:
            return False
        crc = 0
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                crc = zlib.crc32(chunk, crc)
    except OSError:
        return False
    return crc == info.CRC


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> str:
    """Write a member; returns why that cannot be done. Raises OutputError."""
    try:
        ensure_folder(path.parent)
        with atomic_path(path) as temporary, archive.open(info) as member, temporary.open("wb") as file:
            left = info.file_size
            while chunk := member.read(min(_CHUNK, left + 1)):
                left -= len(chunk)
                file.write(chunk)
            if left:
                raise EOFError
    except OutputError as error:
        if not isinstance(error.__cause__, OSError) or error.__cause__.errno not in _NAMES:
            raise
        return "no file here can have its name"
    except NotImplementedError:
        return "it is compressed in a way that is not known here"
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError):
        return "it is damaged"
    return ""
