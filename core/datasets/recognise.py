"""What data set a folder holds: one of the published layouts, or folders of photographs, labels and masks.

Nothing is refused because a single file is missing: its path stands in the entry, and ``checks`` says what is wrong.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.datasets.dataset_file import PARTS, DataSetFile, Entry, Part, make_case
from core.datasets.layouts import Case, data_set_names, read_layout
from core.datasets.splits import grouped_by_patient
from core.errors import FieldOfViewError, InputError, LabelError
from core.files import shown
from core.photo.companions import photo_stem
from core.photo.reading import is_photo_path, read_fov, read_label

_PHOTO_FOLDERS: Final = re.compile(r"^(images?|imgs?|photos?|photographs?|fundus|originals?|input)$", re.IGNORECASE)
_LABEL_FOLDERS: Final = re.compile(
    r"^(.*labels?.*|.*manual.*|gt|ground[ _-]?truth|annotations?|vessels?|targets?|segmentations?|experts?.*)$",
    re.IGNORECASE,
)
_MASK_FOLDERS: Final = re.compile(r"^(masks?|fovs?|rois?|fov[ _-]?masks?)$", re.IGNORECASE)
_PART_FOLDERS: Final[dict[str, Part]] = {
    **{"train": "training", "training": "training", "val": "validation", "valid": "validation"},
    **{"validation": "validation", "test": "test", "testing": "test"},
}
_COMMON_NAMES: Final = frozenset({*_PART_FOLDERS, "data", "dataset", "images"})
_LABEL_ENDING: Final = re.compile(
    r"[_\-. ](manual\d?|1stho|2ndho|labels?|gt|ground[_-]?truth|annotations?|vessels?|seg|segmentation|ah|vk)$",
    re.IGNORECASE,
)
_MASK_ENDING: Final = re.compile(r"[_\-. ](masks?|fov|roi)$", re.IGNORECASE)
_OTHER_ENDING: Final = re.compile(r"[_\-. ](training|test|image|img)$", re.IGNORECASE)
_OWN_PICTURE: Final = re.compile(r"_(overlay|probability)$", re.IGNORECASE)

# A mask of a field of view covers at least this share of a picture, and vessels never do.
_MOSTLY: Final = 0.35
# A folder of each layout that no other has.
_MARKS: Final = {
    "drive": ("training/1st_manual", "test/1st_manual"),
    "stare": ("stare-images",),
    "hrf": ("manual1",),
}
OWN_LABEL: Final = "SERR Fundus"
"""The expert's name for masks that this program made."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """``layout`` is the name of a published data set, or "folders". ``notes`` are sentences on what was assumed."""

    layout: str
    dataset: DataSetFile
    notes: tuple[str, ...] = ()


def recognise(folder: Path) -> Recognised:
    """Find photographs with their labels and masks in a folder.

    The parts are those of the layout (DRIVE's test photographs are the test part); everything else is "training".

    Raises
    ------
    InputError : the folder cannot be read, or holds no photographs.
    """
    folder = Path(folder).absolute()
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise InputError(f"The folder {shown(folder)} cannot be read ({error.strerror or error}).") from None
    found = _published(folder, names) or _plain(folder)
    if not found.dataset.entries:
        raise InputError(
            f"There are no photographs in {shown(folder)}. Choose the folder of DRIVE, STARE, CHASE_DB1 or HRF as it "
            "is published, or a folder that holds the folders 'images' and 'labels' (and 'masks')."
        )
    entries = tuple(
        sorted(
            grouped_by_patient(found.dataset.entries),
            key=lambda entry: (PARTS.index(entry.part), entry.case.photo),
        )
    )
    return replace(found, dataset=replace(found.dataset, entries=entries))


def case_of(photo: Path) -> Case | None:
    """The labels and the mask that lie beside one photograph, found as ``recognise`` finds those of a folder.

    Looked through are the photograph's own folder and, where its place is that of a published data set or of a folder
    of photographs, the folders beside it. Masks that this program made are not meant: comparing a model with its own
    result says nothing. A mask of the field of view outside the published sets must cover as much as one does.

    Returns
    -------
    The photograph with the files that exist; None where there are none.
    """
    photo = Path(photo).absolute()
    try:
        return _case_of(photo)
    except InputError:  # a folder that may not be read
        return None


