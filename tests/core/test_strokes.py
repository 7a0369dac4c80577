"""Brush, polygon, fill: the pixels whose centres a shape covers, compared with independent definitions."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage.measure import label, points_in_poly

from core.masks.strokes import Footprint, Point, brush_path, brush_step, component, enclosed_region, polygon

SIDE = 48
places = st.tuples(st.floats(5, SIDE - 5), st.floats(5, SIDE - 5))
widths = st.floats(0.5, 9.0)


def on_canvas(part: Footprint, side: int = SIDE) -> np.ndarray:
    canvas = np.zeros((side + 40, side + 40), np.bool_)
    height, width = part.pixels.shape
    canvas[part.top + 20 : part.top + 20 + height, part.left + 20 : part.left + 20 + width] = part.pixels
    return canvas[20:-20, 20:-20]


@given(places, places, widths)
def test_a_step_touches_the_pixels_within_its_radius_of_the_line(start: Point, end: Point, width_px: float) -> None:
    painted = on_canvas(brush_step(start, end, width_px))
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    t = np.linspace(0.0, 1.0, 400)
    x, y = start[0] + t * (end[0] - start[0]), start[1] + t * (end[1] - start[1])
    distance = np.sqrt(((columns[..., None] - x) ** 2 + (rows[..., None] - y) ** 2).min(axis=-1))
    assert painted[distance <= width_px / 2 - 0.02].all()
    centres = np.zeros_like(painted)
    for px, py in (start, end):
        centres[int(py), int(px)] = True
    assert not painted[(distance > width_px / 2 + 0.02) & ~centres].any()


@given(st.lists(places, min_size=1, max_size=6), widths)
def test_a_fast_stroke_has_no_gap(points: list[Point], width_px: float) -> None:
    painted = on_canvas(brush_path(points, [max(width_px, 1.5)] * len(points)))
    _, pieces = ndimage.label(painted, structure=np.ones((3, 3)))
    assert pieces == 1
    for one, other in pairwise(points):
        assert painted[on_canvas(brush_step(one, other, max(width_px, 1.5)))].all()


def test_a_pen_that_is_pressed_harder_draws_wider() -> None:
    painted = on_canvas(brush_step((10.5, 24.5), (38.5, 24.5), 2.0, 10.0))
    heights = painted[:, 10:39].sum(axis=0)
    assert (np.diff(heights) >= 0).all()
    assert heights[0] <= 3
    assert heights[-1] >= 9


@given(st.lists(places, min_size=3, max_size=7))
def test_a_polygon_holds_the_pixels_whose_centres_are_inside(corners: list[Point]) -> None:
    painted = on_canvas(polygon(corners))
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    grid = np.stack([columns.ravel(), rows.ravel()], axis=1)
    wanted = points_in_poly(grid, np.array(corners)).reshape(SIDE, SIDE)
    assert np.count_nonzero(painted != wanted) <= 2  # centres exactly on an edge


def test_less_than_a_polygon_touches_nothing() -> None:
    assert not polygon([(3.0, 4.0), (9.0, 9.0)]).pixels.any()
    assert not polygon([]).pixels.any()


def test_only_what_is_enclosed_is_filled() -> None:
    vessel = np.zeros((30, 30), np.bool_)
    vessel[5, 5:20] = vessel[19, 5:20] = vessel[5:20, 5] = vessel[5:20, 19] = True
    inside = enclosed_region(vessel, 10, 10)
    assert inside is not None
    assert (inside.top, inside.left, inside.pixels.shape) == (6, 6, (13, 13))
    assert inside.pixels.all()
    assert enclosed_region(vessel, 2, 2) is None
    assert enclosed_region(vessel, 5, 10) is None
    vessel[19, 12] = False
    assert enclosed_region(vessel, 10, 10) is None


def test_a_diagonal_line_of_one_pixel_is_a_wall() -> None:
    vessel = np.eye(20, dtype=np.bool_)
    vessel[0, :] = vessel[:, 19] = True
    inside = enclosed_region(vessel, 5, 12)
    assert inside is not None
    assert np.count_nonzero(inside.pixels) == np.count_nonzero(~vessel & np.triu(np.ones_like(vessel)))


@given(st.integers(0, 2**32 - 1))
def test_a_component_is_that_of_scikit_image(seed: int) -> None:
    vessel = np.random.default_rng(seed).random((20, 20)) < 0.3
    vessel[7, 7] = True
    part = component(vessel, 7, 7)
    assert part is not None
    labels = label(vessel, connectivity=2)
    assert np.array_equal(on_canvas(part, 20), labels == labels[7, 7])


def test_widths_and_points_belong_together() -> None:
    with pytest.raises(ValueError, match="widths"):
        brush_path([(1.0, 1.0)], [])
