"""Which files of a folder are photographs: one rule for the command line, the desktop and data sets.

A photograph is a picture of a kind that is read, and neither a label, nor a mask, nor a result of this program. These
are known by their names (docs/formats.md). The order is natural (2 before 10), and small and capital letters are the
same.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from core.errors import InputError
from core.photo.enhanced import ENHANCED_SUFFIX, enhanced_sidecar
from core.photo.folder_names import FolderNames
from core.photo.reading import is_photo_path
from core.photo.sibling_files import SIDECAR_SUFFIX, photo_stem
from core.photo.walking import (
    Entry,
    entries_of,
    is_file,
    is_folder,
    natural_key,
    same_name,
    scanned,
    subfolders,
    walk,
    walk_by,
)

Reason = Literal["result", "label", "mask", "again", "kind", "other", "gone", "folder"]

_OWN_ENDING: Final = re.compile(r"_(mask|overlay|probability|doubt|fov|questionable)$", re.IGNORECASE)
_PHOTO_FOLDERS: Final = re.compile(r"^(images?|imgs?|photos?|photographs?|fundus|originals?|input)$", re.IGNORECASE)
"""Sub-folders that hold the photographs of a folder which has none itself."""
_OTHER_FOLDERS: Final = re.compile(
    r"^(.*[_\-. ])?(labels?|manual\d*|gt|ground[ _-]?truth|annotations?|vessels?|segmentations?|masks?|fovs?|rois?)"
    r"([_\-. ].*)?$|^SERR results$",
    re.IGNORECASE,
)
"""Sub-folders of labels, masks and results: they are not looked into for photographs."""
_NOT_READ: Final = frozenset(
    {
        *(".heic", ".heif", ".avif", ".jp2", ".j2k", ".jpx", ".jxl", ".dcm", ".dicom", ".dic", ".psd", ".svg", ".raw"),
        *(".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".fda", ".fds", ".e2e", ".vol", ".oct", ".pdf"),
        *(".tga", ".eps", ".ico", ".exr", ".hdr", ".mha", ".nii"),
    }
)
_WORDS: Final[dict[Reason, tuple[str, str]]] = {
    "result": ("result of this program", "results of this program"),
    "label": ("label", "labels"),
    "mask": ("mask", "masks"),
    "again": ("further name of the same file", "further names of the same files"),
    "kind": ("picture of a kind that is not read", "pictures of kinds that are not read"),
    "other": ("file that is not a picture", "files that are not pictures"),
    "gone": ("link or device that is not a file", "links or devices that are not files"),
    "folder": ("sub-folder of labels, masks or results", "sub-folders of labels, masks or results"),
}
_PORTION: Final = 10_000
_COUNT_LIMIT: Final = 20_000
"""Entries that are looked at to say how many photographs are in sub-folders: more would keep a person waiting."""


@dataclass(frozen=True, slots=True)
class Below:
    """How many photographs are in how many sub-folders; ``at_least``: there may be more, not all was looked at."""

    photos: int = 0
    folders: int = 0
    at_least: bool = False

    @property
    def text(self) -> str:
        """In words: "2 sub-folders hold 14 photographs"; empty where there are none."""
        if not self.photos:
            return ""
        many = f"{'at least ' if self.at_least else ''}{self.photos} photograph{'' if self.photos == 1 else 's'}"
        return f"{self.folders} sub-folder{' holds' if self.folders == 1 else 's hold'} {many}"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many files were left out for which reason; ``kinds`` : the suffixes of pictures that are not read."""

    counts: Counter[Reason] = field(default_factory=Counter)
    kinds: frozenset[str] = frozenset()

    def __add__(self, other: "LeftOut") -> "LeftOut":
        return LeftOut(self.counts + other.counts, self.kinds | other.kinds)

    @property
    def text(self) -> str:
        """Numbers and reasons: "2 labels, 1 picture of a kind that is not read (.heic)"; empty where there are none."""
        parts = [f"{self.counts[reason]} {_WORDS[reason][self.counts[reason] != 1]}" for reason in _WORDS]
        kinds = sorted(self.kinds)
        suffixes = f" ({', '.join(kinds[:5])}{', ...' if len(kinds) > 5 else ''})"
        return ", ".join(
            part + (suffixes if reason == "kind" else "")
            for reason, part in zip(_WORDS, parts, strict=True)
            if self.counts[reason]
        )


