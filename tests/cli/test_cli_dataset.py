"""``serr dataset``: from a folder to a data set file, with everything wrong in it said."""

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.synthetic import write_drive_layout
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
