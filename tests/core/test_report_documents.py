"""The report as HTML and PDF: one file, nothing from elsewhere, every score and every failure in it."""

import base64
import io
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pypdfium2
import pytest
from PIL import Image

from core.datasets.layouts import read_layout
from core.datasets.synthetic import write_drive_layout
from core.errors import OutputError
from core.evaluation.confusion import SCORE_NAMES, Counts
from core.evaluation.dataset_evaluation import Extras, evaluate_dataset
from core.evaluation.documents import to_html, write_report
from core.evaluation.measure import GivenMask
from core.evaluation.plots import Curve, Mark, curve_plot, to_svg
from core.evaluation.report import EvaluationReport, Method
from core.evaluation.report_parts import drawings, worst_first
from core.evaluation.report_pdf import to_pdf
from core.evaluation.tables import cell, facts, to_text
from core.measuring import MeasureOptions
from core.report_measures import ReportMeasures
from core.threshold_rule import ThresholdRule
from tests.fake_segmenter import fake_segmenter

NASTY = "<b>&net</b> Ω"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> EvaluationReport:
    """Three drawn photographs with pictures and intervals, and one that failed."""
    folder = tmp_path_factory.mktemp("drawn")
    write_drive_layout(folder, 4, side=128, first_seed=3)
    data = read_layout("drive", folder, "test")
    data.cases[2].photo.write_bytes(b"nothing")
    method = Method(NASTY, "ab" * 32, "flips", (3, 4), "CPU, fp32")
    despite = {case.photo: MeasureOptions(despite_doubts=True) for case in data.cases}  # they are small
    extras = Extras(resamples=20, seed=9, picture_px=64, vessels=ReportMeasures(despite))
    return evaluate_dataset(data, fake_segmenter, method=method, rule=ThresholdRule(100), extras=extras)


