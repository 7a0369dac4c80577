"""Taking a photograph with a mask that was made here into a data set file: corrected masks become training data."""

from pathlib import Path

import cv2
import numpy as np

from core.datasets.dataset_file import (
    SUFFIX,
    DataSetFile,
    Entry,
    make_case,
    read_dataset_file,
    with_entry,
    write_dataset_file,
)
from core.datasets.recognise import OWN_LABEL
from core.datasets.splits import patient_of
from core.errors import InputError, LabelError, OutputError
from core.files import display_path, write_together
from core.photo.sibling_files import output_stems
from core.types import BoolArray, FieldOfView


def add_photograph(file: Path, photo: Path, vessel: BoolArray, fov: FieldOfView) -> DataSetFile:
    """Add a photograph with its vessels to a data set file, which is made where it is missing.

    The photograph stays where it is. Its mask and its field of view are written into the folder ``NAME labels`` beside
    the file, and the mask comes before labels that it had. A photograph that is in it already keeps its part.

    Parameters
    ----------
    vessel : bool (H, W), on the photograph's own pixels.

    Raises
    ------
    LabelError : the mask is empty. InputError : the data set file cannot be read. OutputError : a file cannot be
        written.
    """
    file, photo = Path(file).absolute(), Path(photo).absolute()
    if not (vessel & fov.inside).any():
        raise LabelError(f"The mask of {display_path(photo.name)} has no vessel: nothing could be learned from it.")
    dataset = read_dataset_file(file) if file.exists() else DataSetFile(file.name.removesuffix(SUFFIX), ())
    folder = file.parent / f"{file.name.removesuffix(SUFFIX)} labels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"The folder {display_path(folder)} cannot be made: {error.strerror or error}.") from error
    stem = _stem(dataset, photo)
    label, mask = folder / f"{stem}.png", folder / f"{stem}_fov.png"
    write_together([(mask, _png(fov.inside)), (label, _png(vessel))])
    old = next((entry for entry in dataset.entries if entry.case.photo == photo), None)
    case = make_case(photo, {OWN_LABEL: label}, None if old is not None and old.case.fov else mask)
    added = with_entry(dataset, Entry(case, "training", _group(dataset, case.stem)))
    write_dataset_file(file, added)
    return added


def _stem(dataset: DataSetFile, photo: Path) -> str:
    """How the photograph's files are called: as before, or so that no other's are written over."""
    for entry in dataset.entries:
        if entry.case.photo == photo and OWN_LABEL in entry.case.labels:
            return entry.case.labels[OWN_LABEL].stem
    others = [entry.case.photo for entry in dataset.entries if entry.case.photo != photo]
    return output_stems([*others, photo])[photo]


def _group(dataset: DataSetFile, stem: str) -> str:
    """The patient whom the name tells, if the data set knows that patient."""
    patient = patient_of(stem)
    return patient if any(entry.group == patient for entry in dataset.entries) else ""


def _png(mask: BoolArray) -> bytes:
    done, data = cv2.imencode(".png", np.ascontiguousarray(mask).astype(np.uint8) * np.uint8(255))
    if not done:
        raise InputError("The mask cannot be written as a picture.")
    return data.tobytes()
