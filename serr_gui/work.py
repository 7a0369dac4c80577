"""The work of each kind of job: functions of a monitor that run in a thread, know no Qt and write no state.

The libraries that take long to load (torch above all) are imported where they are used: the window is there first.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from core.errors import FieldOfViewError, InputError, SerrError
from core.progress import Monitor, Progress
from core.types import ByteArray, FieldOfView, FundusImage, ThresholdRule
from serr_gui import judging
from serr_gui.base_views import thumbnail
from serr_gui.sessions import ResultStore
from serr_gui.state import DeviceChoice, Document, FovChoice, ModelChoice, PhotoItem, Result

if TYPE_CHECKING:
    from core.export import ExportChoices
    from core.weights import LoadedModel, ModelEntry

THUMBNAIL_PX: Final = 192

_NOT_A_PHOTOGRAPH = re.compile(
    r"(_mask|_probability|_overlay|_manual\d?|_1stho|_2ndho|\.ah|\.vk|_training_mask|_test_mask)$", re.IGNORECASE
)


class DeliveringMonitor(Monitor, Protocol):
    """A monitor that takes parts of the result before the end."""

    def check(self) -> None: ...

    def deliver(self, part: object) -> None: ...


# Opening


@dataclass(frozen=True, slots=True)
class Found:
    """Photographs that belong to opened paths, and a sentence for each path that gave none."""

    paths: tuple[Path, ...]
    problems: tuple[str, ...]


def find_photos(paths: Sequence[Path], monitor: Monitor) -> Found:
    """The photographs of files and folders; files are taken as they are named, folders looked through.

    In a folder, or in its subfolder ``images``, results of this program and the labels of the usual data sets are left
    out by their names.
    """
    found: list[Path] = []
    problems: list[str] = []
    for path in paths:
        monitor.step(Progress("Looking for photographs"))
        if path.is_dir():
            try:
                inside = _photos_in(path)
                if not inside and (path / "images").is_dir():
                    inside = _photos_in(path / "images")
            except OSError as error:
                problems.append(f"The folder {path.name} cannot be read: {error.strerror or error}.")
                continue
            found += inside
            if not inside:
                problems.append(
                    f"There are no photographs in the folder {path.name}. Choose a folder with PNG, JPEG, TIFF, BMP, "
                    "GIF or PPM pictures."
                )
        else:
            found.append(path)
    return Found(tuple(dict.fromkeys(path.absolute() for path in found)), tuple(problems))


def _photos_in(folder: Path) -> list[Path]:
    from core.photo.companions import photo_stem
    from core.photo.reading import is_photo_path

    paths = [
        path
        for path in folder.iterdir()
        if is_photo_path(path) and not _NOT_A_PHOTOGRAPH.search(photo_stem(path)) and path.is_file()
    ]
    return sorted(paths, key=natural_key)


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Sorts 2 before 10."""
    parts = re.split(r"(\d+)", path.name.lower())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A document with the field of view that was taken for it, and sentences on what could not be used."""

    document: Document
    fov: FovChoice
    notes: tuple[str, ...] = ()


def open_document(item: PhotoItem, folders: Sequence[Path | None], store: ResultStore, monitor: Monitor) -> Opened:
    """Read a photograph with its field of view and its experts' labels, and bring back its result if there is one.

    At the first time (``item.labels`` None) the labels and the mask that lie beside the photograph are looked for;
    ``folders`` are those that a person chose for each expert's labels.

    Raises
    ------
    InputError : the photograph cannot be read.
    """
    files, mask = item.labels, None
    if files is None:
        monitor.step(Progress("Looking for labels"))
        files, mask = judging.files_beside(item.path, folders)
    opened = read_photo(item, mask, store, monitor)
    document = opened.document
    monitor.step(Progress("Reading labels"))
    slots = judging.read_slots(files, document.image.shape, document.fov)
    return replace(opened, document=replace(document, labels=slots))


def read_photo(item: PhotoItem, mask: Path | None, store: ResultStore, monitor: Monitor) -> Opened:
    """Read a photograph with its field of view, without labels. ``mask`` was found beside it, and nobody chose it.

    Raises
    ------
    InputError : the photograph cannot be read.
    """
    from core.photo.reading import read_fundus

    path, choice = item.path, item.fov
    notes: tuple[str, ...] = ()
    monitor.step(Progress("Reading"))
    held = store.in_memory(path)
    image = held.segmentation.image if held else read_fundus(path)
    monitor.step(Progress("Finding the field of view"))
    result = held or store.get(path, image)
    if mask is not None and choice == FovChoice():
        choice = FovChoice("file", mask)
    if result is not None and _same_choice(result.segmentation.fov, choice):
        return Opened(Document(path, image, result.segmentation.fov, "", result), choice)
    fov, problem = _field_of_view(image, choice)
    if problem and choice != item.fov:  # what was found does not fit
        notes, choice = (problem,), item.fov
        fov, problem = _field_of_view(image, choice)
    return Opened(Document(path, image, fov, problem, result), choice, notes)


def _same_choice(fov: FieldOfView, choice: FovChoice) -> bool:
    if choice.wish == "estimated":
        # An estimate that finds no border says "full".
        return fov.origin in {"estimated", "full"} and fov.source is None
    return fov.origin == choice.wish and (choice.wish == "full" or fov.source == choice.file)


def _field_of_view(image: FundusImage, choice: FovChoice) -> tuple[FieldOfView | None, str]:
    try:
        return make_fov(image, choice), ""
    except FieldOfViewError as error:
        return None, str(error)


def make_fov(image: FundusImage, choice: FovChoice) -> FieldOfView:
    """The field of view that was chosen.

    Raises
    ------
    FieldOfViewError : none can be found, or the file does not fit.
    """
    if choice.wish == "full":
        return FieldOfView.full(image.shape)
    if choice.wish == "file" and choice.file is not None:
        from core.photo.reading import read_fov

        return read_fov(choice.file, shape=image.shape)
    from core.photo.field_of_view import estimate_field_of_view

    return estimate_field_of_view(image)


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """A small picture of a photograph; None where it cannot be read."""

    path: Path
    pixels: ByteArray | None


def make_thumbnails(paths: Sequence[Path], monitor: DeliveringMonitor) -> None:
    """Deliver a ``Thumbnail`` for each path."""
    from core.photo.reading import read_fundus

    for path in paths:
        monitor.check()
        try:
            monitor.deliver(Thumbnail(path, thumbnail(read_fundus(path), THUMBNAIL_PX)))
        except InputError:
            monitor.deliver(Thumbnail(path, None))


# Models and devices


def read_models(added: Sequence[Path], monitor: Monitor) -> tuple[ModelChoice, ...]:
    """The models that came with the program, the person's own, and those added by file: headers only, no torch."""
    from core.weights import list_models

    choices = [_model_choice(entry) for entry in list_models(monitor=monitor)]
    for path in added:
        if all(choice.path != path for choice in choices):
            try:
                choices.append(read_model_file(path))
            except SerrError as error:
                monitor.note(str(error))
    return tuple(choices)


