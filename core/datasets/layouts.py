"""The published data sets as they are laid out on disk, and the protocols by which results on them are compared."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.errors import InputError
from core.files import display_path
from core.photo.label_values import LabelValues
from core.photo.reading import PHOTO_SUFFIXES, is_photo_path
from core.photo.sibling_files import photo_stem
from core.photo.walking import natural_key


@dataclass(frozen=True, slots=True)
class Case:
    """One photograph: ``labels`` is expert name -> file, ground truth first; ``fov`` its mask where the set has one.

    ``person`` is the same for photographs of the same person, as far as the data set says so; they must not be parted
    between learning and choosing. ``values`` says for experts by name which values of their labels are vessel, where
    the labels are not black and white.
    """

    stem: str
    photo: Path
    labels: dict[str, Path]
    fov: Path | None = None
    person: str = ""
    values: Mapping[str, LabelValues] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "stem", display_path(self.stem))  # it is printed, and may be no text
        if not self.person:
            object.__setattr__(self, "person", self.stem)

    def with_values(self, values: LabelValues) -> "Case":
        """The same photograph, with these values for the vessels of every label."""
        return replace(self, values=dict.fromkeys(self.labels, values))


@dataclass(frozen=True, slots=True)
class DataSet:
    """The cases of one split, in file-name order; ``protocol`` says in words what a score on it means."""

    name: str
    split: str
    protocol: str
    cases: tuple[Case, ...]

    def with_values(self, values: LabelValues) -> "DataSet":
        """The same data set, with these values for the vessels of every label; the protocol says so."""
        cases = tuple(case.with_values(values) for case in self.cases)
        return replace(self, protocol=f"{self.protocol}; label values: {values.text}", cases=cases)


def data_set_names() -> tuple[str, ...]:
    return tuple(_LAYOUTS)


def splits(name: str) -> tuple[str, ...]:
    """Names of the splits of a data set. Raises InputError for an unknown data set."""
    return _layout(name).splits


def published_title(name: str) -> str:
    """A data set as its publication calls it, "CHASE_DB1" for example. Raises InputError for an unknown data set."""
    return _layout(name).folder


def same_layout(one: str, other: str) -> bool:
    """Whether two names mean the same published data set."""
    try:
        return _layout(one).name == _layout(other).name
    except InputError:
        return False


def read_layout(name: str, root: Path, split: str, *, complete: bool = True) -> DataSet:
    """Find the files of one split of a published data set.

    Parameters
    ----------
    name : "drive", "stare", "chase_db1" or "hrf" (case and hyphens do not matter).
    root : the folder of the data set, or the folder that holds it.
    split : one of ``splits(name)``.
    complete : every photograph must have its label, and its mask where the set has masks. Without it the path of a
        missing file is in the case, for those who want to say what is missing.

    Raises
    ------
    InputError : unknown name or split, or files that should be there are missing.
    """
    layout = _layout(name)
    if split not in layout.splits:
        raise InputError(f"{layout.folder} has no split '{split}'; choose one of: {', '.join(layout.splits)}")
    root = Path(root)
    folder = root / layout.folder if (root / layout.folder).is_dir() else root
    if not folder.is_dir():
        raise InputError(f"the data set folder {folder} does not exist; give the folder that holds {layout.folder}")
    cases, protocol = layout.read(folder, split)
    if not cases:
        raise InputError(
            f"no photographs of the {split} split of {layout.folder} in {folder}; expected {layout.expected}"
        )
    if complete:
        for case in cases:
            _check_files(case)
    return DataSet(layout.name, split, protocol, tuple(cases))


@dataclass(frozen=True, slots=True)
class _Layout:
    name: str
    folder: str
    splits: tuple[str, ...]
    expected: str
    read: Callable[[Path, str], tuple[list[Case], str]]


def _layout(name: str) -> _Layout:
    key = name.strip().lower().replace("-", "_")
    key = {"chase": "chase_db1", "chasedb1": "chase_db1"}.get(key, key)
    if key not in _LAYOUTS:
        raise InputError(f"unknown data set '{name}'; known are: {', '.join(_LAYOUTS)}")
    return _LAYOUTS[key]


def _photos(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(
            f"the folder {folder} is missing; is this the data set in the layout in which it is published?"
        )
    return sorted((path for path in folder.iterdir() if is_photo_path(path)), key=natural_key)


def _check_files(case: Case) -> None:
    truth = next(iter(case.labels.values()))
    for path in (truth, case.fov):
        if path is not None and not path.is_file():
            raise InputError(f"{path} is missing: it belongs to {case.photo.name}")


def _optional(labels: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    return {expert: path for expert, path in labels if path.is_file()}


def _there(folder: Path, stem: str, suffix: str) -> Path:
    """The picture of a stem in a folder, published with ``suffix``: people pack, unpack and convert them."""
    published = folder / f"{stem}{suffix}"
    if published.is_file() or not folder.is_dir():
        return published
    others = (folder / f"{stem}{other}" for other in PHOTO_SUFFIXES)
    return next((path for path in others if path.is_file()), published)


def _drive(root: Path, split: str) -> tuple[list[Case], str]:
    folder = root / {"train": "training", "test": "test"}[split]
    cases = []
    for photo in _photos(folder / "images"):
        number = photo.stem.split("_")[0]
        first = _there(folder / "1st_manual", f"{number}_manual1", ".gif")
        second = _there(folder / "2nd_manual", f"{number}_manual2", ".gif")
        fov = _there(folder / "mask", f"{photo.stem}_mask", ".gif")
        cases.append(Case(photo.stem, photo, {"1st observer": first, **_optional([("2nd observer", second)])}, fov))
    return cases, f"DRIVE {split} photographs; ground truth 1st observer; field of view as given"


_STARE_SEED_TEST = {"im0162", "im0163", "im0235", "im0236", "im0239", "im0240"}


def _stare(root: Path, split: str) -> tuple[list[Case], str]:
    split = {"10/10": "test", "seed": "seed-test"}.get(split, split)  # the protocols by name: what is tested on
    seed = split.startswith("seed-")
    cases = []
    for photo in _photos(root / "stare-images"):
        stem = photo_stem(photo)
        ah = _there(root / "labels-ah", f"{stem}.ah", ".ppm")
        vk = _there(root / "labels-vk", f"{stem}.vk", ".ppm")
        first, second = (("vk", vk), ("ah", ah)) if seed else (("ah", ah), ("vk", vk))
        labels = {first[0]: first[1], **_optional([second])}
        cases.append(Case(stem, photo, labels))
    if seed:
        wanted = split == "seed-test"
        cases = [case for case in cases if (case.stem in _STARE_SEED_TEST) == wanted]
        return (
            cases,
            f"STARE, split of the SERR-U-Net authors, {split[5:]} part; ground truth vk; field of view estimated",
        )
    if split != "all":
        cases = cases[:10] if split == "train" else cases[10:]
    part = {"train": "10/10, first ten", "test": "10/10, last ten", "all": "all"}[split]
    return cases, f"STARE {part} photographs by file name; ground truth ah; field of view estimated"


_CHASE_PHOTO = re.compile(r"Image_\d\d[LR]")


def _chase(root: Path, split: str) -> tuple[list[Case], str]:
    cases = []
    for photo in _photos(root):
        if not _CHASE_PHOTO.fullmatch(photo.stem):  # labels are next to their photographs
            continue
        first = _there(root, f"{photo.stem}_1stHO", ".png")
        second = _there(root, f"{photo.stem}_2ndHO", ".png")
        labels = {"1stHO": first, **_optional([("2ndHO", second)])}
        cases.append(Case(photo.stem, photo, labels, person=photo.stem[:-1]))  # both eyes of a child: _01L and _01R
    if split != "all":  # the usual split: both eyes of children 1 to 10 train, of 11 to 14 test
        cases = [case for case in cases if (int(case.stem[6:8]) <= 10) == (split == "train")]
    part = {"train": "first 20", "test": "last 8", "all": "all"}[split]
    return cases, f"CHASE_DB1 {part} photographs; ground truth 1st human observer; field of view estimated"


_HRF_PHOTO = re.compile(r"\d\d_(h|dr|g)")


def _hrf(root: Path, split: str) -> tuple[list[Case], str]:
    cases = []
    for photo in _photos(root / "images"):
        if not _HRF_PHOTO.fullmatch(photo.stem):
            continue
        label = _there(root / "manual1", photo.stem, ".tif")
        fov = _there(root / "mask", f"{photo.stem}_mask", ".tif")
        cases.append(Case(photo.stem, photo, {"manual1": label}, fov))
    if split != "all":
        cases = [case for case in cases if (int(case.stem[:2]) <= 10) == (split == "train")]
    part = {"train": "01 to 10", "test": "11 to 15", "all": "all"}[split]
    return cases, f"HRF {part} of each group; ground truth manual1; field of view as given"


_LAYOUTS = {
    "drive": _Layout("drive", "DRIVE", ("train", "test"), "training/images/*.tif and test/images/*.tif", _drive),
    "stare": _Layout(
        "stare",
        "STARE",
        ("train", "test", "all", "seed-train", "seed-test", "10/10", "seed"),
        "stare-images/im*.ppm",
        _stare,
    ),
    "chase_db1": _Layout("chase_db1", "CHASE_DB1", ("train", "test", "all"), "Image_*.jpg", _chase),
    "hrf": _Layout("hrf", "HRF", ("train", "test", "all"), "images/*.jpg", _hrf),
}
