"""Data set files: what is written comes back, folders are recognised, splits keep patients together."""

import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.datasets.adding import add_photograph
from core.datasets.checks import check
from core.datasets.dataset_file import (
    DataSetFile,
    Entry,
    Part,
    is_dataset_file,
    make_case,
    read_dataset_file,
    with_entry,
    write_dataset_file,
)
from core.datasets.layouts import Case, read_layout
from core.datasets.recognise import OWN_LABEL, recognise
from core.datasets.splits import grouped_by_patient, kept_together, patient_of, split_by_seed
from core.datasets.synthetic import draw_case, write_drive_layout
from core.errors import InputError, LabelError
from core.photo.reading import read_fov, read_label


def entry(folder: Path, name: str, part: Part = "training", group: str = "") -> Entry:
    return Entry(make_case(folder / name, {"A. Expert": folder / "labels" / name}, folder / "fov.png"), part, group)


# ------------------------------------------------------------------------------------------------------------- files


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "Fotos äöü 写真"
    entries = (
        entry(folder, "a b.png", "training", "patient 1"),
        entry(tmp_path.parent / "elsewhere", "c.tif", "test"),
        Entry(make_case(folder / "nothing.ppm.gz", {}), "unused"),
    )
    dataset = DataSetFile('My "set"', entries, split="by hand", notes="two\nlines")
    path = write_dataset_file(folder.parent / "mine.serr-dataset", dataset)
    assert read_dataset_file(path) == dataset
    assert entries[2].case.stem == "nothing"


