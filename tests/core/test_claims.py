"""Results never replace files that may be another photograph's: not without a side-car, not under a chosen name."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets.synthetic import draw_case
from core.errors import OutputError
from core.export import ExportChoices
from core.inference.options import InferenceOptions
from core.models.weights_file import LoadedModel
from core.photo.field_of_view import estimate_field_of_view
from core.photo.reading import read_fundus
from core.photo.sibling_files import output_stems
from core.reuse import ReusedResults
from core.segment import segment_photo
from core.segment_files import segment_files
from core.segmentation import Segmentation
from core.sidecar import read_sidecar
from core.types import FundusImage
from tests.small_model import small_model

MASK = ExportChoices(probability=False, overlay=False, sidecar=False)
PROBABILITY = ExportChoices(mask=False, overlay=False, sidecar=False)
OVERLAY = ExportChoices(mask=False, probability=False, sidecar=False)
EVERYTHING = ExportChoices()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    return small_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def patients(tmp_path: Path) -> tuple[Path, Path]:
    """The right eyes of two patients, each called OD.png in a folder of the patient."""
    paths = []
    for number in (1, 2):
        folder = tmp_path / f"patient{number}"
        folder.mkdir()
        Image.fromarray(draw_case(30 + number, 96).image.rgb).save(folder / "OD.png")
        paths.append(folder / "OD.png")
    return paths[0], paths[1]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("first", "second"),
    [(MASK, MASK), (PROBABILITY, PROBABILITY), (OVERLAY, OVERLAY), (MASK, EVERYTHING), (OVERLAY, EVERYTHING)],
)
def test_files_without_a_side_car_are_replaced_only_where_that_is_asked_for(
    model: LoadedModel, patients: tuple[Path, Path], out: Path, first: ExportChoices, second: ExportChoices
) -> None:
    assert len(segment_files([patients[0]], out, model, export=first).done) == 1
    before = contents(out)
    report = segment_files([patients[1]], out, model, export=second, overwrite_edited=True)
    assert not report.done
    (name,) = before
    assert name in report.failed[0][1]
    assert "no side-car says which photograph it belongs to" in report.failed[0][1]
    assert "--overwrite" in report.failed[0][1]
    assert contents(out) == before
    (item,) = segment_files([patients[1]], out, model, export=second, overwrite=True).done
    assert contents(out)[name] != before[name]
    assert set(contents(out)) == {path.name for path in item.files.values()}


def test_kinds_of_results_that_do_not_touch_each_other_go_into_one_folder(
    model: LoadedModel, patients: tuple[Path, Path], out: Path
) -> None:
    for export in (MASK, PROBABILITY, OVERLAY):
        assert len(segment_files([patients[0]], out, model, export=export).done) == 1
    report = segment_files([patients[1]], out, model, export=MASK, skip_existing=True)
    assert "no side-car says whose they are" in report.skipped[0][1]


def test_a_mask_that_somebody_put_beside_a_side_car_is_kept(
    model: LoadedModel, patients: tuple[Path, Path], out: Path
) -> None:
    segment_files([patients[0]], out, model, export=ExportChoices(mask=False))
    drawn = out / "OD_mask.png"
    Image.fromarray(np.zeros((96, 96), np.uint8)).save(drawn)
    before = drawn.read_bytes()
    assert "OD_mask.png" in segment_files([patients[0]], out, model).failed[0][1]
    assert drawn.read_bytes() == before


def test_what_another_run_wrote_meanwhile_is_kept(model: LoadedModel, patients: tuple[Path, Path], out: Path) -> None:
    class OtherRun:
        """Another run for the other patient, which is quicker."""

        def step(self, progress: object) -> None:
            if not out.exists() or not any(out.iterdir()):
                segment_files([patients[0]], out, model, export=export)

        def note(self, message: str) -> None:
            pass

    for export in (EVERYTHING, MASK):
        report = segment_files([patients[1]], out, model, export=export, monitor=OtherRun())
        assert not report.done
        assert "OD" in report.failed[0][1]
        if export is EVERYTHING:
            assert read_sidecar(out / "OD.serr.json").photo == patients[0]
        shutil.rmtree(out)


def test_an_evaluation_leaves_files_alone_that_may_be_others(
    model: LoadedModel, patients: tuple[Path, Path], out: Path
) -> None:
    segment_files([patients[0]], out, model, export=MASK)
    before, notes = contents(out), []

    class Notes:
        def step(self, progress: object) -> None:
            pass

        def note(self, message: str) -> None:
            notes.append(message)

    image = read_fundus(patients[1])
    kept = ReusedResults(model, InferenceOptions(), model.card.rule, out, output_stems([patients[1]], out))
    kept.predict(image, estimate_field_of_view(image), Notes())
    assert contents(out) == before
    assert any("OD_mask.png" in note and "not written" in note for note in notes)


# From Python


def segmented(model: LoadedModel, photo: Path | FundusImage) -> Segmentation:
    return segment_photo(photo if isinstance(photo, FundusImage) else read_fundus(photo), model)


def test_saving_from_python_keeps_the_results_of_another_photograph(
    model: LoadedModel, patients: tuple[Path, Path], out: Path
) -> None:
    one, other = (segmented(model, photo) for photo in patients)
    one.save(out)
    before = contents(out)
    with pytest.warns(UserWarning, match=r'"OD".*another photograph.*"patient2_OD"'):
        files = other.save(out)
    assert files["mask"].name == "patient2_OD_mask.png"
    assert before.items() <= contents(out).items()
    with pytest.raises(OutputError, match=r"another photograph.*overwrite=True"):
        other.save(out, "OD")
    assert before.items() <= contents(out).items()
    one.save(out)  # the same photograph again
    other.save(out, overwrite=True)
    assert read_sidecar(out / "OD.serr.json").photo == patients[1]


def test_saving_from_python_keeps_what_no_side_car_vouches_for_and_what_a_hand_made(
    model: LoadedModel, patients: tuple[Path, Path], out: Path
) -> None:
    one, other = (segmented(model, photo) for photo in patients)
    one.save(out, choices=MASK)
    with pytest.raises(OutputError, match=r"OD_mask\.png .*no side-car.*overwrite=True"):
        other.save(out, choices=MASK)
    one.save(out, overwrite=True)
    Image.fromarray(np.zeros(one.image.shape, np.uint8)).save(out / "OD_mask.png")
    before = contents(out)
    with pytest.raises(OutputError, match=r"changed in another program.*overwrite=True"):
        one.save(out)
    assert contents(out) == before


def test_photographs_without_a_file_do_not_replace_each_other(model: LoadedModel, out: Path) -> None:
    one, other = (segmented(model, FundusImage(draw_case(seed, 96).image.rgb)) for seed in (31, 32))
    one.save(out)
    one.save(out)
    before = contents(out)
    with pytest.raises(OutputError, match=r'"photograph".*another photograph'):
        other.save(out)
    assert contents(out) == before
    assert other.save(out, "other")["mask"].name == "other_mask.png"
