"""Tracing, branches and gaps on drawn vessels whose course and width are known."""

import numpy as np
import pytest
from scipy import ndimage

from core.masks.branches import branch_at, ends, find_gaps, junctions
from core.masks.edits import BACKGROUND, VESSEL, MaskEdits
from core.masks.strokes import brush_path, discs
from core.masks.tracing import Search, search_from
from core.types import FloatArray, ProbabilityMap

SIDE = 200


def drawn(points: list[tuple[float, float]], width_px: float, side: int = SIDE) -> np.ndarray:
    canvas = np.zeros((side, side), np.bool_)
    part = brush_path(points, [width_px] * len(points))
    height, width = part.pixels.shape
    canvas[part.top : part.top + height, part.left : part.left + width] |= part.pixels
    return canvas


def arc(radius: float = 70.0) -> list[tuple[float, float]]:
    angles = np.linspace(0.2, 2.6, 120)
    return [(100 + radius * float(np.cos(angle)), 40 + radius * float(np.sin(angle))) for angle in angles]


def as_map(vessel: np.ndarray, high: float = 0.9, low: float = 0.03) -> FloatArray:
    """A probability map as a network gives it: blurred edges, a little noise."""
    smooth = ndimage.gaussian_filter(np.where(vessel, high, low), 0.7)
    noise = np.random.default_rng(0).normal(0, 0.01, vessel.shape)
    return np.clip(smooth + noise, 0, 1).astype(np.float32)


@pytest.mark.parametrize("width_px", [3.0, 6.0, 11.0])
def test_the_path_follows_a_bent_vessel_and_knows_its_width(width_px: float) -> None:
    course = arc()
    vessel = drawn(course, width_px)
    search = Search(as_map(vessel), (int(course[3][1]), int(course[3][0])))
    trace = search.walk_to(int(course[-4][1]), int(course[-4][0]))
    ideal = np.array(course)
    off = [np.hypot(*(ideal - point).T).min() for point in trace.points]
    assert max(off) <= width_px / 2 + 1
    assert abs(float(np.median(trace.widths_px)) - width_px) <= 1.0
    assert trace.mean_probability > 0.8
    part = trace.footprint()
    canvas = np.zeros_like(vessel)
    canvas[part.top : part.top + part.pixels.shape[0], part.left : part.left + part.pixels.shape[1]] = part.pixels
    assert np.count_nonzero(canvas & ~ndimage.binary_dilation(vessel, iterations=2)) == 0


def test_a_gap_is_crossed_at_the_width_of_its_ends() -> None:
    vessel = drawn([(20, 100), (180, 100)], 6.0)
    vessel[:, 95:107] = False
    trace = Search(as_map(vessel), (100, 40)).walk_to(100, 160)
    inside_gap = [width for (x, _), width in zip(trace.points, trace.widths_px, strict=True) if 97 <= x <= 105]
    assert inside_gap
    assert all(4.0 <= width <= 8.0 for width in inside_gap)


def test_the_way_stays_on_the_vessel_where_the_straight_line_is_shorter() -> None:
    course = arc()
    trace = Search(as_map(drawn(course, 4.0)), (int(course[2][1]), int(course[2][0]))).walk_to(
        int(course[-3][1]), int(course[-3][0])
    )
    straight = np.hypot(course[2][0] - course[-3][0], course[2][1] - course[-3][1])
    assert np.hypot(*np.diff(np.array(trace.points), axis=0).T).sum() > 1.15 * straight


def test_a_click_beside_a_vessel_is_moved_onto_it_and_one_in_the_void_stays() -> None:
    values = as_map(drawn([(20, 100), (180, 100)], 5.0))
    search = Search(values, (104, 60), snap_px=5)
    assert abs(search.start[0] - 100) <= 1
    assert search.snapped(96, 120, 6)[0] in (99, 100, 101)
    assert search.snapped(20, 20, 0) == (20, 20)


def test_a_search_in_a_part_of_the_map_gives_the_same_way_at_its_place() -> None:
    probability = ProbabilityMap(as_map(drawn(arc(), 5.0)))
    course = arc()
    start, end = (int(course[3][1]), int(course[3][0])), (int(course[60][1]), int(course[60][0]))
    whole = Search(probability.values, start).walk_to(*end)
    part = search_from(probability, probability.levels, start, window_px=160).walk_to(*end)
    assert part.points == whole.points
    assert part.widths_px == pytest.approx(whole.widths_px)


