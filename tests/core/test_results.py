"""Results on disk: a kill never leaves a wrong one that looks right, and only what is wanted is kept."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.synthetic import draw_case
from core.errors import InputError
from core.evaluation.predictions import find_predictions
from core.export import ExportChoices
from core.inference.options import InferenceOptions
from core.models.catalogue import load_model
from core.models.weights_file import LoadedModel, save_model
from core.photo.reading import read_fundus
from core.photo.sibling_files import FovOption
from core.progress import SILENT, Progress
from core.replay import replay_sidecar
from core.reuse import ReusedResults
from core.segment import segment_photo
from core.segment_files import BatchReport, segment_files
from core.sidecar import UnfinishedResultError, read_sidecar
from core.threshold_rule import ThresholdRule
from tests.small_model import save_small_model

EVERYTHING = ExportChoices()


class Notes:
    """A monitor that keeps what is said."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def step(self, progress: Progress) -> None:
        pass

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedModel, LoadedModel]:
    """Two models that do not agree: the small one, and one that sees more vessels."""
    folder = tmp_path_factory.mktemp("models")
    one = load_model(save_small_model(folder / "one.safetensors", name="one"))
    other = load_model(save_small_model(folder / "other.safetensors", name="other"))
    with np.errstate(all="ignore"):
        for parameter in list(other.module.parameters())[-2:]:
            parameter.data.mul_(0.5)
    save_model(other.path, other.module, other.card)
    return one, load_model(other.path)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "eye.png"
    Image.fromarray(draw_case(20, 96).image.rgb).save(path)
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def again(photo: Path, out: Path, model: LoadedModel, **choices: object) -> BatchReport:
    return segment_files([photo], out, model, skip_existing=True, **choices)  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Kills


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a process at each file event by forking before it")
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_kill_at_any_file_event_never_leaves_a_result_that_lies(
    models: tuple[LoadedModel, LoadedModel], photo: Path, tmp_path: Path, suffix: str
) -> None:
    one, other = models
    folder = tmp_path / "killed"
    arguments = [photo, one.path, other.path, folder, suffix]
    root = str(Path(__file__).resolve().parents[2])
    subprocess.run(
        [sys.executable, "-m", "tests.killed_exports", *map(str, arguments)],
        check=True,
        env=os.environ | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"},
    )
    killed = sorted((path for path in folder.iterdir() if path.name.isdecimal()), key=lambda path: int(path.name))
    assert len(killed) > 20
    image, choices = read_fundus(photo), ExportChoices(float_probability=suffix == ".tif")
    maps = {model.card.name: segment_photo(image, model) for model in models}
    whole = {name: contents(folder / name) for name in ("a", "b")}
    assert whole["a"]["eye_mask.png"] != whole["b"]["eye_mask.png"]
    unfinished, seen = 0, set()
    for number, left in enumerate(killed, start=1):
        now = {name: data for name, data in contents(left).items() if not name.startswith(".")}
        if tuple(sorted(now.items())) in seen:
            continue
        seen.add(tuple(sorted(now.items())))
        record = json.loads(now.pop("eye.serr.json"))
        if record.get("unfinished"):
            unfinished += 1
            with pytest.raises(UnfinishedResultError, match="Make the result again"):
                read_sidecar(left / "eye.serr.json")
        else:
            made_by = "a" if record["model"]["name"] == "one" else "b"
            assert all(whole[made_by][name] == data for name, data in now.items()), number
        for model in models:
            kept = ReusedResults(model, InferenceOptions(), model.card.rule, left, {photo: "eye"})
            found = maps[model.card.name]
            values = kept.find(image, found.fov, SILENT)
            assert values is None or np.allclose(values.values, found.probability.values, atol=1e-5)
        report = again(photo, left, other, export=choices)
        assert [item.again[:50] for item in report.done] == (
            ["the program was ended while its results were writt"]
            if record.get("unfinished")
            else ["it was made with the model one, not other."] * (made_by == "a")
        )
        assert (left / "eye_mask.png").read_bytes() == whole["b"]["eye_mask.png"]
        assert read_sidecar(left / "eye.serr.json").model == "other"
    assert unfinished == 4  # before the first of three files is in its place, and after each of them
    assert len(seen) >= 6
    first = [path for path in folder.iterdir() if path.name.startswith("first-")]
    assert len(first) > 15
    marked = 0
    for left in first:  # nobody else's files were there: the same command makes the result whole
        names = {path.name for path in left.iterdir() if not path.name.startswith(".")}
        assert "eye.serr.json" in names or not names, "files are never without a side-car, which says whose they are"
        marked += bool(names) and len(names) < 4
        if names:
            report = again(photo, left, other, export=choices)
            assert not report.failed
            assert (left / "eye_mask.png").read_bytes() == whole["b"]["eye_mask.png"]
    assert marked >= 3


