"""What the chain makes of a photograph."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.claims import other_name, refuse_another, refuse_unclaimed
from core.errors import OutputError
from core.export import ExportChoices, export_segmentation, overlay_picture, png
from core.files import ensure_folder
from core.inference.options import InferenceOptions, Precision
from core.models.model_card import ModelCard
from core.photo.sibling_files import output_stems
from core.results import corrected_by_hand
from core.types import Doubt, FieldOfView, FloatArray, FundusImage, ProbabilityMap, VesselMask

_EVERYTHING = ExportChoices()
_WAY_OUT = "overwrite=True"


def _stem_of(image: FundusImage, folder: Path | None) -> str:
    """How the results of a photograph are called where nobody says, with those in view that a folder has already."""
    source = image.source
    if source is None:
        return "photograph"
    usual = output_stems([source])[source]
    stem = usual if folder is None else output_stems([source], folder)[source]
    if stem != usual:
        warnings.warn(other_name(source, stem, usual, folder or Path()), stacklevel=3)
    return stem


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Segmentation:
    """The vessels of a photograph, with all that is needed to know how they were found and to find them again.

    Parameters
    ----------
    image, fov : what was given or found. ``probability`` and ``mask`` are on the photograph's own grid.
    card, model_sha256 : the network.
    options : how it was run, with every choice made (none of them "auto").
    device, precision : what really computed, in words, and in which number format.
    tiles : 1 where the photograph was run whole.
    scale : network pixels for each pixel of the photograph.
    seconds : from the photograph in memory to the mask.
    notes : sentences for the user about what went otherwise than asked.
    doubts : why the result may be wrong: about the photograph, its field of view and what was found.
    doubt : the doubt map where it was asked for: how much the probability changes with changes of the photograph that
        should not matter, float32 (H, W) in [0, 0.5] (``core.inference.doubt``).
    """

    image: FundusImage
    fov: FieldOfView
    probability: ProbabilityMap
    mask: VesselMask
    card: ModelCard
    model_sha256: str
    options: InferenceOptions
    device: str
    precision: Precision
    tiles: int
    scale: float
    seconds: float
    notes: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    doubt: FloatArray | None = None

    @property
    def vessel_share(self) -> float:
        """Vessels as a share of the field of view, in [0, 1]."""
        return float(np.count_nonzero(self.mask.vessel) / np.count_nonzero(self.fov.inside))

    def save(
        self,
        folder: str | Path,
        stem: str | None = None,
        choices: ExportChoices = _EVERYTHING,
        *,
        overwrite: bool = False,
    ) -> dict[str, Path]:
        """Write mask, probability map, overlay and side-car, all or none.

        What is there of the same photograph is replaced. Results of another photograph of the same name stay: where
        ``stem`` is None these get the name of the folder in front, with a warning.

        Parameters
        ----------
        folder : where to; made where it is missing.
        stem : how the files begin; None for the name of the photograph's file, or "photograph" where it had none.
        choices : which of them.
        overwrite : replace also results of another photograph, files without a side-car that says whose they are, and
            masks that were corrected by hand.

        Returns
        -------
        The files by kind: "mask", "probability", "overlay", "sidecar".

        Raises
        ------
        OutputError : a file cannot be written, or would replace one that is kept.
        InputError : the existing side-car is damaged, so that it is not known whose the files are.
        """
        place = ensure_folder(Path(folder))
        if stem is None:
            stem = _stem_of(self.image, None if overwrite else place)
        if not overwrite:
            refuse_unclaimed(place, stem, choices, _WAY_OUT)
            refuse_another(place, stem, self.image, self.mask, _WAY_OUT)
            by_hand = "" if self.mask.edited else corrected_by_hand(place, stem)
            if by_hand:
                raise OutputError(f"{by_hand} Choose another name or folder, or {_WAY_OUT} to replace it.")
        return export_segmentation(self, place, stem, choices)

    def __repr__(self) -> str:
        name = f" of {self.image.source.name}" if self.image.source else ""
        height, width = self.image.shape
        return (
            f"<Segmentation{name}: {width} x {height} pixels, {self.vessel_share:.1%} vessels at "
            f"{self.mask.rule.level}/256 by {self.card.name} on {self.device}>"
        )

    def _repr_png_(self) -> bytes:
        """The overlay, which a notebook shows by itself."""
        return png(np.ascontiguousarray(overlay_picture(self.image, self.mask.vessel, self.fov)[:, :, ::-1]))