class _Page(HTMLParser):
    """Tags, addresses and text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.rows: list[list[str]] = []
        self._in_cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "action", "data", "srcset"}]
        self._in_cell |= tag in {"td", "th"}
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag: str) -> None:
        self._in_cell &= tag not in {"td", "th"}

    def handle_data(self, data: str) -> None:
        if self._in_cell and data.strip():
            self.rows[-1].append(data.strip())


def test_measures_of_the_vessels_have_bars_and_reasons(report: EvaluationReport) -> None:
    image = report.images[0]
    assert image.vessels is not None
    (width,) = (row for row in image.vessels.rows if (row.name, row.zone) == ("width/mean", "field of view"))
    (avr,) = (row for row in image.vessels.rows if row.name.startswith("calibre/avr"))
    assert width.low <= width.value <= width.high
    assert math.isnan(avr.value)
    page = _Page(to_html(report))
    assert [row for row in page.rows if row[0] == "width/mean" and f"{width.value:.4g}" in row and "px" in row]
    reasons = [row for row in page.rows if row[-1] == "The optic disc is not known."]
    assert len(reasons) == len(report.images), "one line for all zones of a photograph"
    assert "-" in reasons[0]
    (told,) = (each for each in report.to_dict()["per_image"] if each["stem"] == image.stem)  # type: ignore[attr-defined]
    rows = {(row["name"], row["zone"]): row for row in told["vessels"]["rows"]}
    assert rows["width/mean", "field of view"]["value"] == width.value
    assert rows["calibre/avr/knudtson", "B"]["value"] is None
    assert json.dumps(told, allow_nan=False)
    assert "Vessel measures" in _pdf_text(to_pdf(report))[0]


def test_the_page_needs_nothing_from_elsewhere(report: EvaluationReport) -> None:
    html = to_html(report)
    page = _Page(html)
    assert page.addresses
    assert all(address.startswith("data:image/") for address in page.addresses)
    assert not {"link", "iframe", "object", "embed"} & set(page.tags)
    assert "url(" not in html
    assert "@import" not in html
    for kind, size in (("jpeg", 64), ("png", 64)):
        pictures = re.findall(rf"data:image/{kind};base64,([^\"]+)", html)
        assert len(pictures) == 3
        for data in pictures:
            with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
                assert max(picture.size) == size


def test_names_are_text_and_never_markup(report: EvaluationReport) -> None:
    html = to_html(report)
    assert NASTY not in html
    assert "&lt;b&gt;&amp;net&lt;/b&gt; Ω" in html


def test_the_page_says_every_figure_and_the_protocol(report: EvaluationReport) -> None:
    html = to_html(report)
    rows = {row[0]: row[1:] for row in _Page(html).rows if row}
    assert rows["all pixels pooled"] == [cell(getattr(report.beside.total.pooled, name), name) for name in SCORE_NAMES]
    for image in report.images:
        assert rows[image.stem] == [cell(getattr(image.scores, name), name) for name in SCORE_NAMES]
    for name, value in facts(report).items():
        if name != "method":
            assert rows[name] == [value]
    assert "seed 9" in rows["intervals"][0]
    assert rows["sha256"] == ["ab" * 32]
    assert "<strong>Incomplete.</strong>" in html
    assert "07_test.tif" in html
    order = [row[0] for row in _Page(html).rows if row and row[0] in {image.stem for image in report.images}]
    assert order == [image.stem for image in worst_first(report)]
    f1 = [image.scores.f1 for image in worst_first(report)]
    assert f1 == sorted(f1)


def _pdf_text(data: bytes) -> tuple[str, int]:
    document = pypdfium2.PdfDocument(data)
    pages = [document[number].get_textpage().get_text_bounded() for number in range(len(document))]
    count = sum(1 for number in range(len(document)) for thing in document[number].get_objects() if thing.type == 3)
    document.close()
    return "\n".join(pages), count


def test_the_pdf_says_the_same(report: EvaluationReport) -> None:
    text, pictures = _pdf_text(to_pdf(report))
    words = " ".join(text.split())
    assert pictures == 6
    for value in ("07_test.tif", "INCOMPLETE", "ab" * 32, "not a medical device", "<b>&net</b> \\u03a9"):
        assert value.lower() in words.lower(), value
    for image in report.images:
        for name in SCORE_NAMES:
            assert cell(getattr(image.scores, name), name) in words
    assert cell(report.pooled.f1) in words
    assert cell(report.beside.total.pooled.accuracy) in words


def test_masks_and_undefined_figures_have_their_report_too(report: EvaluationReport) -> None:
    total = replace(report.result.total, counts=Counts(0, 0, 9, 0), pooled=Counts(0, 0, 9, 0).scores())
    bare = replace(
        report,
        rule=None,
        result=replace(report.result, total=total, curve=None, best=None, experts=()),
        images=(
            replace(
                report.images[0], pictures=None, score_set=replace(report.images[0].score_set, scores=total.pooled)
            ),
        ),
        failed=(),
    )
    html = to_html(bare)
    assert '<td title="Undefined: no vessel in the label">-</td>' in html
    assert "- under SE: no vessel in the label." in html
    assert "- under SE: no vessel in the label\n" in to_text(bare)
    assert "<img" not in html.partition("Each photograph")[2]
    assert "Incomplete" not in html
    text, pictures = _pdf_text(to_pdf(bare))
    assert pictures == 0
    assert "masks as they were given" in text
    assert "no vessel in the label" in text


def test_a_file_is_written_by_its_suffix(report: EvaluationReport, tmp_path: Path) -> None:
    write_report(tmp_path / "out.HTML", report)
    write_report(tmp_path / "out.pdf", report)
    assert (tmp_path / "out.HTML").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(OutputError, match=r"out\.docx"):
        write_report(tmp_path / "out.docx", report)
    with pytest.raises(OutputError, match="nowhere"):
        write_report(tmp_path / "nowhere" / "out.html", report)


def _lines(svg: str) -> list[np.ndarray]:
    """The points of each line of a drawing."""
    root = ElementTree.fromstring(svg)
    found = []
    for line in root.iter("{http://www.w3.org/2000/svg}polyline"):
        found.append(np.array([[float(v) for v in pair.split()] for pair in line.attrib["points"].split(",")]))
    return found


def test_the_drawn_curve_encloses_the_area_that_its_legend_says(report: EvaluationReport) -> None:
    assert len(drawings(report)) == 3
    curve = report.result.curve
    assert curve is not None
    plot = curve_plot("roc", [Curve("pooled", curve)], [Mark("here", report.pooled)], size=(400, 400))
    svg = to_svg(plot)
    assert f"AUC {curve.areas.auc_roc:.4f}" in svg
    chance, line = _lines(svg)
    (left, bottom), (right, top) = chance[0], chance[-1]
    x, y = (line[:, 0] - left) / (right - left), (line[:, 1] - bottom) / (top - bottom)
    area = float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))
    assert area == pytest.approx(report.pooled.auc_roc, abs=2e-3)


def test_a_plot_of_a_part_stays_in_its_frame(report: EvaluationReport) -> None:
    curve = report.result.curve
    assert curve is not None
    svg = to_svg(curve_plot("roc", [Curve("a", curve)], size=(300, 300), x_range=(0.0, 0.1), y_range=(0.6, 1.0)))
    (line,) = _lines(svg)  # chance lies below the frame
    corners = np.array([[46.0, 38.0], [286.0, 274.0]])  # the frame
    assert (line >= corners[0] - 0.01).all()
    assert (line <= corners[1] + 0.01).all()
    assert np.isclose(line[-1], corners[1], atol=0.01).any()  # it ends at the edge, not before


def test_pictures_show_what_was_found_and_what_was_not(tmp_path: Path) -> None:
    write_drive_layout(tmp_path, 1, side=64)
    data = read_layout("drive", tmp_path, "test")
    method, extras = Method("nothing", kind="masks"), Extras(picture_px=64)
    nothing = GivenMask(np.zeros((64, 64), dtype=np.bool_))
    report = evaluate_dataset(data, lambda *_: nothing, method=method, rule=None, extras=extras)
    pictures = report.images[0].pictures
    assert pictures is not None
    with Image.open(io.BytesIO(pictures.errors)) as picture:
        colours = {tuple(int(v) for v in colour) for colour in np.asarray(picture).reshape(-1, 3)}
    assert (255, 64, 255) in colours  # missed
    assert (0, 229, 255) not in colours
    assert (255, 255, 255) not in colours
