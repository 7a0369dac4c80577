"""Evaluate a method on all photographs of a data set.

The method is a function from a photograph and its field of view to a probability map, so that a network, maps that
somebody else made, or a test's own map are scored in exactly the same way.
"""

import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from core import __version__
from core.errors import LabelError
from core.evaluation.counts import Counts, LevelHistogram, Region, Scores, count, region_of
from core.evaluation.curves import PooledValues
from core.evaluation.report import EvaluationReport, ImageScores, Method, Summary
from core.photo.field_of_view import estimate_field_of_view
from core.photo.reading import read_fov, read_fundus, read_label
from core.progress import SILENT, Monitor, Progress
from core.types import BoolArray, FieldOfView, FundusImage, ProbabilityMap, ThresholdRule

Predict = Callable[[FundusImage, FieldOfView, Monitor], ProbabilityMap]
"""Finds the vessels of one photograph inside its field of view; reports its own progress, if any, to the monitor."""


class CaseFiles(Protocol):
    """The files of one photograph, as ``core.datasets.layouts.Case`` has them: the first label is the ground truth."""

    @property
    def stem(self) -> str: ...
    @property
    def photo(self) -> Path: ...
    @property
    def labels(self) -> Mapping[str, Path]: ...
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


def evaluate_dataset(
    dataset: DataSetFiles,
    predict: Predict,
    *,
    method: Method,
    rule: ThresholdRule,
    region: Region = "fov",
    labels: str | None = None,
    monitor: Monitor = SILENT,
) -> EvaluationReport:
    """Score a method on every photograph of a data set, one at a time.

    Parameters
    ----------
    predict, method : the function that finds the vessels, and what to call it in the report.
    rule : one threshold for all photographs.
    region : count inside the field of view (the file's where there is one, else estimated) or in the whole image.
    labels : name of the expert to take for the truth; None for the data set's own choice. All other experts that have
        drawn every photograph become lines of the report.

    Raises
    ------
    InputError, LabelError, FieldOfViewError : a file is missing, unreadable or does not fit. Nothing is left out
        silently: figures over a part of a test set would not be comparable.
    """
    truth = _truth(dataset, labels)
    drawn_by_all = set.intersection(*(set(case.labels) for case in dataset.cases))
    others = [name for name in dataset.cases[0].labels if name in drawn_by_all - {truth}]
    pool = PooledValues()
    images: list[ImageScores] = []
    experts: dict[str, list[tuple[Counts, Scores]]] = {name: [] for name in others}
    for number, case in enumerate(dataset.cases):
        part = _Part(monitor, case.stem, number, len(dataset.cases))
        part.step(Progress("Reading"))
        image = read_fundus(case.photo)
        label = read_label(case.labels[truth], shape=image.shape).vessel
        fov = estimate_field_of_view(image) if case.fov is None else read_fov(case.fov, shape=image.shape)
        inside = region_of(fov, region)
        probability = predict(image, fov, part)
        areas = pool.add(probability.values, label, inside)
        counts = LevelHistogram.from_map(probability.levels, label, inside).counts(rule)
        scores = counts.scores(auc_roc=areas.auc_roc, auc_pr=areas.auc_pr)
        images.append(ImageScores(case.stem, case.photo, counts, scores, fov.origin))
        for name in others:
            experts[name].append(_expert(read_label(case.labels[name], shape=image.shape).vessel, label, inside))
    monitor.step(Progress("Pooling all pixels"))
    pooled = pool.areas()
    usual = truth == next(iter(dataset.cases[0].labels))
    return EvaluationReport(
        dataset=dataset.name,
        split=dataset.split,
        protocol=dataset.protocol if usual else f"{dataset.protocol}; HERE INSTEAD: ground truth {truth}",
        labels=truth,
        region=region,
        rule=rule,
        method=method,
        total=Summary.of(
            [(image.counts, image.scores) for image in images], auc_roc=pooled.auc_roc, auc_pr=pooled.auc_pr
        ),
        images=tuple(images),
        experts=tuple((name, Summary.of(each)) for name, each in experts.items()),
        exact_auc=pool.exact,
        versions=_versions(),
    )


class _Part:
    """Shows the progress of one photograph as a part of the whole."""

    def __init__(self, monitor: Monitor, stem: str, number: int, count: int) -> None:
        self._monitor, self._stem, self._number, self._count = monitor, stem, number, count

    def step(self, progress: Progress) -> None:
        stage = f"{self._stem} ({self._number + 1} of {self._count}): {progress.stage}"
        self._monitor.step(Progress(stage, self._number, self._count))

    def note(self, message: str) -> None:
        self._monitor.note(f"{self._stem}: {message}")


def _truth(dataset: DataSetFiles, labels: str | None) -> str:
    if not dataset.cases:
        raise LabelError(f"the {dataset.name} {dataset.split} split has no photographs: there is nothing to evaluate")
    for case in dataset.cases:
        if not case.labels:
            raise LabelError(f"there is no expert label for {case.photo}: nothing can be evaluated on it")
        if labels is not None and labels not in case.labels:
            known = ", ".join(f"'{name}'" for name in case.labels)
            raise LabelError(f"there is no label '{labels}' for {case.photo}; this photograph has {known}")
    return labels if labels is not None else next(iter(dataset.cases[0].labels))


def _expert(drawn: BoolArray, truth: BoolArray, inside: BoolArray) -> tuple[Counts, Scores]:
    counts = count(drawn, truth, inside)
    return counts, counts.scores()


def _versions() -> dict[str, str]:
    versions = {"serr-fundus": __version__, "python": platform.python_version(), "numpy": np.__version__}
    torch = sys.modules.get("torch")  # only where it took part, and never imported for its number
    return versions if torch is None else versions | {"torch": str(torch.__version__)}
