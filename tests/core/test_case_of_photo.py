"""The labels and the mask that are next to one photograph."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.layouts import read_layout
from core.datasets.recognise import CaseFinder, case_of, partners_in
from core.datasets.synthetic import draw_case, write_drive_layout
from core.types import BoolArray


@pytest.mark.parametrize(("name", "split"), [("drive", "test"), ("stare", "all"), ("chase_db1", "all"), ("hrf", "all")])
def test_each_photograph_of_a_published_set_finds_what_the_layout_says(serr_data: Path, name: str, split: str) -> None:
    for case in read_layout(name, serr_data, split).cases[::7]:
        found = case_of(case.photo)
        assert found is not None
        assert list(found.labels.values()) == list(case.labels.values())
        assert found.fov == case.fov


def test_what_is_missing_is_left_out(tmp_path: Path) -> None:
    root = write_drive_layout(tmp_path, 1, side=64) / "test"
    (root / "2nd_manual" / "02_manual2.gif").unlink()
    found = case_of(root / "images" / "02_test.tif")
    assert found is not None
    assert [path.name for path in found.labels.values()] == ["02_manual1.gif"]
    (root / "1st_manual" / "02_manual1.gif").unlink()
    (root / "mask" / "02_test_mask.gif").unlink()
    assert case_of(root / "images" / "02_test.tif") is None
    assert case_of(tmp_path / "nowhere" / "eye.png") is None


def write(path: Path, mask: BoolArray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask.astype(np.uint8) * 255).save(path)
    return path


def test_a_label_in_the_same_folder_or_a_folder_beside_is_found_by_its_name(tmp_path: Path) -> None:
    drawn = draw_case(3, 64)
    photo = tmp_path / "one" / "eye 7.png"
    label = write(tmp_path / "one" / "eye 7_manual1.png", drawn.label.vessel)
    write(tmp_path / "one" / "eye 77_manual1.png", drawn.label.vessel)
    Image.fromarray(drawn.image.rgb).save(photo)
    found = case_of(photo)
    assert found is not None
    assert list(found.labels.values()) == [label]

    other = tmp_path / "two" / "images" / "eye 7.png"
    beside = write(tmp_path / "two" / "labels" / "eye 7.png", drawn.label.vessel)
    other.parent.mkdir()
    Image.fromarray(drawn.image.rgb).save(other)
    found = case_of(other)
    assert found is not None
    assert list(found.labels.values()) == [beside]


def test_results_of_this_program_and_masks_of_vessels_are_not_mistaken(tmp_path: Path) -> None:
    """A model compared with its own mask would be perfect; a vessel mask is no field of view."""
    drawn = draw_case(3, 64)
    photo = tmp_path / "eye.png"
    Image.fromarray(drawn.image.rgb).save(photo)
    write(tmp_path / "eye_mask.png", drawn.label.vessel)
    assert case_of(photo) is None
    write(tmp_path / "eye_mask.png", drawn.fov.inside)
    found = case_of(photo)
    assert found is not None
    assert found.fov == tmp_path / "eye_mask.png"
    (tmp_path / "eye.serr.json").write_text("{}")
    assert case_of(photo) is None


def test_a_chosen_folder_gives_the_one_picture_of_a_photograph(tmp_path: Path) -> None:
    drawn = draw_case(3, 64)
    photo = tmp_path / "eye.png"
    Image.fromarray(drawn.image.rgb).save(photo)
    folder = tmp_path / "second expert"
    wanted = write(folder / "eye_label.png", drawn.label.vessel)
    write(folder / "other.png", drawn.label.vessel)
    third = tmp_path / "third.png"
    assert partners_in(folder, [photo, third]) == {photo: wanted}
    write(folder / "eye_manual2.png", drawn.label.vessel)
    assert partners_in(folder, [photo]) == {}  # which one?
    assert partners_in(tmp_path, [photo]) == {}  # not the photograph itself


@pytest.mark.parametrize("photos", ["images", "flat"])
def test_for_many_photographs_a_folder_is_looked_through_once(
    tmp_path: Path, photos: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for each would take hours where a folder holds thousands."""
    labels = "labels" if photos == "images" else photos
    for number in range(4):
        for folder, name in ((photos, f"eye{number}.png"), (labels, f"eye{number}_manual1.png")):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / name).write_bytes(b"any")
    paths = [tmp_path / photos / f"eye{number}.png" for number in range(4)]
    single = [case_of(path) for path in paths]
    assert all(case is not None and case.labels for case in single)

    listed: list[Path] = []
    iterdir = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda folder: listed.append(folder) or iterdir(folder))
    finder = CaseFinder()
    first = finder.case_of(paths[0])
    once = len(listed)
    assert [first, *(finder.case_of(path) for path in paths[1:])] == single
    assert len(listed) == once > 0


def test_results_below_the_photographs_take_no_label_away(tmp_path: Path) -> None:
    """A batch writes into a folder among its photographs unless somebody says where else."""
    drawn = draw_case(3, 64)
    photo = tmp_path / "images" / "07_test.png"
    photo.parent.mkdir()
    Image.fromarray(drawn.image.rgb).save(photo)
    label = write(tmp_path / "1st_manual" / "07_manual1.png", drawn.label.vessel)
    fov = write(tmp_path / "mask" / "07_test_mask.png", drawn.fov.inside)
    results = photo.parent / "SERR results"
    for kind in ("mask", "probability", "overlay"):
        write(results / f"07_test_{kind}.png", drawn.label.vessel)
    (results / "07_test.serr.json").write_text("{}")
    found = case_of(photo)
    assert found is not None
    assert (list(found.labels.values()), found.fov) == ([label], fov)
