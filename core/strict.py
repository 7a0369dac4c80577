"""Reading JSON, TOML, headers of safetensors and plain arrays that anybody may have written: bounded, or refused.

Such files come from mail, downloads and shared folders. A few bytes of them can ask for a stack without end (deep
nesting), for minutes (keys of 100,000 parts, numbers of a million digits), or for numbers that poison what follows (NaN
and infinity). Everything here takes time and memory in proportion to the file, which has a limit itself, and gives
finite numbers of at most 64 bits and text that can be shown and stored. All else is ``Malformed``, with the reason.
"""

import ast
import errno
import json
import math
import os
import re
import stat
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST_BYTES: Final = 16 << 20
"""Of a file that is read whole, where the caller does not say otherwise."""
MOST_LEVELS: Final = 64
"""How deep lists and mappings may be nested; what this program writes has fewer than ten levels."""
_MOST_KEY: Final = 4096
_MOST_KEY_PARTS: Final = 16
_MOST_DIGITS: Final = 400  # as in the patterns below
_MOST_INT: Final = 1 << 64
_MOST_ARRAY_HEADER: Final = 10_000
_SHOWN: Final = 60

# A text that never ends is one token, so that no input makes the search start again at each quotation mark.
_JSON_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]|[0-9]{400,}', re.DOTALL)
_TOML_TOKEN: Final = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"""|\\?\Z)'
    r"|'''(?:[^']|'(?!''))*+(?:'''|\Z)"
    r'|"(?:[^"\\\n]|\\.)*+(?:"|\\?(?=\n|\Z))'
    r"|'[^'\n]*+(?:'|(?=\n|\Z))"
    r"|#[^\n]*+|[\[{]|[\]}]|[=,\n]|\.|[0-9_]{400,}",
    re.DOTALL,
)


class Malformed(ValueError):  # noqa: N818 - what is wrong is in the text
    """A file does not hold what it should; the text is a clause, such as "it is nested too deeply"."""


def finite_number(value: object) -> float:
    """A number out of such a file; true and false are none, nor are NaN and infinity. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("a number expected")
    return float(value)


