"""What the program knows while it runs: plain data that tells its listeners when it changes. No Qt, no torch.

Arrays are only in frozen boxes that compare by identity; listeners get an event for each field of ``AppState`` that
was given a new value. All of it belongs to the GUI thread, and the controller alone writes it.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal, get_args

from psygnal import SignalGroupDescriptor

from core.evaluation.confusion import Region
from core.measures.setup import NOTHING_SAID, MeasureSetup
from core.models.drawing_style import DrawingStyle
from core.progress import Progress
from core.session.packing import packed_bits
from core.session.records import EnhancedRecord
from core.threshold_rule import LEVELS, ThresholdRule
from core.types import NO_MARKS, BoolArray, ByteArray, Doubt, FieldOfView, FovOrigin, FundusImage, PhotoMarks
from serr_gui.canvas.prepared import Prepared
from serr_gui.canvas.wipe import Wipe
from serr_gui.model.batch import Batches
from serr_gui.model.comparison import (
    NO_LABELS,
    CentreLines,
    Comparison,
    ErrorFilter,
    ErrorList,
    Evaluation,
    LabelFiles,
    LabelSlots,
    StrokeCounts,
)
from serr_gui.model.editing import Editing
from serr_gui.model.enhancing import EnhancedPhoto, Enhancing
from serr_gui.model.export_options import ExportOptions
from serr_gui.model.measuring import Measured, MeasureView, Mirrored
from serr_gui.model.notices import Notice
from serr_gui.model.result import Result
from serr_gui.model.study import Study
from serr_gui.model.training import EstimateState, ModelsCompared, Trainings
from serr_gui.model.two_models import TwoModels

Base = Literal["colour", "red", "green", "blue", "enhanced", "enhanced_colour"]
BASES: tuple[Base, ...] = ("colour", "red", "green", "blue", "enhanced", "enhanced_colour")
Theme = Literal["system", "light", "dark"]
FovSource = Literal["estimated", "file", "full", "edited"]
PhotoStatus = Literal["new", "done", "failed"]
EvaluateAt = Literal["model", "slider"]
ListOrder = Literal["opened", "name", "new", "done", "worst", "undone", "corrected", "doubtful"]
ListShow = Literal["all", "undone", "done", "corrected", "doubtful", "noted"]
TaskKind = Literal[
    "segment",
    "batch",
    "export",
    "evaluate",
    "compare_models",
    "two_models",
    "enhance",
    "mirror",
    "save_session",
    "open_session",
    "restore",
]
Averaging = Literal["none", "flips"]
PrecisionChoice = Literal["auto", "fp32", "bf16", "fp16"]
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class FovChoice:
    """Which field of view a run shall use.

    ``file`` only with the request "file", ``drawn`` only with "edited": its pixels, packed.
    """

    request: FovSource = "estimated"
    file: Path | None = None
    drawn: bytes = b""

    @classmethod
    def edited(cls, inside: BoolArray) -> "FovChoice":
        """A field of view as a hand has drawn it, bool (H, W)."""
        return cls("edited", drawn=packed_bits(inside))

    def values(self) -> dict[str, str]:
        """As JSON values, for a step of Undo."""
        drawn = {"drawn": b64encode(self.drawn).decode()} if self.drawn else {}
        return {"request": self.request, **({"file": str(self.file)} if self.file else {}), **drawn}

    @classmethod
    def from_values(cls, values: Mapping[str, str]) -> "FovChoice":
        """The reverse of ``values``. Raises KeyError or ValueError for what it did not give."""
        requests: dict[str, FovSource] = {source: source for source in get_args(FovSource)}
        file = Path(values["file"]) if "file" in values else None
        return cls(requests[values["request"]], file, b64decode(values.get("drawn", "")))


@dataclass(frozen=True, slots=True)
class MadeBy:
    """What made the result of a photograph: a model, by name and file, in a field of view from here or there."""

    model: str
    path: Path
    fov_origin: FovOrigin
    fov_file: Path | None = None
    tta: Averaging = "none"
    fov_drawn: bytes = b""


@dataclass(frozen=True, slots=True)
class PhotoItem:
    """One line of the folder strip.

    ``rule`` is the threshold that was left for this photograph, None for the model's own. ``unsaved`` means that there
    is a result, or a newer threshold, that no export holds. ``labels`` are the experts' files, None until they were
    looked for. ``made_by`` tells of the result. ``doubts`` are those about the photograph and its result, as far as it
    was looked at. ``marks`` are those of the observer; ``corrected`` : a hand has decided pixels of the mask.
    ``questionable`` : the pixels that cannot be decided, packed (``core.session.packing.packed_bits``); empty for none.
    ``measuring`` : what was said about it for measures of its vessels. ``enhanced`` : by which network, the last time.
    """

    path: Path
    status: PhotoStatus = "new"
    unsaved: bool = False
    rule: ThresholdRule | None = None
    fov: FovChoice = FovChoice()
    problem: str = ""
    doubts: tuple[Doubt, ...] = ()
    labels: LabelFiles | None = None
    made_by: MadeBy | None = None
    marks: PhotoMarks = NO_MARKS
    corrected: bool = False
    questionable: bytes = b""
    measuring: MeasureSetup = NOTHING_SAID
    enhanced: EnhancedRecord | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """The photograph on the screen.

    ``fov`` is what the next run will use, None where none could be found; ``fov_problem`` then says why. ``labels``
    are the experts'. ``questionable`` : uint8 (H, W), 1 where it cannot be decided what is there; None for nowhere.
    ``prepared`` : what the canvas needs of it as it was opened.
    """

    path: Path
    image: FundusImage
    fov: FieldOfView | None
    fov_problem: str = ""
    result: Result | None = None
    labels: LabelSlots = NO_LABELS
    questionable: ByteArray | None = None
    prepared: Prepared | None = None

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """What is doubtful about the photograph, its field of view and the result that was made in it."""
        about_fov = self.fov.doubts if self.fov is not None else ()
        fits = self.result is not None and self.result.segmentation.fov is self.fov
        return tuple(dict.fromkeys((*about_fov, *(self.result.segmentation.doubts if fits and self.result else ()))))


@dataclass(frozen=True, slots=True, eq=False)
class BaseView:
    """A picture to show instead of the photograph's colours: uint8 (H, W) or (H, W, 3), made from ``image``.

    ``wipe`` : the same of the enhanced picture ``enhanced``, where that is seen.
    """

    image: FundusImage
    base: Base
    pixels: ByteArray
    enhanced: EnhancedPhoto | None = None
    wipe: Wipe | None = None


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """What is shown and how; opacities in [0, 1]. These come back at the next start.

    ``brightness`` and ``contrast`` (-1 to 1) and ``gamma`` (0.25 to 4) change how the photograph looks, never what the
    network sees or what is written.

    ``region`` is where scores are counted, ``error_colours`` one of the error map's presets, ``evaluate_at`` the
    threshold at which all photographs are measured, ``evaluate_measures``: with the measures of their vessels.
    ``show_label``: an expert's vessels alone, in place of the mask.
    """

    base: Base = "colour"
    show_mask: bool = True
    mask_opacity: float = 0.7
    mask_colour: Colour = (0, 229, 255)
    show_probability: bool = False
    probability_opacity: float = 0.6
    colormap: str = "inferno"
    show_fov: bool = True
    region: Region = "fov"
    show_errors: bool = False
    show_label: bool = False
    error_opacity: float = 0.85
    error_colours: str = "white_blue_black"
    error_filter: ErrorFilter = "both"
    skip_borders: bool = True
    brightness: float = 0.0
    contrast: float = 0.0
    gamma: float = 1.0
    evaluate_at: EvaluateAt = "model"
    evaluate_measures: bool = False
    show_edits: bool = False
    show_questionable: bool = True
    skip_questionable: bool = False


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How a network is run, beside model and device; ``threads`` 0 leaves the choice to the program."""

    tta: Averaging = "none"
    precision: PrecisionChoice = "auto"
    threads: int = 0


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the settings dialog was left with; ``font_pt`` 0 is the system's size."""

    model: Path | None
    device: str
    run: RunSettings
    theme: Theme
    cache_mb: int
    font_pt: int
    export_folder: str
    observer: str = ""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model that can be chosen: its name, its file, and what its card says, in words.

    ``experience`` : what it learned from and how good it was on photographs held out from that. ``styles`` : how it
    can draw.
    """

    name: str
    path: Path
    bundled: bool
    default_level: int
    about: str
    notes: str = ""
    experience: str = ""
    styles: tuple[DrawingStyle, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """A device that can be asked for: the word for ``InferenceOptions`` and a label for the user."""

    request: str
    label: str


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """The long piece of work that is running. ``item`` of ``items`` counts the files of a batch, from 1.

    ``seconds_left`` is None until a first file is done.
    """

    kind: TaskKind
    progress: Progress
    item: int = 0
    items: int = 0
    name: str = ""
    cancelling: bool = False
    paused: bool = False
    seconds_left: float | None = None

    @property
    def fraction(self) -> float | None:
        """Share done in [0, 1] of the whole work, None while unknown."""
        part = self.progress.fraction
        if self.items <= 1:
            return part
        return (self.item - 1 + (part or 0.0)) / self.items


CACHE_MB = 1024
"""Results of photographs that stay in memory, in megabytes, before they move to the disk."""


@dataclass
class AppState:
    """Everything that the window shows; ``events.<field>`` tells when a field has changed.

    ``export_options``, ``last_folder`` and ``label_out`` (the folder of labels that were drawn) are proposed next.
    ``draw_like`` : the drawing style that photographs get with their first result; empty for the model's own threshold.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    photos: tuple[PhotoItem, ...] = ()
    current: int = -1
    list_filter: str = ""
    list_show: ListShow = "all"
    opening: Path | None = None
    document: Document | None = None
    rule: ThresholdRule = field(default_factory=lambda: ThresholdRule(LEVELS // 2, "model"))
    base_view: BaseView | None = None
    view: ViewOptions = field(default_factory=ViewOptions)
    overlay_hidden: bool = False
    models: tuple[ModelChoice, ...] = ()
    model: Path | None = None
    devices: tuple[DeviceChoice, ...] = (DeviceChoice("auto", ""),)
    device: str = "auto"
    device_used: str = ""
    run: RunSettings = field(default_factory=RunSettings)
    draw_like: str = ""
    cache_mb: int = CACHE_MB
    font_pt: int = 0
    library_ready: bool = False
    task: TaskStatus | None = None
    side_task: TaskStatus | None = None
    session_task: TaskStatus | None = None
    notices: tuple[Notice, ...] = ()
    label_folders: tuple[Path | None, Path | None] = (None, None)
    comparison: Comparison | None = None
    centre_lines: CentreLines | None = None
    errors: ErrorList | None = None
    error_at: int = -1
    evaluation: Evaluation | None = None
    editing: Editing = field(default_factory=Editing)
    stroke: StrokeCounts | None = None
    theme: Theme = "system"
    recent: tuple[Path, ...] = ()
    batches: Batches = field(default_factory=Batches)
    batch_folders: tuple[Path, ...] = ()
    trainings: Trainings = field(default_factory=Trainings)
    trainings_known: bool = False
    estimate: EstimateState | None = None
    models_compared: ModelsCompared | None = None
    two_models: TwoModels | None = None
    enhancing: Enhancing = field(default_factory=Enhancing)
    measured: Measured | None = None
    mirrored: Mirrored | None = None
    study: Study = field(default_factory=Study)
    measure_view: MeasureView = field(default_factory=MeasureView)
    data_set: Path | None = None
    observer: str = ""
    session: Path | None = None
    session_embeds: bool = False
    export_options: ExportOptions = field(default_factory=ExportOptions)
    last_folder: str = ""
    label_out: Path | None = None

    @property
    def item(self) -> PhotoItem | None:
        """The chosen line of the folder strip."""
        return self.photos[self.current] if 0 <= self.current < len(self.photos) else None

    @property
    def result(self) -> Result | None:
        return self.document.result if self.document else None

    @property
    def shown_rule(self) -> ThresholdRule:
        """The rule of the mask that is shown: ``rule``, or for a moment the one before, until its mask is made."""
        result = self.result
        if result is None or result.fits(self.rule):
            return self.rule
        return result.shaped or replace(self.rule, low_level=None, min_pixels=0)

    @property
    def model_choice(self) -> ModelChoice | None:
        return next((choice for choice in self.models if choice.path == self.model), None)
