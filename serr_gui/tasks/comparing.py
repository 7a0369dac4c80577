"""The work of comparing with experts: functions of a monitor that run in a thread, know no Qt and write no state."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError, LabelError
from core.evaluation.confusion import LevelHistogram, count, region_of
from core.evaluation.curves import thinned_curve
from core.evaluation.error_map import ErrorKind, ErrorRegion, error_map, largest_errors
from core.files import file_stamp
from core.progress import Monitor, Progress
from core.types import BoolArray, ByteArray, ExpertLabel, FieldOfView, FundusImage
from serr_gui.model.comparison import (
    COURSE_SCORES,
    EXPERTS,
    CentreLines,
    Comparison,
    ComparisonInputs,
    CourseScores,
    ErrorLayer,
    ErrorList,
    ErrorSearch,
    LabelFile,
    LabelFiles,
    LabelSlot,
    LabelSlots,
    ScoredLabel,
)
from serr_gui.model.i18n import translate
from serr_gui.model.label_choices import load_choices
from serr_gui.model.state import FovChoice
from serr_gui.tasks.monitor import YieldingMonitor

if TYPE_CHECKING:
    from core.datasets.recognise import CaseFinder

# Labels


def files_beside(
    photo: Path, folders: Sequence[Path | None], finder: "CaseFinder | None" = None
) -> tuple[LabelFiles, Path | None]:
    """The labels of a photograph, and the mask of its field of view.

    Parameters
    ----------
    folders : for each expert the folder that a person chose, in which a file of the photograph's name is that expert's
        label. Where there is none, the labels next to the photograph are taken.
    finder : one for many photographs; it looks through each folder once.
    """
    from core.datasets.recognise import CaseFinder, partners_in

    case = (finder or CaseFinder()).case_of(photo)
    beside = list(case.labels.values()) if case else []
    paths: list[Path | None] = []
    for expert in EXPERTS:
        folder, path = folders[expert], None
        if folder is not None:
            try:
                path = partners_in(folder, [photo]).get(photo)
            except InputError:  # the folder is gone
                path = None
        paths.append(path or (beside[expert] if expert < len(beside) else None))
    first, second = (LabelFile(path, found=True) if path is not None else None for path in paths)
    if first is not None and second is not None and first.path == second.path:
        second = None
    return (first, second), case.fov if case else None


def files_of(
    photo: Path, folders: Sequence[Path | None], finder: "CaseFinder | None" = None
) -> tuple[LabelFiles, FovChoice | None]:
    """What a person chose for a photograph, at the last time, too, and for the rest what ``files_beside`` finds.

    The field of view is None where nothing was chosen or found.
    """
    found, mask = files_beside(photo, folders, finder)
    kept = load_choices(photo)
    first, second = (kept.labels.get(expert, found[expert]) for expert in EXPERTS)
    return (first, second), kept.fov or (FovChoice("file", mask) if mask is not None else None)


def labels_in(folder: Path, photos: Sequence[Path], monitor: Monitor) -> dict[Path, LabelFile]:
    """The labels in a folder, by photograph.

    Raises
    ------
    InputError : the folder cannot be read.
    """
    from core.datasets.recognise import partners_in

    monitor.step(Progress("Looking for labels"))
    return {photo: LabelFile(path, found=True) for photo, path in partners_in(folder, photos).items()}


def read_slot(
    file: LabelFile | None, shape: tuple[int, int], fov: FieldOfView | None, image: FundusImage | None = None
) -> LabelSlot | None:
    """Read an expert's label. What is doubtful waits for the user's answer, and the label is not used before.

    ``image``: the photograph, where it shall be found out whether the label belongs to it.
    """
    if file is None:
        return None
    from core.photo.label_checks import examine_label
    from core.session.labels import is_session, label_of_session

    file = file.answered_for(file_stamp(file.path))
    try:
        if is_session(file.path):
            return LabelSlot(file, label_of_session(file.path, _needed(image)), usable=True)
        examined = examine_label(
            file.path, shape=shape, inside=fov.inside if fov else None, image=image, reading=file.reading
        )
    except LabelError as error:
        return LabelSlot(file, problem=str(error))
    if not examined.usable or (examined.doubts and not file.accepted):
        return LabelSlot(file, doubts=examined.doubts, usable=examined.usable, found=examined.found, turn=examined.turn)
    label = examined.accept(invert=file.inverted)
    return LabelSlot(file, label, examined.doubts, usable=True, found=examined.found, turn=examined.turn)


def _needed(image: FundusImage | None) -> FundusImage:
    if image is None:
        raise LabelError(translate("Work", "A session is a label for the photograph on the screen only."))
    return image


def read_slots(files: LabelFiles, image: FundusImage, fov: FieldOfView | None) -> LabelSlots:
    """Both experts' labels."""
    first, second = (read_slot(file, image.shape, fov, image) for file in files)
    return first, second


