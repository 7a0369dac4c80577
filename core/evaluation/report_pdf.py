"""An evaluation as a PDF of A4 pages, with the standard fonts that every reader of PDF has."""

import io
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from core.evaluation.confusion import SCORE_NAMES, Scores
from core.evaluation.report import EvaluationReport, ImageScores
from core.evaluation.report_parts import PICTURES, TITLE, WARNING, created_text, drawings, worst_first
from core.evaluation.tables import LEGEND, REGION_TEXT, SHORT, cell, facts, total_rows, undefined_reasons
from core.evaluation.vessel_measures import ABOUT, HEADS, all_doubts, table_lines
from core.files import display_path, printable

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

_MARGIN = 40
_LEAST = 150
"""Room that a heading needs below it; else it begins a new page."""
_PICTURE = 74
_NAME_WIDTH, _SCORE_WIDTH = 172, 33
_VESSEL_WIDTHS = (140, 70, 60, 40, 110, 340)


def to_pdf(report: EvaluationReport) -> bytes:
    """The report as the bytes of a PDF file."""
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.platypus import SimpleDocTemplate

    buffer = io.BytesIO()
    name = f"{TITLE}: {report.method.name} on {report.dataset}, {report.split}"
    document = SimpleDocTemplate(
        buffer,
        pagesize=landscape(A4),
        **dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), _MARGIN),
        title=_printable(name),
        author="SERR Fundus",
    )
    document.build(_story(report), onFirstPage=_footer(name), onLaterPages=_footer(name))
    return buffer.getvalue()


def _story(report: EvaluationReport) -> "list[Flowable]":
    from reportlab.platypus import CondPageBreak, KeepTogether, Spacer

    story: list[Flowable] = [_text(TITLE, "Title"), _text(f"{created_text(report)}. {WARNING}")]
    story += [Spacer(1, 8), _facts(report), Spacer(1, 4)]
    for result in (report.result, report.beside):
        beside = "" if result is report.result else " (beside it, for comparison with scores that are counted so)"
        rows = [(name, scores) for name, _, scores in total_rows(result)]
        title = _text(f"All photographs, {REGION_TEXT[result.region]}{beside}", "Heading2")
        story += [CondPageBreak(_LEAST), title, _table(rows)]
    story += [Spacer(1, 6), *(_text(f"{line}.") for line in (LEGEND, *undefined_reasons(report)))]
    plots = drawings(report)
    if plots:
        title = _text(f"Curves and spread, {REGION_TEXT[report.region]}", "Heading2")
        first, *others = _plots(plots)
        story += [KeepTogether([title, first]), *others]
    images = worst_first(report)
    story.append(CondPageBreak(_LEAST))
    story.append(_text(f"Each photograph, {REGION_TEXT[report.region]}, the worst F1 first", "Heading2"))
    if any(image.pictures for image in images):
        story.append(_text(PICTURES))
    story += [Spacer(1, 6), _table([(image.stem, image.scores) for image in images], images)]
    story += _vessels(images)
    for title, lines in (
        ("Notes", [f"{image.stem}: {note}" for image in images for note in image.notes]),
        ("Not evaluated", [f"{display_path(path.name)}: {why}" for path, why in report.failed]),
    ):
        if lines:
            story += [_text(title, "Heading2"), *(_text(line) for line in lines)]
    return story


def _vessels(images: list[ImageScores]) -> "list[Flowable]":
    """A table of vessel measures for each photograph that has them."""
    from reportlab.platypus import CondPageBreak, Spacer, Table, TableStyle

    measured = [(image, image.vessels) for image in images if image.vessels is not None]
    story: list[Flowable] = []
    if measured:
        story += [CondPageBreak(_LEAST), _text("Vessel measures", "Heading2"), _text(ABOUT)]
    for image, found in measured:
        story += [CondPageBreak(_LEAST), _text(image.stem, "Heading3"), *(_text(text) for text in all_doubts(found))]
        if not found.rows:
            continue
        cells: list[list[Any]] = [list(HEADS)]
        cells += [[*(_printable(text) for text in texts[:-1]), _text(texts[-1])] for _, texts in table_lines(found)]
        table = Table(cells, colWidths=_VESSEL_WIDTHS, repeatRows=1, hAlign="LEFT")
        right = [("ALIGN", (column, 0), (column, -1), "RIGHT") for column in (2, 4)]
        table.setStyle(TableStyle([*_look(), *right]))
        story += [Spacer(1, 4), table]
    return story


