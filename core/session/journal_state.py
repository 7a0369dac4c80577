"""What the entries of a journal add up to: the working set of a window, by photograph.

An entry says what has changed. Applied in their order the entries give the state, and the state gives the entries that
make it at once, for a journal that has grown long.
"""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.session.fields import photo_from, photo_ref, photo_values, steps_from, steps_values
from core.session.packing import unpacked_bits, unpacked_codes
from core.session.records import LAYERS, EditsRecord, MapPlace, PackedMask, PhotoRecord, PhotoRef, StepRecord
from core.strict import Malformed
from core.types import ByteArray

MAPS: Final = "maps"
"""The folder of the results, beside the log."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """An entry of the log: what it is, JSON values, and arrays by name."""

    kind: str
    values: Mapping[str, Any]
    blobs: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Photo:
    """``codes`` are those after ``at`` steps of ``steps``, of which ``done`` are made now."""

    record: PhotoRecord
    codes: bytes | None = None
    at: int = 0
    steps: tuple[StepRecord, ...] = ()
    done: int = 0
    map_file: str = ""

    @property
    def has_edits(self) -> bool:
        return self.codes is not None or bool(self.steps)

    def bring_to(self, step: int) -> None:
        """Make ``codes`` those after so many steps."""
        if step == self.at:
            return
        height, width = self.record.photo.shape or (0, 0)
        if self.codes is None:
            codes: ByteArray = np.zeros((height, width), np.uint8)
        else:
            codes = unpacked_codes(self.codes, (height, width)).copy()
        forward = step > self.at
        passed = self.steps[self.at : step] if forward else reversed(self.steps[step : self.at])
        for one in passed:
            if one.delta is not None and one.kind == "edits":
                top, left, bottom, right = one.delta.box
                data = one.delta.after if forward else one.delta.before
                codes[top:bottom, left:right] = unpacked_codes(data, (bottom - top, right - left))
        self.codes, self.at = zlib.compress(codes.tobytes(), 1) if codes.any() else None, step

    def edits(self) -> EditsRecord | None:
        if not self.has_edits:
            return None
        self.bring_to(self.done)
        return EditsRecord(self.codes, self.steps, self.done)


class JournalState:
    """The working set. ``apply`` takes entries, ``entries`` gives those that make the same state."""

    def __init__(self) -> None:
        self._photos: dict[Path, _Photo] = {}
        self._order: tuple[Path, ...] = ()
        self._current = -1
        self._observer = ""

    @property
    def order(self) -> tuple[Path, ...]:
        """The photographs of the list."""
        return self._order

    @property
    def current(self) -> int:
        return self._current

    @property
    def observer(self) -> str:
        return self._observer

    @property
    def map_files(self) -> frozenset[str]:
        """The names of the results that belong to it."""
        return frozenset(photo.map_file for photo in self._photos.values() if photo.map_file)

    def clean_results(self) -> tuple[tuple[Path, str], ...]:
        """Photographs whose work an export or a session holds, with the names of their results."""
        photos = self._photos.items()
        return tuple((path, one.map_file) for path, one in photos if one.map_file and not one.record.unsaved)

    def apply(self, entry: Entry) -> None:
        """Take an entry. Raises Malformed, and changes nothing, where it cannot be."""
        try:
            getattr(self, f"_take_{entry.kind}")(entry)
        except AttributeError:
            if not hasattr(self, f"_take_{entry.kind}"):
                return  # of a newer version
            raise Malformed("an entry is damaged") from None
        except (KeyError, TypeError, ValueError) as error:
            raise error if isinstance(error, Malformed) else Malformed("an entry is damaged") from None

    def entries(self) -> Iterable[Entry]:
        """What makes this state at once."""
        yield list_entry(self._order, self._current, self._observer)
        for path in self._order:
            photo = self._photos.get(path)
            if photo is None:
                continue
            yield from entries_of(replace(photo.record, edits=photo.edits(), map=_place(Path(), photo.map_file)))

    def records(self, folder: Path) -> tuple[PhotoRecord, ...]:
        """The photographs in the order of the list; ``folder`` is that of the journal."""
        found = []
        for path in self._order:
            photo = self._photos.get(path)
            if photo is None:
                found.append(PhotoRecord(PhotoRef(path)))
                continue
            found.append(replace(photo.record, edits=photo.edits(), map=_place(folder, photo.map_file)))
        return tuple(found)

    # Entries

    def _take_start(self, entry: Entry) -> None:
        """Its version was looked at when the log was opened."""

    def _take_list(self, entry: Entry) -> None:
        order = tuple(Path(text) for text in entry.values["photographs"])
        self._order, self._current = order, int(entry.values["current"])
        self._observer = str(entry.values["observer"])
        listed = set(order)
        for path in [path for path in self._photos if path not in listed]:
            del self._photos[path]

    def _take_facts(self, entry: Entry) -> None:
        record, _problems = photo_from(entry.values, {})
        photo = self._photo(record.photo)
        layers: dict[str, Any] = {name: getattr(photo.record, name) for name in LAYERS}
        photo.record = replace(record, photo=photo.record.photo, **layers)

    def _take_layer(self, entry: Entry) -> None:
        photo = self._of(entry)
        name, shape = entry.values["name"], photo.record.photo.shape
        if name not in LAYERS or shape is None:
            raise Malformed("an entry is damaged")
        layer = PackedMask(entry.blobs["layer"], shape) if "layer" in entry.blobs else None
        if layer is not None:
            unpacked_bits(layer.data, shape)  # Malformed where it is damaged
        change: dict[str, Any] = {name: layer}
        photo.record = replace(photo.record, **change)

    def _take_map(self, entry: Entry) -> None:
        name = str(entry.values["name"])
        if Path(name).name != name:
            raise Malformed("an entry is damaged")
        self._of(entry).map_file = name

    def _take_edits(self, entry: Entry) -> None:
        photo = self._photo(photo_ref(entry.values["photograph"]))
        steps = steps_from(entry.values["history"], entry.blobs.get("history", b""), photo.record.photo.shape)
        codes = entry.blobs.get("edits")
        if codes is not None:
            unpacked_codes(codes, photo.record.photo.shape or (0, 0))  # Malformed where they are damaged
        photo.codes, photo.steps = codes, steps
        photo.at = photo.done = _count(entry.values["done_steps"], len(steps))

    def _take_steps(self, entry: Entry) -> None:
        photo, values = self._of(entry), entry.values
        drop, keep = _count(values["drop"], len(photo.steps)), _count(values["keep"], len(photo.steps))
        new = steps_from(values["history"], entry.blobs.get("history", b""), photo.record.photo.shape)
        done = _count(values["done_steps"], keep - drop + len(new))
        photo.bring_to(min(max(photo.at, drop), keep))
        photo.steps = (*photo.steps[drop:keep], *new)
        photo.at -= drop
        photo.done = done

    def _photo(self, ref: PhotoRef) -> _Photo:
        """That of a reference; what was made of other pixels than its own is forgotten."""
        photo = self._photos.get(ref.path)
        if photo is None or (_is_known(ref) and _is_known(photo.record.photo) and photo.record.photo != ref):
            photo = self._photos[ref.path] = _Photo(PhotoRecord(ref))
        elif _is_known(ref):
            photo.record = replace(photo.record, photo=ref)
        return photo

    def _of(self, entry: Entry) -> _Photo:
        return self._photos[Path(entry.values["path"])]


def _is_known(ref: PhotoRef) -> bool:
    return ref.shape is not None


def _count(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise Malformed("an entry is damaged")
    return value


def _place(folder: Path, name: str) -> MapPlace | None:
    return MapPlace(folder / MAPS / name, "photographs/00001/") if name else None


def entries_of(record: PhotoRecord) -> Iterable[Entry]:
    """All that there is to say of a photograph; its result is in ``MAPS`` already."""
    path = record.photo.path
    yield facts_entry(record)
    for name in LAYERS:
        layer = getattr(record, name)
        if layer is not None:
            yield layer_entry(path, name, layer)
    if record.map is not None:
        yield map_entry(path, record.map.file.name)
    if record.edits is not None:
        yield edits_entry(record.photo, record.edits)


def list_entry(order: Iterable[Path], current: int, observer: str) -> Entry:
    """The photographs of the list, which of them is shown, and whose work it is. Others are forgotten."""
    return Entry("list", {"photographs": [str(path) for path in order], "current": current, "observer": observer})


def facts_entry(record: PhotoRecord) -> Entry:
    """Everything of a photograph but its arrays and its result."""
    without: dict[str, Any] = dict.fromkeys(("edits", "map", *LAYERS))
    values, _ = photo_values(replace(record, **without))
    return Entry("facts", values)


def layer_entry(path: Path, name: str, layer: PackedMask | None) -> Entry:
    """One of ``LAYERS`` of a photograph."""
    return Entry("layer", {"path": str(path), "name": name}, {} if layer is None else {"layer": layer.data})


def map_entry(path: Path, name: str) -> Entry:
    """The file of a photograph's result in ``MAPS``; empty for none."""
    return Entry("map", {"path": str(path), "name": name})


