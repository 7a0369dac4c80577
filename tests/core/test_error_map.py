"""The map of the errors, its connected parts, and thresholds that follow from a label."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage import measure

from core.evaluation.confusion import LevelHistogram, count
from core.evaluation.error_map import (
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    TRUE_POSITIVE,
    error_map,
    largest_errors,
)
from core.evaluation.suggest import at_sensitivity, best_f1, chosen_on_label, youden
from core.threshold_rule import ThresholdRule

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14)


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    shape = draw(SHAPES)
    mask, label, inside = (draw(hnp.arrays(np.bool_, shape)) for _ in range(3))
    return mask, label, inside


@given(comparisons())
def test_the_codes_say_what_each_pixel_is(case: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    mask, label, inside = case
    codes = error_map(mask, label, inside)
    assert np.array_equal(codes == TRUE_POSITIVE, mask & label & inside)
    assert np.array_equal(codes == FALSE_POSITIVE, mask & ~label & inside)
    assert np.array_equal(codes == FALSE_NEGATIVE, ~mask & label & inside)
    counts = count(mask, label, inside)
    of_codes = [np.count_nonzero(codes == code) for code in (TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE)]
    assert of_codes == [counts.tp, counts.fp, counts.fn]


@given(comparisons())
def test_errors_are_scikit_images_components_with_the_largest_first(
    case: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    codes = error_map(*case)
    for kind, code in (("false_negative", FALSE_NEGATIVE), ("false_positive", FALSE_POSITIVE)):
        found = largest_errors(codes, kind)
        components = measure.regionprops(measure.label(codes == code, connectivity=2))
        assert sorted((e.area_px, e.box) for e in found) == sorted((round(c.area), c.bbox) for c in components)
        assert [error.area_px for error in found] == sorted((e.area_px for e in found), reverse=True)
        for error in found:
            assert codes[error.centre] == code
            top, left, bottom, right = error.box
            assert top <= error.centre[0] < bottom
            assert left <= error.centre[1] < right


def test_the_centre_of_a_bent_error_lies_on_it() -> None:
    label = np.zeros((40, 40), dtype=np.bool_)
    label[5:35, 5] = label[5:35, 34] = label[34, 5:35] = True  # a U: its mean is in the hollow
    codes = error_map(np.zeros_like(label), label, np.ones_like(label))
    (error,) = largest_errors(codes, "false_negative")
    assert (error.area_px, error.box) == (88, (5, 5, 35, 35))
    assert label[error.centre]


def test_only_so_many_errors_as_are_asked_for() -> None:
    label = np.zeros((30, 60), dtype=np.bool_)
    for number in range(10):
        label[3 : 5 + number, 6 * number] = True
    codes = error_map(np.zeros_like(label), label, np.ones_like(label))
    assert [error.area_px for error in largest_errors(codes, "false_negative", limit=3)] == [11, 10, 9]
    assert largest_errors(codes, "false_positive") == ()


@st.composite
def histograms(draw: st.DrawFn) -> LevelHistogram:
    shape = draw(SHAPES)
    levels = draw(hnp.arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 5, 60, 128, 200, 254, 255])))
    return LevelHistogram.from_map(levels, draw(hnp.arrays(np.bool_, shape)), np.ones(shape, dtype=np.bool_))


def _each(histogram: LevelHistogram, score: str) -> list[float]:
    values = []
    for level in range(1, 256):
        scores = histogram.counts_at(level).scores()
        values.append(scores.f1 if score == "f1" else scores.sensitivity + scores.specificity - 1)
    return values


@given(histograms())
@settings(max_examples=60)
def test_suggested_thresholds_are_the_best_of_all(histogram: LevelHistogram) -> None:
    for suggest, score, origin in ((best_f1, "f1", "best_f1"), (youden, "youden", "youden")):
        rule = suggest(histogram)
        values = _each(histogram, score)
        if rule is None:
            assert score == "f1" or np.isnan(values).all()
            assert score == "youden" or not np.nanmax([*values, 0.0])
        else:
            assert values[rule.level - 1] == pytest.approx(np.nanmax(values), abs=1e-12)
            assert rule.origin == origin
            assert chosen_on_label(rule)


@given(histograms(), st.floats(0, 1))
@settings(max_examples=60)
def test_the_experts_sensitivity_is_reached_with_the_fewest_false_positives(
    histogram: LevelHistogram, wanted: float
) -> None:
    rule = at_sensitivity(histogram, wanted)
    reached = [level for level in range(1, 256) if histogram.counts_at(level).scores().sensitivity >= wanted]
    assert rule == (ThresholdRule(max(reached), "expert") if reached else None)


def test_own_and_given_thresholds_were_not_chosen_on_the_label() -> None:
    assert not any(chosen_on_label(ThresholdRule(9, origin)) for origin in ("model", "user", "otsu", "sidecar"))


def test_borders_are_left_out_and_vessels_of_one_side_only_remain() -> None:
    label = np.zeros((40, 60), np.bool_)
    label[10:14, 5:55] = True
    label[30:32, 10:20] = True  # missed
    vessel = np.zeros_like(label)
    vessel[9:15, 5:55] = True  # a pixel wider all around
    vessel[20:22, 30:45] = True  # drawn by nobody
    codes = error_map(vessel, label, np.ones_like(label))
    assert [error.area_px for error in largest_errors(codes, "false_positive")] == [50, 50, 30]
    (only,) = largest_errors(codes, "false_positive", border_px=1)
    assert (only.area_px, only.box) == (30, (20, 30, 22, 45))
    (missed,) = largest_errors(codes, "false_negative", border_px=1)
    assert missed.area_px == 20
    assert largest_errors(error_map(label, label, np.ones_like(label)), "false_negative", border_px=2) == ()
