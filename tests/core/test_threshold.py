"""Thresholding: exact at every multiple of 1/256, and Otsu's choice against scikit-image."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.filters import apply_hysteresis_threshold, threshold_otsu
from skimage.morphology import remove_small_objects

from core.masks import threshold
from core.masks.edits import BACKGROUND, UNTOUCHED, VESSEL, MaskEdits
from core.masks.threshold import apply_threshold, level_counts, otsu_level, ruled_levels
from core.threshold_rule import ThresholdRule
from core.types import FieldOfView, ProbabilityMap

FLOATS = arrays(np.float32, (7, 9), elements=st.floats(0, 1, width=32))


def edge_values() -> npt.NDArray[np.float32]:
    """Every k/256 with its two neighbours among the float32 numbers, where rounding would show."""
    exact = np.arange(257, dtype=np.float32) / np.float32(256)
    below, above = np.nextafter(exact, np.float32(-1)), np.nextafter(exact, np.float32(2))
    return np.stack([below, exact, above]).clip(0, 1).astype(np.float32)


@pytest.mark.parametrize("level", [1, 2, 77, 128, 254, 255])
def test_the_mask_is_p_at_least_k_over_256_without_rounding(level: int) -> None:
    values = edge_values()
    mask = apply_threshold(ProbabilityMap(values), ThresholdRule(level, "model"))
    assert np.array_equal(mask.vessel, values.astype(np.float64) >= level / 256)
    assert mask.rule == ThresholdRule(level, "model")
    assert not mask.edited


@given(values=FLOATS, low=st.integers(1, 255), high=st.integers(1, 255))
def test_a_higher_threshold_never_adds_a_vessel(values: npt.NDArray[np.float32], low: int, high: int) -> None:
    low, high = sorted((low, high))
    probability = ProbabilityMap(values)
    many, few = (apply_threshold(probability, ThresholdRule(level)).vessel for level in (low, high))
    assert (many | ~few).all()
    assert np.array_equal(few, values.astype(np.float64) >= high / 256)


def in_two_heaps(seed: int, share: float, apart: float) -> npt.NDArray[np.float32]:
    """Probabilities as networks give them: a heap near 0, a smaller one higher up, some between."""
    rng = np.random.default_rng(seed)
    vessel = rng.random((80, 90)) < share
    return (
        np.where(vessel, rng.normal(0.3 + apart, 0.12, vessel.shape), rng.exponential(0.08, vessel.shape))
        .clip(0, 1)
        .astype(np.float32)
    )


@given(seed=st.integers(0, 10_000), share=st.floats(0.03, 0.6), apart=st.floats(0.1, 0.6))
def test_otsu_is_that_of_scikit_image(seed: int, share: float, apart: float) -> None:
    """Inside the field of view. scikit-image gives the highest level of the lower class, we the lowest of the upper."""
    probability = ProbabilityMap(in_two_heaps(seed, share, apart))
    inside = np.zeros(probability.shape, np.bool_)
    inside[5:70, 10:85] = True
    theirs = int(threshold_otsu(probability.levels[inside]))
    ours = otsu_level(probability, FieldOfView(inside, "file"))
    levels = probability.levels[inside]
    # Where a level is empty, several thresholds split alike: what counts is that the classes are the same.
    assert np.array_equal(levels >= ours, levels > theirs)


def test_otsu_looks_inside_the_field_of_view_only() -> None:
    values = in_two_heaps(1, 0.3, 0.4)
    inside = np.ones(values.shape, np.bool_)
    inside[:, 45:] = False
    fov = FieldOfView(inside, "file")
    other = values.copy()
    other[:, 45:] = 1.0
    assert otsu_level(ProbabilityMap(values), fov) == otsu_level(ProbabilityMap(other), fov)


def test_otsu_between_two_values_and_of_a_single_one() -> None:
    values = np.full((10, 10), 0.25, np.float32)
    fov = FieldOfView.full(values.shape)
    assert otsu_level(ProbabilityMap(values), fov) == 128
    values[:3] = 0.75
    level = otsu_level(ProbabilityMap(values), fov)
    assert 64 < level <= 192
    assert abs(level - 128) <= 1  # in the middle of the empty stretch
    assert otsu_level(ProbabilityMap(np.zeros((4, 4), np.float32)), FieldOfView.full((4, 4))) in range(1, 256)


def test_a_field_of_view_of_another_size_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="field of view"):
        otsu_level(ProbabilityMap(np.zeros((4, 4), np.float32)), FieldOfView.full((4, 5)))


LEVEL_MAPS = arrays(np.uint8, (9, 11), elements=st.integers(0, 255))


def as_map(levels: npt.NDArray[np.uint8]) -> ProbabilityMap:
    return ProbabilityMap(levels.astype(np.float32) / np.float32(256))


def large_vessels(vessel: npt.NDArray[np.bool_], least: int) -> npt.NDArray[np.bool_]:
    """scikit-image's removal of small objects, which begins at two pixels."""
    return np.asarray(remove_small_objects(vessel, max_size=least - 1, connectivity=2)) if least > 1 else vessel


