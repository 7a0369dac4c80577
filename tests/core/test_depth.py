"""How many of 16 bits a photograph uses: nearly all of its values say it, not the brightest one."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from picture_kinds import RGB, tiff

from core.photo.reading import read_fundus, read_label

Words = npt.NDArray[np.uint16]


def text(values: Words) -> None:
    values[4:10, 4:24:3] = 65535
    values[4:10, 5:24:3] = 30000  # smooth edges
    values[112:114, 90:122] = 65535  # a scale bar


def hot_pixel(values: Words) -> None:
    values[30, 40] = 65535


def paper(values: Words) -> None:
    values[:14], values[110:] = 65535, 65535


def nothing(values: Words) -> None:
    pass


@pytest.mark.parametrize("drawn", [text, hot_pixel, paper, nothing])
@pytest.mark.parametrize("depth", [10, 12, 14])
def test_what_is_drawn_into_a_photograph_does_not_darken_it(tmp_path: Path, depth: int, drawn: object) -> None:
    values = np.rint(RGB * ((2**depth - 1) / 255)).astype(np.uint16)
    marked = np.zeros((120, 128, 3), np.uint16)
    for into in (values, marked):
        drawn(into)  # type: ignore[operator]
    path = tmp_path / "deep.tif"
    path.write_bytes(tiff(values, photometric="rgb"))
    rgb = read_fundus(path).rgb
    assert np.array_equal(rgb[marked == 0], RGB[marked == 0])
    assert (rgb[marked > 0] == 255).all()


@pytest.mark.parametrize("light", [0.1, 0.3, 0.5, 1.0])
def test_a_dark_photograph_with_all_16_bits_stays_dark(tmp_path: Path, light: float) -> None:
    """Its bright end, the optic disc, follows the rest without a gap; and 8 bit expanded to 16 has all its bits."""
    values = (np.rint(RGB * light) * 257).astype(np.uint16)
    noise = np.random.default_rng(2).integers(-120, 120, values.shape)
    path = tmp_path / "dark.tif"
    path.write_bytes(tiff(values, photometric="rgb"))
    assert np.array_equal(read_fundus(path).rgb, np.rint(RGB * light))
    if light >= 0.3:  # darker than a quarter it cannot be told from 14 bits
        path.write_bytes(tiff((values + noise).clip(0, 65535).astype(np.uint16), photometric="rgb"))
        assert np.abs(read_fundus(path).rgb.astype(int) - np.rint(RGB * light)).max() <= 1


@pytest.mark.parametrize("light", [0.05, 0.1, 0.2])
def test_a_photograph_that_may_have_been_made_brighter_says_so(tmp_path: Path, light: float) -> None:
    """A dark one of 16 bits cannot be told from one of 10 to 14; one that is fully lit somewhere can."""
    path = tmp_path / "dark.tif"
    noise = np.random.default_rng(2).integers(-20, 0, RGB.shape)
    dark = (np.rint(RGB * light) * 257 + noise).clip(0, 65535).astype(np.uint16)
    dark[dark.max() == dark] -= 1
    path.write_bytes(tiff(dark, photometric="rgb"))
    image = read_fundus(path)
    assert image.rgb.max() > 1.5 * light * RGB.max()
    (note,) = image.notes
    assert "times brighter" in note
    assert f"brightest {dark.max()}" in note
    bits = next(bits for bits in (10, 12, 14) if dark.max() < 2**bits)
    dark[60, 60] = 2**bits - 1
    path.write_bytes(tiff(dark, photometric="rgb"))
    assert read_fundus(path).notes == ()


def test_in_a_label_every_value_counts(tmp_path: Path) -> None:
    """Vessels are few and far brighter than all else, as written text is."""
    label = np.zeros((90, 100), np.uint16)
    label[40:44, 5:95] = 65535
    path = tmp_path / "label.tif"
    path.write_bytes(tiff(label))
    assert np.array_equal(read_label(path).vessel, label > 0)
