"""The recipe: scale, contrast, and the way back to the photograph's own grid."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.datasets.synthetic import draw_case
from core.errors import FieldOfViewError, WeightsError
from core.photo.preprocessing import prepare, restore
from core.photo.recipe import Preprocessing
from core.types import FieldOfView, FundusImage

PLAIN = Preprocessing(fov_diameter_px=0, standardise=False, clahe_clip=0, gamma=1)


def test_recipe_survives_its_dict() -> None:
    recipe = Preprocessing(colour="rgb", fov_diameter_px=720, clahe_clip=0, gamma=1.7)
    assert Preprocessing.from_dict(recipe.to_dict()) == recipe


@pytest.mark.parametrize("fields", [{"clahe": 2.0}, {"gamma": -1}, {"mix": [1, 2]}, {"colour": "hsv"}])
def test_a_wrong_recipe_is_named(fields: dict[str, object]) -> None:
    with pytest.raises(WeightsError, match=next(iter(fields))):
        Preprocessing.from_dict(fields)


def test_grey_mix_and_range() -> None:
    """Without contrast steps the plane is the weighted mean of red and green, moved linearly from 0..255 to -2..2."""
    case = draw_case(1, 96)
    prepared = prepare(case.image, FieldOfView.full(case.image.shape), PLAIN)
    mixed = np.rint(0.25 * case.image.rgb[..., 0] + 0.75 * case.image.rgb[..., 1].astype(float))
    np.testing.assert_allclose(prepared.planes[0], mixed / 255 * 4 - 2, atol=1e-5 + 4 / 255 * 0.51)


def test_contrast_steps_are_those_of_opencv_and_the_gamma_formula() -> None:
    case = draw_case(2, 96)
    full = FieldOfView.full(case.image.shape)
    before = prepare(case.image, full, PLAIN).planes[0]
    levels = np.rint((before + 2) / 4 * 255).astype(np.uint8)
    expected = cv2.createCLAHE(2.0, (8, 8)).apply(levels) / 255.0
    after = prepare(case.image, full, PLAIN.model_copy(update={"clahe_clip": 2.0, "gamma": 1.2})).planes[0]
    np.testing.assert_allclose(after, expected ** (1 / 1.2) * 4 - 2, atol=1e-4)


def test_standardised_inside_the_field_of_view_and_zero_outside() -> None:
    case = draw_case(3, 128)
    recipe = Preprocessing(fov_diameter_px=0, clahe_clip=0, gamma=1)
    prepared = prepare(case.image, case.fov, recipe)
    values = prepared.planes[0][prepared.inside]
    assert abs(values.mean()) < 0.02
    assert values.std() == pytest.approx(4 / 6, rel=0.05)  # +-3 standard deviations span [-2, 2]
    assert np.all(prepared.planes[0][~prepared.inside] == 0)


@pytest.mark.parametrize("light", [0.5, 0.75])
def test_a_darker_photograph_gives_the_same_planes(light: float) -> None:
    case = draw_case(4, 256)
    darker = FundusImage(np.rint(case.image.rgb * light).astype(np.uint8))
    recipe = Preprocessing(fov_diameter_px=0)
    one, other = (prepare(image, case.fov, recipe).planes for image in (case.image, darker))
    assert np.abs(one - other).mean() < 0.06, "only rounding is left of the difference"


def test_black_margins_change_nothing() -> None:
    case = draw_case(5, 128)
    wide = np.pad(case.image.rgb, ((30, 11), (70, 5), (0, 0)))
    inside = np.pad(case.fov.inside, ((30, 11), (70, 5)))
    recipe = Preprocessing(fov_diameter_px=100)
    one = prepare(case.image, case.fov, recipe)
    other = prepare(FundusImage(wide), FieldOfView(inside, "file"), recipe)
    assert np.array_equal(one.planes, other.planes)


@settings(max_examples=40, deadline=None)
@given(side=st.integers(40, 200), wanted=st.integers(20, 400))
def test_scale_brings_the_diameter_to_the_wanted_one(side: int, wanted: int) -> None:
    case = draw_case(6, side)
    prepared = prepare(case.image, case.fov, Preprocessing(fov_diameter_px=wanted))
    found = FieldOfView(prepared.inside, "file").diameter_px
    if abs(wanted / case.fov.diameter_px - 1) <= 0.05:
        assert prepared.scale == 1.0
        assert found == case.fov.diameter_px
    else:
        assert abs(found - wanted) <= 2
    back = restore(np.ones(prepared.inside.shape, np.float32), prepared, case.fov)
    assert np.array_equal(back > 0, case.fov.inside), "the way back covers the field of view and nothing else"
    np.testing.assert_allclose(back[case.fov.inside], 1.0, atol=1e-6)


def test_a_map_comes_back_to_its_place() -> None:
    """A bright spot on a photograph of three times the scale lies where it was, to half a pixel of the small grid."""
    shape, at = (300, 360), (201, 98)
    inside = np.zeros(shape, bool)
    inside[20:290, 30:330] = True
    fov = FieldOfView(inside, "file")
    y, x = np.mgrid[: shape[0], : shape[1]]
    spot = np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / (2 * 9.0**2))
    image = FundusImage(np.repeat(np.rint(255 * spot).astype(np.uint8)[..., None], 3, axis=2))
    prepared = prepare(image, fov, PLAIN.model_copy(update={"fov_diameter_px": 100}))
    values = restore(np.clip((prepared.planes[0] + 2) / 4, 0, 1).astype(np.float32), prepared, fov)
    weights = values / values.sum()
    assert (weights * y).sum() == pytest.approx(at[0], abs=1.5)
    assert (weights * x).sum() == pytest.approx(at[1], abs=1.5)


def test_a_field_of_view_of_another_size_is_refused() -> None:
    case = draw_case(7, 64)
    with pytest.raises(FieldOfViewError, match="64 x 64"):
        prepare(case.image, FieldOfView.full((64, 65)), Preprocessing())


def test_rgb_recipe_gives_three_planes() -> None:
    case = draw_case(8, 96)
    recipe = Preprocessing(colour="rgb")
    assert prepare(case.image, case.fov, recipe).planes.shape[0] == recipe.planes == 3


@pytest.mark.parametrize(("side", "found"), [(100, 60), (140, 70), (240, 90)], ids=["coarse", "finer", "finest"])
def test_a_fine_photograph_is_brought_to_half_its_diameter_at_most(side: int, found: int) -> None:
    case = draw_case(6, side)
    inside = np.ones((side, side), np.bool_)
    recipe = Preprocessing(fov_diameter_px=60, fov_diameter_max_px=90)
    prepared = prepare(case.image, FieldOfView(inside, "full"), recipe)
    assert prepared.planes.shape == (1, found, found)
    whole = restore(prepared.planes[0], prepared, FieldOfView(inside, "full"))
    assert whole.shape == (side, side)


def test_a_largest_diameter_that_cannot_be_is_refused_and_an_unused_one_is_not_written() -> None:
    assert "fov_diameter_max_px" not in Preprocessing(fov_diameter_px=720).to_dict()
    both = Preprocessing(fov_diameter_px=720, fov_diameter_max_px=1020)
    assert Preprocessing.from_dict(both.to_dict()) == both
    for least, most in ((720, 540), (0, 540)):
        with pytest.raises(WeightsError, match="fov_diameter_max_px must be 0, or at least fov_diameter_px"):
            Preprocessing.from_dict({"fov_diameter_px": least, "fov_diameter_max_px": most})
