"""Evaluation of the published data sets, against scikit-learn and against mlscorecheck's tables of them.

mlscorecheck holds, per photograph, the vessel and background pixels of the labels, and tells whether reported scores
can come from them at all.
"""

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlscorecheck.check.bundles import retina
from mlscorecheck.experiments import get_experiment
from sklearn import metrics

from core.datasets.layouts import DataSet, read_layout
from core.errors import LabelError
from core.evaluation.confusion import SCORE_NAMES, Region, Scores
from core.evaluation.dataset_evaluation import evaluate_dataset
from core.evaluation.measure import ScoreSet
from core.evaluation.report import EvaluationReport, Method
from core.evaluation.summary import Summary
from core.evaluation.tables import to_csv, to_text
from core.photo.reading import read_fov, read_fundus, read_label
from core.progress import Cancelled, Progress
from core.threshold_rule import ThresholdRule
from tests.fake_segmenter import fake_segmenter

RULE = ThresholdRule.nearest(0.5)
DIGITS = 4


def _evaluate(dataset: DataSet, region: Region = "fov", labels: str | None = None) -> EvaluationReport:
    return evaluate_dataset(
        dataset, fake_segmenter, method=Method("dark lines"), rule=RULE, region=region, labels=labels
    )


def _few(dataset: DataSet, cases: int) -> DataSet:
    return replace(dataset, cases=dataset.cases[:cases])


@pytest.fixture(scope="module")
def drive(serr_data: Path) -> DataSet:
    return read_layout("drive", serr_data, "test")


@pytest.fixture(scope="module")
def whole(drive: DataSet) -> EvaluationReport:
    """The whole DRIVE test set; each report has the scores in the other region as well."""
    return _evaluate(drive)


def _in(region: Region, report: EvaluationReport) -> tuple[list[ScoreSet], Summary]:
    """The scores of each photograph and of all of them in a region, of a report on the field of view."""
    if region == "fov":
        return [image.score_set for image in report.images], report.total
    return [image.beside for image in report.images], report.beside.total


