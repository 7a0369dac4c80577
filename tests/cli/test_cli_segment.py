"""``serr segment`` and ``serr replay`` on real files: results, choices, wrong use, bad files, Ctrl+C."""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage.filters import apply_hysteresis_threshold
from skimage.morphology import remove_small_objects

from core.models.catalogue import load_model
from tests.bad_inputs import BAD_INPUTS, BadInput, fundus_drawing
from tests.bad_outputs import BAD_OUTPUTS, BadOutput
from tests.cli.program import Serr, names, read_picture, start, write_photo

RESULTS = {"_mask.png", "_probability.png", "_overlay.png", ".serr.json"}


def results(*stems: str) -> set[str]:
    """The file names of whole results."""
    return {stem + ending for stem in stems for ending in RESULTS}


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return write_photo(tmp_path / "eye.png")


def test_folders_files_and_patterns_become_whole_results(serr: Serr, tmp_path: Path, weights: Path) -> None:
    folder = tmp_path / "Büro 眼"
    folder.mkdir()
    for name in ("a.png", "b.tif", "c.jpg"):
        write_photo(folder / name)
    (folder / "notes.txt").write_text("no photograph")
    single, patterned = write_photo(tmp_path / "left [1].png"), write_photo(tmp_path / "right-1.png", 260, 300)
    out = tmp_path / "new" / "räume"

    ran = serr(
        *("segment", folder, single, tmp_path / "right-*.png", folder / "a.png"),
        *("--out", out, "--model", weights, "--device", "cpu"),
    )

    assert ran.code == 0, ran.err
    assert ran.sentences == [f"serr: {folder}: left out: 1 file that is not a picture."]
    lines = ran.out.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        *(str(folder / name) for name in ("a.png", "b.tif", "c.jpg")),
        str(single),
        str(patterned),
    ]
    assert names(out) == results("a", "b", "c", "left [1]", "right-1")
    mask, probability = read_picture(out / "right-1_mask.png"), read_picture(out / "right-1_probability.png")
    assert mask.shape == probability.shape == (260, 300)
    assert set(np.unique(mask)) == {0, 255}
    # The mask is the probability cut at the model's own threshold, as far as 16 bits can tell.
    threshold = round(65535 * load_model(weights).card.default_threshold)
    sure = np.abs(probability.astype(int) - threshold) > 1
    np.testing.assert_array_equal((mask > 0)[sure], (probability >= threshold)[sure])


def test_json_is_all_of_stdout_and_has_every_outcome(serr: Serr, tmp_path: Path, photo: Path, weights: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    out = tmp_path / "out"
    arguments = ("segment", photo, bad, "--out", out, "--model", weights, "--threshold", "0.25", "--json")

    ran = serr(*arguments)

    assert ran.code == 1
    (sentence,) = ran.sentences
    assert "bad.png" in sentence
    (done,) = ran.json["done"]
    assert done["photo"] == str(photo)
    assert {Path(path).name for path in done["files"].values()} == names(out) == results("eye")
    assert done["threshold"] == 0.25
    assert done["field_of_view"] == "estimated"
    assert ran.json["model"] == {"name": "small", "sha256": load_model(weights).sha256}
    (failed,) = ran.json["failed"]
    assert failed["photo"] == str(bad)
    assert failed["why"] in sentence

    again = serr(*arguments, "--skip-existing")
    assert again.code == 1
    assert [entry["photo"] for entry in again.json["skipped"]] == [str(photo)]
    assert again.json["done"] == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--save", "mask"], {"eye_mask.png"}),
        (["--save", "Overlay, mask"], {"eye_mask.png", "eye_overlay.png"}),
        (["--save", "probability", "--float"], {"eye_probability.tif"}),
        (["--save", "sidecar"], {"eye.serr.json"}),
    ],
)
def test_only_what_is_wanted_is_written(
    serr: Serr, tmp_path: Path, photo: Path, weights: Path, options: list[str], expected: set[str]
) -> None:
    ran = serr("segment", photo, "--out", tmp_path / "out", "--model", weights, *options)
    assert ran.code == 0, ran.err
    assert names(tmp_path / "out") == expected


