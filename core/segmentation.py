"""What the chain makes of a photograph."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.export import ExportChoices, export_segmentation, overlay_picture, png
from core.files import ensure_folder
from core.inference.device import Precision
from core.inference.predictor import InferenceOptions
from core.models.model_card import ModelCard
from core.types import Doubt, FieldOfView, FundusImage, ProbabilityMap, VesselMask

_EVERYTHING = ExportChoices()


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

    @property
    def vessel_share(self) -> float:
        """Vessels as a share of the field of view, in [0, 1]."""
        return float(np.count_nonzero(self.mask.vessel) / np.count_nonzero(self.fov.inside))

    def save(
        self, folder: str | Path, stem: str | None = None, choices: ExportChoices = _EVERYTHING
    ) -> dict[str, Path]:
        """Write mask, probability map, overlay and side-car, all or none.

        Parameters
        ----------
        folder : where to; made where it is missing.
        stem : how the files begin; None for the name of the photograph's file, or "photograph" where it had none.
        choices : which of them.

        Returns
        -------
        The files by kind: "mask", "probability", "overlay", "sidecar".

        Raises
        ------
        OutputError : a file cannot be written.
        """
        from core.photo.sibling_files import photo_stem

        if stem is None:
            stem = photo_stem(self.image.source) if self.image.source else "photograph"
        return export_segmentation(self, ensure_folder(Path(folder)), stem, choices)

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
