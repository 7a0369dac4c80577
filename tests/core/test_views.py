"""Pictures to look at: exact channels, more contrast where the retina is, nothing new where it is not."""

import cv2
import numpy as np
import pytest

from core.photo.views import VIEWS, make_view
from core.resources import resource_path
from core.types import FieldOfView, FundusImage

GREY_VIEWS = ("red", "green", "blue", "enhanced")


@pytest.fixture(scope="module")
def sample() -> FundusImage:
    pixels = cv2.imread(str(resource_path("sample", "retina.jpg")), cv2.IMREAD_COLOR_RGB)
    return FundusImage(np.asarray(cv2.resize(pixels, (470, 470), interpolation=cv2.INTER_AREA), dtype=np.uint8))


@pytest.fixture(scope="module")
def fov(sample) -> FieldOfView:
    rows, columns = np.mgrid[:470, :470]
    return FieldOfView(np.hypot(rows - 235, columns - 235) < 222, "full")


@pytest.mark.parametrize(("view", "channel"), [("red", 0), ("green", 1), ("blue", 2)])
def test_channels_are_exact(sample, view, channel):
    assert np.array_equal(make_view(sample, view), sample.rgb[:, :, channel])


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_the_photographs_size(sample, fov, view):
    for region in (None, fov):
        picture = make_view(sample, view, fov=region)
        assert picture.dtype == np.uint8
        assert picture.shape == (sample.shape if view in GREY_VIEWS else (*sample.shape, 3))
        assert picture.flags.c_contiguous


@pytest.mark.parametrize("view", ["enhanced", "enhanced_colour"])
def test_enhancing_raises_local_contrast_inside_and_leaves_the_outside_alone(sample, fov, view):
    plain = sample.rgb[:, :, 1]
    picture = make_view(sample, view, fov=fov)
    green = picture if picture.ndim == 2 else picture[:, :, 1]

    def local_contrast(plane):
        fine = plane.astype(np.float32)
        return (fine - cv2.GaussianBlur(fine, (0, 0), 8))[fov.inside].std()

    assert local_contrast(green) > 1.5 * local_contrast(plain)
    assert np.array_equal(green[~fov.inside], plain[~fov.inside])


def test_enhanced_colour_keeps_the_colours(sample, fov):
    before = cv2.cvtColor(sample.rgb, cv2.COLOR_RGB2LAB).astype(int)
    after = cv2.cvtColor(make_view(sample, "enhanced_colour", fov=fov), cv2.COLOR_RGB2LAB).astype(int)
    moved = np.hypot(after[..., 1] - before[..., 1], after[..., 2] - before[..., 2])
    assert np.median(moved) <= 2, "beyond rounding only where the colour does not exist at its new lightness"


def test_black_margins_change_nothing(sample, fov):
    rgb = np.pad(sample.rgb, ((30, 90), (200, 10), (0, 0)))
    wide = FieldOfView(np.pad(fov.inside, ((30, 90), (200, 10))), "full")
    padded = make_view(FundusImage(rgb), "enhanced", fov=wide)
    assert np.array_equal(padded[30:500, 200:670], make_view(sample, "enhanced", fov=fov))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (5, 3)])
def test_tiny_photographs_have_views_too(view, shape):
    image = FundusImage(np.full((*shape, 3), 90, dtype=np.uint8))
    assert make_view(image, view, fov=FieldOfView.full(shape)).shape[:2] == shape


def test_a_field_of_view_of_another_size_is_refused(sample):
    with pytest.raises(ValueError, match="field of view"):
        make_view(sample, "green", fov=FieldOfView.full((10, 10)))
