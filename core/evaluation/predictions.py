"""Results that somebody else made, as files: probability maps or masks, to be scored as our own are.

Read are pictures of 8 or 16 bit (grey), TIFF with decimals and ``.npy`` arrays (never pickled objects). Where no file
of the folder holds more than two values they are masks, else all of them are probabilities, whose scale
``prediction_values`` finds out.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.evaluation.measure import GivenMask, Prediction
from core.evaluation.origins import common_origin
from core.evaluation.prediction_values import NOTHING_SAID, Meaning, PredictionKind, Said, decide, look_at
from core.files import display_path
from core.photo.decoding import decode_decimals, decode_values
from core.photo.headers import MAX_PIXELS
from core.photo.reading import PHOTO_SUFFIXES
from core.photo.sibling_files import photo_stem
from core.photo.walking import same_name
from core.progress import SILENT, Monitor, Progress
from core.strict import Malformed, read_npy
from core.types import FieldOfView, FloatArray, FundusImage, ProbabilityMap

SUFFIXES = (*PHOTO_SUFFIXES, ".npy")

_ENDINGS = (
    *("", "_probability", "_probabilities", "_prob", "_probs", "_prediction", "_pred", "_map", "_output"),
    *("_mask", "_binary", "_segmentation", "_seg", "_vessels", "_vessel"),
)
"""How the name of a result may continue after the photograph's own, the most telling first."""