def test_files_of_two_results_are_not_taken_for_one(
    models: tuple[LoadedModel, LoadedModel], photo: Path, out: Path, tmp_path: Path
) -> None:
    """As a kill in version 0.1.0 left them, or a person who copies: the side-car of one, the files of the other."""
    one, other = models
    sidecar = segment_files([photo], out, one).done[0].files["sidecar"]
    first = sidecar.read_bytes()
    segment_files([photo], out, other)
    sidecar.write_bytes(first)
    kept = ReusedResults(one, InferenceOptions(), one.card.rule, out, {photo: "eye"})
    assert kept.find(read_fundus(photo), segment_photo(read_fundus(photo), one).fov, SILENT) is None
    found = replay_sidecar(sidecar, model=one)
    assert "eye_mask.png, eye_probability.png, eye_overlay.png beside it changed since" in found.notes[-1]
    (item,) = again(photo, out, one).done
    assert "eye_mask.png is not the one that was written with its side-car" in item.again
    assert not again(photo, out, one).done


@pytest.mark.parametrize("name", ["eye_probability.png", "eye_overlay.png"])
def test_each_file_that_changed_is_noticed(
    models: tuple[LoadedModel, LoadedModel], photo: Path, out: Path, name: str
) -> None:
    segment_files([photo], out, models[0])
    whole = contents(out)
    Image.fromarray(np.zeros((96, 96), np.uint8)).save(out / name)
    (item,) = again(photo, out, models[0]).done
    assert f"{name} is not the one" in item.again
    assert (out / name).read_bytes() == whole[name]
    (out / "eye_mask.png").write_bytes(whole["eye_mask.png"][:200])  # no picture: nobody's work
    assert "eye_mask.png is not the one" in again(photo, out, models[0]).done[0].again


def test_a_mask_that_another_program_changed_is_left_as_it_is(
    models: tuple[LoadedModel, LoadedModel], photo: Path, out: Path
) -> None:
    segment_files([photo], out, models[0])
    mask = np.array(Image.open(out / "eye_mask.png"))
    Image.fromarray(mask).save(out / "eye_mask.png", compress_level=1)  # the same pixels, packed in another way
    assert "has its results already (one)" in again(photo, out, models[0]).skipped[0][1]
    mask[40:50, 40:50] = 255 - mask[40:50, 40:50]
    Image.fromarray(mask).save(out / "eye_mask.png")
    before = contents(out)
    for options in ({}, {"skip_existing": True}):
        report = segment_files([photo], out, models[1], **options)  # type: ignore[arg-type]
        assert "changed in another program" in report.skipped[0][1]
        assert contents(out) == before
    assert len(segment_files([photo], out, models[1], overwrite_edited=True).done) == 1


def test_a_mask_by_hand_that_was_being_written_is_left_as_it_is(
    models: tuple[LoadedModel, LoadedModel], photo: Path, out: Path
) -> None:
    (item,) = segment_files([photo], out, models[0]).done
    item.files["sidecar"].write_text('{"serr_sidecar": 1, "unfinished": true, "mask": {"edited": true}}')
    before = contents(out)
    assert "corrected by hand" in segment_files([photo], out, models[0]).skipped[0][1]
    assert "corrected by hand" in again(photo, out, models[0]).skipped[0][1]
    assert contents(out) == before
    assert "was ended" in again(photo, out, models[0], overwrite_edited=True).done[0].again


# What is wanted


