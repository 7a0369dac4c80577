"""The files of a result: exact, together or not at all, and a side-car that is believed only when it is whole."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from bad_inputs import encoded, fundus_drawing
from bad_outputs import BAD_OUTPUTS, BadOutput, full_folder
from PIL import Image

from core import __version__
from core.errors import InputError, OutputError
from core.export import MASK_COLOUR, ExportChoices, export_segmentation, overlay_picture
from core.inference.options import InferenceOptions
from core.masks.threshold import apply_threshold
from core.models.model_card import ModelCard
from core.photo.field_of_view import estimate_field_of_view
from core.photo.reading import read_fov, read_fundus, read_label
from core.photo.recipe import Preprocessing
from core.segmentation import Segmentation
from core.sidecar import FORMAT_VERSION, pixels_sha256, read_sidecar
from core.threshold_rule import ThresholdRule
from core.types import FieldOfView, ProbabilityMap, VesselMask

EVERYTHING = ExportChoices()
SHAPE = (120, 128)


@pytest.fixture
def found(tmp_path: Path) -> Segmentation:
    """A result as ``segment_photo`` gives it, with probabilities that no network made: every kind of value is there."""
    photo = tmp_path / "Auge 眼 1.png"
    photo.write_bytes(encoded("PNG"))
    image = read_fundus(photo)
    fov = estimate_field_of_view(image)
    values = np.random.default_rng(4).random(SHAPE, np.float32) ** 3
    values[50:60] = np.linspace(0, 1, SHAPE[1], dtype=np.float32)
    values[70] = 1
    values[~fov.inside] = 0
    probability = ProbabilityMap(values)
    card = ModelCard("drawn", "serr-unet", {"width": 4}, Preprocessing(gamma=1.1), sha256="ab" * 32)
    return Segmentation(
        image=image,
        fov=fov,
        probability=probability,
        mask=apply_threshold(probability, ThresholdRule(77, "otsu")),
        card=card,
        model_sha256="cd" * 32,
        options=InferenceOptions(device="cpu", tta="flips", tile_px=256, precision="fp32", threads=1),
        device="CPU, 1 thread",
        precision="fp32",
        tiles=3,
        scale=1.25,
        seconds=0.5,
        notes=("Memory ran out once.",),
    )


def pixels(path: Path) -> npt.NDArray[Any]:
    with Image.open(path) as image:
        return np.array(image)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out ü"
    folder.mkdir()
    return folder


# Pictures


def test_the_mask_is_0_and_255_at_the_size_of_the_photograph(found: Segmentation, out: Path) -> None:
    files = export_segmentation(found, out, "eye", EVERYTHING)
    assert {kind: path.name for kind, path in files.items()} == {
        "mask": "eye_mask.png",
        "probability": "eye_probability.png",
        "overlay": "eye_overlay.png",
        "sidecar": "eye.serr.json",
    }
    mask = pixels(files["mask"])
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, found.mask.vessel * 255)
    assert 0 < (mask == 255).sum() < mask.size
    assert np.array_equal(read_label(files["mask"], shape=SHAPE).vessel, found.mask.vessel)


def test_the_probability_is_round_65535_p_or_the_floats_themselves(found: Segmentation, out: Path) -> None:
    png = export_segmentation(found, out, "eye", EVERYTHING)["probability"]
    stored = pixels(png)
    exact = found.probability.values.astype(np.float64) * 65535
    assert stored.dtype == np.uint16
    assert np.abs(stored - exact).max() <= 0.5 + 1e-2  # a tie may fall to either side
    assert stored.max() == 65535
    assert (stored[~found.fov.inside] == 0).all()
    tif = export_segmentation(found, out, "eye", replace(EVERYTHING, float_probability=True))["probability"]
    assert tif.name == "eye_probability.tif"
    assert np.array_equal(tifffile.imread(tif), found.probability.values)
    assert np.array_equal(cv2.imread(str(tif), cv2.IMREAD_UNCHANGED), found.probability.values)


@pytest.mark.parametrize("colour", [MASK_COLOUR, (250, 220, 10)])
def test_the_overlay_shows_exactly_the_mask_and_the_outline(
    found: Segmentation, out: Path, colour: tuple[int, int, int]
) -> None:
    choices = replace(EVERYTHING, mask_colour=colour)
    picture = pixels(export_segmentation(found, out, "eye", choices)["overlay"]).astype(int)
    photo = found.image.rgb.astype(int)
    changed = (picture != photo).any(axis=2)
    inside = found.fov.inside.astype(np.uint8)
    outline = found.fov.inside & (cv2.erode(inside, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))) == 0)
    assert not (
        changed & ~(found.mask.vessel | cv2.dilate(outline.astype(np.uint8), np.ones((3, 3))).astype(bool))
    ).any()
    vessel = found.mask.vessel
    expected = np.rint(0.3 * photo[vessel] + 0.7 * np.array(colour))
    assert np.abs(picture[vessel] - expected).max() <= 1
    white = (picture == 255).all(axis=2) & ~vessel
    assert white[outline & ~vessel].mean() > 0.9
    full = overlay_picture(found.image, np.zeros(SHAPE, np.bool_), FieldOfView.full(SHAPE))
    assert np.array_equal(full, found.image.rgb)  # no outline around everything


@pytest.mark.parametrize("kind", ["protanopia", "deuteranopia"])
def test_the_colour_of_the_mask_is_seen_by_colour_blind_eyes(kind: str) -> None:
    """Against the oranges and reds of a fundus. Simulation by Machado et al. 2009, full severity, linear RGB."""
    matrices = {
        "protanopia": [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
        "deuteranopia": [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
    }

    def seen(rgb: tuple[int, int, int]) -> npt.NDArray[np.float64]:
        linear = (np.array(matrices[kind]) @ (np.array(rgb) / 255) ** 2.2).clip(0, 1) ** (1 / 2.2)
        lab = cv2.cvtColor(linear.astype(np.float32).reshape(1, 1, 3), cv2.COLOR_RGB2LAB)
        return lab[0, 0].astype(np.float64)

    for fundus in ((190, 95, 40), (120, 45, 20), (230, 150, 90), (90, 30, 20), (250, 215, 150)):
        blend = tuple(round(0.7 * over + 0.3 * under) for over, under in zip(MASK_COLOUR, fundus, strict=True))
        assert np.linalg.norm(seen(blend) - seen(fundus)) > 30, fundus  # type: ignore[arg-type]


def test_only_what_is_chosen_is_written(found: Segmentation, out: Path) -> None:
    for kind in ("mask", "probability", "overlay", "sidecar"):
        choices = ExportChoices(**{name: name == kind for name in ("mask", "probability", "overlay", "sidecar")})
        written = export_segmentation(found, out, kind, choices)
        assert list(written) == [kind]
    assert len(contents(out)) == 4
    assert export_segmentation(found, out, "none", ExportChoices(*[False] * 4)) == {}


# Together or not at all


@pytest.mark.parametrize("bad", BAD_OUTPUTS, ids=lambda bad: bad.name)
def test_where_nothing_can_be_written_nothing_is_left(found: Segmentation, tmp_path: Path, bad: BadOutput) -> None:
    with bad.open(tmp_path) as folder:
        with pytest.raises(OutputError) as caught:
            export_segmentation(found, folder, "eye", EVERYTHING)
        assert all(word in str(caught.value).lower() for word in bad.words), caught.value
        assert not folder.is_dir() or contents(folder) == {}


def test_a_disk_that_fills_up_leaves_the_older_result_whole(found: Segmentation, tmp_path: Path) -> None:
    """The new mask alone would still fit: it must not are next to the older side-car."""
    nothing = VesselMask(np.zeros(SHAPE, np.bool_), ThresholdRule(9))
    everything = VesselMask(np.ones(SHAPE, np.bool_), ThresholdRule(9))
    with full_folder(tmp_path) as folder:
        small = ExportChoices(probability=False, overlay=False, sidecar=False)
        export_segmentation(found, folder, "e", small, mask=nothing)
        before = contents(folder)
        with pytest.raises(OutputError, match=r"e_(overlay|probability)\.png in .*no room left"):
            export_segmentation(found, folder, "e", replace(EVERYTHING, sidecar=False), mask=everything)
        assert contents(folder) == before
        export_segmentation(found, folder, "e", small, mask=everything)
        assert contents(folder) != before


def test_an_older_side_car_never_vouches_for_a_newer_mask(found: Segmentation, out: Path) -> None:
    files = export_segmentation(found, out, "eye", EVERYTHING)
    by_hand = VesselMask(~found.mask.vessel & found.fov.inside, found.mask.rule, edited=True)
    export_segmentation(found, out, "eye", ExportChoices(False, False, True, False), mask=by_hand)
    assert read_sidecar(files["sidecar"]).mask_sha256 == pixels_sha256(found.mask.vessel)  # the mask is still that one
    mask_only = ExportChoices(mask=True, probability=False, overlay=False, sidecar=False)
    written = export_segmentation(found, out, "eye", mask_only, mask=by_hand)
    assert set(written) == {"mask", "sidecar"}
    sidecar = read_sidecar(files["sidecar"])
    assert sidecar.mask_sha256 == pixels_sha256(pixels(files["mask"]) == 255)
    assert sidecar.edited
    assert sidecar.record["files"] == {"mask": "eye_mask.png"}


# The side-car


def test_the_side_car_says_how_the_result_was_made(found: Segmentation, out: Path, tmp_path: Path) -> None:
    mask_file = tmp_path / "fov.png"
    mask_file.write_bytes(encoded("PNG", found.fov.inside))
    found = replace(found, fov=read_fov(mask_file))
    path = export_segmentation(found, out, "eye", EVERYTHING)["sidecar"]
    record = json.loads(path.read_text(encoding="utf-8"))
    photo = found.image.source
    assert photo is not None
    assert record["serr_sidecar"] == 1
    assert record["program"]["version"] == __version__
    assert record["program"]["torch"].split(".")[0] == "2"
    made = datetime.fromisoformat(record["time"])
    assert abs(datetime.now(UTC) - made) < timedelta(minutes=5)
    assert made.utcoffset() == timedelta(0)
    assert record["photograph"] == {
        "file": str(photo),
        "sha256": hashlib.sha256(photo.read_bytes()).hexdigest(),
        "width": 128,
        "height": 120,
        "bit_depth": 8,
    }
    assert record["field_of_view"]["origin"] == "file"
    assert record["field_of_view"]["file"] == str(mask_file)
    assert record["model"]["sha256"] == "cd" * 32
    assert record["model"]["preprocessing"] == found.card.preprocessing.to_dict()
    assert record["inference"]["device"] == "CPU, 1 thread"
    assert record["inference"]["precision"] == "fp32"
    assert record["inference"]["options"]["tta"] == "flips"
    assert record["inference"]["options"]["tile_px"] == 256
    assert record["rule"]["level"] == 77
    assert record["rule"]["threshold"] == 77 / 256
    assert record["rule"]["origin"] == "otsu"
    assert record["notes"] == ["Memory ran out once."]
    assert record["mask"]["pixels"] == found.mask.vessel.sum()

    sidecar = read_sidecar(path)
    assert (sidecar.photo, sidecar.fov_file, sidecar.fov_origin) == (photo, mask_file, "file")
    assert sidecar.rule == found.mask.rule
    assert InferenceOptions.from_dict(sidecar.options) == found.options
    assert sidecar.record == record


def test_hashes_of_pixels_are_those_that_are_documented(found: Segmentation) -> None:
    """SHA-256 of "HEIGHTxWIDTH:" and the bits row by row, the first pixel in the highest bit; computed by hand."""
    tiny = np.array([[True, False, False], [False, True, True], [True, True, False]])
    by_hand = hashlib.sha256(b"3x3:" + bytes([0b10001111, 0b00000000])).hexdigest()
    assert pixels_sha256(tiny) == by_hand
    one_flipped = found.mask.vessel.copy()
    one_flipped[60, 60] ^= True
    assert pixels_sha256(one_flipped) != pixels_sha256(found.mask.vessel)
    assert pixels_sha256(np.zeros((2, 8), np.bool_)) != pixels_sha256(np.zeros((4, 4), np.bool_))


@pytest.mark.parametrize("since", ["changed", "deleted"])
def test_the_side_car_vouches_for_the_pixels_that_were_segmented(found: Segmentation, out: Path, since: str) -> None:
    photo = found.image.source
    assert photo is not None
    segmented = hashlib.sha256(photo.read_bytes()).hexdigest()
    if since == "changed":
        photo.write_bytes(encoded("PNG", 255 - fundus_drawing()))
    else:
        photo.unlink()
    sidecar = read_sidecar(export_segmentation(found, out, "eye", EVERYTHING)["sidecar"])
    assert sidecar.photo_sha256 == segmented


def test_a_photograph_that_has_no_file(found: Segmentation, out: Path) -> None:
    nameless = replace(found, image=replace(found.image, source=None, sha256=None))
    sidecar = read_sidecar(export_segmentation(nameless, out, "eye", EVERYTHING)["sidecar"])
    assert sidecar.photo is None
    assert sidecar.photo_sha256 is None


def _set(*keys: str, to: object) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        for key in keys[:-1]:
            record = record[key]
        record[keys[-1]] = to

    return change


def _drop(*keys: str) -> Callable[[dict[str, Any]], None]:
    def change(record: dict[str, Any]) -> None:
        for key in keys[:-1]:
            record = record[key]
        del record[keys[-1]]

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_drop("serr_sidecar"), "is not a side-car"),
        (_set("serr_sidecar", to=FORMAT_VERSION + 1), "newer version"),
        (_set("serr_sidecar", to="one"), "newer version"),
        (_drop("photograph"), r"damaged.*photograph\.file is missing"),
        (_set("photograph", to=[]), r"damaged.*photograph\.file is missing"),
        (_set("photograph", "sha256", to=5), r"damaged.*photograph\.sha256"),
        (_drop("model", "sha256"), r"damaged.*model\.sha256"),
        (_set("rule", "level", to=0), "damaged.*level"),
        (_set("rule", "level", to=256), "damaged.*level"),
        (_set("rule", "level", to="77"), r"damaged.*rule\.level"),
        (_set("rule", "level", to=True), r"damaged.*rule\.level"),
        (_set("rule", "origin", to="dice"), r"damaged.*rule\.origin"),
        (_set("field_of_view", "origin", to="guessed"), r"damaged.*field_of_view\.origin"),
        (_set("mask", "edited", to="no"), r"damaged.*mask\.edited"),
        (_set("inference", "options", to=[["tta", "none"]]), r"damaged.*inference\.options"),
    ],
)
def test_a_side_car_that_is_not_whole_is_refused(
    found: Segmentation, out: Path, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    path = export_segmentation(found, out, "eye", EVERYTHING)["sidecar"]
    record = json.loads(path.read_text(encoding="utf-8"))
    change(record)
    path.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(InputError, match=words) as caught:
        read_sidecar(path)
    assert "eye.serr.json" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b"7", b"\xff\xfe", b"[" * 100_000, b'{"a": 1}'])
def test_other_files_are_no_side_cars(out: Path, content: bytes) -> None:
    path = out / "other.serr.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"other\.serr\.json"):
        read_sidecar(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_sidecar(out / "missing.serr.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_sidecar(out)


def test_the_drawing_is_what_the_photograph_holds(found: Segmentation) -> None:
    """Guards the fixture: the overlay test would pass on an empty photograph."""
    assert np.array_equal(found.image.rgb, fundus_drawing())
    assert found.mask.vessel.any()