def test_ways_follow_what_a_hand_has_drawn_and_leave_what_it_has_erased() -> None:
    probability = ProbabilityMap(as_map(drawn([(20, 100), (180, 100)], 5.0)))
    edits = MaskEdits(probability.levels)
    detour = discs([(60.5 + x, 100.5 - 30 * np.sin(np.pi * x / 80)) for x in range(81)], [5.0] * 81)
    edits.paint(detour.top, detour.left, detour.pixels, VESSEL)
    edits.paint(90, 90, np.ones((20, 20), np.bool_), BACKGROUND)
    trace = search_from(probability, edits.levels, (100, 30)).walk_to(100, 170)
    assert min(y for _, y in trace.points) == pytest.approx(70, abs=4)
    assert np.median(trace.widths_px) == pytest.approx(5, abs=1)


def test_a_search_lets_other_threads_run_and_can_be_stopped() -> None:
    asked: list[bool] = []
    search = Search(as_map(drawn([(20, 100), (180, 100)], 5.0)), (100, 20), stopped=lambda: not asked.append(True))
    assert len(asked) == 1
    assert np.isinf(search.costs).any()


def test_discs_next_to_one_another_are_the_path_of_a_brush() -> None:
    points = [(20.5 + i, 20.5 + i // 2) for i in range(60)]
    widths = list(np.linspace(1.0, 12.0, 60))
    exact, quick = brush_path(points, widths), discs(points, widths)
    canvas = np.zeros((2, 100, 110), np.bool_)
    for layer, part in zip(canvas, (exact, quick), strict=True):
        layer[part.top : part.top + part.pixels.shape[0], part.left : part.left + part.pixels.shape[1]] = part.pixels
    assert not (canvas[1] & ~canvas[0]).any()
    assert np.count_nonzero(canvas[0] & ~canvas[1]) <= 0.02 * np.count_nonzero(canvas[0])


def test_a_window_ends_with_the_photograph_and_outside_it_is_an_error() -> None:
    search = Search(as_map(drawn([(20, 100), (180, 100)], 5.0)), (100, 10), window_px=80, snap_px=0)
    assert search.box == (60, 0, 140, 50)
    assert not search.reaches(100, 190)
    with pytest.raises(ValueError, match="outside the window"):
        search.walk_to(100, 190)


def y_shape() -> np.ndarray:
    return (
        drawn([(100, 190), (100, 100)], 7.0) | drawn([(100, 100), (40, 20)], 5.0) | drawn([(100, 100), (160, 20)], 5.0)
    )


def test_a_branch_goes_and_the_others_stay_whole() -> None:
    vessel = y_shape()
    part = branch_at(vessel, 50, int(100 - 60 * 50 / 80))
    assert part is not None
    left = vessel.copy()
    left[part.top : part.top + part.pixels.shape[0], part.left : part.left + part.pixels.shape[1]] &= ~part.pixels
    _, pieces = ndimage.label(left, structure=np.ones((3, 3)))
    assert pieces == 1
    others = drawn([(100, 190), (100, 106)], 5.0) | drawn([(104, 94), (160, 20)], 3.0)
    assert left[others].all()
    removed = vessel & ~left
    assert removed[drawn([(92, 90), (40, 20)], 2.0) & vessel].mean() > 0.95


def test_a_vessel_without_a_crossing_is_one_branch_and_background_is_none() -> None:
    vessel = drawn([(20, 100), (180, 100)], 5.0) | drawn([(20, 20), (60, 20)], 5.0)
    part = branch_at(vessel, 100, 50)
    assert part is not None
    assert np.count_nonzero(part.pixels) == np.count_nonzero(vessel[90:110])
    assert branch_at(vessel, 60, 60) is None


def test_junctions_and_ends_of_a_skeleton() -> None:
    skeleton = np.zeros((20, 20), np.bool_)
    skeleton[10, 2:18] = True
    skeleton[3:10, 9] = True
    assert sorted(ends(skeleton)) == [(3, 9), (10, 2), (10, 17)]
    assert junctions(skeleton)[10, 9]
    assert not junctions(skeleton)[10, 4]


def test_probable_gaps_are_listed_and_improbable_ones_are_not() -> None:
    vessel = drawn([(20, 60), (180, 60)], 5.0) | drawn([(20, 140), (180, 140)], 5.0)
    broken = vessel.copy()
    broken[:, 95:103] = False
    values = as_map(vessel)
    values[125:155, 93:105] = 0.01  # here the network sees none
    gaps = find_gaps(values, broken, longest_px=30)
    assert len(gaps) == 1
    assert 6 <= gaps[0].length_px <= 12
    assert all(50 <= y <= 70 for _, y in gaps[0].trace.points)