def open_regular(path: Path) -> BufferedReader:
    """Open a file to be read. A pipe or a device in its place is refused and does not block.

    Raises
    ------
    OSError : it cannot be read. Malformed : it is not a regular file.
    """
    if Path(path).is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    file = os.fdopen(os.open(path, flags), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise Malformed("it is not a regular file")
    return file


def read_bytes(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of a regular file of at most ``most`` bytes. Raises OSError, Malformed."""
    with open_regular(path) as file:
        data = file.read(most + 1) if os.fstat(file.fileno()).st_size <= most else None
    if data is None or len(data) > most:
        raise Malformed(f"it is larger than {_size(most)}")
    return data


def read_json(path: Path, most: int = MOST_BYTES) -> Any:
    """The values of a JSON file. Raises OSError, Malformed."""
    return parse_json(read_bytes(path, most))


def parse_json(text: bytes | str, *, surrogates: bool = False, nan: bool = False) -> Any:
    """The values of a JSON document.

    Parameters
    ----------
    surrogates : leave halves of characters in texts (``is_text`` finds them), so that one bad value costs only itself.
        Bytes that are not UTF-8 become such halves, as in the names of files.
    nan : let numbers be NaN, as in our own logs of scores that are not defined.

    Raises
    ------
    Malformed : it is not JSON, or beyond a limit.
    """
    try:
        words = text if isinstance(text, str) else text.decode("utf-8", "surrogateescape" if surrogates else "strict")
    except UnicodeDecodeError:
        raise Malformed("it is not text (UTF-8)") from None
    level = 0
    for token in _JSON_TOKEN.findall(words):
        if token[0] != '"':
            level = _deeper(level, token)
    try:
        values = json.loads(words, object_pairs_hook=_without_doubles, parse_constant=None if nan else _no_constant)
    except Malformed:
        raise
    except (ValueError, RecursionError) as error:
        raise Malformed(f"it is not JSON ({_short(error)})") from None
    _check(values, surrogates=surrogates, nan=nan)
    return values


def read_toml(path: Path, most: int = MOST_BYTES) -> dict[str, Any]:
    """The values of a TOML file. Raises OSError, Malformed."""
    return parse_toml(read_bytes(path, most))


def parse_toml(text: bytes | str) -> dict[str, Any]:
    """The values of a TOML document. Raises Malformed."""
    try:
        words = text if isinstance(text, str) else text.decode()
    except UnicodeDecodeError:
        raise Malformed("it is not text (UTF-8)") from None
    level = parts = 0
    for match in _TOML_TOKEN.finditer(words):
        token = match[0]
        parts = 0 if token in ("=", ",", "\n") else parts + (token == ".")
        if parts >= _MOST_KEY_PARTS:
            raise Malformed(f"it has a key of more than {_MOST_KEY_PARTS} parts")
        level = max(0, _deeper(level, token))  # a bracket too many is the parser's business
    try:
        values = tomllib.loads(words.replace("\r\n", "\n"))
    except (ValueError, RecursionError, OverflowError) as error:
        raise Malformed(f"it is not a TOML file ({_short(error)})") from None
    _check(values)
    return values


def is_text(value: str) -> bool:
    """Whether a text can be stored and handed to the system: no NUL and no halves of characters."""
    if "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


# ------------------------------------------------------------------------------------------------------- safetensors


@dataclass(frozen=True, slots=True)
class TensorPlace:
    """What a safetensors header says about a tensor; ``start`` and ``stop`` count from the end of the header."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


_TENSOR_BITS: Final = {
    **{"BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16},
    **{"I32": 32, "U32": 32, "F32": 32, "F64": 64, "I64": 64, "U64": 64},
}


def parse_tensor_header(header: bytes) -> tuple[dict[str, str], dict[str, TensorPlace]]:
    """The metadata and the tensors of a safetensors header; the tensors fill the data without gap or overlap.

    Raises
    ------
    Malformed : it is not such a header.
    """
    entries = parse_json(header)
    if not isinstance(entries, dict):
        raise Malformed("its header is not a mapping")
    metadata = entries.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise Malformed("its metadata is not a mapping of texts")
    places = {name: _place(name, entry) for name, entry in entries.items()}
    end = 0
    for place in sorted(places.values(), key=lambda place: (place.start, place.stop)):
        if place.start != end:
            raise Malformed("its tensors overlap or leave a gap")
        end = place.stop
    return metadata, places


def _place(name: str, entry: object) -> TensorPlace:
    if isinstance(entry, dict) and entry.keys() == {"dtype", "shape", "data_offsets"}:
        dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
        if (
            isinstance(dtype, str)
            and dtype in _TENSOR_BITS
            and _sizes(shape)
            and _sizes(offsets)
            and len(offsets) == 2
            and 8 * (offsets[1] - offsets[0]) == math.prod(shape) * _TENSOR_BITS[dtype]
        ):
            return TensorPlace(dtype, tuple(shape), offsets[0], offsets[1])
    raise Malformed(f"the entry of its tensor {_short(name)} cannot be used")


def _sizes(values: object) -> bool:
    return (
        isinstance(values, list)
        and len(values) <= 16
        and all(type(value) is int and 0 <= value < 1 << 48 for value in values)
    )


# ------------------------------------------------------------------------------------------------------------- arrays


def read_npy(path: Path, most_values: int) -> "npt.NDArray[Any]":
    """The numbers of a ``.npy`` file: booleans, whole numbers or decimals, never objects.

    Parameters
    ----------
    most_values : how many there may be.

    Raises
    ------
    OSError : it cannot be read. Malformed : it is not such a file, too large, or does not hold what its header says.
    """
    import numpy as np  # not at the top: JSON and headers are read by commands that need no arrays

    with open_regular(path) as file:
        start = file.read(8)
        if start not in (b"\x93NUMPY\1\0", b"\x93NUMPY\2\0", b"\x93NUMPY\3\0"):
            raise Malformed("it is not a file of numpy.save")
        length = int.from_bytes(file.read(2 if start[6] == 1 else 4), "little")
        header = file.read(length) if length <= _MOST_ARRAY_HEADER else b""
        if len(header) != length or not header:
            raise Malformed("its header is cut short or too long")
        dtype, shape, fortran = _array_header(header)
        count, there = math.prod(shape), os.fstat(file.fileno()).st_size - file.tell()
        if count > most_values:
            raise Malformed(f"it holds {count} values, which is too many")
        if there != count * dtype.itemsize:
            raise Malformed(f"it should hold {count * dtype.itemsize} bytes of values, but holds {there}")
        values = np.frombuffer(file.read(there), dtype)
    return values.reshape(shape, order="F" if fortran else "C")


def _array_header(header: bytes) -> tuple["np.dtype[Any]", tuple[int, ...], bool]:
    import numpy as np

    wrong = Malformed("its header cannot be used")
    if max(_levels(header.decode("latin-1")), default=0) > 4:
        raise wrong
    try:
        fields = ast.literal_eval(header.decode("latin-1").strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        raise wrong from None
    if not isinstance(fields, dict) or fields.keys() != {"descr", "fortran_order", "shape"}:
        raise wrong
    descr, fortran, shape = fields["descr"], fields["fortran_order"], fields["shape"]
    if isinstance(descr, str) and ("O" in descr or "V" in descr):
        raise Malformed("it holds objects, not numbers")
    if not isinstance(descr, str) or not re.fullmatch(r"[<>|=]?(?:b1|[iu][1248]|f[248])", descr):
        raise Malformed("it holds no plain numbers")
    if not isinstance(fortran, bool) or not isinstance(shape, tuple) or not _sizes(list(shape)):
        raise wrong
    return np.dtype(descr), shape, fortran


def _levels(text: str) -> Iterable[int]:
    level = 0
    for letter in text:
        level += (letter in "([{") - (letter in ")]}")
        yield level


# -------------------------------------------------------------------------------------------------------------- parts


def _deeper(level: int, token: str) -> int:
    """The level behind a token. Raises Malformed beyond the limit, and for a number without end."""
    if token in ("[", "{"):
        level += 1
        if level > MOST_LEVELS:
            raise Malformed(f"it is nested more than {MOST_LEVELS} levels deep")
    elif token in ("]", "}"):
        level -= 1
    elif token[0].isdigit():
        raise Malformed(f"it has a number of more than {_MOST_DIGITS} digits")
    return level


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise Malformed("it has the same key twice")
    return values


def _no_constant(name: str) -> NoReturn:
    raise Malformed(f"it holds {name}, which is not a number")


def _check(values: Any, *, surrogates: bool = False, nan: bool = False) -> None:
    """Raise Malformed for a value beyond the limits, with its place."""
    waiting: list[tuple[_Where, Any, int]] = [(None, values, 0)]
    while waiting:
        place, value, level = waiting.pop()
        kind = type(value)
        if kind is str:
            if not surrogates and not is_text(value):
                raise Malformed(f"the text{_at(place)} has characters that no text has")
        elif kind is int:
            if not -_MOST_INT < value < _MOST_INT:
                raise Malformed(f"the number{_at(place)} is too large")
        elif kind is float:
            if not math.isfinite(value) and not (nan and math.isnan(value)):
                raise Malformed(f"the number{_at(place)} is not finite")
        elif kind is dict or kind is list:
            if level >= MOST_LEVELS:
                raise Malformed(f"it is nested more than {MOST_LEVELS} levels deep")
            items: Iterable[tuple[Any, Any]] = value.items() if kind is dict else enumerate(value, start=1)
            for key, item in items:
                if kind is dict and (len(key) > _MOST_KEY or not (surrogates or is_text(key))):
                    raise Malformed("it has a key that is too long or no text")
                waiting.append(((place, key), item, level + 1))


_Where = tuple[Any, object] | None
"""A key and the place that it is in; None for the whole document. Only a message makes words of it."""


def _at(place: _Where) -> str:
    keys = []
    while place is not None:
        place, key = place
        keys.append(str(key)[: 4 * _SHOWN])
    return f" at '{_short('.'.join(reversed(keys))[: 4 * _SHOWN])}'" if keys else ""


def _short(what: object) -> str:
    """Text for a message, on one line and of a size that fits there."""
    text = " ".join(str(what).split())
    text = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return text if len(text) <= _SHOWN * 2 else f"{text[: _SHOWN * 2]}..."


def _size(count: int) -> str:
    return f"{count >> 30} GB" if count >= 1 << 30 else f"{count >> 20} MB" if count >= 1 << 20 else f"{count} bytes"
