"""What is said about pictures that are no sharp colour photographs of a retina; about others nothing is said."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from drawn_others import OTHERS, Maker

from core.datasets.synthetic import draw_case
from core.photo.field_of_view import estimate_field_of_view
from core.photo.photo_doubts import doubts_about
from core.photo.reading import read_fundus
from core.resources import resource_path
from core.types import ByteArray, FieldOfView, FundusImage


@pytest.fixture(scope="module")
def sample() -> ByteArray:
    return read_fundus(resource_path("sample", "retina.jpg")).rgb


def kinds(pixels: ByteArray) -> list[str]:
    image = FundusImage(np.ascontiguousarray(pixels))
    return [doubt.kind for doubt in doubts_about(image, estimate_field_of_view(image))]


@pytest.mark.parametrize("make", OTHERS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("seed", range(3))
def test_pictures_of_other_things_are_doubted(make: Maker, seed: int) -> None:
    found = kinds(make(np.random.default_rng(seed)))
    assert set(found) & {"not_a_fundus", "blurred"}, found


def test_good_photographs_are_not_doubted(sample: ByteArray) -> None:
    """Nor dark, pale, noisy or compressed ones, nor drawn ones."""
    noisy = sample + np.random.default_rng(0).normal(0, 12, sample.shape)
    _, compressed = cv2.imencode(".jpg", sample, [cv2.IMWRITE_JPEG_QUALITY, 25])
    good = {
        "sample": sample,
        "small": cv2.resize(sample, (300, 300), interpolation=cv2.INTER_AREA),
        "dark": (sample * 0.2).astype(np.uint8),
        "pale": (sample * 0.3 + 90).astype(np.uint8),
        "noisy": noisy.clip(0, 255).astype(np.uint8),
        "compressed": cv2.imdecode(compressed, cv2.IMREAD_COLOR),
        "turned": np.rot90(sample),
        "drawn": draw_case(3).image.rgb,
    }
    assert {name: kinds(pixels) for name, pixels in good.items()} == {name: [] for name in good}


def test_an_angiogram_is_named_and_a_red_free_photograph_is_only_grey(sample: ByteArray) -> None:
    green = sample[:, :, 1:2].repeat(3, axis=2)
    assert kinds(green) == ["grey"]
    assert kinds(sample * np.array((0, 1, 0), np.uint8)) == ["grey"]
    inverted = np.where(sample.max(axis=2, keepdims=True) > 25, 255 - green, 0)
    assert kinds(inverted) == ["angiogram"]


def test_wrong_colours_are_named(sample: ByteArray) -> None:
    assert kinds(sample[:, :, ::-1]) == ["not_a_fundus"]


@pytest.mark.parametrize("share", [0.007, 0.01, 0.02])
def test_a_photograph_out_of_focus_is_named(sample: ByteArray, share: float) -> None:
    assert "blurred" in kinds(cv2.GaussianBlur(sample, (0, 0), share * sample.shape[0]).astype(np.uint8))


@pytest.mark.parametrize("side", [40, 100, 180])
def test_a_thumbnail_is_too_small(sample: ByteArray, side: int) -> None:
    assert "small_photograph" in kinds(cv2.resize(sample, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8))


def test_the_whole_picture_as_asked_for_is_judged_by_the_retina_in_it(sample: ByteArray) -> None:
    image = FundusImage(sample)
    assert doubts_about(image, FieldOfView.full(image.shape)) == ()


@pytest.mark.parametrize(
    "photos", ["DRIVE/*/images/*.tif", "STARE/stare-images/*.ppm", "CHASE_DB1/*.jpg", "HRF/images/*_dr.JPG"]
)
def test_published_photographs_are_not_doubted(serr_data: Path, photos: str) -> None:
    """Every third; benchmarks/photo_doubts.py looks at all of them."""
    for path in sorted(serr_data.glob(photos))[::3]:
        image = read_fundus(path)
        assert doubts_about(image, estimate_field_of_view(image)) == (), path.name