def _facts(report: EvaluationReport) -> "Flowable":
    from reportlab.platypus import Table, TableStyle

    rows = facts(report)
    if report.method.sha256:
        rows["sha256"] = report.method.sha256
    if report.method.device:
        rows["computed on"] = report.method.device
    cells = [[_text(f"<b>{escape(name)}</b>", markup=True), _text(value)] for name, value in rows.items()]
    table = Table(cells, colWidths=[80, 680], hAlign="LEFT")
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 1)]))
    return table


def _plots(plots: list[Any]) -> "list[Flowable]":
    from reportlab.platypus import Spacer, Table

    curves, boxes = plots[: len(plots) // 2 * 2], plots[len(plots) // 2 * 2 :]
    found: list[Flowable] = []
    if curves:
        found += [Table([curves], hAlign="LEFT"), Spacer(1, 8)]
    return found + boxes


def _table(rows: list[tuple[str, Scores]], images: list[ImageScores] | None = None) -> "Flowable":
    """A table of scores; with ``images``, of which each has its row, and their pictures."""
    from reportlab.platypus import Table, TableStyle

    pictured = bool(images) and any(image.pictures for image in images or [])
    head: list[Any] = [
        "photograph" if images else "",
        *(["picture and errors"] if pictured else []),
        *(SHORT[name] for name in SCORE_NAMES),
    ]
    lines: list[list[Any]] = [head]
    for number, (name, scores) in enumerate(rows):
        pictures = [_pair(images[number])] if pictured and images is not None else []
        lines.append([_text(name), *pictures, *(cell(getattr(scores, score), score) for score in SCORE_NAMES)])
    widths = [90, 2 * _PICTURE + 22] if pictured else [_NAME_WIDTH]
    table = Table(lines, colWidths=[*widths, *([_SCORE_WIDTH] * len(SCORE_NAMES))], repeatRows=1, hAlign="LEFT")
    first = 2 if pictured else 1
    look: list[Any] = [
        ("ALIGN", (first, 0), (-1, -1), "RIGHT"),
        ("LEFTPADDING", (first, 0), (-1, -1), 2),
        ("RIGHTPADDING", (first, 0), (-1, -1), 3),
    ]
    table.setStyle(TableStyle([*_look(), *look]))
    return table


def _look() -> list[Any]:
    """What all tables have in common."""
    from reportlab.lib.colors import HexColor

    return [
        ("FONT", (0, 0), (-1, 0), "Helvetica-Bold", 8),
        ("FONT", (0, 1), (-1, -1), "Helvetica", 8),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("BACKGROUND", (0, 0), (-1, 0), HexColor("#F0F0F0")),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, HexColor("#CCCCCC")),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]


def _pair(image: ImageScores) -> Any:
    """The photograph and its errors beside one another."""
    from reportlab.platypus import Image, Table, TableStyle

    if image.pictures is None:
        return ""
    both = []
    for data in (image.pictures.photo, image.pictures.errors):
        picture = Image(io.BytesIO(data))
        scale = _PICTURE / max(picture.imageWidth, picture.imageHeight)
        picture.drawWidth, picture.drawHeight = picture.imageWidth * scale, picture.imageHeight * scale
        both.append(picture)
    pair = Table([both], colWidths=[_PICTURE + 4] * 2)
    pair.setStyle(TableStyle([(f"{side}PADDING", (0, 0), (-1, -1), 1) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")]))
    return pair


def _text(text: str, style: str = "BodyText", *, markup: bool = False) -> "Flowable":
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph

    look = getSampleStyleSheet()[style]
    if style == "BodyText":
        look.fontSize, look.leading, look.spaceBefore = 8.5, 10.5, 0
    if style == "Title":
        look.alignment = 0
    look.keepWithNext = 0  # it would keep a heading with the whole of a table
    return Paragraph(text if markup else escape(_printable(text)), look)


def _footer(name: str) -> Any:
    def draw(canvas: Any, document: Any) -> None:
        canvas.setFont("Helvetica", 7)
        canvas.drawString(_MARGIN, _MARGIN / 2, _printable(name))
        canvas.drawRightString(document.pagesize[0] - _MARGIN, _MARGIN / 2, f"page {document.page}")

    return draw


def _printable(text: str) -> str:
    """Text in the characters that the standard fonts have; others as escapes, so that no name becomes empty boxes."""
    return printable(text, keep="\n\t").encode("cp1252", "backslashreplace").decode("cp1252")
