"""Zoom and pan keep their promises for any photograph, view and series of moves."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serr_gui.canvas.geometry import ZOOM_MAX, ViewGeometry
from serr_gui.canvas.resampling import zoomed_size

quick = settings(deadline=None, max_examples=50)
sides = st.integers(1, 7000)
views = st.tuples(st.integers(1, 3000), st.integers(1, 2000))
images = st.tuples(sides, sides)
moves = st.lists(
    st.one_of(
        st.tuples(st.just("pan"), st.floats(-1e5, 1e5), st.floats(-1e5, 1e5)),
        st.tuples(st.just("zoom"), st.floats(1e-4, 1e4), st.floats(0, 1)),
        st.tuples(st.just("view"), st.integers(1, 3000), st.integers(1, 2000)),
        st.tuples(st.just("centre"), st.floats(-1e5, 1e5), st.floats(-1e5, 1e5)),
    ),
    max_size=12,
)


def _make(image, view) -> ViewGeometry:
    geometry = ViewGeometry()
    geometry.set_view(*view)
    geometry.set_image(*image)
    return geometry


def _rectangle(geometry):
    left, top = geometry.origin
    width, height = zoomed_size((geometry.image[1], geometry.image[0]), geometry.zoom)
    return left, top, left + width, top + height


@quick
@given(images, views)
def test_fitting_shows_the_whole_photograph_in_the_middle(image, view):
    geometry = _make(image, view)
    left, top, right, bottom = _rectangle(geometry)
    assert left >= -1
    assert top >= -1
    assert right <= view[0] + 1
    assert bottom <= view[1] + 1
    assert abs((left + right) - view[0]) <= 3
    assert abs((top + bottom) - view[1]) <= 3


@quick
@given(images, views, moves)
def test_no_series_of_moves_loses_the_photograph(image, view, series):
    geometry = _make(image, view)
    for what, one, two in series:
        if what == "pan":
            geometry.pan(one, two)
        elif what == "zoom":
            geometry.zoom_to(one, (two * geometry.view[0], two * geometry.view[1]))
        elif what == "view":
            geometry.set_view(one, two)
        else:
            geometry.centre_on(one, two)
        left, top, right, bottom = _rectangle(geometry)
        assert left <= geometry.view[0] / 2 + 1 <= right + 2
        assert top <= geometry.view[1] / 2 + 1 <= bottom + 2
        assert geometry.zoom <= ZOOM_MAX
        assert geometry.zoom >= min(geometry.fit_zoom / 4, 1.0) * 0.999


@quick
@given(
    st.tuples(st.integers(200, 7000), st.integers(200, 7000)),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0.2, 5),
    st.floats(0.5, 2),
)
def test_zooming_keeps_the_point_under_the_cursor(image, across, down, zoom, factor):
    geometry = _make(image, (1400, 900))
    geometry.zoom_to(zoom)
    cursor = (across * 1400, down * 900)
    before = geometry.to_image(*cursor)
    geometry.zoom_to(geometry.zoom * factor, cursor)
    x, y = geometry.centre
    if x in (0.0, image[0]) or y in (0.0, image[1]):
        return  # the limit of the pan goes before
    after = geometry.to_view(*before)
    # Both corners lie on whole device pixels; the rounding before the zoom is magnified by it.
    slack = 0.5 + 0.5 * max(1.0, geometry.zoom / zoom) + 0.01
    assert abs(after[0] - cursor[0]) <= slack
    assert abs(after[1] - cursor[1]) <= slack


@quick
@given(images, views, st.floats(0, 3000), st.floats(0, 2000), st.floats(0.01, 64))
def test_places_and_points_are_each_others_inverse(image, view, x, y, zoom):
    geometry = _make(image, view)
    geometry.zoom_to(zoom)
    assert geometry.to_view(*geometry.to_image(x, y)) == pytest.approx((x, y), abs=1e-6)


@quick
@given(images, views, views)
def test_a_fitted_photograph_stays_fitted_when_the_view_changes(image, view, other):
    geometry = _make(image, view)
    geometry.set_view(*other)
    assert geometry.zoom == geometry.fit_zoom
    assert geometry.fitted


@quick
@given(images, views, views, st.floats(0.1, 8))
def test_otherwise_zoom_and_middle_stay(image, view, other, zoom):
    geometry = _make(image, view)
    geometry.zoom_to(zoom)
    geometry.centre_on(image[0] * 0.3, image[1] * 0.6)
    centre = geometry.centre
    was = geometry.zoom
    geometry.set_view(*other)
    low, high = geometry.zoom_range
    assert geometry.zoom == min(max(was, low), high)
    assert geometry.centre == pytest.approx(centre)
