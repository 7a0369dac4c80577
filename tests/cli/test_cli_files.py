"""Files as people have them: mixed folders, names that are no text, links, equal names, and streams that are closed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.synthetic import draw_case
from tests.cli.program import Ran, Serr, names, process_environment, start, write_photo

needs_bytes = pytest.mark.skipif(
    sys.platform != "linux", reason="file names are text there, not bytes that may be no text"
)
needs_shell = pytest.mark.skipif(os.name == "nt", reason="that shell closes no streams")


def test_all_jpeg_suffixes_are_read_and_what_is_left_out_is_said(serr: Serr, tmp_path: Path, weights: Path) -> None:
    folder = tmp_path / "mixed"
    (folder / "patient2").mkdir(parents=True)
    write_photo(folder / "patient2" / "d.jpg")
    for name in ("a.jpg", "b.jfif", "c.jpe"):
        shutil.copy(folder / "patient2" / "d.jpg", folder / name)
    (folder / "e.heic").write_bytes(b"no JPEG")
    arguments = ("segment", folder, "--out", tmp_path / "out", "--model", weights, "--save", "sidecar")
    ran = serr(*arguments)
    assert ran.code == 0
    assert [Path(line.split(": ")[0]).name for line in ran.out.splitlines()] == ["a.jpg", "b.jfif", "c.jpe"]
    assert ran.sentences == [
        f"serr: {folder}: left out: 1 picture of a kind that is not read (.heic).",
        f"serr: {folder}: 1 sub-folder holds 1 photograph: add --recursive to include it.",
    ]
    ran = serr(*arguments, "--recursive")
    assert [Path(line.split(": ")[0]).name for line in ran.out.splitlines()] == ["a.jpg", "b.jfif", "c.jpe", "d.jpg"]


def test_two_patients_with_one_name_in_two_runs(serr: Serr, tmp_path: Path, weights: Path) -> None:
    out = tmp_path / "out"
    for patient in ("p1", "p2"):
        (tmp_path / patient).mkdir()
    photos = [write_photo(tmp_path / patient / "OD.jpg", size) for patient, size in (("p1", 240), ("p2", 244))]
    first, second, again = (
        serr("segment", photo, "--out", out, "--model", weights, "--save", "mask,sidecar")
        for photo in (*photos, photos[1])
    )
    assert first.code == second.code == again.code == 0
    assert first.sentences == []
    assert names(out) == {"OD_mask.png", "OD.serr.json", "p2_OD_mask.png", "p2_OD.serr.json"}
    for ran in (second, again):
        (sentence,) = ran.sentences
        for word in ('"OD"', "another photograph", '"p2_OD"'):
            assert word in sentence


@needs_bytes
def test_a_name_that_is_not_utf8_is_done_and_told(serr: Serr, tmp_path: Path, weights: Path) -> None:
    out, folder = tmp_path / "out", tmp_path / "photos"
    folder.mkdir()
    write_photo(folder / "a.png")
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/eye-\xff\x1b[31m.png"))
    shutil.copy(folder / "a.png", odd)
    ran = serr("segment", folder, "--out", out, "--model", weights)
    assert ran.code == 0
    assert "\x1b" not in ran.out + ran.err
    assert [line.split(": ")[0] for line in ran.out.splitlines()] == [
        str(folder / "a.png"),
        rf"{folder}/eye-\xff\x1b[31m.png",
    ]
    assert {name.split("_")[0] for name in names(out) if name.endswith(".png")} == {"a", "eye-%FF%1B[31m"}
    again = serr("segment", folder, "--out", out, "--model", weights, "--json", "--skip-existing")
    assert again.code == 0
    assert len(again.json["skipped"]) == 2
    replayed = serr("replay", out / "eye-%FF%1B[31m.serr.json", "--photo", odd, "--out", tmp_path, "--model", weights)
    assert replayed.code == 0


@needs_bytes
def test_a_photograph_whose_path_is_not_utf8_is_found_again_by_replay(
    serr: Serr, tmp_path: Path, weights: Path
) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/left \xe9ye"))
    folder.mkdir()
    photo = folder / os.fsdecode(b"\xc9ye\\1.png")
    shutil.copy(write_photo(tmp_path / "a.png"), photo)
    (tmp_path / "a.png").unlink()
    mask = folder / os.fsdecode(b"\xc9ye\\1_mask.png")
    with mask.open("wb") as file:
        Image.fromarray(np.full((240, 256), 255, np.uint8)).save(file, "PNG")
    assert serr("segment", photo, "--out", tmp_path / "out", "--model", weights, "--fov", mask).code == 0
    (sidecar,) = (tmp_path / "out").glob("*.serr.json")
    ran = serr("replay", sidecar, "--out", tmp_path / "again", "--model", weights, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["identical"]
    assert ran.json["photo"] == rf"{tmp_path}/left \xe9ye/\xc9ye\1.png"
    photo.unlink()
    gone = serr("replay", sidecar, "--out", tmp_path / "third", "--model", weights)
    assert gone.code == 1
    assert "--photo" in gone.sentences[0]
    assert not (tmp_path / "third").exists(), "nothing is left where nothing was made"


@needs_bytes
def test_such_names_are_evaluated_with_every_report(serr: Serr, tmp_path: Path, weights: Path) -> None:
    folder = tmp_path / "eyes"
    (folder / "labels").mkdir(parents=True)
    for number, stem in enumerate((b"a", b"eye-\xff", b"=cmd()\x1b")):
        case = draw_case(number + 1, 96)
        label = Image.fromarray(case.label.vessel.astype(np.uint8) * 255)
        for picture, kind in ((Image.fromarray(case.image.rgb), "images"), (label, "labels")):
            (folder / kind).mkdir(exist_ok=True)
            with (folder / kind / os.fsdecode(stem + b".png")).open("wb") as file:
                picture.save(file, "PNG")
    reports = [tmp_path / name for name in ("r.html", "r.pdf")]
    arguments = [text for report in reports for text in ("--report", report)]
    ran = serr(
        *("evaluate", "--dataset", f"{folder}/", "--split", "all", "--model", weights, "--csv", tmp_path / "r.csv"),
        *(*arguments, "--results", tmp_path / "kept", "--json"),
    )
    assert ran.code == 0, ran.err
    assert "\x1b" not in ran.out + ran.err
    assert [image["stem"] for image in ran.json["per_image"]] == ["=cmd()%1B", "a", "eye-%FF"]
    assert all(report.stat().st_size for report in reports)
    assert "eye-%FF" in reports[0].read_text(encoding="utf-8")
    table = (tmp_path / "r.csv").read_text(encoding="utf-8")
    assert "eye-%FF" in table
    assert ",'=cmd()" in table
    assert ",=cmd" not in table


@needs_bytes
def test_a_data_set_is_made_without_the_photograph_whose_name_is_no_text(serr: Serr, tmp_path: Path) -> None:
    folder = tmp_path / "eyes"
    for stem, label in ((b"a", b"a"), (b"b", b"b"), (b"eye-\xff", b"eye-\xff"), (b"c", b"\xfe/c")):
        case = draw_case(len(list(tmp_path.rglob("*.png"))), 96)
        pictures = (("images", stem, case.image.rgb), ("labels", label, case.label.vessel.astype(np.uint8) * 255))
        for kind, name, pixels in pictures:
            path = folder / kind / os.fsdecode(name + b".png")
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                Image.fromarray(pixels).save(file, "PNG")
    file = tmp_path / "mine.serr-dataset"
    ran = serr("dataset", "new", folder, file, "--validation", "0")
    assert ran.code == 0, ran.err
    assert file.exists()
    assert "mine.serr-dataset: eyes, 2 photographs (2 training)" in ran.out
    left_out = [line for line in ran.out.splitlines() if "left out" in line]
    assert len(left_out) == 2
    for name in (r"eye-\xff.png", r"\xfe/c.png"):
        assert any(name in line and "rename" in line.lower() for line in left_out)
    told = serr("dataset", "new", folder, file, "--validation", "0", "--replace", "--json")
    assert told.code == 0
    assert {finding["kind"] for finding in told.json["findings"] if finding["severe"]} == {"name"}
    assert serr("dataset", "check", file).code == 0
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/all \xff"))
    shutil.copytree(folder, odd)
    assert serr("dataset", "new", odd, odd / "x.serr-dataset").code == 0, "paths in the file are relative"
    refused = serr("dataset", "new", odd, odd / "y.serr-dataset", "--name", os.fsdecode(b"\xff"))
    assert refused.code == 1
    assert "is not text" in refused.sentences[0]
    assert not (odd / "y.serr-dataset").exists()
    for name in ("a", "b", "c"):
        (folder / "images" / f"{name}.png").unlink()
    nothing = serr("dataset", "new", folder, tmp_path / "none.serr-dataset")
    assert nothing.code == 1
    assert r"eye-\xff.png" in nothing.sentences[0]
    assert not (tmp_path / "none.serr-dataset").exists()


@needs_shell
@pytest.mark.parametrize(
    ("command", "closed"), [("segment", ">&-"), ("segment", "2>&- <&-"), ("models", ">&-"), ("models", ">&- 2>&- <&-")]
)
def test_streams_that_are_closed(tmp_path: Path, weights: Path, command: str, closed: str) -> None:
    photo, out = write_photo(tmp_path / "eye.png"), tmp_path / "out"
    words = ["segment", str(photo), "-o", str(out), "--model", str(weights)] if command == "segment" else ["models"]
    ran = _shell(f'"$@" {closed}', *words)
    assert ran.code == 0, ran.err
    assert ran.sentences == []
    assert bool(ran.out) == (">&-" not in closed.replace("2>&-", ""))
    assert command == "models" or len(names(out)) == 4


@needs_shell
def test_results_that_cannot_be_listed_are_written_and_no_photograph_failed(tmp_path: Path, weights: Path) -> None:
    photos = [str(write_photo(tmp_path / name)) for name in ("a.png", "b.png")]
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    words = ["segment", *photos, "-o", str(tmp_path / "out"), "--model", str(weights), "--save", "mask"]
    ran = _shell('"$@" >/dev/full', *words)
    assert ran.code == 1
    (sentence,) = ran.sentences
    assert "results are written" in sentence
    assert "No space left" in sentence
    assert names(tmp_path / "out") == {"a_mask.png", "b_mask.png"}


@needs_shell
def test_a_reader_that_goes_ends_no_segmentation(tmp_path: Path, weights: Path) -> None:
    photos = [str(write_photo(tmp_path / name)) for name in ("a.png", "b.png", "c.png")]
    words = ["segment", *photos, "-o", str(tmp_path / "out"), "--model", str(weights), "--save", "mask"]
    process = start(*words)
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stderr:
        with process.stdout:
            process.stdout.readline()
        said = process.stderr.read()
    assert Ran(process.wait(), "", said).sentences == []
    assert process.returncode == 0
    assert len(names(tmp_path / "out")) == 3


@needs_shell
def test_planted_links_are_not_followed(serr: Serr, tmp_path: Path, weights: Path) -> None:
    photo, out, secret = write_photo(tmp_path / "eye.png"), tmp_path / "out", tmp_path / "secret"
    out.mkdir()
    secret.write_text("another's file")
    for name in ("eye_mask.png", "eye_overlay.png", "eye.serr.json"):
        (out / name).symlink_to(secret)
    ran = serr("segment", photo, "--out", out, "--model", weights, "--overwrite-edited")
    assert ran.code == 0, ran.err
    assert secret.read_text() == "another's file"
    assert not any(path.is_symlink() for path in out.iterdir())


def _shell(line: str, *words: str) -> Ran:
    command = ["sh", "-c", line, "sh", sys.executable, "-m", "core.cli", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=process_environment(), check=False)
    return Ran(done.returncode, done.stdout, done.stderr)
