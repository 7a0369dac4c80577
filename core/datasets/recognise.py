"""What data set a folder holds: one of the published layouts, or folders of photographs, labels and masks.

Nothing is refused because a single file is missing: its path is in the entry, and ``checks`` says what is wrong.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.datasets.dataset_file import PARTS, DataSetFile, Entry, Part, make_case
from core.datasets.layouts import Case, data_set_names, read_layout
from core.datasets.splits import grouped_by_patient
from core.errors import FieldOfViewError, InputError, LabelError
from core.files import display_path
from core.photo.folder_names import roles
from core.photo.naming import assign, folder_role, in_natural_order, is_own_picture, label_names, take_apart
from core.photo.reading import is_photo_path, read_fov, read_label
from core.photo.sibling_files import photo_stem
from core.photo.walking import natural_key, same_name

_PART_FOLDERS: Final[dict[str, Part]] = {
    **{"train": "training", "training": "training", "val": "validation", "valid": "validation"},
    **{"validation": "validation", "test": "test", "testing": "test"},
}
_COMMON_NAMES: Final = frozenset({*_PART_FOLDERS, "data", "dataset", "images"})
_RESULTS_FOLDER: Final = "serr results"
_MANY_OF_ONE: Final = 12
"""A folder of more photographs than this is not one patient's."""
_DEPTH: Final = 3

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
        raise InputError(f"The folder {display_path(folder)} cannot be read ({error.strerror or error}).") from None
    found = _published(folder, names) or _plain(folder)
    if not found.dataset.entries:
        raise InputError(
            f"There are no photographs in {display_path(folder)}. {_seen_in(folder)}Choose the folder of DRIVE, STARE, "
            "CHASE_DB1 or HRF as it is published, or a folder that holds the folders 'images' and 'labels' (and "
            "'masks')."
        )
    entries = tuple(
        sorted(
            grouped_by_patient(found.dataset.entries),
            key=lambda entry: (PARTS.index(entry.part), natural_key(entry.case.photo)),
        )
    )
    return replace(found, dataset=replace(found.dataset, entries=entries))


def case_of(photo: Path) -> Case | None:
    """The labels and the mask that are next to one photograph, found as ``recognise`` finds those of a folder.

    Looked through are the photograph's own folder and, where its place is that of a published data set or of a folder
    of photographs, the folders beside it. Masks that this program made are not meant: comparing a model with its own
    result says nothing. A mask of the field of view outside the published sets must cover as much as one does.

    Returns
    -------
    The photograph with the files that exist; None where there are none.
    """
    return CaseFinder().case_of(photo)


class CaseFinder:
    """Finds the cases of many photographs as ``case_of`` does, and looks through each folder once for all of them."""

    def __init__(self) -> None:
        self._known: dict[tuple[Callable[[Path], list[Case]], Path], dict[Path, Case]] = {}

    def case_of(self, photo: Path) -> Case | None:
        """The photograph with the files that exist; None where there are none."""
        photo = Path(photo).absolute()
        try:
            return self._case_of(photo)
        except InputError:  # a folder that may not be read
            return None

    def _case_of(self, photo: Path) -> Case | None:
        for root in photo.parents[:3]:
            case = self._cases(_published_cases, root).get(photo)
            if case is not None:
                return _existing(case)
        case = None
        for place in photo.parents[:_DEPTH]:  # images/x.jpg, and images/patient/x.jpg
            if folder_role(place.name) == "photograph":
                case = self._cases(_paired_cases, place.parent).get(photo)
                break
        case = case or self._cases(_within, photo.parent).get(photo)
        if case is not None and case.fov is not None and not _covers_most(case.fov):
            case = replace(case, fov=None)
        return _existing(case) if case is not None else None

    def _cases(self, look: Callable[[Path], list[Case]], folder: Path) -> dict[Path, Case]:
        key = (look, folder)
        if key not in self._known:
            cases: dict[Path, Case] = {}
            for case in look(folder):
                cases.setdefault(case.photo, case)
            self._known[key] = cases
        return self._known[key]


def _published_cases(root: Path) -> list[Case]:
    try:
        found = _published(root, {path.name for path in _listing(root)})
    except InputError:  # a folder above may not be read
        return []
    return [entry.case for entry in found.dataset.entries] if found else []


def _paired_cases(folder: Path) -> list[Case]:
    return _pairs(folder)[0]


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
    files = _pictures(Path(folder).absolute())
    assigned = assign(list(wanted.values()), files)
    same: dict[str, list[Path]] = {}
    for path in files:
        same.setdefault(same_name(photo_stem(path)), []).append(path)
    partners = {}
    for photo, path in wanted.items():
        alike = [each for each in same.get(same_name(photo_stem(path)), []) if each != path]
        found = alike or list(assigned.get(path, {}).values())
        if len(found) == 1:
            partners[photo] = found[0]
    return partners


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
    if not entries:  # folders of these names with other photographs in them
        return None
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
        groups: list[Entry] = [Entry(case, part) for case in found]
        if not any(case.labels for case in found):
            below = _in_subfolders(place, part)
            if below:
                groups = below
                said = [f"Each folder in {display_path(place.name)} is looked into for its own photographs and labels."]
        entries += groups
        notes += said
    missing = [entry.case for entry in entries if not entry.case.labels]
    if missing:
        notes.append(_without_labels(folder, missing, len(entries)))
    split = "by folder" if parts else ""
    # "training" alone would say little in a list of models.
    name = f"{folder.parent.name} {folder.name}" if folder.name.lower() in _COMMON_NAMES else folder.name
    return Recognised("folders", DataSetFile(display_path(name), tuple(entries), split), tuple(dict.fromkeys(notes)))


