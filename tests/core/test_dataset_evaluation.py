"""Evaluating drawn photographs: what is gathered, what a bad file does, and that equal seeds give equal intervals."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics

from core.datasets.layouts import Case, DataSet, read_layout
from core.datasets.synthetic import write_drive_layout
from core.errors import InputError, LabelError
from core.evaluation.bootstrap import bootstrap
from core.evaluation.confusion import SCORE_NAMES, Counts, count
from core.evaluation.curves import FineHistogram, SortedValues
from core.evaluation.dataset_evaluation import Extras, evaluate_dataset
from core.evaluation.measure import GivenMask, Measured, Prediction, measure, pool
from core.evaluation.report import EvaluationReport, Method
from core.evaluation.tables import facts, to_csv, to_text
from core.photo.reading import read_fov, read_fundus, read_label
from core.progress import Monitor, Progress
from core.threshold_rule import ThresholdRule
from core.types import FieldOfView, FundusImage, ProbabilityMap
from tests.fake_segmenter import fake_segmenter

RULE = ThresholdRule(100)
SIDE = 160


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    """Four drawn photographs whose second observer draws everything one pixel lower."""
    folder = tmp_path_factory.mktemp("drawn")
    write_drive_layout(folder, 4, side=SIDE, first_seed=20)
    data = read_layout("drive", folder, "test")
    for case in data.cases:
        second = np.roll(read_label(case.labels["2nd observer"]).vessel, 1, axis=0)
        Image.fromarray(second.astype(np.uint8) * 255).save(case.labels["2nd observer"])
    return data


def _evaluate(data: DataSet, **changes: object) -> EvaluationReport:
    arguments: dict[str, object] = {"method": Method("dark lines"), "rule": RULE}
    return evaluate_dataset(data, fake_segmenter, **(arguments | changes))  # type: ignore[arg-type]


def _strict(report: EvaluationReport) -> str:
    return json.dumps(report.to_dict(), allow_nan=False)


def test_one_region_is_the_report_and_the_other_stands_beside_it(drawn: DataSet) -> None:
    inside, whole = _evaluate(drawn), _evaluate(drawn, region="image")
    assert (inside.region, inside.beside.region) == ("fov", "image")
    assert inside.beside.total == whole.total
    assert inside.total == whole.beside.total
    assert [image.beside for image in inside.images] == [image.score_set for image in whole.images]
    assert whole.total.counts.total == 4 * SIDE * SIDE
    assert inside.total.counts.total == sum(
        int(read_fov(case.fov).inside.sum()) for case in drawn.cases if case.fov is not None
    )
    values = json.loads(_strict(inside))
    assert (values["region"], values["beside"]["region"]) == ("fov", "image")
    assert values["beside"]["pooled"]["accuracy"] == whole.pooled.accuracy
    assert values["per_image"][2]["beside"]["tn"] == whole.images[2].counts.tn


def test_all_figures_of_a_data_set_are_those_of_its_pixels(drawn: DataSet) -> None:
    report = _evaluate(drawn)
    truths, maps, seconds = [], [], []
    for case in drawn.cases:
        assert case.fov is not None
        image, fov = read_fundus(case.photo), read_fov(case.fov)
        maps.append(fake_segmenter(image, fov, _Notes()).values[fov.inside])
        truths.append(read_label(case.labels["1st observer"]).vessel[fov.inside])
        seconds.append(read_label(case.labels["2nd observer"]).vessel[fov.inside])
    truth, values, second = np.concatenate(truths), np.concatenate(maps), np.concatenate(seconds)
    mask = values >= RULE.threshold
    pooled = report.pooled
    assert pooled.kappa == pytest.approx(metrics.cohen_kappa_score(truth, mask), abs=1e-12)
    assert pooled.iou == pytest.approx(metrics.jaccard_score(truth, mask), abs=1e-12)
    assert pooled.auc_pr == pytest.approx(metrics.average_precision_score(truth, values), abs=1e-12)
    ((name, expert),) = report.experts
    assert name == "2nd observer"
    assert expert.pooled.f1 == pytest.approx(metrics.f1_score(truth, second), abs=1e-12)
    assert 0 < expert.pooled.cl_dice < 1
    assert report.images[1].experts[0][1].scores.accuracy == pytest.approx(
        metrics.accuracy_score(truths[1], seconds[1]), abs=1e-12
    )
    ((against, model),) = report.result.against
    assert against == "2nd observer"
    assert model.pooled.kappa == pytest.approx(metrics.cohen_kappa_score(second, mask), abs=1e-12)
    assert model.pooled.auc_roc == pytest.approx(metrics.roc_auc_score(second, values), abs=1e-6)
    assert report.images[2].against[0][1].scores.auc_pr == pytest.approx(
        metrics.average_precision_score(seconds[2], maps[2]), abs=1e-12
    )
    best = report.result.best
    assert best is not None
    assert best.score_set.scores.f1 == max(
        metrics.f1_score(truth, values >= level / 256) for level in range(best.rule.level - 2, best.rule.level + 3)
    )
    curve = report.result.curve
    assert curve is not None
    assert curve.areas.auc_roc == pytest.approx(pooled.auc_roc, abs=1e-5)


class _Notes:
    """A monitor that keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def step(self, progress: Progress) -> None:
        pass

    def note(self, message: str) -> None:
        self.said.append(message)