def edits_entry(photo: PhotoRef, edits: EditsRecord) -> Entry:
    """All corrections of a photograph with their history, in place of what there was."""
    values, _ = photo_values(PhotoRecord(photo))
    listed, data = steps_values(edits.steps)
    blobs = {"history": data} | ({} if edits.codes is None else {"edits": edits.codes})
    return Entry("edits", {**values, "history": listed, "done_steps": edits.done}, blobs)


def steps_entry(path: Path, drop: int, keep: int, new: tuple[StepRecord, ...], done: int) -> Entry:
    """The history without its first ``drop`` steps and without those from ``keep`` on, and with new ones.

    ``done`` of what it is then are made; the corrections follow.
    """
    listed, data = steps_values(new)
    values = {"path": str(path), "drop": drop, "keep": keep, "done_steps": done, "history": listed}
    return Entry("steps", values, {"history": data})


def encoded(entry: Entry) -> bytes:
    """An entry as bytes: the length of its JSON, the JSON, and the arrays in the order in which it names them."""
    header = {"kind": entry.kind, "values": dict(entry.values), "sizes": {k: len(v) for k, v in entry.blobs.items()}}
    text = json.dumps(header, separators=(",", ":")).encode()
    return b"".join((len(text).to_bytes(4, "little"), text, *entry.blobs.values()))
