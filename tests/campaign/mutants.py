"""Damaging a file as copies, disks and bad people do; everything follows from the seed."""

import io
import json
import random
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

HOSTILE_VALUES = (
    *("null", "true", "-1", "0", "0.5", '"x"', '""', "[]", "{}", "NaN", "Infinity", "-Infinity", "1e999", "-1e-999"),
    *("1" * 400, "9" * 5000, "1e9", "100000000000000000000", '"\\ud800"', '"a\\u0000b"', '"../../../etc/passwd"'),
    *("[" * 70 + "]" * 70, "[" * 3000 + "]" * 3000, "[" * 100_000, '{"a":' * 3000, '"' + "x" * 70_000 + '"'),
)
_HOSTILE_NAMES = (
    *("../../escaped.png", "/tmp/escaped.png", "photographs/00001/../../../escaped.png", "C:\\escaped.png"),
    *(
        "photographs/00001/edits.png",
        "photographs/99999/photograph.json",
        "photographs/00001/original.exe",
        "session.json",
    ),
)
_FRAME = struct.Struct("<4sII")
_NUMBER = re.compile(rb"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
_TEXT_SUFFIXES = (".json", ".jsonl", ".toml", ".serr-dataset")


def mutant(name: str, data: bytes, chance: random.Random) -> bytes:
    """The content with one to three kinds of damage."""
    ways: list[Callable[[bytes, random.Random], bytes]] = list(_ANY)
    if name.endswith(_TEXT_SUFFIXES):
        ways += _TEXT * 2
    if name.endswith(".json"):
        ways += [_json] * 6
    if name.endswith(".safetensors"):
        ways += [_header] * 12
    if name.endswith(".serr-session"):
        ways += [_member] * 20
    if name.endswith(".log"):
        ways += [_entry] * 20
    for _ in range(chance.choice((1, 1, 2, 3))):
        data = chance.choice(ways)(data, chance)
    return data


def _flip(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _in_front(data: bytes, chance: random.Random) -> bytes:
    """In the first bytes, where sizes and kinds are said."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 2, 4))):
        if changed:
            changed[chance.randrange(min(len(changed), 64))] = chance.randrange(256)
    return bytes(changed)


def _extreme(data: bytes, chance: random.Random) -> bytes:
    """A field of one to eight bytes at an extreme."""
    at = chance.randrange(len(data) + 1)
    field = chance.choice((b"\xff", b"\0", b"\x7f", b"\x80")) * chance.choice((1, 2, 4, 8))
    return data[:at] + field + data[at + len(field) :]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _zeros(data: bytes, chance: random.Random) -> bytes:
    """As a copy that broke off leaves it: the full length, but zeros from somewhere on."""
    at = chance.randrange(len(data) + 1)
    return data[:at] + bytes(len(data) - at)


def _longer(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(chance.choice((1, 7, 512))) + data[at:]


def _twice(data: bytes, chance: random.Random) -> bytes:
    start, stop = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return data[:stop] + data[start:stop] * chance.choice((1, 3)) + data[stop:]


def _without(data: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(data) + 1)
    return data[:start] + data[start + chance.choice((1, 16, 700)) :]


def _number(data: bytes, chance: random.Random) -> bytes:
    """A number of a text becomes something else."""
    found = list(_NUMBER.finditer(data))
    if not found:
        return data
    place = chance.choice(found)
    return data[: place.start()] + chance.choice(HOSTILE_VALUES).encode() + data[place.end() :]


def _words(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(HOSTILE_VALUES).encode() + data[at:]


def _keys(data: bytes, chance: random.Random) -> bytes:
    line = chance.choice((b"a.", b'"a".')) * 100_000 + b"a = 1\n"
    return line + data if chance.random() < 0.5 else data + b"\n" + line


def _json(data: bytes, chance: random.Random) -> bytes:
    """A value somewhere in a JSON document becomes a hostile one, or its key goes or comes twice."""
    try:
        document = json.loads(data)
        places = list(_places(document))
    except (ValueError, RecursionError):
        return data
    if not places:
        return chance.choice(HOSTILE_VALUES).encode()
    inner, key = chance.choice(places)
    if chance.random() < 0.15 and isinstance(inner, dict):
        inner["x" * chance.choice((0, 9, 9000))] = inner.pop(key)
        return json.dumps(document).encode()
    inner[key] = "@here@"
    return json.dumps(document).replace('"@here@"', chance.choice(HOSTILE_VALUES)).encode()


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        yield value, key
        yield from _places(item)


def _member(data: bytes, chance: random.Random) -> bytes:
    """A file of a zip is damaged, renamed, left out, comes twice or is a bomb; the zip itself is sound."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = [(info.filename, archive.read(info), info.compress_type) for info in archive.infolist()]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, zlib.error, EOFError, RuntimeError):
        return data
    if not files:
        return data
    at = chance.randrange(len(files))
    name, content, method = files[at]
    way = chance.random()
    if way < 0.65:
        ways = (_json, _json, _number, _words) if name.endswith(".json") else _ANY
        files[at] = name, chance.choice(ways)(content, chance), method
    elif way < 0.75:
        files[at] = chance.choice(_HOSTILE_NAMES), content, method
    elif way < 0.85:
        del files[at]
    elif way < 0.95:
        files.append(chance.choice(files)[:1] + chance.choice(files)[1:])
    else:
        files[at] = name, bytes(100_000_000), zipfile.ZIP_DEFLATED
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")  # of names that come twice
        for name, content, method in files:
            archive.writestr(name, content, method)
    return buffer.getvalue()


def _entry(data: bytes, chance: random.Random) -> bytes:
    """An entry of a journal is damaged and has the right length and check sum; or entries change places."""
    entries, at = [], 0
    while at + _FRAME.size <= len(data):
        mark, length, _ = _FRAME.unpack_from(data, at)
        if mark != b"SERJ" or at + _FRAME.size + length > len(data):
            break
        entries.append(data[at + _FRAME.size : at + _FRAME.size + length])
        at += _FRAME.size + length
    if not entries:
        return data
    place = chance.randrange(len(entries))
    entry = entries[place]
    if chance.random() < 0.15:
        entries.insert(chance.randrange(len(entries)), entries.pop(place))
    else:
        length = int.from_bytes(entry[:4], "little")
        text, rest = entry[4 : 4 + length], entry[4 + length :]
        if chance.random() < 0.8:
            text = chance.choice((_json, _json, _number, _words))(text, chance)
        else:
            rest = chance.choice(_ANY)(rest, chance)
        entries[place] = len(text).to_bytes(4, "little") + text + rest
    return b"".join(_FRAME.pack(b"SERJ", len(one), zlib.crc32(one)) + one for one in entries)


def _header(data: bytes, chance: random.Random) -> bytes:
    """In the header of a safetensors file, mostly in the JSON text that its metadata hold."""
    length = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8 : 8 + length])
        (key,) = header["__metadata__"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return data
    if chance.random() < 0.75:
        way = chance.choice((_json, _json, _json, _number, _words, _flip))
        header["__metadata__"][key] = way(header["__metadata__"][key].encode(), chance).decode("utf-8", "replace")
        text = json.dumps(header).encode()
    else:
        text = _json(json.dumps(header).encode(), chance)
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


_ANY = (_flip, _flip, _in_front, _extreme, _cut, _zeros, _longer, _twice, _without)
_TEXT = [_number, _number, _words, _keys]
