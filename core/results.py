"""Results on disk: whether their files are those that their side-car describes, and whether they are what is wanted."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from core.errors import InputError, SerrError
from core.export import ExportChoices, ExportKind
from core.files import display_path, file_sha256
from core.inference.options import InferenceOptions
from core.models.deferred import KnownModel
from core.photo.decoding import decode
from core.photo.field_of_view import estimate_field_of_view
from core.photo.reading import read_fov, read_fundus
from core.photo.sibling_files import FovOption, MaskFolder, fov_file
from core.sidecar import SideCar, UnfinishedResultError, pixels_sha256, read_sidecar, sidecar_path
from core.threshold_rule import ThresholdRule

Fit = Literal["same", "changed", "missing", "unknown"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a result is to be made and written."""

    model: KnownModel
    options: InferenceOptions
    rule: ThresholdRule
    fov: FovOption | MaskFolder
    export: ExportChoices


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do about a photograph whose results may be there already.

    Parameters
    ----------
    skip : why it is left alone, or an empty text.
    again : why an existing result is made again; empty where there is none, or where all are wanted again.
    before : the existing side-car.
    """

    skip: str = ""
    again: str = ""
    before: SideCar | None = None


def judge(
    photo: Path, stem: str, folder: Path, wanted: Wanted, *, skip_existing: bool, overwrite_edited: bool
) -> Verdict:
    """Whether a photograph is to be segmented, with the results in view that ``folder`` has for it.

    A mask that was corrected by hand is left as it is, here or in another program. With ``skip_existing`` a result is
    left alone where it is whole and the one that is wanted.

    Raises
    ------
    InputError : there is a side-car, but it is damaged: whether the mask was corrected by hand is not known.
    """
    path = sidecar_path(folder, stem)
    if not path.exists():
        files = ", ".join(display_path(file) for file in wanted.export.names(stem).values())
        there = all((folder / file).exists() for file in wanted.export.names(stem).values())
        name = display_path(photo.name)
        unknown = (
            f"{name} is left alone: {files} in {display_path(folder)} may be its results; no side-car says whose they "
            "are."
        )
        return Verdict(skip=unknown if there and skip_existing else "")
    try:
        sidecar = read_sidecar(path)
    except InputError as error:
        return _judge_unreadable(photo, error, overwrite_edited)
    if not overwrite_edited:
        by_hand = _corrected(sidecar, display_path(photo.name))
        if by_hand:
            return Verdict(skip=by_hand)
    if not skip_existing:
        return Verdict(before=sidecar)
    reasons = differences(sidecar, photo, wanted) or misfits(sidecar, wanted.export.names(stem))
    if not reasons:
        return Verdict(skip=f"{display_path(photo.name)} has its results already ({sidecar.model}).")
    return Verdict(again=f"{'; '.join(reasons)}.", before=sidecar)


def _judge_unreadable(photo: Path, error: InputError, overwrite_edited: bool) -> Verdict:
    name = display_path(photo.name)
    if isinstance(error, UnfinishedResultError):
        if overwrite_edited or not error.edited:
            return Verdict(again="the program was ended while its results were written.")
        return Verdict(
            skip=f"The program was ended while it wrote the mask of {name}, which was corrected by hand: it is left as "
            "it is."
        )
    if overwrite_edited:
        return Verdict(again="its side-car is damaged.")
    raise InputError(
        f"{error} Whether the mask of {name} was corrected by hand is not known, so it is left as it is."
    ) from error


def _corrected(sidecar: SideCar, name: str) -> str:
    """The sentence on a mask that was corrected by hand, here or elsewhere; empty for one that was not."""
    if sidecar.edited:
        return f"The mask of {name} was corrected by hand: it is left as it is."
    if is_changed_elsewhere(sidecar):
        return f"The mask of {name} was changed in another program since it was written: it is left as it is."
    return ""


def fit(sidecar: SideCar, kind: ExportKind) -> Fit:
    """Whether a file that a side-car names is still the one that was written with it.

    "unknown" where that cannot be told: version 0.1.0 kept the pixels of the mask alone.
    """
    path = sidecar.path.parent / sidecar.files.get(kind, "")
    if kind not in sidecar.files or not path.is_file():
        return "missing"
    wanted = sidecar.files_sha256.get(kind)
    if wanted is not None and file_sha256(path) == wanted:
        return "same"
    if kind != "mask":
        return "unknown" if wanted is None else "changed"
    try:
        mask = decode(path).pixels[:, :, 0] == 255
    except InputError:
        return "changed"
    return "same" if pixels_sha256(mask) == sidecar.mask_sha256 else "changed"  # packed in another way is not a change


def changed_files(sidecar: SideCar) -> tuple[str, ...]:
    """Names of the files that are not those which were written with the side-car."""
    kinds: tuple[ExportKind, ...] = ("mask", "probability", "overlay")
    return tuple(display_path(sidecar.files[kind]) for kind in kinds if fit(sidecar, kind) == "changed")


def is_changed_elsewhere(sidecar: SideCar) -> bool:
    """Whether the mask was changed since by another program, as a person who corrects it there would leave it.

    That is a sound picture in black and white of the right size, and nothing else of the result is changed. Where other
    files do not fit either, the files are of several results.
    """
    if fit(sidecar, "mask") != "changed" or "changed" in {fit(sidecar, "probability"), fit(sidecar, "overlay")}:
        return False
    try:
        pixels = decode(sidecar.path.parent / sidecar.files["mask"]).pixels
    except InputError:
        return False
    return pixels.shape[:2] == _shape(sidecar) and bool(np.isin(pixels, (0, 1, 255)).mean() > 0.9)


def differences(sidecar: SideCar, photo: Path, wanted: Wanted) -> tuple[str, ...]:
    """In which way a result is not the one that is wanted, in words; nothing where it is."""
    found = []
    if sidecar.photo_sha256 is not None and sidecar.photo_sha256 != file_sha256(photo):
        found.append("the photograph is not the one that it was made from")
    found += model_differences(sidecar, wanted.model)
    found += option_differences(sidecar, wanted.options)
    if sidecar.rule.level != wanted.rule.level:
        found.append(f"it was made at the threshold {sidecar.rule.threshold:g}, not {wanted.rule.threshold:g}")
    elif sidecar.rule.makes != wanted.rule.makes:
        found.append("it was made with another hysteresis, or another smallest vessel")
    if not found and not _is_same_fov(sidecar, photo, wanted.fov):
        found.append("it was made with another field of view")
    colour = _part(sidecar, "overlay").get("colour")  # version 0.1.0 did not say
    if wanted.export.overlay and colour not in (None, list(wanted.export.mask_colour)):
        found.append("its overlay has another colour")
    return tuple(found)


def model_differences(sidecar: SideCar, model: KnownModel) -> list[str]:
    """Whether a result is of another model, in words."""
    if sidecar.model_sha256 != model.sha256:
        other = "" if sidecar.model != model.card.name else ", another one of that name"
        return [f"it was made with the model {sidecar.model}, not {model.card.name}{other}"]
    if _part(sidecar, "model").get("preprocessing") != model.card.preprocessing.to_dict():
        return ["its photograph was prepared in another way"]
    if _part(sidecar, "model").get("scaling") != model.card.scaling.to_record():
        return ["its probabilities were calibrated in another way"]
    return []


def option_differences(sidecar: SideCar, options: InferenceOptions) -> list[str]:
    """Whether a result was computed in another way, in words. What may change by itself (device, tiles) is no other."""
    found = []
    if sidecar.options.get("tta") != options.tta:
        found.append(f"it was made {'without' if options.tta == 'flips' else 'with'} averaging over mirror images")
    engine = sidecar.options.get("engine", "torch")  # version 0.1.0 had no other
    if engine != options.engine:
        found.append(f"it was computed by the engine {engine}, not {options.engine}")
    precision = _part(sidecar, "inference").get("precision")
    if options.precision not in {"auto", precision}:
        found.append(f"it was computed in {precision}, not {options.precision}")
    return found


def misfits(sidecar: SideCar, names: Mapping[ExportKind, str]) -> tuple[str, ...]:
    """Which of the wanted files are not there or not those that were written with the side-car, in words."""
    found = []
    for kind, name in names.items():
        path = sidecar.path.parent / name
        if kind == "sidecar":
            continue
        if not path.exists():
            found.append(f"{display_path(name)} is missing")
        elif sidecar.files.get(kind) != name:
            found.append(f"{display_path(name)} is of another result")
        elif fit(sidecar, kind) == "changed":
            found.append(f"{display_path(name)} is not the one that was written with its side-car")
    return tuple(found)


def corrected_by_hand(folder: Path, stem: str) -> str:
    """The sentence on a mask in a folder of results that was corrected by hand; empty where none was.

    Raises
    ------
    InputError : its side-car is damaged, so that it is not known.
    """
    path = sidecar_path(folder, stem)
    if not path.exists():
        return ""
    try:
        return _corrected(read_sidecar(path), stem)
    except UnfinishedResultError as error:
        return f"The mask of {display_path(stem)} was corrected by hand: it is left as it is." if error.edited else ""


def left_over(before: SideCar, folder: Path, stem: str) -> tuple[str, ...]:
    """Files of an earlier, other result that are still there after a photograph was done again."""
    try:
        named = read_sidecar(sidecar_path(folder, stem)).files.values()
    except InputError:
        return ()
    return tuple(name for name in before.files.values() if name not in named and (folder / name).exists())


def _is_same_fov(sidecar: SideCar, photo: Path, choice: FovOption | MaskFolder) -> bool:
    """Whether the choice gives the field of view of the side-car. The photograph is read only where it must be."""
    if isinstance(choice, str) and sidecar.fov_origin == ("estimated" if choice == "auto" else "full"):
        return True
    try:
        if choice == "auto":
            if sidecar.fov_origin != "full":  # where no surround is seen, an estimate is the whole picture, too
                return False
            field = estimate_field_of_view(read_fundus(photo))
        elif isinstance(choice, str):
            return False
        else:
            field = read_fov(fov_file(choice, photo), shape=_shape(sidecar))
    except SerrError:  # whatever is wrong shows when the photograph is done again
        return False
    return pixels_sha256(field.inside) == sidecar.fov_sha256


def _shape(sidecar: SideCar) -> tuple[int, int] | None:
    photo = _part(sidecar, "photograph")
    height, width = photo.get("height"), photo.get("width")
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def _part(sidecar: SideCar, name: str) -> Mapping[str, Any]:
    part = sidecar.record.get(name)
    return part if isinstance(part, Mapping) else {}
