"""``--draw-like``: the threshold of an expert's style, wherever a threshold can be given, and who says so."""

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from pyarrow.parquet import read_table

from core.datasets.synthetic import write_drive_layout
from core.models.drawing_style import DrawingStyle
from tests.cli.program import Serr, write_photo
from tests.small_model import save_small_model

STYLES = (DrawingStyle("DRIVE", 64, 4), DrawingStyle("HRF", 170, 1))
BAD_STYLE = '--draw-like: small has no drawing style "Picasso". It can draw like: DRIVE, HRF.'


@pytest.fixture(scope="module")
def styled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model with two drawing styles."""
    return save_small_model(tmp_path_factory.mktemp("styled") / "small.safetensors", styles=STYLES)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return write_photo(tmp_path / "eye.png")


def rule_of(sidecar: Path) -> tuple[int, dict[str, object]]:
    """The version of a side-car and its rule."""
    record = json.loads(sidecar.read_text(encoding="utf-8"))
    return record["serr_sidecar"], record["rule"]


def test_the_side_car_says_who_was_followed_and_is_replayed(
    serr: Serr, tmp_path: Path, photo: Path, styled: Path
) -> None:
    base = ("segment", photo, "--model", styled, "--json")
    out = tmp_path / "out"
    ran = serr(*base, "--out", out, "--draw-like", "drive")
    assert ran.code == 0, ran.err
    done = ran.json["done"][0]
    assert (done["threshold"], done["drawing_style"]) == (0.25, "DRIVE")
    version, rule = rule_of(out / "eye.serr.json")
    assert version == 3
    assert (rule["level"], rule["origin"], rule["style"]) == (64, "style", "DRIVE")
    given = serr(*base, "--out", tmp_path / "given", "--threshold", "0.25").json["done"][0]
    assert given["drawing_style"] == ""
    mask = (out / "eye_mask.png").read_bytes()
    assert mask == (tmp_path / "given" / "eye_mask.png").read_bytes()
    replayed = serr("replay", out / "eye.serr.json", "--out", tmp_path / "again", "--model", styled)
    assert replayed.code == 0, replayed.err
    assert (tmp_path / "again" / "eye_mask.png").read_bytes() == mask
    assert rule_of(tmp_path / "again" / "eye.serr.json")[1]["style"] == "DRIVE"


def test_a_style_that_the_model_does_not_have_is_said_with_those_that_it_has(
    serr: Serr, tmp_path: Path, photo: Path, styled: Path, weights: Path
) -> None:
    camera = tmp_path / "camera"
    camera.mkdir()
    for command in (
        ("segment", photo, "--out", tmp_path / "out"),
        ("batch", "run", photo, "--out", tmp_path / "out"),
        ("batch", "plan", photo, "--out", tmp_path / "out", "--shards", "2"),
        ("watch", camera, "--out", tmp_path / "out"),
        ("measure", photo, "--out", tmp_path / "out.csv"),
    ):
        ran = serr(*command, "--model", styled, "--draw-like", "Picasso")
        assert (ran.code, BAD_STYLE in ran.err) == (2, True), (command, ran.err)
        both = serr(*command, "--model", styled, "--draw-like", "HRF", "--threshold", "0.5")
        assert (both.code, "leave out --threshold, or --draw-like" in both.err) == (2, True), (command, both.err)
    assert not (tmp_path / "out").exists()
    plain = serr("segment", photo, "--out", tmp_path / "out", "--model", weights, "--draw-like", "DRIVE")
    assert plain.code == 2
    assert 'small cannot draw like "DRIVE": it has no drawing styles' in plain.err


def test_an_evaluation_says_the_style_in_text_table_and_json(serr: Serr, tmp_path: Path, styled: Path) -> None:
    write_drive_layout(tmp_path, 1, side=96)
    base = ("evaluate", "--root", tmp_path, "--results", tmp_path / "kept")
    options = (*base, "--model", styled, "--draw-like", "HRF")
    ran = serr(*options, "--csv", tmp_path / "t.csv", "--json")
    assert ran.code == 0, ran.err
    found = ran.json
    assert [found[key] for key in ("threshold", "threshold_origin", "drawing_style")] == [170 / 256, "style", "HRF"]
    row = next(csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text(encoding="utf-8"))))
    assert (row["threshold_origin"], row["drawing_style"]) == ("style", "HRF")
    assert "(170/256), as the experts of HRF draw" in serr(*options).out
    masks = serr("evaluate", "--root", tmp_path, "--predictions", tmp_path / "kept", "--draw-like", "HRF")
    assert masks.code == 2
    assert "leave out --draw-like" in masks.err


def test_a_batch_keeps_its_style_and_says_what_is_another(
    serr: Serr, tmp_path: Path, photo: Path, styled: Path
) -> None:
    out = tmp_path / "out"
    base = ("batch", "run", photo, "--out", out, "--model", styled)
    assert serr(*base, "--draw-like", "DRIVE", "--low", "0.2").code == 0
    rule = rule_of(out / "eye.serr.json")[1]
    assert (rule["level"], rule["low_level"], rule["origin"], rule["style"]) == (64, 51, "style", "DRIVE")
    assert serr("batch", "run", out).code == 0, "continued with the options that it has"
    assert serr(*base).code == 0
    assert serr("batch", "status", out, "--json").json["drawing_style"] == "DRIVE"
    refused = serr(*base, "--draw-like", "HRF")
    assert refused.code == 2
    assert "drawing style DRIVE, not HRF" in refused.err
    with (out / "summary.csv").open(encoding="utf-8", newline="") as file:
        assert [row["drawing_style"] for row in csv.DictReader(file)] == ["DRIVE"]
    (manifest,) = (out / "serr-batch").glob("*.sqlite")
    with closing(sqlite3.connect(manifest)) as old:  # as a program made it that knew no styles
        old.execute("ALTER TABLE items DROP COLUMN style")
    assert serr("batch", "status", out, "--json").json["counts"]["done"] == 1
    assert serr("batch", "collect", out).code == 0
    assert serr(*base, "--threshold", "0.5", "--new-options", "--parquet").code == 0
    rule = rule_of(out / "eye.serr.json")[1]
    assert (rule["level"], rule["low_level"], rule["origin"], "style" in rule) == (128, 51, "user", False)
    assert serr(*base, "--draw-like", "HRF", "--new-options").code == 0
    assert read_table(out / "summary.parquet").column("drawing_style").to_pylist() == ["HRF"]


def test_measures_and_lists_of_models_know_the_style(serr: Serr, tmp_path: Path, photo: Path, styled: Path) -> None:
    options = ("--model", styled, "--no-error-bars", "--json")
    ran = serr("measure", photo, "--out", tmp_path / "t.csv", "--draw-like", "DRIVE", *options)
    (row,) = ran.json["rows"]
    assert (row["threshold"], row["drawing_style"]) == (0.25, "DRIVE")
    assert "DRIVE (64/256, chosen by 4 photographs), HRF (170/256, chosen by 1 photograph)" in serr(
        "models", "show", styled
    ).out.replace("\n", " ")
    assert serr("models", "show", styled, "--json").json["styles"] == [
        {"name": "DRIVE", "level": 64, "photographs": 4},
        {"name": "HRF", "level": 170, "photographs": 1},
    ]