def test_a_folder_can_be_moved_with_its_data_set(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    write_dataset_file(
        tmp_path / "old" / "mine.serr-dataset", DataSetFile("mine", (entry(tmp_path / "old" / "photos", "a.png"),))
    )
    assert str(tmp_path) not in (tmp_path / "old" / "mine.serr-dataset").read_text()
    shutil.move(tmp_path / "old", tmp_path / "new")
    (moved,) = read_dataset_file(tmp_path / "new" / "mine.serr-dataset").entries
    assert moved == entry(tmp_path / "new" / "photos", "a.png")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no toml [", "is not a data set file"),
        ("name = 'x'", "does not say 'serr_dataset = 1'"),
        ("serr_dataset = 3", "newer version"),
        ("serr_dataset = 1\n[[photographs]]\nlabels = {}", r"photographs\.1\.photo"),
        ("serr_dataset = 1\n[[photographs]]\nphoto = 'a.png'\npart = 'learning'", r"photographs\.1\.part"),
        ("serr_dataset = 1\n[[photographs]]\nphoto = 'a.png'\nlabel = 'b.png'", r"photographs\.1\.label"),
        ("serr_dataset = 1\n[[photographs]]\nphoto = 'a.png'\n[[photographs]]\nphoto = 'x/../a.png'", "twice"),
    ],
)
def test_a_wrong_file_is_told_with_its_name_and_place(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "wrong.serr-dataset"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        read_dataset_file(path)
    assert "wrong.serr-dataset" in str(caught.value)


def test_a_missing_file_and_a_wrong_suffix_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.serr-dataset cannot be read"):
        read_dataset_file(tmp_path / "none.serr-dataset")
    with pytest.raises(InputError, match="that suffix"):
        write_dataset_file(tmp_path / "set.toml", DataSetFile("x", ()))
    assert is_dataset_file("Set.SERR-dataset")
    assert not is_dataset_file("drive")


def test_parts_are_data_sets(tmp_path: Path) -> None:
    dataset = DataSetFile("x", (entry(tmp_path, "a.png"), entry(tmp_path, "b.png", "test")), split="by hand")
    assert [case.stem for case in dataset.part("train").cases] == ["a"]
    assert [case.stem for case in dataset.part("test").cases] == ["b"]
    assert "by hand" in dataset.part("test").protocol
    with pytest.raises(InputError, match=r"no photographs in its validation part.*training \(1\), test \(1\)"):
        dataset.part("validation")
    with pytest.raises(InputError, match="no part 'exam'"):
        dataset.part("exam")


def test_a_photograph_is_added_once_and_new_labels_come_first(tmp_path: Path) -> None:
    old = entry(tmp_path, "a.png", "test", "patient 1")
    dataset = DataSetFile("x", (old,))
    new = Entry(make_case(old.case.photo, {"SERR Fundus": tmp_path / "own.png"}, tmp_path / "other fov.png"))
    merged = with_entry(dataset, new).entries
    assert len(merged) == 1
    assert (merged[0].part, merged[0].group, merged[0].case.fov) == ("test", "patient 1", old.case.fov)
    assert list(merged[0].case.labels) == ["SERR Fundus", "A. Expert"]
    assert len(with_entry(dataset, entry(tmp_path, "b.png")).entries) == 2


# ------------------------------------------------------------------------------------------------------- recognising


def test_published_layouts_are_recognised(serr_data: Path) -> None:
    for name, title, counts in (
        ("drive", "DRIVE", (20, 20)),
        ("stare", "STARE", (10, 10)),
        ("chase_db1", "CHASE_DB1", (20, 0)),
        ("hrf", "HRF", (30, 0)),
    ):
        found = recognise(serr_data / title)
        assert (found.layout, found.dataset.name) == (name, title)
        assert (found.dataset.count("training"), found.dataset.count("test")) == counts
        cases = {case.photo: case for split in ("train", "test") for case in _cases(name, serr_data, split)}
        assert {e.case.photo: (e.case.labels, e.case.fov) for e in found.dataset.entries} == {
            photo: (case.labels, case.fov) for photo, case in cases.items()
        }
    groups = [e.group for e in recognise(serr_data / "CHASE_DB1").dataset.entries]
    assert sorted(groups) == sorted(f"Image_{number:02d}" for number in range(1, 11) for _ in "LR")
    # Without the outer folder the names alone must do.
    plain = recognise(serr_data / "DRIVE" / "training")
    assert plain.dataset.name == "DRIVE training"
    assert plain.layout == "folders"
    assert [e.case.photo for e in plain.dataset.entries] == [c.photo for c in _cases("drive", serr_data, "train")]
    assert [(*e.case.labels.values(), e.case.fov) for e in plain.dataset.entries] == [
        (*case.labels.values(), case.fov) for case in _cases("drive", serr_data, "train")
    ]


def _cases(name: str, root: Path, split: str) -> list[Case]:
    try:
        return list(read_layout(name, root, split).cases)
    except InputError:
        return []


def picture(path: Path, seed: int = 0, kind: str = "photo") -> Path:
    case = draw_case(seed, 96)
    pixels = {"photo": case.image.rgb, "label": case.label.vessel, "mask": case.fov.inside}[kind]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels if kind == "photo" else pixels.astype(np.uint8) * 255).save(path)
    return path


def test_images_labels_masks_are_paired_by_name(tmp_path: Path) -> None:
    for number, suffix in enumerate(("JPG", "png", "tif")):
        picture(tmp_path / "images" / f"p{number}.{suffix}", number)
        picture(tmp_path / "labels" / f"p{number}_manual1.png", number, "label")
    picture(tmp_path / "masks" / "p1_mask.gif", 1, "mask")
    picture(tmp_path / "images" / "p10.png", 9)
    found = recognise(tmp_path)
    cases = {e.case.stem: e.case for e in found.dataset.entries}
    assert list(cases) == ["p0", "p1", "p2", "p10"]
    assert {stem: [p.name for p in case.labels.values()] for stem, case in cases.items()} == {
        "p0": ["p0_manual1.png"],
        "p1": ["p1_manual1.png"],
        "p10": [],  # not that of p1
        "p2": ["p2_manual1.png"],
    }
    assert cases["p1"].fov == tmp_path / "masks" / "p1_mask.gif"
    assert cases["p0"].fov is None


def test_images_and_masks_alone_are_looked_into(tmp_path: Path) -> None:
    for kind in ("label", "mask"):
        root = tmp_path / kind
        picture(root / "images" / "a.png")
        picture(root / "masks" / "a.png", 0, kind)
        (only,) = recognise(root).dataset.entries
        assert (len(only.case.labels), only.case.fov is not None) == ((1, False) if kind == "label" else (0, True))
    assert "mostly black" in recognise(tmp_path / "label").notes[0]


