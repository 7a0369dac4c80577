"""The error map on the screen: what the library computes, whatever the zoom, in colours that everybody tells apart."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000, rgb2lab

from core.evaluation.error_map import ERROR_COLOURS as REPORT_COLOURS
from core.evaluation.error_map import FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE, error_map
from serr_gui.canvas.layers import Layers
from serr_gui.canvas.overlays import (
    COLORMAPS,
    ERROR_COLOURS,
    ErrorStyle,
    OverlayStyle,
    error_codes,
    error_colours,
    error_lut,
    with_rim,
)
from serr_gui.canvas.resampling import LevelPyramid, zoomed_size
from serr_gui.model import settings as stored_settings
from serr_gui.model.settings import Settings
from serr_gui.model.state import ViewOptions

quick = settings(max_examples=40)
seeds = st.integers(0, 2**32 - 1)
sizes = st.tuples(st.integers(2, 60), st.integers(2, 60))


def drawn_at_random(seed: int, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.integers(0, 256, shape, dtype=np.uint8), random.random(shape) < 0.3


@quick
@given(seeds, sizes, st.integers(1, 255))
def test_codes_are_the_librarys(seed: int, shape: tuple[int, int], level: int) -> None:
    levels, label = drawn_at_random(seed, shape)
    expected = error_map(levels >= level, label, np.ones_like(label))
    assert np.array_equal(error_codes(levels, label.view(np.uint8), level), expected)


@quick
@given(seeds, sizes, st.integers(1, 255), st.floats(0.05, 3.0))
def test_at_each_zoom_the_seen_mask_is_compared_with_the_seen_label(
    seed: int, shape: tuple[int, int], level: int, zoom: float
) -> None:
    levels, label = drawn_at_random(seed, shape)
    layers = Layers()
    layers.set_levels(levels)
    layers.set_errors(levels, label.view(np.uint8))
    layers.style = OverlayStyle(show_probability=False)
    layers.error_style = ErrorStyle(1.0)
    layers.threshold_level = level
    layers.fov_visible = False
    box = (0, 0, *zoomed_size(shape, zoom))
    (picture,) = layers.pictures(zoom, box, 1.0)  # the error map alone, in place of the mask
    seen = np.frombuffer(picture.constBits(), np.uint8).reshape(picture.height(), picture.bytesPerLine() // 4, 4)
    seen = seen[:, : picture.width(), 2::-1]
    found = LevelPyramid((levels >= level).astype(np.uint8)).render(zoom, box)
    drawn = LevelPyramid(label.astype(np.uint8)).render(zoom, box)
    codes = with_rim(2 * found + drawn, ErrorStyle(1.0), 1)
    expected = error_lut(ErrorStyle(1.0))[codes][:, :, :3]
    assert np.array_equal(seen, expected)


def test_the_error_map_hides_with_the_overlays_and_gives_the_mask_back() -> None:
    levels, label = drawn_at_random(1, (20, 20))
    layers = Layers()
    layers.set_levels(levels)
    layers.set_errors(levels, label.view(np.uint8))
    layers.error_style = ErrorStyle()
    assert layers.mask() is None
    assert layers.errors() is not None
    layers.overlay_visible = False
    assert layers.errors() is None
    assert list(layers.pictures(1.0, (0, 0, 20, 20), 1.0)) == []
    layers.overlay_visible, layers.error_style = True, None
    assert np.array_equal(layers.mask(), levels >= layers.threshold_level)


# Machado, Oliveira and Fernandes 2009, doi 10.1109/TVCG.2009.113: matrices for complete lack of one kind of cone.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
RETINA = ((200, 105, 45), (120, 45, 20), (235, 170, 95), (170, 80, 40))


def lab(colour: tuple[float, ...], vision: str) -> np.ndarray:
    """A colour as somebody sees it, in CIELAB."""
    share = np.asarray(colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    seen = np.clip(VISION[vision] @ linear, 0, 1)
    return rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))


def smallest_distance(name: str, vision: str, opacity: float = ErrorStyle().opacity) -> tuple[float, float]:
    """CIEDE2000 of the nearest two kinds of error, and of the kind that is nearest to the retina."""
    apart, from_retina = [], []
    for ground in RETINA:
        laid = [tuple(opacity * c + (1 - opacity) * g for c, g in zip(colour, ground, strict=True))
                for colour in error_colours(name)]  # fmt: skip
        seen = [lab(colour, vision) for colour in laid]
        apart += [float(deltaE_ciede2000(one, other)) for one, other in itertools.combinations(seen, 2)]
        from_retina += [float(deltaE_ciede2000(one, lab(ground, vision))) for one in seen]
    return min(apart), min(from_retina)


@pytest.mark.parametrize("vision", VISION)
def test_the_default_colours_are_told_apart_with_every_kind_of_colour_vision(vision: str) -> None:
    """A difference of 10 is plain to see at a glance; red and green fail this, as they should."""
    apart, from_retina = smallest_distance(ViewOptions().error_colours, vision)
    assert apart > 35
    assert from_retina > 20
    others = {name: min(smallest_distance(name, each)) for name in ERROR_COLOURS for each in [vision]}
    assert min(apart, from_retina) == max(others.values())


def test_red_green_and_blue_fail_the_measure() -> None:
    assert min(smallest_distance("green_blue_red", "deuteranopia")) < 10


def test_a_preset_is_that_of_the_reports_and_the_settings_know_all() -> None:
    codes = (FALSE_NEGATIVE, FALSE_POSITIVE, TRUE_POSITIVE)
    assert error_colours("white_magenta_cyan") == tuple(REPORT_COLOURS[code] for code in codes)
    assert stored_settings._ERROR_COLOURS == ERROR_COLOURS
    assert stored_settings._COLORMAPS == COLORMAPS
    assert Settings().view.error_colours in ERROR_COLOURS


@pytest.mark.parametrize("wrong", [{"opacity": 1.1}, {"opacity": -0.1}, {"colours": "rainbow"}])
def test_impossible_styles_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"opacity|colours"):
        ErrorStyle(**wrong)  # type: ignore[arg-type]


@quick
@given(seeds, sizes, st.floats(0.05, 3.0), st.sampled_from((1.0, 2.0)), st.sampled_from(sorted(ERROR_COLOURS)))
def test_pictures_that_follow_changed_boxes_are_those_of_new_layers(
    seed: int, shape: tuple[int, int], zoom: float, ratio: float, colours: str
) -> None:
    levels, label = drawn_at_random(seed, shape)
    random = np.random.default_rng(seed)
    region = random.random(shape) < 0.8
    drawn = (label & region).view(np.uint8)
    box = (0, 0, *zoomed_size(shape, zoom))

    def layers_of(levels: np.ndarray) -> Layers:
        layers = Layers()
        layers.set_levels(levels)
        layers.set_errors(levels * region.view(np.uint8), drawn, region)
        layers.error_style, layers.threshold_level = ErrorStyle(0.8, colours), 120
        layers.fov_visible = False
        return layers

    def painted(layers: Layers) -> list[bytes]:
        return [bytes(picture.constBits()) for picture in layers.pictures(zoom, box, ratio)]

    followed = layers_of(levels)
    painted(followed)
    for _ in range(4):
        left, top = (int(random.integers(0, side)) for side in shape[::-1])
        right, bottom = (
            int(random.integers(start + 1, side + 1)) for start, side in ((left, shape[1]), (top, shape[0]))
        )
        levels[top:bottom, left:right] = random.choice([0, 255])
        followed.refresh_levels((left, top, right, bottom))
        assert painted(followed) == painted(layers_of(levels.copy()))
        assert np.array_equal(followed.errors(), layers_of(levels.copy()).errors())
