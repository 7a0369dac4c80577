"""Pictures at the screen's resolution: no vessel is lost, nothing moves, and parts fit together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serr_gui.canvas.resampling import CRISP_FROM, LevelPyramid, PhotoPyramid, Scrolled, zoomed_size

quick = settings(deadline=None, max_examples=50)
sizes = st.tuples(st.integers(1, 90), st.integers(1, 90))
seeds = st.integers(0, 2**32 - 1)


def _whole(shape, zoom):
    return (0, 0, *zoomed_size(shape, zoom))


def _falls_on(length: int, zoom: float) -> np.ndarray:
    """The device pixel on which each photograph pixel's middle falls."""
    return np.floor((np.arange(length) + 0.5) * zoom).astype(int)


@quick
@given(sizes, st.floats(0.501, 0.999), seeds)
def test_below_100_percent_a_device_pixel_is_the_largest_of_the_pixels_that_fall_on_it(shape, zoom, seed):
    levels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    box = _whole(shape, zoom)
    expected = np.zeros((box[3], box[2]), dtype=np.uint8)
    rows, columns = np.meshgrid(_falls_on(shape[0], zoom), _falls_on(shape[1], zoom), indexing="ij")
    np.maximum.at(expected, (rows, columns), levels)
    assert np.array_equal(LevelPyramid(levels).render(zoom, box), expected)


@quick
@given(sizes, st.floats(0.01, 0.999), seeds)
def test_far_below_100_percent_no_vessel_pixel_is_lost_or_moved_by_more_than_a_device_pixel(shape, zoom, seed):
    rng = np.random.default_rng(seed)
    levels = np.where(rng.random(shape) < 0.02, 255, 0).astype(np.uint8)
    shown = LevelPyramid(levels).render(zoom, _whole(shape, zoom))
    rows, columns = np.nonzero(levels)
    expected = np.zeros(shown.shape, dtype=bool)
    expected[_falls_on(shape[0], zoom)[rows], _falls_on(shape[1], zoom)[columns]] = True

    def widened(mask):
        padded = np.pad(mask, 1)
        height, width = mask.shape
        return np.any([padded[y : y + height, x : x + width] for y in range(3) for x in range(3)], axis=0)

    assert not (expected & ~widened(shown > 0)).any(), "lost"
    assert not ((shown > 0) & ~widened(expected)).any(), "invented"


@quick
@given(sizes, st.floats(0.02, 3.0), seeds)
def test_reducing_and_thresholding_can_be_done_in_either_order(shape, zoom, seed):
    levels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    box = _whole(shape, zoom)
    reduced = LevelPyramid(levels).render(zoom, box)
    for level in (1, 77, 128, 255):
        mask = (levels >= level).astype(np.uint8)
        assert np.array_equal(LevelPyramid(mask).render(zoom, box) > 0, reduced >= level)


@pytest.mark.parametrize("zoom", [1, 2, 3, 7])
def test_whole_zooms_repeat_pixels(zoom):
    rng = np.random.default_rng(3)
    levels = rng.integers(0, 256, (41, 53), dtype=np.uint8)
    shown = LevelPyramid(levels).render(float(zoom), _whole(levels.shape, zoom))
    assert np.array_equal(shown, levels.repeat(zoom, axis=0).repeat(zoom, axis=1))
    photo = rng.integers(0, 256, (41, 53, 3), dtype=np.uint8)
    shown = PhotoPyramid(photo).render(float(zoom), _whole(levels.shape, zoom))
    assert np.array_equal(shown[..., 2::-1], photo.repeat(zoom, axis=0).repeat(zoom, axis=1))
    assert (shown[..., 3] == 255).all()


@quick
@given(sizes, st.floats(1.0, 9.0), seeds)
def test_above_100_percent_each_device_pixel_shows_the_pixel_under_its_middle(shape, zoom, seed):
    levels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    width, height = zoomed_size(shape, zoom)
    rows = np.floor((np.arange(height) + 0.5) / zoom).astype(int)
    columns = np.floor((np.arange(width) + 0.5) / zoom).astype(int)
    assert rows.max() < shape[0]
    assert columns.max() < shape[1]
    assert np.array_equal(LevelPyramid(levels).render(zoom, (0, 0, width, height)), levels[rows][:, columns])


@quick
@given(st.data(), sizes, st.floats(0.05, 6.0), seeds)
def test_a_part_is_the_part_of_the_whole(data, shape, zoom, seed):
    rng = np.random.default_rng(seed)
    width, height = zoomed_size(shape, zoom)
    left, right = sorted(data.draw(st.tuples(st.integers(0, width), st.integers(0, width))))
    top, bottom = sorted(data.draw(st.tuples(st.integers(0, height), st.integers(0, height))))
    if left == right or top == bottom:
        return
    levels = LevelPyramid(rng.integers(0, 256, shape, dtype=np.uint8))
    part = levels.render(zoom, (left, top, right, bottom))
    assert np.array_equal(part, levels.render(zoom, (0, 0, width, height))[top:bottom, left:right])
    photo = PhotoPyramid(rng.integers(0, 256, (*shape, 3), dtype=np.uint8))
    part = photo.render(zoom, (left, top, right, bottom))
    whole = photo.render(zoom, (0, 0, width, height))[top:bottom, left:right]
    # OpenCV interpolates at multiples of 1/32 pixel or with float32 places.
    assert np.abs(part.astype(int) - whole).max() <= 16


