"""Photographs of the list as records of a session and back. No Qt."""

import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from core.errors import SerrError
from core.files import is_there
from core.masks.edits import MaskEdits
from core.measures.setup import MeasureSetup
from core.session.records import (
    EditsRecord,
    FovSetting,
    LabelRecord,
    PackedMask,
    PhotoRecord,
    PhotoRef,
    StepRecord,
)
from core.types import Doubt, DoubtKind, FovOrigin, PhotoMarks
from serr_gui.model.comparison import EXPERTS, LabelFile
from serr_gui.model.editing import EditHistory, EditStep
from serr_gui.model.label_choices import expert_name, label_from, label_values
from serr_gui.model.result_store import KeptEdits
from serr_gui.model.settings import config_folder
from serr_gui.model.state import FovChoice, FovSource, MadeBy, PhotoItem


def journals_folder() -> Path:
    """Where the journals of all windows are, beside the settings."""
    return config_folder() / "journal"


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A photograph as an earlier time has left it: its line of the list, its corrections and their history."""

    record: PhotoRecord
    item: PhotoItem
    edits: KeptEdits | None
    history: EditHistory


def record_of(item: PhotoItem, ref: PhotoRef) -> PhotoRecord:
    """What a line of the list says; without corrections and result."""
    labels = tuple(
        LabelRecord(expert_name(expert), file.path, label_values(file) or {})
        for expert, file in zip(EXPERTS, item.labels or (None, None), strict=True)
        if file is not None
    )
    return PhotoRecord(
        ref,
        rule=item.rule,
        fov=FovSetting(item.fov.request, item.fov.file),
        fov_edited=_packed(item.fov.drawn, ref),
        questionable=_packed(item.questionable, ref),
        labels=labels,
        labels_known=item.labels is not None,
        model=item.made_by.model if item.made_by is not None else "",
        done=item.marks.done,
        doubtful=item.marks.doubtful,
        note=item.marks.note,
        seconds=item.marks.seconds,
        measuring=item.measuring.values(),
        enhanced=item.enhanced,
        unsaved=item.unsaved,
    )


def kept_of(record: PhotoRecord, about: dict[str, Any] | None) -> Kept:
    """The line of the list that a record makes; ``about`` is what its result says (``maps.about_result``)."""
    photo, edits = record.photo, record.edits
    request = record.fov.request
    drawn = record.fov_edited.data if record.fov_edited is not None and request == "edited" else b""
    is_known = request in get_args(FovSource) and (request == "file") == (record.fov.file is not None)
    is_known = is_known and (request == "edited") == bool(drawn)
    made_by, doubts = _made_by(about, drawn)
    kept = None
    if edits is not None and edits.codes is not None and photo.shape is not None:
        kept = KeptEdits(photo.sha256, photo.shape, edits.codes)
    item = PhotoItem(
        photo.path,
        status="done" if made_by is not None else "new",
        unsaved=record.unsaved,
        rule=record.rule,
        fov=FovChoice(request, record.fov.file, drawn) if is_known else FovChoice(),  # type: ignore[arg-type]
        labels=_labels(record),
        made_by=made_by,
        doubts=doubts,
        marks=PhotoMarks(record.done, record.doubtful, record.note, record.seconds),
        corrected=kept is not None,
        questionable=record.questionable.data if record.questionable is not None else b"",
        measuring=MeasureSetup.from_values(record.measuring),
        enhanced=record.enhanced,
    )
    history = EditHistory() if edits is None else _history(edits)
    return Kept(record, item, kept, history)


def step_record(step: EditStep) -> StepRecord:
    """A step of Undo as it is kept."""
    return StepRecord(step.name, step.delta, step.kind, step.before, step.after)


def edits_record(edits: KeptEdits | None, history: EditHistory) -> EditsRecord | None:
    """Corrections and their history as they are kept; None where there is neither."""
    steps = tuple(step_record(step) for step in history.steps)
    if edits is None and not steps:
        return None
    return EditsRecord(edits.codes if edits is not None else None, steps, history.done)


def _history(edits: EditsRecord) -> EditHistory:
    steps = [EditStep(step.name, step.delta, step.kind, step.before, step.after) for step in edits.steps]
    return EditHistory.of(steps, edits.done)


def _packed(data: bytes, ref: PhotoRef) -> PackedMask | None:
    return PackedMask(data, ref.shape) if data and ref.shape is not None else None


def _made_by(about: dict[str, Any] | None, drawn: bytes) -> tuple[MadeBy | None, tuple[Doubt, ...]]:
    if about is None:
        return None, ()
    try:
        field, origin = about["field_of_view"], about["field_of_view"]["origin"]
        if origin not in get_args(FovOrigin):
            return None, ()
        file = Path(field["file"]) if field["file"] else None
        made_by = MadeBy(
            str(about["card"]["name"]),
            Path(about["model_file"]),
            origin,
            file,
            about["options"].get("tta", "none"),
            drawn if origin == "edited" else b"",
        )
        doubts = (Doubt(one["kind"], one["text"]) for one in about["doubts"] if one["kind"] in get_args(DoubtKind))
        return made_by, tuple(doubts)
    except (KeyError, TypeError, AttributeError, ValueError):
        return None, ()


def _labels(record: PhotoRecord) -> tuple[LabelFile | None, LabelFile | None] | None:
    """The label files as they were; None, so that they are looked for, where they no longer exist."""
    if not record.labels_known:
        return None
    found: dict[str, LabelFile | None] = {}
    for label in record.labels:
        if not is_there(label.file):
            return None
        try:
            found[label.role] = label_from({**label.reading, "file": str(label.file)})
        except (KeyError, TypeError, ValueError, AttributeError, SerrError):
            return None
    return found.get(expert_name(0)), found.get(expert_name(1))


@dataclass(slots=True, eq=False)
class Written:
    """What the journal was given of a photograph."""

    item: PhotoItem | None = None
    ref: PhotoRef | None = None
    made_by: MadeBy | None = None
    edits: "weakref.ref[MaskEdits] | None" = None
    steps: tuple[EditStep, ...] = ()
    done: int = 0
    has_codes: bool = False

    @property
    def edits_object(self) -> MaskEdits | None:
        return self.edits() if self.edits is not None else None


@dataclass(slots=True, eq=False)
class Tracked:
    """What the journal was given of all photographs, and of the list."""

    photos: dict[Path, Written] = field(default_factory=dict)
    order: tuple[Path, ...] = ()
    current: int = -1


def common_steps(old: tuple[EditStep, ...], new: tuple[EditStep, ...]) -> tuple[int, int]:
    """How many steps of the old history are gone at its beginning, and up to where it is the same as the new one."""
    drop = 0
    if new:
        drop = next((index for index, step in enumerate(old) if step is new[0]), 0)
    keep = drop
    while keep < len(old) and keep - drop < len(new) and old[keep] is new[keep - drop]:
        keep += 1
    return drop, keep
