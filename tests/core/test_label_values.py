"""Labels of more than two values: nobody takes the brightest of them silently, and what they mean can be said."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from core.datasets.dataset_file import DataSetFile, Entry, make_case, read_dataset_file, write_dataset_file
from core.datasets.synthetic import draw_case
from core.errors import FieldOfViewError, InputError, LabelError
from core.photo.label_checks import LabelReading, examine_label
from core.photo.label_values import LabelValues, find_values, suggest, with_thickness
from core.photo.reading import read_fov, read_label

SIDE = 256
CASE = draw_case(3, SIDE)
VESSEL = CASE.label.vessel
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
LEFT = COLUMNS < SIDE // 2
DISC = (ROWS - 128) ** 2 + (COLUMNS - 190) ** 2 < 16**2
RETINA = CASE.fov.inside
Colour = int | tuple[int, int, int]


def painted(*parts: tuple[np.ndarray, Colour], ground: Colour = 0) -> np.ndarray:
    """uint8 (H, W, 3): the parts in their colours, the later over the earlier."""
    pixels = np.empty((SIDE, SIDE, 3), np.uint8)
    pixels[:] = ground
    for part, colour in parts:
        pixels[part] = colour
    return pixels


def written(folder: Path, pixels: np.ndarray, name: str = "label.png") -> Path:
    path = folder / name
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)
    return path


def as_jpeg(pixels: np.ndarray, quality: int = 75) -> np.ndarray:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=quality)
    return np.asarray(Image.open(data).convert("RGB"))


SEVERAL = {
    "arteries 1, veins 2": (painted((VESSEL, 1), (VESSEL & LEFT, 2)), "1,2", ""),
    "vessels 1, disc 10": (painted((VESSEL, 1), (DISC, 10)), "1", ""),
    "vessels 1, not scored 255": (painted((VESSEL, 1), (DISC, 255)), "1", "255"),
    "vessels 50, disc 255": (painted((VESSEL, 50), (DISC, 255)), "50", ""),
    "vessels 200, disc 255": (painted((VESSEL, 200), (DISC, 255)), "200", ""),
    "arteries 128, veins 255": (painted((VESSEL, 128), (VESSEL & LEFT, 255)), "128,255", ""),
    "retina 128, vessels 255": (painted((RETINA, 128), (VESSEL, 255)), "255", ""),
    "red vessels, green disc": (painted((VESSEL, (255, 0, 0)), (DISC, (0, 255, 0))), "#ff0000", ""),
    "red vessels, blue disc": (painted((VESSEL, (255, 0, 0)), (DISC, (0, 0, 255))), "#ff0000", ""),
    "JPEG, vessels 50, disc 255": (as_jpeg(painted((VESSEL, 50), (DISC, 255)), 90), "50", ""),
}


@pytest.mark.parametrize("kind", SEVERAL)
def test_a_label_of_several_values_is_refused_with_its_values_and_read_as_it_is_said(tmp_path: Path, kind: str) -> None:
    pixels, vessel, ignored = SEVERAL[kind]
    path = written(tmp_path, pixels)
    values = LabelValues.parse(vessel, ignored)
    with pytest.raises(LabelError, match=r"label\.png.*holds the values 0 \(|holds the values 128 \(") as refused:
        read_label(path)
    assert "--vessel-values" in str(refused.value)
    examined = examine_label(path)
    assert [(doubt.kind, doubt.remedy) for doubt in examined.doubts] == [("values", "values")]
    assert not examined.usable
    proposed = suggest(examined.found)
    assert proposed is not None
    assert set(proposed.vessel) >= set(values.vessel) if "JPEG" not in kind else proposed.vessel
    label = read_label(path, values=values)
    wanted = VESSEL & ~DISC if "disc" in kind or ignored else VESSEL
    different = np.count_nonzero(label.vessel != wanted)
    assert different <= (0.002 * SIDE * SIDE if "JPEG" in kind else 0)
    assert (label.ignored is not None) == bool(ignored)
    if label.ignored is not None:
        assert np.array_equal(label.ignored, DISC)
        assert not (label.scored(RETINA) & DISC).any()
    same = examine_label(path, reading=LabelReading(values=values))
    assert same.doubts == ()
    assert np.array_equal(same.accept().vessel, label.vessel)


SMALL = VESSEL.astype(np.uint8) * 255
LARGER = np.asarray(cv2.resize(SMALL, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_AREA))


@pytest.mark.parametrize(
    "pixels",
    [
        painted((VESSEL, 255)),
        painted((VESSEL, 1)),
        painted((VESSEL, (255, 0, 0)), (VESSEL & LEFT, (0, 0, 255))),
        painted((VESSEL, (255, 0, 0)), (VESSEL & LEFT, (0, 0, 100))),  # dark blue
        painted((VESSEL, (128, 0, 0)), (VESSEL & LEFT, (0, 0, 128))),
        painted((VESSEL, (255, 0, 0)), (VESSEL & LEFT, (0, 0, 255)), ground=(255, 255, 255)),
        painted((VESSEL, (255, 0, 0)), ground=(255, 255, 255)),
        painted((VESSEL, (0, 255, 0))),
        *(as_jpeg(painted((VESSEL, 255)), quality) for quality in (75, 95)),
    ],
)
def test_two_values_colours_and_jpeg_are_all_vessels_without_a_question(tmp_path: Path, pixels: np.ndarray) -> None:
    path = written(tmp_path, pixels)
    assert examine_label(path).doubts == ()
    assert np.array_equal(read_label(path).vessel, VESSEL)


def test_smooth_edges_are_no_values_of_their_own(tmp_path: Path) -> None:
    path = written(tmp_path, LARGER)
    assert examine_label(path).doubts == ()
    assert np.array_equal(read_label(path).vessel, LARGER > 127)


def test_a_slip_of_the_pen_is_no_value(tmp_path: Path) -> None:
    pixels = painted((VESSEL, 255))
    pixels[5, 5:9] = 90
    assert np.array_equal(read_label(written(tmp_path, pixels)).vessel, VESSEL)


def test_what_is_wider_than_a_vessel_is_not_proposed_as_one() -> None:
    pixels = painted((VESSEL, 1), (DISC, 10))
    found = with_thickness(pixels, find_values(pixels))
    assert [(value.text, value.thick) for value in found] == [("0", True), ("1", False), ("10", True)]
    assert suggest(found) == LabelValues.parse("1")


@pytest.mark.parametrize("text", ["", "x", "256", "-1", "#ff00", "1;#gg0000"])
def test_values_that_are_none_are_told(text: str) -> None:
    with pytest.raises(LabelError):
        LabelValues.parse(text)


def test_a_value_is_vessel_or_not_scored_and_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="255 cannot be vessel and be ignored"):
        LabelValues.parse("1,255", "255")
    path = written(tmp_path, painted((VESSEL, 255)))
    with pytest.raises(LabelError, match=r"label\.png holds the values 0 .* and 255 .*none.*: 1,2\."):
        read_label(path, values=LabelValues.parse("1,2"))
    assert np.array_equal(read_label(path, values=LabelValues.parse("1 2, 255")).vessel, VESSEL)


def test_a_mask_of_several_values_is_refused_with_them(tmp_path: Path) -> None:
    path = written(tmp_path, painted((RETINA, 1), (DISC, 2)), "fov.png")
    with pytest.raises(FieldOfViewError, match=r"fov\.png.* 1 \(.* 0 \(.* 2 \(.*black and white"):
        read_fov(path)


def test_the_values_are_kept_in_the_data_set_file(tmp_path: Path) -> None:
    values = LabelValues.parse("1, #ff0000", "255")
    photo, label = tmp_path / "a.png", tmp_path / "a_label.png"
    entries = (Entry(make_case(photo, {"first": label, "second": label}, values={"first": values})),)
    path = write_dataset_file(tmp_path / "some.serr-dataset", DataSetFile("some", entries))
    assert "serr_dataset = 2" in path.read_text()
    assert read_dataset_file(path).entries == entries
    assert "1,#ff0000 vessel, 255 not scored" in read_dataset_file(path).part("training").protocol
    path.write_text(path.read_text().replace("1,#ff0000", "one"))
    with pytest.raises(InputError, match=r"some\.serr-dataset is wrong: 'one' is not a value"):
        read_dataset_file(path)
    write_dataset_file(path, DataSetFile("some", (Entry(make_case(photo, {"first": label})),)))
    assert "serr_dataset = 1" in path.read_text()  # older programs read it
