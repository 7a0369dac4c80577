"""Overlay colours and outlines: what is coloured as vessel is what the threshold says, and nothing else."""

import cv2
import numpy as np
import pyqtgraph
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.types import ProbabilityMap
from serr_gui.canvas.layers import Layers
from serr_gui.canvas.overlays import (
    COLORMAPS,
    ErrorStyle,
    FovOutline,
    OverlayStyle,
    build_lut,
    colormap_table,
    to_argb32,
)

quick = settings(deadline=None, max_examples=50)
levels = st.integers(1, 255)
opacities = st.floats(0.0, 1.0)
colours = st.tuples(*[st.integers(0, 255)] * 3)


@quick
@given(levels, st.floats(0.01, 1.0), colours)
def test_the_mask_colour_lies_exactly_where_the_probability_reaches_the_threshold(level, opacity, colour):
    edges = np.arange(256) / 256
    values = np.unique(np.concatenate([edges, np.nextafter(np.float32(edges[1:]), np.float32(0)), [1.0]])).astype(
        np.float32
    )
    probability = ProbabilityMap(values[np.newaxis])
    lut = build_lut(
        OverlayStyle(show_mask=True, show_probability=False, mask_opacity=opacity, mask_colour=colour), level
    )
    painted = lut[probability.levels[0]]
    vessel = values >= level / 256
    assert (painted[vessel] == (*colour, round(opacity * 255))).all()
    assert (painted[~vessel] == 0).all()


@quick
@given(levels, opacities, opacities, st.sampled_from(COLORMAPS), colours)
def test_mask_over_probability_is_porter_and_duffs_over(level, probability_opacity, mask_opacity, name, colour):
    style = OverlayStyle(
        show_probability=True,
        probability_opacity=probability_opacity,
        colormap=name,
        show_mask=True,
        mask_opacity=mask_opacity,
        mask_colour=colour,
    )
    lut = build_lut(style, level)
    map_alpha = np.full((256, 1), round(probability_opacity * 255), dtype=np.uint8)
    below = np.concatenate([colormap_table(name), map_alpha], axis=1)[np.newaxis]
    above = np.zeros((1, 256, 4), dtype=np.uint8)
    above[0, level:] = (*colour, round(mask_opacity * 255))
    expected = np.asarray(Image.alpha_composite(Image.fromarray(below), Image.fromarray(above)))[0].astype(np.int32)
    # What is seen is colour times alpha; nearly clear colours themselves are undetermined.
    seen = lut[:, :3] / 255 * lut[:, 3:].astype(np.float64)
    assert np.abs(lut[:, 3].astype(np.int32) - expected[:, 3]).max() <= 1
    assert np.abs(seen - expected[:, :3] / 255 * expected[:, 3:]).max() <= 2.0


@quick
@given(levels)
def test_nothing_shown_is_clear(level):
    assert (build_lut(OverlayStyle(show_mask=False, show_probability=False), level) == 0).all()


@pytest.mark.parametrize("name", COLORMAPS)
def test_colour_maps_rise_steadily_in_lightness(name):
    table = colormap_table(name)
    lightness = cv2.cvtColor(table[np.newaxis].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0, :, 0]
    steps = np.diff(lightness[::15])
    assert (steps > 0).all()
    assert steps.max() < 3 * steps.min()


@pytest.mark.parametrize("name", ["inferno", "magma", "viridis"])
def test_colour_maps_are_the_known_ones_in_the_right_order_of_channels(name):
    reference = pyqtgraph.colormap.get(name).getLookupTable(nPts=256)[:, :3]
    assert np.abs(colormap_table(name).astype(np.int32) - reference).max() <= 2


def test_packing_puts_alpha_first():
    assert to_argb32(np.array([[0x11, 0x22, 0x33, 0xFF], [1, 2, 3, 4]], dtype=np.uint8)) == [0xFF112233, 0x04010203]


@pytest.mark.parametrize("level", [0, 256, -1])
def test_levels_without_a_threshold_are_refused(level):
    with pytest.raises(ValueError, match="1 to 255"):
        build_lut(OverlayStyle(), level)


@pytest.mark.parametrize(
    "wrong",
    [{"mask_opacity": 1.1}, {"probability_opacity": float("nan")}, {"colormap": "jet"}, {"mask_colour": (0, 0, 256)}],
)
def test_impossible_styles_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        OverlayStyle(**wrong)


def _ring(height: int, width: int, outer: float, inner: float) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width] + 0.5
    distance = np.hypot(columns - width / 2, rows - height / 2)
    return (distance <= outer) & (distance >= inner)


