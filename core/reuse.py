"""Results that are on disk already, instead of running the network again, where their side-car vouches for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import InputError
from core.evaluation.predictions import read_values
from core.export import ExportChoices, export_segmentation
from core.files import file_sha256, shown
from core.inference.predictor import InferenceOptions
from core.progress import Monitor, Progress
from core.segment import segment_photo
from core.sidecar import SideCar, pixels_sha256, read_sidecar
from core.types import FieldOfView, FundusImage, ProbabilityMap, ThresholdRule
from core.weights import LoadedModel

KEPT = ExportChoices(overlay=False, float_probability=True)
"""What is written of a new result: mask, probabilities without rounding, side-car."""


@dataclass(frozen=True, slots=True, eq=False)
class ReusedResults:
    """A network with a folder of its results: what is there is read, what is missing is computed and written there.

    So a long evaluation that was ended goes on where it stopped, and what ``serr segment`` or the desktop wrote counts.
    A result is taken over where photograph, field of view, weights, recipe and averaging are the same, by hash, and the
    probabilities give the mask that the side-car vouches for. A mask that a hand has corrected is never written over.

    Parameters
    ----------
    folder : of the results, an existing one; None: everything is computed and nothing kept.
    stems : photograph -> how its results are called (``core.photo.companions.output_stems``).
    """

    model: LoadedModel
    options: InferenceOptions
    rule: ThresholdRule
    folder: Path | None = None
    stems: Mapping[Path, str] = field(default_factory=dict)
    reused: set[Path] = field(default_factory=set)
    ran_on: set[str] = field(default_factory=set)

    def predict(self, image: FundusImage, fov: FieldOfView, monitor: Monitor) -> ProbabilityMap:
        """The probabilities of a photograph, as ``evaluate_dataset`` asks for them.

        Afterwards ``reused`` names the photographs whose result was there, and ``ran_on`` devices and number formats.
        """
        found = self.find(image, fov, monitor)
        if found is not None:
            return found
        stem = self.stems.get(image.source) if image.source is not None else None
        sidecar = _sidecar(self.folder, stem) if self.folder is not None and stem is not None else None
        if sidecar is not None and sidecar.edited:
            monitor.note("Its mask was corrected by hand and stays as it is; the new result is not written.")
            stem = None
        return self._run(image, fov, monitor, stem)

    def find(self, image: FundusImage, fov: FieldOfView, monitor: Monitor) -> ProbabilityMap | None:
        """The probabilities of a photograph where they are on disk, None where they have to be computed.

        Raises
        ------
        InputError : there is a side-car, but it is damaged.
        """
        stem = self.stems.get(image.source) if image.source is not None else None
        if self.folder is None or stem is None or image.source is None:
            return None
        monitor.step(Progress("Looking for its result"))
        sidecar = _sidecar(self.folder, stem)
        values = None if sidecar is None else self._values(sidecar, image, image.source, fov, monitor)
        if values is not None:
            self.reused.add(image.source)
        return values

    def _run(self, image: FundusImage, fov: FieldOfView, monitor: Monitor, stem: str | None) -> ProbabilityMap:
        found = segment_photo(image, self.model, fov=fov, options=self.options, rule=self.rule, monitor=monitor)
        self.ran_on.add(f"{found.device}, {found.precision}")
        if stem is not None and self.folder is not None:
            export_segmentation(found, self.folder, stem, KEPT)
        return found.probability

    def _values(
        self, sidecar: SideCar, image: FundusImage, photo: Path, fov: FieldOfView, monitor: Monitor
    ) -> ProbabilityMap | None:
        """The map of a side-car, None where it is another's or not to be had."""
        names = sidecar.record.get("files")
        name = names.get("probability") if isinstance(names, dict) else None
        if not isinstance(name, str) or not self._is_same(sidecar, photo, fov):
            return None
        path = sidecar.path.parent / Path(name).name
        try:
            values = read_values(path)
        except (InputError, OSError):
            return None
        if values.shape != image.shape or values[~fov.inside].any():
            return None
        probability = ProbabilityMap(values)
        rounded = path.suffix.lower() not in {".tif", ".tiff"}
        if not sidecar.edited and not rounded:
            mask = probability.levels >= sidecar.rule.level
            if pixels_sha256(mask) != sidecar.mask_sha256:
                return None
        inference = sidecar.record.get("inference", {})
        self.ran_on.add(f"{inference.get('device')}, {inference.get('precision')}")
        if rounded:
            monitor.note(f"Its probabilities were read from {shown(path.name)}, rounded to 16 bits.")
        return probability

    def _is_same(self, sidecar: SideCar, photo: Path, fov: FieldOfView) -> bool:
        chosen = self.options
        return (
            sidecar.model_sha256 == self.model.sha256
            and sidecar.record.get("model", {}).get("preprocessing") == self.model.card.preprocessing.to_dict()
            and sidecar.options.get("tta") == chosen.tta
            and (chosen.precision == "auto" or sidecar.options.get("precision") == chosen.precision)
            and sidecar.fov_sha256 == pixels_sha256(fov.inside)
            and sidecar.photo_sha256 is not None
            and sidecar.photo_sha256 == file_sha256(photo)
        )


def _sidecar(folder: Path, stem: str) -> SideCar | None:
    path = folder / f"{stem}.serr.json"
    if not path.exists():
        return None
    try:
        return read_sidecar(path)
    except InputError as error:
        raise InputError(
            f"{error} Whether its mask was corrected by hand is not known, so it is left alone."
        ) from error
