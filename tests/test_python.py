"""``import serr``: what a script can hand over, what it gets, and what it is told."""

import doctest
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import f1_score, roc_auc_score

import serr
from core.datasets.synthetic import draw_case
from core.threshold_rule import ThresholdRule
from tests.small_model import save_small_model

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def eye(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn photograph with its label and the mask of its field of view beside it."""
    folder = tmp_path_factory.mktemp("eyes")
    case = draw_case(3, side=320)
    Image.fromarray(case.image.rgb).save(folder / "eye.png")
    Image.fromarray(case.label.vessel).save(folder / "eye_manual1.png")
    Image.fromarray(case.fov.inside).save(folder / "eye_fov.png")
    return folder / "eye.png"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_small_model(tmp_path_factory.mktemp("model") / "small.safetensors")


def test_the_page_of_the_guide_is_true(eye: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(eye.parent)
    page = ROOT / "docs/guide/python.md"
    done = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert done.attempted > 15
    assert done.failed == 0


def test_nothing_heavy_is_imported_with_it() -> None:
    program = "import sys, serr; print(sorted({'torch', 'numpy', 'cv2', 'sklearn', 'PySide6'} & sys.modules.keys()))"
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_everything_that_is_promised_is_there() -> None:
    assert {name for name in serr.__all__ if getattr(serr, name) is None} == set()
    assert dir(serr) == sorted(serr.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        _ = serr.nothing


def test_python_m_serr_is_the_command_line() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "serr", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert serr.__version__ in said.stdout


def test_a_path_an_array_and_a_box_give_the_same_mask(eye: Path, model: Path) -> None:
    image = serr.read_fundus(eye)
    masks = [np.asarray(serr.segment(photo, model).mask) for photo in (eye, str(eye), np.array(image), image)]
    assert masks[0].any()
    for mask in masks[1:]:
        assert np.array_equal(mask, masks[0])


def test_a_field_of_view_may_be_a_file_a_folder_an_array_or_a_box(eye: Path, model: Path) -> None:
    path = eye.with_name("eye_fov.png")
    box = serr.read_fov(path)
    given: list[Any] = [path, eye.parent, np.array(box), np.array(box).astype(np.uint8) * 255, box]
    found = [serr.segment(eye, model, fov=fov) for fov in given]
    for each in found:
        assert np.array_equal(each.fov.inside, box.inside)
        assert np.array_equal(each.mask.vessel, found[0].mask.vessel)
    assert serr.segment(eye, model, fov="full").fov.inside.all()


def test_scores_are_those_of_scikit_learn(eye: Path, model: Path) -> None:
    found = serr.segment(eye, model, fov=eye.with_name("eye_fov.png"), threshold=0.3)
    label = eye.with_name("eye_manual1.png")
    scores = serr.evaluate(found, label)
    inside, truth = np.asarray(found.fov), np.asarray(serr.read_label(label))
    values = np.asarray(found.probability)
    assert scores.f1 == pytest.approx(f1_score(truth[inside], np.asarray(found.mask)[inside]))
    assert scores.auc_roc == pytest.approx(roc_auc_score(truth[inside], values[inside]))
    again = serr.evaluate(values, truth, fov=inside, threshold=0.3)
    assert again == scores
    as_mask = serr.evaluate(np.asarray(found.mask), truth, fov=found.fov)
    assert as_mask.f1 == scores.f1
    assert np.isnan(as_mask.auc_roc)
    whole = serr.evaluate(found, label, region="image")
    assert whole.f1 == pytest.approx(f1_score(truth.ravel(), np.asarray(found.mask).ravel()))


def test_hysteresis_and_a_smallest_vessel_are_arguments(eye: Path, model: Path) -> None:
    found = serr.segment(eye, model, threshold=0.5, low=0.25, min_pixels=20)
    assert found.mask.rule == ThresholdRule(128, "user", 64, 20)
    plain = serr.segment(eye, model, threshold=0.5)
    assert not np.array_equal(found.mask.vessel, plain.mask.vessel)
    label = np.asarray(plain.mask)
    own = serr.evaluate(found, label, fov="full")
    assert own.f1 == serr.evaluate(np.asarray(found.mask), label, fov="full").f1
    with pytest.raises(serr.SerrError, match=r"low must be a number between 0 and the threshold 0\.5, not 0\.6"):
        serr.segment(eye, model, threshold=0.5, low=0.6)
    with pytest.raises(serr.SerrError, match="min_pixels must be a number of pixels"):
        serr.segment(eye, model, min_pixels=-1)


def test_a_label_of_several_values_is_scored_when_it_is_said_what_they_mean(eye: Path, tmp_path: Path) -> None:
    drawn = np.asarray(serr.read_label(eye.with_name("eye_manual1.png")))
    classes = drawn.astype(np.uint8)
    classes[:, 160:] *= 2
    classes[:40] = 255  # not scored
    Image.fromarray(classes).save(path := tmp_path / "classes.png")
    for label in (path, classes):
        with pytest.raises(serr.SerrError, match="vessel_values"):
            serr.evaluate(drawn, label, fov="full")
    for label in (path, classes, np.dstack([classes] * 3)):
        for vessel, ignored in (("1, 2", "255"), ([1, 2], 255)):
            scores = serr.evaluate(drawn, label, fov="full", vessel_values=vessel, ignore_values=ignored)
            assert scores.f1 == 1.0
        veins = serr.evaluate(drawn, label, fov="full", vessel_values=2, ignore_values=[255])
        assert veins.f1 == pytest.approx(f1_score((classes == 2)[40:].ravel(), drawn[40:].ravel()))
    read = serr.read_label(path, values=serr.LabelValues.parse("1,2", "255"))
    assert serr.evaluate(drawn, read, fov="full").f1 == 1.0, "what the expert left open is not scored"


def test_what_makes_figures_doubtful_is_a_warning(eye: Path, model: Path) -> None:
    fov = serr.read_fov(eye.with_name("eye_fov.png"))
    found = serr.segment(eye, model, fov=fov)
    label = np.asarray(serr.read_label(eye.with_name("eye_manual1.png")))
    with pytest.warns(serr.DoubtWarning, match="fits when it is") as caught:
        serr.evaluate(found, label[::-1, ::-1])
    assert caught[0].filename == __file__
    assert len(caught) == 1, "that the result does not fit a wrong label is no news"
    with pytest.warns(serr.DoubtWarning, match="belong together"):
        serr.evaluate(found, np.roll(label, 60, axis=0) & fov.inside)
    with pytest.warns(serr.DoubtWarning, match="looks inverted"):
        serr.evaluate(~label, label, fov=fov)
    with pytest.raises(serr.SerrError, match="looks inverted"):
        serr.evaluate(found, ~label)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        serr.evaluate(found, label)


def test_several_are_made_one_after_the_other(eye: Path, model: Path) -> None:
    asked: list[int] = []

    def photos() -> Any:
        for number in range(3):
            asked.append(number)
            yield eye

    results = serr.segment_many(photos(), model)
    assert asked == []
    next(results)
    assert asked == [0]
    assert len(list(results)) == 2


def test_results_are_saved_as_the_program_saves_them(eye: Path, model: Path, tmp_path: Path) -> None:
    found = serr.segment(eye, model)
    files = found.save(tmp_path / "new folder")
    assert {path.name for path in files.values()} == {
        *("eye_mask.png", "eye_probability.png", "eye_overlay.png", "eye.serr.json")
    }
    with Image.open(files["mask"]) as picture:
        assert np.array_equal(np.array(picture) > 0, np.asarray(found.mask))
    unnamed = serr.segment(np.array(found.image), model)
    assert unnamed.save(str(tmp_path))["mask"].name == "photograph_mask.png"


def test_numpy_sees_what_is_in_a_box(eye: Path, model: Path) -> None:
    found = serr.segment(eye, model)
    assert np.array(found.mask, dtype=np.uint8).max() == 1
    assert np.asarray(found.probability) is found.probability.values
    assert np.array(found.fov, copy=True).flags.writeable
    assert found.mask.vessel.sum() == np.asarray(found.mask).sum()


def test_what_a_box_shows_of_itself_is_one_line(eye: Path, model: Path) -> None:
    found = serr.segment(eye, model)
    for box in (
        found,
        found.image,
        found.fov,
        found.probability,
        found.mask,
        serr.read_label(eye.with_name("eye_manual1.png")),
    ):
        assert len(repr(box)) < 160
        assert "\n" not in repr(box)
        assert "320 x 320" in repr(box)
    assert found._repr_png_().startswith(b"\x89PNG")


PHOTO = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
MASK = PHOTO[:, :, 0] > 128

WRONG: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no photograph": (lambda m: serr.segment(None, m), "photo must be"),  # type: ignore[arg-type]
    "a file that is not there": (lambda m: serr.segment("nowhere/eye.jpg", m), "eye.jpg"),
    "an empty path": (lambda m: serr.segment("", m), "photo must be a path"),
    "decimals": (lambda m: serr.segment(PHOTO / 255, m), "uint8"),  # type: ignore[arg-type]
    "16 bit": (lambda m: serr.segment(PHOTO.astype(np.uint16), m), "uint8"),  # type: ignore[arg-type]
    "grey": (lambda m: serr.segment(PHOTO[:, :, 0], m), "dstack"),
    "four channels": (lambda m: serr.segment(np.dstack([PHOTO, PHOTO[:, :, 0]]), m), "fourth"),
    "tiny": (lambda m: serr.segment(PHOTO[:8], m), "at least 32"),
    "all the same": (lambda m: serr.segment(np.zeros_like(PHOTO), m), "same value"),
    "a list of paths": (lambda m: serr.segment(["a.jpg"], m), "photo must be"),  # type: ignore[arg-type]
    "an unknown model": (lambda m: serr.segment(PHOTO, "nobody"), "nobody"),
    "no model": (lambda m: serr.segment(PHOTO, None), "model must be"),  # type: ignore[arg-type]
    "a number as model": (lambda m: serr.load_model(3), "model must be"),  # type: ignore[arg-type]
    "a threshold of 1": (lambda m: serr.segment(PHOTO, m, fov="full", threshold=1.0), "between 0 and 1"),
    "a threshold that is not a number": (lambda m: serr.segment(PHOTO, m, threshold=float("nan")), "between 0 and 1"),
    "a threshold as text": (lambda m: serr.segment(PHOTO, m, threshold="0.5"), "number"),  # type: ignore[arg-type]
    "an unknown device": (lambda m: serr.segment(PHOTO, m, fov="full", device="tpu"), "tpu"),
    "no device": (lambda m: serr.segment(PHOTO, m, fov="full", device=None), "device must be"),  # type: ignore[arg-type]
    "unknown averaging": (lambda m: serr.segment(PHOTO, m, tta="all"), "tta must be"),  # type: ignore[arg-type]
    "a mask of another size": (lambda m: serr.segment(PHOTO, m, fov=MASK[:32]), "shape"),
    "an empty mask": (lambda m: serr.segment(PHOTO, m, fov=np.zeros((64, 64), bool)), "False everywhere"),
    "a field of view as number": (lambda m: serr.segment(PHOTO, m, fov=3), "fov must be"),  # type: ignore[arg-type]
    "one photograph as many": (lambda m: serr.segment_many("eye.jpg", m), "several"),
    "nothing as many": (lambda m: serr.segment_many(None, m), "several"),  # type: ignore[arg-type]
    "no field of view": (lambda m: serr.evaluate(MASK, MASK), "fov is missing"),
    "a field of view to be found": (lambda m: serr.evaluate(MASK, MASK, fov="auto"), "needs the photograph"),
    "no threshold": (lambda m: serr.evaluate(PHOTO[:, :, 0] / 255, MASK, fov="full"), "threshold is missing"),
    "a threshold for a mask": (lambda m: serr.evaluate(MASK, MASK, fov="full", threshold=0.5), "leave it out"),
    "a map beyond 1": (
        lambda m: serr.evaluate(PHOTO[:, :, 0] / 2.0, MASK, fov="full", threshold=0.5),
        "between 0 and 1",
    ),
    "grey values as mask": (lambda m: serr.evaluate(PHOTO[:, :, 0], MASK, fov="full"), "one other value"),
    "a label of another size": (lambda m: serr.evaluate(MASK, MASK[:32], fov="full"), "label has the shape"),
    "a label that is not there": (lambda m: serr.evaluate(MASK, "nowhere.png", fov="full"), "nowhere.png"),
    "no label": (lambda m: serr.evaluate(MASK, None, fov="full"), "label must be"),
    "an unknown region": (lambda m: serr.evaluate(MASK, MASK, region="disc"), "region must be"),  # type: ignore[arg-type]
    "words as result": (lambda m: serr.evaluate("mask.png", MASK, region="image"), "found must be"),
    "ignored values alone": (lambda m: serr.evaluate(MASK, MASK, fov="full", ignore_values=255), "needs vessel_values"),
    "a value in words": (lambda m: serr.evaluate(MASK, MASK, fov="full", vessel_values="one"), "'one' is not a value"),
    "a value beyond 8 bits": (lambda m: serr.evaluate(MASK, MASK, fov="full", vessel_values=[256]), "'256'"),
    "a value as decimal": (
        lambda m: serr.evaluate(MASK, MASK, fov="full", vessel_values=0.5),  # type: ignore[arg-type]
        "vessel_values must be",
    ),
    "values that are not there": (lambda m: serr.evaluate(MASK, PHOTO, fov="full", vessel_values="#010203"), "holds"),
    "values of a label that is read": (
        lambda m: serr.evaluate(MASK, serr.ExpertLabel(MASK), fov="full", vessel_values=1),
        "read already",
    ),
    "no data set": (lambda m: serr.train(None, "out"), "dataset must be"),  # type: ignore[arg-type]
    "an unknown recipe": (lambda m: serr.train("drive", "out", preset="best"), "best"),
    "no steps": (lambda m: serr.train("drive", "out", steps=0), "steps must be"),
    "nothing held out": (lambda m: serr.train("drive", "out", hold_out=0), "hold_out must be"),
    "a vessel value in words": (lambda m: serr.train("drive", "out", vessel_values="one"), "'one' is not a value"),
    "a data set that is not there": (lambda m: serr.train("nowhere/eyes", "out"), "nowhere"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_argument_gets_a_sentence(
    name: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    call, words = WRONG[name]
    with pytest.raises(serr.SerrError) as caught:
        call(model)
    assert words in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_vessels_are_measured(eye: Path, model: Path) -> None:
    found = serr.segment(eye, model, threshold=0.4)
    label = np.asarray(serr.read_label(eye.with_name("eye_manual1.png")).vessel)
    by_label = serr.measure(label, fov=found.fov, disc=serr.OpticDisc(160, 160, 20))
    assert by_label["width/mean/all/fov"].value > 1
    assert by_label.as_dict()["count/segments/all/fov"] == len(by_label.tree.vessels)
    assert "vessel segments" in repr(by_label)
    scaled = serr.measure(label, fov="full", pixel=serr.PixelSize(2.0, "assumed"))
    assert scaled["length/total/all/fov"].unit == "um"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"fov": None}, "fov is missing"),
        ({"fov": "auto"}, "needs the photograph"),
        ({"fov": "full", "threshold": 0.5}, "is a mask already"),
        ({"fov": "full", "disc": (1, 2, 3)}, "disc must be a serr.OpticDisc"),
        ({"fov": "full", "pixel": 5.0}, "pixel must be a serr.PixelSize"),
    ],
)
def test_wrong_arguments_of_measure_get_a_sentence(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(serr.SerrError, match=sentence):
        serr.measure(np.eye(30, dtype=np.bool_), **arguments)
