"""All open photographs against their experts' labels, with the existing results, and the report as files."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError, LabelError
from core.evaluation.left_out import left_out_note, without
from core.files import display_path, write_bytes_atomic
from core.progress import Monitor, Progress
from core.session.packing import unpacked_bits
from core.strict import Malformed
from core.threshold_rule import ThresholdRule
from core.types import BoolArray, ExpertLabel, FieldOfView, FundusImage, ProbabilityMap
from serr_gui.model.comparison import EXPERTS, LabelFile
from serr_gui.model.export_options import RESULTS_FOLDER
from serr_gui.model.result import Result
from serr_gui.model.result_store import ResultStore
from serr_gui.model.state import FovChoice, PhotoItem
from serr_gui.tasks import comparing
from serr_gui.tasks.carrying import carry
from serr_gui.tasks.monitor import YieldingMonitor
from serr_gui.tasks.photos import make_fov
from serr_gui.tasks.segmenting import ModelCache, RunOptions, Segmented

if TYPE_CHECKING:
    from core.datasets.leakage import Leakage
    from core.datasets.recognise import CaseFinder
    from core.evaluation.confusion import Region
    from core.evaluation.dataset_evaluation import CaseFiles
    from core.evaluation.report import EvaluationReport, ImageScores
    from core.models.weights_file import LoadedModel
    from core.photo.label_values import LabelValues
    from core.report_measures import ReportMeasures
    from core.reuse import ReusedResults

_PICTURE_PX = 360
_NAMES = ("expert 1", "expert 2")


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """What shall be evaluated and how.

    ``rule`` None: the model's own threshold. ``exported``: the folder in which exported results are looked for; None:
    the one beside each photograph. ``skip_questionable`` : questionable pixels are not counted. ``measures`` :
    the vessels are measured, too.
    """

    items: tuple[PhotoItem, ...]
    folders: tuple[Path | None, Path | None]
    run: RunOptions
    rule: ThresholdRule | None
    region: "Region"
    exported: Path | None = None
    skip_questionable: bool = False
    measures: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class PhotoDone:
    """Delivered for each photograph: its scores, or a sentence on why there are none."""

    path: Path
    outcome: "ImageScores | str"


EvaluationPart = Segmented | PhotoDone
"""What an evaluation hands over: a result that it had to make, and the scores of a photograph."""


@dataclass(frozen=True, slots=True)
class _Case:
    """An open photograph with its files, in the form in which the library evaluates."""

    stem: str
    photo: Path
    labels: Mapping[str, Path]
    fov: Path | None
    choice: FovChoice
    files: Mapping[str, LabelFile]
    left_out: bytes = b""

    @property
    def values(self) -> Mapping[str, "LabelValues"]:
        """Nothing: ``files`` say how each label is read."""
        return {}


@dataclass(frozen=True, slots=True)
class _OpenPhotos:
    """The open photographs as a data set."""

    name: str
    split: str
    protocol: str
    cases: Sequence[_Case]


def evaluate_photos(
    request: EvaluationRequest, model_cache: ModelCache, store: ResultStore, monitor: YieldingMonitor[EvaluationPart]
) -> "EvaluationReport":
    """Measure every photograph, with its result where there is one of the chosen model, else after segmenting it.

    Results count that are in the program, and those that were exported earlier, where the side-car vouches for them.

    Delivers a ``Segmented`` for each new result and a ``PhotoDone`` for each photograph. What was segmented before a
    cancel is kept, so that the next time continues there.

    Raises
    ------
    SerrError : no photograph could be evaluated; the error is that of the first.
    """
    from core.evaluation.dataset_evaluation import Extras
    from core.model_evaluation import evaluate_model

    monitor.step(Progress("Looking for labels"))
    photos = _open_photos(request)
    model = model_cache.get(request.run.model, monitor)
    return evaluate_model(
        model,
        photos,
        _seen_before(model, [case.photo for case in photos.cases]),
        options=request.run.inference(),
        rule=request.rule,
        region=request.region,
        labels=_NAMES[0],
        extras=Extras(picture_px=_PICTURE_PX, vessels=_measures(request)),
        predict=lambda kept: _Finder(request, kept, store, monitor).predict,
        reader=_ChosenFiles(photos.cases),
        done=lambda path, outcome: monitor.yield_result(PhotoDone(path, outcome)),
        monitor=monitor,
    ).report


def _measures(request: EvaluationRequest) -> "ReportMeasures | None":
    """Measures the vessels with what was said about each photograph: disc, size of a pixel and marks."""
    if not request.measures:
        return None
    from core.measuring import MeasureOptions
    from core.report_measures import ReportMeasures

    said = {item.path: item.measuring for item in request.items}
    options = {
        path: MeasureOptions(setup.disc, setup.pixel_used, marks=setup.marks, despite_doubts=setup.despite_doubts)
        for path, setup in said.items()
    }
    return ReportMeasures(options, {path: setup.disc_doubt for path, setup in said.items()})


def _open_photos(request: EvaluationRequest) -> _OpenPhotos:
    from core.datasets.recognise import CaseFinder
    from core.photo.sibling_files import output_stems

    stems, finder = output_stems([item.path for item in request.items]), CaseFinder()
    cases = [_case(item, stems[item.path], request.folders, finder) for item in request.items]
    if request.skip_questionable:
        cases = [replace(case, left_out=item.questionable) for case, item in zip(cases, request.items, strict=True)]
    places = sorted({str(case.photo.parent) for case in cases})
    drawn = sorted(
        {display_path(path.parent.name) for case in cases for name, path in case.labels.items() if name == _NAMES[0]}
    )
    given = sum(case.fov is not None for case in cases)
    protocol = (
        f"{len(cases)} open photographs; ground truth expert 1 (from {', '.join(drawn) or 'nowhere'}); "
        f"field of view from a file for {given} of {len(cases)}, else as chosen or estimated"
    )
    name = Path(places[0]).parent.name or Path(places[0]).name
    return _OpenPhotos(name if len(places) == 1 else "several folders", "open photographs", protocol, cases)


def _case(item: PhotoItem, stem: str, folders: Sequence[Path | None], finder: "CaseFinder") -> _Case:
    files, choice = item.labels, item.fov
    if files is None:
        files, known = comparing.files_of(item.path, folders, finder)
        if known is not None and choice == FovChoice():
            choice = known
    chosen = {_NAMES[expert]: file for expert in EXPERTS if (file := files[expert]) is not None}
    return _Case(stem, item.path, {name: file.path for name, file in chosen.items()}, choice.file, choice, chosen)


class _ChosenFiles:
    """Reads fields of view and labels as they were chosen in the window."""

    def __init__(self, cases: Sequence[_Case]) -> None:
        self._cases = {case.photo: case for case in cases}

    def fov(self, case: "CaseFiles", image: FundusImage) -> FieldOfView:
        return make_fov(image, self._cases[case.photo].choice)

    def label(self, case: "CaseFiles", expert: str, fov: FieldOfView) -> ExpertLabel:
        chosen = self._cases[case.photo]
        slot = comparing.read_slot(chosen.files[expert], fov.shape, fov)
        if slot is None or slot.label is None:
            doubts = " ".join(doubt.sentence for doubt in slot.doubts) if slot else ""
            raise LabelError((slot.problem if slot else "") or f"{doubts} Open the photograph to answer for it.")
        left_out = _left_out(chosen, fov)
        return slot.label if left_out is None else without(slot.label, left_out)

    def notes(self, case: "CaseFiles", fov: FieldOfView) -> tuple[str, ...]:
        left_out = _left_out(self._cases[case.photo], fov)
        return () if left_out is None else (left_out_note(left_out, fov),)


def _left_out(case: _Case, fov: FieldOfView) -> BoolArray | None:
    try:
        return unpacked_bits(case.left_out, fov.shape) if case.left_out else None
    except Malformed:  # the file has another size now
        return None


class _Finder:
    """Takes a photograph's result, or makes and delivers one."""

    def __init__(
        self,
        request: EvaluationRequest,
        kept: "ReusedResults",
        store: ResultStore,
        monitor: YieldingMonitor[EvaluationPart],
    ) -> None:
        self._request, self._kept, self._store, self._monitor = request, kept, store, monitor

    def predict(self, image: FundusImage, fov: FieldOfView, part: Monitor) -> ProbabilityMap:
        """The probabilities of a photograph, as ``evaluate_dataset`` asks for them."""
        from core.segment import segment_photo

        path = image.source
        assert path is not None  # it was read from a file
        kept = self._store.get(path, image, keep=False)
        if kept is not None and self._fits(kept, fov):
            return kept.segmentation.probability
        exported = self._exported(image, path, fov, part)
        if exported is not None:
            return exported
        made = segment_photo(image, self._kept.model, fov=fov, options=self._kept.options, monitor=part)
        self._kept.ran_on.add(f"{made.device}, {made.precision}")
        if kept is None:  # a result of another model or field of view stays until a person segments again
            found = carry(path, Result.of(made, self._request.run.model), self._store)
            self._monitor.yield_result(Segmented(path, found))
        return made.probability

    def _exported(self, image: FundusImage, path: Path, fov: FieldOfView, part: Monitor) -> ProbabilityMap | None:
        folder = self._request.exported or path.parent / RESULTS_FOLDER
        try:
            return replace(self._kept, folder=folder).find(image, fov, part)
        except InputError:  # a damaged side-car: the photograph is segmented
            return None

    def _fits(self, kept: Result, fov: FieldOfView) -> bool:
        made, model = kept.segmentation, self._kept.model
        same = made.model_sha256 == model.sha256 and made.card.preprocessing == model.card.preprocessing
        same = same and made.card.scaling == model.card.scaling
        same = same and made.options.tta == self._request.run.run.tta
        return same and np.array_equal(kept.segmentation.fov.inside, fov.inside)


