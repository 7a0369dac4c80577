"""What a session knows of each photograph: frozen records without Qt, shared by session files and the journal.

To add a field: give ``PhotoRecord`` an attribute with a default, and ``fields.FIELDS`` a line that says how it is
written to JSON and read from it (or, for a mask of the photograph's size, put its name into ``LAYERS``). Session files
and the journal then carry it; ``tests/core/test_session_records.py`` checks that every attribute survives. A field that
older versions may ignore needs no new version number; one that they must not ignore needs a new ``fields.MAJOR``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from core.masks.edits import EditDelta
from core.session.packing import packed_bits, unpacked_bits
from core.threshold_rule import ThresholdRule
from core.types import BoolArray

LAYERS: Final = ("questionable", "fov_edited")
"""Attributes of ``PhotoRecord`` that are a ``PackedMask`` or None."""

StepKind = Literal["edits", "questionable", "field_of_view", "rule", "fov", "model", "label", "measuring"]
"""What a step of Undo changes: the pixels of a layer (the first three), or a choice that was made."""


@dataclass(frozen=True, slots=True)
class PhotoRef:
    """A photograph by reference.

    Parameters
    ----------
    path : where it was. ``sha256`` : of the bytes of its file, None where they were never read.
    shape : height and width in pixels, None where it was never opened.
    """

    path: Path
    sha256: str | None = None
    shape: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class PackedMask:
    """A mask of the photograph's size that takes little memory while it waits: ``mask`` is bool (H, W), read-only."""

    data: bytes
    shape: tuple[int, int]

    @classmethod
    def of(cls, mask: BoolArray) -> "PackedMask":
        return cls(packed_bits(mask), (mask.shape[0], mask.shape[1]))

    @property
    def mask(self) -> BoolArray:
        return unpacked_bits(self.data, self.shape)


@dataclass(frozen=True, slots=True)
class MapPlace:
    """Where a result of a network is kept: a zip file of ``archive`` and the folder in it, which ends in ``/``."""

    file: Path
    prefix: str


@dataclass(frozen=True, slots=True, eq=False)
class StepRecord:
    """A step of Undo.

    Parameters
    ----------
    name : as Undo shows it. ``kind`` : what it changes.
    delta : the pixels of a layer that it changes; None for a choice.
    before, after : JSON values of a choice, such as a threshold.
    """

    name: str
    delta: EditDelta | None = None
    kind: StepKind = "edits"
    before: Any = None
    after: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class EditsRecord:
    """Corrections by hand with their history.

    Parameters
    ----------
    codes : of every pixel (``core.masks.edits``), deflated as by ``MaskEdits.packed``; None where none is corrected.
    steps : the steps of Undo, the oldest first. ``done`` : how many of them are made; the rest can be made again.
    """

    codes: bytes | None = None
    steps: tuple[StepRecord, ...] = ()
    done: int = 0

    @property
    def strokes(self) -> int:
        """How many steps of the history that are made have changed pixels of the mask."""
        return sum(step.kind == "edits" and step.delta is not None for step in self.steps[: self.done])


@dataclass(frozen=True, slots=True)
class FovSetting:
    """Which field of view the next run shall use: "estimated", "file" with its path, "full" or "edited"."""

    request: str = "estimated"
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class LabelRecord:
    """A label file and its role ("expert 1", "expert 2"); ``reading`` : JSON values of how it is to be read."""

    role: str
    file: Path
    reading: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ViewRecord:
    """Where a person looked: ``zoom`` in screen pixels for a pixel, the point in the middle in photograph pixels."""

    zoom: float
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class EnhancedRecord:
    """Which network enhanced a photograph: its name, the SHA-256 of its tensors, its scale. Its picture is not kept."""

    network: str
    sha256: str
    scale: int


@dataclass(frozen=True, slots=True, eq=False)
class PhotoRecord:
    """All that is kept of a person's work on a photograph.

    Parameters
    ----------
    map : the network's result, which is read when it is needed.
    questionable : pixels that cannot be decided. ``fov_edited`` : the field of view as a hand has drawn it.
    rule : the threshold that was left, None for the model's own.
    seconds : spent on it. ``done``, ``doubtful``, ``note`` : what the person says about it.
    enhanced : by which network its picture was enhanced last; None where it was not.
    unsaved : whether there is work that no export holds.
    model : the weights file that made the result, as text.
    measuring : what was said for measures of its vessels (optic disc, pixel size, marks), JSON values.
    unknown : what a newer version has written, to be written again.
    """

    photo: PhotoRef
    map: MapPlace | None = None
    edits: EditsRecord | None = None
    questionable: PackedMask | None = None
    fov_edited: PackedMask | None = None
    rule: ThresholdRule | None = None
    fov: FovSetting = FovSetting()
    labels: tuple[LabelRecord, ...] = ()
    labels_known: bool = False
    model: str = ""
    done: bool = False
    doubtful: bool = False
    note: str = ""
    seconds: float = 0.0
    view: ViewRecord | None = None
    measuring: Mapping[str, Any] = field(default_factory=dict)
    enhanced: EnhancedRecord | None = None
    unsaved: bool = False
    unknown: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class SessionRecord:
    """The photographs in the order of the list, and which of them was shown.

    ``observer`` : the name of the person. ``unknown`` : as in ``PhotoRecord``.
    """

    photos: tuple[PhotoRecord, ...] = ()
    current: int = -1
    observer: str = ""
    unknown: Mapping[str, Any] = field(default_factory=dict)
