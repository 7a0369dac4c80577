"""``serr measure`` of results of earlier runs: with the corrections by hand, and what it would be without them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.export import ExportChoices, export_segmentation
from core.masks.edits import VESSEL, MaskEdits
from core.masks.strokes import brush_step
from core.measures.summary import measure_vessels
from core.models.catalogue import load_model
from core.photo.reading import read_fundus
from core.segment import segment_photo
from core.session.archive import PhotoContent, write_session
from core.session.maps import result_members
from core.session.records import PhotoRecord, PhotoRef, SessionRecord
from core.sidecar import Annotation
from core.threshold_rule import ThresholdRule
from core.types import NO_MARKS
from tests.cli.program import Serr, write_photo

SHARE = "area/share/all/fov"
RULE = ThresholdRule(102)


@pytest.fixture
def result(tmp_path: Path, weights: Path) -> tuple[Path, float, float]:
    """A folder with a corrected result, and the share of its vessels with and without the corrections."""
    photo = write_photo(tmp_path / "eye.png")
    found = segment_photo(read_fundus(photo), load_model(weights), rule=RULE)
    edits = MaskEdits(found.probability.levels)
    step = brush_step((60.0, 60.0), (90.0, 80.0), 9.0)
    edits.paint(step.top, step.left, step.pixels, VESSEL)
    folder = tmp_path / "results"
    folder.mkdir()
    mask = edits.mask(RULE)
    export_segmentation(found, folder, "eye", ExportChoices(), mask=mask, annotation=Annotation(NO_MARKS, 300))
    with_it, without = (
        measure_vessels(each.vessel, found.fov.inside, error_bars=False)[SHARE].value for each in (mask, found.mask)
    )
    assert with_it > without
    return folder, with_it, without


def rows(serr: Serr, *arguments: object) -> list[dict[str, object]]:
    ran = serr("measure", *arguments, "--json", "--despite-doubts", "--replace")
    assert ran.code == 0, ran.err
    return list(json.loads(ran.out)["rows"])


def test_a_corrected_result_says_what_it_was_without(
    serr: Serr, result: tuple[Path, float, float], tmp_path: Path
) -> None:
    folder, with_it, without = result
    out = tmp_path / "vessels.csv"
    (of_sidecar,) = rows(serr, folder / "eye.serr.json", "--out", out)
    (of_mask,) = rows(serr, folder / "eye_mask.png", "--masks", "--out", out)
    for row in (of_sidecar, of_mask):
        assert row[SHARE] == pytest.approx(with_it)
        assert row[f"{SHARE}/uncorrected"] == pytest.approx(without)
    assert f"{SHARE}/uncorrected" in out.read_text(encoding="utf-8").splitlines()[0]
    assert Path(str(of_sidecar["file"])).name == "eye.png"
    refused = serr("measure", folder / "eye.serr.json", "--out", out, "--threshold", "0.4", "--replace")
    assert refused.code == 2
    assert "results have a model, a threshold" in refused.err


def test_a_mask_that_was_changed_elsewhere_or_lost_its_probabilities_says_so(
    serr: Serr, result: tuple[Path, float, float], tmp_path: Path
) -> None:
    folder, with_it, without = result
    mask = np.asarray(Image.open(folder / "eye_mask.png")).copy()
    mask[100:110, 60:100] = 255
    Image.fromarray(mask).save(folder / "eye_mask.png")
    (changed,) = rows(serr, folder / "*.serr.json", "--out", tmp_path / "a.csv")
    assert "changed in another program" in str(changed["doubts"])
    assert float(str(changed[SHARE])) > with_it
    assert changed[f"{SHARE}/uncorrected"] == pytest.approx(without)
    next(folder.glob("eye_probability*")).unlink()
    (alone,) = rows(serr, folder / "eye.serr.json", "--out", tmp_path / "a.csv")
    assert "without the corrections is not known" in str(alone["doubts"])
    assert alone[SHARE] == changed[SHARE]
    assert f"{SHARE}/uncorrected" not in alone


def test_what_a_person_said_in_the_window_is_used_and_options_win(serr: Serr, tmp_path: Path, weights: Path) -> None:
    """Of sessions and side-cars; where a photograph is measured without its session, that is said."""
    photo = write_photo(tmp_path / "eye.png")
    found = segment_photo(read_fundus(photo), load_model(weights), rule=RULE)
    middle = np.argwhere(found.mask.vessel & found.fov.inside)[100]
    said = {
        "disc": [75.0, 80.0, 12.0],
        "disc_doubt": "Look at it.",
        "pixel": {"um": 5.5, "source": "data sheet"},
        "marks": [[int(middle[0]), int(middle[1]), "arteriole"]],
    }
    record = PhotoRecord(PhotoRef(photo, found.image.sha256, found.image.shape), rule=RULE, measuring=said)
    session = tmp_path / "work.serr-session"
    write_session(session, SessionRecord((record,)), lambda _index: PhotoContent(result_members(found, weights)))
    (tmp_path / "results").mkdir()
    choices, about = ExportChoices(), Annotation(NO_MARKS, measuring=said)
    export_segmentation(found, tmp_path / "results", "eye", choices, annotation=about)
    out = tmp_path / "vessels.csv"

    for given, where in ((session, "session"), (tmp_path / "results" / "eye.serr.json", "side-car")):
        ran = serr("measure", given, "--out", out, "--json", "--despite-doubts", "--replace", "--no-error-bars")
        assert ran.code == 0, ran.err
        assert f"eye.png: From the {where}: optic disc, pixel size and 1 mark of vessels." in ran.err
        (row,) = json.loads(ran.out)["rows"]
        assert [row[f"{what}_from"] for what in ("disc", "pixel", "marks")] == [where] * 3
        assert (row["disc"], row["pixel_um"], row["pixel_source"]) == ("75.0,80.0,12.0", 5.5, "data sheet")
        assert "Look at it." in row["doubts"]
        codes = (tmp_path / "vessels_codebook.csv").read_text(encoding="utf-8").splitlines()
        assert any(line.startswith("length/total/all/fov,um,") for line in codes)

    (wins,) = rows(serr, session, "--out", out, "--disc", "60,70,20", "--no-error-bars")
    assert (wins["disc"], wins["disc_from"], wins["pixel_from"]) == ("60.0,70.0,20.0", "option", "session")
    assert "Look at it." not in str(wins["doubts"])
    (wide,) = rows(serr, session, "--out", out, "--disc-mm", "1.2", "--no-error-bars")  # the disc of the session
    assert (wide["disc_from"], wide["pixel_from"], wide["pixel_um"]) == ("session", "option", 50.0)
    (tmp_path / "results" / "eye.serr.json").write_text(
        (tmp_path / "results" / "eye.serr.json").read_text(encoding="utf-8").replace('"disc"', '"not"'),
        encoding="utf-8",
    )
    without = serr("measure", tmp_path / "results" / "eye.serr.json", "--out", out, "--replace", "--disc-mm", "1.2")
    assert (without.code, "optic disc, which is not known" in without.err) == (1, True)
    assert "eye" in without.err

    alone = serr("measure", photo, "--out", out, "--model", weights, "--replace", "--no-error-bars")
    assert "work.serr-session holds a person's work on one of these photographs" in alone.err
    both = serr("measure", photo, session, "--out", out, "--model", weights, "--replace", "--no-error-bars", "--json")
    assert "holds a person's work" not in both.err
    assert [row.get("pixel_um") for row in both.json["rows"]] == [None, 5.5]
    codes = (tmp_path / "vessels_codebook.csv").read_text(encoding="utf-8").splitlines()
    assert any(line.startswith("length/total/all/fov,px; um where pixel_um has a number,") for line in codes)