def _seen_before(model: "LoadedModel", photos: Sequence[Path]) -> "Leakage | None":
    """Which of the photographs the model has learned from, as far as its card and these folders tell."""
    from core.datasets.leakage import Leakage, seen_by

    roots = dict.fromkeys(root for photo in photos for root in photo.parents[1:4])
    found = [seen_by(model.card, "./", root, photos) for root in roots]
    if not found:
        return None
    unknown = [what for what in found[0].unknown if all(what in one.unknown for one in found)]
    return Leakage(frozenset().union(*(one.seen for one in found)), tuple(unknown))


def write_evaluation(report: "EvaluationReport", path: Path, monitor: Monitor) -> Path:
    """Write a report as .html, .pdf, .csv or .json, by the suffix.

    Raises
    ------
    OutputError : another suffix, or the file cannot be written.
    """
    from core.evaluation.documents import write_report
    from core.evaluation.tables import to_csv

    monitor.step(Progress("Writing"))
    suffix = path.suffix.lower()
    if suffix == ".csv":
        write_bytes_atomic(path, to_csv(report).encode(), follow_link=True)
    elif suffix == ".json":
        write_bytes_atomic(path, json.dumps(report.to_dict(), indent=2, ensure_ascii=False).encode(), follow_link=True)
    else:
        write_report(path, report)
    return path
