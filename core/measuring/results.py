"""Measuring results of earlier runs: side-cars and sessions, with the mask as it was left and the network's own."""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.errors import InputError, SerrError
from core.evaluation.predictions import read_own_map
from core.files import display_path, is_there
from core.measures.traced import trace_mask
from core.measuring.options import MeasureOptions
from core.measuring.segmentations import measure_followed, measure_segmentation, sources_of, trace_probability
from core.measuring.tables import Measured
from core.photo.photo_doubts import doubts_about
from core.photo.reading import read_fundus, read_label
from core.progress import Monitor
from core.replay import photo_of, same_field
from core.results import fit
from core.session.archive import read_session
from core.session.exported import probability_of
from core.session.results import SessionMask, masks_of_session
from core.sidecar import SUFFIX, SideCar, pixels_sha256, read_sidecar, sidecar_path
from core.types import VesselMask

SESSION_SUFFIX: Final = ".serr-session"
_MASK: Final = "_mask"


def is_result(path: Path) -> bool:
    """Whether a file is a side-car or a session, by its name."""
    return path.name.endswith((SUFFIX, SESSION_SUFFIX))


def unused_results(photos: Sequence[Path], measured: Collection[Path]) -> Iterator[tuple[Path, int]]:
    """Sessions and side-cars in the folders of photographs that hold a person's work on them, and on how many of them.

    Parameters
    ----------
    measured : those that are measured themselves: what they hold is used.
    """
    known = {os.path.realpath(path) for path in measured}
    here: dict[Path, set[str]] = {}
    for photo in photos:
        here.setdefault(photo.parent, set()).add(os.path.realpath(photo))
    for folder, names in here.items():
        for path in sorted(folder.glob("*")) if folder.is_dir() else ():
            if is_result(path) and os.path.realpath(path) not in known:
                worked = {os.path.realpath(each) for each in _worked_on(path)}
                if worked & names:
                    yield path, len(worked & names)


def _worked_on(path: Path) -> list[Path]:
    """The photographs that a person has worked on, by a session or a side-car; none where it cannot be read."""
    try:
        if not path.name.endswith(SESSION_SUFFIX):
            sidecar = read_sidecar(path)
            return [photo_of(sidecar)] if sidecar.measuring or sidecar.edited else []
        session = read_session(path)
    except SerrError:
        return []
    worked = [each.photo.path for each in session.record.photos if each.measuring or each.edits or each.rule]
    return [each if is_there(each) else path.parent / each.name for each in worked]


def measure_session(path: Path, options: MeasureOptions, monitor: Monitor) -> Iterator[Measured]:
    """The photographs of a session, with the masks as they were left.

    Raises
    ------
    InputError : it is not a session. Cancelled : by the monitor.
    """
    _, masks = masks_of_session(path, monitor)
    for record, found in masks:
        photo = record.photo.path
        if isinstance(found, str):
            yield Measured(photo, error=found)
            continue
        try:
            yield _of_session(photo, found, options)
        except (SerrError, MemoryError) as error:
            yield Measured(photo, error=f"{display_path(photo.name)}: {error}")


def _of_session(photo: Path, found: SessionMask, options: MeasureOptions) -> Measured:
    made = replace(found.segmentation, mask=found.mask)
    notes = [*found.notes]
    if found.record.doubtful:
        notes.append(f"The photograph was marked as doubtful{': ' * bool(found.record.note)}{found.record.note}.")
    if options.disc == "auto" and not found.has_photo:
        options = replace(options, disc=None)
        notes.append("The optic disc cannot be looked for without the photograph.")
    options, said = options.with_said(found.record.measuring, "session")
    measures = measure_segmentation(made, options)
    return Measured(
        photo,
        measures,
        field_of_view=made.fov.origin,
        model=made.card.name,
        threshold=made.mask.rule.threshold,
        style=made.mask.rule.style,
        doubts=(*notes, *(doubt.text for doubt in made.doubts), *measures.doubts),
        sources=sources_of(options, measures),
        said=said,
    )


def measure_sidecar(path: Path, options: MeasureOptions) -> Measured:
    """The mask of a side-car as it is now, and what the network alone had found where that was kept.

    Raises
    ------
    SerrError : the photograph, the mask or the field of view cannot be had, or there is no vessel.
    """
    sidecar = read_sidecar(path)
    if "mask" not in sidecar.files:
        raise InputError(f"{display_path(path.name)} has no mask: segment the photograph again.")
    image = read_fundus(photo_of(sidecar))
    fov = same_field(sidecar, image)
    vessel = read_label(path.parent / sidecar.files["mask"]).vessel
    if vessel.shape != image.shape:
        raise InputError(f"The mask of {display_path(path.name)} does not have the size of its photograph.")
    doubts = doubts_about(image, fov)
    notes = [_CHANGED] if pixels_sha256(vessel) != sidecar.mask_sha256 else []
    if fit(sidecar, "probability") == "same":
        values = read_own_map(path.parent / sidecar.files["probability"])
        mask = VesselMask(vessel, sidecar.rule)
        traced = trace_probability(probability_of(values, vessel, sidecar.rule), mask, fov)
    else:
        traced = trace_mask(vessel, fov.inside)
        notes += [_UNKNOWN] if sidecar.edited or notes else []
    options, said = options.with_said(sidecar.measuring, "side-car")
    measures = measure_followed(traced, image, fov, doubts, options)
    return Measured(
        image.source or path,
        measures,
        field_of_view=fov.origin,
        model=sidecar.model,
        threshold=sidecar.rule.threshold,
        style=sidecar.rule.style,
        doubts=(*_said(sidecar), *notes, *(doubt.text for doubt in doubts), *measures.doubts),
        sources=sources_of(options, measures),
        said=said,
    )


_CHANGED: Final = "The mask was changed in another program since it was written; it is measured as it is now."
_UNKNOWN: Final = (
    "The mask was corrected by hand, and the network's probabilities were not kept with it: what the measures would be "
    "without the corrections is not known."
)


def _said(sidecar: SideCar) -> list[str]:
    """What the observer had said of the photograph, where that is a doubt."""
    about = sidecar.record.get("annotation")
    if not isinstance(about, dict) or about.get("doubtful") is not True:
        return []
    note = about.get("note")
    return [f"The photograph was marked as doubtful{f': {note}' if isinstance(note, str) and note else ''}."]


def sidecar_of_mask(mask: Path) -> Path | None:
    """The side-car that a mask was written with; None where there is none that names it."""
    if not mask.stem.endswith(_MASK):
        return None
    path = sidecar_path(mask.parent, mask.stem.removesuffix(_MASK))
    try:
        return path if read_sidecar(path).files.get("mask") == mask.name else None
    except InputError:
        return None
