"""Kappa, clDice and calibration against references."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.morphology import skeletonize
from sklearn import metrics
from sklearn.calibration import calibration_curve

from core.datasets.synthetic import draw_case
from core.evaluation.calibration import BINS, Calibration
from core.evaluation.cldice import CentreLineCounts, Skeletons, count_centre_lines
from core.evaluation.confusion import count
from core.masks.skeleton import skeleton

SHAPE = (64, 64)
EVERYWHERE = np.ones(SHAPE, dtype=np.bool_)


def _line(row: int, width: int, start: int = 8, stop: int = 56) -> np.ndarray:
    """A vessel from left to right; ``row`` is its middle."""
    mask = np.zeros(SHAPE, dtype=np.bool_)
    mask[row - width // 2 : row + width // 2 + 1, start:stop] = True
    return mask


def _cl_dice(found: np.ndarray, drawn: np.ndarray) -> float:
    """As the authors of clDice write it down."""
    s_found, s_drawn = skeletonize(found.copy()), skeletonize(drawn.copy())
    tprec, tsens = np.sum(s_found * drawn) / np.sum(s_found), np.sum(s_drawn * found) / np.sum(s_drawn)
    return float(2 * tprec * tsens / (tprec + tsens))


@given(st.integers(0, 50), st.integers(1, 40))
def test_kappa_is_scikit_learns(seed: int, size: int) -> None:
    random = np.random.default_rng(seed)
    found, drawn = random.random((2, 1, size)) < 0.4
    ours = count(found, drawn, np.ones_like(found)).scores().kappa
    if math.isnan(ours):
        assert len({*found[0].tolist(), *drawn[0].tolist()}) == 1  # one class only: nothing beyond chance
    else:
        assert ours == pytest.approx(metrics.cohen_kappa_score(drawn[0], found[0]), abs=1e-12)


def test_cl_dice_is_that_of_its_definition() -> None:
    case = draw_case(3, 200)
    drawn, inside = case.label.vessel, np.ones((200, 200), dtype=np.bool_)
    shifted = np.roll(drawn, (2, 1), (0, 1))
    ours = count_centre_lines(shifted, drawn, inside)
    assert ours.cl_dice == pytest.approx(_cl_dice(shifted, drawn), abs=1e-12)
    assert 0.2 < ours.cl_dice < 0.98
    given = count_centre_lines(shifted, drawn, inside, skeletons=(skeleton(shifted, inside), skeleton(drawn, inside)))
    assert given == ours


@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 30), st.integers(1, 30)), elements=st.booleans()), st.booleans())
def test_a_skeleton_is_scikit_images_of_the_vessels_in_the_region(vessel: np.ndarray, everywhere: bool) -> None:
    inside = np.ones_like(vessel)
    if not everywhere:
        inside[: vessel.shape[0] // 2] = False
    before = vessel.copy()
    vessel.setflags(write=False)
    assert np.array_equal(skeleton(vessel, inside), skeletonize(vessel & inside))
    assert np.array_equal(skeleton(vessel), skeletonize(before))


def test_skeletons_that_were_made_before_are_the_same() -> None:
    kept, upper = Skeletons(), np.zeros(SHAPE, dtype=np.bool_)
    upper[:32] = True
    inside_only, across = _line(20, 5), _line(20, 5) | _line(32, 9)
    for inside in (upper, EVERYWHERE, upper):
        for mask in (inside_only, across):
            assert np.array_equal(kept.of(mask, inside), skeleton(mask, inside))
            assert kept.of(mask, inside) is kept.of(mask, inside)
        assert kept.count(across, inside_only, inside) == count_centre_lines(across, inside_only, inside)
    assert kept.of(inside_only, upper) is kept.of(inside_only, EVERYWHERE)


def test_cl_dice_sees_the_course_and_not_the_width() -> None:
    thin, thick = _line(30, 1), _line(30, 7)
    assert count_centre_lines(thick, thin, EVERYWHERE).cl_dice > 0.97  # the skeleton of a thick end forks
    assert count(thick, thin, EVERYWHERE).scores().f1 < 0.3
    gap = thick & ~_line(30, 7, 28, 36)
    assert 0.85 < count_centre_lines(gap, thick, EVERYWHERE).cl_dice < 0.98
    assert count_centre_lines(_line(10, 3), _line(50, 3), EVERYWHERE).cl_dice == 0.0


def test_cl_dice_of_nothing_is_undefined_and_parts_add_up() -> None:
    nothing, line = np.zeros(SHAPE, dtype=np.bool_), _line(30, 5)
    assert math.isnan(count_centre_lines(nothing, line, EVERYWHERE).cl_dice)
    assert math.isnan(count_centre_lines(line, nothing, EVERYWHERE).cl_dice)
    assert math.isnan(count_centre_lines(line, line, nothing).cl_dice)
    assert CentreLineCounts(3, 4, 2, 5) + CentreLineCounts(1, 4, 3, 5) == CentreLineCounts(4, 8, 5, 10)


def test_cl_dice_counts_inside_the_region_only() -> None:
    upper = np.zeros(SHAPE, dtype=np.bool_)
    upper[:32] = True
    drawn = _line(10, 3) | _line(50, 3)
    assert count_centre_lines(_line(10, 3), drawn, upper).cl_dice == 1.0
    assert count_centre_lines(_line(10, 3), drawn, EVERYWHERE).cl_dice < 0.7


@given(st.integers(0, 40))
def test_calibration_is_that_of_scikit_learns_curve(seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.random((30, 40)).astype(np.float32)
    label, inside = random.random((30, 40)) < values**2, random.random((30, 40)) < 0.7
    truth, p = label[inside], values[inside].astype(np.float64)
    shares, means = calibration_curve(truth, p, n_bins=BINS, strategy="uniform")
    weights = np.histogram(p, bins=np.linspace(0, 1, BINS + 1))[0]
    expected = np.sum(np.abs(shares - means) * weights[weights > 0]) / p.size
    assert Calibration.from_map(values, label, inside).ece == pytest.approx(expected, abs=1e-9)


@given(hnp.arrays(np.float32, (7, 9), elements=st.sampled_from([0.0, 1.0])))
def test_a_map_that_is_right_and_sure_is_calibrated(values: np.ndarray) -> None:
    everywhere = np.ones(values.shape, dtype=np.bool_)
    assert Calibration.from_map(values, values > 0.5, everywhere).ece == 0.0
    assert Calibration.from_map(values, values < 0.5, everywhere).ece == 1.0
    both = Calibration.from_map(values, values > 0.5, everywhere) + Calibration.from_map(
        values, values < 0.5, everywhere
    )
    assert both.ece == pytest.approx(0.5)  # right and wrong in one bin
    assert math.isnan(Calibration.nothing().ece)


def test_the_bins_of_a_tall_map_are_those_of_all_its_rows() -> None:
    random = np.random.default_rng(5)
    values = random.random((1300, 5)).astype(np.float32)
    label = random.random(values.shape) < 0.3
    whole = Calibration.from_map(values, label, np.ones_like(label))
    turned = Calibration.from_map(values.T.copy(), label.T.copy(), np.ones_like(label.T))
    assert np.array_equal(whole.pixels, turned.pixels)
    assert whole.ece == pytest.approx(turned.ece)
