"""What is wrong, or looks wrong, in a data set before anybody learns from it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from core.datasets.dataset_file import Entry, Part
from core.datasets.layouts import Case
from core.errors import FieldOfViewError, InputError, LabelError
from core.files import display_path
from core.photo.decoding import decode
from core.photo.field_of_view import estimate_field_of_view
from core.photo.fov_mask import read_fov_of
from core.photo.label_checks import BRIGHT_IS_VESSEL, doubt_of_share, vessel_share
from core.photo.label_matching import find_wrong_pair
from core.photo.label_values import FoundValue, SeveralValuesError, find_values
from core.photo.reading import read_fundus, read_label
from core.photo.views import small_copy
from core.progress import SILENT, Monitor, Progress
from core.types import BoolArray, ByteArray, ExpertLabel, FieldOfView, FundusImage

FindingKind = Literal[
    "photo", "label", "fov", "inverted", "unusual", "copy", "same label", "leak", "pair", "name", "values"
]

SPARSE_SHARE: Final = 0.01
"""A label with fewer vessel pixels (share of the field of view) is hardly finished; experts draw 0.06 to 0.18."""
DENSE_SHARE: Final = 0.35
"""More than an expert ever draws."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence about some entries (their places in the list).

    ``severe``: nothing can be learned from the photograph as it is. Else it is a warning: it may be meant so.
    """

    kind: FindingKind
    severe: bool
    sentence: str
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Examination:
    """What was seen in the files of one entry; ``findings`` of this entry alone, without rows.

    ``size``: width and height in pixels. ``vessel_share``: of the field of view, None without a usable label.
    ``photo_hash`` and ``label_hash``: of the pixels, so that a copy under another name or format is known; empty where
    the file cannot be used. ``values``: of the label, where it has more than two and it is to be said what they mean,
    or was said. ``picture`` and ``label_picture``: small copies, uint8 (h, w, 3) and (h, w).
    """

    findings: tuple[Finding, ...] = ()
    size: tuple[int, int] | None = None
    vessel_share: float | None = None
    photo_hash: str = ""
    label_hash: str = ""
    values: tuple[FoundValue, ...] = ()
    picture: ByteArray | None = None
    label_picture: ByteArray | None = None


def examine(case: Case, *, picture_px: int = 0) -> Examination:
    """Read the files of one photograph and look at them. ``picture_px`` > 0: make small copies of that longer side."""
    try:
        image = read_fundus(case.photo)
    except InputError as error:
        return Examination((Finding("photo", True, str(error)),))
    height, width = image.shape
    seen = Examination(size=(width, height), photo_hash=_pixels_hash(image.rgb))
    if picture_px:
        seen = replace(seen, picture=small_copy(image.rgb, picture_px))
    fov, found = _examine_fov(case, image)
    found = (*_notes(image), *found)
    if not case.labels:
        return replace(
            seen,
            findings=(
                *found,
                Finding("label", True, f"{display_path(case.photo.name)} has no label: choose its file."),
            ),
        )
    name, path = next(iter(case.labels.items()))
    if path == case.photo:
        return replace(seen, findings=(*found, Finding("label", True, f"{display_path(path.name)} is its own label.")))
    try:
        drawn = read_label(path, shape=image.shape, values=case.values.get(name))
        vessel = drawn.vessel
    except SeveralValuesError as error:
        return replace(seen, findings=(*found, Finding("values", True, str(error))), values=error.found)
    except LabelError as error:
        return replace(seen, findings=(*found, Finding("label", True, str(error))))
    if name in case.values:
        seen = replace(seen, values=find_values(decode(path).pixels))
    share = vessel_share(vessel, fov.inside if fov is not None else None)
    label = _examine_share(path, share) or _examine_pair(image, fov, drawn)
    if picture_px:
        seen = replace(seen, label_picture=small_copy(vessel.astype(np.uint8) * 255, picture_px))
    return replace(seen, findings=(*found, *label), vessel_share=share, label_hash=_pixels_hash(vessel))


def compare(entries: Sequence[Entry], examinations: Sequence[Examination]) -> list[Finding]:
    """What is wrong between entries: copies, one patient in several parts, one label for several photographs."""
    findings = []
    for rows in _alike([one.photo_hash for one in examinations]):
        sentence = f"{_names([entries[row].case.photo for row in rows])} are the same photograph."
        leak = len(_parts(entries, rows)) > 1
        if leak:
            sentence += " They are in different parts, so that scores would be too good: leave one of them out."
        findings.append(Finding("leak" if leak else "copy", False, sentence, rows))
    for rows in _alike([one.label_hash for one in examinations]):
        names = _names([entries[row].case.photo for row in rows])
        findings.append(Finding("same label", False, f"{names} have the same label, pixel for pixel.", rows))
    return findings + compare_parts(entries)


def compare_parts(entries: Sequence[Entry]) -> list[Finding]:
    """Patients whose photographs are in several parts; no file is read."""
    findings = []
    for rows in _alike([entry.group for entry in entries]):
        parts = _parts(entries, rows)
        if len(parts) > 1:
            names, patient = _names([entries[row].case.photo for row in rows]), entries[rows[0]].group
            sentence = (
                f'{names} show one patient ("{patient}") in different parts ({_and(sorted(parts))}), so that scores '
                "would be too good: put them into one part."
            )
            findings.append(Finding("leak", False, sentence, rows))
    return findings


def check(entries: Sequence[Entry], *, monitor: Monitor = SILENT) -> list[Finding]:
    """Examine every entry that is used, and compare them. Reads every file once.

    Raises
    ------
    Cancelled : by the monitor.
    """
    findings: list[Finding] = []
    seen = []
    for row, entry in enumerate(entries):
        monitor.step(Progress("Checking photographs", row, len(entries)))
        one = Examination() if entry.part == "unused" else examine(entry.case)
        seen.append(one)
        findings += [replace(finding, rows=(row,)) for finding in one.findings]
    return findings + compare(entries, seen)


def _notes(image: FundusImage) -> tuple[Finding, ...]:
    """What was remarked when the photograph was read: further pictures in its file, a depth that is a guess."""
    name = display_path(image.source.name) if image.source else ""
    sentences = (note if name in note else f"{name}: {note}" for note in image.notes)
    return tuple(Finding("photo", False, sentence) for sentence in sentences)


def _examine_fov(case: Case, image: FundusImage) -> tuple[FieldOfView | None, tuple[Finding, ...]]:
    try:
        if case.fov is None:
            fov = estimate_field_of_view(image)
            name = f"{display_path(image.source.name)}: " if image.source else ""
            return fov, tuple(Finding("fov", False, f"{name}{doubt.text}") for doubt in fov.doubts)
        fov = read_fov_of(case.fov, image)
    except FieldOfViewError as error:
        return None, (Finding("fov", True, str(error)),)
    return fov, tuple(Finding("fov", False, doubt.text) for doubt in fov.doubts)


def _examine_share(path: Path, share: float) -> tuple[Finding, ...]:
    name = display_path(path.name)
    doubt = doubt_of_share(name, share)
    if doubt is not None and doubt.kind == "empty":
        return (Finding("label", True, f"{doubt.sentence} Choose another label."),)
    if doubt is not None:
        return (Finding("inverted", False, f"{doubt.sentence} {BRIGHT_IS_VESSEL}"),)
    if not SPARSE_SHARE <= share <= DENSE_SHARE:
        sentence = f"The label {name} is unusual: {share:.1%} of the retina is vessel (experts draw 6 to 18 %)."
        return (Finding("unusual", False, sentence),)
    return ()


def _examine_pair(image: FundusImage, fov: FieldOfView | None, label: ExpertLabel) -> tuple[Finding, ...]:
    """Whether the label may belong to another photograph; as with angiograms, where vessels are bright."""
    wrong = find_wrong_pair(image, fov, label) if fov is not None else None
    return (Finding("pair", False, f"{wrong.sentence} Choose the label of this photograph."),) if wrong else ()


def _pixels_hash(pixels: ByteArray | BoolArray) -> str:
    digest = hashlib.sha256(f"{pixels.dtype}{pixels.shape}".encode())
    digest.update(pixels.tobytes())
    return digest.hexdigest()


def _alike(values: Sequence[str]) -> list[tuple[int, ...]]:
    """The rows of each value that occurs more than once; empty values say nothing."""
    rows: dict[str, list[int]] = {}
    for row, value in enumerate(values):
        if value:
            rows.setdefault(value, []).append(row)
    return [tuple(some) for some in rows.values() if len(some) > 1]


def _parts(entries: Sequence[Entry], rows: Sequence[int]) -> set[Part]:
    return {entries[row].part for row in rows} - {"unused"}


def _names(paths: Sequence[Path]) -> str:
    """Some files, with their folders where a name alone would be said twice."""
    is_clear = len({path.name for path in paths}) == len(paths)
    said = [display_path(path.name if is_clear else Path(path.parent.name, path.name)) for path in paths[:3]]
    return _and(said + ([f"{len(paths) - 3} more"] if len(paths) > 3 else []))


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
