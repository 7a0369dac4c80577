"""Records of a session as JSON values and named bytes, and back. A value that cannot be used costs only itself.

``FIELDS`` has a line for each plain attribute of ``PhotoRecord``. Keys that no line knows were written by a newer
version: they are kept in ``unknown`` and written again.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np

from core.masks.edits import EditDelta
from core.session.packing import unpacked_bits, unpacked_codes
from core.session.records import (
    LAYERS,
    EditsRecord,
    EnhancedRecord,
    FovSetting,
    LabelRecord,
    PackedMask,
    PhotoRecord,
    PhotoRef,
    StepKind,
    StepRecord,
    ViewRecord,
)
from core.strict import Malformed, finite_number, is_text
from core.threshold_rule import ThresholdOrigin, ThresholdRule

MAJOR: Final = 1
MINOR: Final = 0
MOST_STEPS: Final = 100_000
_LONGEST_TEXT: Final = 100_000
_LONGEST_SIDE: Final = 1 << 20
_PIXELS: Final = 200_000_000

Blobs = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Field:
    """How an attribute is written to JSON and read from it; ``read`` raises ValueError, TypeError or KeyError."""

    name: str
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def _as_it_is(value: Any) -> Any:
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false expected")
    return value


def text_from(value: Any) -> str:
    """A text that can be stored. Raises ValueError or TypeError."""
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or not is_text(value):
        raise TypeError("a text expected")
    return value


def seconds_from(value: Any) -> float:
    """How long something took."""
    if finite_number(value) < 0:
        raise ValueError("no duration")
    return float(value)


def path_from(value: Any) -> Path:
    """A name of a file, which need not be UTF-8 (``os.fsdecode``)."""
    if not isinstance(value, str) or not value or "\0" in value or len(value) > _LONGEST_TEXT:
        raise ValueError("no name of a file")
    os.fsencode(value)  # raises ValueError for halves of characters
    return Path(value)


def whole_from(value: Any, least: int, most: int) -> int:
    """A whole number within bounds. Raises ValueError or TypeError."""
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"a whole number from {least} to {most} expected")
    return value


def rule_from(value: Any) -> ThresholdRule:
    """Of the fields that a rule has; a rule of a newer version with others is not known, and not guessed."""
    known = {f.name for f in fields(ThresholdRule)}
    if not isinstance(value, dict) or value.keys() - known:
        raise ValueError("a rule of another version")
    whole_from(value["level"], 1, 255)
    if value.get("origin", "user") not in get_args(ThresholdOrigin):
        raise ValueError("no origin of a threshold")
    text_from(value.get("style", ""))
    others = {key: number for key, number in value.items() if key not in {"origin", "style"}}
    if not all(number is None or type(number) is int for number in others.values()):
        raise TypeError("whole numbers expected")
    return ThresholdRule(**value)


def _fov(value: Any) -> FovSetting:
    file = value.get("file")
    return FovSetting(text_from(value["request"]), None if file is None else path_from(file))


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("a mapping expected")
    return value


def _label(value: Any) -> LabelRecord:
    return LabelRecord(text_from(value["role"]), path_from(value["file"]), _mapping(value.get("reading", {})))


def _view(value: Any) -> ViewRecord:
    view = ViewRecord(*(finite_number(value[key]) for key in ("zoom", "x", "y")))
    if not 0 < view.zoom < 1e6:
        raise ValueError("no zoom")
    return view


def _enhanced(value: Any) -> EnhancedRecord:
    if isinstance(value["scale"], bool) or value["scale"] not in (1, 2):
        raise ValueError("no scale")
    return EnhancedRecord(text_from(value["network"]), text_from(value["sha256"]), int(value["scale"]))


FIELDS: Final = (
    Field("rule", ThresholdRule.to_values, rule_from),
    Field("fov", lambda fov: {"request": fov.request, "file": None if fov.file is None else str(fov.file)}, _fov),
    Field(
        "labels",
        lambda labels: [{"role": one.role, "file": str(one.file), "reading": dict(one.reading)} for one in labels],
        lambda value: tuple(_label(one) for one in value),
    ),
    Field("labels_known", _as_it_is, _flag),
    Field("model", _as_it_is, text_from),
    Field("done", _as_it_is, _flag),
    Field("doubtful", _as_it_is, _flag),
    Field("note", _as_it_is, text_from),
    Field("seconds", _as_it_is, seconds_from),
    Field("view", asdict, _view),
    Field("measuring", dict, _mapping),
    Field("enhanced", asdict, _enhanced),
    Field("unsaved", _as_it_is, _flag),
)
_OTHERS: Final = frozenset({"photograph", "history", "done_steps", "arrays"})
_EMPTY: Final = PhotoRecord(PhotoRef(Path()))


def photo_values(record: PhotoRecord) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A record as JSON values, and its arrays by name; attributes at their defaults are left out, ``map`` always."""
    photo = record.photo
    height, width = photo.shape or (None, None)
    values: dict[str, Any] = dict(record.unknown)
    values["photograph"] = {"file": str(photo.path), "sha256": photo.sha256, "height": height, "width": width}
    for line in FIELDS:
        value = getattr(record, line.name)
        if value is not None and value != getattr(_EMPTY, line.name):
            values[line.name] = line.write(value)
    blobs: dict[str, bytes] = {}
    if record.edits is not None:
        values["history"], blobs["history"] = steps_values(record.edits.steps)
        values["done_steps"] = record.edits.done
        if record.edits.codes is not None:
            blobs["edits"] = record.edits.codes
    for name in LAYERS:
        mask = getattr(record, name)
        if mask is not None:
            blobs[name] = mask.data
    if blobs:
        values["arrays"] = sorted(blobs)
    return values, blobs