def test_parts_in_folders_and_several_experts(tmp_path: Path) -> None:
    for number, part in enumerate(("train", "val", "test")):
        picture(tmp_path / part / "images" / f"{number}.png", number)
        for expert in ("labels-a", "labels-b"):
            picture(tmp_path / part / expert / f"{number}.png", number, "label")
    found = recognise(tmp_path).dataset
    assert {e.case.stem: e.part for e in found.entries} == {"0": "training", "1": "validation", "2": "test"}
    assert all(list(e.case.labels) == ["labels-a", "labels-b"] for e in found.entries)


def test_one_folder_with_results_of_this_program(tmp_path: Path) -> None:
    for number in (1, 2):
        picture(tmp_path / f"eye {number}.png", number)
        picture(tmp_path / f"eye {number}_mask.png", number, "label" if number == 1 else "mask")
    picture(tmp_path / "eye 1_overlay.png", 1)
    (tmp_path / "eye 1.serr.json").write_text("{}")
    one, two = recognise(tmp_path).dataset.entries
    assert list(one.case.labels.values()) == [tmp_path / "eye 1_mask.png"]
    assert (two.case.labels, two.case.fov) == ({}, tmp_path / "eye 2_mask.png")


def test_a_published_layout_with_a_gap_is_recognised(tmp_path: Path) -> None:
    folder = write_drive_layout(tmp_path, 2, side=64)
    missing = folder / "training" / "1st_manual" / "02_manual1.gif"
    missing.unlink()
    shutil.rmtree(folder / "test")
    found = recognise(folder)
    assert found.layout == "drive"
    assert [next(iter(e.case.labels.values())) for e in found.dataset.entries][1] == missing


