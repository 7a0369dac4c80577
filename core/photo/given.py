"""From files, folders and patterns that are given to photographs, or to masks: for the command line and the window."""

import glob
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.photo.finding import FolderPhotos, photos_among, photos_in, without_own_results
from core.photo.reading import PHOTO_SUFFIXES
from core.photo.walking import entries_of, expand, is_file, natural_key, walk
from core.progress import SILENT, Monitor, Progress


@dataclass(frozen=True, slots=True)
class Place:
    """A folder or a pattern that was given, and what is in it. ``problem`` : why a folder cannot be read, or empty."""

    path: Path
    found: FolderPhotos
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The photographs, each file once and in the order given; the folders and patterns that they come from.

    ``own_results`` : how many of the files that were named are results of earlier runs, which were left out.
    """

    photos: tuple[Path, ...]
    places: tuple[Place, ...]
    own_results: int = 0


def find_photos(
    given: Sequence[str | Path], *, recursive: bool = False, patterns: bool = False, monitor: Monitor = SILENT
) -> Found:
    """The photographs of files and folders, by the rule of ``core.photo.finding``.

    A file that is named is taken as it is, even if it is missing or no photograph: reading it will say so, and the
    others are still done. Only results of an earlier run are left out where their photographs are named, too: that is
    what a shell makes of ``*.png``, and a file manager of Ctrl+A.

    Parameters
    ----------
    recursive : look through the sub-folders of folders as well.
    patterns : expand glob patterns (``**`` for any depth), because the Windows shells hand them on.
    """
    single = [path for path in map(Path, given) if not path.is_dir()]
    named, own = without_own_results(single)

    def in_folder(folder: Path) -> FolderPhotos:
        return photos_in(folder, recursive=recursive)

    photos, places = _each(given, set(named), in_folder, photos_among if patterns else None, monitor)
    return Found(photos, places, own)


def find_masks(given: Sequence[str | Path], *, recursive: bool = False, patterns: bool = False) -> Found:
    """The masks of vessels among files and folders: all pictures but probabilities and overlays of our own."""

    def in_folder(folder: Path) -> FolderPhotos:
        folders = walk(folder) if recursive else [(folder, entries_of(folder))]
        return among(Path(entry.path) for _, entries in folders for entry in entries if is_file(entry))

    def among(files: Iterable[Path]) -> FolderPhotos:
        return FolderPhotos(tuple(sorted(filter(_may_be_mask, files), key=natural_key)))

    named = {path for path in map(Path, given) if not path.is_dir()}
    photos, places = _each(given, named, in_folder, among if patterns else None, SILENT)
    return Found(photos, places)


def _each(
    given: Sequence[str | Path],
    named: set[Path],
    in_folder: Callable[[Path], FolderPhotos],
    among: Callable[[Iterable[Path]], FolderPhotos] | None,
    monitor: Monitor,
) -> tuple[tuple[Path, ...], tuple[Place, ...]]:
    once: dict[str, Path] = {}  # two spellings and two links of a file are one photograph
    places: list[Place] = []
    for path in map(Path, given):
        monitor.step(Progress("Looking for photographs"))
        if path.is_dir():
            try:
                places.append(Place(path, in_folder(path)))
            except InputError as error:
                places.append(Place(path, FolderPhotos(), str(error)))
                continue
        elif among is not None and not os.path.lexists(path) and glob.has_magic(str(path)):
            places.append(Place(path, among(expand(str(path)))))
        else:
            if path in named:
                once.setdefault(os.path.realpath(path), path)
            continue
        for photo in places[-1].found.photos:
            once.setdefault(os.path.realpath(photo), photo)
    return tuple(once.values()), tuple(places)


def _may_be_mask(path: Path) -> bool:
    return path.suffix.lower() in PHOTO_SUFFIXES and not path.stem.endswith(("_probability", "_overlay", "_doubt"))
