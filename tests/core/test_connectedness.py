"""Pieces, Betti-0 error and the sensitivity for thin vessels, against scikit-image and scipy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage import measure as reference
from skimage.morphology import skeletonize

from core.datasets.synthetic import draw_case
from core.evaluation.bootstrap import bootstrap
from core.evaluation.connectedness import NOT_COUNTED, THIN_PX, Connectedness, pieces, unit_of
from core.evaluation.measure import measure, measure_mask, pool
from core.threshold_rule import ThresholdRule
from core.types import BoolArray, ProbabilityMap

SHAPE = (64, 64)
EVERYWHERE = np.ones(SHAPE, dtype=np.bool_)
_masks = hnp.arrays(np.bool_, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=st.booleans())


def _line(row: int, width: int, start: int = 8, stop: int = 56) -> BoolArray:
    """A vessel from left to right; ``row`` is its middle."""
    mask = np.zeros(SHAPE, dtype=np.bool_)
    mask[row - width // 2 : row + width // 2 + 1, start:stop] = True
    return mask


@given(_masks, st.integers(0, 99))
def test_pieces_are_those_of_scikit_image(vessel: BoolArray, seed: int) -> None:
    inside = np.random.default_rng(seed).random(vessel.shape) < 0.8
    part = np.pad(vessel & inside, 1)
    assert pieces(vessel, inside) == reference.label(part, connectivity=2, return_num=True)[1]
    holes = reference.label(~part, connectivity=1, return_num=True)[1] - 1
    assert pieces(vessel, inside) == reference.euler_number(part, connectivity=2) + holes  # Euler's: pieces - holes


@given(st.integers(0, 20), st.sampled_from([0.4, 1.0, 2.2]))
def test_thin_vessels_are_those_of_an_exact_distance(seed: int, unit: float) -> None:
    case = draw_case(seed, 120)
    label, inside = case.label.vessel, case.fov.inside
    found = np.roll(label, (1, 2), (0, 1))
    ours = measure_mask(found, label, inside, unit_px=unit).scores
    line = skeletonize(label & inside)
    thin = line & (2 * ndimage.distance_transform_edt(label & inside) - 1 <= THIN_PX * unit + 1e-4)
    if not thin.any():
        assert math.isnan(ours.thin_sensitivity)
    else:
        assert ours.thin_sensitivity == pytest.approx(np.mean(found[thin]), abs=1e-12)


def test_the_error_is_the_difference_of_a_photograph_and_does_not_cancel_out_over_several() -> None:
    whole, broken = _line(20, 3), _line(20, 3) & ~_line(20, 3, 30, 34)
    more = measure_mask(broken, whole, EVERYWHERE)
    fewer = measure_mask(whole, broken, EVERYWHERE)
    assert (more.scores.pieces, more.scores.pieces_error) == (2, 1)
    assert (fewer.scores.pieces, fewer.scores.pieces_error) == (1, 1)
    both = pool([more, fewer]).scores
    assert (both.pieces, both.pieces_error) == (1.5, 1)


def test_pieces_that_touch_at_a_corner_are_one_and_those_outside_do_not_count() -> None:
    corner = np.zeros(SHAPE, dtype=np.bool_)
    corner[5, 5] = corner[6, 6] = corner[40, 40] = True
    upper = np.zeros(SHAPE, dtype=np.bool_)
    upper[:32] = True
    assert pieces(corner, EVERYWHERE) == 2
    assert pieces(corner, upper) == 1
    assert pieces(corner, np.zeros_like(upper)) == 0


def test_only_thin_vessels_ask_for_their_centre_lines() -> None:
    label = _line(10, 3) | _line(40, 9)
    thick_only, thin_only = _line(40, 9), _line(10, 3)
    assert measure_mask(thin_only, label, EVERYWHERE, unit_px=1.0).scores.thin_sensitivity == 1.0
    missed = measure_mask(thick_only, label, EVERYWHERE, unit_px=1.0)
    assert missed.scores.thin_sensitivity < 0.1  # the forks at the ends of a thick vessel count as thin ones
    assert math.isnan(measure_mask(thin_only, label, EVERYWHERE).scores.thin_sensitivity), "of no known scale"
    assert measure_mask(thick_only, label, EVERYWHERE, unit_px=unit_of(3 * 540)).scores.thin_sensitivity > 0.4


def test_nothing_is_undefined_and_parts_add_up() -> None:
    nothing = np.zeros(SHAPE, dtype=np.bool_)
    empty = measure_mask(nothing, nothing, EVERYWHERE, unit_px=1.0).scores
    assert (empty.pieces, empty.pieces_error) == (0, 0)
    assert math.isnan(empty.thin_sensitivity)
    assert math.isnan(NOT_COUNTED.pieces)
    assert math.isnan(NOT_COUNTED.pieces_error)
    one = Connectedness(1, 3, 2, 1, 4, 5)
    assert one + one == Connectedness(2, 6, 4, 2, 8, 10)


def test_intervals_have_them_and_a_map_is_counted_at_its_threshold() -> None:
    label = _line(20, 3)
    values = np.where(label, 0.9, 0.1).astype(np.float32)
    values[20 - 1 : 22, 30:34] = 0.4
    maps = [measure(ProbabilityMap(values), label, EVERYWHERE, rule=ThresholdRule(k), unit_px=1.0) for k in (90, 200)]
    assert [one.scores.pieces for one in maps] == [1, 2]
    drawn = bootstrap(maps, 200, 1)
    assert (drawn.pooled.low.pieces, drawn.pooled.high.pieces) == (1, 2)
    assert (drawn.mean.low.pieces_error, drawn.mean.high.pieces_error) == (0, 1)
    assert drawn.pooled.low.thin_sensitivity < drawn.pooled.high.thin_sensitivity == 1.0