@dataclass(frozen=True, slots=True)
class Dropped:
    """Files that were dropped on a photograph: labels for it, and everything else."""

    labels: tuple[Path, ...]
    others: tuple[Path, ...]


def sort_dropped(paths: Sequence[Path], shape: tuple[int, int]) -> Dropped:
    """Which of some files are labels for a photograph of this shape (height, width), and which are something else.

    A picture of the photograph's own size with two values is not a photograph.
    """
    from core.photo.reading import read_label

    labels: list[Path] = []
    others: list[Path] = []
    for path in paths:
        try:
            is_label = path.is_file() and read_label(path, shape=shape) is not None
        except LabelError:
            is_label = False
        (labels if is_label else others).append(path)
    return Dropped(tuple(labels), tuple(others))


# ScoreSet


def _counted(inputs: ComparisonInputs) -> BoolArray:
    """Where scores are counted: in the region, where every expert has decided, without what shall be left out."""
    inside = region_of(inputs.fov, inputs.region)
    for label in inputs.labels:
        inside = inside if label is None else label.scored(inside)
    return inside if inputs.left_out is None else inside & (inputs.left_out == 0)


def compare(
    comparison_inputs: ComparisonInputs, monitor: YieldingMonitor[Comparison], before: Comparison | None = None
) -> Comparison:
    """Count for every threshold; delivers the counts as a ``Comparison`` before the areas and curves are there.

    ``before`` : an earlier outcome. Where corrections by hand are all that differs, its areas and curves are taken.
    """
    if before is not None and not comparison_inputs.same_but_levels(before.comparison_inputs):
        before = None
    monitor.step(Progress("Counting"))
    inside = _counted(comparison_inputs)
    first, second = comparison_inputs.labels
    probability = comparison_inputs.probability
    between = count(second.vessel, first.vessel, inside) if first is not None and second is not None else None
    levels = comparison_inputs.levels
    if probability is None or levels is None:
        return Comparison(comparison_inputs, (None, None), between, None)

    def histogram(expert: int) -> ScoredLabel | None:
        label = comparison_inputs.labels[expert]
        if label is None:
            return None
        counted = LevelHistogram.from_map(levels, label.vessel, inside)
        known = before.scored_label[expert] if before is not None else None
        if known is not None:
            return replace(known, histogram=counted)
        if comparison_inputs.rule is None:
            return ScoredLabel(counted)
        return ScoredLabel(counted, plain=LevelHistogram.from_map(probability.levels, label.vessel, inside))

    errors = _error_layer(levels, first.vessel, inside) if first is not None else None
    made = Comparison(comparison_inputs, (histogram(0), histogram(1)), between, errors)
    monitor.yield_result(made)
    complete: list[ScoredLabel | None] = []
    for label, counted in zip(comparison_inputs.labels, made.scored_label, strict=True):
        monitor.step(Progress("Areas under the curves"))
        if label is None or counted is None or counted.areas is not None:
            complete.append(counted)
        else:
            curve, areas = thinned_curve(probability.values, label.vessel, inside)
            complete.append(replace(counted, curve=curve, areas=areas))
    return replace(made, scored_label=(complete[0], complete[1]))