@dataclass(frozen=True, slots=True)
class FolderPhotos:
    """The photographs of a folder or a pattern, in natural order, and what was left out.

    ``inner`` : the sub-folder that they are in, where the folder has none itself. ``below`` : what is in sub-folders
    that were not looked through.
    """

    photos: tuple[Path, ...] = ()
    left_out: LeftOut = LeftOut()
    inner: Path | None = None
    below: Below = Below()


def photos_in(folder: Path, *, recursive: bool = False) -> FolderPhotos:
    """The photographs of a folder, or of its sub-folder ``images`` or the like where it has none itself.

    Parameters
    ----------
    recursive : look through all sub-folders as well, but for those of labels, masks and results. Links are followed;
        each folder and each file counts once.

    Raises
    ------
    InputError : the folder cannot be read.
    """
    if recursive:
        return _each_once(_joined(photos_below(folder)))
    entries = entries_of(folder)
    found = _among(folder, entries)
    if not found.photos:
        for inner in (each for each in subfolders(entries) if _PHOTO_FOLDERS.match(each.name)):
            try:
                there = _among(inner, entries_of(inner))
            except InputError:
                continue
            if there.photos:
                return _each_once(FolderPhotos(there.photos, found.left_out + there.left_out, inner))
    return replace(_each_once(found), below=count_below(folder))


def without_own_results(named: Sequence[Path]) -> tuple[list[Path], int]:
    """Files that are named one by one, without the results of earlier runs, and how many these were.

    A file that is named is taken as it is, whatever it is called. Only results whose side-car is beside them are left
    out where their photographs are named as well: that is what a shell makes of ``*.png``, and a file manager of
    Ctrl+A.
    """
    stems = {(path.parent, same_name(photo_stem(path))) for path in named}

    def is_own(path: Path) -> bool:
        name = photo_stem(path)
        stem = _OWN_ENDING.sub("", name)
        beside = path.with_name(f"{stem}{SIDECAR_SUFFIX}")
        if path.name.endswith(ENHANCED_SUFFIX):
            return (path.parent, same_name(path.name.removesuffix(f"_enhanced{ENHANCED_SUFFIX}"))) in stems
        if path.name.endswith(SIDECAR_SUFFIX):
            return (path.parent, same_name(path.name.removesuffix(SIDECAR_SUFFIX))) in stems
        if name.endswith("_enhanced"):
            stem, beside = name.removesuffix("_enhanced"), enhanced_sidecar(path)
        return stem != name and (path.parent, same_name(stem)) in stems and beside.is_file()

    kept = [path for path in named if not is_own(path)]
    return kept, len(named) - len(kept)


def photos_among(files: Iterable[Path]) -> FolderPhotos:
    """The photographs among some files of any folders, such as those that a pattern names."""
    by_folder: dict[Path, list[Path]] = {}
    for path in files:
        by_folder.setdefault(path.parent, []).append(path)
    folders = sorted(by_folder, key=natural_key)
    names = ((folder, [path.name for path in by_folder[folder]]) for folder in folders)
    return _each_once(_joined(part for folder, there in names for part in photos_of_folder(folder, there)))


def count_below(folder: Path, limit: int = _COUNT_LIMIT) -> Below:
    """How many photographs the sub-folders of any depth hold; at most about ``limit`` entries are looked at."""
    photos = folders = seen = 0
    for each, entries in walk(folder, _may_hold_photos):
        there = len(_among(each, entries[: limit - seen]).photos)
        photos, folders, seen = photos + there, folders + bool(there), seen + len(entries) + 1
        if seen >= limit:
            return Below(photos, folders, at_least=True)
    return Below(photos, folders)


def _may_hold_photos(folder: Path) -> bool:
    return not _OTHER_FOLDERS.match(folder.name)


def photos_below(folder: Path) -> Iterator[FolderPhotos]:
    """The photographs of a folder, then of each folder below: some at a time, so that no number of them is too large.

    A file that has further names (links) comes once by each of them.

    Raises
    ------
    InputError : the folder cannot be read.
    """
    skipped = 0

    def wanted(each: Path) -> bool:
        nonlocal skipped
        skipped += not _may_hold_photos(each)
        return _may_hold_photos(each)

    def look(each: Path) -> tuple[_Folder, list[Path]]:
        found = _Folder(each, scanned(each))
        return found, found.inner

    top, inner = look(folder)
    yield from top.photos()
    for _, found in walk_by(look, folder, inner, wanted):
        yield from found.photos()
    yield FolderPhotos(left_out=LeftOut(Counter({"folder": skipped})))


