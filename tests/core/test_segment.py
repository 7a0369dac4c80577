"""The chain from files to files: photographs in, masks and side-cars out, and the same mask again from a side-car."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from core.datasets.synthetic import DrawnCase, draw_case
from core.errors import FieldOfViewError, InputError, OutputError, WeightsError
from core.export import ExportChoices, export_segmentation
from core.files import file_sha256
from core.inference.options import InferenceOptions
from core.models.catalogue import load_model
from core.models.weights_file import LoadedModel
from core.photo.reading import read_fundus
from core.photo.recipe import Preprocessing
from core.progress import Cancelled, Progress
from core.replay import replay_sidecar
from core.segment import made_ahead, segment_photo
from core.segment_files import BatchReport, segment_files
from core.sidecar import read_sidecar
from core.threshold_rule import ThresholdRule
from core.types import FundusImage, VesselMask
from tests.bad_outputs import BAD_OUTPUTS, BadOutput
from tests.small_model import save_small_model

MASK_ONLY = ExportChoices(probability=False, overlay=False, sidecar=False)


class Recorder:
    """A monitor that keeps everything, and cancels when a stage is reached."""

    def __init__(self, cancel_at: str = "") -> None:
        self.steps: list[Progress] = []
        self.notes: list[str] = []
        self.cancel_at = cancel_at

    def step(self, progress: Progress) -> None:
        self.steps.append(progress)
        if self.cancel_at and self.cancel_at in progress.stage:
            raise Cancelled

    def note(self, message: str) -> None:
        self.notes.append(message)


@pytest.fixture(scope="module")
def folder_of_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    save_small_model(folder / "small.safetensors", name="small-test-model")
    return folder


@pytest.fixture
def model(folder_of_models: Path, monkeypatch: pytest.MonkeyPatch) -> LoadedModel:
    monkeypatch.setenv("SERR_MODELS", str(folder_of_models))
    return load_model("small-test-model")


@pytest.fixture(scope="module")
def case() -> DrawnCase:
    return draw_case(20, 200)


@pytest.fixture
def photos(tmp_path: Path, case: DrawnCase) -> Path:
    """A folder with three photographs, two of them equal but for their place."""
    folder = tmp_path / "Fotos für Prüfung"
    (folder / "right").mkdir(parents=True)
    Image.fromarray(case.image.rgb).save(folder / "a.png")
    Image.fromarray(case.image.rgb[:, ::-1]).save(folder / "right" / "a.png")
    Image.fromarray(draw_case(21, 240).image.rgb).save(folder / "b.tif")
    return folder


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * int((a & b).sum()) / int(a.sum() + b.sum())


# One photograph


def test_vessels_are_found_where_they_are(model: LoadedModel, case: DrawnCase) -> None:
    found = segment_photo(case.image, model)
    assert found.mask.shape == found.probability.shape == found.fov.shape == case.image.shape
    assert found.fov.origin == "estimated"
    assert dice(found.mask.vessel, case.label.vessel) > 0.8
    assert (found.probability.values[~found.fov.inside] == 0.0).all()
    assert not (found.mask.vessel & ~found.fov.inside).any()
    np.testing.assert_array_equal(found.mask.vessel, found.probability.levels >= 96)
    assert found.mask.rule == model.card.rule
    assert (found.model_sha256, found.card, found.tiles) == (model.sha256, model.card, 1)
    assert found.options.device != "auto"
    assert found.seconds > 0


def test_the_given_field_of_view_and_threshold_are_used(model: LoadedModel, case: DrawnCase) -> None:
    rule = ThresholdRule(200)
    found = segment_photo(case.image, model, fov=case.fov, rule=rule)
    assert found.fov is case.fov
    assert found.mask.rule == rule
    np.testing.assert_array_equal(found.mask.vessel, found.probability.levels >= 200)
    with pytest.raises(FieldOfViewError):
        segment_photo(case.image, model, fov=draw_case(1, 64).fov)


def test_what_is_made_ahead_changes_nothing(model: LoadedModel, case: DrawnCase) -> None:
    """A folder prepares a photograph, and looks for doubts, while the network works on the one before."""
    blurred = replace(case.image, rgb=cv2.GaussianBlur(case.image.rgb, (0, 0), 6))
    ahead = made_ahead(blurred, case.fov, model.card.preprocessing)
    one, other = segment_photo(blurred, model, fov=case.fov), segment_photo(blurred, model, fov=case.fov, ahead=ahead)
    assert "blurred" in {doubt.kind for doubt in ahead.doubts}
    assert one.doubts == other.doubts
    np.testing.assert_array_equal(one.probability.values, other.probability.values)


def test_the_result_comes_back_to_the_grid_of_the_photograph(model: LoadedModel, case: DrawnCase) -> None:
    """A photograph of twice the size, brought to the scale of the network and back, has the same vessels."""
    native = segment_photo(case.image, model, fov=case.fov)
    recipe = Preprocessing(fov_diameter_px=case.fov.diameter_px)
    scaling = replace(model, card=replace(model.card, preprocessing=recipe))
    large = cv2.resize(case.image.rgb, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    found = segment_photo(replace(case.image, rgb=large), scaling)
    assert found.scale == pytest.approx(0.5, rel=0.03)
    assert found.mask.shape == (400, 400)
    shrunk = cv2.resize(found.probability.values, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    assert dice(shrunk >= 0.375, native.mask.vessel) > 0.8


@pytest.mark.parametrize("stage", ["Finding the field of view", "Preparing", "Finding vessels", "Putting the result"])
def test_it_can_be_cancelled_at_every_stage(model: LoadedModel, case: DrawnCase, stage: str) -> None:
    with pytest.raises(Cancelled):
        segment_photo(case.image, model, monitor=Recorder(cancel_at=stage))


# Batches


def run(photos: Path, out: Path, model: LoadedModel, **options: object) -> BatchReport:
    paths = [photos / "a.png", photos / "b.tif", photos / "right" / "a.png"]
    return segment_files(paths, out, model, **options)  # type: ignore[arg-type]


def test_a_batch_writes_every_result_under_a_name_of_its_own(
    model: LoadedModel, photos: Path, tmp_path: Path, case: DrawnCase
) -> None:
    monitor = Recorder()
    report = run(photos, tmp_path / "new" / "out", model, monitor=monitor)
    assert not report.failed
    stems = [item.stem for item in report.done]
    assert stems == ["Fotos für Prüfung_a", "b", "right_a"]
    names = {
        f"{stem}{ending}"
        for stem in stems
        for ending in ("_mask.png", "_probability.png", "_overlay.png", ".serr.json")
    }
    assert {path.name for path in (tmp_path / "new" / "out").iterdir()} == names
    first = report.done[0]
    mask = pixels(first.files["mask"])
    assert set(np.unique(mask)) == {0, 255}
    found = segment_photo(case.image, model)
    np.testing.assert_array_equal(mask == 255, found.mask.vessel)
    np.testing.assert_allclose(
        pixels(first.files["probability"]) / 65535, found.probability.values, atol=0.5001 / 65535
    )
    assert first.threshold == 0.375
    assert first.vessel_share == pytest.approx(found.mask.vessel.sum() / found.fov.inside.sum())
    shares = [step.fraction or 0.0 for step in monitor.steps]
    assert shares == sorted(shares)
    assert max(shares) > 0.9
    assert any("b.tif (2 of 3): Finding vessels" in step.stage for step in monitor.steps)


def test_a_bad_file_does_not_stop_the_others(model: LoadedModel, photos: Path, tmp_path: Path) -> None:
    monitor = Recorder()
    bad = [photos / "text.png", photos / "missing.png", photos / "dark.png"]
    bad[0].write_text("no picture")
    Image.new("RGB", (100, 100)).save(bad[2])
    report = segment_files([bad[0], photos / "b.tif", *bad[1:]], tmp_path / "out", model, monitor=monitor)
    assert [item.stem for item in report.done] == ["b"]
    assert [path for path, _ in report.failed] == bad
    for path, sentence in report.failed:
        assert path.name in sentence
    assert monitor.notes == [sentence for _, sentence in report.failed]
    assert {path.name[:1] for path in (tmp_path / "out").iterdir()} == {"b"}


def test_only_what_has_no_result_yet(model: LoadedModel, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(photos, out, model)
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    (out / "b_mask.png").unlink()
    report = run(photos, out, model, skip_existing=True)
    assert [item.stem for item in report.done] == ["b"]
    assert len(report.skipped) == 2
    assert "has its results already" in report.skipped[0][1]
    kept = {path.name: path.stat().st_mtime_ns for path in out.iterdir() if not path.name.startswith("b")}
    assert kept.items() <= before.items()
    shutil.copy(photos / "right" / "a.png", photos / "b.tif")  # another photograph of the same name
    assert [item.stem for item in run(photos, out, model, skip_existing=True).done] == ["b"]
    assert len(run(photos, out, model).done) == 3


def test_a_mask_corrected_by_hand_is_never_overwritten(model: LoadedModel, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    found = segment_photo(read_fundus(photos / "b.tif"), model)
    by_hand = VesselMask(np.zeros(found.mask.shape, bool), found.mask.rule, edited=True)
    files = export_segmentation(found, out, "b", ExportChoices(), mask=by_hand)
    before = {kind: path.read_bytes() for kind, path in files.items()}
    for options in ({}, {"skip_existing": True}, {"export": MASK_ONLY}):
        report = segment_files([photos / "b.tif"], out, model, **options)  # type: ignore[arg-type]
        assert not report.done
        assert "corrected by hand" in report.skipped[0][1]
        assert {kind: path.read_bytes() for kind, path in files.items()} == before
    files["sidecar"].write_text("{ damaged")
    report = segment_files([photos / "b.tif"], out, model)
    assert "left as it is" in report.failed[0][1]
    assert files["mask"].read_bytes() == before["mask"]
    report = segment_files([photos / "b.tif"], out, model, overwrite_edited=True)
    assert len(report.done) == 1
    assert not read_sidecar(files["sidecar"]).edited
    assert files["mask"].read_bytes() != before["mask"]


def test_results_never_overwrite_what_they_are_made_from(model: LoadedModel, photos: Path, case: DrawnCase) -> None:
    mask = photos / "a_mask.png"  # the field of view, as DRIVE and HRF call it, but where the vessels would go
    Image.fromarray(case.fov.inside).save(mask)
    before = mask.read_bytes()
    report = segment_files([photos / "a.png"], photos, model, fov=photos)
    assert "would overwrite" in report.failed[0][1]
    assert mask.read_bytes() == before
    Image.fromarray(case.image.rgb).save(mask)
    report = segment_files([photos / "a.png", mask], photos, model)
    assert [path for path, _ in report.failed] == [photos / "a.png"]


def test_fields_of_view_come_from_a_folder(model: LoadedModel, photos: Path, tmp_path: Path, case: DrawnCase) -> None:
    masks = tmp_path / "masks"
    masks.mkdir()
    Image.fromarray(case.fov.inside).save(masks / "a_mask.gif")
    report = run(photos, tmp_path / "out", model, fov=masks, export=MASK_ONLY)
    assert [item.fov_origin for item in report.done] == ["file", "file"]
    assert [(path.name, "no mask" in sentence) for path, sentence in report.failed] == [("b.tif", True)]
    whole = run(photos, tmp_path / "whole", model, fov="full", export=MASK_ONLY)
    assert {item.fov_origin for item in whole.done} == {"full"}


def test_a_picture_without_vessels_is_told(model: LoadedModel) -> None:
    case = draw_case(5, 128)
    recorder = Recorder()
    flat = FundusImage(np.full_like(case.image.rgb, 90))
    doubts = segment_photo(flat, model, fov=case.fov, monitor=recorder).doubts
    assert doubts[-1].kind == "hardly_any_vessel"
    assert recorder.notes == [doubt.text for doubt in doubts]
    assert "hardly_any_vessel" not in {doubt.kind for doubt in segment_photo(case.image, model, fov=case.fov).doubts}


def test_a_cancelled_batch_keeps_what_is_finished(model: LoadedModel, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(Cancelled):
        run(photos, out, model, monitor=Recorder(cancel_at="(2 of 3): Finding vessels"))
    assert {path.name[:5] for path in out.iterdir()} == {"Fotos"}
    assert len(list(out.iterdir())) == 4


@pytest.mark.parametrize("bad", BAD_OUTPUTS, ids=lambda bad: bad.name)
def test_a_bad_folder_is_said_and_nothing_is_left(
    model: LoadedModel, photos: Path, tmp_path: Path, bad: BadOutput
) -> None:
    with bad.open(tmp_path) as folder:
        try:
            report = segment_files([photos / "a.png"], folder, model)
        except OutputError as error:
            sentence = str(error)
        else:
            assert not report.done
            sentence = report.failed[0][1]
        left = [path.name for path in folder.iterdir() if path.stat().st_size] if folder.is_dir() else []
    assert any(word in sentence.lower() for word in bad.words)
    assert not any("serr-tmp" in name or name.endswith(".json") for name in left)


# The same again


@pytest.fixture
def sidecar(model: LoadedModel, photos: Path, tmp_path: Path) -> Path:
    """The side-car of b.tif, made with other settings than the defaults."""
    report = segment_files(
        [photos / "b.tif"],
        tmp_path / "out",
        model,
        options=InferenceOptions(tta="flips", tile_px=128, overlap_px=32, precision="bf16"),
        rule=ThresholdRule(77),
    )
    return report.done[0].files["sidecar"]


def test_a_side_car_gives_the_identical_mask(sidecar: Path) -> None:
    found = replay_sidecar(sidecar)
    exported = pixels(sidecar.parent / "b_mask.png")
    np.testing.assert_array_equal(found.mask.vessel, exported == 255)
    assert 0 < np.count_nonzero(exported) < exported.size
    assert found.mask.rule.level == 77
    assert found.tiles > 1
    assert found.notes == ()
    probability = np.rint(found.probability.values * 65535).astype(np.uint16)
    np.testing.assert_array_equal(probability, pixels(sidecar.parent / "b_probability.png"))


def test_the_recipe_of_the_side_car_counts_not_that_of_the_card(
    sidecar: Path, model: LoadedModel, folder_of_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    save_small_model(other.with_suffix(".safetensors"), preprocessing=Preprocessing(gamma=2.0, fov_diameter_px=0))
    changed = load_model(other.with_suffix(".safetensors"))
    assert changed.sha256 == model.sha256
    assert replay_sidecar(sidecar, model=changed).notes == ()


def test_masks_of_all_origins_of_the_field_of_view(
    model: LoadedModel, photos: Path, tmp_path: Path, case: DrawnCase
) -> None:
    mask = tmp_path / "fov.png"
    Image.fromarray(case.fov.inside).save(mask)
    for choice in ("full", "auto", mask):
        report = segment_files([photos / "a.png"], tmp_path / "out", model, fov=choice)  # type: ignore[arg-type]
        found = replay_sidecar(report.done[0].files["sidecar"])
        assert found.fov.origin == report.done[0].fov_origin
        assert found.notes == ()
        np.testing.assert_array_equal(found.mask.vessel, pixels(report.done[0].files["mask"]) == 255)
    Image.fromarray(~case.fov.inside).save(mask)
    with pytest.raises(FieldOfViewError, match="not the one"):
        replay_sidecar(report.done[0].files["sidecar"])


def test_the_photograph_may_have_moved_but_not_changed(sidecar: Path, photos: Path, tmp_path: Path) -> None:
    moved = tmp_path / "far" / "away" / "elsewhere.tif"
    moved.parent.mkdir(parents=True)
    digest = file_sha256(photos / "b.tif")
    shutil.move(photos / "b.tif", moved)
    with pytest.raises(InputError, match=rf"b\.tif.*is not there.*--photo.*{digest}"):
        replay_sidecar(sidecar)
    assert replay_sidecar(sidecar, moved).notes == ()
    shutil.copy(moved, sidecar.parent / "b.tif")
    assert replay_sidecar(sidecar).notes == ()
    (sidecar.parent / "b.tif").unlink()
    for renamed in (photos / "renamed.tif", sidecar.parent / "renamed.tif", sidecar.parent.parent / "renamed.tif"):
        shutil.copy(moved, renamed)
        assert replay_sidecar(sidecar).image.source == renamed, "the same content by another name"
        renamed.unlink()
    shutil.copy(photos / "a.png", sidecar.parent / "b.tif")
    with pytest.raises(InputError, match="not the photograph"):
        replay_sidecar(sidecar)


def _change(path: Path, change: Callable[[dict[str, dict[str, object]]], object]) -> None:
    record = json.loads(path.read_text(encoding="utf-8"))
    change(record)
    path.write_text(json.dumps(record), encoding="utf-8")


def test_a_result_that_cannot_be_made_again_is_said(sidecar: Path, tmp_path: Path) -> None:
    original = sidecar.read_bytes()

    def refused(change: Callable[[dict[str, dict[str, object]]], object], error: type[Exception], words: str) -> None:
        sidecar.write_bytes(original)
        _change(sidecar, change)
        with pytest.raises(error, match=words):
            replay_sidecar(sidecar)

    refused(lambda r: r["mask"].update(edited=True), InputError, "corrected by hand")
    refused(lambda r: r["model"].update(sha256="0" * 64), WeightsError, "not among the available models")
    refused(lambda r: r["field_of_view"].update(origin="edited"), FieldOfViewError, "by hand")
    refused(lambda r: r["inference"]["options"].update(tta="thrice"), InputError, "damaged.*tta")  # type: ignore[attr-defined]
    refused(lambda r: r["model"]["preprocessing"].update(gamma=-1), InputError, "damaged.*gamma")  # type: ignore[attr-defined]

    sidecar.write_bytes(original)
    _change(sidecar, lambda r: r["rule"].update(level=200))
    assert "not identical" in replay_sidecar(sidecar).notes[0]
    sidecar.write_bytes(original)
    _change(sidecar, lambda r: r["inference"]["options"].update(device="cuda:7"))  # type: ignore[attr-defined]
    assert "cuda:7" in replay_sidecar(sidecar).notes[0]


def test_other_weights_are_refused(sidecar: Path, model: LoadedModel) -> None:
    with pytest.raises(WeightsError, match="other weights"):
        replay_sidecar(sidecar, model=replace(model, sha256="0" * 64))
