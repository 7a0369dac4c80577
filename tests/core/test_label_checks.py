"""A label that looks wrong is taken by nobody silently, and the sentence says what could be done."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.layouts import read_layout
from core.datasets.synthetic import draw_case
from core.errors import LabelError
from core.photo.label_checks import examine_label, refuse_inverted
from core.photo.reading import read_label

CASE = draw_case(4, 128)
VESSEL, INSIDE = CASE.label.vessel, CASE.fov.inside


def _written(folder: Path, pixels: np.ndarray) -> Path:
    path = folder / "label.png"
    Image.fromarray(pixels.astype(np.uint8)).save(path)
    return path


def test_a_label_as_it_should_be_raises_no_doubt(tmp_path: Path) -> None:
    path = _written(tmp_path, VESSEL * 255)
    examined = examine_label(path, shape=(128, 128), inside=INSIDE)
    assert examined.doubts == ()
    assert np.array_equal(examined.accept().vessel, VESSEL)
    assert np.array_equal(read_label(path).vessel, VESSEL)
    refuse_inverted(examined.accept(), INSIDE)


@pytest.mark.parametrize(
    ("pixels", "kind", "remedy", "words"),
    [
        (np.zeros((128, 128)), "empty", "", "black everywhere"),
        (np.full((128, 128), 255), "full", "", "all of it would be vessel"),
        (np.where(VESSEL, 0, 255), "inverted", "invert", "looks inverted"),
        (np.where(INSIDE & ~VESSEL, 255, 0), "inverted", "invert", "looks inverted"),
        (CASE.image.rgb, "grey", "cut", "grey values"),
        (np.ones((40, 60)) * np.eye(40, 60) * 255, "size", "", "has 60 x 40 pixels, but the photograph has 128 x 128"),
        (np.where(INSIDE, 0, 255), "empty", "", "inside the field of view"),
    ],
)
def test_each_doubt_is_said(tmp_path: Path, pixels: np.ndarray, kind: str, remedy: str, words: str) -> None:
    path = _written(tmp_path, pixels)
    examined = examine_label(path, shape=(128, 128), inside=INSIDE)
    assert (examined.doubts[0].kind, examined.doubts[0].remedy) == (kind, remedy)
    assert "label.png" in examined.doubts[0].sentence
    assert words in examined.doubts[0].sentence
    if not examined.usable:
        with pytest.raises(LabelError, match=r"label\.png"):
            examined.accept()


def test_an_inverted_label_is_put_right_on_request_and_refused_where_nobody_can_be_asked(tmp_path: Path) -> None:
    path = _written(tmp_path, np.where(VESSEL, 0, 255))
    assert np.array_equal(examine_label(path).accept(invert=True).vessel, VESSEL)
    with pytest.raises(LabelError, match=r"label\.png.*looks inverted.*invert the file"):
        refuse_inverted(read_label(path), INSIDE)


def test_what_is_no_picture_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "label.png").write_text("no picture")
    with pytest.raises(LabelError, match="not a picture"):
        examine_label(tmp_path / "label.png")


def test_no_label_of_a_published_set_is_doubted(serr_data: Path) -> None:
    for name, split in (("drive", "train"), ("drive", "test"), ("stare", "all"), ("chase_db1", "train")):
        for case in read_layout(name, serr_data, split).cases:
            for path in case.labels.values():
                assert examine_label(path).doubts == (), path
