"""Areas and curves against scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics

from core.evaluation.confusion import LevelHistogram, count
from core.evaluation.curves import (
    FINE_BINS,
    Areas,
    PooledValues,
    _fine_bin,
    areas,
    histogram_points,
    operating_points,
)
from core.types import ProbabilityMap

FINE = st.floats(0, 1, width=32)
COARSE = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])  # many ties


@st.composite
def maps(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, a label and a region of one shape."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=10))
    values = draw(hnp.arrays(np.float32, shape, elements=draw(st.sampled_from([FINE, COARSE]))))
    label, inside = draw(hnp.arrays(np.bool_, shape)), draw(hnp.arrays(np.bool_, shape))
    return values, label, inside


def _of_scikit_learn(truth: np.ndarray, values: np.ndarray) -> Areas:
    if truth.all() or not truth.any():
        return Areas()
    return Areas(metrics.roc_auc_score(truth, values), metrics.average_precision_score(truth, values))


def _agree(ours: Areas, theirs: Areas, tolerance: float = 1e-12) -> None:
    for mine, other in ((ours.auc_roc, theirs.auc_roc), (ours.auc_pr, theirs.auc_pr)):
        assert (math.isnan(mine) and math.isnan(other)) or abs(mine - other) <= tolerance, (ours, theirs)


def _realistic(seed: int, shape: tuple[int, int] = (120, 90)) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A map like a network's: most pixels near 0 or 1, ties by saturation, vessels rare."""
    rng = np.random.default_rng(seed)
    label = rng.random(shape) < 0.12
    values = (1 / (1 + np.exp(-(rng.normal(0, 4, shape) + np.where(label, 5, -9))))).astype(np.float32)
    return np.where(rng.random(shape) < 0.3, np.float32(0), values), label, rng.random(shape) < 0.8


@given(maps())
def test_areas_are_scikit_learns(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    values, label, inside = case
    expected = _of_scikit_learn(label[inside], values[inside])
    _agree(areas(values, label, inside), expected)
    _agree(operating_points(values, label, inside).areas, expected)


@given(maps())
def test_live_areas_are_those_of_the_levels(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    values, label, inside = case
    levels = ProbabilityMap(values).levels
    points = histogram_points(LevelHistogram.from_map(levels, label, inside))
    _agree(points.areas, _of_scikit_learn(label[inside], levels[inside]))


def test_curves_are_scikit_learns() -> None:
    values, label, inside = _realistic(1)
    points = operating_points(values, label, inside)
    fpr, tpr, thresholds = metrics.roc_curve(label[inside], values[inside], drop_intermediate=False)
    np.testing.assert_allclose(points.false_positive_rate, fpr, atol=1e-12)
    np.testing.assert_allclose(points.sensitivity, tpr, atol=1e-12)
    np.testing.assert_array_equal(points.thresholds, thresholds)
    precision, recall, _ = metrics.precision_recall_curve(label[inside], values[inside])
    np.testing.assert_allclose(points.precision[1:], precision[-2::-1], atol=1e-12)  # without its artificial end point
    np.testing.assert_allclose(points.sensitivity[1:], recall[-2::-1], atol=1e-12)
    assert math.isnan(points.precision[0])


def test_every_point_of_the_curve_is_the_count_of_its_mask() -> None:
    values, label, inside = _realistic(2, (20, 20))
    points = operating_points(values, label, inside)
    for threshold, tp, fp in zip(points.thresholds, points.tp, points.fp, strict=True):
        counts = count(values >= threshold, label, inside)
        assert (counts.tp, counts.fp) == (tp, fp)


def test_pooled_areas_are_those_of_all_pixels_together() -> None:
    photos = [_realistic(seed, (60 + seed, 50)) for seed in range(4)]
    truth = np.concatenate([label[inside] for _, label, inside in photos])
    values = np.concatenate([values[inside] for values, _, inside in photos])
    expected = _of_scikit_learn(truth, values)

    pool = PooledValues()
    for photo in photos:
        _agree(pool.add(*photo), areas(*photo))
    assert pool.exact
    _agree(pool.areas(), expected)


@pytest.mark.parametrize("limit", [0, 5_000, 9_000])
def test_too_many_pixels_are_pooled_in_bins_and_it_says_so(limit: int) -> None:
    photos = [_realistic(seed, (60, 50)) for seed in range(4)]
    exact, binned = PooledValues(), PooledValues(exact_pixels=limit)
    for photo in photos:
        exact.add(*photo)
        _agree(binned.add(*photo), areas(*photo))  # one photograph's own areas stay exact
    assert not binned.exact
    _agree(binned.areas(), exact.areas(), tolerance=1e-5)


def test_nothing_to_pool_is_undefined() -> None:
    assert math.isnan(PooledValues().areas().auc_roc)


def test_a_map_worse_than_chance_stays_below_one_half() -> None:
    label = np.array([[True, True, False, False]])
    values = np.array([[0.1, 0.2, 0.8, 0.9]], dtype=np.float32)
    inside = np.ones_like(label)
    assert areas(values, label, inside).auc_roc == 0.0
    assert areas(1 - values, label, inside) == Areas(1.0, 1.0)
    assert areas(np.full_like(values, 0.3), label, inside) == Areas(0.5, 0.5)


def test_the_map_is_left_as_it_was() -> None:
    values, label, inside = _realistic(5, (10, 10))
    before = values.copy()
    areas(values, label, np.ones_like(inside))
    np.testing.assert_array_equal(values, before)


@given(st.lists(FINE, min_size=2, max_size=50))
def test_fine_bins_keep_the_order_of_values(numbers: list[float]) -> None:
    values = np.sort(np.array([0.0, *numbers, 0.5, np.nextafter(np.float32(0.5), 1), 1.0], dtype=np.float32))
    bins = _fine_bin(values)
    assert (np.diff(bins) >= 0).all()
    assert bins[0] >= 0
    assert bins[-1] < FINE_BINS
