"""What both documents of an evaluation say and show: the HTML page and the PDF."""

from typing import Any

from core.evaluation.plots import Curve, Mark, box_plot, curve_plot
from core.evaluation.report import EvaluationReport, ImageScores

TITLE = "Vessels against expert labels"
WARNING = "For research and teaching. Not a medical device: no clinical decision may rest on these scores."
PICTURES = (
    "Right: white, vessels that were found; magenta, missed (false negative); cyan, too much (false positive); dark "
    "grey, not counted."
)


def created_text(report: EvaluationReport) -> str:
    """When the scores were made, to read."""
    return report.created.replace("T", " ").removesuffix("+00:00") + " UTC"


def drawings(report: EvaluationReport) -> list[Any]:
    """The curves (where there are probabilities) and the boxes over photographs."""
    found = []
    curve = report.result.curve
    if curve is not None and report.pooled.auc_roc == report.pooled.auc_roc:  # undefined without both classes
        marks = [Mark("at the threshold", report.pooled)]
        marks += [Mark(name, summary.pooled) for name, summary in report.experts]
        curves = [Curve("pooled", curve)]
        found += [curve_plot("roc", curves, marks), curve_plot("pr", curves, marks)]
    if report.n_images > 1:
        found.append(box_plot([image.scores for image in report.images]))
    return found


def worst_first(report: EvaluationReport) -> list[ImageScores]:
    """The photographs by F1, the worst first; those without one come before all."""
    return sorted(report.images, key=lambda image: image.scores.f1 if image.scores.f1 == image.scores.f1 else -1.0)