def _case_of(photo: Path) -> Case | None:
    for root in photo.parents[:3]:
        try:
            found = _published(root, {path.name for path in _listing(root)})
        except InputError:  # a folder above may not be read
            continue
        case = _same_photo(found.dataset, photo) if found else None
        if case is not None:
            return _existing(case)
    if _PHOTO_FOLDERS.match(photo.parent.name):
        cases, _ = _pairs(photo.parent.parent)
    else:
        cases = _within(photo.parent, key=_key(photo_stem(photo)))
    case = _same_photo(DataSetFile("", tuple(Entry(case) for case in cases)), photo)
    if case is not None and case.fov is not None and not _covers_most(case.fov):
        case = replace(case, fov=None)
    return _existing(case) if case is not None else None


def _same_photo(dataset: DataSetFile, photo: Path) -> Case | None:
    return next((entry.case for entry in dataset.entries if entry.case.photo == photo), None)


def _existing(case: Case) -> Case | None:
    labels = {name: path for name, path in case.labels.items() if name != OWN_LABEL and path.is_file()}
    fov = case.fov if case.fov is not None and case.fov.is_file() else None
    return replace(case, labels=labels, fov=fov) if labels or fov else None


def partners_in(folder: Path, photos: Iterable[Path]) -> dict[Path, Path]:
    """The picture of a folder that belongs to each photograph: by its stem, or but for endings such as ``_manual1``.

    Left out are the photographs to which none, or more than one, belongs.

    Raises
    ------
    InputError : the folder cannot be read.
    """
    wanted = {photo: Path(photo).absolute() for photo in photos}
    themselves = set(wanted.values())
    files = _by_key(path for path in _pictures(Path(folder).absolute()) if path not in themselves)
    return {photo: found for photo, path in wanted.items() if (found := _partner(files, path)) is not None}


def _published(folder: Path, names: set[str]) -> Recognised | None:
    wanted = [name for name in data_set_names() if _is_layout(name, folder, names)]
    if not wanted:
        return None
    name = wanted[0]
    entries: dict[Path, Entry] = {}
    protocols = []
    parts: tuple[tuple[str, Part], ...] = (("train", "training"), ("test", "test"))
    for split, part in parts:
        try:
            found = read_layout(name, folder, split, complete=False)
        except InputError:  # only one part is there
            continue
        protocols.append(found.protocol)
        for case in found.cases:
            group = case.person if case.person != case.stem else ""
            entries[case.photo] = Entry(make_case(case.photo, case.labels, case.fov), part, group)
    title = {"drive": "DRIVE", "stare": "STARE", "chase_db1": "CHASE_DB1", "hrf": "HRF"}[name]
    notes = tuple(f"{protocol}." for protocol in protocols)
    return Recognised(name, DataSetFile(title, tuple(entries.values()), "as published"), notes)


def _is_layout(name: str, folder: Path, names: set[str]) -> bool:
    if name == "chase_db1":
        return any(re.fullmatch(r"Image_\d\d[LR]_1stHO\.png", each) for each in names)
    return any((folder / mark).is_dir() for mark in _MARKS.get(name, ()))


def _plain(folder: Path) -> Recognised:
    """Folders of photographs, labels and masks; one below it for each part where such folders are there."""
    entries: list[Entry] = []
    notes: list[str] = []
    subfolders = _folders(folder)
    parts = [(sub, _PART_FOLDERS[sub.name.lower()]) for sub in subfolders if sub.name.lower() in _PART_FOLDERS]
    for place, part in parts or [(folder, "training")]:
        found, said = _pairs(place)
        entries += [Entry(case, part) for case in found]
        notes += said
    split = "by folder" if parts else ""
    # "training" alone would say little in a list of models.
    name = f"{folder.parent.name} {folder.name}" if folder.name.lower() in _COMMON_NAMES else folder.name
    return Recognised("folders", DataSetFile(name, tuple(entries), split), tuple(dict.fromkeys(notes)))