def _error_layer(levels: ByteArray, label: BoolArray, inside: BoolArray) -> ErrorLayer:
    if not inside.all():
        label = label & inside
        if levels[~inside].any():  # a map that was made in a larger field of view
            levels = levels * inside.view(np.uint8)
    region = None if inside.all() else inside
    return ErrorLayer(levels, np.ascontiguousarray(label).view(np.uint8), region)


class SkeletonCache:
    """The experts' skeletons of the last subject, which stay while the threshold moves.

    ``turn`` is held while a skeleton is made, which cannot be stopped half-way: a job that is not wanted any more ends
    when its turn comes, so that there is never more than one that takes a processor from the window.
    """

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self._subject: ComparisonInputs | None = None
        self._skeletons: dict[int, BoolArray] = {}

    def get(self, comparison_inputs: ComparisonInputs, expert: int, inside: BoolArray) -> BoolArray | None:
        """An expert's skeleton; None without a label."""
        from core.masks.skeleton import skeleton

        label = comparison_inputs.labels[expert]
        if label is None:
            return None
        if self._subject is None or not comparison_inputs.same_labels(self._subject):
            self._subject, self._skeletons = comparison_inputs, {}
        if expert not in self._skeletons:
            self._skeletons[expert] = skeleton(label.vessel, inside)
        return self._skeletons[expert]


def compare_centre_lines(
    comparison_inputs: ComparisonInputs, level: int, cache: SkeletonCache, monitor: Monitor
) -> CentreLines:
    """clDice and pieces of each pair, which takes a good part of a second for a large photograph."""
    from core.evaluation.cldice import count_centre_lines
    from core.evaluation.connectedness import count_connectedness, unit_of
    from core.masks.skeleton import skeleton

    inside = _counted(comparison_inputs)
    found = comparison_inputs.vessel(level)
    course: BoolArray | None = None
    with cache.turn:
        drawn = []
        for expert in EXPERTS:
            monitor.step(Progress("Centre lines"))
            drawn.append(cache.get(comparison_inputs, expert, inside))
        monitor.step(Progress("Centre lines"))
        if found is not None:
            course = skeleton(found, inside)
    unit = unit_of(comparison_inputs.fov.diameter_px)

    def scores(
        vessel: BoolArray | None, its_line: BoolArray | None, label: ExpertLabel | None, line: BoolArray | None
    ) -> CourseScores | None:
        if vessel is None or its_line is None or label is None or line is None:
            return None
        both = count_centre_lines(vessel, label.vessel, inside, skeletons=(its_line, line))
        connected = count_connectedness(vessel, label.vessel, inside, line=line, unit_px=unit)
        return {name: getattr(both if name == "cl_dice" else connected, name) for name in COURSE_SCORES}

    first, second = comparison_inputs.labels
    return CentreLines(
        comparison_inputs,
        level,
        (
            scores(found, course, first, drawn[0]),
            scores(found, course, second, drawn[1]),
            scores(second.vessel if second is not None else None, drawn[1], first, drawn[0]),
        ),
    )


def find_errors(comparison_inputs: ComparisonInputs, level: int, search: ErrorSearch, monitor: Monitor) -> ErrorList:
    """The connected errors of the mask against expert 1, the largest first."""
    label, found = comparison_inputs.labels[0], comparison_inputs.vessel(level)
    if label is None or found is None:
        return ErrorList(comparison_inputs, level, search, ())
    monitor.step(Progress("Looking for errors"))
    codes = error_map(found, label.vessel, _counted(comparison_inputs))
    kinds: tuple[ErrorKind, ...] = (
        ("false_negative", "false_positive") if search.request == "both" else (search.request,)
    )
    regions: list[ErrorRegion] = []
    for kind in kinds:
        monitor.step(Progress("Looking for errors"))
        regions += largest_errors(codes, kind, border_px=search.border_px)
    return ErrorList(comparison_inputs, level, search, tuple(sorted(regions, key=lambda region: -region.area_px)))