def _with(drawn: DataSet, number: int, **changes: object) -> DataSet:
    cases = list(drawn.cases)
    cases[number] = replace(cases[number], **changes)  # type: ignore[arg-type]
    return replace(drawn, cases=tuple(cases))


def test_a_bad_file_costs_its_photograph_only_and_is_said_everywhere(drawn: DataSet, tmp_path: Path) -> None:
    bad = tmp_path / "broken.tif"
    bad.write_bytes(b"II*\0 not a picture")
    monitor = _Notes()
    report = _evaluate(_with(drawn, 1, photo=bad), monitor=monitor)
    rest = _evaluate(replace(drawn, cases=(drawn.cases[0], *drawn.cases[2:])))
    assert report.total == rest.total
    assert report.beside.total == rest.beside.total
    ((path, why),) = report.failed
    assert path == bad
    assert "broken.tif" in why
    assert any("broken.tif" in sentence for sentence in monitor.said)
    assert not report.complete
    assert json.loads(_strict(report))["failed"] == [{"photo": str(bad), "why": why}]
    assert json.loads(_strict(report))["complete"] is False
    assert "1 of 4 photographs could not be evaluated" in facts(report)["INCOMPLETE"]
    assert "NOT EVALUATED\nbroken.tif" in to_text(report)
    assert "not evaluated" in to_csv(report).splitlines()[-1]


@pytest.mark.parametrize("kind", ["other size", "inverted", "missing", "second expert"])
def test_labels_that_do_not_fit_are_not_taken(drawn: DataSet, tmp_path: Path, kind: str) -> None:
    labels = dict(drawn.cases[0].labels)
    vessel = read_label(labels["1st observer"]).vessel
    path = tmp_path / "label.png"
    pixels = {"other size": vessel[:-2], "inverted": ~vessel, "missing": None, "second expert": vessel[:, 3:]}[kind]
    if pixels is not None:
        Image.fromarray(pixels.astype(np.uint8) * 255).save(path)
    labels["2nd observer" if kind == "second expert" else "1st observer"] = path
    report = _evaluate(_with(drawn, 0, labels=labels))
    assert [failed.name for failed, _ in report.failed] == [drawn.cases[0].photo.name]
    assert "label.png" in report.failed[0][1]
    assert report.n_images == 3


def test_without_labels_there_is_an_error_and_never_a_figure(drawn: DataSet) -> None:
    bare = replace(drawn, cases=tuple(replace(case, labels={}) for case in drawn.cases))
    with pytest.raises(LabelError, match="no expert label for any of the 4 photographs"):
        _evaluate(bare)
    report = _evaluate(_with(drawn, 3, labels={}))
    assert report.n_images == 3
    assert "no expert label" in report.failed[0][1]
    with pytest.raises(InputError, match=r"gone\.tif"):
        _evaluate(replace(drawn, cases=(Case("gone", Path("gone.tif"), drawn.cases[0].labels),)))


def test_masks_are_scored_without_a_threshold(drawn: DataSet) -> None:
    def masks(image: FundusImage, fov: FieldOfView, monitor: Monitor) -> Prediction:
        return GivenMask(fake_segmenter(image, fov, monitor).levels >= RULE.level)

    given = evaluate_dataset(drawn, masks, method=Method("masks", kind="masks"), rule=None)
    mapped = _evaluate(drawn)
    for name in SCORE_NAMES:
        ours, theirs = getattr(given.pooled, name), getattr(mapped.pooled, name)
        assert math.isnan(ours) if name in {"auc_roc", "auc_pr", "ece"} else repr(ours) == repr(theirs), name
    assert given.result.curve is None
    assert given.result.best is None
    values = json.loads(_strict(given))
    assert (values["threshold"], values["threshold_origin"]) == (None, "masks as given")
    assert facts(given)["threshold"] == "none: masks as they were given"
    with pytest.raises(ValueError, match="needs a threshold"):
        _evaluate(drawn, rule=None)


def test_what_a_method_notes_stands_with_its_photograph(drawn: DataSet) -> None:
    def inverted(image: FundusImage, fov: FieldOfView, monitor: Monitor) -> Prediction:
        monitor.note("made on a Tuesday")
        return GivenMask(fov.inside)

    report = evaluate_dataset(drawn, inverted, method=Method("all", kind="masks"), rule=None)
    assert report.images[0].notes[0] == "made on a Tuesday"
    assert "looks inverted" in report.images[0].notes[1]
    assert "made on a Tuesday" in to_text(report)