def photo_from(values: Mapping[str, Any], blobs: Blobs) -> tuple[PhotoRecord, tuple[str, ...]]:
    """The reverse of ``photo_values``, with a clause for everything that cannot be used.

    Raises
    ------
    Malformed : not even the photograph is known.
    """
    record, problems = PhotoRecord(photo_ref(values.get("photograph"))), list[str]()
    read: dict[str, Any] = {}
    for line in FIELDS:
        if line.name in values:
            try:
                read[line.name] = line.read(values[line.name])
            except (ValueError, TypeError, KeyError, AttributeError):
                problems.append(f'its "{line.name}" cannot be used')
    known = {line.name for line in FIELDS} | _OTHERS
    read["unknown"] = {key: value for key, value in values.items() if key not in known}
    stated = values.get("arrays", [])
    if not isinstance(stated, list):
        stated = []
    problems += [f'its "{name}" is missing' for name in ("edits", *LAYERS) if name in stated and name not in blobs]
    shape = record.photo.shape
    for name in LAYERS:
        if name in blobs:
            try:
                unpacked_bits(blobs[name], _known(shape))
                read[name] = PackedMask(blobs[name], _known(shape))
            except Malformed as error:
                problems.append(f'its layer "{name}" cannot be used ({error})')
    edits, problem = _edits_from(values, blobs, shape)
    problems += [problem] if problem else []
    return replace(record, edits=edits, **read), tuple(problems)


def photo_ref(value: Any) -> PhotoRef:
    """Raises Malformed."""
    try:
        sides = value.get("height"), value.get("width")
        shape = None
        if sides != (None, None):
            height, width = (whole_from(side, 1, _LONGEST_SIDE) for side in sides)
            if height * width > _PIXELS:
                raise ValueError("too many pixels")
            shape = height, width
        sha256 = value.get("sha256")
        return PhotoRef(path_from(value["file"]), None if sha256 is None else text_from(sha256), shape)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Malformed("it does not say which photograph it is about") from None


def steps_values(steps: tuple[StepRecord, ...]) -> tuple[list[dict[str, Any]], bytes]:
    """Steps of Undo as JSON values, and the bytes of all their deltas, one behind the other."""
    listed, data = [], []
    for step in steps:
        values: dict[str, Any] = {"name": step.name, "kind": step.kind}
        if step.delta is not None:
            delta = step.delta
            values |= {"box": list(delta.box), "pixels": delta.pixels}
            values["bytes"] = [len(delta.before), len(delta.after)]
            data += [delta.before, delta.after]
        else:
            values |= {"before": step.before, "after": step.after}
        listed.append(values)
    return listed, b"".join(data)