def _pairs(folder: Path) -> tuple[list[Case], list[str]]:
    subfolders = _folders(folder)
    photos = [sub for sub in subfolders if _PHOTO_FOLDERS.match(sub.name)]
    labels = [sub for sub in subfolders if _LABEL_FOLDERS.match(sub.name)]
    masks = [sub for sub in subfolders if _MASK_FOLDERS.match(sub.name)]
    if not photos:
        return _within(folder), []
    notes = []
    if not labels and masks and _hold_vessels(masks[0]):
        labels, masks = masks, []
        notes.append(f"The folder {shown(labels[0].name)} is taken for vessel labels: its pictures are mostly black.")
    by_expert = {sub.name: _by_key(_pictures(sub)) for sub in labels}
    fovs = _by_key(_pictures(masks[0])) if masks else {}
    cases = []
    for photo in _pictures(photos[0]):
        found = {expert: path for expert, files in by_expert.items() if (path := _partner(files, photo)) is not None}
        cases.append(make_case(photo, found, _partner(fovs, photo)))
    return cases, notes


def _within(folder: Path, *, key: str | None = None) -> list[Case]:
    """Photographs and labels beside one another in one folder, told apart by the ends of their names.

    ``key``: those that have this in common only.
    """
    photos: list[Path] = []
    labels: dict[str, dict[str, Path]] = {}
    fovs: dict[str, Path] = {}
    for path in _pictures(folder):
        stem = photo_stem(path)
        ending = _LABEL_ENDING.search(stem)
        if _OWN_PICTURE.search(stem) or (key is not None and _key(stem) != key):
            continue
        if ending:
            labels.setdefault(_key(stem), {})[ending[1].lower()] = path
        elif _MASK_ENDING.search(stem):
            own = (folder / f"{stem.removesuffix('_mask')}.serr.json").exists()
            if own:
                labels.setdefault(_key(stem), {})[OWN_LABEL] = path
            else:
                fovs[_key(stem)] = path
        else:
            photos.append(path)
    return [make_case(p, labels.get(_key(photo_stem(p)), {}), fovs.get(_key(photo_stem(p)))) for p in photos]


def _key(stem: str) -> str:
    """What the names of a photograph, its label and its mask have in common."""
    while True:
        shorter = stem
        for ending in (_LABEL_ENDING, _MASK_ENDING, _OTHER_ENDING):
            shorter = ending.sub("", shorter)
        if shorter == stem:
            return stem.casefold()
        stem = shorter


def _by_key(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """Files by their whole stem and by what they have in common with their photograph."""
    found: dict[str, list[Path]] = {}
    for path in paths:
        for key in dict.fromkeys((photo_stem(path).casefold(), _key(photo_stem(path)))):
            found.setdefault(key, []).append(path)
    return found


def _partner(files: dict[str, list[Path]], photo: Path) -> Path | None:
    """The file of a photograph: that of the same stem, else the only one with the same key."""
    stem = photo_stem(photo)
    same = [path for path in files.get(stem.casefold(), ()) if photo_stem(path).casefold() == stem.casefold()]
    for found in (same, files.get(_key(stem), [])):
        if len(found) == 1:
            return found[0]
    return None


def _hold_vessels(folder: Path) -> bool:
    for path in _pictures(folder):
        try:
            return float(read_label(path).vessel.mean()) < _MOSTLY
        except LabelError:
            continue
    return False


def _covers_most(mask: Path) -> bool:
    try:
        return float(read_fov(mask).inside.mean()) >= _MOSTLY
    except FieldOfViewError:
        return False


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in _listing(folder) if path.is_dir() and not path.name.startswith("."))


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in _listing(folder) if is_photo_path(path) and path.is_file())


def _listing(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())  # here, and not later, it finds out that it may not
    except OSError as error:
        raise InputError(f"The folder {shown(folder)} cannot be read ({error.strerror or error}).") from None