def test_only_the_wanted_result_is_kept(
    models: tuple[LoadedModel, LoadedModel], photo: Path, out: Path, tmp_path: Path
) -> None:
    one, other = models
    fov = tmp_path / "fov.png"
    Image.fromarray(draw_case(20, 96).fov.inside).save(fov)
    flips, exact = InferenceOptions(tta="flips"), InferenceOptions(precision="fp32")
    steps: list[tuple[LoadedModel, dict[str, object], str]] = [
        (one, {}, ""),
        (one, {"rule": one.card.rule}, "skipped"),
        (other, {}, "it was made with the model one, not other."),
        (other, {"rule": ThresholdRule(200)}, "it was made at the threshold 0.375, not 0.78125."),
        (other, {"options": flips}, "it was made without averaging over mirror images; it was made at the threshold"),
        (other, {}, "it was made with averaging over mirror images."),
        (other, {"fov": "full"}, "it was made with another field of view."),
        (other, {"fov": "full"}, "skipped"),
        (other, {"fov": fov}, "it was made with another field of view."),
        (other, {"fov": fov}, "skipped"),
        (other, {"fov": "auto"}, "it was made with another field of view."),
        (other, {"export": replace(EVERYTHING, float_probability=True)}, "eye_probability.tif is missing."),
        (other, {"export": replace(EVERYTHING, mask_colour=(1, 2, 3))}, "its overlay has another colour"),
        (replace(other, sha256="0" * 64), {}, "it was made with the model other, not other, another one of that name"),
    ]
    for model, choices, expected in steps:
        report = again(photo, out, model, **choices)
        if expected == "skipped":
            assert f"has its results already ({model.card.name})" in report.skipped[0][1]
        else:
            assert report.done[0].again.startswith(expected), (report.done[0].again, expected)
    Image.fromarray(draw_case(21, 96).image.rgb).save(photo)
    assert "the photograph is not the one" in again(photo, out, other).done[0].again
    precision = read_sidecar(out / "eye.serr.json").record["inference"]["precision"]
    redone = again(photo, out, other, options=exact)
    why = [] if precision == "fp32" else [f"it was computed in {precision}, not fp32."]
    assert [item.again for item in redone.done] == why


def test_a_field_of_view_is_the_same_by_its_pixels(
    models: tuple[LoadedModel, LoadedModel], photo: Path, out: Path, tmp_path: Path
) -> None:
    """A mask file of the same name with other pixels is another one; a picture without surround is estimated "full"."""
    fov: FovOption = tmp_path / "fov.png"
    inside = draw_case(20, 96).fov.inside.copy()
    Image.fromarray(inside).save(str(fov))
    again(photo, out, models[0], fov=fov)
    inside[40:44] = False
    Image.fromarray(inside).save(str(fov))
    assert "another field of view" in again(photo, out, models[0], fov=fov).done[0].again
    Image.fromarray(draw_case(20, 96).image.rgb[30:66, 30:66]).save(photo)
    again(photo, out, models[0])
    if read_sidecar(out / "eye.serr.json").fov_origin == "full":
        assert not again(photo, out, models[0]).done


def test_results_without_a_side_car_are_kept_and_it_is_said_that_they_are_not_known(
    models: tuple[LoadedModel, LoadedModel], photo: Path, out: Path
) -> None:
    mask_only = ExportChoices(probability=False, overlay=False, sidecar=False)
    segment_files([photo], out, models[0], export=mask_only)
    report = again(photo, out, models[1], export=mask_only)
    assert "no side-car says whose they are" in report.skipped[0][1]


def test_files_of_the_same_result_that_come_later_join_its_side_car(
    models: tuple[LoadedModel, LoadedModel], photo: Path, out: Path
) -> None:
    part = ExportChoices(probability=False, overlay=False)
    segment_files([photo], out, models[0], export=part)
    segment_files([photo], out, models[0], export=ExportChoices(mask=False, overlay=False, sidecar=False))
    sidecar = read_sidecar(out / "eye.serr.json")
    assert sidecar.files == {"mask": "eye_mask.png", "probability": "eye_probability.png"}
    assert sidecar.files_sha256.keys() == sidecar.files.keys()
    assert not again(photo, out, models[0], export=ExportChoices(overlay=False)).done
    (item,) = segment_files([photo], out, models[1], export=part).done  # what stays of the first is said
    assert "Left from an earlier result (one): eye_probability.png." in item.notes
    assert read_sidecar(out / "eye.serr.json").files == {"mask": "eye_mask.png"}
    assert (
        "eye_probability.png is of another result"
        in again(photo, out, models[1], export=ExportChoices(overlay=False)).done[0].again
    )


