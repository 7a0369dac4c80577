"""From a model and labelled photographs to an evaluation that says what the model has seen before."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from core.datasets.leakage import Leakage
from core.evaluation.confusion import Region
from core.evaluation.dataset_evaluation import (
    NO_EXTRAS,
    DataSetFiles,
    Done,
    Extras,
    FileReader,
    Predict,
    Reader,
    evaluate_dataset,
)
from core.evaluation.report import EvaluationReport, Method
from core.inference.options import InferenceOptions
from core.models.weights_file import LoadedModel
from core.photo.sibling_files import output_stems
from core.progress import SILENT, Monitor
from core.reuse import ReusedResults
from core.threshold_rule import ThresholdRule


@dataclass(frozen=True, slots=True, eq=False)
class ModelEvaluation:
    """The report, and which photographs' results were taken from the disk."""

    report: EvaluationReport
    reused: frozenset[Path] = frozenset()


def evaluate_model(
    model: LoadedModel,
    dataset: DataSetFiles,
    leakage: Leakage | None,
    *,
    options: InferenceOptions,
    rule: ThresholdRule | None = None,
    region: Region = "fov",
    labels: str | None = None,
    extras: Extras = NO_EXTRAS,
    results: Path | None = None,
    predict: Callable[[ReusedResults], Predict] = lambda kept: kept.predict,
    reader: Reader | None = None,
    done: Done = lambda _path, _outcome: None,
    monitor: Monitor = SILENT,
) -> ModelEvaluation:
    """Evaluate a model on photographs with expert labels.

    Parameters
    ----------
    leakage : what the model has seen of the photographs (``core.datasets.leakage.seen_by``); None: not known.
    rule : None: the model's own threshold.
    results : an existing folder whose results are used where they fit, and completed; None: everything is computed.
    predict : gives the function that finds the vessels; for a caller that has results of its own.
    region, labels, extras, reader, done : as for ``evaluate_dataset``.

    Raises
    ------
    SerrError : no photograph could be evaluated. Cancelled : by the monitor.
    """
    rule = rule or model.card.rule
    kept = ReusedResults(model, options, rule, results, output_stems([case.photo for case in dataset.cases], results))
    method = Method(
        model.card.name,
        model.sha256,
        options.tta,
        model.card.seeds,
        seen=None if leakage is None else len(leakage.seen),
        unknown=() if leakage is None else leakage.unknown,
    )
    report = evaluate_dataset(
        dataset,
        predict(kept),
        method=method,
        rule=rule,
        region=region,
        labels=labels,
        extras=extras,
        reader=reader or FileReader(),
        done=done,
        monitor=monitor,
    )
    method = replace(report.method, device="; ".join(sorted(kept.ran_on)))
    return ModelEvaluation(replace(report, method=method), frozenset(kept.reused))
