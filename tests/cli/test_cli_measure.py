"""``serr measure``: a table of measures out of photographs or masks, with a bad file among them."""

import csv
import json
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.measures import shapes
from core.measures.shapes import Drawing, draw
from core.measures.summary import CODEBOOK
from tests.cli.program import Serr, start, write_photo

TREE = shapes.tree(3, 45, 7)


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("masks")
    drawn = draw(TREE, Drawing(220)) >= 0.5
    Image.fromarray(drawn).save(folder / "eye 2.png")
    Image.fromarray(drawn).save(folder / "eye 10.png")
    (folder / "eye 3.png").write_bytes(b"no picture")
    return folder


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_masks_become_rows_and_a_bad_one_says_why(serr: Serr, masks: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "vessels.csv"
    ran = serr("measure", masks, "--masks", "--out", out, "--segments", tmp_path / "parts")
    assert ran.code == 1
    assert "eye 3.png" in ran.err
    rows = table(out)
    assert [Path(row["file"]).name for row in rows] == ["eye 2.png", "eye 3.png", "eye 10.png"]
    assert "eye 3.png" in rows[1]["error"]
    assert rows[1]["width/mean/all/fov"] == ""
    good = rows[0]
    assert (good["count/segments/all/fov"], good["count/branchings/all/fov"]) == ("15.0", "7.0")
    assert good["field_of_view"] == "full"
    assert good["area/share/all/fov"] == ""
    for said in (good["doubts"], good["area/share/all/fov/note"]):
        assert said.startswith("The field of view is not known: give its mask (--fov)")
    assert good["width/mean/all/B/note"] == "The optic disc is not known."
    assert {row["name"] for row in table(out.with_name("vessels_codebook.csv"))} > set(CODEBOOK)
    parts = table(tmp_path / "parts" / "eye 2_segments.csv")
    assert len(parts) == 15
    assert float(parts[0]["width"]) > 2


def test_photographs_are_segmented_and_measured(serr: Serr, weights: Path, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "eye.png")
    out = tmp_path / "vessels.csv"
    options = ("--model", weights, "--device", "cpu", "--pixel-um", "5", "--pixel-source", "data sheet", "--json")
    ran = serr("measure", photo, "--out", out, "--threshold", "0.4", "--no-error-bars", *options)
    (row,) = json.loads(ran.out)["rows"]
    if ran.code:  # a network that has not learned may find no vessel: then the row says so
        assert "no vessel to measure" in row["error"]
    else:
        assert row["pixel_source"] == "data sheet"
        assert row["threshold"] == pytest.approx(0.4, abs=1 / 256)
    assert len(table(out)) == 1


def test_sizes_in_micrometres_and_zones(serr: Serr, tmp_path: Path) -> None:
    widths = (9, 7, 8, 6, 5, 10)
    mask = tmp_path / "spokes.png"
    Image.fromarray(draw(shapes.spokes(6, 20, 90, widths), Drawing(200)) >= 0.5).save(mask)
    Image.fromarray(np.ones((200, 200), np.bool_)).save(tmp_path / "fov.png")
    pixel = ("--pixel-um", "4", "--pixel-source", "assumed")
    ran = serr(
        *("measure", mask, "--masks", "--out", tmp_path / "a.csv", "--fov", tmp_path / "fov.png"),
        *("--disc", "99.5,99.5,28", *pixel),
    )
    assert ran.code == 0, ran.err
    (row,) = table(tmp_path / "a.csv")
    assert float(row["width/mean/all/B"]) == pytest.approx(4 * np.mean(widths), rel=0.05)
    assert row["doubts"] == ""
    assert row["calibre/knudtson/arteriole/B/note"] == "Arterioles and venules are not marked."
    units = {line["name"]: line["unit"] for line in table(tmp_path / "a_codebook.csv")}
    assert (units["width/mean/all/B"], units["length/density/all/fov"]) == ("um", "1/um")


def test_the_size_of_a_pixel_from_the_disc_is_an_assumption_and_says_so(
    serr: Serr, masks: Path, tmp_path: Path
) -> None:
    place = ("measure", masks / "eye 2.png", "--masks", "--out", tmp_path / "a.csv", "--no-error-bars")
    assert serr(*place, "--disc", "110,110,20", "--disc-mm", "1.6").code == 0
    (row,) = table(tmp_path / "a.csv")
    assert float(row["pixel_um"]) == 40.0
    assert row["pixel_source"] == "assumed: the optic disc is 1.6 mm wide"
    units = {line["name"]: line["unit"] for line in table(tmp_path / "a_codebook.csv")}
    assert units["width/mean/all/fov"] == "um"
    for wrong in (("--disc-mm", "1.8"), ("--disc", "110,110,20", "--disc-mm", "18")):
        ran = serr(*place, *wrong)
        assert ran.code in (1, 2)
        assert "disc" in ran.err


def test_a_codebook_replaces_nothing_but_a_codebook(serr: Serr, masks: Path, tmp_path: Path) -> None:
    place = ("measure", masks / "eye 2.png", "--masks", "--out", tmp_path / "a.csv", "--no-error-bars")
    other = tmp_path / "a_codebook.csv"
    other.write_text("my,own,notes\n")
    ran = serr(*place)
    assert ran.code == 1
    assert "a_codebook.csv is not a codebook of measures" in ran.err
    assert other.read_text() == "my,own,notes\n"
    assert not (tmp_path / "a.csv").exists()
    other.unlink()
    assert serr(*place).code == 0

    # Nor is anything that is of the same kind, which may be of other photographs, unless that is asked for.
    folder = tmp_path / "segments"
    folder.mkdir()
    (folder / "eye 2_segments.csv").write_text("of another eye")
    for out, options, named in (
        ("a", (), "a.csv"),
        ("b", ("--segments", folder), "eye 2_segments.csv"),
    ):
        ran = serr(*place[:4], tmp_path / f"{out}.csv", "--no-error-bars", *options)
        assert ran.code == 2
        assert f"{named} already exists" in ran.err
        assert not (tmp_path / "b.csv").exists()
    assert (folder / "eye 2_segments.csv").read_text() == "of another eye"
    assert serr(*place, "--segments", folder, "--replace").code == 0
    assert table(folder / "eye 2_segments.csv")


def test_a_mask_that_looks_inverted_is_not_measured(serr: Serr, masks: Path, tmp_path: Path) -> None:
    inverted = tmp_path / "inverted.png"
    Image.fromarray(~np.asarray(Image.open(masks / "eye 2.png"))).save(inverted)
    ran = serr("measure", inverted, "--masks", "--out", tmp_path / "a.csv")
    assert ran.code == 1
    (row,) = table(tmp_path / "a.csv")
    assert "inverted.png" in row["error"]
    assert "looks inverted" in row["error"]
    assert row["width/mean/all/fov"] == ""


def test_equal_names_and_one_disc_for_all(serr: Serr, masks: Path, tmp_path: Path) -> None:
    for side in ("left", "right"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "eye.png").write_bytes((masks / "eye 2.png").read_bytes())
    places = (tmp_path / "left", tmp_path / "right", "--masks", "--out", tmp_path / "a.csv")
    ran = serr("measure", *places, "--segments", tmp_path / "parts", "--disc", "100,100,20")
    assert ran.code == 0
    assert "the zones of all 2 pictures are taken around the same --disc" in ran.err
    assert {path.name for path in (tmp_path / "parts").iterdir()} == {"left_eye_segments.csv", "right_eye_segments.csv"}


def test_a_table_that_cannot_be_written_is_found_out_before_the_work(serr: Serr, masks: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    ran = serr("measure", masks / "eye 2.png", "--masks", "--out", tmp_path / "taken" / "a.csv")
    assert ran.code == 1
    assert "there is a file in its way" in ran.err
    assert ran.out == ""


def test_cancelling_keeps_what_is_measured(masks: Path, tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"eye {number}.png").write_bytes((masks / "eye 2.png").read_bytes())
    out = tmp_path / "out" / "a.csv"
    process = start("measure", tmp_path, "--masks", "--out", out)
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    rest, err = process.communicate(timeout=60)
    measured = len(table(out))
    assert 1 <= measured == len([first, *rest.splitlines()]) < 40
    assert err.splitlines()[-1].startswith(f"serr: cancelled. {measured} of 40 are measured")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--out", "a.txt"], "ends in .csv"),
        (["--out", "a.csv", "--masks", "--threshold", "0.4"], "leave out --model, --threshold"),
        (["--out", "a.csv", "--disc", "1,2"], "give row, column and radius in pixels"),
        (["--out", "a.csv", "--disc", "1,2,0"], "radius of more than 0 pixels"),
        (["--out", "a.csv", "--disc", "1,2,3,4"], "both half axes and an angle"),
        (["--out", "a.csv", "--pixel-um", "5"], "belong together"),
        (["--out", "a.csv", "--pixel-um", "-5", "--pixel-source", "x"], "micrometres above 0"),
        (["--out", "a.csv", "--fov", "nowhere"], "neither auto nor full"),
    ],
)
def test_wrong_use_is_a_sentence(
    serr: Serr, masks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = serr("measure", masks, *arguments)
    assert ran.code in (1, 2)
    assert sentence in ran.err
    assert not list(tmp_path.glob("*.csv"))


def test_the_proposed_disc_is_in_the_row_with_its_doubt(serr: Serr, weights: Path, tmp_path: Path) -> None:
    photo = write_photo(tmp_path / "eye.png")
    out = tmp_path / "vessels.csv"
    options = ("--model", weights, "--device", "cpu", "--threshold", "0.4", "--no-error-bars")
    ran = serr("measure", photo, "--out", out, "--disc", "auto", *options)
    (row,) = table(out)
    assert "optic disc" in row["doubts"]
    assert "look whether" in ran.err
    assert "eye.png" in ran.err
    again = serr("measure", photo, "--out", out, "--disc", row["disc"], *options, "--json", "--replace")
    (given,) = json.loads(again.out)["rows"]
    assert given["length/density/all/A"] == pytest.approx(float(row["length/density/all/A"]), rel=0.02)
    assert "optic disc" not in given["doubts"]
    refused = serr("measure", photo, "--masks", "--out", out, "--disc", "auto")
    assert refused.code == 2
    assert "--disc auto looks at photographs" in refused.err


def test_error_bars_over_the_mirrored_photograph(serr: Serr, weights: Path, tmp_path: Path) -> None:
    photo, out = write_photo(tmp_path / "eye.png"), tmp_path / "vessels.csv"
    options = ("--model", weights, "--device", "cpu", "--threshold", "0.4", "--out", out)
    assert serr("measure", photo, *options).code == 0
    (row,) = table(out)
    assert serr("measure", photo, *options, "--mirrored", "--replace").code == 0
    (mirrored,) = table(out)
    name = "length/total/all/fov"
    assert mirrored[name] == row[name]
    bars = [(float(each[f"{name}/low"]), float(each[f"{name}/high"])) for each in (row, mirrored)]
    assert bars[1][0] <= bars[0][0]
    assert bars[1][1] >= bars[0][1]
    ends = [column for column in row if column.endswith(("/low", "/high"))]
    assert any(mirrored[end] != row[end] for end in ends), "a small network is not the same in a mirror"
    refused = serr("measure", photo, "--masks", "--mirrored", "--out", out)
    assert refused.code == 2
    assert "--mirrored" in refused.err


def test_two_groups_out_of_a_table_of_measures(serr: Serr, tmp_path: Path) -> None:
    for number in range(6):
        drawn = draw(shapes.tree(3, 40 + number % 3, 6 + 2 * (number // 3)), Drawing(200)) >= 0.5
        Image.fromarray(drawn).save(tmp_path / f"eye {number}.png")
    measured, groups, out = tmp_path / "vessels.csv", tmp_path / "groups.csv", tmp_path / "study.csv"
    assert serr("measure", tmp_path, "--masks", "--out", measured).code == 0
    groups.write_text("file;group\n" + "".join(f"eye {n}.png;{'ab'[n // 3]}\n" for n in range(6)))
    ran = serr("compare-measures", measured, "--groups", groups, "--out", out)
    assert ran.code == 0, ran.err
    assert "tests together (Holm)" in ran.out
    assert "independent of all others" in ran.err
    (row,) = (each for each in table(out) if each["measure"] == "width/mean/all/fov")
    assert float(row["difference"]) > 1
    assert {path.name for path in tmp_path.glob("study*")} == {"study.csv", "study.html", "study_long.csv", "study.R"}
    again = serr("compare-measures", measured, "--groups", groups, "--out", out)
    assert again.code == 2
    assert "already exists" in again.err
    one = ("--replace", "--json", "--measures", "width/mean/all/fov")
    found = json.loads(serr("compare-measures", measured, "--groups", groups, "--out", out, *one).out)
    assert [test["tests"] for test in found["tests"]] == [1]
    assert serr("compare-measures", measured, "--groups", groups, "--out", measured, "--replace").code == 2
    groups.write_text("file;group\n")
    wrong = serr("compare-measures", measured, "--groups", groups, "--out", tmp_path / "other.csv")
    assert wrong.code == 1
    assert "groups.csv is not a table of groups" in wrong.err