def read_model_file(path: Path) -> ModelChoice:
    """A weights file as a choice.

    Raises
    ------
    WeightsError : it cannot be used.
    """
    from core.weights import ModelEntry, read_card

    return _model_choice(ModelEntry(read_card(path), path, bundled=False))


def check_model_file(path: Path, monitor: Monitor) -> ModelChoice:
    """Load a weights file as a run would, to be sure that it can be used.

    Raises
    ------
    WeightsError : it cannot.
    """
    from core.weights import load_model

    monitor.step(Progress("Checking the weights file"))
    load_model(path)
    return read_model_file(path)


def read_devices(monitor: Monitor) -> tuple[DeviceChoice, ...]:
    """The devices, "auto" first. The first call imports torch, which takes seconds."""
    monitor.step(Progress("Looking for devices"))
    from core.inference.device import list_devices

    return DeviceChoice("auto", ""), *(DeviceChoice(device.torch_name, device.label) for device in list_devices())


def _model_choice(entry: "ModelEntry") -> ModelChoice:
    card = entry.card
    lines = [f"Trained on {card.trained_on}" if card.trained_on else "", card.notes]
    lines.append(f"Licence: {card.licence}" if card.licence else "")
    return ModelChoice(card.name, entry.path, entry.bundled, card.rule.level, "\n".join(line for line in lines if line))


# Segmenting


class ModelKeeper:
    """Loads a model once and keeps it. Used by one job at a time."""

    def __init__(self) -> None:
        self._model: LoadedModel | None = None
        self._path: Path | None = None

    def get(self, path: Path, monitor: Monitor) -> "LoadedModel":
        if self._model is None or self._path != path:
            monitor.step(Progress("Loading the model"))
            from core.weights import load_model

            self._model, self._path = None, None  # the old one leaves the memory before the new one comes
            self._model = load_model(path)
            self._path = path
        return self._model


