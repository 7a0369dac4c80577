"""A label that is turned, or of another photograph, is noticed, and it is said how it would fit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.synthetic import draw_case
from core.photo.label_checks import LabelReading, examine_label
from core.photo.label_matching import TURNS, find_wrong_pair
from core.photo.samples import turned
from core.types import ExpertLabel, FundusImage

CASE = draw_case(2, 192)
VESSEL, FOV = CASE.label.vessel, CASE.fov
BACK = {6: 8, 8: 6}
WIDE = FundusImage(np.pad(CASE.image.rgb, ((0, 0), (16, 16), (0, 0))))
WIDE_VESSEL, WIDE_INSIDE = (np.pad(plane, ((0, 0), (16, 16))) for plane in (VESSEL, FOV.inside))


def test_a_label_of_the_photograph_is_not_doubted() -> None:
    assert find_wrong_pair(CASE.image, FOV, CASE.label) is None


def test_the_label_of_another_photograph_fits_in_no_way() -> None:
    wrong = find_wrong_pair(CASE.image, FOV, draw_case(9, 192).label)
    assert wrong is not None
    assert (wrong.turn, "do not seem to belong together" in wrong.sentence) == (1, True)


@pytest.mark.parametrize("turn", TURNS)
def test_a_turned_label_is_noticed_and_turned_back(tmp_path: Path, turn: int) -> None:
    path = tmp_path / "label.png"
    Image.fromarray(turned(VESSEL, turn).astype(np.uint8) * 255).save(path)
    examined = examine_label(path, shape=CASE.image.shape, inside=FOV.inside, image=CASE.image)
    assert [(doubt.kind, doubt.remedy) for doubt in examined.doubts] == [("pair", "turn")]
    back = BACK.get(turn, turn)
    assert examined.turn == back
    assert f"fits when it is {TURNS[back]}" in examined.doubts[0].sentence
    again = examine_label(
        path, shape=CASE.image.shape, inside=FOV.inside, image=CASE.image, reading=LabelReading(turn=back)
    )
    assert again.doubts == ()
    assert np.array_equal(again.accept().vessel, VESSEL)


def test_a_label_with_height_and_width_exchanged_is_turned(tmp_path: Path) -> None:
    path = tmp_path / "label.png"
    Image.fromarray(turned(WIDE_VESSEL, 6).astype(np.uint8) * 255).save(path)
    examined = examine_label(path, shape=WIDE.shape, inside=WIDE_INSIDE, image=WIDE)
    assert [(doubt.kind, doubt.remedy) for doubt in examined.doubts] == [("size", "turn")]
    again = examine_label(
        path, shape=WIDE.shape, inside=WIDE_INSIDE, image=WIDE, reading=LabelReading(turn=examined.turn)
    )
    assert np.array_equal(again.accept().vessel, WIDE_VESSEL)


def test_of_a_photograph_that_is_stored_turned_it_is_said() -> None:
    image = replace(CASE.image, turned=True)
    wrong = find_wrong_pair(image, FOV, ExpertLabel(turned(VESSEL, 3)))
    assert wrong is not None
    assert "stored turned (EXIF)" in wrong.sentence


def test_vessels_of_an_angiogram_are_told_by_their_brightness() -> None:
    inverted = np.where(FOV.inside[:, :, None], 255 - CASE.image.rgb, 0).astype(np.uint8)
    wrong = find_wrong_pair(FundusImage(inverted), FOV, CASE.label)
    assert wrong is not None
    assert "angiogram" in wrong.sentence