def test_the_field_of_view_is_the_one_that_is_named(serr: Serr, tmp_path: Path, photo: Path, weights: Path) -> None:
    masks = tmp_path / "masks"
    masks.mkdir()
    half = np.zeros((240, 256), np.uint8)
    half[:, 128:] = 255
    Image.fromarray(half).save(masks / "eye_mask.gif")
    shares = {}
    for name, choice in {"auto": "auto", "full": "full", "file": masks / "eye_mask.gif", "folder": masks}.items():
        out = tmp_path / name
        ran = serr("segment", photo, "--out", out, "--model", weights, "--fov", choice, "--tta", "flips", "--json")
        assert ran.code == 0, ran.err
        record = json.loads((out / "eye.serr.json").read_text())
        shares[name] = (ran.json["done"][0]["field_of_view"], record["field_of_view"]["pixels"] / (240 * 256))
        assert record["inference"]["options"]["tta"] == "flips"
        outside = half == 0 if name in {"file", "folder"} else np.zeros_like(half, np.bool_)
        assert not read_picture(out / "eye_mask.png")[outside].any()
    assert shares["full"] == ("full", 1.0)
    assert shares["file"] == shares["folder"] == ("file", 0.5)
    assert shares["auto"][0] == "estimated"
    assert 0.4 < shares["auto"][1] < 0.8


def test_results_beside_the_photographs_are_no_photographs(
    serr: Serr, tmp_path: Path, photo: Path, weights: Path
) -> None:
    for left_out in (0, 4):
        ran = serr("segment", tmp_path, "--out", tmp_path, "--model", weights)
        assert ran.code == 0, ran.err
        assert len(ran.out.splitlines()) == 1
        assert [line for line in ran.sentences if f"{left_out} results" in line] == ran.sentences
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == results("eye") | {"eye.png"}


def test_results_of_photographs_of_one_name_are_no_photographs_either(
    serr: Serr, tmp_path: Path, weights: Path
) -> None:
    for kind in ("png", "bmp"):
        write_photo(tmp_path / f"eye.{kind}", 240, 256)
    first, second = (serr("segment", tmp_path, "--out", tmp_path, "--model", weights) for _ in range(2))
    assert first.code == second.code == 0, second.err
    assert first.out == second.out
    assert len(second.out.splitlines()) == 2


def test_a_photograph_by_two_spellings_is_one(serr: Serr, tmp_path: Path, photo: Path, weights: Path) -> None:
    (tmp_path / "sub").mkdir()
    twice = [photo, tmp_path / "sub" / ".." / photo.name]
    ran = serr("segment", *twice, "--out", tmp_path / "out", "--model", weights)
    assert ran.code == 0, ran.err
    assert names(tmp_path / "out") == results("eye")


def test_no_empty_folder_is_left_where_nothing_was_done(serr: Serr, tmp_path: Path, weights: Path) -> None:
    assert serr("segment", tmp_path / "none.png", "--out", tmp_path / "new", "--model", weights).code == 1
    assert not (tmp_path / "new").exists()


def test_photographs_of_one_name_do_not_overwrite_each_other(serr: Serr, tmp_path: Path, weights: Path) -> None:
    for side, shape in (("left", (240, 256)), ("right", (280, 280))):
        (tmp_path / side).mkdir()
        write_photo(tmp_path / side / "01.png", *shape)
    ran = serr("segment", tmp_path / "*" / "01.png", "--out", tmp_path / "out", "--model", weights, "--save", "mask")
    assert ran.code == 0, ran.err
    assert read_picture(tmp_path / "out" / "left_01_mask.png").shape == (240, 256)
    assert read_picture(tmp_path / "out" / "right_01_mask.png").shape == (280, 280)


