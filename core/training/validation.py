"""Scores of a network on the photographs by which weights and threshold are chosen: usually those that are held out.

The photographs go through the very inference that the finished weights will go through, and are counted on their own
pixels, not on the network's grid: what is chosen here is what a user gets.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from core.evaluation.confusion import LevelHistogram
from core.evaluation.curves import PooledValues
from core.inference.options import InferenceOptions
from core.inference.predictor import predict
from core.models.weights_file import LoadedModel
from core.photo.preprocessing import restore
from core.progress import Monitor, part_of
from core.threshold_rule import LEVELS
from core.training.data import HeldOut, SourceData, TrainingData
from core.training.losses import Loss
from core.types import FloatArray, ProbabilityMap

_EXACT_PIXELS = (
    2**24
)  # beyond, bins stand for the values (curves.PooledValues): sorting would take longer than inference
_LOGIT_EPS = 1e-6

Show = Callable[[HeldOut, FloatArray], None]
"""Is given each photograph with its probability map on the photograph's own pixels, float32 (H, W)."""


@dataclass(frozen=True, slots=True)
class SourceScores:
    """ScoreSet of one data set, its pixels pooled.

    ``f1`` is counted at the level that was chosen for all data sets, ``best_f1`` at the best one for this data set.
    ``held_out`` is False where the network has learned from the very photographs.
    """

    loss: float
    auc_roc: float
    auc_pr: float
    f1: float
    best_f1: float
    best_level: int
    photographs: int
    held_out: bool = True


@dataclass(frozen=True, slots=True)
class Validation:
    """ScoreSet inside the field of view; with several data sets their mean, so that each counts alike.

    ``f1`` is the best over thresholds, and ``level`` its k of k/256. ``sources`` holds the scores of each data set.
    """

    loss: float
    auc_roc: float
    auc_pr: float
    f1: float
    level: int
    sources: dict[str, SourceScores] = field(default_factory=dict)

    @property
    def held_out(self) -> bool:
        """Whether the network has learned from none of the photographs."""
        return all(scores.held_out for scores in self.sources.values())

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Validation":
        """From what ``asdict`` gave. Raises TypeError, ValueError or AttributeError where it does not fit."""
        sources = {name: SourceScores(**scores) for name, scores in values.get("sources", {}).items()}
        found = cls(**{**values, "sources": sources})
        if type(found.level) is not int or not 1 <= found.level < LEVELS:
            raise ValueError(f"its level is {found.level!r:.40}")
        for scores in (found, *sources.values()):
            if not all(type(getattr(scores, name)) in {int, float} for name in ("loss", "auc_roc", "auc_pr", "f1")):
                raise TypeError("its scores are not numbers")
        return found


def _unseen(held: HeldOut, values: FloatArray) -> None:
    """Nobody watches."""


def validate(
    model: LoadedModel,
    data: TrainingData,
    loss: Loss,
    options: InferenceOptions,
    monitor: Monitor,
    *,
    show: Show = _unseen,
) -> Validation:
    """Run a network over the photographs to choose on and pool the results of each data set.

    The network runs on a copy in evaluation mode; the module itself stays as it is.
    """
    total = sum(len(source.validation) for source in data.sources)
    parts = (part_of(monitor, number, total, stage="Validating") for number in range(total))
    scores, f1_curves = {}, []
    for source in data.sources:
        scores[source.name], f1 = _validate_source(model, source, loss, options, parts=parts, show=show)
        f1_curves.append(f1)
    mean_f1 = np.mean(f1_curves, axis=0)
    level = 1 + int(np.nanargmax(mean_f1))
    for (name, one), f1 in zip(scores.items(), f1_curves, strict=True):
        scores[name] = SourceScores(**asdict(one) | {"f1": float(f1[level - 1])})
    means = {
        name: float(np.mean([getattr(one, name) for one in scores.values()])) for name in ("loss", "auc_roc", "auc_pr")
    }
    return Validation(**means, f1=float(mean_f1[level - 1]), level=level, sources=scores)


def _validate_source(
    model: LoadedModel,
    source: SourceData,
    loss: Loss,
    options: InferenceOptions,
    *,
    parts: Iterator[Monitor],
    show: Show,
) -> tuple[SourceScores, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """The scores of one data set (with its own best F1), and F1 at each of the levels 1 to 255."""
    pooled, losses = PooledValues(_EXACT_PIXELS), []
    histogram: LevelHistogram | None = None
    for held, part in zip(source.validation, parts, strict=False):  # ``parts`` is of all data sets
        values = predict(model, held.prepared, options, monitor=part).values
        losses.append(_loss(loss, values, held))
        whole = restore(values, held.prepared, held.fov)
        show(held, whole)
        pooled.add(whole, held.label, held.scored)
        one = LevelHistogram.from_map(ProbabilityMap(whole).levels, held.label, held.scored)
        histogram = one if histogram is None else histogram + one
    if histogram is None:
        raise ValueError("no photographs to validate on")
    f1 = np.array([histogram.counts_at(level).scores().f1 for level in range(1, LEVELS)])
    best = int(np.nanargmax(f1))
    areas = pooled.areas()
    scores = SourceScores(
        loss=float(np.mean(losses)),
        auc_roc=areas.auc_roc,
        auc_pr=areas.auc_pr,
        f1=float(f1[best]),
        best_f1=float(f1[best]),
        best_level=1 + best,
        photographs=len(source.validation),
        held_out=source.held_out,
    )
    return scores, f1


def _loss(loss: Loss, values: FloatArray, held: HeldOut) -> float:
    planes = (values, held.target, held.counted)
    probability, target, inside = (torch.from_numpy(plane.copy())[None, None] for plane in planes)
    return float(loss(torch.logit(probability, eps=_LOGIT_EPS), target, inside))
