"""From what is given on the command line to the list of photographs."""

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.cli.console import UsageError
from core.errors import InputError
from core.files import display_path
from core.photo.finding import FolderPhotos, photos_among, photos_in, without_own_results
from core.photo.reading import PHOTO_SUFFIXES
from core.photo.walking import entries_of, expand, is_file, natural_key, walk


@dataclass(frozen=True, slots=True)
class Inputs:
    """The photographs, each file once and in the order given; what could not be expanded; what was left out."""

    photos: tuple[Path, ...]
    failed: tuple[tuple[Path, str], ...]
    notes: tuple[str, ...]


def find_photos(given: Sequence[str], *, recursive: bool = False) -> Inputs:
    """Expand files, folders and glob patterns (``**`` for any depth) to photographs (see ``core.photo.finding``).

    Patterns are expanded here, because the Windows shells hand them on. A file that is named is taken as it is, even
    if it is missing or no photograph: reading it will say so, and the others are still done. Only results of an earlier
    run are left out where their photographs are named, too: that is what a shell makes of ``*.png``.

    Parameters
    ----------
    recursive : look through the sub-folders of folders as well.

    Raises
    ------
    UsageError : not one photograph was found.
    """
    photos: dict[str, Path] = {}
    failed: list[tuple[Path, str]] = []
    notes: list[str] = []
    single = [Path(text) for text in given if not Path(text).is_dir()]
    named, own = without_own_results(single)
    kept = set(named)
    for text in given:
        path = Path(text)
        if path.is_dir():
            try:
                found = photos_in(path, recursive=recursive)
            except InputError as error:
                failed.append((path, str(error)))
                continue
            empty = (
                f"{display_path(path)} is a folder without photographs. Choose another, or the photographs themselves."
            )
        elif not os.path.lexists(path) and glob.has_magic(text):
            found = photos_among(expand(text))
            empty = f"no photographs match {display_path(text)}. Check the pattern."
        else:
            if path in kept:
                photos.setdefault(_identity(path), path)
            continue
        if found.photos:
            notes += _notes(path, found)
        else:
            failed.append((path, " ".join([empty, *_notes(path, found, name=False)])))
        for photo in found.photos:
            photos.setdefault(_identity(photo), photo)
    if own:
        notes.append(f"{own} of the files are results of earlier runs beside their photographs: they are left out.")
    if not photos:
        raise UsageError(" ".join(sentence for _, sentence in failed) or "no photographs are given.")
    return Inputs(tuple(photos.values()), tuple(failed), tuple(notes))


def find_masks(given: Sequence[str], *, recursive: bool = False) -> Inputs:
    """Expand files, folders and patterns to masks of vessels: all pictures but probabilities and overlays of our own.

    Raises
    ------
    UsageError : not one picture was found.
    """
    masks: dict[str, Path] = {}
    failed: list[tuple[Path, str]] = []
    for text in given:
        path = Path(text)
        if path.is_dir():
            try:
                folders = walk(path) if recursive else [(path, entries_of(path))]
                files = [Path(entry.path) for _, entries in folders for entry in entries if is_file(entry)]
            except InputError as error:
                failed.append((path, str(error)))
                continue
            found = sorted((file for file in files if _may_be_mask(file)), key=natural_key)
            if not found:
                failed.append((path, f"{display_path(path)} is a folder without pictures. Choose another."))
        elif not os.path.lexists(path) and glob.has_magic(text):
            found = [file for file in expand(text) if _may_be_mask(file)]
            if not found:
                failed.append((path, f"no pictures match {display_path(text)}. Check the pattern."))
        else:
            found = [path]
        for mask in found:
            masks.setdefault(_identity(mask), mask)
    if not masks:
        raise UsageError(" ".join(sentence for _, sentence in failed) or "no masks are given.")
    return Inputs(tuple(masks.values()), tuple(failed), ())


def _may_be_mask(path: Path) -> bool:
    return path.suffix.lower() in PHOTO_SUFFIXES and not path.stem.endswith(("_probability", "_overlay"))


def _notes(path: Path, found: FolderPhotos, *, name: bool = True) -> list[str]:
    """Sentences on what was left out of a folder or a pattern."""
    where = f"{display_path(path)}: " if name else ""
    notes = []
    if found.inner is not None:
        notes.append(f"{where}the photographs are taken from its sub-folder {display_path(found.inner.name)}.")
    if found.left_out.text:
        notes.append(f"{where}{'left out: ' if name else 'Left out: '}{found.left_out.text}.")
    if found.below.text:
        below = found.below.text
        notes.append(f"{where}{below}: add --recursive to include {'it' if found.below.photos == 1 else 'them'}.")
    return notes


def _identity(path: Path) -> str:
    """What tells files apart, whatever they are called: two spellings and two links of a file are one photograph."""
    return os.path.realpath(path)
