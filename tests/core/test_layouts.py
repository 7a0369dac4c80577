"""The published data sets are found in their published layout, with the right split and the right ground truth."""

from pathlib import Path

import numpy as np
import pytest

from core.datasets.layouts import data_set_names, read_layout, splits
from core.datasets.synthetic import draw_case, write_drive_layout
from core.errors import InputError
from core.photo.reading import read_fov, read_fundus, read_label


@pytest.mark.parametrize(
    ("name", "split", "number", "first", "last", "experts"),
    [
        ("drive", "train", 20, "21_training", "40_training", ["1st observer"]),
        ("drive", "test", 20, "01_test", "20_test", ["1st observer", "2nd observer"]),
        ("stare", "train", 10, "im0001", "im0139", ["ah", "vk"]),
        ("stare", "test", 10, "im0162", "im0324", ["ah", "vk"]),
        ("stare", "seed-train", 14, "im0001", "im0324", ["vk", "ah"]),
        ("stare", "seed-test", 6, "im0162", "im0240", ["vk", "ah"]),
        ("chase-db1", "train", 20, "Image_01L", "Image_10R", ["1stHO", "2ndHO"]),
        ("hrf", "train", 30, "01_dr", "10_h", ["manual1"]),
    ],
)
def test_real_data_sets(
    serr_data: Path, name: str, split: str, number: int, first: str, last: str, experts: list[str]
) -> None:
    dataset = read_layout(name, serr_data, split)
    assert len(dataset.cases) == number
    assert (dataset.cases[0].stem, dataset.cases[-1].stem) == (first, last)
    for case in dataset.cases:
        assert list(case.labels) == experts
        assert case.photo.is_file()
        assert all(path.is_file() and case.stem.split("_")[0] in path.name for path in case.labels.values())
    assert (dataset.cases[0].fov is not None) == (name in {"drive", "hrf"})


def test_splits_do_not_overlap(serr_data: Path) -> None:
    for name, pair in {"drive": ("train", "test"), "stare": ("train", "test")}.items():
        one, other = ({case.photo for case in read_layout(name, serr_data, split).cases} for split in pair)
        assert not one & other
    splits = ("seed-train", "seed-test")
    seed = [{case.stem for case in read_layout("stare", serr_data, split).cases} for split in splits]
    assert not seed[0] & seed[1]
    assert seed[0] | seed[1] == {case.stem for case in read_layout("stare", serr_data, "all").cases}


def test_the_folder_of_the_set_and_the_one_above_it_will_do(tmp_path: Path) -> None:
    folder = write_drive_layout(tmp_path, 2, side=64)
    assert read_layout("drive", tmp_path, "train").cases == read_layout("DRIVE", folder, "train").cases


@pytest.mark.parametrize(
    ("name", "split", "root", "words"),
    [
        ("drives", "train", ".", "unknown data set 'drives'; known are: drive"),
        ("drive", "validation", ".", "no split 'validation'; choose one of: train, test"),
        ("drive", "train", "nowhere", "nowhere does not exist"),
        ("drive", "train", ".", "images is missing"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, name: str, split: str, root: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_layout(name, tmp_path / root, split)


def test_a_missing_label_is_named(tmp_path: Path) -> None:
    folder = write_drive_layout(tmp_path, 2, side=64)
    (folder / "training" / "1st_manual" / "02_manual1.gif").unlink()
    with pytest.raises(InputError, match=r"02_manual1\.gif is missing"):
        read_layout("drive", tmp_path, "train")


def test_every_name_has_splits() -> None:
    assert all(splits(name) for name in data_set_names())


def test_drawn_photographs_come_back_from_the_files_as_they_were_drawn(tmp_path: Path) -> None:
    write_drive_layout(tmp_path, 1, side=80, first_seed=9)
    case, drawn = read_layout("drive", tmp_path, "train").cases[0], draw_case(9, 80)
    assert case.fov is not None
    assert np.array_equal(read_fundus(case.photo).rgb, drawn.image.rgb)
    assert np.array_equal(read_label(case.labels["1st observer"]).vessel, drawn.label.vessel)
    assert np.array_equal(read_fov(case.fov).inside, drawn.fov.inside)
    assert not (drawn.label.vessel & ~drawn.fov.inside).any()
    assert 0.03 < drawn.label.vessel.sum() / drawn.fov.inside.sum() < 0.3
