"""The file ``.serr-session``: a zip of JSON, PNG and deflated bytes, described in ``docs/formats.md``.

It is written whole or not at all. What anybody may have written is read within bounds: names lead nowhere, sizes are
those that the photograph's size allows, and what is damaged costs only itself and is named.
"""

import json
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from core import __version__
from core.errors import InputError
from core.export import png
from core.files import atomic_path, display_path, printable
from core.masks.edits import BACKGROUND, UNTOUCHED, VESSEL
from core.photo.png import check_png, png_size
from core.progress import SILENT, Monitor, Progress
from core.session.fields import MAJOR, MINOR, photo_from, photo_ref, photo_values
from core.session.maps import ABOUT, MEMBERS, PROBABILITY, about_result
from core.session.packing import packed_bits, unpacked_bits, unpacked_codes
from core.session.records import LAYERS, MapPlace, PhotoRecord, SessionRecord
from core.session.zip_members import ZipMembers
from core.strict import Malformed, is_text, parse_json
from core.types import ByteArray

SUFFIX: Final = ".serr-session"
_INDEX: Final = "session.json"
_MOST_JSON: Final = 64 << 20
_MOST_HISTORY: Final = 256 << 20
_MOST_PHOTO: Final = 1 << 30
_GREY_OF_CODE: Final = {UNTOUCHED: 128, BACKGROUND: 0, VESSEL: 255}
"""How corrections look in ``edits.png``, so that any viewer shows them."""


@dataclass(frozen=True, slots=True, eq=False)
class PhotoContent:
    """What is written of a photograph beside its record.

    ``result`` : the files of ``maps.result_members``; None: those of the record's ``map``, if it has any. ``embed`` :
    the photograph's own bytes, to be kept in the session.
    """

    result: Mapping[str, bytes] | None = None
    embed: bytes | None = None


@dataclass(frozen=True, slots=True, eq=False)
class OpenedSession:
    """A session as it was read.

    Parameters
    ----------
    problems : what cannot be used, in sentences.
    relative : paths of the photographs from the session's folder. ``embedded`` : those whose bytes are in the file, by
        their place in the list, with the name of the member.
    """

    path: Path
    record: SessionRecord
    problems: tuple[str, ...] = ()
    relative: tuple[str, ...] = ()
    embedded: Mapping[int, str] = field(default_factory=dict)