@dataclass(frozen=True, slots=True, eq=False)
class RunWish:
    """What a run shall use."""

    model: Path
    device: str


@dataclass(frozen=True, slots=True, eq=False)
class Segmented:
    """The outcome for one photograph of a run: a result or a sentence."""

    path: Path
    result: Result | None
    problem: str = ""


def segment_document(
    document: Document, fov: FieldOfView, wish: RunWish, keeper: ModelKeeper, monitor: Monitor
) -> Result:
    """Find the vessels of the photograph on the screen.

    Raises
    ------
    SerrError : the model, the device or the photograph cannot be used.
    """
    from core.inference.predictor import InferenceOptions
    from core.segment import segment_photo

    model = keeper.get(wish.model, monitor)
    options = InferenceOptions(device=wish.device)
    segmentation = segment_photo(document.image, model, fov=fov, options=options, monitor=monitor)
    return Result.of(segmentation, wish.model)


@dataclass(frozen=True, slots=True)
class BatchStep:
    """Reported as the ``stage`` changes to the next file."""

    item: int
    items: int
    path: Path


def segment_many(
    items: Sequence[PhotoItem], wish: RunWish, keeper: ModelKeeper, store: ResultStore, monitor: DeliveringMonitor
) -> None:
    """Find the vessels of many photographs; a bad one does not stop the others.

    Delivers a ``BatchStep`` before and a ``Segmented`` after each.

    Raises
    ------
    SerrError : the model cannot be loaded.
    """
    keeper.get(wish.model, monitor)
    for number, item in enumerate(items, start=1):
        monitor.deliver(BatchStep(number, len(items), item.path))
        try:
            mask = judging.files_beside(item.path, (None, None))[1] if item.labels is None else None
            document = read_photo(item, mask, store, monitor).document
            if document.fov is None:
                raise FieldOfViewError(document.fov_problem)
            result = segment_document(document, document.fov, wish, keeper, monitor)
        except SerrError as error:
            monitor.deliver(Segmented(item.path, None, str(error)))
        else:
            monitor.deliver(Segmented(item.path, result))


# Exporting


@dataclass(frozen=True, slots=True)
class ExportItem:
    """A photograph to export: its file stem and its threshold, None for the model's own."""

    path: Path
    stem: str
    rule: ThresholdRule | None


@dataclass(frozen=True, slots=True, eq=False)
class Exported:
    """One photograph of an export: the files that were written, or a sentence."""

    item: ExportItem
    files: tuple[Path, ...]
    problem: str = ""


def export_many(
    items: Sequence[ExportItem], folder: Path, choices: "ExportChoices", store: ResultStore, monitor: DeliveringMonitor
) -> None:
    """Write the results of photographs into a folder. Delivers a ``BatchStep`` before and an ``Exported`` after each.

    Raises
    ------
    OutputError : the folder cannot be used.
    """
    from core.export import export_segmentation
    from core.files import ensure_folder
    from core.masks.threshold import apply_threshold
    from core.photo.reading import read_fundus

    ensure_folder(folder)
    for number, item in enumerate(items, start=1):
        monitor.deliver(BatchStep(number, len(items), item.path))
        monitor.step(Progress("Exporting", number - 1, len(items)))
        try:
            result = store.in_memory(item.path) or store.get(item.path, read_fundus(item.path), keep=False)
            if result is None:
                raise InputError(f"{item.path.name} has changed since it was segmented. Segment it again.")
            segmentation = result.segmentation
            rule = item.rule or segmentation.mask.rule
            mask = apply_threshold(segmentation.probability, rule)
            files = export_segmentation(replace(segmentation, mask=mask), folder, item.stem, choices, mask=mask)
        except SerrError as error:
            monitor.deliver(Exported(item, (), str(error)))
        else:
            monitor.deliver(Exported(item, tuple(files.values())))


def spill(paths: Sequence[Path], store: ResultStore, monitor: Monitor) -> None:
    """Move results to the disk.

    Raises
    ------
    OutputError : the cache folder is full or cannot be written to.
    """
    for path in paths:
        monitor.step(Progress("Moving results to the disk"))
        store.spill(path)


Work = Callable[[DeliveringMonitor], object]