def steps_from(listed: Any, data: bytes, shape: tuple[int, int] | None) -> tuple[StepRecord, ...]:
    """The reverse of ``steps_values``, with every box and every code checked. Raises Malformed."""
    if not isinstance(listed, list) or len(listed) > MOST_STEPS:
        raise Malformed("its steps are not a list")
    steps, place = [], 0
    for values in listed:
        try:
            name, kind = text_from(values["name"]), values["kind"]
            if kind not in get_args(StepKind):
                raise Malformed(f"it has a step of an unknown kind, {kind!r:.40}")
            delta = None
            if "box" in values:
                sizes = [whole_from(size, 0, len(data) - place) for size in values["bytes"]]
                before, after = data[place : place + sizes[0]], data[place + sizes[0] : place + sum(sizes)]
                place += sum(sizes)
                delta = _delta(values, before, after, _known(shape))
            steps.append(StepRecord(name, delta, kind, values.get("before"), values.get("after")))
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            why = f": {error}" if isinstance(error, Malformed) else ""
            raise Malformed(f"one of its steps is damaged{why}") from None
    return tuple(steps)


def _delta(values: Any, before: bytes, after: bytes, shape: tuple[int, int]) -> EditDelta:
    top, left, bottom, right = (whole_from(side, 0, _LONGEST_SIDE) for side in values["box"])
    if not (top < bottom <= shape[0] and left < right <= shape[1]):
        raise ValueError("a box outside the photograph")
    size = (bottom - top, right - left)
    for data in (before, after):
        unpacked_codes(data, size)
    return EditDelta((top, left, bottom, right), before, after, whole_from(values["pixels"], 0, size[0] * size[1]))


def _edits_from(
    values: Mapping[str, Any], blobs: Blobs, shape: tuple[int, int] | None
) -> tuple[EditsRecord | None, str]:
    """The corrections; their history is dropped, and that said, where it does not lead to them."""
    if "edits" not in blobs and "history" not in values:
        return None, ""
    codes = blobs.get("edits")
    try:
        if codes is not None:
            unpacked_codes(codes, _known(shape))
    except Malformed as error:
        return None, f"its corrections cannot be used ({error})"
    try:
        steps = steps_from(values.get("history", []), blobs.get("history", b""), shape)
        done = whole_from(values.get("done_steps", 0), 0, len(steps))
        if not _leads_to(steps[:done], steps[done:], codes, shape):
            raise Malformed("it does not fit them")
    except (Malformed, ValueError) as error:
        kept = EditsRecord(codes) if codes is not None else None
        return kept, f"the history of its corrections cannot be used ({error}): they cannot be undone"
    return EditsRecord(codes, steps, done), ""


def _leads_to(
    done: tuple[StepRecord, ...], undone: tuple[StepRecord, ...], codes: bytes | None, shape: tuple[int, int] | None
) -> bool:
    """Whether each step of the mask finds in its box what it left there, or what it began with."""
    deltas = [(step.delta, True) for step in reversed(done)], [(step.delta, False) for step in undone]
    own = {id(step.delta) for step in (*done, *undone) if step.kind == "edits"}
    if not own:
        return True
    height, width = _known(shape)
    for part in deltas:
        now = np.zeros((height, width), np.uint8) if codes is None else unpacked_codes(codes, (height, width)).copy()
        for delta, is_done in part:
            if delta is None or id(delta) not in own:
                continue
            top, left, bottom, right = delta.box
            size = (bottom - top, right - left)
            before, after = unpacked_codes(delta.before, size), unpacked_codes(delta.after, size)
            here = now[top:bottom, left:right]
            if not np.array_equal(here, after if is_done else before):
                return False
            here[...] = before if is_done else after
    return True


def _known(shape: tuple[int, int] | None) -> tuple[int, int]:
    if shape is None:
        raise Malformed("the size of its photograph is not known")
    return shape
