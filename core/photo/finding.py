"""Which files of a folder are photographs: one rule for the command line, the desktop and data sets.

A photograph is a picture of a kind that is read, and neither a label, nor a mask, nor a result of this program. These
are known by their names (docs/formats.md). The order is natural (2 before 10), and small and capital letters are the
same.
"""

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from core.errors import InputError
from core.photo.enhanced import ENHANCED_SUFFIX, enhanced_sidecar
from core.photo.naming import take_apart
from core.photo.reading import is_photo_path
from core.photo.sibling_files import SIDECAR_SUFFIX, photo_stem
from core.photo.walking import Entry, entries_of, is_file, is_folder, natural_key, same_name, subfolders, walk

Role = Literal["photograph", "label", "mask", "result"]
Reason = Literal["result", "label", "mask", "again", "kind", "other", "gone", "folder"]

_SURE: Final[tuple[tuple[Role, re.Pattern[str]], ...]] = (
    ("result", re.compile(r"_(overlay|probability|doubt)$", re.IGNORECASE)),
    ("label", re.compile(r"([_\-. ](manual\d?|1stho|2ndho)|\.(ah|vk))$", re.IGNORECASE)),
    ("mask", re.compile(r"[_\-. ]masks?$", re.IGNORECASE)),
)
"""Ends of names that no photograph has."""
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
    return _each_once(_joined(photos_of_folder(folder, by_folder[folder]) for folder in folders))


def count_below(folder: Path, limit: int = _COUNT_LIMIT) -> Below:
    """How many photographs the sub-folders of any depth hold; at most about ``limit`` entries are looked at."""
    photos = folders = seen = 0
    for each, entries in walk(folder, _may_hold_photos):
        there = len(_among(each, entries[: limit - seen]).photos)
        photos, folders, seen = photos + there, folders + bool(there), seen + len(entries) + 1
        if seen >= limit:
            return Below(photos, folders, at_least=True)
    return Below(photos, folders)


def roles(pictures: Iterable[Path], names: Iterable[str]) -> dict[Path, Role]:
    """What pictures of one folder are, by the names.

    Many words that make a name that of a label may belong to a photograph, too (initials, say): they count where the
    photograph itself is in the same folder.

    Parameters
    ----------
    pictures : some pictures of the folder.
    names : the names of all its files: side-cars among them tell results, and photographs tell what belongs to them.
    """
    own = {same_name(name).removesuffix(SIDECAR_SUFFIX) for name in names if same_name(name).endswith(SIDECAR_SUFFIX)}
    files = {same_name(name) for name in names}
    there = [path for path in map(Path, names) if is_photo_path(path) and _sure(photo_stem(path)) is None]
    apart = {path.name: take_apart(path) for path in there}
    stems = {same_name(photo_stem(path)) for path in there}
    photographs = {name.keys[-1] for name in apart.values() if name.role == "photograph"}

    def role(path: Path) -> Role:
        stem = photo_stem(path)
        if _is_enhanced(stem, files) and same_name(stem.removesuffix("_enhanced")) in stems:
            return "result"
        sure = _sure(stem)
        if sure == "mask" and same_name(stem).removesuffix("_mask") in own:
            return "result"
        if sure is not None:
            return sure
        name = apart.get(path.name) or take_apart(path)
        return name.role if name.keys[-1] in photographs else "photograph"

    return {path: role(path) for path in pictures}


def _is_enhanced(stem: str, files: Collection[str]) -> bool:
    """Whether a picture is an enhanced one whose side-car is among the files of its folder."""
    return stem.endswith("_enhanced") and same_name(stem + ENHANCED_SUFFIX) in files


def _sure(stem: str) -> Role | None:
    return next((role for role, ending in _SURE if ending.search(stem)), None)


def _may_hold_photos(folder: Path) -> bool:
    return not _OTHER_FOLDERS.match(folder.name)


def photos_below(folder: Path) -> Iterator[FolderPhotos]:
    """The photographs of a folder, then of each folder below: one at a time, so that no number of them is too large.

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

    yield _among(folder, entries_of(folder))
    for each, entries in walk(folder, wanted):
        yield _among(each, entries)
    yield FolderPhotos(left_out=LeftOut(Counter({"folder": skipped})))


def photos_of_folder(folder: Path, files: Collection[Path]) -> FolderPhotos:
    """The photographs among some files of one folder, such as those that a pattern names there."""
    try:
        names = [entry.name for entry in entries_of(folder) if is_file(entry)]
    except InputError:  # what is in it may be opened, but not listed
        names = [path.name for path in files]
    return _of_names(files, names)


def _joined(parts: Iterable[FolderPhotos]) -> FolderPhotos:
    photos: list[Path] = []
    left_out = LeftOut()
    for part in parts:
        photos += part.photos
        left_out += part.left_out
    return FolderPhotos(tuple(photos), left_out)


def _among(folder: Path, entries: Sequence[Entry]) -> FolderPhotos:
    files = [entry.name for entry in entries if is_file(entry)]
    gone = sum(not is_file(entry) and not is_folder(entry) for entry in entries)
    found = _of_names([folder / name for name in files], files)
    return replace(found, left_out=found.left_out + LeftOut(Counter({"gone": gone})))


def _of_names(files: Collection[Path], names: Collection[str]) -> FolderPhotos:
    """The photographs among files of one folder, in which there are files of these names."""
    counts: Counter[Reason] = Counter()
    kinds, photos = set(), []
    role = roles((path for path in files if is_photo_path(path)), names)
    for path in files:
        suffix = path.suffix.lower()
        if path in role:
            if role[path] == "photograph":
                photos.append(path)
            else:
                counts[role[path]] += 1  # type: ignore[index]
        elif path.name.lower().endswith((SIDECAR_SUFFIX, ENHANCED_SUFFIX)):
            counts["result"] += 1
        else:
            counts["kind" if suffix in _NOT_READ else "other"] += 1
            kinds |= {suffix} & _NOT_READ
    ordered = sorted(photos, key=lambda path: natural_key(path.name))
    return FolderPhotos(tuple(ordered), LeftOut(counts, frozenset(kinds)))


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
