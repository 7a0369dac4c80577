"""Evaluate a method on all photographs of a data set.

The method is a function from a photograph and its field of view to a probability map or a mask, so that a network,
results that somebody else made, or a test's own map are scored in exactly the same way.
"""

import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from core import __version__
from core.errors import LabelError, SerrError
from core.evaluation import suggest
from core.evaluation.bootstrap import bootstrap
from core.evaluation.cldice import Skeletons
from core.evaluation.confusion import Region, region_of
from core.evaluation.connectedness import unit_of
from core.evaluation.curves import EXACT_PIXELS, PooledValues
from core.evaluation.error_map import error_map
from core.evaluation.measure import (
    Measured,
    Prediction,
    ScoreSet,
    found_vessels,
    measure,
    measure_mask,
    pool,
)
from core.evaluation.pictures import thumbnails
from core.evaluation.report import Best, EvaluationReport, ImageScores, Method, RegionResult
from core.evaluation.result_checks import oddities
from core.evaluation.summary import Summary
from core.evaluation.vessel_measures import MeasureVessels
from core.files import display_path
from core.photo.field_of_view import estimate_field_of_view
from core.photo.fov_mask import read_fov_of
from core.photo.label_checks import refuse_inverted
from core.photo.label_matching import find_wrong_pair
from core.photo.label_values import LabelValues
from core.photo.reading import read_fundus, read_label
from core.progress import SILENT, Monitor, Progress, part_of
from core.threshold_rule import ThresholdRule
from core.types import BoolArray, ExpertLabel, FieldOfView, FundusImage, VesselMask

Predict = Callable[[FundusImage, FieldOfView, Monitor], Prediction]
"""Finds the vessels of one photograph inside its field of view; reports its own progress, if any, to the monitor. What
it says by ``monitor.note`` becomes a note of the photograph."""


class CaseFiles(Protocol):
    """The files of one photograph, as ``core.datasets.layouts.Case`` has them: the first label is the ground truth."""

    @property
    def stem(self) -> str: ...
    @property
    def photo(self) -> Path: ...
    @property
    def labels(self) -> Mapping[str, Path]: ...
    @property
    def values(self) -> Mapping[str, LabelValues]: ...
    @property
    def fov(self) -> Path | None: ...


class DataSetFiles(Protocol):
    """A split of a data set, as ``core.datasets.layouts.DataSet`` has it."""

    @property
    def name(self) -> str: ...
    @property
    def split(self) -> str: ...
    @property
    def protocol(self) -> str: ...
    @property
    def cases(self) -> Sequence[CaseFiles]: ...


class Reader(Protocol):
    """Reads what belongs to a photograph. Who lets a person choose fields of view and labels brings an own one."""

    def fov(self, case: CaseFiles, image: FundusImage) -> FieldOfView:
        """The field of view. Raises ``FieldOfViewError``."""
        ...

    def label(self, case: CaseFiles, expert: str, fov: FieldOfView) -> ExpertLabel:
        """The vessels that an expert drew, (H, W). Raises ``LabelError``."""
        ...

    def notes(self, case: CaseFiles, fov: FieldOfView) -> tuple[str, ...]:
        """What the report shall say of how a photograph was read."""
        ...


class FileReader:
    """Takes the case's files as they are: the mask or an estimate, and labels that raise no doubt."""

    def fov(self, case: CaseFiles, image: FundusImage) -> FieldOfView:
        return estimate_field_of_view(image) if case.fov is None else read_fov_of(case.fov, image)

    def label(self, case: CaseFiles, expert: str, fov: FieldOfView) -> ExpertLabel:
        label = read_label(case.labels[expert], shape=fov.shape, values=case.values.get(expert))
        refuse_inverted(label, fov.inside)
        return label

    def notes(self, case: CaseFiles, fov: FieldOfView) -> tuple[str, ...]:
        return ()


Done = Callable[[Path, "ImageScores | str"], None]
"""Called with each photograph when it is done: its scores, or the sentence on why there are none."""


@dataclass(frozen=True, slots=True)
class Extras:
    """What an evaluation does beyond the scores: intervals from ``resamples`` drawings by ``seed``, and small pictures
    of ``picture_px`` for a report (0: none); ``vessels`` measures the vessels that were found."""

    resamples: int = 0
    seed: int = 0
    picture_px: int = 0
    vessels: MeasureVessels | None = None


NO_EXTRAS = Extras()
_FILES = FileReader()


