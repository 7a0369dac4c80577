"""What is wrong in a data set is found, and what is right is left in peace."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.checks import check, examine
from core.datasets.dataset_file import Entry
from core.datasets.recognise import recognise
from core.datasets.synthetic import draw_case, write_drive_layout
from core.photo.reading import read_fundus
from core.progress import Cancelled, Progress
from core.types import BoolArray


@pytest.fixture
def entries(tmp_path: Path) -> list[Entry]:
    """Three drawn photographs with labels and masks."""
    found = recognise(write_drive_layout(tmp_path, 3, side=96)).dataset.entries
    return [entry for entry in found if entry.part == "training"]


def write(path: Path, mask: BoolArray) -> None:
    Image.fromarray(mask.astype(np.uint8) * 255).save(path)


def label_of(entry: Entry) -> Path:
    return next(iter(entry.case.labels.values()))


def fov_of(entry: Entry) -> Path:
    assert entry.case.fov is not None
    return entry.case.fov


def test_the_real_data_sets_are_in_order(serr_data: Path) -> None:
    """Every third photograph; ``serr dataset check`` looks at all of them."""
    for name in ("DRIVE", "STARE", "CHASE_DB1"):
        found = check(recognise(serr_data / name).dataset.entries[::3])
        assert found == [], name


def test_drawn_photographs_are_in_order(entries: list[Entry]) -> None:
    assert check(entries) == []


DAMAGE: list[tuple[str, Callable[[Entry], object], str, bool, str]] = [
    ("photo gone", lambda e: e.case.photo.unlink(), "photo", True, "01_training.tif"),
    ("photo cut", lambda e: e.case.photo.write_bytes(e.case.photo.read_bytes()[:500]), "photo", True, "01_training"),
    ("label gone", lambda e: label_of(e).unlink(), "label", True, "01_manual1.gif"),
    ("label empty", lambda e: write(label_of(e), np.zeros((96, 96), bool)), "label", True, "same everywhere"),
    ("other size", lambda e: write(label_of(e), np.eye(95, dtype=bool)), "label", True, "95 x 95"),
    (
        "a photograph",
        lambda e: label_of(e).write_bytes(e.case.photo.read_bytes()),
        "label",
        True,
        "not black and white",
    ),
    (
        "inverted label",
        lambda e: write(label_of(e), ~draw_case(0, 96).label.vessel),
        "inverted",
        False,
        "looks inverted",
    ),
    (
        "of another photograph",
        lambda e: write(label_of(e), draw_case(7, 96).label.vessel),
        "pair",
        False,
        "do not seem to belong together",
    ),
    ("hardly drawn", lambda e: write(label_of(e), np.eye(96, dtype=bool)[:, ::-1] & _row(48)), "unusual", False, "%"),
    ("outside only", lambda e: write(label_of(e), _row(0)), "label", True, "Choose another label"),
    ("mask gone", lambda e: fov_of(e).unlink(), "fov", True, "01_training_mask.gif"),
    ("mask black", lambda e: write(fov_of(e), np.zeros((96, 96), bool)), "fov", True, "all black"),
    ("inverted mask", lambda e: write(fov_of(e), ~draw_case(0, 96).fov.inside), "fov", True, "seems to be inverted"),
    (
        "shifted mask",
        lambda e: write(fov_of(e), np.roll(draw_case(0, 96).fov.inside, 8)),
        "fov",
        False,
        "outside the retina",
    ),
    ("vessels as mask", lambda e: write(fov_of(e), draw_case(0, 96).label.vessel), "fov", True, "label of vessels"),
    ("turned label", lambda e: write(label_of(e), draw_case(0, 96).label.vessel[::-1, ::-1]), "pair", False, "180"),
]


def _row(number: int) -> BoolArray:
    mask = np.zeros((96, 96), bool)
    mask[number] = True
    return mask


@pytest.mark.parametrize(
    ("damage", "kind", "severe", "words"), [case[1:] for case in DAMAGE], ids=[case[0] for case in DAMAGE]
)
def test_damage_is_found_and_named(
    entries: list[Entry], damage: Callable[[Entry], object], kind: str, severe: bool, words: str
) -> None:
    damage(entries[0])
    (finding,) = check(entries)
    assert (finding.kind, finding.severe, finding.rows) == (kind, severe, (0,))
    assert words in finding.sentence


def test_a_photograph_without_label_or_as_its_own_label(entries: list[Entry]) -> None:
    for labels, words in (({}, "has no label"), ({"x": entries[0].case.photo}, "its own label")):
        (finding,) = examine(replace(entries[0].case, labels=labels)).findings
        assert finding.severe
        assert words in finding.sentence


def test_copies_are_known_under_another_name_and_format(entries: list[Entry], tmp_path: Path) -> None:
    copy = tmp_path / "copy.png"
    Image.fromarray(read_fundus(entries[0].case.photo).rgb).save(copy)
    twin = replace(entries[0], case=replace(entries[0].case, photo=copy, stem="copy"), part="validation")
    found = check([*entries, twin])
    assert [(f.kind, f.rows) for f in found] == [("leak", (0, 3)), ("same label", (0, 3))]
    assert "copy.png" in found[0].sentence
    assert "same label" in found[1].sentence
    alike = check([*entries, replace(twin, part="training")])
    assert [f.kind for f in alike] == ["copy", "same label"]
    assert check([*entries, replace(twin, part="unused")]) == []


def test_a_patient_in_two_parts_is_found(entries: list[Entry]) -> None:
    groups = [replace(e, group="patient 7") for e in entries[:2]]
    assert check([*groups, entries[2]]) == []
    (finding,) = check([groups[0], replace(groups[1], part="validation"), entries[2]])
    assert (finding.kind, finding.rows) == ("leak", (0, 1))
    assert "patient 7" in finding.sentence
    assert "training and validation" in finding.sentence


def test_small_pictures_for_the_table(entries: list[Entry]) -> None:
    seen = examine(entries[0].case, picture_px=40)
    assert seen.picture is not None
    assert seen.label_picture is not None
    assert seen.picture.shape == (40, 40, 3)
    assert seen.label_picture.shape == (40, 40)
    assert seen.size == (96, 96)
    drawn = draw_case(0, 96)
    assert seen.vessel_share == pytest.approx(drawn.label.vessel.sum() / drawn.fov.inside.sum())


class StopAtOnce:
    def step(self, progress: Progress) -> None:
        raise Cancelled

    def note(self, message: str) -> None:
        pass


def test_a_check_can_be_cancelled(entries: list[Entry]) -> None:
    with pytest.raises(Cancelled):
        check(entries, monitor=StopAtOnce())


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    case = draw_case(3, 96)
    for patient in ("P1", "P2"):
        (tmp_path / patient).mkdir()
        Image.fromarray(case.image.rgb).save(tmp_path / patient / "OD.png")
        write(tmp_path / patient / "OD_vessels.png", case.label.vessel)
    sentences = [finding.sentence for finding in check(recognise(tmp_path).dataset.entries)]
    assert any("P1/OD.png and P2/OD.png are the same photograph" in sentence for sentence in sentences), sentences


def test_what_is_remarked_on_reading_a_photograph_is_found_here_too(entries: list[Entry]) -> None:
    photo = entries[0].case.photo
    picture = Image.fromarray(read_fundus(photo).rgb)
    picture.save(photo, "TIFF", save_all=True, append_images=[picture])
    (finding,) = examine(entries[0].case).findings
    assert (finding.kind, finding.severe) == ("photo", False)
    assert "01_training.tif holds 2 pictures" in finding.sentence
