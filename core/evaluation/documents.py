"""An evaluation as a document with pictures: one HTML file that needs nothing else, or a PDF."""

import base64
from pathlib import Path
from typing import Any

from core import __version__
from core.errors import OutputError
from core.evaluation.counts import SCORE_NAMES
from core.evaluation.plots import Curve, Mark, box_plot, curve_plot, to_svg
from core.evaluation.report import EvaluationReport, ImageScores
from core.evaluation.tables import (
    LEGEND,
    REGION_TEXT,
    SHORT,
    WHY_UNDEFINED,
    cell,
    facts,
    total_rows,
    undefined_reasons,
)
from core.files import shown, write_bytes_atomic
from core.resources import resource_path

TITLE = "Vessels against expert labels"
WARNING = "For research and teaching. Not a medical device: no clinical decision may rest on these figures."
PICTURES = (
    "Right: white, vessels that were found; magenta, missed (false negative); cyan, too much (false positive); dark "
    "grey, not counted."
)


def write_report(path: Path, report: EvaluationReport) -> None:
    """Write a report as HTML or PDF, by the suffix of ``path``, all or nothing.

    Raises
    ------
    OutputError : another suffix, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix in {".html", ".htm"}:
        write_bytes_atomic(path, to_html(report).encode())
    elif suffix == ".pdf":
        from core.evaluation.report_pdf import to_pdf

        write_bytes_atomic(path, to_pdf(report))
    else:
        raise OutputError(f"A report is written as .html or .pdf: give {shown(path.name)} one of these suffixes.")


def to_html(report: EvaluationReport) -> str:
    """The report as one HTML page: pictures are inside it, nothing is loaded from anywhere."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(resource_path("templates")), autoescape=True, undefined=StrictUndefined
    )
    template = environment.get_template("evaluation.html")
    return template.render(
        title=TITLE,
        warning=WARNING,
        version=__version__,
        report=report,
        facts=facts(report),
        names=SCORE_NAMES,
        short=SHORT,
        regions=[
            (REGION_TEXT[one.region], one is report.result, total_rows(one)) for one in (report.result, report.beside)
        ],
        region=REGION_TEXT[report.region],
        drawings=[to_svg(drawing).encode() for drawing in drawings(report)],
        created=created_text(report),
        images=worst_first(report),
        legend=LEGEND,
        undefined=undefined_reasons(report),
        why=WHY_UNDEFINED,
        pictures=PICTURES,
        cell=cell,
        shown=shown,
        data_uri=_data_uri,
    )


def created_text(report: EvaluationReport) -> str:
    """When the figures were made, for a person."""
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


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