def _measured(random: np.random.Generator, quality: float) -> tuple[Measured, np.ndarray, np.ndarray]:
    shape = (24, 30)
    label, inside = random.random(shape) < 0.2, np.ones(shape, dtype=np.bool_)
    values = np.clip(random.normal(0.3, 0.2, shape) + quality * label, 0, 1).astype(np.float32)
    return measure(ProbabilityMap(values), label, inside, rule=ThresholdRule(128), unit_px=1.0), values, label


def test_intervals_are_those_of_drawing_photographs_by_hand() -> None:
    random = np.random.default_rng(3)
    each = [_measured(random, quality) for quality in (0.2, 0.3, 0.4, 0.5, 0.6)]
    ours = bootstrap([one for one, _, _ in each], 200, seed=7)
    drawings = np.random.default_rng(7)
    f1, auc, mean_f1 = [], [], []
    for _ in range(200):
        chosen = [each[number] for number in drawings.integers(0, 5, 5)]
        values, label = np.concatenate([v for _, v, _ in chosen]), np.concatenate([t for _, _, t in chosen])
        f1.append(metrics.f1_score(label.ravel(), values.ravel() >= 0.5))
        auc.append(metrics.roc_auc_score(label.ravel(), values.ravel()))
        mean_f1.append(np.mean([one.scores.f1 for one, _, _ in chosen]))
    for interval, expected in (
        ((ours.pooled.low.f1, ours.pooled.high.f1), f1),
        ((ours.pooled.low.auc_roc, ours.pooled.high.auc_roc), auc),
        ((ours.mean.low.f1, ours.mean.high.f1), mean_f1),
    ):
        assert interval == pytest.approx(tuple(np.percentile(expected, [2.5, 97.5])), abs=2e-5)
    assert ours == bootstrap([one for one, _, _ in each], 200, seed=7)
    assert ours != bootstrap([one for one, _, _ in each], 200, seed=8)


def test_a_report_has_intervals_where_asked_for_and_says_the_seed(drawn: DataSet) -> None:
    report = _evaluate(drawn, extras=Extras(resamples=40, seed=5))
    values = json.loads(_strict(report))["bootstrap"]
    assert (values["resamples"], values["seed"], values["unit"]) == (40, 5, "image")
    low, high = values["pooled"]["f1"]
    assert low <= report.pooled.f1 <= high
    assert values["pooled"]["auc_roc"][0] <= values["pooled"]["auc_roc"][1]
    assert "seed 5" in facts(report)["intervals"]
    assert report.experts[0][1].bootstrap is not None
    assert json.loads(_strict(report))["experts"][0]["bootstrap"]["pooled"]["auc_roc"] is None
    single = _evaluate(replace(drawn, cases=drawn.cases[:1]), extras=Extras(resamples=40))
    assert single.total.bootstrap is None  # one photograph says nothing of others


def test_a_figure_that_is_undefined_in_a_drawing_has_no_interval() -> None:
    defined, empty = Measured(Counts(5, 1, 20, 2)), Measured(Counts(0, 0, 28, 0))
    interval = bootstrap([defined, empty], 100, seed=0).pooled
    assert math.isnan(interval.low.sensitivity)
    assert interval.low.accuracy < interval.high.accuracy


def _fine(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> FineHistogram:
    return FineHistogram.pooled([FineHistogram.of(SortedValues.of(v, t, np.ones_like(t))) for v, t in parts])


def test_fine_bins_keep_the_areas_and_the_curve() -> None:
    random = np.random.default_rng(2)
    parts = []
    for _ in range(3):
        label = random.random((50, 60)) < 0.15
        parts.append(((1 / (1 + np.exp(-random.normal(4 * label - 3, 3)))).astype(np.float32), label))
    values, label = np.concatenate([v for v, _ in parts]), np.concatenate([t for _, t in parts])
    points = _fine(parts).points()
    assert points.areas.auc_roc == pytest.approx(metrics.roc_auc_score(label.ravel(), values.ravel()), abs=1e-6)
    assert points.areas.auc_pr == pytest.approx(
        metrics.average_precision_score(label.ravel(), values.ravel()), abs=1e-4
    )
    assert (np.diff(points.thresholds[1:]) <= 0).all()
    middle = points.thresholds.size // 2
    counts = count(values >= points.thresholds[middle], label, np.ones_like(label))
    assert (counts.tp, counts.fp) == (points.tp[middle], points.fp[middle])


def test_pooling_measured_photographs_is_measuring_them_together() -> None:
    random = np.random.default_rng(9)
    each = [_measured(random, 0.4) for _ in range(3)]
    values, label = np.vstack([v for _, v, _ in each]), np.vstack([t for _, _, t in each])
    together = measure(ProbabilityMap(values), label, np.ones_like(label), rule=ThresholdRule(128))
    pooled = pool([one for one, _, _ in each], together.areas)
    whole = {"cl_dice", "thin_sensitivity", "pieces", "pieces_error"}  # which know of no seam
    for name in set(SCORE_NAMES) - whole:
        assert getattr(pooled.scores, name) == pytest.approx(getattr(together.scores, name), abs=1e-12), name
