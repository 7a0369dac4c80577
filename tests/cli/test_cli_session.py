"""``serr session export`` and ``serr replay SESSION``: the masks that the window left, without the window."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.masks.edits import VESSEL, MaskEdits
from core.masks.strokes import brush_step
from core.models.catalogue import load_model
from core.photo.reading import read_fundus
from core.segment import segment_photo
from core.session.archive import PhotoContent, read_session, write_session
from core.session.maps import result_members
from core.session.records import EditsRecord, PackedMask, PhotoRecord, PhotoRef, SessionRecord, StepRecord
from core.threshold_rule import ThresholdRule
from tests.cli.program import Serr, write_photo


@pytest.fixture
def session(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, np.ndarray]:
    """A session of two photographs, of which the second is not segmented, and the mask of the first."""
    models = tmp_path / "models"
    models.mkdir()
    (models / "own.safetensors").write_bytes(weights.read_bytes())
    monkeypatch.setenv("SERR_MODELS", str(models))
    photo = tmp_path / "photographs" / "eye.png"
    photo.parent.mkdir()
    write_photo(photo)
    found = segment_photo(read_fundus(photo), load_model(weights))
    edits = MaskEdits(found.probability.levels)
    step = brush_step((60.0, 60.0), (90.0, 80.0), 7.0)
    delta = edits.paint(step.top, step.left, step.pixels, VESSEL)
    assert delta is not None
    rule = ThresholdRule(70)
    ref = PhotoRef(photo, found.image.sha256, found.image.shape)
    record = PhotoRecord(
        ref,
        edits=EditsRecord(edits.packed(), (StepRecord("Brush", delta),), 1),
        rule=rule,
        seconds=12.5,
        note="a fork",
        questionable=PackedMask.of(edits.codes > 0),
    )
    other = PhotoRecord(PhotoRef(photo.with_name("other.png")))
    path = tmp_path / "work.serr-session"
    content = PhotoContent(result_members(found, weights))
    saved = SessionRecord((record, other), 0, "A. Nnotator")
    write_session(path, saved, lambda index: content if index == 0 else PhotoContent())
    return path, edits.mask(rule).vessel


def mask_in(folder: Path) -> np.ndarray:
    return np.asarray(Image.open(folder / "eye_mask.png")) == 255


def test_the_masks_are_those_that_were_left(serr: Serr, session: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    path, mask = session
    ran = serr("session", "export", path, "--out", tmp_path / "out")
    assert ran.code == 1
    assert ran.sentences == [f"serr: {tmp_path}/photographs/other.png: other.png is not segmented."]
    assert np.array_equal(mask_in(tmp_path / "out"), mask)
    said = json.loads((tmp_path / "out" / "eye.serr.json").read_text())
    assert said["mask"]["edited"]
    assert said["rule"]["level"] == 70
    about = said["annotation"]
    assert (about["strokes"], about["seconds"], about["note"], about["observer"]) == (1, 12.5, "a fork", "A. Nnotator")
    assert about["vessel_pixels"] > 0
    assert said["questionable"]["pixels"] == about["vessel_pixels"]
    assert (tmp_path / "out" / "eye_questionable.png").is_file()


def test_replay_runs_the_network_again_and_gives_the_identical_mask(
    serr: Serr, session: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    path, mask = session
    moved = tmp_path / "elsewhere" / "work.serr-session"
    moved.parent.mkdir()
    path.rename(moved)
    (tmp_path / "photographs").rename(tmp_path / "elsewhere" / "photographs")  # together with the session
    ran = serr("replay", moved, "--out", tmp_path / "out", "--json")
    first, second = ran.json["photographs"]
    assert first["identical"]
    assert second["problem"] == "other.png is not segmented."
    assert np.array_equal(mask_in(tmp_path / "out"), mask)


def test_without_its_photograph_the_mask_is_written_but_nothing_is_made_again(
    serr: Serr, session: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    path, mask = session
    write_photo(tmp_path / "photographs" / "eye.png", height=250)
    ran = serr("session", "export", path, "--out", tmp_path / "out")
    assert "has changed since" in ran.err
    assert np.array_equal(mask_in(tmp_path / "out"), mask)
    assert not (tmp_path / "out" / "eye_overlay.png").exists()
    ran = serr("replay", path, "--out", tmp_path / "again")
    assert ran.code == 1
    assert "nothing can be made again" in ran.err
    assert not list((tmp_path / "again").iterdir())


def test_an_embedded_photograph_is_enough(serr: Serr, session: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    path, mask = session
    opened = read_session(path)
    photo = opened.record.photos[0].photo.path
    whole = tmp_path / "whole.serr-session"
    one = replace(opened.record, photos=opened.record.photos[:1])
    write_session(whole, one, lambda _index: PhotoContent(embed=photo.read_bytes()))
    photo.unlink()
    ran = serr("replay", whole, "--out", tmp_path / "out")
    assert (ran.code, ran.err) == (0, "")
    assert "identical; " in ran.out
    assert np.array_equal(mask_in(tmp_path / "out"), mask)


def test_what_is_no_session_is_told_in_a_sentence(serr: Serr, tmp_path: Path) -> None:
    wrong = tmp_path / "work.serr-session"
    wrong.write_text("not a session")
    for command in (("session", "export", wrong), ("replay", wrong), ("replay", tmp_path / "gone.serr-session")):
        ran = serr(*command, "--out", tmp_path / "out")
        assert ran.code == 1
        assert len(ran.sentences) == 1
        assert "session" in ran.err
        assert not (tmp_path / "out").exists()


def test_the_masks_of_a_session_are_measured_as_they_were_left(
    serr: Serr, session: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    path, _ = session
    ran = serr("measure", path, "--out", tmp_path / "a.csv", "--despite-doubts", "--json")
    assert ran.code == 1  # the second photograph is not segmented
    first, second = json.loads(ran.out)["rows"]
    name = "area/share/all/fov"
    assert first[name] > first[f"{name}/uncorrected"]
    assert "is not segmented" in second["error"]