def photos_of_folder(folder: Path, files: Iterable[str]) -> Iterator[FolderPhotos]:
    """The photographs among some files of one folder, by their names, such as those that a pattern names there."""
    left_out = _LeftOutFiles()
    with FolderNames() as names:
        can_be_listed = True
        try:
            for entry in scanned(folder):
                if is_file(entry):
                    names.know(entry.name)
        except InputError:  # what is in it may be opened, but not listed
            can_be_listed = False
        for name in files:
            if not can_be_listed:
                names.know(name)
            if is_photo_path(Path(name)):
                names.want(name)
            else:
                left_out.add(name)
        yield from _portions(folder, names, left_out)


def _joined(parts: Iterable[FolderPhotos]) -> FolderPhotos:
    photos: list[Path] = []
    left_out = LeftOut()
    for part in parts:
        photos += part.photos
        left_out += part.left_out
    return FolderPhotos(tuple(photos), left_out)


def _among(folder: Path, entries: Iterable[Entry]) -> FolderPhotos:
    return _joined(_Folder(folder, entries).photos())


class _LeftOutFiles:
    """Counts the files of a folder that are not photographs."""

    def __init__(self) -> None:
        self.counts: Counter[Reason] = Counter()
        self._kinds = set[str]()

    def add(self, name: str) -> None:
        """A file that is not a picture of a kind that is read."""
        suffix = Path(name).suffix.lower()
        if name.lower().endswith((SIDECAR_SUFFIX, ENHANCED_SUFFIX)):
            self.counts["result"] += 1
        else:
            self.counts["kind" if suffix in _NOT_READ else "other"] += 1
            self._kinds |= {suffix} & _NOT_READ

    def all(self) -> LeftOut:
        """What was left out."""
        return LeftOut(self.counts, frozenset(self._kinds))


class _Folder:
    """What is in a folder: its files, and ``inner``, its sub-folders in order. ``photos`` has to be called."""

    def __init__(self, path: Path, entries: Iterable[Entry]) -> None:
        self._path, self._names, self._left_out = path, FolderNames(), _LeftOutFiles()
        inner = []
        try:
            for entry in entries:
                if is_file(entry):
                    is_picture = is_photo_path(Path(entry.name))
                    self._names.know(entry.name, wanted=is_picture)
                    if not is_picture:
                        self._left_out.add(entry.name)
                elif is_folder(entry):
                    inner.append(entry)
                else:
                    self._left_out.counts["gone"] += 1
        except BaseException:
            self._names.close()
            raise
        self.inner = subfolders(inner)

    def photos(self) -> Iterator[FolderPhotos]:
        """Its photographs, so many at a time."""
        with self._names:
            yield from _portions(self._path, self._names, self._left_out)


def _portions(folder: Path, names: FolderNames, left_out: _LeftOutFiles) -> Iterator[FolderPhotos]:
    photos: list[Path] = []
    for name, role in names.roles():
        if role != "photograph":
            left_out.counts[role] += 1
            continue
        photos.append(folder / name)
        if len(photos) == _PORTION:
            yield FolderPhotos(tuple(photos))
            photos = []
    yield FolderPhotos(tuple(photos), left_out.all())


def _each_once(found: FolderPhotos) -> FolderPhotos:
    """Without further names of a file that is listed already: links, but not copies."""
    first: dict[str, Path] = {}
    folders = {folder: os.path.realpath(folder) for folder in {path.parent for path in found.photos}}
    links = {path for path in found.photos if path.is_symlink()}
    for path in found.photos:
        if path not in links:
            first.setdefault(str(Path(folders[path.parent], path.name)), path)
    for path in found.photos:  # after the files themselves
        if path in links:
            first.setdefault(os.path.realpath(path), path)
    kept = set(first.values())
    photos = tuple(path for path in found.photos if path in kept)
    again = LeftOut(Counter({"again": len(found.photos) - len(photos)}))
    return FolderPhotos(photos, found.left_out + again, found.inner, found.below)
