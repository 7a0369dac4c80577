"""Quick ways to numbers that must be those of the slow ones, to the last bit: what is found hangs on them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.photo import circles
from core.photo.histograms import counts_of, median_of, percentile_of

LEVELS = arrays(np.uint8, st.integers(1, 300), elements=st.integers(0, 255))


@given(LEVELS, st.sampled_from([0.0, 25.0, 50.0, 95.0, 99.0, 99.5, 100.0]))
def test_median_and_percentile_are_those_of_numpy(levels: np.ndarray, percent: float) -> None:
    counts = counts_of(levels)
    assert median_of(counts) == np.median(levels)
    assert percentile_of(counts, percent) == np.percentile(levels, percent)


@given(st.integers(0, 2**32 - 1))
def test_only_what_is_asked_for_is_counted(seed: int) -> None:
    draw = np.random.default_rng(seed)
    levels = draw.integers(0, 256, (40, 50)).astype(np.uint8)[::2, ::3]  # not contiguous, as parts of pictures are
    among = draw.random(levels.shape) < 0.5
    np.testing.assert_array_equal(counts_of(levels, among), np.bincount(levels[among], minlength=256))


@given(st.integers(0, 2**32 - 1), st.integers(0, 4))
def test_points_are_on_circles_as_their_distance_says(seed: int, exact: int) -> None:
    """Also points that are just at the limit, where rounding decides."""
    draw = np.random.default_rng(seed)
    found = np.column_stack([draw.uniform(-200, 700, (30, 2)), draw.uniform(40, 600, 30)])
    angles = draw.uniform(0, 2 * np.pi, 60)
    share = 1 + draw.choice([-1, 1], 60) * circles._ON_CIRCLE + draw.choice([0.0, 1e-16, 1e-13, 1e-10, 1e-3], 60)
    x, y, radius = found[exact]
    points = np.column_stack([x + share * radius * np.cos(angles), y + share * radius * np.sin(angles)])
    expected = np.array([circles._off(points, circle) < circles._ON_CIRCLE for circle in found])
    np.testing.assert_array_equal(circles._points_on(points, found), expected)
