"""Results that are on disk already, instead of running the network again, where their side-car vouches for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from core.claims import refuse_unclaimed
from core.errors import InputError, OutputError
from core.evaluation.predictions import read_own_map
from core.export import ExportChoices, export_segmentation
from core.files import display_path
from core.inference.options import InferenceOptions
from core.masks.threshold import apply_threshold
from core.models.weights_file import LoadedModel
from core.photo.decoding import decode
from core.progress import Monitor, Progress
from core.results import fit, is_changed_elsewhere, model_differences, option_differences
from core.segment import segment_photo
from core.sidecar import SideCar, UnfinishedResultError, pixels_sha256, read_sidecar, sidecar_path
from core.threshold_rule import ThresholdRule
from core.types import FieldOfView, FundusImage, ProbabilityMap

KEPT = ExportChoices(overlay=False, float_probability=True)
"""What is written of a new result: mask, probabilities without rounding, side-car."""

_ROUNDED = 1 / 131070 + 1e-6
"""How far a probability of 16 bits may be from the exact one."""


@dataclass(frozen=True, slots=True, eq=False)
class ReusedResults:
    """A network with a folder of its results: what is there is read, what is missing is computed and written there.

    So an evaluation that was ended continues where it stopped, and what ``serr segment`` or the desktop wrote counts.
    A result is taken where photograph, field of view, weights, recipe and averaging are the same, by hash, and the file
    of its probabilities is the one that was written with the side-car; otherwise it is made again, and a note says why.
    A mask that a hand has corrected is never written over.

    Parameters
    ----------
    folder : of the results, an existing one; None: everything is computed and nothing kept.
    stems : photograph -> how its results are called (``core.photo.sibling_files.output_stems``).
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
        place = self._place(image, monitor)
        if place is None:
            return self._run(image, fov, monitor, None)
        kept = self._look(place, image, fov, monitor)
        if kept.probability is not None:
            return kept.probability
        if kept.edited:
            monitor.note("Its mask was corrected by hand and stays as it is; the new result is not written.")
        elif kept.why:
            monitor.note(f"Its result in {display_path(place.folder.name)} is made again: {kept.why}.")
        return self._run(image, fov, monitor, None if kept.edited else place)

    def find(self, image: FundusImage, fov: FieldOfView, monitor: Monitor) -> ProbabilityMap | None:
        """The probabilities of a photograph where they are on disk, None where they have to be computed.

        Raises
        ------
        InputError : there is a side-car, but it is damaged.
        """
        place = self._place(image, monitor)
        return None if place is None else self._look(place, image, fov, monitor).probability

    def _place(self, image: FundusImage, monitor: Monitor) -> "_Place | None":
        stem = self.stems.get(image.source) if image.source is not None else None
        if self.folder is None or stem is None or image.source is None:
            return None
        monitor.step(Progress("Looking for its result"))
        return _Place(image.source, self.folder, stem)

    def _run(self, image: FundusImage, fov: FieldOfView, monitor: Monitor, place: "_Place | None") -> ProbabilityMap:
        found = segment_photo(image, self.model, fov=fov, options=self.options, rule=self.rule, monitor=monitor)
        self.ran_on.add(f"{found.device}, {found.precision}")
        if place is not None:
            try:
                refuse_unclaimed(place.folder, place.stem, KEPT, way_out="")
            except OutputError as error:
                monitor.note(f"{error} The new result is not written.")
            else:
                export_segmentation(found, place.folder, place.stem, KEPT)
        return found.probability

    def _look(self, place: "_Place", image: FundusImage, fov: FieldOfView, monitor: Monitor) -> "_Kept":
        try:
            sidecar = place.sidecar()
        except UnfinishedResultError as error:
            return _Kept(edited=error.edited)  # no result, and nothing to say: an interrupted table ends as any other
        if sidecar is None:
            return _Kept()
        edited = sidecar.edited or is_changed_elsewhere(sidecar)
        why = self._difference(sidecar, image, fov)
        if why:
            return _Kept(why=why, edited=edited)
        probability = kept_probability(sidecar, image.shape, fov)
        if probability is None:
            return _Kept(why="its probabilities are missing, or not those that its side-car describes", edited=edited)
        self.reused.add(place.photo)
        inference = sidecar.record.get("inference", {})
        self.ran_on.add(f"{inference.get('device')}, {inference.get('precision')}")
        name = sidecar.files["probability"]
        if not _is_exact(name):
            monitor.note(f"Its probabilities were read from {display_path(name)}, rounded to 16 bits.")
        for doubt in sidecar.record.get("doubts") or ():  # what was doubtful then is so now
            if isinstance(doubt, dict) and isinstance(doubt.get("text"), str):
                monitor.note(doubt["text"])
        return _Kept(probability, edited=edited)

    def _difference(self, sidecar: SideCar, image: FundusImage, fov: FieldOfView) -> str:
        """In which way a result is another than this network would give now; empty where it is the same."""
        found = [*model_differences(sidecar, self.model), *option_differences(sidecar, self.options)]
        if sidecar.photo_sha256 is None or sidecar.photo_sha256 != image.sha256:
            found.append("the photograph is not the one that it was made from")
        if sidecar.fov_sha256 != pixels_sha256(fov.inside):
            found.append("it was made with another field of view")
        return "; ".join(found)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the result of a photograph is, or would be."""

    photo: Path
    folder: Path
    stem: str

    def sidecar(self) -> SideCar | None:
        path = sidecar_path(self.folder, self.stem)
        if not path.exists():
            return None
        try:
            return read_sidecar(path)
        except UnfinishedResultError:
            raise
        except InputError as error:
            raise InputError(
                f"{error} Whether its mask was corrected by hand is not known, so it is left alone."
            ) from error


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """What there is of a result: its probabilities, or why they are not taken, and whether a hand changed the mask."""

    probability: ProbabilityMap | None = None
    why: str = ""
    edited: bool = False


def kept_probability(sidecar: SideCar, shape: tuple[int, int], fov: FieldOfView) -> ProbabilityMap | None:
    """The probabilities that a side-car names, None where they are not those that were written with it.

    Side-cars of version 0.1.0 have no hash of that file: it has to give the mask that they vouch for. Exact values do
    so by themselves; rounded ones are held against the mask's file.
    """
    status = fit(sidecar, "probability")
    if status in {"missing", "changed"}:
        return None
    name = sidecar.files["probability"]
    try:
        values = read_own_map(sidecar.path.parent / name)
    except (InputError, OSError):
        return None
    if values.shape != shape or values[~fov.inside].any():
        return None
    probability = ProbabilityMap(values)
    if status == "unknown" and not _gives_the_mask(probability, sidecar, is_exact=_is_exact(name)):
        return None
    return probability


def _gives_the_mask(probability: ProbabilityMap, sidecar: SideCar, *, is_exact: bool) -> bool:
    if is_exact and not sidecar.edited:
        return pixels_sha256(apply_threshold(probability, sidecar.rule).vessel) == sidecar.mask_sha256
    if sidecar.edited or fit(sidecar, "mask") != "same":
        return False
    mask = decode(sidecar.path.parent / sidecar.files["mask"]).pixels[:, :, 0] > 0
    if not sidecar.rule.is_plain:  # a rounded value may join or part whole vessels
        return bool((apply_threshold(probability, sidecar.rule).vessel == mask).all())
    near = np.abs(probability.values - sidecar.rule.threshold) <= _ROUNDED
    return bool(((probability.levels >= sidecar.rule.level) == mask)[~near].all())


def _is_exact(name: str) -> bool:
    return name.lower().endswith((".tif", ".tiff"))
