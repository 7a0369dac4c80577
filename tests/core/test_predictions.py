"""Results of others as files: every kind of file gives its values, and what cannot be meant is refused."""

import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from core.datasets.synthetic import draw_case
from core.errors import InputError
from core.evaluation.measure import GivenMask, Prediction
from core.evaluation.prediction_values import NOTHING_SAID, Said
from core.evaluation.predictions import find_predictions, read_values
from core.progress import SILENT
from core.types import FieldOfView, FundusImage, ProbabilityMap

CASE = draw_case(2, 96)
VALUES = np.random.default_rng(0).random((96, 96)).astype(np.float32)
VESSEL = CASE.label.vessel
LEFT = np.mgrid[:96, :96][1] < 48


def _photo(folder: Path, name: str = "01_test.tif") -> FundusImage:
    folder.mkdir(exist_ok=True)
    path = folder / name
    Image.fromarray(CASE.image.rgb).save(path)
    return FundusImage(CASE.image.rgb, source=path)


def _write(path: Path, values: np.ndarray) -> Path:
    if path.suffix == ".npy":
        np.save(path, values)
    elif values.dtype.kind == "f":
        tifffile.imwrite(path, values, photometric="minisblack")
    else:
        Image.fromarray(values).save(path)
    return path


def _meant(folder: Path, name: str, values: np.ndarray, said: Said = NOTHING_SAID) -> Prediction:
    """What a result is taken for."""
    image = _photo(folder / "photos", "a.bmp")
    _write(folder / name, values)
    assert image.source is not None
    found = find_predictions(folder, [image.source], said=said)
    return found.predict(image, CASE.fov, SILENT)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("a.npy", VALUES, VALUES),
        ("a.npy", VALUES.astype(np.float64)[None], VALUES),
        ("a.npy", (VALUES * 255).astype(np.uint8), (VALUES * 255).astype(np.uint8) / 255),
        ("a.npy", (VALUES * 65535).astype(np.uint16), (VALUES * 65535).astype(np.uint16) / 65535),
        ("a.npy", VESSEL, VESSEL),
        ("a.npy", VESSEL.astype(np.int64), VESSEL),
        ("a.tif", VALUES, VALUES),
        ("a.png", (VALUES * 255).astype(np.uint8), (VALUES * 255).astype(np.uint8) / 255),
        ("a.png", (VALUES * 65535).astype(np.uint16), (VALUES * 65535).astype(np.uint16) / 65535),
        ("a.png", np.repeat((VALUES * 255).astype(np.uint8)[..., None], 3, 2), (VALUES * 255).astype(np.uint8) / 255),
        ("a.png", (VALUES * 4095).astype(np.uint16), (VALUES * 4095).astype(np.uint16) / 4095),  # 12 bit in 16
        ("a.png", (VALUES * 50000).astype(np.uint16), (VALUES * 50000).astype(np.uint16) / 65535),  # not stretched
        ("a.png", (VALUES * 200).astype(np.uint8), (VALUES * 200).astype(np.uint8) / 255),
        ("a.png", (VALUES * 100).round().astype(np.uint8), (VALUES * 100).round() / 100),  # percent
        ("a.png", (VALUES * 1000).round().astype(np.uint16), (VALUES * 1000).round() / 1000),
        ("a.npy", (VALUES * 100).round().astype(np.int64), (VALUES * 100).round() / 100),
        ("a.npy", VALUES * 100, VALUES),
        ("a.npy", VALUES * 255, VALUES),
        ("a.npy", VALUES.round(1), VALUES.round(1)),  # votes of ten
        ("a.png", VESSEL.astype(np.uint8) + np.uint8(1), VESSEL),  # 1 and 2
        ("a.npy", VESSEL * 255.0, VESSEL),
    ],
)
def test_every_kind_of_file_gives_its_values(
    tmp_path: Path, name: str, values: np.ndarray, expected: np.ndarray
) -> None:
    found = _meant(tmp_path, name, values)
    if isinstance(found, GivenMask):
        assert np.array_equal(found.vessel, expected)
    else:
        np.testing.assert_allclose(found.values, expected.astype(np.float32), atol=1e-7)


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("a.npy", VALUES * 2, "between 0 and 1"),
        ("a.npy", VALUES * 14 - 8, "as logits do"),
        ("a.png", VESSEL * np.uint8(2) - (VESSEL & LEFT), "holds the numbers 0, 1 and 2, as classes"),
        ("a.npy", (VESSEL * 2.0 - (VESSEL & LEFT)), "holds the numbers 0, 1 and 2, as classes"),
        ("a.png", VESSEL * np.uint8(255) - (VESSEL & LEFT) * np.uint8(127), "holds the numbers 0, 128 and 255"),
        ("a.npy", (VESSEL * 2.0 - (VESSEL & LEFT)) / 255, "as classes"),
        ("a.png", (VALUES * 40).astype(np.uint8), "39 of 255.*which value is certainty is not"),
        ("a.png", (VALUES * 700).astype(np.uint16), "699 of 65535.*--prediction-max"),
        ("a.npy", np.where(VALUES > 0.5, np.nan, VALUES), "between 0 and 1"),
        ("a.tif", VALUES - 0.5, "between 0 and 1"),
        ("a.npy", (VALUES * 9).astype(np.int64), "between 0 and 1"),
        ("a.npy", np.zeros((2, 96, 96)), "height and width only"),
        ("a.npy", np.zeros((0, 96)), "height and width only"),
        ("a.png", CASE.image.rgb, "colour picture"),
    ],
)
def test_values_that_are_no_probabilities_are_refused(
    tmp_path: Path, name: str, values: np.ndarray, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        _meant(tmp_path, name, values)


def test_what_classes_and_scales_mean_can_be_said(tmp_path: Path) -> None:
    classes = VESSEL * np.uint8(2) - (VESSEL & LEFT)
    both = _meant(tmp_path, "a.png", classes, Said(vessel=(1, 2)))
    veins = _meant(tmp_path, "a.png", classes, Said(vessel=(2,)))
    assert isinstance(both, GivenMask)
    assert isinstance(veins, GivenMask)
    assert np.array_equal(both.vessel, VESSEL)
    assert np.array_equal(veins.vessel, VESSEL & ~LEFT)
    scaled = _meant(tmp_path, "a.png", (VALUES * 40).astype(np.uint8), Said(top=50))
    assert isinstance(scaled, ProbabilityMap)
    np.testing.assert_allclose(scaled.values, (VALUES * 40).astype(np.uint8) / 50, atol=1e-7)
    with pytest.raises(InputError, match="none of the values 3"):
        _meant(tmp_path, "a.png", classes, Said(vessel=(3,)))
    with pytest.raises(InputError, match="many different values"):
        _meant(tmp_path, "a.png", (VALUES * 40).astype(np.uint8), Said(vessel=(3,)))
    with pytest.raises(InputError, match="beyond 0 to 20"):
        _meant(tmp_path, "a.png", (VALUES * 40).astype(np.uint8), Said(top=20))


def test_how_numbers_are_taken_is_said_where_it_is_not_plain(tmp_path: Path) -> None:
    for name, values, words in (
        ("percent", (VALUES * 100).round().astype(np.uint8), r"100 is taken as certainty \(percent\)"),
        ("ones", VESSEL.astype(np.uint8) + np.uint8(1), "hold 1 and 2: taken as masks, 2 is vessel"),
        ("dim", VALUES * 0.3, "No value of the results is above 0.3"),
    ):
        folder = tmp_path / name
        image = _photo(folder, "a.bmp")
        _write(folder / ("a.npy" if values.dtype.kind == "f" else "a.png"), values)
        assert image.source is not None
        notes = find_predictions(folder, [image.source]).notes
        assert re.search(words, " ".join(notes))


def test_pickles_and_broken_files_are_never_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (tmp_path / "b.npy").write_bytes(b"\x80\x04K\x01.")
    (tmp_path / "c.tif").write_bytes(b"II*\0 broken")
    for name in ("a.npy", "b.npy", "c.tif"):
        with pytest.raises(InputError, match=name[0]):
            read_values(tmp_path / name)


def test_masks_and_probabilities_are_told_apart_by_all_files(tmp_path: Path) -> None:
    first, second = _photo(tmp_path / "photos", "1.png"), _photo(tmp_path / "photos", "2.png")
    photos = [image.source for image in (first, second) if image.source is not None]
    given = tmp_path / "given"
    given.mkdir()
    _write(given / "1.png", VESSEL.astype(np.uint8) * 255)
    _write(given / "2.png", VESSEL.astype(np.uint8))
    masks = find_predictions(given, photos)
    found = masks.predict(first, CASE.fov, SILENT)
    assert masks.kind == "masks"
    assert isinstance(found, GivenMask)
    assert np.array_equal(found.vessel, VESSEL)
    _write(given / "2.png", (VALUES * 255).astype(np.uint8))
    maps = find_predictions(given, photos)
    found = maps.predict(first, CASE.fov, SILENT)  # two values, but among probabilities
    assert maps.kind == "probabilities"
    assert isinstance(found, ProbabilityMap)
    assert set(np.unique(found.values)) == {0.0, 1.0}
    assert maps.sha256 != masks.sha256


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (["01_test.png"], "01_test.png"),
        (["01_TEST.PNG"], "01_TEST.PNG"),
        (["01.png"], "01.png"),
        (["01_test_mask.png", "01_test_probability.png"], "01_test_probability.png"),
        (["01_test_overlay.png", "01_test_mask.png"], "01_test_mask.png"),
        (["01.png", "01_test_pred.npy"], "01_test_pred.npy"),
    ],
)
def test_results_are_found_by_name(tmp_path: Path, names: list[str], taken: str) -> None:
    image = _photo(tmp_path / "photos")
    assert image.source is not None
    for name in names:
        if name.endswith(".npy"):
            _write(tmp_path / name, VALUES)
        else:
            _write(tmp_path / name.lower(), (VALUES * 255).astype(np.uint8)).rename(tmp_path / name)
    assert find_predictions(tmp_path, [image.source]).files == {image.source: tmp_path / taken}