_PARTS = ("_test", "_training", "_train")
"""Ends of photographs' names that names of results often lack: DRIVE's ``01_test.tif``, a result ``01.png``."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """The results in a folder for some photographs.

    ``files`` photograph -> result; ``kind`` what they hold; ``sha256`` of all their names and bytes; ``made_by`` the
    model that their side-cars name; ``meanings`` how each file is taken, by its name, and ``notes`` what is to be said
    about that.
    """

    folder: Path
    files: dict[Path, Path]
    kind: PredictionKind
    sha256: str
    meanings: dict[str, Meaning]
    made_by: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(meaning.note for meaning in self.meanings.values() if meaning.note))

    def predict(self, image: FundusImage, fov: FieldOfView, monitor: Monitor = SILENT) -> Prediction:
        """The result of a photograph, in the form in which ``evaluate_dataset`` asks for it.

        Raises
        ------
        InputError : there is none, it cannot be read, or it has another size.
        """
        path = self.files.get(image.source) if image.source is not None else None
        if path is None:
            name = "a photograph without a file" if image.source is None else display_path(image.source.name)
            raise InputError(
                f"{display_path(self.folder)} has no result for {name}: add it, or leave the photograph out."
            )
        values = read_values(path)
        if values.shape != image.shape:
            raise InputError(
                f"{display_path(path.name)} has {values.shape[1]} x {values.shape[0]} pixels, but the photograph has "
                f"{image.shape[1]} x {image.shape[0]}. A result must lie on the photograph's own pixels."
            )
        meaning = self.meanings[path.name]
        if self.kind == "masks":
            return GivenMask(meaning.mask(values))
        return ProbabilityMap(meaning.probabilities(values))


def find_predictions(
    folder: Path, photos: Sequence[Path], monitor: Monitor = SILENT, *, said: Said = NOTHING_SAID
) -> Predictions:
    """Find the results of photographs by name, and whether they are masks or probabilities.

    A result is named like its photograph, or continues with a word such as ``_probability`` or ``_mask``
    (``_ENDINGS``); ``_test`` or ``_training`` at the end of the photograph's name may be missing. Small and capital
    letters are the same. ``said``: what a person has said about the values.

    Raises
    ------
    InputError : no folder, no result for any photograph, several that fit one equally well, one that cannot be read, or
        side-cars that name more than one model, or values that are neither masks nor probabilities.
    """
    try:
        there = sorted(path for path in folder.iterdir() if path.name.lower().endswith(SUFFIXES))
    except OSError as error:
        raise InputError(
            f"The folder of results {display_path(folder)} cannot be read ({error.strerror or error}). Check the path."
        ) from error
    by_stem: dict[str, list[Path]] = {}
    for path in there:
        by_stem.setdefault(same_name(photo_stem(path)), []).append(path)
    files = {photo: found for photo in photos if (found := _result_of(photo, by_stem)) is not None}
    if not files:
        example = photo_stem(photos[0]) if photos else "eye"
        raise InputError(
            f"{display_path(folder)} has no result for any of the {len(photos)} photographs. A result is named like "
            f"its photograph, such as {display_path(example)}.png or {display_path(example)}_probability.npy "
            f"({', '.join(SUFFIXES)})."
        )
    numbers = []
    for number, path in enumerate(files.values()):
        monitor.step(Progress("Looking at the results", number, len(files)))
        numbers.append(look_at(path.name, read_values(path)))
    meanings = decide(numbers, said)
    kind: PredictionKind = "masks" if all(meaning.kind == "masks" for meaning in meanings.values()) else "probabilities"
    origin = common_origin(files.values(), are_masks=kind == "masks")
    for note in origin.notes:
        monitor.note(note)
    return Predictions(folder, files, kind, _digest(files.values()), meanings, origin.made_by)


def read_own_map(path: Path) -> FloatArray:
    """A probability map that this program wrote, float32 (H, W) in [0, 1].

    Raises
    ------
    InputError : as ``read_values``, or it is none.
    """
    values = read_values(path)
    if values.dtype.kind == "u":
        values = values / np.float64(np.iinfo(values.dtype).max)
    if not (values.min() >= 0 and values.max() <= 1):  # also catches NaN
        raise InputError(f"{display_path(path.name)} holds no probabilities: they lie between 0 and 1.")
    return np.ascontiguousarray(values, dtype=np.float32)


def read_values(path: Path) -> npt.NDArray[Any]:
    """The values of a result as they are stored, (H, W) of any type of numbers.

    Raises
    ------
    InputError : unreadable, damaged, colours, more than one picture, or no numbers.
    """
    if path.suffix.lower() == ".npy":
        return _read_npy(path)
    values: npt.NDArray[Any] | None = decode_decimals(path)
    if values is None:
        values = decode_values(path)
    if (values[:, :, :1] != values).any():
        raise InputError(
            f"{display_path(path.name)} is a colour picture: a result is grey. Choose the map or the mask."
        )
    return values[:, :, 0]


def _result_of(photo: Path, by_stem: dict[str, list[Path]]) -> Path | None:
    stem = same_name(photo_stem(photo))
    shorter = next((stem.removesuffix(part) for part in _PARTS if stem.endswith(part)), stem)
    for name in dict.fromkeys((stem, shorter)):
        for ending in _ENDINGS:
            found = [path for path in by_stem.get(name + ending, []) if not _same(path, photo)]
            if len(found) > 1:
                several = " and ".join(display_path(path.name) for path in found)
                raise InputError(
                    f"There is more than one result for {display_path(photo.name)} in {display_path(found[0].parent)}: "
                    f"{several}. Keep only one of them."
                )
            if found:
                return found[0]
    return None


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _read_npy(path: Path) -> npt.NDArray[Any]:
    try:
        array = read_npy(path, MAX_PIXELS)
        values = array.squeeze()
    except OSError as error:
        raise InputError(f"{display_path(path)} cannot be read ({error.strerror or error}). Check the file.") from error
    except Malformed as error:
        raise InputError(
            f"{display_path(path.name)} is not a plain array of numbers ({error}). "
            "Save it with numpy.save(..., values)."
        ) from error
    if values.ndim != 2 or not values.size:
        raise InputError(f"{display_path(path.name)} has the shape {array.shape}: a result has height and width only.")
    if values.dtype.kind not in "buif":
        raise InputError(
            f"{display_path(path.name)} holds no plain numbers ({values.dtype}). Save decimals or whole numbers."
        )
    return values


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode("utf-8", "surrogateescape") + b"\0")
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
