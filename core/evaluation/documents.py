"""An evaluation as a document with pictures: one HTML file that needs nothing else, or a PDF."""

import base64
from pathlib import Path

from core import __version__
from core.errors import OutputError
from core.evaluation.confusion import SCORE_NAMES
from core.evaluation.plots import to_svg
from core.evaluation.report import EvaluationReport
from core.evaluation.report_parts import PICTURES, TITLE, WARNING, created_text, drawings, worst_first
from core.evaluation.report_pdf import to_pdf
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
from core.evaluation.vessel_measures import ABOUT, HEADS, all_doubts, table_lines
from core.files import display_path, printable, write_bytes_atomic
from core.resources import resource_path


def write_report(path: Path, report: EvaluationReport) -> None:
    """Write a report as HTML or PDF, by the suffix of ``path``, all or nothing.

    Raises
    ------
    OutputError : another suffix, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix in {".html", ".htm"}:
        write_bytes_atomic(path, printable(to_html(report), keep="\n\t").encode(), follow_link=True)
    elif suffix == ".pdf":
        write_bytes_atomic(path, to_pdf(report), follow_link=True)
    else:
        raise OutputError(
            f"A report is written as .html or .pdf: give {display_path(path.name)} one of these suffixes."
        )


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
        vessel_heads=HEADS,
        vessel_about=ABOUT,
        vessel_lines=table_lines,
        vessel_doubts=all_doubts,
        cell=cell,
        display_path=display_path,
        data_uri=_data_uri,
    )


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