def test_a_mask_that_a_hand_has_changed_is_left_alone(serr: Serr, tmp_path: Path, photo: Path, weights: Path) -> None:
    out = tmp_path / "out"
    serr("segment", photo, "--out", out, "--model", weights)
    record = json.loads((out / "eye.serr.json").read_text())
    record["mask"]["edited"] = True
    (out / "eye.serr.json").write_text(json.dumps(record))
    before = (out / "eye_mask.png").read_bytes()
    ran = serr("segment", photo, "--out", out, "--model", weights, "--threshold", "0.9")
    assert ran.code == 0
    assert "by hand" in ran.sentences[0]
    assert (out / "eye_mask.png").read_bytes() == before
    ran = serr("segment", photo, "--out", out, "--model", weights, "--threshold", "0.9", "--overwrite-edited")
    assert ran.sentences == []
    assert (out / "eye_mask.png").read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--threshold", "0"], ["--threshold 0", "between 0 and 1"]),
        (["--threshold", "1.5"], ["1.5", "between 0 and 1"]),
        (["--threshold", "nan"], ["nan", "between 0 and 1"]),
        (["--low", "2"], ["--low 2", "below --threshold"]),
        (["--threshold", "0.3", "--low", "0.4"], ["--low 0.4", "above the threshold 0.3"]),
        (["--min-pixels", "-1"], ["--min-pixels", "0"]),
        (["--save", "mask,picture"], ["picture", "mask, probability, overlay, sidecar"]),
        (["--save", ","], ["--save", "empty"]),
        (["--device", "tpu"], ["tpu", "auto, cpu, cuda, mps"]),
        (["--device", "cpu:1"], ["cpu:1"]),
        (["--tta", "rotations"], ["rotations", "none, flips"]),
        (["--fov", "nowhere.png"], ["nowhere.png", "auto"]),
        (["--model", "serr-net"], ["serr-net", "small"]),
        (["--out", "{photo}"], ["eye.png", "is a file", "folder"]),
    ],
)
def test_wrong_use_is_said_before_anything_is_done(
    serr: Serr, tmp_path: Path, photo: Path, weights: Path, own_models: Path, arguments: list[str], words: list[str]
) -> None:
    shutil.copy(weights, own_models)
    ran = serr("segment", photo, "--out", tmp_path / "out", *(a.format(photo=photo) for a in arguments))
    assert (ran.code, ran.out) == (2, "")
    (sentence,) = ran.sentences
    for word in words:
        assert word in sentence
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("given", ["empty folder", "no match"])
def test_nothing_to_do_is_wrong_use(serr: Serr, tmp_path: Path, weights: Path, given: str) -> None:
    (tmp_path / "empty").mkdir()
    path = tmp_path / ("empty" if given == "empty folder" else "*.png")
    ran = serr("segment", path, "--out", tmp_path / "out", "--model", weights)
    assert (ran.code, ran.out) == (2, "")
    assert "no photographs match" in ran.err or "is a folder without photographs" in ran.err


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.name)
def test_a_bad_file_is_told_and_the_others_are_done(serr: Serr, tmp_path: Path, weights: Path, bad: BadInput) -> None:
    photo = write_photo(tmp_path / "sound.png")
    folder = tmp_path / "bad"
    folder.mkdir()
    path = bad.build(folder)
    with bad.rights():
        ran = serr("segment", path, photo, "--out", tmp_path / "out", "--model", weights, "--save", "mask,sidecar")
    assert ran.code == 1
    assert ran.out.startswith(str(photo))
    assert len(ran.out.splitlines()) == 1
    sentence, summary = ran.sentences
    assert summary == "serr: 1 done, 1 failed."
    assert path.name.lower() in sentence.lower()
    for word in bad.words:
        assert word.lower() in sentence.lower()
    assert names(tmp_path / "out") == {"sound_mask.png", "sound.serr.json"}


@pytest.mark.skipif(sys.platform == "win32", reason="the folders are made bad by means of Unix")
@pytest.mark.parametrize("bad", BAD_OUTPUTS, ids=lambda bad: bad.name)
def test_a_folder_that_cannot_be_written_to_gets_no_half_file(
    serr: Serr, tmp_path: Path, photo: Path, weights: Path, bad: BadOutput
) -> None:
    with bad.open(tmp_path) as out:
        ran = serr("segment", photo, "--out", out, "--model", weights)
        assert ran.code in {1, 2}
        assert ran.out == ""
        told = " ".join(ran.sentences).lower()
        assert any(word in told for word in bad.words)
        if out.is_dir():
            assert names(out) == set()


def _damaged(weights: Path, folder: Path) -> Path:
    data = bytearray(weights.read_bytes())
    data[-100] ^= 0xFF
    path = folder / "damaged.safetensors"
    path.write_bytes(data)
    return path


