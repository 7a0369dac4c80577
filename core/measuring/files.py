"""Measuring photographs, masks, and results of earlier runs, one after the other."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from core.errors import InputError, SerrError
from core.files import display_path
from core.inference.options import InferenceOptions
from core.measures.summary import measure_vessels
from core.measures.traced import Variant
from core.measuring.mirrored import mirrored_maps, mirrored_variants
from core.measuring.options import AS_THEY_ARE, MeasureOptions
from core.measuring.results import SESSION_SUFFIX, is_result, measure_session, measure_sidecar, sidecar_of_mask
from core.measuring.segmentations import measure_segmentation, sources_of
from core.measuring.tables import Measured
from core.models.weights_file import LoadedModel
from core.photo.label_checks import refuse_inverted
from core.photo.reading import read_fundus, read_label
from core.photo.sibling_files import FovOption, MaskFolder, mask_folder, resolve_fov
from core.progress import SILENT, Monitor, Progress, part_of
from core.segment import segment_photo
from core.segmentation import Segmentation
from core.threshold_rule import ThresholdRule
from core.types import Doubt, FieldOfView, FundusImage


def measure_files(
    paths: Sequence[Path],
    model: LoadedModel | None,
    *,
    fov: FovOption = "auto",
    inference: InferenceOptions = InferenceOptions(),  # noqa: B008 - frozen
    rule: ThresholdRule | None = None,
    options: MeasureOptions = AS_THEY_ARE,
    monitor: Monitor = SILENT,
) -> Iterator[Measured]:
    """Measure photographs, or masks where ``model`` is None; one that cannot be measured does not stop the others.

    Each comes as soon as it is measured, and is as large as several pictures: keep its ``row()``, not the whole.

    Parameters
    ----------
    paths : photographs, or masks of two values; among them side-cars and sessions (``is_result``), which are measured
        with the mask as it was left. With ``fov`` auto a mask that has a side-car is measured as that says.
    model : finds the vessels in photographs.
    fov : where the fields of view come from; of masks "auto" is the whole picture, and what depends on it has no
        number.

    Raises
    ------
    FieldOfViewError : the folder of masks in ``fov`` cannot be read. Cancelled : by the monitor.
    """
    masks = mask_folder(fov)
    for number, path in enumerate(paths):
        name = display_path(path.name)
        part = part_of(monitor, number, len(paths), name)
        try:
            part.step(Progress("Measuring"))
            if path.name.endswith(SESSION_SUFFIX):
                yield from measure_session(path, options, part)
            elif is_result(path):
                yield measure_sidecar(path, options)
            elif model is None:
                yield _of_mask(path, masks, options)
            else:
                image = read_fundus(path)
                field = resolve_fov(masks, path, image)
                found = segment_photo(image, model, fov=field, options=inference, rule=rule, monitor=part)
                yield _of_photo(found, model, options, part)
        except (SerrError, MemoryError) as error:
            text = str(error) or "There is not enough memory."
            yield Measured(path, error=text if name in text else f"{name}: {text}")


def _of_photo(found: Segmentation, model: LoadedModel, options: MeasureOptions, monitor: Monitor) -> Measured:
    variants: tuple[Variant, ...] = ()
    if options.mirrored and options.error_bars:
        maps = mirrored_maps(found.image, model, found.fov, inference=found.options, monitor=monitor)
        variants = mirrored_variants(maps, found.mask.rule)
    measures = measure_segmentation(found, options, variants=variants)
    return Measured(
        found.image.source or Path(),
        measures,
        field_of_view=found.fov.origin,
        model=found.card.name,
        threshold=found.mask.rule.threshold,
        style=found.mask.rule.style,
        doubts=(*found.notes, *(doubt.text for doubt in found.doubts), *measures.doubts),
        sources=sources_of(options, measures),
    )


WHOLE_PICTURE: Final = Doubt(
    "whole_picture",
    "The field of view is not known: give its mask (--fov), or say that it is the whole picture (--fov full). Areas, "
    "lengths per area, dimensions and free ends are left out.",
)


def _of_mask(path: Path, fov: FovOption | MaskFolder, options: MeasureOptions) -> Measured:
    sidecar = sidecar_of_mask(path) if fov == "auto" else None
    notes: list[str] = []
    if sidecar is not None:
        try:
            return replace(measure_sidecar(sidecar, options), path=path)
        except InputError as error:  # its photograph is elsewhere: the mask is there
            notes.append(f"It is measured without what {display_path(sidecar.name)} says of it: {error}")
    label = read_label(path)
    vessel = label.vessel
    field = FieldOfView.full(vessel.shape)
    doubts: tuple[Doubt, ...] = ()
    if fov == "auto":
        doubts = (WHOLE_PICTURE,)
    elif fov != "full":
        blank = FundusImage(np.zeros((*vessel.shape, 3), np.uint8), source=path)
        field = resolve_fov(fov, path, blank)
        doubts = field.doubts
    refuse_inverted(label, field.inside)
    if options.disc == "auto":
        raise InputError("A mask does not show the optic disc: give its place.")
    found = measure_vessels(
        vessel,
        field.inside,
        disc=options.disc,
        pixel=options.pixel_of(options.disc),
        doubts=() if options.despite_doubts else doubts,
        error_bars=options.error_bars,
    )
    return Measured(
        path,
        found,
        field_of_view=field.origin,
        doubts=(*notes, *(doubt.text for doubt in doubts)),
        sources=sources_of(options, found),
    )