@pytest.mark.parametrize("zoom", [0.2, 0.5, 1.0, 3.0])
def test_outlines_follow_the_border_and_the_holes(zoom):
    outline = FovOutline(_ring(900, 1000, 400, 150))
    radii = sorted(
        (np.hypot(polygon[:, 0] - 500, polygon[:, 1] - 450) for polygon in outline.polygons(zoom)),
        key=lambda r: r.mean(),
    )
    assert len(radii) == 2
    slack = 1.5 + 0.7 / min(zoom, 1.0)
    assert np.abs(radii[0] - 150).max() <= slack
    assert np.abs(radii[1] - 400).max() <= slack


@pytest.mark.parametrize("ratio", [1.0, 2.0])
@pytest.mark.parametrize("zoom", [0.3, 1.0, 5.0])
def test_the_outline_is_drawn_on_the_border_and_nowhere_else(zoom, ratio):
    outline = FovOutline(_ring(300, 300, 120, 0))
    size = round(300 * zoom)
    picture = outline.draw(zoom, (0, 0), (size, size), ratio)
    assert picture is not None
    rows, columns = np.mgrid[:size, :size] + 0.5
    away = np.abs(np.hypot(columns - 150 * zoom, rows - 150 * zoom) - 120 * zoom)
    assert (picture[away > 1.5 * max(zoom, 1) + 3.5 * ratio] == 0).all()
    assert (picture[..., :3] <= picture[..., 3:]).all(), "premultiplied"
    on_axis = picture[size // 2, :, 0]
    assert on_axis.max() > 200, "a light line can be seen"


def test_a_part_of_the_outline_looks_like_the_same_part_of_the_whole():
    outline = FovOutline(_ring(400, 500, 180, 0))
    whole = outline.draw(1.7, (0, 0), (850, 680), 1.0)
    part = outline.draw(1.7, (300, 20), (200, 150), 1.0)
    assert whole is not None
    assert part is not None
    assert part.any()
    difference = np.abs(part.astype(np.int32) - whole[20:170, 300:500])
    assert difference[1:-1, 1:-1].max() <= 16
    assert part[..., 3].any(axis=0).all(), "the arc crosses the part from side to side"


def test_an_outline_out_of_sight_costs_no_picture():
    outline = FovOutline(_ring(400, 400, 150, 0))
    assert outline.draw(4.0, (700, 700), (200, 200), 1.0) is None
    assert FovOutline(np.zeros((40, 40), dtype=np.bool_)).draw(1.0, (0, 0), (40, 40), 1.0) is None


def test_a_noisy_mask_does_not_make_endless_outlines():
    noise = np.random.default_rng(0).random((500, 500)) > 0.5
    noise[100:400, 100:400] = True
    polygons = FovOutline(noise).polygons(1.0)
    assert len(polygons) <= 200
    assert max(len(polygon) for polygon in polygons) > 50, "the longest is among them"


def test_an_enlarged_outline_follows_the_edges_of_the_pixels():
    inside = np.zeros((6, 6), dtype=np.bool_)
    inside[2:4, 2:4] = True
    inside[2, 4] = True  # a stair
    picture = FovOutline(inside).draw(10.0, (0, 0), (60, 60), 1.0)
    assert picture is not None
    light = picture[:, :, 0] == 255
    # The light line is the outermost device pixel of the field: it never leaves the pixels of the field.
    large = np.kron(inside, np.ones((10, 10), dtype=np.bool_))
    edge = large & ~np.asarray(cv2.erode(large.view(np.uint8), np.ones((3, 3), np.uint8)), np.bool_)
    assert (light == edge).all()
    part = FovOutline(inside).draw(10.0, (15, 15), (30, 30), 1.0)
    assert (part == picture[15:45, 15:45]).all()


@pytest.mark.parametrize("ground", ["border", "probability"])
def test_false_vessels_are_seen_on_dark_ground(ground):
    """In the usual colours they are black: a light rim tells them from the border, and from a low probability."""
    levels = np.zeros((40, 40), dtype=np.uint8)
    levels[20, 10:30] = 200
    layers = Layers()
    layers.set_base(np.zeros((40, 40, 3), dtype=np.uint8))
    layers.set_levels(levels)
    layers.set_errors(levels, np.zeros_like(levels))
    layers.style = OverlayStyle(show_probability=ground == "probability", show_mask=False)
    layers.error_style = ErrorStyle()
    *_, errors = layers.pictures(1.0, (0, 0, 40, 40), 1.0)
    assert errors.pixelColor(15, 20).lightness() == 0
    for x, y in ((15, 19), (15, 21), (9, 20), (30, 20)):
        assert errors.pixelColor(x, y).lightness() > 120
    assert errors.pixelColor(15, 17).alpha() == 0
