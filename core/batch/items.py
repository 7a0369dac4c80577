"""The photographs of a batch as its manifest holds them. Anybody may have written that file: all is checked."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, get_args

from core.strict import Malformed, is_text

State = Literal["waiting", "running", "done", "kept", "failed"]
"""``kept`` : a result that was left as it is, such as a mask that was corrected by hand."""
STATES: Final[tuple[State, ...]] = get_args(State)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a photograph.

    Parameters
    ----------
    reason : why it failed or was left as it is, in a sentence; empty for one that is done.
    sha256, size, changed_ns : of the photograph's file as it was read: hash, bytes, and time of its last change.
    options : the hash of the options that it was made with.
    threshold, vessel_share : in [0, 1]; None where there is no result.
    doubts : why the result may be wrong, in sentences.
    outputs : names of the files that were written.
    style : the drawing style that the threshold is; empty where it is none, and in manifests that do not say it.
    """

    state: State
    reason: str = ""
    sha256: str = ""
    size: int = -1
    changed_ns: int = -1
    options: str = ""
    model: str = ""
    threshold: float | None = None
    vessel_share: float | None = None
    doubts: tuple[str, ...] = ()
    seconds: float | None = None
    outputs: tuple[str, ...] = ()
    style: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A photograph of a batch.

    Parameters
    ----------
    place : where its results are below the folder of the batch, with ``/``, and how their names begin: ``2020/OD_12``.
    columns : what a list said about it.
    """

    id: int
    path: Path
    place: str
    columns: dict[str, str]
    outcome: Outcome


OUTCOME: Final = tuple(field.name for field in fields(Outcome))
LISTS: Final = frozenset({"doubts", "outputs"})
COLUMNS: Final = ("id", "path", "place", "columns", *OUTCOME)
"""Of the table of photographs, in the order of ``item_of``."""
_NUMBERS: Final = frozenset({"size", "changed_ns"})
_DECIMALS: Final = frozenset({"threshold", "vessel_share", "seconds"})
_PARTING: Final = frozenset({"/", os.sep, ":"} if os.name == "nt" else {"/"})
"""What would make a name lead elsewhere."""


def item_of(row: Sequence[Any]) -> Item:
    """The photograph of a row of ``COLUMNS``. Raises Malformed where it cannot be one."""
    number, path, place, columns, *outcome = row
    values = {name: _checked(name, value) for name, value in zip(OUTCOME, outcome, strict=True)}
    found = columns_of(columns)
    if type(number) is not int or not isinstance(place, str) or not is_place(place):
        raise _wrong("place", place)
    return Item(number, path_of(path), place, found, Outcome(**values))


def path_of(value: object) -> Path:
    """The path of a photograph. Raises Malformed."""
    if not isinstance(value, bytes) or not value or b"\0" in value:
        raise _wrong("path", value)
    return Path(os.fsdecode(value))


def is_place(text: str) -> bool:
    """Whether results of this place are in the folder of the batch or below it: no ``..``, and from no other root."""
    return "\0" not in text and all(_is_name(part) for part in text.split("/"))


def _is_name(text: str) -> bool:
    return text not in {"", ".", ".."} and not _PARTING & set(text)


def _checked(name: str, value: object) -> Any:
    if name in LISTS:
        texts = _texts(value)
        if name == "outputs" and not all(map(_is_name, texts)):
            raise _wrong(name, value)
        return texts
    if name == "state":
        fits = value in STATES
    elif name in _NUMBERS:
        fits = type(value) is int
    elif name in _DECIMALS:
        fits = value is None or (isinstance(value, int | float) and math.isfinite(value))
    else:
        fits = isinstance(value, str)
    if not fits:
        raise _wrong(name, value)
    return value


def _texts(value: object) -> tuple[str, ...]:
    texts = _parsed(value)
    if not isinstance(texts, list) or not all(isinstance(text, str) and is_text(text) for text in texts):
        raise _wrong("list", value)
    return tuple(texts)


def columns_of(value: object) -> dict[str, str]:
    """What a list said about a photograph. Raises Malformed."""
    found = _parsed(value)
    if not isinstance(found, dict) or not all(isinstance(text, str) and is_text(text) for text in found.values()):
        raise _wrong("columns", value)
    return found


def _parsed(value: object) -> object:
    """JSON that a manifest has for each photograph: what it may hold is checked by the caller, a million times."""
    if not isinstance(value, str):
        raise _wrong("text", value)
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise _wrong("text", value) from None


def _wrong(name: str, value: object) -> Malformed:
    return Malformed(f"it says {value!r:.60} for the {name} of a photograph")
