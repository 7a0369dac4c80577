"""A long evaluation continues where it stopped: existing results are read, and only those that are the same."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.datasets.layouts import DataSet, read_layout
from core.datasets.synthetic import write_drive_layout
from core.evaluation.dataset_evaluation import evaluate_dataset
from core.evaluation.report import EvaluationReport, Method
from core.export import ExportChoices, export_segmentation
from core.inference.options import InferenceOptions
from core.models.weights_file import LoadedModel
from core.photo.reading import read_fov, read_fundus
from core.photo.sibling_files import output_stems
from core.progress import SILENT, Cancelled, Progress
from core.reuse import ReusedResults
from core.segment import segment_photo
from core.threshold_rule import ThresholdRule
from core.types import VesselMask
from tests.small_model import small_model

OPTIONS = InferenceOptions(precision="fp32")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return small_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def drawn(tmp_path: Path) -> DataSet:
    write_drive_layout(tmp_path, 3, side=96)
    return read_layout("drive", tmp_path, "test")


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    folder.mkdir()
    return folder


class _CancelAt:
    """A monitor that ends the work when so many of three photographs are done."""

    def __init__(self, number: int) -> None:
        self.number = number

    def step(self, progress: Progress) -> None:
        if 3 * (progress.fraction or 0) > self.number + 0.01:
            raise Cancelled

    def note(self, message: str) -> None:
        pass


def _results(model: LoadedModel, drawn: DataSet, folder: Path | None) -> ReusedResults:
    return ReusedResults(model, OPTIONS, model.card.rule, folder, output_stems([c.photo for c in drawn.cases]))


def _evaluate(results: ReusedResults, drawn: DataSet) -> EvaluationReport:
    return evaluate_dataset(drawn, results.predict, method=Method("small"), rule=results.rule)


def _figures(report: EvaluationReport) -> object:
    values = report.to_dict()
    return [values[key] for key in ("pooled", "mean", "beside", "counts")]


def test_a_cancelled_evaluation_goes_on_and_gives_the_same_figures(
    model: LoadedModel, drawn: DataSet, kept: Path
) -> None:
    whole = _evaluate(_results(model, drawn, None), drawn)
    results = _results(model, drawn, kept)
    with pytest.raises(Cancelled):
        evaluate_dataset(drawn, results.predict, method=Method("small"), rule=results.rule, monitor=_CancelAt(2))
    finished = {path.name for path in kept.iterdir()}
    assert len([name for name in finished if name.endswith(".serr.json")]) == 2
    before = {path: path.stat().st_mtime_ns for path in kept.iterdir()}

    again = _results(model, drawn, kept)
    assert _figures(_evaluate(again, drawn)) == _figures(whole)
    assert again.reused == {case.photo for case in drawn.cases[:2]}
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert len(again.ran_on) == 1
    last = _results(model, drawn, kept)
    assert _figures(_evaluate(last, drawn)) == _figures(whole)
    assert len(last.reused) == 3


def test_only_the_same_result_is_taken_over(model: LoadedModel, drawn: DataSet, kept: Path) -> None:
    _evaluate(_results(model, drawn, kept), drawn)
    first, second, third = drawn.cases
    first.photo.write_bytes(second.photo.read_bytes())  # another photograph under the name
    assert second.fov is not None
    assert third.fov is not None
    second.fov.write_bytes(second.fov.read_bytes())
    sidecar = kept / f"{third.photo.stem}.serr.json"
    record = json.loads(sidecar.read_text())
    record["inference"]["options"]["tta"] = "flips"
    sidecar.write_text(json.dumps(record))
    again = _results(model, drawn, kept)
    _evaluate(again, drawn)
    assert again.reused == {second.photo}
    last = _results(model, drawn, kept)  # what was another's has been made again
    _evaluate(last, drawn)
    assert len(last.reused) == 3
    other = replace(model, sha256="0" * 64)
    assert not _reused(_results(other, drawn, None), kept, drawn)


def _reused(results: ReusedResults, folder: Path, drawn: DataSet) -> set[Path]:
    changed = replace(results, folder=folder)
    _evaluate(changed, drawn)
    return changed.reused


def test_a_map_that_was_changed_is_made_anew(model: LoadedModel, drawn: DataSet, kept: Path) -> None:
    import tifffile

    _evaluate(_results(model, drawn, kept), drawn)
    path = kept / f"{drawn.cases[0].photo.stem}_probability.tif"
    values = tifffile.imread(path)
    tifffile.imwrite(path, np.where(values > 0.1, values / 2, values).astype(np.float32))
    again = _results(model, drawn, kept)
    _evaluate(again, drawn)
    assert drawn.cases[0].photo not in again.reused
    (kept / f"{drawn.cases[1].photo.stem}_probability.tif").unlink()
    once_more = _results(model, drawn, kept)
    _evaluate(once_more, drawn)
    assert once_more.reused == {drawn.cases[0].photo, drawn.cases[2].photo}


def test_masks_by_hand_stay_and_results_of_other_commands_count(model: LoadedModel, drawn: DataSet, kept: Path) -> None:
    case = drawn.cases[0]
    assert case.fov is not None
    image, fov = read_fundus(case.photo), read_fov(case.fov)
    found = segment_photo(image, model, fov=fov, options=OPTIONS)
    by_hand = VesselMask(np.zeros(image.shape, dtype=np.bool_), ThresholdRule(100), edited=True)
    export_segmentation(found, kept, case.photo.stem, ExportChoices(), mask=by_hand)  # 16 bit, overlay and all
    before = {path: path.read_bytes() for path in kept.iterdir()}
    results = _results(model, drawn, kept)
    report = _evaluate(results, drawn)
    assert case.photo in results.reused
    assert "rounded to 16 bits" in report.images[0].notes[0]
    assert report.pooled.accuracy == pytest.approx(
        _evaluate(_results(model, drawn, None), drawn).pooled.accuracy, abs=1e-4
    )
    assert all(path.read_bytes() == data for path, data in before.items())

    averaged = replace(_results(model, drawn, kept), options=InferenceOptions(precision="fp32", tta="flips"))
    report = _evaluate(averaged, drawn)
    assert case.photo not in averaged.reused
    assert "corrected by hand and stays" in report.images[0].notes[0]
    assert all(path.read_bytes() == data for path, data in before.items())


def test_a_broken_side_car_is_left_alone(model: LoadedModel, drawn: DataSet, kept: Path) -> None:
    (kept / f"{drawn.cases[0].photo.stem}.serr.json").write_text("{")
    report = _evaluate(_results(model, drawn, kept), drawn)
    assert report.n_images == 2
    assert "not known" in report.failed[0][1]
    assert (kept / f"{drawn.cases[0].photo.stem}.serr.json").read_text() == "{"


def test_without_a_folder_nothing_is_kept(model: LoadedModel, drawn: DataSet, kept: Path) -> None:
    results = _results(model, drawn, None)
    case = drawn.cases[0]
    assert case.fov is not None
    results.predict(read_fundus(case.photo), read_fov(case.fov), SILENT)
    assert not list(kept.iterdir())
