"""The whole chain, from a photograph to its vessels and their files. Whoever segments photographs calls this."""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.claims import refuse_another, refuse_unclaimed
from core.enhancement.recipe import as_recipe_wants
from core.errors import OutputError
from core.export import ExportChoices, export_segmentation
from core.files import display_path
from core.inference.memory import kept_for, return_freed
from core.inference.options import InferenceOptions
from core.masks.threshold import apply_threshold
from core.models.weights_file import LoadedModel
from core.photo.field_of_view import estimate_field_of_view
from core.photo.photo_doubts import doubts_about
from core.photo.preprocessing import NetInput, prepare, restore
from core.photo.reading import read_fundus
from core.photo.recipe import Preprocessing
from core.photo.sibling_files import resolve_fov
from core.progress import SILENT, Monitor, Progress
from core.results import Verdict, Wanted, left_over
from core.segmentation import Segmentation
from core.sidecar import SideCar
from core.threshold_rule import ThresholdRule
from core.types import Doubt, FieldOfView, FovOrigin, FundusImage, ProbabilityMap

_AUTOMATIC = InferenceOptions()
_EVERYTHING = ExportChoices()
_HARDLY_ANY = 0.005
"""Below this share of the field of view something is wrong: photographs of retinas have 5 to 15 %."""
_HARDLY_ANY_VESSEL = Doubt(
    "hardly_any_vessel",
    "Hardly any vessel was found. Is it a colour photograph of a retina, and the threshold not too high?",
)


@dataclass(frozen=True, slots=True)
class BatchItem:
    """A photograph of a batch that is done: the stem and the files of its results, by kind, and how they came about.

    ``low``, ``min_pixels`` and ``style`` : hysteresis, smallest vessel and drawing style (``ThresholdRule``).
    ``vessel_share`` is that of the field of view, in [0, 1]. ``doubts`` says why the result may be wrong, ``again`` why
    one that was there with ``skip_existing`` was made again.
    """

    path: Path
    stem: str
    files: dict[str, Path]
    threshold: float
    vessel_share: float
    fov_origin: FovOrigin
    device: str
    seconds: float
    notes: tuple[str, ...]
    doubts: tuple[Doubt, ...] = ()
    again: str = ""
    low: float | None = None
    min_pixels: int = 0
    style: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """What can be found out about a photograph while the network works on another one.

    ``prepared`` : what the network reads; None where that needs a network itself.
    """

    prepared: NetInput | None
    doubts: tuple[Doubt, ...]


def made_ahead(image: FundusImage, fov: FieldOfView, recipe: Preprocessing) -> Ahead:
    """Prepare a photograph with its field of view, and look for what is doubtful about them."""
    return Ahead(None if recipe.enhance else prepare(image, fov, recipe), doubts_about(image, fov))


