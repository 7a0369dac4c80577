"""Tiling is proved by identity: cutting and blending a plane gives the plane, whatever the sizes."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.ndimage import uniform_filter

from core.inference.tiling import Blender, TilePlan, plan_tiles
from core.types import FloatArray


@st.composite
def plans(draw: st.DrawFn) -> TilePlan:
    """Planes of 1 to 240 pixels, tiles from tiny to larger than the plane, any overlap smaller than the tile."""
    multiple = draw(st.sampled_from([1, 2, 4, 8, 16]))
    height, width = (multiple * draw(st.integers(1, 240 // multiple)) for _ in range(2))
    least = draw(st.integers(1, 300 // multiple))
    sides = tuple(multiple * least + draw(st.integers(0, 40)) for _ in range(2))
    overlap = multiple * draw(st.integers(0, least - 1)) - draw(st.integers(0, multiple - 1))
    return plan_tiles((height, width), (sides[0], sides[1]), max(overlap, 0), multiple)


def blend(plan: TilePlan, plane: FloatArray) -> FloatArray:
    blender = Blender(plan)
    for tile in plan:
        blender.add(tile, plane[tile.window])
    return blender.result


@settings(deadline=None, max_examples=300)
@given(plans(), st.integers(0, 2**32 - 1))
def test_cutting_and_blending_is_the_identity(plan: TilePlan, seed: int) -> None:
    plane = np.random.default_rng(seed).uniform(-100, 100, plan.shape).astype(np.float32)
    np.testing.assert_allclose(blend(plan, plane), plane, rtol=1e-6, atol=1e-5)


@settings(deadline=None, max_examples=300)
@given(plans())
def test_weights_are_shares_that_add_up_to_one(plan: TilePlan) -> None:
    total = np.zeros(plan.shape)
    for tile in plan:
        weights = plan.weights(tile)
        assert weights.dtype == np.float32
        assert weights.min() >= 0.0
        assert weights.max() <= 1.0
        total[tile.window] += weights
    np.testing.assert_allclose(total, 1.0, rtol=0, atol=1e-6)


@settings(deadline=None, max_examples=300)
@given(plans())
def test_cores_partition_the_plane(plan: TilePlan) -> None:
    times = np.zeros(plan.shape, int)
    for tile in plan:
        times[tile.core] += 1
        rows, columns = tile.core_in_tile
        inner = np.zeros(plan.tile, bool)
        inner[rows, columns] = True  # the same place, said in the tile's own pixels
        outer = np.zeros(plan.shape, bool)
        outer[tile.core] = True
        np.testing.assert_array_equal(outer[tile.window], inner)
    assert (times == 1).all()


@settings(deadline=None, max_examples=300)
@given(plans(), st.data())
def test_tiles_overlap_as_asked_and_stand_on_the_grid(plan: TilePlan, data: st.DataObject) -> None:
    for spans, length, side in zip((plan.rows, plan.columns), plan.shape, plan.tile, strict=True):
        assert spans[0].start == 0
        assert spans[-1].stop == length
        assert {span.stop - span.start for span in spans} == {side}
        for before, after in pairwise(spans):
            assert after.start > before.start
            assert before.stop - after.start >= plan.overlap


@pytest.mark.parametrize("multiple", [1, 4, 8, 16])
@pytest.mark.parametrize("length", [160, 656, 2336, 3504])
def test_everything_is_a_multiple_of_the_stride(multiple: int, length: int) -> None:
    plan = plan_tiles((length, 160), 150, 30, multiple)
    edges = [edge for span in plan.rows for edge in (span.start, span.stop, span.core_start, span.core_stop)]
    assert all(edge % multiple == 0 for edge in edges)


@settings(deadline=None, max_examples=100)
@example(height=100, width=97, tile=40, radius=3)
@given(
    height=st.integers(1, 150),
    width=st.integers(1, 150),
    tile=st.integers(20, 200),
    radius=st.integers(0, 4),
)
def test_a_local_filter_on_tiles_is_the_filter_on_the_plane(height: int, width: int, tile: int, radius: int) -> None:
    """The weights vanish on the outer 3/8 of the overlap: with three times the radius no tile's edge is seen."""
    plane = np.random.default_rng(height).normal(size=(height, width))
    whole = uniform_filter(plane, 2 * radius + 1, mode="constant")
    plan = plan_tiles((height, width), tile, 3 * radius)
    blender = Blender(plan)
    for one in plan:
        blender.add(one, uniform_filter(plane[one.window], 2 * radius + 1, mode="constant").astype(np.float32))
    np.testing.assert_allclose(blender.result, whole, atol=1e-5)


def test_the_blend_is_smooth() -> None:
    """Between two tiles of different value there is a slope, no step."""
    plan = plan_tiles((512, 512), 256, 64, 8)
    blender = Blender(plan)
    for number, tile in enumerate(plan):
        blender.add(tile, np.full(plan.tile, number % 2, np.float32))
    steps = np.abs(np.diff(blender.result, axis=1))
    assert 0.0 < steps.max() < 0.12


def test_tiles_shrink_to_what_is_needed() -> None:
    plan = plan_tiles((1100, 800), 1024, 128, 4)
    assert (len(plan.rows), len(plan.columns)) == (2, 1)
    assert plan.tile == (616, 800)


@pytest.mark.parametrize(
    ("shape", "tile", "overlap", "multiple"),
    [((30, 32), 16, 4, 8), ((64, 64), 16, 16, 8), ((64, 64), 7, 0, 8), ((64, 64), 16, -1, 8), ((0, 8), 8, 0, 8)],
)
def test_impossible_plans_are_refused(shape: tuple[int, int], tile: int, overlap: int, multiple: int) -> None:
    with pytest.raises(ValueError, match=r"multiple|overlap|impossible"):
        plan_tiles(shape, tile, overlap, multiple)


def test_values_of_another_size_are_refused() -> None:
    plan = plan_tiles((64, 64), 32, 8)
    with pytest.raises(ValueError, match="tile"):
        Blender(plan).add(next(iter(plan)), np.zeros((3, 3), np.float32))
