"""``serr evaluate``: the same scores in every form, results of others, resuming, and what is refused."""

import csv
import html
import io
import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.filters import apply_hysteresis_threshold
from skimage.morphology import remove_small_objects
from sklearn import metrics

from core.datasets.synthetic import draw_case, write_drive_layout
from core.evaluation.predictions import read_own_map
from core.photo.reading import read_fov, read_label
from tests.cli.program import Serr, names, start
from tests.small_model import save_small_model

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with DRIVE's layout: three drawn photographs in each part."""
    folder = tmp_path_factory.mktemp("data")
    write_drive_layout(folder, 3, side=96)
    return folder


def _keys(values: dict[str, object], *wanted: str) -> list[object]:
    return [values[name] for name in wanted]


def test_text_json_csv_and_reports_say_the_same(serr: Serr, data: Path, weights: Path, tmp_path: Path) -> None:
    table, page, paper = tmp_path / "t.csv", tmp_path / "r.html", tmp_path / "r.pdf"
    options = ["evaluate", "--root", data, "--model", weights, "--bootstrap", 30, "--seed", 4]
    ran = serr(*options, "--json", "--csv", table, "--report", page, "--report", paper, "--measures")
    assert ran.code == 0, ran.err
    values = ran.json
    assert _keys(values, "region", "n_images", "labels", "threshold", "complete") == [
        "fov", 3, "1st observer", 0.375, True,
    ]  # fmt: skip
    assert {"accuracy", "sensitivity", "specificity", "precision", "f1", "auc_roc"} <= set(values["pooled"])
    assert {"accuracy", "sensitivity", "specificity", "precision", "f1", "auc_roc"} <= set(values["mean"])
    assert values["threshold_origin"] == "model"
    assert values["bootstrap"]["seed"] == 4
    assert values["model"]["name"] == "small"
    assert len(values["model"]["sha256"]) == 64
    assert values["model"]["device"]
    assert "torch" in values["versions"]
    rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
    pooled = next(row for row in rows if row["row"] == "all pixels pooled" and row["region"] == "fov")
    assert float(pooled["f1"]) == values["pooled"]["f1"]
    text = serr(*options).out
    for name in ("f1", "auc_roc", "cl_dice", "ece", "pieces_error"):
        figure = f"{values['pooled'][name]:.{1 if name == 'pieces_error' else 4}f}"
        assert figure in text
        assert figure in page.read_text(encoding="utf-8")
    assert paper.read_bytes().startswith(b"%PDF")
    width = values["per_image"][0]["vessels"]["rows"][3]
    assert (width["name"], width["unit"]) == ("width/mean", "px")
    assert width["value"] is None
    assert "small vessels cannot be seen" in width["note"]
    assert html.escape(width["note"]) in page.read_text(encoding="utf-8")
    ran = serr(*options, "--measures")
    assert ran.code == 2
    assert "--measures are shown in reports" in ran.err


def test_a_model_on_its_own_photographs_is_no_test(serr: Serr, data: Path, tmp_path: Path) -> None:
    learned = {"data": {"dataset": "drive", "split": "train"}}
    own = save_small_model(tmp_path / "own.safetensors", training=learned)
    seen = serr("evaluate", "--root", data, "--split", "train", "--model", own)
    assert "SEEN       the model has learned from, or was chosen by, 3 of these 3 photographs: no test" in seen.out
    fresh = serr("evaluate", "--root", data, "--split", "test", "--model", own, "--json").json
    assert (fresh["model"]["seen"], fresh["model"]["unknown"]) == (0, [])


