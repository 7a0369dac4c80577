"""Labels, masks and results that are not what they should be: what the commands say of them, and how it is cured."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.synthetic import DrawnCase, draw_case
from core.photo.samples import turned
from tests.cli.program import Serr

SIDE = 160
CASES = {f"0{number}": draw_case(number, SIDE) for number in (1, 2)}
LEFT = np.mgrid[:SIDE, :SIDE][1] < SIDE // 2


def _write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


def _classes(case: DrawnCase) -> np.ndarray:
    """Arteries 1, veins 2."""
    return case.label.vessel.astype(np.uint8) + (case.label.vessel & LEFT)


@pytest.fixture
def eyes(tmp_path: Path) -> Path:
    """Two photographs with labels and masks, and the vessels themselves as results of somebody."""
    for name, case in CASES.items():
        _write(tmp_path / "eyes" / "images" / f"{name}.png", case.image.rgb)
        _write(tmp_path / "eyes" / "labels" / f"{name}.png", case.label.vessel * 255)
        _write(tmp_path / "eyes" / "masks" / f"{name}.png", case.fov.inside * 255)
        _write(tmp_path / "given" / f"{name}.png", case.label.vessel * 255)
    return tmp_path / "eyes"


def _evaluate(eyes: Path, *more: object) -> list[object]:
    return ["evaluate", "--root", eyes.parent, "--dataset", "./eyes", "--predictions", eyes.parent / "given", *more]


@pytest.mark.parametrize(
    ("name", "pixels", "words"),
    [
        ("masks/01.png", ~CASES["01"].fov.inside * 255, "seems to be inverted"),
        ("masks/01.png", np.eye(SIDE) * (np.mgrid[:SIDE, :SIDE][0] == 80) * 255, "only 1 of its pixels is white"),
        ("masks/01.png", CASES["01"].label.vessel * 255, "as in a label of vessels"),
        ("masks/01.png", CASES["01"].fov.inside * 1 + CASES["01"].label.vessel, "holds the values"),
        ("labels/01.png", _classes(CASES["01"]), "--vessel-values"),
    ],
)
def test_a_hopeless_mask_or_label_gives_no_figure(
    serr: Serr, eyes: Path, name: str, pixels: np.ndarray, words: str
) -> None:
    _write(eyes / name, pixels)
    ran = serr(*_evaluate(eyes, "--json"))
    assert ran.code == 1
    assert words in ran.json["failed"][0]["why"]
    assert ran.json["n_images"] == 1
    checked = serr("dataset", "check", eyes)
    assert checked.code == 1
    assert words in checked.out


@pytest.mark.parametrize(
    ("name", "pixels", "words"),
    [
        ("masks/01.png", np.roll(CASES["01"].fov.inside, 16, axis=0) * 255, "lies outside the retina"),
        ("labels/01.png", CASES["02"].label.vessel * 255, "do not seem to belong together"),
        ("labels/01.png", turned(CASES["01"].label.vessel, 3) * 255, "fits when it is turned by 180 degrees"),
        ("labels/01.png", turned(CASES["01"].label.vessel, 2) * 255, "fits when it is mirrored left to right"),
    ],
)
def test_a_doubtful_mask_or_label_is_said_beside_the_figures(
    serr: Serr, eyes: Path, name: str, pixels: np.ndarray, words: str
) -> None:
    _write(eyes / name, pixels)
    ran = serr(*_evaluate(eyes))
    assert ran.code == 0, ran.err
    assert "DOUBTFUL   the label or the field of view of 1 of 2 photographs" in ran.out
    assert words in ran.out
    assert words in ran.err
    values = serr(*_evaluate(eyes, "--json")).json
    assert values["doubtful"] == 1
    assert words in values["per_image"][0]["doubts"][0]
    assert values["per_image"][1]["doubts"] == []
    assert words in serr("dataset", "check", eyes).out


def test_segment_refuses_a_mask_that_lies_beside_the_retina_and_tells_an_odd_one(
    serr: Serr, eyes: Path, weights: Path, tmp_path: Path
) -> None:
    def run(out: str) -> list[object]:
        return ["segment", eyes / "images", "--model", weights, "-o", tmp_path / out, "--fov", eyes / "masks", "--json"]

    _write(eyes / "masks" / "01.png", ~CASES["01"].fov.inside * 255)
    ran = serr(*run("a"))
    assert ran.code == 1
    assert "seems to be inverted" in ran.json["failed"][0]["why"]
    _write(eyes / "masks" / "01.png", np.roll(CASES["01"].fov.inside, 16, axis=0) * 255)
    ran = serr(*run("b"))
    assert ran.code == 0
    doubts = {doubt["kind"]: doubt["text"] for doubt in ran.json["done"][0]["doubts"]}
    assert "lies outside the retina" in doubts["odd_mask"]
    assert "lies outside the retina" in ran.err


def test_what_values_mean_is_said_once_and_kept(serr: Serr, eyes: Path, tmp_path: Path) -> None:
    for name, case in CASES.items():
        _write(eyes / "labels" / f"{name}.png", _classes(case))
    refused = serr(*_evaluate(eyes))
    assert refused.code == 1
    assert "holds the values 0 (" in refused.err
    assert "Say which of them are vessel" in refused.err
    ran = serr(*_evaluate(eyes, "--vessel-values", "1,2", "--json"))
    assert ran.code == 0, ran.err
    assert ran.json["pooled"]["f1"] == 1.0
    assert "label values: 1,2 vessel" in ran.json["protocol"]
    veins = serr(*_evaluate(eyes, "--vessel-values", "2", "--json")).json
    assert veins["counts"]["tp"] < ran.json["counts"]["tp"]
    open_pixels = serr(*_evaluate(eyes, "--vessel-values", "2", "--ignore-values", "1", "--json")).json
    assert open_pixels["pooled"]["f1"] == 1.0
    assert open_pixels["counts"]["fp"] == 0
    file = tmp_path / "av.serr-dataset"
    assert serr("dataset", "new", eyes, file, "--vessel-values", "1,2", "--validation", "0").code == 0
    assert serr("dataset", "check", file).code == 0
    kept = serr("evaluate", "--root", tmp_path, "--dataset", file.name, "--predictions", tmp_path / "given", "--json")
    assert kept.json["pooled"] == ran.json["pooled"]
    for options, words in (
        (["--ignore-values", "255"], "--ignore-values needs --vessel-values"),
        (["--vessel-values", "one"], "'one' is not a value of a label"),
    ):
        assert words in serr(*_evaluate(eyes, *options)).err


def test_results_that_are_classes_are_refused_until_it_is_said_what_they_are(serr: Serr, eyes: Path) -> None:
    for name, case in CASES.items():
        _write(eyes.parent / "given" / f"{name}.png", _classes(case))
    refused = serr(*_evaluate(eyes))
    assert refused.code == 1
    assert refused.out == ""
    assert "holds the numbers 0, 1 and 2, as classes" in refused.err
    ran = serr(*_evaluate(eyes, "--prediction-values", "1,2", "--json"))
    assert ran.json["pooled"]["f1"] == 1.0
    assert ran.json["model"]["notes"] == ["Taken as masks: vessel is 1 and 2, of the values 0, 1 and 2."]
    for name, case in CASES.items():
        percent = np.where(case.label.vessel, 99, 1) + (LEFT & case.fov.inside)
        _write(eyes.parent / "given" / f"{name}.png", percent)
    scaled = serr(*_evaluate(eyes, "--prediction-max", "100"))
    assert "values     100 in the results is taken as certainty." in scaled.out
    for options in (["--prediction-max", "0"], ["--prediction-values", "a"], ["--prediction-values", ","]):
        assert serr(*_evaluate(eyes, *options)).code == 2


def test_a_data_set_file_has_its_own_suffix_and_a_folder_is_checked_as_it_is(
    serr: Serr, eyes: Path, tmp_path: Path
) -> None:
    ran = serr("dataset", "new", eyes, tmp_path / "few.json")
    assert ran.code == 2
    assert "few.serr-dataset" in ran.err
    assert not list(tmp_path.glob("few*"))
    checked = serr("dataset", "check", eyes, "--json")
    assert checked.code == 0, checked.err
    assert (checked.json["parts"]["training"], checked.json["findings"]) == (2, [])


def test_few_photographs_are_trained_on_with_the_option_that_the_error_names(
    serr: Serr, eyes: Path, tmp_path: Path
) -> None:
    quick = tmp_path / "quick.toml"
    quick.write_text(
        "[optimisation]\nsteps = 1\nbatch = 1\ncrop_px = 32\n[network]\n"
        "config = {in_channels = 1, width = 4, depth = 2, steps = 1, reduction = 2}\n[run]\nthreads = 1\n"
    )
    train = ["train", "--root", tmp_path, "--dataset", "./eyes", "--config", quick, "--out"]
    refused = serr(*train, tmp_path / "run1")
    assert refused.code == 1
    assert "2 photographs of 2 persons; with 4 held out" in refused.err
    assert "--hold-out 0" in refused.err
    for name, case in CASES.items():
        _write(eyes / "labels" / f"{name}.png", _classes(case))
    ran = serr(*train, tmp_path / "run2", "--hold-out", "1", "--vessel-values", "1,2", "--json")
    assert ran.code == 0, ran.err
    assert Path(ran.json["weights"]).is_file()
