"""The curve as a table, and the curve to be drawn."""

import csv
import io

import numpy as np
import pytest
from sklearn import metrics

from core.datasets.synthetic import draw_case
from core.evaluation.confusion import LevelHistogram
from core.evaluation.curve_table import curve_csv
from core.evaluation.curves import areas, operating_points, thinned_curve
from core.types import BoolArray, FloatArray, ProbabilityMap


def drawn_map(seed: int = 1, side: int = 96) -> tuple[FloatArray, BoolArray, BoolArray]:
    case = draw_case(seed, side)
    random = np.random.default_rng(seed)
    values = np.clip(0.55 * case.label.vessel + random.normal(0.2, 0.15, (side, side)), 0, 1) * case.fov.inside
    return values.astype(np.float32), case.label.vessel, case.fov.inside


def test_each_line_is_what_scikit_learn_says_about_its_threshold() -> None:
    values, label, inside = drawn_map()
    levels = ProbabilityMap(values).levels
    text = curve_csv(LevelHistogram.from_map(levels, label, inside), {"photograph": "eye, 1.png"})
    lines = list(csv.DictReader(io.StringIO(text)))
    assert [int(line["level"]) for line in lines] == list(range(1, 256))
    assert {line["photograph"] for line in lines} == {"eye, 1.png"}
    for line in lines[::50]:
        mask = values[inside] >= float(line["threshold"])
        assert float(line["f1"]) == pytest.approx(metrics.f1_score(label[inside], mask))
        assert float(line["sensitivity"]) == pytest.approx(metrics.recall_score(label[inside], mask))
        assert float(line["false_positive_rate"]) == pytest.approx(1 - metrics.recall_score(~label[inside], ~mask))
    nothing_found = np.zeros_like(levels)
    empty = curve_csv(LevelHistogram.from_map(nothing_found, label, inside), {}).splitlines()[-1]
    assert empty.split(",")[9] == ""  # no precision without anything found


def test_the_drawn_curve_lies_on_the_exact_one_and_has_its_areas() -> None:
    values, label, inside = drawn_map()
    curve, area = thinned_curve(values, label, inside, steps=50)
    exact = operating_points(values, label, inside)
    assert area == areas(values, label, inside)
    assert curve.tp.size < 420
    points = set(zip(exact.tp.tolist(), exact.fp.tolist(), strict=True))
    assert set(zip(curve.tp.tolist(), curve.fp.tolist(), strict=True)) <= points
    assert abs(curve.areas.auc_roc - area.auc_roc) < 1e-3
    nothing = thinned_curve(values, np.zeros_like(label), inside)[1]
    assert np.isnan(nothing.auc_roc)
