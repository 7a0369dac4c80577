"""Evaluating without the pixels that an observer could not decide: masks named ``<photograph>_questionable``."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from core.errors import InputError, LabelError
from core.files import display_path
from core.photo.decoding import decode_values
from core.photo.sibling_files import photo_stem
from core.photo.walking import same_name
from core.types import BoolArray, ExpertLabel, FieldOfView, FundusImage

if TYPE_CHECKING:
    from core.evaluation.dataset_evaluation import CaseFiles, Reader

_ENDING: Final = "_questionable"


class WithoutQuestionable:
    """Reads fields of view and labels as ``reader`` does, and leaves the questionable pixels of each photograph out.

    Parameters
    ----------
    folder : has the masks, named like the photographs and ``_questionable``, as an export writes them.
    photos : the photographs of the evaluation; those without such a mask are counted whole.

    Raises
    ------
    InputError : the folder cannot be read, or has no mask for any of the photographs.
    """

    def __init__(self, folder: Path, photos: Sequence[Path], reader: "Reader") -> None:
        self._reader = reader
        self._masks: dict[Path, BoolArray] = {}
        try:
            there = {same_name(photo_stem(path)): path for path in sorted(folder.iterdir()) if path.is_file()}
        except OSError as error:
            raise InputError(
                f"The folder of questionable pixels {display_path(folder)} cannot be read ({error.strerror or error}). "
                "Check the path."
            ) from error
        wanted = {photo: same_name(f"{photo_stem(photo)}{_ENDING}") for photo in photos}
        self.files = {photo: there[name] for photo, name in wanted.items() if name in there}
        if not self.files:
            example = display_path(photo_stem(photos[0])) if photos else "eye"
            raise InputError(
                f"{display_path(folder)} has no questionable pixels of any of the {len(photos)} photographs. A mask of "
                f"them is called {example}{_ENDING}.png, as an export writes it."
            )

    def fov(self, case: "CaseFiles", image: FundusImage) -> FieldOfView:
        return self._reader.fov(case, image)

    def label(self, case: "CaseFiles", expert: str, fov: FieldOfView) -> ExpertLabel:
        """The label, with what is questionable as what the expert left open."""
        label, path = self._reader.label(case, expert, fov), self.files.get(case.photo)
        if path is None:
            return label
        return without(label, _read(path, fov.shape))

    def notes(self, case: "CaseFiles", fov: FieldOfView) -> tuple[str, ...]:
        """How many pixels of a photograph are not counted."""
        path = self.files.get(case.photo)
        if path is None:
            return (*self._reader.notes(case, fov), "No questionable pixels are known: all are counted.")
        return (*self._reader.notes(case, fov), left_out_note(_read(path, fov.shape), fov))


def without(label: ExpertLabel, left_out: BoolArray) -> ExpertLabel:
    """A label that leaves these pixels, bool (H, W), open."""
    return replace(label, ignored=left_out if label.ignored is None else label.ignored | left_out)


def left_out_note(left_out: BoolArray, fov: FieldOfView) -> str:
    """How many pixels of a photograph are not counted."""
    count = int(np.count_nonzero(left_out & fov.inside))
    share = count / int(np.count_nonzero(fov.inside))
    return f"{count} questionable pixels ({share:.1%} of the field of view) are left out."


def _read(path: Path, shape: tuple[int, int]) -> BoolArray:
    try:
        values = decode_values(path)[:, :, 0]
    except InputError as error:
        raise LabelError(str(error)) from error
    if values.shape != shape:
        raise LabelError(
            f"{display_path(path.name)} has {values.shape[1]} x {values.shape[0]} pixels, but the photograph has "
            f"{shape[1]} x {shape[0]}. The questionable pixels must lie on the photograph's own."
        )
    return np.asarray(values > 0)