def evaluate_dataset(
    dataset: DataSetFiles,
    predict: Predict,
    *,
    method: Method,
    rule: ThresholdRule | None,
    region: Region = "fov",
    labels: str | None = None,
    extras: Extras = NO_EXTRAS,
    reader: Reader = _FILES,
    done: Done = lambda _photo, _outcome: None,
    monitor: Monitor = SILENT,
) -> EvaluationReport:
    """Score a method on every photograph of a data set, one at a time.

    A photograph that cannot be evaluated (a file is missing, damaged or does not fit) does not end the work: the report
    lists it and says that it is incomplete.

    Parameters
    ----------
    predict, method : the function that finds the vessels, and what to call it in the report.
    rule : one threshold for all photographs; None for a method that gives masks.
    region : where the scores of the report are counted: inside the field of view (the file's where there is one, else
        estimated) or in the whole image. The other one is given, too.
    labels : name of the expert to take for the truth; None for the data set's own choice. All other experts that have
        drawn every photograph become lines of the report.
    reader : how fields of view and labels are read.
    done : called with each photograph when it is done.

    Raises
    ------
    LabelError : there are no photographs, no labels, or none of that expert.
    SerrError : no photograph could be evaluated; the error is that of the first.
    Cancelled : by the monitor.
    """
    truth = _truth(dataset, labels)
    with_truth = [case for case in dataset.cases if truth in case.labels]
    drawn_by_all = set.intersection(*(set(case.labels) for case in with_truth))
    others = [name for name in with_truth[0].labels if name in drawn_by_all - {truth}]
    main, beside = _Gathered(region, EXACT_PIXELS), _Gathered(_other(region), EXACT_PIXELS // 4)
    task = _Task(predict, reader, rule, truth, tuple(others), (main, beside), extras)
    images: list[ImageScores] = []
    failed: list[tuple[Path, str]] = []
    first_error: SerrError | MemoryError | None = None
    for number, case in enumerate(dataset.cases):
        part = _Remarks(part_of(monitor, number, len(dataset.cases), case.stem))
        part.step(Progress("Reading"))
        try:
            image = task.evaluate(case, part)
        except (SerrError, MemoryError) as error:
            first_error = first_error or error
            sentence = (
                str(error) or f"There is not enough memory for {display_path(case.photo.name)}. Close other programs."
            )
            failed.append((case.photo, sentence))
            done(case.photo, sentence)
            part.note(sentence)
        else:
            images.append(image)
            done(case.photo, image)
    if not images:
        assert first_error is not None
        raise first_error
    monitor.step(Progress("Pooling all pixels"))
    usual = truth == next(iter(with_truth[0].labels))
    return EvaluationReport(
        dataset=dataset.name,
        split=dataset.split,
        protocol=dataset.protocol if usual else f"{dataset.protocol}; HERE INSTEAD: ground truth {truth}",
        labels=truth,
        rule=rule,
        method=method,
        result=main.result(extras, monitor),
        beside=beside.result(NO_EXTRAS, monitor),
        images=tuple(images),
        failed=tuple(failed),
        versions=_versions(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


class _Gathered:
    """What was measured in one region so far."""

    def __init__(self, region: Region, exact_pixels: int) -> None:
        self.region = region
        self.pool = PooledValues(exact_pixels)
        self._each: list[Measured] = []
        self._experts: dict[str, list[Measured]] = {}
        self._against: dict[str, list[Measured]] = {}

    def add(self, measured: Measured, experts: Mapping[str, Measured], against: Mapping[str, Measured]) -> None:
        if measured.values is not None:
            self.pool.keep(measured.values)
        self._each.append(replace(measured, values=None))
        for kept, new in ((self._experts, experts), (self._against, against)):
            for name, one in new.items():
                kept.setdefault(name, []).append(replace(one, values=None))

    def result(self, extras: Extras, monitor: Monitor) -> RegionResult:
        exact = self.pool.exact
        areas = self.pool.areas()
        together = pool(self._each, areas)
        wanted = extras.resamples if len(self._each) > 1 else 0
        intervals = bootstrap(self._each, wanted, extras.seed, monitor) if wanted else None
        rule = suggest.best_f1(together.levels) if together.levels is not None else None
        best = None
        if rule is not None and together.levels is not None:
            counts, map_scores = together.levels.counts(rule), together.scores
            scores = counts.scores(auc_roc=areas.auc_roc, auc_pr=areas.auc_pr, ece=map_scores.ece)
            best = Best(rule, ScoreSet(counts, scores))
        experts, against = (
            {
                name: Summary.of(each, bootstrap=bootstrap(each, wanted, extras.seed, monitor) if wanted else None)
                for name, each in kept.items()
            }
            for kept in (self._experts, self._against)
        )
        return RegionResult(
            region=self.region,
            total=Summary.of(self._each, exact=areas, bootstrap=intervals),
            experts=tuple(experts.items()),
            against=tuple(against.items()),
            exact_auc=exact,
            curve=None if together.fine is None else together.fine.points(),
            best=best,
        )


@dataclass(frozen=True, slots=True)
class _Task:
    """What is done to each photograph."""

    predict: Predict
    reader: Reader
    rule: ThresholdRule | None
    truth: str
    others: tuple[str, ...]
    gathered: tuple[_Gathered, _Gathered]
    extras: Extras

    def evaluate(self, case: CaseFiles, part: "_Remarks") -> ImageScores:
        """One photograph; nothing of it is gathered before all has succeeded."""
        if self.truth not in case.labels:
            name = f" '{self.truth}'" if case.labels else ""
            raise LabelError(
                f"There is no expert label{name} for {display_path(case.photo.name)}: add it, or leave the photograph "
                "out."
            )
        image = read_fundus(case.photo)
        for note in image.notes:
            part.note(note)
        fov = self.reader.fov(case, image)
        labels = [self.reader.label(case, name, fov) for name in (self.truth, *self.others)]
        wrong = [find_wrong_pair(image, fov, one) for one in labels]
        for doubt in (*(doubt.text for doubt in fov.doubts), *(one.sentence for one in wrong if one is not None)):
            part.doubt(doubt)
        for note in self.reader.notes(case, fov):
            part.note(note)
        label, *drawn = (one.vessel for one in labels)
        found = self.predict(image, fov, part)
        part.step(Progress("Counting"))
        vessel, skeletons, unit = found_vessels(found, self.rule), Skeletons(), unit_of(fov.diameter_px)
        for odd in oddities(found, vessel, label, fov.inside, belongs=wrong[0] is None):
            part.doubt(odd)
        others = dict(zip(self.others, drawn, strict=True))
        insides = [region_of(fov, one.region) for one in self.gathered]
        for one in labels:  # every score of a photograph is counted on the same pixels
            insides = [one.scored(inside) for inside in insides]

        def of_method(truth: BoolArray, inside: BoolArray) -> Measured:
            return measure(found, truth, inside, rule=self.rule, vessel=vessel, skeletons=skeletons, unit_px=unit)

        own = [of_method(label, inside) for inside in insides]
        against = [{name: of_method(other, inside) for name, other in others.items()} for inside in insides]
        experts = [
            {
                name: measure_mask(other, label, inside, skeletons=skeletons, unit_px=unit)
                for name, other in others.items()
            }
            for inside in insides
        ]
        pictures = None
        if self.extras.picture_px:
            codes = error_map(vessel, label, insides[0])
            pictures = thumbnails(image, fov, codes, insides[0], self.extras.picture_px)
        measured = None
        if self.extras.vessels is not None:
            mask = VesselMask(vessel, self.rule) if self.rule is not None else None
            measured = self.extras.vessels(image, fov, found, mask, part)
        for number, gathered in enumerate(self.gathered):
            gathered.add(own[number], experts[number], against[number])
        return ImageScores(
            stem=case.stem,
            photo=case.photo,
            score_set=own[0].score_set,
            fov_origin=fov.origin,
            beside=own[1].score_set,
            experts=tuple((name, measured.score_set) for name, measured in experts[0].items()),
            against=tuple((name, measured.score_set) for name, measured in against[0].items()),
            notes=tuple(part.notes),
            doubts=tuple(part.doubts),
            pictures=pictures,
            vessels=measured,
        )


class _Remarks:
    """Hands progress on and keeps what is noted about one photograph."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self.notes: list[str] = []
        self.doubts: list[str] = []

    def step(self, progress: Progress) -> None:
        self._monitor.step(progress)

    def note(self, message: str) -> None:
        if message in self.notes:  # what the reader said, the network's chain says again
            return
        self.notes.append(message)
        self._monitor.note(message)

    def doubt(self, message: str) -> None:
        """A note on the label or the field of view: the scores may mean nothing."""
        self.doubts.append(message)
        self.note(message)


def _other(region: Region) -> Region:
    return "image" if region == "fov" else "fov"


def _truth(dataset: DataSetFiles, labels: str | None) -> str:
    """The name of the expert that is taken for the truth."""
    if not dataset.cases:
        raise LabelError(f"the {dataset.name} {dataset.split} split has no photographs: there is nothing to evaluate")
    known = list(dict.fromkeys(name for case in dataset.cases for name in case.labels))
    if not known:
        raise LabelError(
            f"There is no expert label for any of the {len(dataset.cases)} photographs of {dataset.name} "
            f"({dataset.split}): nothing can be evaluated on them. Add labels that are named like the photographs."
        )
    if labels is not None and labels not in known:
        names = ", ".join(f"'{name}'" for name in known)
        raise LabelError(f"there is no label '{labels}' in {dataset.name}; there are {names}")
    return labels if labels is not None else known[0]


def _versions() -> dict[str, str]:
    versions = {
        "serr-fundus": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
    }
    for name, module in (("scikit-image", "skimage"), ("torch", "torch")):
        loaded = sys.modules.get(module)  # only where it took part, and never imported for its number
        if loaded is not None:
            versions[name] = str(loaded.__version__)
    return versions
