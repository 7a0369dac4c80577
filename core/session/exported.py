"""Results that were exported, taken back: map, corrections and threshold, where a side-car vouches for them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from core.errors import InputError
from core.evaluation.predictions import read_own_map
from core.files import display_path, file_sha256
from core.inference.options import InferenceOptions
from core.masks.edits import BACKGROUND, VESSEL, MaskEdits
from core.masks.threshold import apply_threshold
from core.models.catalogue import ModelEntry, list_models
from core.photo.decoding import decode
from core.photo.reading import read_fundus
from core.photo.sibling_files import photo_stem
from core.replay import same_field
from core.results import fit
from core.segmentation import Segmentation
from core.session.packing import packed_bits
from core.sidecar import SUFFIX, SideCar, read_sidecar, sidecar_path
from core.threshold_rule import ThresholdRule
from core.types import NO_MARKS, BoolArray, ByteArray, FieldOfView, FloatArray, FundusImage, PhotoMarks, ProbabilityMap

RESULTS_FOLDER: Final = "SERR results"
"""Beside the photographs: where the window exports to while no other folder is chosen."""
_MOST_SIDECARS: Final = 5000
_NEAR: Final = 1 / 131070 + 1e-6
"""How far a probability that was rounded to 16 bits may be from the exact one."""


@dataclass(frozen=True, slots=True, eq=False)
class ExportedResult:
    """A result on the disk that belongs to a photograph; ``model`` is the one that made it, which is there."""

    photo: Path
    sidecar: SideCar
    model: ModelEntry

    @property
    def marks(self) -> PhotoMarks:
        """What the observer had said of the photograph."""
        about = self.sidecar.record.get("annotation")
        if not isinstance(about, dict):
            return NO_MARKS
        note, seconds = about.get("note"), about.get("seconds")
        return PhotoMarks(
            about.get("done") is True,
            about.get("doubtful") is True,
            note if isinstance(note, str) else "",
            float(seconds) if isinstance(seconds, (int, float)) and not isinstance(seconds, bool) else 0.0,
        )

    @property
    def measuring(self) -> dict[str, Any]:
        """What was said for measures of the photograph, JSON values that nobody has checked yet."""
        return self.sidecar.measuring

    def layer(self, kind: Literal["questionable", "fov"]) -> bytes:
        """A mask that was written with it, as ``packing.packed_bits``; empty where there is none, or it has changed."""
        if kind not in self.sidecar.files or fit(self.sidecar, kind) != "same":
            return b""
        try:
            return packed_bits(decode(self.sidecar.path.parent / self.sidecar.files[kind]).pixels[:, :, 0] == 255)
        except InputError:
            return b""


class ExportedResults:
    """Looks for the exported results of photographs: beside each one, and in the folder for results beside it."""

    def __init__(self) -> None:
        self._models = {entry.card.sha256: entry for entry in list_models()}
        self._by_photo: dict[Path, dict[str, Path]] = {}

    def find(self, photo: Path) -> ExportedResult | None:
        """The result of a photograph; None where there is none, or where one of its files is not what it was."""
        folders = [folder for folder in (photo.parent / RESULTS_FOLDER, photo.parent) if folder.is_dir()]
        named = [path for folder in folders if (path := sidecar_path(folder, photo_stem(photo))).is_file()]
        others = [found for folder in folders if (found := self._known(folder)) is not None]
        if not named and not any(others):
            return None
        sha256 = file_sha256(photo)
        if sha256 is None:
            return None
        for path in (*named, *(found[sha256] for found in others if sha256 in found)):
            result = self._fitting(photo, sha256, path)
            if result is not None:
                return result
        return None

    def find_at(self, photo: Path, folder: Path, stem: str) -> ExportedResult:
        """The result of a photograph in a folder under a name of its own.

        Raises
        ------
        InputError : it is not there, or does not fit the photograph as it is now, with the reason.
        """
        name = display_path(photo.name)
        sha256 = file_sha256(photo)
        if sha256 is None:
            raise InputError(f"The photograph {display_path(photo)} is gone, or cannot be read.")
        sidecar = read_sidecar(sidecar_path(folder, stem))
        if sidecar.photo_sha256 != sha256:
            raise InputError(f"The photograph {name} has changed since its result was made. Segment it again.")
        if sidecar.model_sha256 not in self._models:
            raise InputError(
                f"The model {display_path(sidecar.model)}, which made the result of {name}, is not there. Add its "
                "weights file."
            )
        if "mask" not in sidecar.files or "probability" not in sidecar.files:
            raise InputError(
                f"The result of {name} has no file of probabilities, which the window needs to show it. Segment the "
                "photograph here, or run the batch with mask and probability among its results."
            )
        found = self._fitting(photo, sha256, sidecar.path)
        if found is None:
            raise InputError(f"The files of the result of {name} are not those that were written, or are missing.")
        return found

    def _fitting(self, photo: Path, sha256: str, path: Path) -> ExportedResult | None:
        try:
            sidecar = read_sidecar(path)
        except InputError:
            return None
        model = self._models.get(sidecar.model_sha256)
        if model is None or sidecar.photo_sha256 != sha256:
            return None
        if sidecar.record["model"].get("scaling") != model.card.scaling.to_record():
            return None
        if fit(sidecar, "mask") != "same" or fit(sidecar, "probability") != "same":
            return None
        return ExportedResult(photo, sidecar, model)

    def _known(self, folder: Path) -> dict[str, Path]:
        """The side-cars of a folder by the hash of their photograph, for those with names of their own."""
        if folder not in self._by_photo:
            found: dict[str, Path] = {}
            for path in sorted(folder.glob(f"*{SUFFIX}"))[:_MOST_SIDECARS]:
                try:
                    sha256 = read_sidecar(path).photo_sha256
                except InputError:
                    continue
                if sha256 is not None:
                    found.setdefault(sha256, path)
            self._by_photo[folder] = found
        return self._by_photo[folder]


def load_exported(found: ExportedResult) -> tuple[Segmentation, ByteArray | None]:
    """The result, and the codes of its corrections (``core.masks.edits``), None where it has none.

    At the threshold of its side-car the mask is exactly the one that was exported, also where the probabilities were
    rounded to 16 bits.

    Raises
    ------
    SerrError : the photograph or a file has changed meanwhile, or the field of view cannot be had again.
    """
    sidecar = found.sidecar
    image = read_fundus(found.photo)
    if image.sha256 != sidecar.photo_sha256:
        raise InputError("The photograph is not the one that its result was made of.")
    field = same_field(sidecar, image)
    folder = sidecar.path.parent
    values = read_own_map(folder / sidecar.files["probability"])
    mask = decode(folder / sidecar.files["mask"]).pixels[:, :, 0] == 255
    if values.shape != image.shape or mask.shape != image.shape or values[~field.inside].any():
        raise InputError("The files of the result do not fit its photograph.")
    probability = probability_of(values, mask, sidecar.rule)
    codes = np.zeros(image.shape, np.uint8)
    vessel = apply_threshold(probability, sidecar.rule).vessel
    codes[mask & ~vessel] = VESSEL
    codes[~mask & vessel] = BACKGROUND
    edits = MaskEdits(probability.levels)
    edits.replace((0, 0, *image.shape), codes)
    if (codes.any() and not sidecar.edited) or not np.array_equal(edits.mask(sidecar.rule).vessel, mask):
        raise InputError("The mask is not that of its probabilities.")
    return _segmentation(found, image, probability, field), codes if codes.any() else None


def probability_of(values: FloatArray, mask: BoolArray, rule: ThresholdRule) -> ProbabilityMap:
    """The map of a file whose probabilities were rounded, on that side of the threshold on which the mask has them."""
    threshold = np.float32(rule.threshold)
    near = np.abs(values - threshold) <= _NEAR
    values = np.where(near & mask, np.maximum(values, threshold), values)
    values = np.where(near & ~mask, np.minimum(values, np.nextafter(threshold, np.float32(0))), values)
    return ProbabilityMap(values.astype(np.float32))


def _segmentation(
    found: ExportedResult, image: FundusImage, probability: ProbabilityMap, field: FieldOfView
) -> Segmentation:
    record, card = found.sidecar.record, found.model.card
    inference = record["inference"]
    try:
        return Segmentation(
            image=image,
            fov=field,
            probability=probability,
            mask=apply_threshold(probability, card.rule),
            card=card,
            model_sha256=found.sidecar.model_sha256,
            options=InferenceOptions.from_dict(found.sidecar.options),
            device=str(inference["device"]),
            precision=inference["precision"],
            tiles=int(inference["tiles"]),
            scale=float(inference["scale"]),
            seconds=0.0,
            notes=tuple(str(note) for note in record.get("notes", ())),
            doubts=(),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"The side-car of the result is damaged ({error}).") from error