def segment_photo(
    image: FundusImage,
    model: LoadedModel,
    *,
    fov: FieldOfView | None = None,
    ahead: Ahead | None = None,
    options: InferenceOptions = _AUTOMATIC,
    rule: ThresholdRule | None = None,
    doubt: bool = False,
    monitor: Monitor = SILENT,
) -> Segmentation:
    """Find the vessels of a photograph.

    Parameters
    ----------
    image : the photograph, (H, W).
    model : from ``load_model``; may be used for any number of photographs.
    fov : its field of view, (H, W); None: it is found in the photograph.
    ahead : of ``made_ahead`` with this image, its field of view and the model's recipe.
    rule : the threshold; None: the model's own.
    doubt : make a doubt map, too, which takes six times as long.

    Raises
    ------
    FieldOfViewError : none is found, or the given one has another size.
    DeviceError, WeightsError, Cancelled : as ``predict``.
    """
    from core.inference.predictor import predict  # it imports torch: photographs are read meanwhile

    started = time.perf_counter()
    if fov is None:
        monitor.step(Progress("Finding the field of view"))
        fov = estimate_field_of_view(image)
    monitor.step(Progress("Preparing the photograph"))
    recipe, prepared = model.card.preprocessing, None if ahead is None else ahead.prepared
    if prepared is None:
        seen = as_recipe_wants(image, recipe, device=options.device, threads=options.threads, monitor=monitor)
        prepared = prepare(seen, fov, recipe)
    kept = kept_for(image.rgb.size // 3)
    return_freed(kept)  # what reading took: the network will not fit into it
    prediction = predict(model, prepared, options, monitor=monitor)
    doubt_map = None
    if doubt:
        from core.inference.doubt import doubt_of

        doubt_map = restore(doubt_of(model, prepared, options, monitor=monitor), prepared, fov)
        doubt_map.setflags(write=False)
    return_freed(kept)
    monitor.step(Progress("Putting the result onto the photograph"))
    values = model.card.scaling.apply(restore(prediction.values, prepared, fov))
    values.setflags(write=False)  # so that the box takes it over without a copy
    probability = ProbabilityMap(values)
    mask = apply_threshold(probability, rule or model.card.rule)
    notes = (*image.notes, *prediction.notes)
    if recipe.enhance:
        notes += (f"{model.card.name} looks for vessels in the photograph as {recipe.enhance} enhances it.",)
    for note in image.notes:
        monitor.note(note)
    doubts = doubts_about(image, fov) if ahead is None else ahead.doubts
    if np.count_nonzero(mask.vessel) < _HARDLY_ANY * np.count_nonzero(fov.inside):
        doubts += (_HARDLY_ANY_VESSEL,)
    for reason in doubts:
        monitor.note(reason.text)
    return_freed(kept)  # what the doubts took: the pictures are made next
    return Segmentation(
        image=image,
        fov=fov,
        probability=probability,
        mask=mask,
        card=model.card,
        model_sha256=model.sha256,
        options=prediction.options,
        device=prediction.device_label,
        precision=prediction.precision,
        tiles=prediction.tiles,
        scale=prepared.scale,
        seconds=time.perf_counter() - started,
        notes=notes,
        doubts=doubts,
        doubt=doubt_map,
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a photograph is, and where its results are written: a folder, and how their names begin."""

    photo: Path
    stem: str
    folder: Path


def read_inputs(
    place: Place, wanted: Wanted, *, read: "Files" = frozenset(), overwrite: bool = False, monitor: Monitor = SILENT
) -> tuple[FundusImage, FieldOfView]:
    """Read a photograph and its field of view, after making sure that its results replace nothing that is kept.

    Parameters
    ----------
    read : the files of the photographs that are read, which no result replaces.

    Raises
    ------
    InputError, FieldOfViewError : as ``read_fundus`` and ``resolve_fov``.
    OutputError : a result would replace a file that is read, or one of which no side-car says whose it is.
    """
    image = read_fundus(place.photo)
    monitor.step(Progress("Finding the field of view"))
    field = resolve_fov(wanted.fov, place.photo, image)
    for inputs in (read, files_of([field.source] if field.source else [])):
        _refuse_to_overwrite(inputs, place.stem, place.folder, wanted.export)
    if not overwrite:
        refuse_unclaimed(place.folder, place.stem, wanted.export)
    return image, field


def write_results(
    found: Segmentation,
    place: Place,
    wanted: Wanted,
    verdict: Verdict,
    *,
    overwrite: bool = False,
    monitor: Monitor = SILENT,
) -> BatchItem:
    """Write the results of a photograph, unless another run has put something in their place since it was read.

    Raises
    ------
    OutputError : a file cannot be written, or would replace another photograph's.
    """
    folder, stem = place.folder, place.stem
    monitor.step(Progress("Writing the results"))
    refuse_another(folder, stem, found.image, way_out="")
    if not overwrite:
        refuse_unclaimed(folder, stem, wanted.export)
    files = export_segmentation(found, folder, stem, wanted.export)
    found = _with_left_over(found, verdict.before, folder, stem, monitor)
    return _item(place.photo, stem, files, found, verdict)


def _with_left_over(
    found: Segmentation, before: SideCar | None, out_dir: Path, stem: str, monitor: Monitor
) -> Segmentation:
    names = left_over(before, out_dir, stem) if before is not None else ()
    if before is None or not names:
        return found
    note = f"Left from an earlier result ({before.model}): {', '.join(display_path(name) for name in names)}."
    monitor.note(note)
    return replace(found, notes=(*found.notes, note))


def _item(path: Path, stem: str, files: dict[str, Path], found: Segmentation, verdict: Verdict) -> BatchItem:
    share = np.count_nonzero(found.mask.vessel) / np.count_nonzero(found.fov.inside)
    return BatchItem(
        path=path,
        stem=stem,
        files=files,
        threshold=found.mask.rule.threshold,
        vessel_share=share,
        fov_origin=found.fov.origin,
        device=found.device,
        seconds=found.seconds,
        notes=found.notes,
        doubts=found.doubts,
        again=verdict.again,
        low=found.mask.rule.low,
        min_pixels=found.mask.rule.min_pixels,
        style=found.mask.rule.style,
    )


Files = frozenset[tuple[int, int]]


def files_of(paths: Iterable[Path]) -> Files:
    """What tells files apart, whatever they are called: their disk and their number on it."""
    found = set()
    for path in paths:
        with suppress(OSError):
            stat = path.stat()
            found.add((stat.st_dev, stat.st_ino))
    return frozenset(found)


def _refuse_to_overwrite(read: Files, stem: str, out_dir: Path, export: ExportChoices) -> None:
    for name in export.names(stem).values():
        target = out_dir / name
        if not read.isdisjoint(files_of([target])):
            raise OutputError(
                f"The result {display_path(name)} would overwrite a file that is read here, {display_path(target)}. "
                "Choose another folder for the results."
            )