def _as_0_1_0(path: Path) -> None:
    """A side-car as version 0.1.0 wrote it: without hashes of files."""
    record = json.loads(path.read_text())
    for key in ("files_sha256", "overlay"):
        record.pop(key, None)
    path.write_text(json.dumps(record))


@pytest.mark.parametrize("as_float", [False, True])
def test_side_cars_of_version_0_1_0_count_as_far_as_they_can_be_checked(
    models: tuple[LoadedModel, LoadedModel], photo: Path, out: Path, as_float: bool
) -> None:
    one, other = models
    export = ExportChoices(float_probability=as_float)
    sidecar = segment_files([photo], out, one, export=export).done[0].files["sidecar"]
    _as_0_1_0(sidecar)
    image = read_fundus(photo)
    fov = segment_photo(image, one).fov

    def found() -> bool:
        kept = ReusedResults(one, InferenceOptions(), one.card.rule, out, {photo: "eye"})
        return kept.find(image, fov, SILENT) is not None

    assert found()
    assert not again(photo, out, one, export=export).done
    first = sidecar.read_bytes()
    segment_files([photo], out, other, export=export)
    second = contents(out)
    sidecar.write_bytes(first)  # a kill after all files but the side-car
    assert not found()
    segment_files([photo], out, one, export=export, overwrite_edited=True)
    _as_0_1_0(sidecar)
    name = f"eye_probability{'.tif' if as_float else '.png'}"
    (out / name).write_bytes(second[name])
    assert not found()


def test_a_side_car_names_files_beside_it_only(models: tuple[LoadedModel, LoadedModel], photo: Path, out: Path) -> None:
    sidecar = segment_files([photo], out, models[0]).done[0].files["sidecar"]
    for wrong in ({"mask": "../eye_mask.png"}, {"mask": 5}, ["eye_mask.png"]):
        record = json.loads(sidecar.read_text())
        sidecar.write_text(json.dumps(record | {"files": wrong}))
        with pytest.raises(InputError, match=r"damaged.*files"):
            read_sidecar(sidecar)
        sidecar.write_text(json.dumps(record))


# Tables


def test_results_of_two_models_do_not_become_one_table(
    models: tuple[LoadedModel, LoadedModel], photo: Path, out: Path, tmp_path: Path
) -> None:
    one, other = models
    second = photo.with_name("fundus.png")
    Image.fromarray(draw_case(21, 96).image.rgb).save(second)
    both = [photo, second]
    whole = ExportChoices(overlay=False)
    masks = ExportChoices(probability=False, overlay=False)
    segment_files(both, out, one, export=whole)
    assert find_predictions(out, both).made_by.startswith("one (")
    segment_files([second], out, other, export=whole)
    with pytest.raises(InputError, match=r"more than one kind \(o.*: 1, such as .*; o.*: 1, such as .*\)"):
        find_predictions(out, both)
    segment_files([second], out, one, rule=ThresholdRule(200), export=whole)
    assert find_predictions(out, both).kind == "probabilities"  # the same, at whatever threshold the mask is
    only = tmp_path / "masks"
    segment_files([photo], only, one, export=masks)
    segment_files([second], only, one, rule=ThresholdRule(200), export=masks)
    with pytest.raises(InputError, match=r"threshold 0\.375.*threshold 0\.78125|threshold 0\.78125.*threshold 0\.375"):
        find_predictions(only, both)
    (only / "fundus.serr.json").unlink()
    told = Notes()
    assert find_predictions(only, both, told).made_by.endswith("threshold 0.375")
    assert told.notes == ["1 of the results, such as fundus_mask.png: no side-car, so what made them is not known."]
    Image.fromarray(np.zeros((96, 96), np.uint8)).save(only / "eye_mask.png")
    find_predictions(only, both, told)
    assert "1 of the results, such as eye_mask.png: changed since they were written" in told.notes[-1]