@pytest.mark.parametrize("zoom", [0.05, 0.125, 0.3, 0.49])
def test_a_photograph_smaller_than_a_device_pixel_fills_that_one(zoom):
    photo = np.array([[[10, 120, 230]]], dtype=np.uint8)
    assert PhotoPyramid(photo).render(zoom, (0, 0, 1, 1)).tolist() == [[[230, 120, 10, 255]]]
    assert LevelPyramid(photo[..., 1]).render(zoom, (0, 0, 1, 1)).tolist() == [[120]]


@pytest.mark.parametrize("zoom", [0.07, 0.2, 0.26, 0.49, 0.51, 0.8, 1.0, 1.3, 1.9, 2.5])
@pytest.mark.parametrize("shape", [(640, 801), (333, 517)])
def test_photograph_and_levels_lie_on_each_other(shape, zoom):
    slope = 4.0 * min(zoom, 1.0)  # at most 4 grey values from one device pixel to the next

    def ramp(x):
        return np.clip(slope * (x - shape[1] / 2) + 128, 0, 255)

    grey = np.broadcast_to(np.rint(ramp(np.arange(shape[1]) + 0.5)), shape).astype(np.uint8)
    box = _whole(shape, zoom)
    middles = ramp((np.arange(box[2]) + 0.5) / zoom)
    photo = PhotoPyramid(grey).render(zoom, box)[box[3] // 2, :, 0]
    levels = LevelPyramid(grey).render(zoom, box)[box[3] // 2]
    inner = (middles > 6) & (middles < 249)
    inner[[0, 1, -2, -1]] = False
    assert np.abs(photo - middles)[inner].max() <= (2.1 if zoom >= CRISP_FROM else 1.6), "rounding, or half a pixel"
    assert abs((photo - middles)[inner].mean()) <= 0.6, "an eighth of a device pixel"
    assert np.abs(levels - middles)[inner].max() <= 1.0 + 4.0


def test_reducing_a_photograph_averages_it():
    checks = (np.indices((512, 512)).sum(axis=0) % 2 * 255).astype(np.uint8)
    shown = PhotoPyramid(np.dstack([checks] * 3)).render(0.25, _whole((512, 512), 0.25))
    assert np.abs(shown[..., :3].astype(int) - 128).max() <= 2


@quick
@given(
    st.lists(st.tuples(st.integers(-60, 60), st.integers(-60, 60), st.sampled_from([0.4, 1.0, 2.0])), max_size=12),
    seeds,
)
def test_scrolling_shows_what_rendering_afresh_shows(moves, seed):
    levels = LevelPyramid(np.random.default_rng(seed).integers(0, 256, (150, 170), dtype=np.uint8))
    scrolled = Scrolled(levels.render)
    x, y = 0, 0
    for dx, dy, zoom in [(0, 0, 1.0), *moves]:
        width, height = zoomed_size(levels.shape, zoom)
        x, y = min(max(x + dx, 0), width - 1), min(max(y + dy, 0), height - 1)
        box = (x, y, min(width, x + 64), min(height, y + 48))
        assert np.array_equal(scrolled.part(zoom, box), levels.render(zoom, box))


def test_scrolling_renders_only_what_comes_into_view():
    photo = PhotoPyramid(np.zeros((400, 400, 3), dtype=np.uint8))
    asked = []

    def render(zoom, box):
        asked.append((box[2] - box[0]) * (box[3] - box[1]))
        return photo.render(zoom, box)

    scrolled = Scrolled(render)
    scrolled.part(1.0, (100, 100, 300, 300))
    scrolled.part(1.0, (110, 95, 310, 295))
    assert asked[0] == 200 * 200
    assert sum(asked[1:]) == 200 * 200 - 190 * 195


@quick
@given(sizes, st.floats(0.02, 5.0), st.integers(1, 6), st.booleans(), seeds)
def test_a_map_that_changes_in_boxes_is_shown_as_a_new_one(shape, zoom, changes, writes, seed):
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 256, shape, dtype=np.uint8)
    first = levels.copy()
    pyramid = LevelPyramid(levels)
    whole = _whole(shape, zoom)
    left, right = sorted(rng.integers(0, whole[2] + 1, 2))
    top, bottom = sorted(rng.integers(0, whole[3] + 1, 2))
    box = (int(left), int(top), int(max(right, left + 1)), int(max(bottom, top + 1)))
    box = box if box[2] <= whole[2] and box[3] <= whole[3] else whole
    scrolled = Scrolled(pyramid.render)
    scrolled.part(zoom, box)
    wanted = levels.copy()
    for _ in range(changes):
        y, x = int(rng.integers(0, shape[0])), int(rng.integers(0, shape[1]))
        height, width = int(rng.integers(1, shape[0] - y + 1)), int(rng.integers(1, shape[1] - x + 1))
        part = rng.integers(0, 256, (height, width), dtype=np.uint8)
        place = (x, y, x + width, y + height)
        wanted[y : y + height, x : x + width] = part
        if writes:
            pyramid.write(place, part)
        else:
            levels[y : y + height, x : x + width] = part
            pyramid.refresh(place)
        scrolled.refresh(place)
    new = LevelPyramid(wanted)
    assert np.array_equal(scrolled.part(zoom, box), new.render(zoom, box))
    for other in (zoom, 0.06, 0.3, 1.0, 2.5):
        assert np.array_equal(pyramid.render(other, _whole(shape, other)), new.render(other, _whole(shape, other)))
    assert not writes or np.array_equal(levels, first)
