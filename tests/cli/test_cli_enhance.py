"""``serr enhance`` and ``serr.enhance``: pictures that say of themselves that they are enhanced, wherever they go."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import serr as library
from core.photo.finding import photos_in
from tests.cli.program import Serr, names, read_picture, write_photo
from tests.small_enhancer import save_small_enhancer


@pytest.fixture
def network(own_models: Path) -> str:
    """Generators of both scales among the person's own models; gives the name of the first."""
    for scale in (1, 2):
        save_small_enhancer(own_models, scale, f"small-{scale}x")
    return "small-1x"


def test_photographs_become_pictures_with_sidecars_and_bad_ones_stop_nobody(
    serr: Serr, tmp_path: Path, network: str
) -> None:
    folder, out = tmp_path / "eyes", tmp_path / "out"
    folder.mkdir()
    eye, bad = write_photo(folder / "eye.png", 120, 150), folder / "bad.jpg"
    bad.write_bytes(b"no picture")
    ran = serr("enhance", folder, "--out", out, "--model", "small-2x", "--device", "cpu", "--json")
    assert ran.code == 1
    assert names(out) == {"eye_enhanced.png", "eye_enhanced.enhanced.json"}
    assert read_picture(out / "eye_enhanced.png").shape == (240, 300, 3)
    assert [one["photo"] for one in ran.json["done"]] == [str(eye)]
    assert "bad.jpg" in ran.json["failed"][0]["why"]
    record = json.loads((out / "eye_enhanced.enhanced.json").read_text())
    assert record["original"]["sha256"] == hashlib.sha256(eye.read_bytes()).hexdigest()
    assert (record["network"]["name"], record["network"]["scale"]) == ("small-2x", 2)
    assert {"sha256", "version"} <= record["network"].keys()
    again = serr("enhance", eye, "--out", out, "--model", "small-2x", "--device", "cpu")
    assert again.code == 0, "of the same photograph it may be made again"
    assert again.out.startswith(f"{eye}: 300 x 240 pixels; ")
    other = write_photo(tmp_path / "eye.png", 130, 150)
    refused = serr("enhance", other, "--out", out, "--model", network, "--device", "cpu")
    assert (refused.code, "not of this photograph" in refused.sentences[0]) == (1, True)
    assert read_picture(out / "eye_enhanced.png").shape == (240, 300, 3)


def test_wrong_use_is_refused_in_a_sentence(serr: Serr, tmp_path: Path, network: str, weights: Path) -> None:
    eye = write_photo(tmp_path / "eye.png", 120, 120)
    for arguments, sentence in (
        (("--scale", "3"), "--scale 3 is not known; choose 1 or 2."),
        (("--scale", "2", "--model", network), "--scale 2 contradicts --model: small-1x has the scale 1."),
        (("--model", weights), "needed is one that enhances photographs"),
        (("--model", "none"), 'no model named "none"'),
    ):
        ran = serr("enhance", eye, "--out", tmp_path / "out", *arguments)
        assert ran.code in {1, 2}
        assert sentence in ran.sentences[0]
    ran = serr("segment", eye, "--out", tmp_path / "out", "--model", network)
    assert "small-1x enhances photographs and finds no vessels" in ran.sentences[0]
    assert not (tmp_path / "out").exists()
    listed = serr("models").out.splitlines()
    assert [line for line in listed if network in line] == [line for line in listed if "finds no vessels" in line]
    assert network not in {one["name"] for one in serr("models", "--json").json}
    assert {one["task"] for one in serr("models", "--task", "any", "--json").json} == {"vessels", "enhancement"}
    only = serr("models", "--task", "enhancement", "--json").json
    assert network in {one["name"] for one in only}
    assert {(one["task"], one["default"]) for one in only} == {("enhancement", False)}
    assert [entry.card.name for entry in library.models("enhancement")] == [one["name"] for one in only]
    assert "--task maps is not known; choose one of: vessels, enhancement, any." in serr("models", "--task", "maps").err
    with pytest.raises(library.ArgumentError, match="task must be one of vessels, enhancement, any"):
        library.models("maps")  # type: ignore[arg-type]
    assert serr("models", "show", network, "--json").json["task"] == "enhancement"