def test_what_is_missing_or_ambiguous_is_said(tmp_path: Path) -> None:
    image = _photo(tmp_path / "photos")
    assert image.source is not None
    with pytest.raises(InputError, match=r"no result for any of the 1 photographs.*01_test\.png"):
        find_predictions(tmp_path, [image.source])
    with pytest.raises(InputError, match="nowhere cannot be read"):
        find_predictions(tmp_path / "nowhere", [image.source])
    _write(tmp_path / "01_test.npy", VALUES)
    found = find_predictions(tmp_path, [image.source])
    with pytest.raises(InputError, match=r"no result for 02\.png"):
        found.predict(_photo(tmp_path / "photos", "02.png"), CASE.fov, SILENT)
    small = FundusImage(np.zeros((40, 50, 3), dtype=np.uint8), source=image.source)
    with pytest.raises(InputError, match="has 96 x 96 pixels, but the photograph has 50 x 40"):
        found.predict(small, FieldOfView.full((40, 50)), SILENT)
    _write(tmp_path / "01_test.png", VESSEL.astype(np.uint8))
    with pytest.raises(InputError, match=r"more than one result for 01_test\.tif"):
        find_predictions(tmp_path, [image.source])


def test_a_photograph_is_never_its_own_result(tmp_path: Path) -> None:
    image = _photo(tmp_path, "eye.png")
    assert image.source is not None
    with pytest.raises(InputError, match="no result"):
        find_predictions(tmp_path, [image.source])