def write_session(
    path: Path,
    session: SessionRecord,
    content: Callable[[int], PhotoContent] = lambda _index: PhotoContent(),
    monitor: Monitor = SILENT,
) -> None:
    """Write a session file whole or not at all. ``content`` is asked for each photograph in turn.

    Raises
    ------
    OutputError : it cannot be written. Cancelled : the monitor says so.
    """
    count = len(session.photos)
    index = {
        **session.unknown,
        "serr_session": MAJOR,
        "minor": MINOR,
        "program": __version__,
        "photographs": count,
        "current": session.current,
        "observer": session.observer,
    }
    with (
        atomic_path(path, follow_link=True) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        archive.writestr(_INDEX, json.dumps(index, indent=1))
        for number, photo in enumerate(session.photos):
            monitor.step(Progress("Writing the session", number, count))
            _write_photo(archive, _prefix(number), photo, content(number), path.absolute().parent)


def read_session(path: Path) -> OpenedSession:
    """Read a session as far as it can be read; results of networks are left in the file (``PhotoRecord.map``).

    Raises
    ------
    InputError : it is missing, no session, or of a newer version.
    """
    try:
        with ZipMembers(path) as members:
            return _read(path, members)
    except OSError as error:
        raise InputError(f"The session {display_path(path)} cannot be opened: {error.strerror or error}.") from error
    except Malformed as error:
        raise InputError(f"{display_path(path)} cannot be opened as a session: {error}.") from error


def read_result(place: MapPlace, shape: tuple[int, int]) -> dict[str, bytes]:
    """The files of a result that is kept at a place. Raises OSError, Malformed."""
    with ZipMembers(place.file) as members:
        most = {PROBABILITY: _packed_bound(4 * shape[0] * shape[1])}
        return {name: members.read(place.prefix + name, most.get(name, _MOST_JSON)) for name in MEMBERS}


def read_about(place: MapPlace) -> dict[str, Any]:
    """What a kept result says of itself, without its pixels. Raises OSError, Malformed."""
    with ZipMembers(place.file) as members:
        missing = [name for name in MEMBERS if place.prefix + name not in members.names]
        if missing:
            raise Malformed("its result is not whole")
        return about_result({ABOUT: members.read(place.prefix + ABOUT, _MOST_JSON)})


def read_embedded(path: Path, member: str) -> bytes:
    """The bytes of an embedded photograph. Raises OSError, Malformed."""
    with ZipMembers(path) as members:
        return members.read(member, _MOST_PHOTO)


def write_result(path: Path, result: Mapping[str, bytes]) -> MapPlace:
    """Write the files of one result as a zip that only the user can read; where they are then.

    Raises
    ------
    OutputError : it cannot be written.
    """
    prefix = _prefix(0)
    with (
        atomic_path(path, private=True) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
    ):
        for name in MEMBERS:
            archive.writestr(prefix + name, result[name])
    return MapPlace(path, prefix)


def _prefix(index: int) -> str:
    return f"photographs/{index + 1:05d}/"


def _packed_bound(count: int) -> int:
    """The most bytes that deflated data of so many bytes can have."""
    return count + count // 1000 + 1024


def _write_photo(
    archive: zipfile.ZipFile, prefix: str, photo: PhotoRecord, content: PhotoContent, folder: Path
) -> None:
    values, blobs = photo_values(photo)
    values["photograph"]["relative"] = _relative(photo.photo.path, folder)
    archive.writestr(f"{prefix}photograph.json", json.dumps(values, indent=1))
    shape = photo.photo.shape
    result = content.result
    if result is None and photo.map is not None and shape is not None:
        result = read_result(photo.map, shape)
    for name, data in (result or {}).items():
        archive.writestr(prefix + name, data, zipfile.ZIP_STORED)
    if content.embed is not None:
        suffix = photo.photo.path.suffix.lower().lstrip(".")
        suffix = suffix if suffix.isascii() and suffix.isalnum() and len(suffix) <= 8 else "bin"
        archive.writestr(f"{prefix}original.{suffix}", content.embed, zipfile.ZIP_STORED)
    for name, data in blobs.items():
        if name == "history":
            archive.writestr(f"{prefix}history.bin", data, zipfile.ZIP_STORED)
        elif shape is not None:
            archive.writestr(f"{prefix}{name}.png", _picture(name, data, shape), zipfile.ZIP_STORED)


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return ""


def _picture(name: str, data: bytes, shape: tuple[int, int]) -> bytes:
    if name == "edits":
        greys = np.zeros(256, np.uint8)
        greys[list(_GREY_OF_CODE)] = list(_GREY_OF_CODE.values())
        return png(greys[unpacked_codes(data, shape)])
    return png(np.where(unpacked_bits(data, shape), np.uint8(255), np.uint8(0)))


def _read(path: Path, members: ZipMembers) -> OpenedSession:
    problems = ["The file is cut short: what comes before was opened."] if members.cut else []
    if members.strange:
        names = ", ".join(printable(name)[:60] for name in members.strange[:3])
        problems.append(f"It holds files that no session has, which were left alone: {names}.")
    if members.twice:
        names = ", ".join(members.twice[:3])
        problems.append(f"It holds the same file several times, of which the last was read: {names}.")
    index = _read_index(path, members, problems)
    numbers = sorted({name.split("/")[1] for name in members.names if "/" in name})
    stated = index.get("photographs")
    photos: list[PhotoRecord] = []
    known: set[Path] = set()
    relative: list[str] = []
    embedded: dict[int, str] = {}
    for number in numbers:
        prefix = f"photographs/{number}/"
        read = _read_photo(path, members, prefix, problems)
        if read is None:
            continue
        record, where = read
        if record.photo.path in known:
            problems.append(f"{display_path(record.photo.path.name)} is in it more than once: the first was opened.")
            continue
        known.add(record.photo.path)
        original = next((name for name in sorted(members.names) if name.startswith(f"{prefix}original.")), None)
        if original is not None:
            embedded[len(photos)] = original
        photos.append(record)
        relative.append(where)
    if type(stated) is int and stated > len(numbers):
        problems.append(f"{stated - len(numbers)} of {stated} photographs are missing in the file.")
    current, observer = index.get("current", -1), index.get("observer", "")
    ours = {"serr_session", "minor", "program", "photographs", "current", "observer"}
    session = SessionRecord(
        tuple(photos),
        current if type(current) is int and -1 <= current < len(photos) else -1,
        observer if isinstance(observer, str) and is_text(observer) else "",
        {key: value for key, value in index.items() if key not in ours},
    )
    return OpenedSession(path, session, tuple(problems), tuple(relative), embedded)


def _read_index(path: Path, members: ZipMembers, problems: list[str]) -> dict[str, Any]:
    try:
        index = parse_json(members.read(_INDEX, _MOST_JSON), surrogates=True)
        if not isinstance(index, dict) or type(index.get("serr_session")) is not int:
            raise Malformed("it does not say that it is one")
    except Malformed as error:
        if not any(name.endswith("/photograph.json") for name in members.names):
            raise Malformed(f"it is none, or nothing of it is left ({error})") from None
        problems.append(f"What belongs to the session as a whole cannot be read ({error}).")
        return {}
    if index["serr_session"] > MAJOR:
        raise InputError(f"{display_path(path)} was written by a newer version of this program: update the program.")
    return index


def _read_photo(path: Path, members: ZipMembers, prefix: str, problems: list[str]) -> tuple[PhotoRecord, str] | None:
    try:
        values = parse_json(members.read(f"{prefix}photograph.json", _MOST_JSON), surrogates=True)
        ref = photo_ref(values.get("photograph") if isinstance(values, dict) else None)
    except Malformed as error:
        problems.append(f"The photograph {int(prefix.split('/')[1])} of the list is lost: {error}.")
        return None
    name, shape = display_path(ref.path.name), ref.shape
    said: list[str] = []
    blobs: dict[str, bytes] = {}
    for layer in ("edits", *LAYERS):
        if f"{prefix}{layer}.png" in members.names and shape is not None:
            try:
                blobs[layer] = _blob(layer, members.read(f"{prefix}{layer}.png", _MOST_HISTORY), shape)
            except Malformed as error:
                said.append(f'its layer "{layer}" cannot be used ({error})')
                values["arrays"] = []  # that is said already
    if "history" in values:
        try:
            blobs["history"] = members.read(f"{prefix}history.bin", _MOST_HISTORY)
        except Malformed:
            blobs["history"] = b""  # what it says of the steps does not fit that, which is then said
    record, more = photo_from(values, blobs)
    if f"{prefix}{MEMBERS[0]}" in members.names and shape is not None:
        missing = [member for member in MEMBERS if prefix + member not in members.names]
        if missing:
            said.append("the network's result is not whole: segment it again")
        else:
            record = replace(record, map=MapPlace(path, prefix))
    problems += [f"{name}: {clause}." for clause in (*said, *more)]
    relative = values["photograph"].get("relative", "")
    return record, relative if isinstance(relative, str) else ""


def _blob(name: str, data: bytes, shape: tuple[int, int]) -> bytes:
    """The bytes of a layer from its picture. Raises Malformed."""
    grey = _grey(data, shape)
    if name != "edits":
        if ((grey != 0) & (grey != 255)).any():
            raise Malformed("it has other values than 0 and 255")
        return packed_bits(grey == 255)
    codes = np.full(256, 255, np.uint8)
    for code, value in _GREY_OF_CODE.items():
        codes[value] = code
    found = codes[grey]
    if (found == 255).any():
        raise Malformed("it has other values than 0, 128 and 255")
    return zlib.compress(found.tobytes(), 1)


def _grey(data: bytes, shape: tuple[int, int]) -> ByteArray:
    try:
        if len(data) < 33 or png_size(data) != (shape[1], shape[0]):
            raise Malformed("it has not the size of its photograph")
        checked = check_png(data)
        grey = cv2.imdecode(np.frombuffer(checked.plain, np.uint8), cv2.IMREAD_UNCHANGED)
    except Malformed:
        raise
    except Exception:  # noqa: BLE001 - whatever a damaged picture does to a decoder
        raise Malformed("its picture is damaged") from None
    if grey is None or grey.dtype != np.uint8 or grey.shape != shape:
        raise Malformed("its picture is not grey")
    return np.asarray(grey, np.uint8)