def test_a_network_of_the_user_is_added_used_exported_and_removed(
    serr: Serr, tmp_path: Path, own_models: Path, weights: Path
) -> None:
    eye, file = write_photo(tmp_path / "eye.png", 120, 150), save_small_enhancer(tmp_path, 2, "trained")
    ran = serr("models", "add", file, "--name", "clinic-2x")
    assert (ran.code, ran.sentences[-1]) == (
        0,
        "serr: It enhances photographs and finds no vessels: use it with 'serr enhance --model'.",
    )
    assert serr("enhance", eye, "--out", tmp_path / "out", "--model", "clinic-2x", "--device", "cpu").code == 0
    assert read_picture(tmp_path / "out" / "eye_enhanced.png").shape == (240, 300, 3)
    assert library.enhance(eye, model="clinic-2x", device="cpu").shape == (240, 300)
    refused = serr("segment", eye, "--out", tmp_path / "masks", "--model", "clinic-2x")
    assert "clinic-2x enhances photographs" in refused.sentences[0]
    assert serr("models", "export", "clinic-2x", tmp_path / "other.safetensors").code == 0
    assert serr("models", "remove", "clinic-2x").code == 0
    assert 'no model named "clinic-2x"' in serr("enhance", eye, "--out", tmp_path, "--model", "clinic-2x").sentences[0]
    assert serr("models", "add", tmp_path / "other.safetensors").code == 0


def test_an_enhanced_picture_is_said_to_be_one_wherever_it_is_used(
    serr: Serr, tmp_path: Path, network: str, weights: Path
) -> None:
    folder = tmp_path / "a folder with a name that is as long as they are in archives of clinics, and longer"
    folder.mkdir()
    eye = write_photo(folder / "eye.png", 200, 200)
    assert serr("enhance", eye, "--out", folder, "--model", network, "--device", "cpu").code == 0
    assert photos_in(folder).photos == (eye,), "beside its photograph it is a result"
    copy = tmp_path / "elsewhere" / "copy.png"
    copy.parent.mkdir()
    shutil.copy(folder / "eye_enhanced.png", copy)  # without its side-car
    for picture in (folder / "eye_enhanced.png", copy):
        ran = serr(
            *("segment", picture, "--out", tmp_path / "out", "--model", weights, "--device", "cpu", "--fov", "full"),
            "--json",
        )
        doubt = ran.json["done"][0]["doubts"][0]
        assert doubt["kind"] == "enhanced"
        assert "enhanced by a network (small-1x)" in doubt["text"]
        assert doubt["text"].endswith("use the original photograph eye.png.")
    table = tmp_path / "table.csv"
    serr("measure", copy, "--out", table, "--model", weights, "--device", "cpu", "--fov", "full")
    assert "enhanced by a network" in table.read_text()
    assert str(tmp_path).encode() not in copy.read_bytes(), "where the original is stays in the side-car"
    (folder / "eye_enhanced.enhanced.json").write_text("{ damaged")
    ran = serr("segment", folder / "eye_enhanced.png", "--out", tmp_path / "again", "--model", weights, "--fov", "full")
    assert "This picture was enhanced by a network: what it shows" in ran.err


def test_from_python(tmp_path: Path, network: str) -> None:
    eye = write_photo(tmp_path / "eye.png", 100, 120)
    made = library.enhance(eye, model="small-2x", device="cpu")
    assert np.asarray(made).shape == (200, 240, 3)
    assert set(made.save(tmp_path / "out")) == {"picture", "sidecar"}
    with pytest.raises(library.SerrError, match="overwrite=True to replace it"):
        library.enhance(read_picture(eye), model=network, device="cpu").save(tmp_path / "out", "eye")
    with pytest.raises(library.ArgumentError, match="scale must be 1 or 2"):
        library.enhance(eye, scale=3)  # type: ignore[arg-type]
    twice = library.enhance(tmp_path / "out" / "eye_enhanced.png", model=network, device="cpu")
    assert "enhanced by a network (small-2x)" in twice.notes[0]
