"""Damaging a file as copies, disks and bad people do; everything follows from the seed."""

import json
import random
import re
from collections.abc import Callable
from typing import Any

HOSTILE_VALUES = (
    *("null", "true", "-1", "0", "0.5", '"x"', '""', "[]", "{}", "NaN", "Infinity", "-Infinity", "1e999", "-1e-999"),
    *("1" * 400, "9" * 5000, "1e9", "100000000000000000000", '"\\ud800"', '"a\\u0000b"', '"../../../etc/passwd"'),
    *("[" * 70 + "]" * 70, "[" * 3000 + "]" * 3000, "[" * 100_000, '{"a":' * 3000, '"' + "x" * 70_000 + '"'),
)
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