@given(levels=LEVEL_MAPS, high=st.integers(1, 255), low=st.integers(1, 255), least=st.integers(0, 12))
def test_hysteresis_and_smallest_vessels_are_those_of_scikit_image(
    levels: npt.NDArray[np.uint8], high: int, low: int, least: int
) -> None:
    low, high = sorted((low, high))
    made = apply_threshold(as_map(levels), ThresholdRule(high, "user", low, least)).vessel
    reference = apply_hysteresis_threshold(levels, low - 1, high - 1)  # it takes what is above
    assert np.array_equal(made, large_vessels(reference, least))


@given(levels=LEVEL_MAPS, high=st.integers(1, 255), low=st.integers(1, 255), least=st.integers(0, 12), data=st.data())
def test_a_hand_has_the_last_word_at_every_rule(
    levels: npt.NDArray[np.uint8], high: int, low: int, least: int, data: st.DataObject
) -> None:
    low, high = sorted((low, high))
    probability, rule = as_map(levels), ThresholdRule(high, "user", low, least)
    edits = MaskEdits(probability.levels)
    codes = data.draw(arrays(np.uint8, levels.shape, elements=st.integers(0, 2)))
    edits.replace((0, 0, *levels.shape), codes)
    made, own = edits.mask(rule).vessel, apply_threshold(probability, rule).vessel
    assert made[codes == VESSEL].all()
    assert not made[codes == BACKGROUND].any()
    assert np.array_equal(made[codes == UNTOUCHED], own[codes == UNTOUCHED])


def test_a_plain_rule_leaves_the_levels_as_they_are() -> None:
    levels = as_map(np.arange(99, dtype=np.uint8).reshape(9, 11)).levels
    for rule in (ThresholdRule(50), ThresholdRule(50, "user", 50, 1)):
        assert ruled_levels(levels, rule) is levels
    with pytest.raises(ValueError, match="low level"):
        ThresholdRule(50, "user", 51)
    with pytest.raises(ValueError, match="fewer than 0"):
        ThresholdRule(50, "user", None, -1)


def test_levels_are_counted_as_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    levels, inside = random.integers(0, 256, (70, 40), dtype=np.uint8), random.random((70, 40)) < 0.7
    whole = np.bincount(levels[inside], minlength=256)
    assert np.array_equal(level_counts(levels, inside), whole)
    monkeypatch.setattr(threshold, "_MOST_COUNTED", 40 * 9)  # in strips
    assert np.array_equal(level_counts(levels, inside), whole)
    assert np.array_equal(
        level_counts(levels[:, ::2], inside[:, ::2]), np.bincount(levels[:, ::2][inside[:, ::2]], minlength=256)
    )