def _in_subfolders(folder: Path, part: Part, depth: int = _DEPTH) -> list[Entry]:
    """Photographs with labels in the folders below, one for each patient, say; nothing where there are no labels."""
    entries: list[Entry] = []
    for sub in _folders(folder):
        if same_name(sub.name) == _RESULTS_FOLDER:
            continue
        cases, _ = _pairs(sub)
        if any(case.labels for case in cases):
            group = display_path(sub.name) if len(cases) <= _MANY_OF_ONE else ""
            entries += [Entry(case, part, group) for case in cases]
        elif depth > 1:
            entries += _in_subfolders(sub, part, depth - 1)
    return entries


def _without_labels(folder: Path, missing: Sequence[Case], count: int) -> str:
    """That photographs have no labels, what is there, and how their labels would be called."""
    photo = missing[0].photo
    there = [path for sub in _folders(folder) if folder_role(sub.name) == "label" for path in _pictures_below(sub)]
    seen = ""
    if there:
        names = " and ".join(display_path(path.name) for path in there[:2])
        seen = f" The folder {display_path(there[0].parent.name)} has {names}, which belong to none."
    elif folders := [display_path(sub.name) for sub in _folders(folder)]:
        seen = f" Seen were the folders {', '.join(folders[:6])}{' ...' if len(folders) > 6 else ''}."
    return (
        f"{len(missing)} of {count} photographs have no label, such as {display_path(photo.name)}.{seen} A label is "
        f"called {label_names(display_path(photo_stem(photo)))}, in the same folder or in a folder 'labels' beside it."
    )


def _seen_in(folder: Path) -> str:
    names = [display_path(path.name) for path in sorted(_listing(folder)) if not path.name.startswith(".")]
    return f"Seen were {', '.join(names[:6])}{' ...' if len(names) > 6 else ''}. " if names else ""


def _pairs(folder: Path) -> tuple[list[Case], list[str]]:
    by_role: dict[str | None, list[Path]] = {}
    for sub in _folders(folder):
        by_role.setdefault(folder_role(sub.name), []).append(sub)
    photo_folders = [sub for sub in by_role.get("photograph", []) if _pictures_below(sub)]
    labels, masks = by_role.get("label", []), by_role.get("mask", [])
    photos = _without_results(_pictures_below(photo_folders[0])) if photo_folders else []
    if not photos:
        photos = [path for path in _pictures(folder) if take_apart(path).role == "photograph"] if labels else []
    if not photos:
        return _within(folder), []
    notes = []
    if not labels and masks and _hold_vessels(masks[0]):
        labels, masks = masks, []
        notes.append(
            f"The folder {display_path(labels[0].name)} is taken for vessel labels: its pictures are mostly black."
        )
    found: dict[Path, dict[str, Path]] = {photo: {} for photo in photos}
    for sub in labels:
        assigned = assign(photos, _pictures_below(sub))
        several = any(len(_drawn(files)) > 1 for files in assigned.values())
        for photo, files in assigned.items():
            for ending, path in _drawn(files).items():
                found[photo].setdefault(ending or sub.name if several else sub.name, path)
    fovs = assign(photos, _pictures_below(masks[0])) if masks else {}
    return [make_case(photo, found[photo], _mask_of(fovs.get(photo, {}))) for photo in photos], notes


def _drawn(files: Mapping[str, Path]) -> dict[str, Path]:
    """Of the files of a folder of labels the labels, in the order of their names; masks only where nothing else is."""
    labels = {ending: path for ending, path in files.items() if take_apart(path).role != "mask"}
    chosen = labels or files
    return {ending: chosen[ending] for ending in sorted(chosen, key=natural_key)}


def _mask_of(files: Mapping[str, Path]) -> Path | None:
    masks = [path for path in files.values() if take_apart(path).role == "mask"] or list(files.values())
    return masks[0] if len(masks) == 1 else None


def _within(folder: Path) -> list[Case]:
    """Photographs and labels beside one another in one folder, told apart by words in their names."""
    files: dict[str, list[Path]] = {"photograph": [], "label": [], "mask": [], "own": []}
    for path, role in roles(_pictures(folder), [path.name for path in _listing(folder)]).items():
        if role != "result":
            files[role].append(path)
        elif not is_own_picture(path):
            files["own"].append(path)
    photos = files["photograph"]
    drawn, fovs, own_masks = (assign(photos, files[role]) for role in ("label", "mask", "own"))
    cases = []
    for photo in photos:
        labels = {ending or "label": path for ending, path in _drawn(drawn.get(photo, {})).items()}
        made_here = list(own_masks.get(photo, {}).values())
        if made_here:
            labels[OWN_LABEL] = made_here[0]
        cases.append(make_case(photo, labels, _mask_of(fovs.get(photo, {}))))
    return cases


def _hold_vessels(folder: Path) -> bool:
    for path in _pictures_below(folder):
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


def _pictures_below(folder: Path, depth: int = _DEPTH) -> list[Path]:
    """The pictures of a folder and of the folders in it."""
    found = _pictures(folder)
    if depth > 1:
        for sub in _folders(folder):
            found += _pictures_below(sub, depth - 1)
    return found


def _without_results(pictures: Sequence[Path]) -> list[Path]:
    """Without those that the program has made of photographs, which by default it writes into a folder among these."""
    kept = []
    for folder, files in itertools.groupby(pictures, key=lambda path: path.parent):
        named = roles(files, [each.name for each in _listing(folder)])
        kept += [path for path, role in named.items() if role != "result"]
    return kept


def _pictures(folder: Path) -> list[Path]:
    return in_natural_order(path for path in _listing(folder) if is_photo_path(path) and path.is_file())


def _listing(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())  # here, and not later, it finds out that it may not
    except OSError as error:
        raise InputError(f"The folder {display_path(folder)} cannot be read ({error.strerror or error}).") from None
