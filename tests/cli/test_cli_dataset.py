"""``serr dataset``: from a folder to a data set file, with everything wrong in it said."""

import json
import os
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.synthetic import draw_case, write_drive_layout
from tests.cli.program import Serr, read_picture


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    """DRIVE's layout: five photographs in each part."""
    return write_drive_layout(tmp_path / "data", 5, side=64)


def parts(file: Path) -> dict[str, str]:
    values = tomllib.loads(file.read_text(encoding="utf-8"))
    return {Path(item["photo"]).name: item["part"] for item in values["photographs"]}


def test_a_folder_becomes_a_data_set_file(serr: Serr, drawn: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.serr-dataset"
    ran = serr("dataset", "new", drawn, file, "--name", "Mine", "--seed", "1")
    assert ran.code == 0, ran.err
    assert "Mine, 10 photographs (4 training, 1 validation, 5 test)" in ran.out
    assert "nothing wrong" in ran.out
    assert {name for name, part in parts(file).items() if part == "test"} == {f"{n:02d}_test.tif" for n in range(6, 11)}
    first = file.read_bytes()
    refused = serr("dataset", "new", drawn, file)
    assert refused.code == 2
    assert "--replace" in refused.sentences[0]
    assert serr("dataset", "new", drawn, file, "--name", "Mine", "--seed", "1", "--replace").code == 0
    assert file.read_bytes() == first
    assert serr("dataset", "check", file).code == 0


def test_what_is_wrong_is_said_and_left_out(serr: Serr, drawn: Path, tmp_path: Path) -> None:
    training = drawn / "training"
    (training / "1st_manual" / "01_manual1.gif").unlink()
    copy = training / "images" / "02_copy.tif"
    copy.write_bytes((training / "images" / "02_training.tif").read_bytes())
    (training / "mask" / "02_copy_mask.gif").write_bytes((training / "mask" / "02_training_mask.gif").read_bytes())
    label = training / "1st_manual" / "03_manual1.gif"
    Image.fromarray(np.where(read_picture(label) > 0, 0, 255).astype(np.uint8)).save(label)
    file = tmp_path / "mine.serr-dataset"
    ran = serr("dataset", "new", drawn, file, "--json")
    assert ran.code == 0, ran.err
    found = {finding["kind"]: finding for finding in ran.json["findings"]}
    assert set(found) == {"label", "inverted", "copy", "same label"}
    assert found["label"]["severe"]
    assert parts(file)["01_training.tif"] == "unused"
    assert parts(file)["02_training.tif"] == parts(file)["02_copy.tif"]

    text = file.read_text(encoding="utf-8").replace('part = "unused"', 'part = "training"')
    file.write_text(text, encoding="utf-8")
    checked = serr("dataset", "check", file, "--json")
    assert checked.code == 1
    severe = [finding for finding in json.loads(checked.out)["findings"] if finding["severe"]]
    assert len(severe) == 1
    assert "01_manual1.gif" in severe[0]["sentence"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["new", ".", "set.toml"], 2, ".serr-dataset"),
        (["new", "nowhere", "x.serr-dataset"], 1, "nowhere"),
        (["new", ".", "x.serr-dataset"], 1, "'images' and 'labels'"),
        (["new", ".", "x.serr-dataset", "--validation", "0.5", "--test", "0.5"], 2, "below 1"),
        (["check", "x.serr-dataset"], 1, "x.serr-dataset cannot be read"),
    ],
)
def test_wrong_use_is_told(
    serr: Serr, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = serr("dataset", *arguments)
    assert ran.code == code
    (sentence,) = ran.sentences
    assert words in sentence
    assert not Path("x.serr-dataset").exists()


def several_values(folder: Path, ignored: bool = True) -> None:
    """Every label becomes one of numbers: 1 is vessel, 255 is not scored."""
    for path in sorted(folder.rglob("*_manual1.gif")):
        vessel = read_picture(path) > 0
        pixels = vessel.astype(np.uint8)
        pixels[:6] = 255 if ignored else 0
        Image.fromarray(pixels).save(path)


def test_labels_of_several_values_are_named_until_their_values_are_said(
    serr: Serr, drawn: Path, tmp_path: Path
) -> None:
    several_values(drawn)
    file = tmp_path / "mine.serr-dataset"
    ran = serr("dataset", "new", drawn, file)
    assert ran.code == 1
    assert not file.exists()
    sentences = [line for line in ran.sentences if "holds the values 0 (" in line]
    assert len(sentences) == 10, "all that cannot be used are named, not only that nothing is left"
    assert all("--vessel-values" in line for line in sentences)
    ran = serr("dataset", "new", drawn, file, "--vessel-values", "1", "--ignore-values", "255")
    assert ran.code == 0, ran.err
    stored = tomllib.loads(file.read_text(encoding="utf-8"))["photographs"]
    assert all(set(item["vessel_values"].values()) == {"1"} for item in stored)
    assert all(set(item["ignored_values"].values()) == {"255"} for item in stored)


def test_one_photograph_cannot_be_divided_and_the_option_that_helps_is_named(
    serr: Serr, drawn: Path, tmp_path: Path
) -> None:
    for path in [*drawn.rglob("*")]:
        if path.is_file() and "training" in path.parts and not path.name.startswith("01_"):
            path.unlink()
    ran = serr("dataset", "new", drawn / "training", tmp_path / "one.serr-dataset")
    assert ran.code == 1
    assert "--validation 0" in ran.sentences[-1]
    assert serr("dataset", "new", drawn / "training", tmp_path / "one.serr-dataset", "--validation", "0").code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are no text")
def test_a_name_that_is_no_text_is_left_out_and_named(serr: Serr, drawn: Path, tmp_path: Path) -> None:
    photo = drawn / "training" / "images" / "03_training.tif"
    photo.rename(os.fsdecode(os.fsencode(photo.parent) + b"/03_training\xff.tif"))
    label = drawn / "training" / "1st_manual" / "02_manual1.gif"
    label.rename(os.fsdecode(os.fsencode(label.parent) + b"/02_manual1\xff.gif"))
    file = tmp_path / "mine.serr-dataset"
    ran = serr("dataset", "new", drawn, file)
    assert ran.code == 0, ran.err
    assert "03_training\\xff.tif" in ran.out + ran.err or "03_training%FF.tif" in ran.out + ran.err
    assert "03_training.tif" not in parts(file)


def test_a_data_set_is_divided_into_folds_that_keep_patients_together(serr: Serr, tmp_path: Path) -> None:
    folder = tmp_path / "eyes"
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    for number, patient in enumerate((1, 1, 1, 2, 3, 3, 4, 5)):
        name = f"patient_{patient}_{number}.png"
        case = draw_case(number, 64)
        Image.fromarray(case.image.rgb).save(folder / "images" / name)
        Image.fromarray(case.label.vessel.astype(np.uint8) * 255).save(folder / "labels" / name)
    file = tmp_path / "eyes.serr-dataset"
    assert serr("dataset", "new", folder, file, "--validation", "0").code == 0
    ran = serr("dataset", "folds", file, "--count", "3", "--seed", "4", "--json")
    assert ran.code == 0, ran.err
    folds = [parts(Path(path)) for path in ran.json["files"]]
    held = [{name for name, part in fold.items() if part == "validation"} for fold in folds]
    assert sorted(name for names in held for name in names) == sorted(folds[0])  # each once
    assert max(map(len, held)) - min(map(len, held)) <= 1
    patients = [{name.rpartition("_")[0] for name in names} for names in held]
    assert sum(map(len, patients)) == 5
    first = [Path(path).read_bytes() for path in ran.json["files"]]
    refused = serr("dataset", "folds", file, "--count", "3", "--seed", "4")
    assert refused.code == 2
    assert "--replace" in refused.sentences[0]
    assert serr("dataset", "folds", file, "--count", "3", "--seed", "4", "--replace").code == 0
    assert [Path(path).read_bytes() for path in ran.json["files"]] == first
    few = serr("dataset", "folds", file, "--count", "6")
    assert few.code == 1
    assert "too few for 6 folds" in few.sentences[0]
