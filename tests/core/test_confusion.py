"""Counts and scores against scikit-learn, and the properties that any confusion matrix has."""

import json
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics

from core.evaluation.confusion import SCORE_NAMES, Counts, LevelHistogram, Scores, count, region_of
from core.evaluation.measure import Measured
from core.evaluation.summary import Summary
from core.threshold_rule import ThresholdRule
from core.types import FieldOfView, ProbabilityMap

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12)


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A mask, a label and a region of one shape."""
    shape = draw(SHAPES)
    mask, label, inside = (draw(hnp.arrays(np.bool_, shape)) for _ in range(3))
    inside[0, 0] = True
    return mask, label, inside


def _same(ours: float, theirs: float) -> bool:
    return (math.isnan(ours) and math.isnan(theirs)) or math.isclose(ours, theirs, abs_tol=1e-12)


@given(comparisons())
def test_every_score_is_scikit_learns(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    mask, label, inside = case
    counts = count(mask, label, inside)
    truth, found = label[inside], mask[inside]

    tn, fp, fn, tp = metrics.confusion_matrix(truth, found, labels=[False, True]).ravel()
    assert (counts.tp, counts.fp, counts.tn, counts.fn) == (tp, fp, tn, fn)

    nan = {"zero_division": np.nan}
    scores = counts.scores()
    assert _same(scores.accuracy, metrics.accuracy_score(truth, found))
    assert _same(scores.sensitivity, metrics.recall_score(truth, found, **nan))
    assert _same(scores.specificity, metrics.recall_score(truth, found, pos_label=False, **nan))
    assert _same(scores.precision, metrics.precision_score(truth, found, **nan))
    assert _same(scores.f1, metrics.f1_score(truth, found, **nan))
    # jaccard_score knows no NaN: it is compared where there is something to compare.
    assert math.isnan(scores.iou) if tp + fp + fn == 0 else _same(scores.iou, metrics.jaccard_score(truth, found))
    if math.isnan(scores.mcc):
        assert 0 in (tp + fp, tp + fn, tn + fp, tn + fn)
    else:
        assert _same(scores.mcc, metrics.matthews_corrcoef(truth, found))


@given(comparisons())
def test_swapping_mask_and_label_swaps_false_positives_and_false_negatives(
    case: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    mask, label, inside = case
    there, back = count(mask, label, inside), count(label, mask, inside)
    assert (there.tp, there.tn, there.fp, there.fn) == (back.tp, back.tn, back.fn, back.fp)
    assert _same(there.scores().f1, back.scores().f1)
    assert _same(there.scores().precision, back.scores().sensitivity)


@given(comparisons())
def test_inverting_both_swaps_sensitivity_and_specificity(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    mask, label, inside = case
    scores, inverted = count(mask, label, inside).scores(), count(~mask, ~label, inside).scores()
    assert _same(scores.sensitivity, inverted.specificity)
    assert _same(scores.specificity, inverted.sensitivity)
    assert _same(scores.accuracy, inverted.accuracy)
    assert _same(scores.mcc, inverted.mcc)


@given(comparisons())
def test_counts_of_a_region_and_of_the_rest_add_up_to_the_whole(
    case: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    mask, label, inside = case
    everywhere = np.ones_like(inside)
    assert count(mask, label, inside) + count(mask, label, ~inside) == count(mask, label, everywhere)
    assert count(mask, label, everywhere).total == mask.size


def test_a_perfect_mask_scores_one_everywhere_and_its_opposite_minus_one() -> None:
    label = np.array([[True, False, False]])
    inside = np.ones_like(label)
    perfect, opposite = count(label, label, inside).scores(), count(~label, label, inside).scores()
    assert all(getattr(perfect, name) == 1.0 for name in SCORE_NAMES[:7])
    assert (opposite.accuracy, opposite.f1, opposite.iou, opposite.mcc) == (0.0, 0.0, 0.0, -1.0)


@pytest.mark.parametrize(
    ("counts", "undefined"),
    [
        (Counts(0, 0, 0, 0), {"accuracy", "sensitivity", "specificity", "precision", "f1", "iou", "mcc", "kappa"}),
        (Counts(0, 0, 9, 0), {"sensitivity", "precision", "f1", "iou", "mcc", "kappa"}),
        (Counts(0, 0, 8, 1), {"precision", "mcc"}),
        (Counts(0, 1, 8, 0), {"sensitivity", "mcc"}),
        (Counts(5, 0, 0, 4), {"specificity", "mcc"}),
    ],
)
def test_undefined_is_nan_and_null_in_json(counts: Counts, undefined: set[str]) -> None:
    connected = {"thin_sensitivity": 0.6, "pieces": 9.0, "pieces_error": 7.0}
    values = counts.scores(auc_roc=0.9, auc_pr=0.8, cl_dice=0.7, ece=0.1, **connected).to_dict()
    assert {name for name, value in values.items() if value is None} == undefined
    assert json.loads(json.dumps(values, allow_nan=False)) == values


def test_the_correlation_of_a_24_megapixel_photograph_does_not_overflow() -> None:
    big = Counts(tp=2_000_000, fp=300_000, tn=21_000_000, fn=700_000)
    small = Counts(tp=2_000, fp=300, tn=21_000, fn=700)
    assert big.scores().mcc == pytest.approx(small.scores().mcc, abs=1e-12)


def test_arrays_of_different_shapes_are_refused_not_broadcast() -> None:
    row, block = np.ones((1, 4), dtype=np.bool_), np.ones((3, 4), dtype=np.bool_)
    with pytest.raises(ValueError, match=r"label \(1, 4\)"):
        count(block, row, block)
    with pytest.raises(ValueError, match=r"inside \(1, 4\)"):
        LevelHistogram.from_map(np.zeros((3, 4), dtype=np.uint8), block, row)


@st.composite
def maps(draw: st.DrawFn) -> tuple[ProbabilityMap, np.ndarray, np.ndarray]:
    """A map that also holds values exactly on and just beside thresholds, with a label and a region."""
    shape = draw(SHAPES)
    on_threshold = st.integers(0, 256).map(lambda k: k / 256)
    beside = on_threshold.map(lambda p: float(np.nextafter(np.float32(p), np.float32(0))))
    anywhere = st.floats(0, 1, width=32)
    values = draw(hnp.arrays(np.float32, shape, elements=st.one_of(on_threshold, beside, anywhere)))
    label, inside = draw(hnp.arrays(np.bool_, shape)), draw(hnp.arrays(np.bool_, shape))
    return ProbabilityMap(values), label, inside


@given(maps())
@settings(max_examples=50)
def test_the_histogram_counts_what_the_mask_counts_at_every_level(
    case: tuple[ProbabilityMap, np.ndarray, np.ndarray],
) -> None:
    probability, label, inside = case
    histogram = LevelHistogram.from_map(probability.levels, label, inside)
    for level in range(256):
        assert histogram.counts_at(level) == count(probability.levels >= level, label, inside)
    for level in range(1, 256):
        # And the 8-bit levels decide exactly as the floats do.
        assert histogram.counts(ThresholdRule(level)) == count(probability.values >= level / 256, label, inside)
    assert histogram.counts_at(256) == count(np.zeros_like(label), label, inside)
    for level in (-1, 257):
        with pytest.raises(ValueError, match="0 to 256"):
            histogram.counts_at(level)


def test_the_histogram_of_many_rows_counts_each_row_once() -> None:
    rng = np.random.default_rng(3)
    levels = rng.integers(0, 256, (1300, 7), dtype=np.uint8)
    label, inside = rng.random(levels.shape) < 0.2, rng.random(levels.shape) < 0.7
    histogram = LevelHistogram.from_map(levels, label, inside)
    assert [histogram.counts_at(k) for k in (1, 77, 255)] == [count(levels >= k, label, inside) for k in (1, 77, 255)]


def test_histograms_of_two_photographs_pool() -> None:
    rng = np.random.default_rng(4)
    levels, label = rng.integers(0, 256, (2, 9, 9), dtype=np.uint8), rng.random((2, 9, 9)) < 0.4
    first, second = (LevelHistogram.from_map(levels[i], label[i], np.ones((9, 9), dtype=np.bool_)) for i in range(2))
    both = LevelHistogram.from_map(np.vstack(levels), np.vstack(label), np.ones((18, 9), dtype=np.bool_))
    assert [(first + second).counts_at(k) for k in range(257)] == [both.counts_at(k) for k in range(257)]


def test_the_region_is_the_field_of_view_or_everything() -> None:
    fov = FieldOfView(np.eye(4, dtype=np.bool_), "file")
    assert region_of(fov, "fov").sum() == 4
    assert region_of(fov, "image").all()


def test_scores_without_a_map_have_no_areas() -> None:
    assert math.isnan(Counts(1, 1, 1, 1).scores().auc_roc)
    assert Scores().to_dict() == dict.fromkeys(Scores().to_dict())


def test_counting_raises_no_warning_on_empty_regions() -> None:
    nothing = np.zeros((3, 3), dtype=np.bool_)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert count(nothing, nothing, nothing) == Counts(0, 0, 0, 0)
        assert LevelHistogram.from_map(nothing.astype(np.uint8), nothing, nothing).counts_at(1) == Counts(0, 0, 0, 0)


def test_the_mean_is_over_the_photographs_in_which_a_figure_is_defined() -> None:
    each = [Counts(6, 2, 90, 2), Counts(0, 0, 95, 5), Counts(8, 0, 90, 2)]  # nothing found in the second: no precision
    summary = Summary.of([Measured(counts) for counts in each])
    assert summary.mean.precision == pytest.approx((6 / 8 + 1) / 2)
    assert summary.std.precision == pytest.approx(np.std([6 / 8, 1], ddof=1))
    assert summary.mean.sensitivity == pytest.approx((6 / 8 + 0 + 8 / 10) / 3)
    assert summary.pooled.sensitivity == pytest.approx(14 / 23)
    assert summary.n_images == 3
    single = Summary.of([Measured(each[0])])
    assert single.mean.f1 == single.pooled.f1
    assert math.isnan(single.std.f1)
    assert math.isnan(single.mean.auc_roc)
