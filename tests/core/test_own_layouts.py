"""Folders as people have them: which label and which mask belong to which photograph is told by their names."""

import gzip
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.finding import own_data_set
from core.datasets.recognise import case_of, partners_in, recognise
from core.datasets.synthetic import draw_case
from core.errors import InputError
from core.evaluation.predictions import find_predictions
from core.photo.naming import take_apart

CASE = draw_case(1, 64)
LABEL = CASE.label.vessel.astype(np.uint8) * 255
MASK = CASE.fov.inside.astype(np.uint8) * 255


def _made(root: Path, *names: str) -> Path:
    """Files of these names: masks and labels where the name says so, else photographs."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        parts = {take_apart(name).role, "label" if "label" in name or "manual" in name or "seg" in name else ""}
        pixels = LABEL if "label" in parts else MASK if "mask" in parts else CASE.image.rgb
        plain = path.with_suffix("") if path.suffix == ".gz" else path
        Image.fromarray(pixels).save(plain)
        if path.suffix == ".gz":
            path.write_bytes(gzip.compress(plain.read_bytes()))
            plain.unlink()
    return root


def _found(root: Path) -> dict[str, dict[str, str]]:
    entries = recognise(root).dataset.entries
    return {
        entry.case.photo.relative_to(root).as_posix(): {
            name: path.relative_to(root).as_posix() for name, path in entry.case.labels.items()
        }
        for entry in entries
    }


ONE = "images/01L.jpg", "images/01R.jpg"
LAYOUTS: dict[str, tuple[tuple[str, ...], dict[str, dict[str, str]]]] = {
    "manual1 with names of one's own": (
        (*ONE, "manual1/01L.tif", "manual1/01R.tif"),
        {ONE[0]: {"manual1": "manual1/01L.tif"}, ONE[1]: {"manual1": "manual1/01R.tif"}},
    ),
    "prefixes": (
        ("images/img_1.png", "images/img_2.png", "labels/label_1.png", "labels/label_2.png"),
        {
            "images/img_1.png": {"labels": "labels/label_1.png"},
            "images/img_2.png": {"labels": "labels/label_2.png"},
        },
    ),
    "suffixes": (
        ("photos/a_fundus.png", "labels/a_vessels.png"),
        {"photos/a_fundus.png": {"labels": "labels/a_vessels.png"}},
    ),
    "two experts in one folder": (
        ("images/01.png", "images/02.png", *(f"labels/{n}_expert{e}.png" for n in ("01", "02") for e in (1, 2))),
        {f"images/{n}.png": {f"expert{e}": f"labels/{n}_expert{e}.png" for e in (1, 2)} for n in ("01", "02")},
    ),
    "two experts, one of them for a single photograph": (
        ("images/1.png", "images/2.png", "labels/1_manual1.png", "labels/1_manual2.png", "labels/2_manual1.png"),
        {
            "images/1.png": {"manual1": "labels/1_manual1.png", "manual2": "labels/1_manual2.png"},
            "images/2.png": {"manual1": "labels/2_manual1.png"},
        },
    ),
    "vessel-segmentations": (
        ("images/a.png", "vessel-segmentations/a.png"),
        {"images/a.png": {"vessel-segmentations": "vessel-segmentations/a.png"}},
    ),
    "a folder for each patient": (
        ("p1/OD.png", "p1/OD_label.png", "p2/OD.png", "p2/OD_label.png"),
        {"p1/OD.png": {"label": "p1/OD_label.png"}, "p2/OD.png": {"label": "p2/OD_label.png"}},
    ),
    "a folder for each patient, plain names": (
        ("anna/image.png", "anna/label.png", "ben/image.png", "ben/label.png"),
        {"anna/image.png": {"label": "anna/label.png"}, "ben/image.png": {"label": "ben/label.png"}},
    ),
    "patients within images and labels": (
        ("images/p1/OD.png", "images/p2/OD.png", "labels/p1/OD.png", "labels/p2/OD.png"),
        {"images/p1/OD.png": {"labels": "labels/p1/OD.png"}, "images/p2/OD.png": {"labels": "labels/p2/OD.png"}},
    ),
    "names that differ in the same way": (
        ("images/auge_001_roh.png", "images/auge_002_roh.png", "labels/gefaesse-001.png", "labels/gefaesse-002.png"),
        {
            "images/auge_001_roh.png": {"labels": "labels/gefaesse-001.png"},
            "images/auge_002_roh.png": {"labels": "labels/gefaesse-002.png"},
        },
    ),
    "STARE as it is packed": (
        ("stare-images/im0001.ppm.gz", "labels-ah/im0001.ah.ppm.gz", "labels-vk/im0001.vk.ppm.gz"),
        {
            "stare-images/im0001.ppm.gz": {
                "ah": "labels-ah/im0001.ah.ppm.gz",
                "vk": "labels-vk/im0001.vk.ppm.gz",
            }
        },
    ),
}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_labels_are_found(tmp_path: Path, kind: str) -> None:
    names, wanted = LAYOUTS[kind]
    root = _made(tmp_path, *names)
    assert _found(root) == wanted
    for photo, labels in wanted.items():
        case = case_of(root / photo)  # as the window looks for them
        if case is None and kind == "names that differ in the same way":
            continue
        assert case is not None
        assert {path.relative_to(root).as_posix() for path in case.labels.values()} == set(labels.values())


def test_patients_in_folders_stay_together_and_have_names_of_their_own(tmp_path: Path) -> None:
    found = recognise(_made(tmp_path, *LAYOUTS["a folder for each patient, plain names"][0])).dataset
    assert [entry.group for entry in found.entries if entry.group] in ([], ["anna", "ben"])
    assert len({case.stem for case in found.part("training").cases}) == 2


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (
            ("images/01.png", "drawn/01.png"),
            r"1 of 1 photographs have no label, such as 01\.png\. Seen were the folders",
        ),
        (
            ("images/01.png", "labels/77.png", "labels/78.png"),
            r"The folder labels has 77\.png and 78\.png, which belong",
        ),
        (("01.png", "02.png"), r"A label is called 01\.png, 01_label\.png or 01_manual1\.png"),
    ],
)
def test_what_was_seen_and_what_it_should_be_called_is_said(tmp_path: Path, names: tuple[str, ...], words: str) -> None:
    _made(tmp_path, *names)
    with pytest.raises(InputError, match=words):
        own_data_set("./", tmp_path)


def test_a_folder_without_photographs_says_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(InputError, match=r"no photographs in .* Seen were notes\.txt\. Choose"):
        recognise(tmp_path)


def test_accents_in_either_form_are_the_same_name(tmp_path: Path) -> None:
    """What a Mac writes (NFD) and what others write (NFC)."""
    apart, joined = (unicodedata.normalize(form, "Müller_é") for form in ("NFD", "NFC"))
    root = _made(tmp_path, f"images/{apart}.png", f"labels/{joined}.png", f"masks/{joined}_mask.png")
    (case,) = (entry.case for entry in recognise(root).dataset.entries)
    assert list(case.labels.values()) == [root / "labels" / f"{joined}.png"]
    assert case.fov == root / "masks" / f"{joined}_mask.png"
    assert partners_in(root / "labels", [case.photo]) == {case.photo: root / "labels" / f"{joined}.png"}
    assert find_predictions(root / "labels", [case.photo]).files == {case.photo: root / "labels" / f"{joined}.png"}