def test_a_rule_that_looks_at_neighbours_is_scored_and_said(
    serr: Serr, data: Path, weights: Path, tmp_path: Path
) -> None:
    table, kept = tmp_path / "t.csv", ["--results", tmp_path / "kept"]
    base = ["evaluate", "--root", data, "--model", weights, *kept]
    plain = serr(*base, "--json").json
    ruled = serr(*base, "--low", "0.2", "--min-pixels", "40", "--json", "--csv", table).json
    assert (plain["low"], plain["min_pixels"], plain["threshold"]) == (None, 0, ruled["threshold"])
    assert (ruled["low"], ruled["min_pixels"]) == (51 / 256, 40)
    assert ruled["pooled"]["pieces"] < plain["pooled"]["pieces"]
    assert ruled["pooled"]["auc_roc"] == plain["pooled"]["auc_roc"]
    masks = tmp_path / "masks"
    masks.mkdir()
    for path in sorted((tmp_path / "kept").glob("*_probability.tif")):
        levels = np.floor(read_own_map(path) * 256)
        grown = apply_hysteresis_threshold(levels, 50, 95)  # from 96/256, the model's own
        large = remove_small_objects(grown, max_size=39, connectivity=2)
        Image.fromarray(large.astype(np.uint8) * 255).save(masks / path.name.replace("_probability.tif", ".png"))
    given = serr("evaluate", "--root", data, "--predictions", masks, "--json").json
    assert given["counts"] == ruled["counts"], "as scikit-image makes the mask"
    row = next(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
    assert (row["low"], row["min_pixels"]) == (str(51 / 256), "40")
    refused = serr("evaluate", "--root", data, "--predictions", masks, "--min-pixels", "5")
    assert refused.code == 2
    assert "--min-pixels: the files in" in refused.err
    assert serr(*base, "--low", "0.9").code == 2


def test_the_region_is_a_choice_and_the_other_stands_beside(serr: Serr, data: Path, weights: Path) -> None:
    inside = serr("evaluate", "--root", data, "--model", weights, "--json").json
    whole = serr("evaluate", "--root", data, "--model", weights, "--json", "--region", "image").json
    assert (inside["region"], inside["beside"]["region"]) == ("fov", "image")
    assert inside["beside"]["pooled"] == whole["pooled"]
    assert whole["counts"]["tn"] > inside["counts"]["tn"]


def test_maps_of_others_are_scored_as_scikit_learn_does(serr: Serr, data: Path, tmp_path: Path) -> None:
    truths, values = [], []
    random = np.random.default_rng(1)
    for number in (4, 5, 6):
        truth = read_label(data / "DRIVE" / "test" / "1st_manual" / f"{number:02d}_manual1.gif").vessel
        inside = read_fov(data / "DRIVE" / "test" / "mask" / f"{number:02d}_test_mask.gif").inside
        grey = np.clip(random.normal(90 + 80 * truth, 50), 0, 255).astype(np.uint8)
        Image.fromarray(grey).save(tmp_path / f"{number:02d}.png")
        truths.append(truth[inside])
        values.append(grey[inside])
    truth, grey = np.concatenate(truths), np.concatenate(values)
    ran = serr("evaluate", "--root", data, "--predictions", tmp_path, "--json")
    assert ran.code == 0, ran.err
    found = ran.json
    assert found["model"]["kind"] == "probabilities"
    assert (found["threshold"], found["threshold_origin"]) == (0.5, "default")
    assert found["pooled"]["f1"] == pytest.approx(metrics.f1_score(truth, grey >= 128), abs=1e-12)
    assert found["pooled"]["auc_roc"] == pytest.approx(metrics.roc_auc_score(truth, grey), abs=1e-12)
    other = serr("evaluate", "--root", data, "--predictions", tmp_path, "--json", "--threshold", 0.4).json
    assert other["threshold_origin"] == "user"
    assert other["pooled"]["f1"] == pytest.approx(metrics.f1_score(truth, grey / 255 >= other["threshold"]), abs=1e-12)


def test_masks_of_others_need_no_threshold(serr: Serr, data: Path, tmp_path: Path) -> None:
    for number in (4, 5, 6):
        label = data / "DRIVE" / "test" / "1st_manual" / f"{number:02d}_manual1.gif"
        Image.fromarray(read_label(label).vessel.astype(np.uint8)).save(tmp_path / f"{number:02d}_test.png")
    values = serr("evaluate", "--root", data, "--predictions", tmp_path, "--json").json
    assert values["pooled"]["f1"] == 1.0
    assert values["pooled"]["auc_roc"] is None
    assert (values["threshold"], values["model"]["kind"]) == (None, "masks")
    ran = serr("evaluate", "--root", data, "--predictions", tmp_path, "--threshold", 0.5)
    assert ran.code == 2
    assert "need no threshold" in ran.err
    (tmp_path / "05_test.png").unlink()
    ran = serr("evaluate", "--root", data, "--predictions", tmp_path, "--json")
    assert ran.code == 1
    assert ran.json["n_images"] == 2
    assert "no result for 05_test.tif" in ran.json["failed"][0]["why"]


def test_questionable_pixels_are_left_out_and_the_report_says_so(serr: Serr, data: Path, tmp_path: Path) -> None:
    found, questionable, page = tmp_path / "found", tmp_path / "questionable", tmp_path / "r.html"
    found.mkdir()
    questionable.mkdir()
    test = data / "DRIVE" / "test"
    for number in (4, 5, 6):
        vessel = read_label(test / "1st_manual" / f"{number:02d}_manual1.gif").vessel
        wrong = np.zeros_like(vessel)
        wrong[30:60, 30:60] = True
        Image.fromarray((vessel ^ wrong).view(np.uint8) * 255).save(found / f"{number:02d}_test_mask.png")
        if number != 6:
            Image.fromarray(wrong.view(np.uint8) * 255).save(questionable / f"{number:02d}_test_questionable.png")
    options = ["evaluate", "--root", data, "--predictions", found, "--json"]
    with_all = serr(*options).json
    ran = serr(*options, "--questionable", questionable, "--report", page)
    assert ran.code == 0, ran.err
    f1 = [image["f1"] for image in ran.json["per_image"]]
    assert f1[:2] == [1.0, 1.0]  # nothing else was wrong
    assert f1[2] == with_all["per_image"][2]["f1"] < 1.0
    pixels = [sum(one["per_image"][0][name] for name in ("tp", "fp", "tn", "fn")) for one in (with_all, ran.json)]
    assert pixels[0] - pixels[1] == 900
    for said in (ran.err, page.read_text(encoding="utf-8"), str(ran.json["per_image"][0]["notes"])):
        assert "900 questionable pixels" in said
    assert "No questionable pixels are known" in str(ran.json["per_image"][2]["notes"])
    ran = serr(*options, "--questionable", tmp_path / "r.html")
    assert (ran.code, ran.out) == (1, "")
    assert "cannot be read" in ran.err
    ran = serr(*options, "--questionable", found)
    assert "has no questionable pixels of any of the 3 photographs" in ran.err


def test_kept_results_are_used_again(serr: Serr, data: Path, weights: Path, tmp_path: Path) -> None:
    options = ["evaluate", "--root", data, "--model", weights, "--results", tmp_path / "kept", "--json"]
    first, second = serr(*options), serr(*options)
    assert (first.code, second.code) == (0, 0)
    assert first.json["pooled"] == second.json["pooled"]
    assert "3 of 3 results" in second.err
    assert len(names(tmp_path / "kept")) == 9


def test_a_folder_and_a_data_set_file_are_evaluated_too(serr: Serr, weights: Path, tmp_path: Path) -> None:
    for folder in ("images", "labels"):
        (tmp_path / "eyes" / folder).mkdir(parents=True)
    for seed in (1, 2):
        case = draw_case(seed, 96)
        Image.fromarray(case.image.rgb).save(tmp_path / "eyes" / "images" / f"eye{seed}.png")
        Image.fromarray(case.label.vessel.astype(np.uint8) * 255).save(tmp_path / "eyes" / "labels" / f"eye{seed}.png")
    ran = serr("evaluate", "--dataset", f"{tmp_path}/eyes", "--model", weights, "--json")
    assert ran.code == 0, ran.err
    assert (ran.json["n_images"], ran.json["split"]) == (2, "all")
    assert set(ran.json["field_of_view"]) == {"estimated"}
    file = tmp_path / "eyes.serr-dataset"
    assert serr("dataset", "new", tmp_path / "eyes", file, "--validation", 0, "--test", 0.5).code == 0
    ran = serr("evaluate", "--dataset", file, "--model", weights, "--json")
    assert (ran.code, ran.json["n_images"], ran.json["split"]) == (0, 1, "test")
    (tmp_path / "eyes" / "labels" / "eye1.png").unlink()
    (tmp_path / "eyes" / "labels" / "eye2.png").unlink()
    ran = serr("evaluate", "--dataset", f"{tmp_path}/eyes", "--model", weights)
    assert ran.code == 1
    assert ran.out == ""
    assert "2 of 2 photographs have no label, such as eye1.png" in ran.err


def test_stare_has_its_two_protocols(serr: Serr, weights: Path, tmp_path: Path) -> None:
    stems = [f"im{number:04d}" for number in (1, 2, 3, 4, 5, 44, 77, 81, 82, 139, 162, 163, 235, 236)]
    for folder in ("stare-images", "labels-ah", "labels-vk"):
        (tmp_path / "STARE" / folder).mkdir(parents=True)
    case = draw_case(1, 64)
    for stem in stems:
        Image.fromarray(case.image.rgb).save(tmp_path / "STARE" / "stare-images" / f"{stem}.ppm")
        for expert in ("ah", "vk"):
            drawn = Image.fromarray(case.label.vessel.astype(np.uint8) * 255)
            drawn.save(tmp_path / "STARE" / f"labels-{expert}" / f"{stem}.{expert}.ppm")
    for split, labels, number in (("10/10", "ah", 4), ("seed", "vk", 4), ("train", "ah", 10)):
        values = serr(
            "evaluate", "--root", tmp_path, "--dataset", "stare", "--split", split, "--model", weights, "--json"
        )
        assert _keys(values.json, "labels", "n_images", "split") == [labels, number, split]
        assert [expert["name"] for expert in values.json["experts"]] == ["vk" if labels == "ah" else "ah"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dataset", "drives"], "drives is not known"),
        (["--split", "noon"], "--split noon"),
        (["--labels", "third"], "--labels third"),
        (["--labels", "3"], "1 (1st observer), 2 (2nd observer)"),
        (["--region", "all"], "--region all"),
        (["--threshold", "1.5"], "--threshold 1.5"),
        (["--report", "out.docx"], "--report out.docx must end in"),
        (["--report", "nowhere/out.pdf"], "nowhere/out.pdf is not a file in an existing folder"),
        (["--csv", "nowhere/out.csv"], "--csv"),
        (["--predictions", ".", "--model", "x"], "leave out --model"),
        (["--predictions", ".", "--tta", "flips"], "leave out --tta"),
        (["--bootstrap", "-1"], "--bootstrap"),
        (["--model", "nonsense"], "nonsense"),
    ],
)
def test_wrong_use_ends_before_the_work(serr: Serr, data: Path, arguments: list[str], words: str) -> None:
    ran = serr("evaluate", "--root", data, *arguments)
    assert ran.code == 2, ran.err
    assert ran.out == ""
    assert words in ran.err


def test_cancelling_keeps_what_is_finished(data: Path, weights: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    big = tmp_path / "big"
    write_drive_layout(big, 6, side=640)
    work = start("evaluate", "--root", big, "--model", weights, "--results", kept, SERR_MODELS=str(tmp_path))
    limit = time.monotonic() + 120
    while time.monotonic() < limit and not list(kept.glob("*.serr.json")):
        assert work.poll() is None, work.stderr and work.stderr.read()
        time.sleep(0.02)
    os.kill(work.pid, signal.SIGINT)
    out, err = work.communicate(timeout=120)
    assert (work.returncode, out) == (130, ""), err
    assert f"What is finished is in {kept}" in err
    done = {name for name in names(kept) if name.endswith(".serr.json")}
    assert 1 <= len(done) < 6
    for name in done:
        assert json.loads((kept / name).read_text(encoding="utf-8"))["serr_sidecar"] == 1
