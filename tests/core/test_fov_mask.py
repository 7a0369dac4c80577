"""A field-of-view mask that does not lie on the retina is refused, and one that lies oddly is doubted."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.layouts import read_layout
from core.datasets.synthetic import draw_case
from core.errors import FieldOfViewError
from core.photo.fov_mask import read_fov_of
from core.photo.reading import read_fundus
from core.photo.sibling_files import resolve_fov
from core.types import FundusImage

SIDE = 256
CASE = draw_case(5, SIDE)
INSIDE, VESSEL = CASE.fov.inside, CASE.label.vessel
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
PIXEL = (ROWS == 100) & (COLUMNS == 100)
MACULA = (ROWS - 128) ** 2 + (COLUMNS - 128) ** 2 < 40**2
CROPPED = FundusImage(CASE.image.rgb[70:190, 70:190])


def written(folder: Path, mask: np.ndarray) -> Path:
    path = folder / "mask.png"
    Image.fromarray(mask.astype(np.uint8) * 255).save(path)
    return path


def test_the_right_mask_raises_no_doubt(tmp_path: Path) -> None:
    fov = read_fov_of(written(tmp_path, INSIDE), CASE.image)
    assert fov.doubts == ()
    assert np.array_equal(fov.inside, INSIDE)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (~INSIDE, "seems to be inverted"),
        (PIXEL, "only 1 of its pixels is white"),
        (VESSEL, "label of vessels"),
        (ROWS < 40, "does not lie on the retina"),
    ],
)
def test_a_hopeless_mask_is_refused_with_what_is_wrong(tmp_path: Path, mask: np.ndarray, words: str) -> None:
    with pytest.raises(FieldOfViewError, match=rf"mask\.png.*{words}.*White must be the retina"):
        resolve_fov(written(tmp_path, mask), None, CASE.image)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.roll(INSIDE, 16, axis=1), "of the mask mask.png lies outside the retina"),
        (np.ones_like(INSIDE), "of the mask mask.png lies outside the retina"),
        (MACULA, "covers only .* of the retina"),
    ],
)
def test_an_odd_mask_is_doubted(tmp_path: Path, mask: np.ndarray, words: str) -> None:
    fov = read_fov_of(written(tmp_path, mask), CASE.image)
    assert np.array_equal(fov.inside, mask)
    assert re.search(words, " ".join(doubt.text for doubt in fov.doubts))


def test_where_no_border_is_seen_brightness_tells_an_inverted_mask(tmp_path: Path) -> None:
    dark = CASE.image.rgb.copy()
    dark[ROWS + COLUMNS < 200] = 0
    image = FundusImage(dark[70:190, 70:190])
    with pytest.raises(FieldOfViewError, match=r"does not lie on the retina|seems to be inverted"):
        read_fov_of(written(tmp_path, (image.rgb[:, :, 0] == 0)), image)
    assert read_fov_of(written(tmp_path, np.ones((120, 120))), CROPPED).doubts == ()


def test_no_mask_of_a_published_set_is_doubted(serr_data: Path) -> None:
    for name, split in (("drive", "train"), ("drive", "test")):
        for case in read_layout(name, serr_data, split).cases[::2]:
            assert case.fov is not None
            assert read_fov_of(case.fov, read_fundus(case.photo)).doubts == (), case.fov
