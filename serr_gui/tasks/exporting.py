"""Writing results as files, and moving them out of the memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from core.errors import InputError, SerrError
from core.masks.edits import BACKGROUND, VESSEL
from core.measures.setup import NOTHING_SAID, MeasureSetup
from core.progress import Monitor, Progress
from core.session.packing import unpacked_bits
from core.threshold_rule import ThresholdRule
from core.types import NO_MARKS, BoolArray, PhotoMarks
from serr_gui.model.export_options import ExportOptions, ExportPreview
from serr_gui.model.i18n import translate
from serr_gui.model.result import Result
from serr_gui.model.result_store import ResultStore
from serr_gui.tasks.monitor import BatchStep, YieldingMonitor

if TYPE_CHECKING:
    from core.export import ExportChoices
    from core.sidecar import Annotation

FileInPlace = Literal["", "photograph", "label", "file"]
"""What a file that is to be written would replace."""


@dataclass(frozen=True, slots=True)
class ExportItem:
    """A photograph to export: its file stem, its threshold (None: of the model), the observer's marks and name.

    ``questionable``, ``measuring`` : as in ``PhotoItem``.
    """

    path: Path
    stem: str
    rule: ThresholdRule | None
    marks: PhotoMarks = NO_MARKS
    observer: str = ""
    questionable: bytes = b""
    measuring: MeasureSetup = NOTHING_SAID


@dataclass(frozen=True, slots=True, eq=False)
class Exported:
    """One photograph of an export: the files that were written, or a sentence.

    ``is_changed`` : the file on the disk is not, or not any more, the one that was segmented. ``is_edited`` :
    the mask was corrected by hand, which the probabilities do not show.
    """

    item: ExportItem
    files: tuple[Path, ...]
    problem: str = ""
    is_changed: bool = False
    is_edited: bool = False


ExportPart = BatchStep | Exported
"""What an export hands over: which photograph comes next, and what became of it."""


def preview_export(paths: Sequence[Path], folder: Path, options: ExportOptions, monitor: Monitor) -> ExportPreview:
    """What an export of these photographs would meet: names of other photographs' results are left to them."""
    from core.claims import is_corrected, unclaimed
    from core.photo.sibling_files import output_stems

    choices = options.choices()
    there = set(_names_in(folder))
    by_path, usual = output_stems(paths, folder, by_content=False), output_stems(paths, None)
    stems = tuple(by_path[path] for path in paths)
    in_the_way = [stem for stem in stems if not there.isdisjoint(choices.names(stem).values())]
    unknown, by_hand = list[str](), list[str]()
    for stem in in_the_way:
        monitor.step(Progress("Looking into the folder"))
        unknown += unclaimed(folder, stem, choices)
        by_hand += [stem] if is_corrected(folder, stem, choices) else []
    replaced = there.intersection(name for stem in in_the_way for name in choices.names(stem).values())
    usual_stems = tuple(usual[path] for path in paths)
    return ExportPreview(folder, options, stems, usual_stems, frozenset(replaced), tuple(unknown), tuple(by_hand))


def _names_in(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def export_many(
    items: Sequence[ExportItem],
    folder: Path,
    choices: "ExportChoices",
    store: ResultStore,
    monitor: YieldingMonitor[ExportPart],
) -> None:
    """Write the results of photographs into a folder. Delivers a ``BatchStep`` before and an ``Exported`` after each.

    Raises
    ------
    OutputError : the folder cannot be used.
    """
    from core.export import export_segmentation
    from core.files import display_path, ensure_folder, file_sha256

    ensure_folder(folder)
    for number, item in enumerate(items, start=1):
        monitor.yield_result(BatchStep(number, len(items), item.path))
        monitor.step(Progress("Exporting", number - 1, len(items)))
        try:
            result = store.get(item.path, keep=False)
            if result is None:
                text = translate("Work", "The result of {name} is no longer available. Segment it again.")
                raise InputError(text.format(name=display_path(item.path.name)))
            segmentation = result.segmentation
            rule = item.rule or segmentation.mask.rule
            mask = result.mask(rule)
            annotation = _annotation(item, result, store)
            shape = segmentation.image.shape
            files = export_segmentation(
                replace(segmentation, mask=mask),
                folder,
                item.stem,
                choices,
                mask=mask,
                annotation=annotation,
                questionable=unpacked_bits(item.questionable, shape) if item.questionable else None,
            )
        except SerrError as error:
            monitor.yield_result(Exported(item, (), str(error)))
        else:
            segmented = segmentation.image.sha256
            is_changed = segmented is not None and file_sha256(item.path) != segmented
            monitor.yield_result(Exported(item, tuple(files.values()), is_changed=is_changed, is_edited=mask.edited))


def _annotation(item: ExportItem, result: Result, store: ResultStore) -> "Annotation":
    from core.sidecar import Annotation

    said = item.measuring.values()
    if result.edits is None:
        return Annotation(item.marks, observer=item.observer, measuring=said)
    counts = np.bincount(result.edits.codes.ravel(), minlength=VESSEL + 1)
    history = store.history(item.path)
    strokes = sum(step.kind == "edits" and step.delta is not None for step in history.steps[: history.done])
    return Annotation(item.marks, int(counts[VESSEL]), int(counts[BACKGROUND]), strokes, item.observer, said)


def file_in_place(path: Path, photos: Sequence[Path], labels: Sequence[Path]) -> FileInPlace:
    """What a label in this place would replace: one of the open photographs, one of the labels in use, another file."""
    if not path.exists():
        return ""
    place = path.resolve()
    if any(place == photo.resolve() for photo in photos):
        return "photograph"
    return "label" if any(place == label.resolve() for label in labels) else "file"


def write_label(path: Path, vessel: BoolArray) -> int:
    """Write a mask, bool (H, W), as a label: PNG, 255 for vessel, else 0; returns how many pixels are vessel.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    from core.export import png
    from core.files import ensure_folder, write_together

    ensure_folder(path.parent)
    write_together([(path, png(np.where(vessel, np.uint8(255), np.uint8(0))))])
    return int(np.count_nonzero(vessel))


def spill(paths: Sequence[Path], store: ResultStore, monitor: Monitor) -> None:
    """Move results to the disk.

    Raises
    ------
    OutputError : the cache folder is full or cannot be written to.
    """
    for path in paths:
        monitor.step(Progress("Moving results to the disk"))
        store.spill(path)
