"""Two models on the same labelled photographs: is the new one better, and by how much?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.datasets.layouts import DataSet
from core.datasets.leakage import Leakage, seen_by
from core.evaluation.compare import PairedComparison, compare_reports
from core.evaluation.report import EvaluationReport
from core.inference.options import InferenceOptions
from core.model_evaluation import evaluate_model
from core.models.catalogue import load_model
from core.progress import SILENT, Monitor, part_of

SHORT_NAMES: Final = {
    "accuracy": "accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "precision",
    "f1": "F1",
    "iou": "IoU",
    "mcc": "MCC",
    "kappa": "kappa",
    "cl_dice": "clDice",
    "auc_roc": "AUC",
    "auc_pr": "AUC-PR",
}


@dataclass(frozen=True, slots=True, eq=False)
class ModelComparison:
    """Both evaluations and their paired comparison; each model at its own threshold.

    ``warnings`` are sentences on why the scores may be too good for a model.
    """

    old: EvaluationReport
    new: EvaluationReport
    comparison: PairedComparison
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "comparison": self.comparison.to_dict(),
            "old": self.old.to_dict(),
            "new": self.new.to_dict(),
            "warnings": list(self.warnings),
        }

    def to_text(self) -> str:
        """A table to read, in plain ASCII apart from names."""
        pair = self.comparison
        lines = [
            f"old  {self.old.method.text}, threshold {_threshold(self.old)}",
            f"new  {self.new.method.text}, threshold {_threshold(self.new)}",
            f"on   {self.new.protocol}: {self.new.n_images} photographs, "
            f"{'inside the field of view' if pair.region == 'fov' else 'whole image'}",
            "",
            f"{'mean over photographs':<22}{'old':>9}{'new':>9}{'median diff':>13}{'better':>8}{'worse':>7}"
            f"{'p':>9}{'p (Holm)':>10}",
        ]
        for test in pair.tests:
            lines.append(
                f"{SHORT_NAMES.get(test.score, test.score):<22}{_number(test.old_mean):>9}{_number(test.new_mean):>9}"
                f"{_number(test.median_difference, '+.4f'):>13}{test.better:>8}{test.worse:>7}"
                f"{_number(test.p, '.3g'):>9}{_number(test.p_holm, '.3g'):>10}"
            )
        lines += ["", "p: Wilcoxon's signed-rank test over photographs, two-sided; Holm: for all scores together."]
        return "\n".join([*lines, *(f"Note: {warning}" for warning in self.warnings)])


def compare_models(
    old: str | Path,
    new: str | Path,
    dataset: DataSet,
    *,
    name: str,
    root: Path,
    options: InferenceOptions,
    labels: str | None = None,
    monitor: Monitor = SILENT,
) -> ModelComparison:
    """Evaluate two models on the same photographs, each at its own threshold, and compare them one by one.

    Parameters
    ----------
    old, new : names or files of the models.
    name, root : what the data set is called and where its folder is, to find out what the models have seen of it.

    Raises
    ------
    SerrError : a model or the data cannot be used. Cancelled : by the monitor.
    """
    models = load_model(old), load_model(new)
    photos = [case.photo for case in dataset.cases]
    leakages = [seen_by(model.card, name, root, photos) for model in models]
    reports = []
    for number, (model, leakage) in enumerate(zip(models, leakages, strict=True)):
        half = part_of(monitor, number, len(models), model.card.name)
        made = evaluate_model(model, dataset, leakage, options=options, labels=labels, monitor=half)
        reports.append(made.report)
    named = _told_apart(reports[0], reports[1])
    comparison = compare_reports(*named)
    return ModelComparison(*named, comparison, tuple(_warnings(named, leakages, comparison, len(photos))))


def _told_apart(old: EvaluationReport, new: EvaluationReport) -> tuple[EvaluationReport, EvaluationReport]:
    if old.method.name != new.method.name:
        return old, new
    first = replace(old, method=replace(old.method, name=f"{old.method.name} (old)"))
    return first, replace(new, method=replace(new.method, name=f"{new.method.name} (new)"))


def _warnings(
    reports: Sequence[EvaluationReport], leakages: Sequence[Leakage], comparison: PairedComparison, photos: int
) -> list[str]:
    found = []
    for report, leakage in zip(reports, leakages, strict=True):
        if leakage.seen:
            found.append(
                f"{report.method.name} has seen {len(leakage.seen)} of these {photos} photographs before (it learned "
                "from them, or its weights or threshold were chosen on them): its scores are too good."
            )
        elif leakage.unknown:
            found.append(
                f"Whether {report.method.name} has seen these photographs before is not known: its card names "
                f"{', '.join(leakage.unknown)}, which cannot be looked into here."
            )
    failed = {path for report in reports for path, _ in report.failed}
    if failed:
        found.append(f"{len(failed)} of {photos} photographs could not be evaluated and are left out.")
    most = max((test.n for test in comparison.tests), default=0)
    if most <= 5:
        few = f"{most} photograph{'' if most == 1 else 's'}"
        found.append(f"With {few} no difference can be significant (p is at least {2.0 ** (1 - most):.3g}).")
    return found


def _threshold(report: EvaluationReport) -> str:
    return f"{report.rule.level}/256" if report.rule is not None else "-"


def _number(value: float, how: str = ".4f") -> str:
    return "-" if math.isnan(value) else format(value, how)