def _cut(weights: Path, folder: Path) -> Path:
    path = folder / "cut.safetensors"
    path.write_bytes(weights.read_bytes()[:-100])
    return path


def _pickle(weights: Path, folder: Path) -> Path:
    path = folder / "network.pth"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_damaged, ["damaged.safetensors", "SHA-256"]),
        (_cut, ["cut.safetensors", "damaged"]),
        (_pickle, ["network.pth", "pickle"]),
        (lambda weights, folder: folder / "none.safetensors", ["none.safetensors", "does not exist"]),
    ],
)
def test_wrong_weights_are_refused_in_a_sentence(
    serr: Serr, tmp_path: Path, photo: Path, weights: Path, make: Any, words: list[str]
) -> None:
    ran = serr("segment", photo, "--out", tmp_path / "out", "--model", make(weights, tmp_path))
    assert (ran.code, ran.out) == (1, "")
    (sentence,) = ran.sentences
    for word in words:
        assert word in sentence


def test_replay_gives_the_identical_mask(
    serr: Serr, tmp_path: Path, photo: Path, weights: Path, own_models: Path
) -> None:
    out, again = tmp_path / "out", tmp_path / "again"
    serr("segment", photo, "--out", out, "--model", weights, "--threshold", "0.3", "--tta", "flips", "--fov", "full")
    sidecar = out / "eye.serr.json"

    unknown = serr("replay", sidecar, "--out", again)
    assert unknown.code == 1
    assert "weights" in unknown.sentences[0]

    shutil.copy(weights, own_models)
    moved = photo.rename(tmp_path / "moved.png")
    ran = serr("replay", sidecar, "--photo", moved, "--out", again, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["identical"] is True
    assert (again / "eye_mask.png").read_bytes() == (out / "eye_mask.png").read_bytes()
    assert names(again) == results("eye")

    record = json.loads(sidecar.read_text())
    record["mask"]["sha256"] = "0" * 64
    sidecar.write_text(json.dumps(record))
    other = serr("replay", sidecar, "--photo", moved, "--out", again)
    assert other.code == 1
    assert "NOT identical" in other.out
    assert "not identical" in other.sentences[0]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl+C to consoles, not to processes")
def test_hysteresis_and_smallest_vessels_are_written_kept_and_replayed(
    serr: Serr, tmp_path: Path, photo: Path, weights: Path, own_models: Path
) -> None:
    shutil.copy(weights, own_models)
    out, again = tmp_path / "out", tmp_path / "again"
    given = ("segment", photo, "--out", out, "--model", weights, "--float", "--json")
    ran = serr(*given, "--threshold", "0.5", "--low", "0.3", "--min-pixels", "30")
    assert ran.code == 0, ran.err
    done = json.loads(ran.out)["done"][0]
    assert (done["threshold"], done["min_pixels"]) == (0.5, 30)
    assert done["low"] == pytest.approx(0.3, abs=1 / 512)
    levels = np.floor(read_picture(out / "eye_probability.tif") * 256)
    reference = apply_hysteresis_threshold(levels, round(0.3 * 256) - 1, 127)
    reference = remove_small_objects(reference, max_size=29, connectivity=2)
    mask = read_picture(out / "eye_mask.png") > 0
    assert np.array_equal(mask, reference)
    assert not np.array_equal(mask, levels >= 128)
    record = json.loads((out / "eye.serr.json").read_text())
    assert (record["rule"]["level"], record["rule"]["low_level"], record["rule"]["min_pixels"]) == (128, 77, 30)

    replayed = serr("replay", out / "eye.serr.json", "--out", again)
    assert replayed.code == 0, replayed.err
    assert (again / "eye_mask.png").read_bytes() == (out / "eye_mask.png").read_bytes()

    rule = ("--threshold", "0.5", "--low", "0.3")
    assert json.loads(serr(*given, *rule, "--min-pixels", "30", "--skip-existing").out)["skipped"]
    other = json.loads(serr(*given, *rule, "--skip-existing").out)["done"][0]
    assert "another hysteresis, or another smallest vessel" in other["again"]


def test_a_side_car_of_a_plain_threshold_is_read_by_older_programs(
    serr: Serr, tmp_path: Path, photo: Path, weights: Path
) -> None:
    serr("segment", photo, "--out", tmp_path / "out", "--model", weights)
    record = json.loads((tmp_path / "out" / "eye.serr.json").read_text())
    assert record["serr_sidecar"] == 1
    assert set(record["rule"]) == {"level", "origin", "threshold", "meaning"}


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_batch_leaves_whole_results_only(
    serr: Serr, tmp_path: Path, weights: Path, kind: signal.Signals
) -> None:
    folder, out = tmp_path / "photos", tmp_path / "out"
    folder.mkdir()
    first = write_photo(folder / "00.png", 400, 420)
    count = 60
    for number in range(1, count):
        os.link(first, folder / f"{number:02}.png")
    process = start("segment", folder, "--out", out, "--model", weights, "--device", "cpu", "--json")
    while process.poll() is None and not (out / "01.serr.json").exists():
        time.sleep(0.01)
    process.send_signal(kind)
    output, told = process.communicate(timeout=120)

    assert process.returncode == 130, told
    assert "Traceback" not in told
    last = told.splitlines()[-1]
    finished = sorted(path.name[:2] for path in out.glob("*.serr.json"))
    so_far = json.loads(output)
    assert so_far["cancelled"] is True
    assert [item["stem"] for item in so_far["done"]] == finished
    assert 2 <= len(finished) < count
    assert last.startswith(f"serr: cancelled. {len(finished)} of {count} photographs")
    assert "--skip-existing" in last
    assert names(out) == results(*finished)
    for path in out.glob("*.png"):
        assert read_picture(path).shape[:2] == (400, 420)


def test_doubts_are_said_kept_and_printed(serr: Serr, tmp_path: Path, weights: Path) -> None:
    """On stderr, in the side-car and in the JSON, and they change nothing else."""
    two_eyes = np.hstack([fundus_drawing(240, 256)] * 2)
    Image.fromarray(two_eyes).save(tmp_path / "eyes.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)).save(tmp_path / "noise.png")
    out = tmp_path / "out"
    ran = serr("segment", tmp_path / "eyes.png", tmp_path / "noise.png", "--out", out, "--model", weights, "--json")
    assert ran.code == 0, ran.err
    kinds = {item["stem"]: [doubt["kind"] for doubt in item["doubts"]] for item in ran.json["done"]}
    assert kinds["eyes"] == ["several_fields"]
    assert {"whole_picture", "not_a_fundus"} <= set(kinds["noise"])
    for item in ran.json["done"]:
        assert json.loads((out / f"{item['stem']}.serr.json").read_text())["doubts"] == item["doubts"]
        for doubt in item["doubts"]:
            assert f"serr: {item['stem']}.png: {doubt['text']}" in ran.sentences


def test_a_mask_without_a_side_car_is_never_replaced_without_a_word(
    serr: Serr, tmp_path: Path, photo: Path, weights: Path
) -> None:
    """The right eyes of two patients have one name; by their masks alone nobody can tell them apart."""
    other = tmp_path / "patient 2" / "eye.png"
    other.parent.mkdir()
    write_photo(other, 260, 300)
    out = tmp_path / "out"
    mask_only = ("--out", out, "--model", weights, "--device", "cpu", "--save", "mask")
    assert serr("segment", photo, *mask_only).code == 0
    before = (out / "eye_mask.png").read_bytes()
    refused = serr("segment", other, *mask_only, "--json")
    assert refused.code == 1
    (failed,) = refused.json["failed"]
    assert "eye_mask.png" in failed["why"]
    assert "--overwrite" in failed["why"]
    assert (out / "eye_mask.png").read_bytes() == before
    whole = tmp_path / "whole"
    assert serr("segment", other, "--out", whole, "--model", weights, "--device", "cpu").code == 0
    replayed = serr("replay", whole / "eye.serr.json", "--out", out, "--model", weights)
    assert replayed.code == 1
    assert "eye_mask.png" in replayed.sentences[-1]
    assert names(out) == {"eye_mask.png"}
    assert (out / "eye_mask.png").read_bytes() == before
    assert serr("segment", other, *mask_only, "--overwrite").code == 0
    assert read_picture(out / "eye_mask.png").shape == (260, 300)