def _table(images: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    return {str(entry["identifier"]): (entry["p"], entry["n"]) for entry in images}


def _check_labels(dataset: DataSet, label: str, table: dict[str, tuple[int, int]], key: slice, region: Region) -> None:
    """Vessel and background pixels of every label are those of the table."""
    for case in dataset.cases:
        vessel = read_label(case.labels[label]).vessel
        inside = np.ones_like(vessel)
        if region == "fov":
            assert case.fov is not None
            inside = read_fov(case.fov, shape=(vessel.shape[0], vessel.shape[1])).inside
        found = int((vessel & inside).sum()), int((~vessel & inside).sum())
        assert found == table[case.stem[key]], case.stem


@pytest.mark.parametrize("region", ["fov", "image"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_drive_labels_have_the_known_pixels(serr_data: Path, split: str, region: Region) -> None:
    dataset = read_layout("drive", serr_data, split)
    for annotator, label in enumerate(dataset.cases[0].labels, start=1):
        known = get_experiment("retina.drive")[annotator, "fov" if region == "fov" else "all"][split]["images"]
        _check_labels(dataset, label, _table(known), slice(0, 2), region)


def test_stare_and_chase_labels_have_the_known_pixels(serr_data: Path) -> None:
    stare = read_layout("stare", serr_data, "all")
    for label in ("ah", "vk"):
        known = _table(get_experiment("retina.stare")[label]["images"])
        _check_labels(stare, label, known, slice(None), "image")
    chase = read_layout("chase_db1", serr_data, "train")
    for number, label in enumerate(chase.cases[0].labels, start=1):
        known = _table(get_experiment("retina.chase_db1")[f"manual{number}"]["images"])
        _check_labels(chase, label, known, slice(6, 9), "image")


@pytest.mark.parametrize(("region", "cases"), [("fov", 6), ("image", 3)])
def test_hrf_labels_have_the_known_pixels(serr_data: Path, region: Region, cases: int) -> None:
    dataset = _few(read_layout("hrf", serr_data, "train"), cases)
    known = _table(get_experiment("retina.hrf")["fov" if region == "fov" else "all"]["images"])
    _check_labels(dataset, "manual1", known, slice(None), region)


@pytest.mark.parametrize("region", ["fov", "image"])
def test_every_photograph_is_counted_whole(whole: EvaluationReport, region: Region) -> None:
    known = get_experiment("retina.drive")[1, "fov" if region == "fov" else "all"]["test"]["images"]
    for image, scored in zip(whole.images, _in(region, whole)[0], strict=True):
        assert (scored.counts.positives, scored.counts.negatives) == _table(known)[image.stem[:2]]
    assert whole.n_images == 20
    assert {image.fov_origin for image in whole.images} == {"file"}


def _rounded(scores: Scores) -> dict[str, float]:
    return {
        "acc": round(scores.accuracy, DIGITS),
        "sens": round(scores.sensitivity, DIGITS),
        "spec": round(scores.specificity, DIGITS),
    }


@pytest.mark.filterwarnings("ignore:.*PuLP 4.0:DeprecationWarning")  # how mlscorecheck calls its solver
@pytest.mark.parametrize("region", ["fov", "image"])
def test_mlscorecheck_accepts_the_report_and_tells_its_region(whole: EvaluationReport, region: Region) -> None:
    eps = 10**-DIGITS
    accepted, refused = ("fov", "all") if region == "fov" else ("all", "fov")
    each, total = _in(region, whole)
    for image, scored in zip(whole.images, each, strict=True):
        full = _rounded(scored.scores) | {
            "ppv": round(scored.scores.precision, DIGITS),
            "f1": round(scored.scores.f1, DIGITS),
            "mcc": round(scored.scores.mcc, DIGITS),
            "ji": round(scored.scores.iou, DIGITS),
        }
        result = retina.check_drive_vessel_image(image.stem[:2], 1, full, eps)["inconsistency"]
        assert not result[f"inconsistency_{accepted}"], image.stem
        assert result[f"inconsistency_{refused}"], image.stem
    rounded = _rounded(total.pooled)
    pooled = retina.check_drive_vessel_aggregated_som_assumption("test", accepted, 1, rounded, eps)
    mean = retina.check_drive_vessel_aggregated_mos_assumption(
        "test", accepted, 1, _rounded(total.mean), eps, verbosity=0
    )
    assert _accepts(pooled)
    assert _accepts(mean)
    assert not _accepts(retina.check_drive_vessel_aggregated_som_assumption("test", refused, 1, rounded, eps))


def _accepts(result: dict[str, Any]) -> bool:
    return not result["inconsistency"]


@pytest.mark.filterwarnings("ignore:.*PuLP 4.0:DeprecationWarning")
@pytest.mark.parametrize("expert", ["ah", "vk"])
def test_mlscorecheck_accepts_the_reports_on_stare(serr_data: Path, expert: str) -> None:
    report = _evaluate(read_layout("stare", serr_data, "all"), "image", expert)
    eps, total = 10**-DIGITS, report.total
    for image in report.images:
        assert _accepts(retina.check_stare_vessel_image(image.stem, expert, _rounded(image.scores), eps)), image.stem
    assert _accepts(retina.check_stare_vessel_aggregated_som("all", expert, _rounded(total.pooled), eps))
    assert _accepts(retina.check_stare_vessel_aggregated_mos("all", expert, _rounded(total.mean), eps, verbosity=0))
    other = "vk" if expert == "ah" else "ah"  # scores against the one are not possible against the other
    assert not _accepts(retina.check_stare_vessel_aggregated_som("all", other, _rounded(total.pooled), eps))


@pytest.mark.filterwarnings("ignore:.*PuLP 4.0:DeprecationWarning")
def test_mlscorecheck_accepts_the_reports_on_chase(serr_data: Path) -> None:
    report = _evaluate(_few(read_layout("chase_db1", serr_data, "train"), 8), "image")
    eps, names = 10**-DIGITS, [image.stem[6:] for image in report.images]
    for name, image in zip(names, report.images, strict=True):
        assert _accepts(retina.check_chasedb1_vessel_image(name, "manual1", _rounded(image.scores), eps)), name
    pooled, mean = _rounded(report.pooled), _rounded(report.mean)
    assert _accepts(retina.check_chasedb1_vessel_aggregated_som(names, "manual1", pooled, eps))
    assert _accepts(retina.check_chasedb1_vessel_aggregated_mos(names, "manual1", mean, eps, verbosity=0))
    assert not _accepts(retina.check_chasedb1_vessel_aggregated_som(names, "manual2", pooled, eps))


@pytest.mark.filterwarnings("ignore:.*PuLP 4.0:DeprecationWarning")
def test_mlscorecheck_accepts_the_reports_on_hrf_in_both_regions(serr_data: Path) -> None:
    report = _evaluate(_few(read_layout("hrf", serr_data, "train"), 1))  # seconds each; pooling is tested on others
    eps, names = 10**-DIGITS, [image.stem for image in report.images]
    for image in report.images:
        for assumption, figures in (("fov", image.score_set), ("all", image.beside)):
            scores = _rounded(figures.scores)
            assert _accepts(retina.check_hrf_vessel_image_assumption(image.stem, assumption, scores, eps)), image.stem
    for assumption, total in (("fov", report.total), ("all", report.beside.total)):
        pooled, mean = _rounded(total.pooled), _rounded(total.mean)
        assert _accepts(retina.check_hrf_vessel_aggregated_som_assumption(names, assumption, pooled, eps))
        assert _accepts(retina.check_hrf_vessel_aggregated_mos_assumption(names, assumption, mean, eps, verbosity=0))
    wrong = _rounded(report.total.pooled)
    assert not _accepts(retina.check_hrf_vessel_aggregated_som_assumption(names, "all", wrong, eps))


def test_pooled_and_single_figures_are_scikit_learns(drive: DataSet) -> None:
    few = _few(drive, 4)
    report = _evaluate(few)
    truths, maps = [], []
    for case, image in zip(few.cases, report.images, strict=True):
        photo = read_fundus(case.photo)
        assert case.fov is not None
        fov = read_fov(case.fov)
        truth = read_label(case.labels["1st observer"]).vessel[fov.inside]
        values = fake_segmenter(photo, fov, _Recorder()).values[fov.inside]
        found = values >= RULE.threshold
        assert image.scores.accuracy == pytest.approx(metrics.accuracy_score(truth, found), abs=1e-12)
        assert image.scores.f1 == pytest.approx(metrics.f1_score(truth, found), abs=1e-12)
        assert image.scores.auc_roc == pytest.approx(metrics.roc_auc_score(truth, values), abs=1e-12)
        truths.append(truth)
        maps.append(values)
    truth, values = np.concatenate(truths), np.concatenate(maps)
    found = values >= RULE.threshold
    assert report.pooled.mcc == pytest.approx(metrics.matthews_corrcoef(truth, found), abs=1e-12)
    assert report.pooled.precision == pytest.approx(metrics.precision_score(truth, found), abs=1e-12)
    assert report.pooled.auc_roc == pytest.approx(metrics.roc_auc_score(truth, values), abs=1e-12)
    assert report.pooled.auc_pr == pytest.approx(metrics.average_precision_score(truth, values), abs=1e-12)
    each = [image.scores.auc_roc for image in report.images]
    assert report.mean.auc_roc == pytest.approx(np.mean(each))
    assert report.std.auc_roc == pytest.approx(np.std(each, ddof=1))


def test_the_second_expert_has_the_figures_that_are_known_of_a_human(whole: EvaluationReport) -> None:
    ((name, human),) = whole.experts
    assert name == "2nd observer"
    # As published for DRIVE inside the field of view: 0.7746, 0.9725, 0.9473, 0.7891 (pooled).
    published = {"sensitivity": 0.7746, "specificity": 0.9725, "accuracy": 0.9473, "f1": 0.7891}
    for score, value in published.items():
        assert getattr(human.pooled, score) == pytest.approx(value, abs=1e-4), score
    assert math.isnan(human.pooled.auc_roc)


def test_other_labels_as_the_truth_are_said(drive: DataSet) -> None:
    report = _evaluate(_few(drive, 2), labels="2nd observer")
    swapped = _evaluate(_few(drive, 2))
    assert report.labels == "2nd observer"
    assert "2nd observer" in report.protocol
    assert report.experts[0][0] == "1st observer"
    # What the one expert misses, the other has too much.
    assert report.experts[0][1].counts.fp == swapped.experts[0][1].counts.fn
    with pytest.raises(LabelError, match=r"no label 'third'.*'1st observer'"):
        _evaluate(_few(drive, 1), labels="third")


def test_the_report_says_everything_in_every_form(drive: DataSet) -> None:
    report = replace(_evaluate(_few(drive, 2), "image"), method=Method("net", "ab" * 32, "flips", (0, 1), "cpu"))
    values = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    for part in ("pooled", "mean", "std"):
        assert tuple(values[part]) == SCORE_NAMES
    assert (values["region"], values["n_images"], values["labels"]) == ("image", 2, "1st observer")
    assert (values["threshold"], values["threshold_origin"]) == (0.5, "user")
    assert (values["model"]["name"], values["model"]["sha256"], values["tta"]) == ("net", "ab" * 32, "flips")
    assert values["model"]["seeds"] == [0, 1]
    assert len(values["per_image"]) == 2
    assert values["pooled_auc"] == "exact"
    counts = values["counts"]
    assert values["pooled"]["accuracy"] == pytest.approx((counts["tp"] + counts["tn"]) / sum(counts.values()))

    rows = list(csv.DictReader(io.StringIO(to_csv(report))))
    assert [row["row"] for row in rows[2:5]] == ["all pixels pooled", "mean over images", "standard deviation"]
    assert [row["region"] for row in rows] == ["image"] * 12 + ["fov"] * 12
    assert float(rows[2]["auc_roc"]) == report.pooled.auc_roc
    for row in rows:
        assert (row["sha256"], row["tta"], row["seeds"], row["threshold_origin"]) == ("ab" * 32, "flips", "0 1", "user")
        assert "1st observer" in row["protocol"]
        assert "serr-fundus" in row["versions"]
    assert rows[5]["auc_roc"] == ""  # a mask by hand has no curve

    text = to_text(report)
    assert text.isascii()
    assert "whole image" in text
    assert "128/256" in text
    assert "abababababab" in text
    assert f"{report.pooled.f1:.4f}" in text
    assert max(len(line) for line in text.splitlines()) <= 120


class _Recorder:
    """A monitor that keeps what it is told and cancels at a share of the whole."""

    def __init__(self, cancel_at: float | None = None) -> None:
        self.seen: list[Progress] = []
        self.cancel_at = cancel_at

    def step(self, progress: Progress) -> None:
        self.seen.append(progress)
        if self.cancel_at is not None and (progress.fraction or 0.0) >= self.cancel_at:
            raise Cancelled

    def note(self, message: str) -> None:
        raise AssertionError(message)


def test_progress_counts_photographs_and_cancel_ends_it(drive: DataSet) -> None:
    method, monitor = Method("dark lines"), _Recorder()
    evaluate_dataset(_few(drive, 2), fake_segmenter, method=method, rule=RULE, monitor=monitor)
    assert [step.fraction for step in monitor.seen] == [0.0, 0.0, 0.5, 0.5, None]
    assert monitor.seen[2].stage == "02_test (2 of 2): Reading"
    with pytest.raises(Cancelled):
        evaluate_dataset(
            drive, fake_segmenter, method=method, rule=RULE, monitor=_Recorder(cancel_at=1 / len(drive.cases))
        )