def test_a_folder_without_photographs_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'images' and 'labels'"):
        recognise(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        recognise(tmp_path / "nowhere")


# ------------------------------------------------------------------------------------------------------------ splits


@pytest.mark.parametrize(
    ("stem", "patient"),
    [
        ("Image_01L", "image 01"),
        ("10_left", "10"),
        ("0815_OD", "0815"),
        ("visit2-77-os-a", "visit2 77"),
        ("patient_007_1", "patient 7"),
        ("sub-12 right", "patient 12"),
        ("P3_R_2", "patient 3"),
        ("01_dr", ""),
        ("im0001", ""),
        ("21_training", ""),
        ("left", ""),
        ("small", ""),
        ("p", ""),
    ],
)
def test_patients_told_by_names(stem: str, patient: str) -> None:
    assert patient_of(stem) == patient


def test_a_patient_with_one_photograph_is_no_group(tmp_path: Path) -> None:
    entries = [entry(tmp_path, f"{name}.png") for name in ("1_left", "1_right", "2_left", "im3")]
    assert [e.group for e in grouped_by_patient(entries)] == ["1", "1", "", ""]


@given(
    groups=st.lists(st.integers(0, 9), min_size=4, max_size=30),
    seed=st.integers(0, 999),
    validation=st.sampled_from([0.1, 0.2, 0.5]),
    test=st.sampled_from([0.0, 0.2]),
)
def test_splits_keep_groups_together_whatever_the_order(
    groups: list[int], seed: int, validation: float, test: float
) -> None:
    folder = Path(os.path.abspath("/data"))  # noqa: PTH100
    entries = [entry(folder, f"{n}.png", group=f"g{g}" if g else "") for n, g in enumerate(groups)]
    keys = {e.group_key for e in entries}
    dataset = DataSetFile("x", tuple(entries))
    if len(keys) < (3 if test else 2):
        with pytest.raises(InputError, match="patients or photographs that can be divided"):
            split_by_seed(dataset, seed=seed, validation_share=validation, test_share=test)
        return
    done = split_by_seed(dataset, seed=seed, validation_share=validation, test_share=test)
    parts = {e.case.photo: e.part for e in done.entries}
    for key in keys:
        assert len({parts[e.case.photo] for e in entries if e.group_key == key}) == 1
    assert set(parts.values()) == {"training", "validation", *(("test",) if test else ())}
    shuffled = entries[:]
    random.Random(seed).shuffle(shuffled)
    again = split_by_seed(
        DataSetFile("x", tuple(shuffled)), seed=seed, validation_share=validation, test_share=test
    ).entries
    assert {e.case.photo: e.part for e in again} == parts


def test_test_and_unused_photographs_stay_where_they_are(tmp_path: Path) -> None:
    entries = [entry(tmp_path, f"{n}.png") for n in range(10)]
    entries += [entry(tmp_path, "t.png", "test"), entry(tmp_path, "u.png", "unused")]
    dataset = DataSetFile("x", tuple(entries))
    done = split_by_seed(dataset, seed=1, validation_share=0.3)
    assert [e.part for e in done.entries[10:]] == ["test", "unused"]
    assert (done.count("training"), done.count("validation")) == (7, 3)
    assert "seed 1" in done.split
    assert "test photographs as they were" in done.split
    moved = split_by_seed(dataset, seed=1, validation_share=0.3, keep_test=False)
    assert [e.part for e in moved.entries].count("test") == 0
    assert {tuple(e.part for e in split_by_seed(dataset, seed=s, validation_share=0.3).entries) for s in range(5)} > {
        tuple(e.part for e in done.entries)
    }


def test_copies_are_not_parted(tmp_path: Path) -> None:
    entries = [entry(tmp_path, f"{n}.png", group="patient 1" if n == 5 else "") for n in range(6)]
    together = kept_together(entries, [(0, 1), (4, 5)])
    assert [e.group for e in together] == ["copies of 0", "copies of 0", "", "", "patient 1", "patient 1"]


def test_a_mask_that_was_made_here_becomes_a_label(tmp_path: Path) -> None:
    drawn = draw_case(3, 96)
    photo = picture(tmp_path / "photos" / "eye.png", 3)
    file = tmp_path / "set" / "mine.serr-dataset"
    file.parent.mkdir()
    add_photograph(file, photo, drawn.label.vessel, drawn.fov)
    (one,) = read_dataset_file(file).entries
    label = one.case.labels[OWN_LABEL]
    assert label == file.parent / "mine labels" / "eye.png"
    assert np.array_equal(read_label(label).vessel, drawn.label.vessel)
    assert one.case.fov is not None
    assert np.array_equal(read_fov(one.case.fov).inside, drawn.fov.inside)

    # The same photograph again, corrected, and another of the same name.
    corrected = drawn.label.vessel.copy()
    corrected[40:44, 40:44] = True
    add_photograph(file, photo, corrected, drawn.fov)
    (one,) = read_dataset_file(file).entries
    assert np.array_equal(read_label(one.case.labels[OWN_LABEL]).vessel, corrected)
    twin = picture(tmp_path / "others" / "eye.png", 4)
    other = draw_case(4, 96)
    added = add_photograph(file, twin, other.label.vessel, other.fov)
    assert np.array_equal(read_label(label).vessel, corrected)
    assert [e.case.photo for e in added.entries] == [photo, twin]
    assert check(added.entries) == []

    with pytest.raises(LabelError, match="no vessel"):
        add_photograph(file, photo, np.zeros((96, 96), bool), drawn.fov)


def test_an_expert_keeps_the_second_place_and_the_part_stays(tmp_path: Path) -> None:
    file = write_dataset_file(tmp_path / "x.serr-dataset", recognise(write_drive_layout(tmp_path, 2, side=96)).dataset)
    before = read_dataset_file(file)
    test = next(e for e in before.entries if e.part == "test")
    drawn = draw_case(9, 96)
    after = add_photograph(file, test.case.photo, drawn.label.vessel, drawn.fov)
    (changed,) = [e for e in after.entries if e.case.photo == test.case.photo]
    assert list(changed.case.labels) == [OWN_LABEL, "1st observer", "2nd observer"]
    assert (changed.part, changed.case.fov) == ("test", test.case.fov)
