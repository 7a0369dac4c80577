"""Whose files a result would replace. Side-cars tell; without one nobody can."""

from pathlib import Path
from typing import Final

from core.errors import InputError, OutputError
from core.export import ExportChoices, ExportKind
from core.files import display_path
from core.photo.sibling_files import result_owner
from core.sidecar import UnfinishedResultError, pixels_sha256, read_sidecar, sidecar_path
from core.types import FundusImage, VesselMask

OVERWRITE_OPTION: Final = "--overwrite"
"""What a person says on the command line who wants to write over files that may be another photograph's."""


def unclaimed(folder: Path, stem: str, choices: ExportChoices) -> tuple[str, ...]:
    """Names of files of which no side-car says whose they are, and which a new result would replace.

    Where a side-car is to be written and none is there, all files that it would seem to describe count. A side-car that
    does not name the mask next to it says that the mask came from somewhere else.
    """
    names = choices.names(stem)
    targets = [name for kind, name in names.items() if kind != "sidecar"]
    path = sidecar_path(folder, stem)
    if not path.exists():
        if "sidecar" in names:
            targets = list(dict.fromkeys([*targets, *_all_names(stem)]))
        return _there(folder, targets)
    mask = names.get("mask")
    try:
        named = read_sidecar(path).files.values()
    except UnfinishedResultError:
        return ()
    except InputError:  # damaged: what is said about that is said by those who read it
        return ()
    return () if mask is None or mask in named else _there(folder, [mask])


def is_corrected(folder: Path, stem: str, choices: ExportChoices) -> bool:
    """Whether a side-car says that the mask which a new result would replace was corrected by hand."""
    try:
        return choices.mask and read_sidecar(sidecar_path(folder, stem)).edited
    except UnfinishedResultError as error:
        return error.edited
    except InputError:
        return False


def refuse_unclaimed(folder: Path, stem: str, choices: ExportChoices, way_out: str = OVERWRITE_OPTION) -> None:
    """Refuse to write over files of which no side-car says whose they are.

    Parameters
    ----------
    way_out : how a person says that they may be replaced; empty where nobody can.

    Raises
    ------
    OutputError : there are some; the sentence names them.
    """
    names = unclaimed(folder, stem, choices)
    if not names:
        return
    files = " and ".join(display_path(name) for name in names)
    be, it = ("is", "it belongs") if len(names) == 1 else ("are", "they belong")
    raise OutputError(
        f"{files} {be} in {display_path(folder)} already, and no side-car says which photograph {it} to. Choose "
        f"another folder for the results{_or(way_out)}."
    )


def refuse_another(
    folder: Path, stem: str, image: FundusImage, mask: VesselMask | None = None, way_out: str = OVERWRITE_OPTION
) -> None:
    """Refuse to write over the result of another photograph.

    Parameters
    ----------
    mask : what is to be written; a photograph without a file is known by it.

    Raises
    ------
    OutputError : the existing side-car is another photograph's.
    """
    path = sidecar_path(folder, stem)
    if not path.exists():
        return
    owner = result_owner(path, image.source, image.sha256, origin=image.origin)
    if owner == "unknown" and image.source is None and mask is not None:
        owner = "this" if read_sidecar(path).mask_sha256 == pixels_sha256(mask.vessel) else "another"
    if owner == "another":
        raise OutputError(
            f'Results called "{display_path(stem)}" in {display_path(folder)} are of another photograph. Choose '
            f"another name or folder{_or(way_out)}."
        )


def other_name(photo: Path, stem: str, usual: str, folder: Path) -> str:
    """The sentence on results that get another name, since their usual one is taken by another photograph's."""
    return (
        f'Results called "{usual}" in {display_path(folder)} are of another photograph, and stay; those of '
        f'{display_path(photo)} are called "{stem}".'
    )


def _or(way_out: str) -> str:
    return f", or {way_out} to replace what is there" if way_out else ""


def _all_names(stem: str) -> list[str]:
    kinds: list[tuple[ExportKind, str]] = []
    for as_float in (False, True):
        kinds += ExportChoices(sidecar=False, float_probability=as_float, doubt=True).names(stem).items()
    return [name for _, name in kinds]


def _there(folder: Path, names: list[str]) -> tuple[str, ...]:
    return tuple(name for name in names if (folder / name).exists())
