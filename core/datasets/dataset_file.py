"""A user's own data set as a small file: which photographs, labels and masks belong together, and in which part.

TOML with the suffix ``.serr-dataset``; ``docs/formats.md`` describes it. Paths are relative to the file where they
can, so that a folder can be moved or copied with its data set.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from core.datasets.layouts import Case, DataSet
from core.errors import InputError, LabelError
from core.files import display_path, write_bytes_atomic
from core.photo.label_values import LabelValues
from core.photo.sibling_files import output_stems, photo_stem
from core.strict import Malformed, read_toml

if TYPE_CHECKING:
    from pydantic import BaseModel

Part = Literal["training", "validation", "test", "unused"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
SUFFIX: Final = ".serr-dataset"
FORMAT_VERSION: Final = 2
"""2: with ``vessel_values`` and ``ignored_values``; a file without them is written as 1, which older programs read."""
_MOST_BYTES: Final = 64 << 20  # some 200,000 photographs

_OTHER_SUFFIXES: Final = {".json", ".toml", ".txt", ".csv", ".yaml", ".yml", ".xml", ".ini", ".dataset"}
# What the published data sets call their parts.
_OTHER_NAMES: Final[dict[str, Part]] = {"train": "training", "val": "validation"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A photograph with its files and its part. Photographs of one ``group`` (a patient) belong into one part.

    An empty group says that the photograph is a group of its own.
    """

    case: Case
    part: Part = "training"
    group: str = ""

    @property
    def group_key(self) -> str:
        """The group, or what takes its place where the photograph is alone."""
        return self.group or f"\0{self.case.photo}"


@dataclass(frozen=True, slots=True)
class DataSetFile:
    """What a data set file holds; ``split`` says in words how the parts came about. All paths are absolute."""

    name: str
    entries: tuple[Entry, ...]
    split: str = ""
    notes: str = ""

    def with_values(self, values: LabelValues) -> "DataSetFile":
        """The same data set, with these values for the vessels of every label."""
        entries = tuple(replace(entry, case=entry.case.with_values(values)) for entry in self.entries)
        return replace(self, entries=entries)

    def count(self, part: Part) -> int:
        return sum(entry.part == part for entry in self.entries)

    def part(self, part: str) -> DataSet:
        """One part as a data set to be trained on or evaluated.

        Raises
        ------
        InputError : the part is unknown or has no photographs.
        """
        wanted = part_named(part)
        # Two folders may each have a photograph "01": only the group or the file tells who is on it.
        persons = ((entry, entry.group or str(entry.case.photo)) for entry in self.entries if entry.part == wanted)
        cases = tuple(replace(entry.case, person=person) for entry, person in persons)
        if not cases:
            there = ", ".join(f"{name} ({self.count(name)})" for name in PARTS if self.count(name)) or "none"
            raise InputError(
                f'The data set "{self.name}" has no photographs in its {wanted} part. Parts that have some: {there}. '
                "Choose one of these, or split the data set again."
            )
        return self._of(wanted, f"{wanted} part", cases)

    def whole(self) -> DataSet:
        """All parts together as a data set, without the photographs that are not used.

        Raises
        ------
        InputError : there are none.
        """
        used = [entry for entry in self.entries if entry.part != "unused"]
        if not used:
            raise InputError(f'The data set "{self.name}" has no photographs that are used: choose another.')
        parts = " and ".join(dict.fromkeys(entry.part for entry in used))
        cases = tuple(replace(entry.case, person=entry.group) for entry in used)
        return self._of("all", f"all photographs ({parts})", cases)

    def _of(self, split: str, what: str, cases: tuple[Case, ...]) -> DataSet:
        fovs = sum(case.fov is not None for case in cases)
        origin = "as given" if fovs == len(cases) else f"given for {fovs} of {len(cases)}, else estimated"
        how = f" ({self.split})" if self.split else ""
        how += _said_of_values(cases)
        protocol = f"{self.name}, {what}{how}; ground truth the first label of each; field of view {origin}"
        names = output_stems([case.photo for case in cases])  # two folders may each have an "image.png"
        return DataSet(self.name, split, protocol, tuple(replace(case, stem=names[case.photo]) for case in cases))


def _said_of_values(cases: Sequence[Case]) -> str:
    """What the labels' values mean, in words, where it is said for any."""
    said = {case.values[name] for case in cases for name in list(case.labels)[:1] if name in case.values}
    return f"; label values: {' or '.join(sorted(one.text for one in said))}" if said else ""


def part_named(name: str) -> Part:
    """The part for a word; "train" and "val" are understood. Raises InputError."""
    lower = name.strip().lower()
    lower = _OTHER_NAMES.get(lower, lower)
    for part in PARTS:
        if part == lower:
            return part
    raise InputError(f"A data set file has no part '{name}'; choose one of: {', '.join(PARTS)}.")


def is_dataset_file(text: str | Path) -> bool:
    """Whether a name is that of a data set file, not of a published data set."""
    return os.fspath(text).lower().endswith(SUFFIX)


def dataset_path(path: Path) -> Path:
    """The path with the suffix of data set files, in the place of that of another kind: ``few.json`` is not a name."""
    if is_dataset_file(path):
        return path
    stem = path.stem if path.suffix.lower() in _OTHER_SUFFIXES else path.name
    return path.with_name(stem.removesuffix(SUFFIX) + SUFFIX)


def read_dataset_file(path: Path) -> DataSetFile:
    """Read a data set file. The files that it names are not looked at (``checks`` does that).

    Raises
    ------
    InputError : missing, unreadable, not a data set file, newer than this program, or with a wrong or double entry.
    """
    from pydantic import ValidationError

    path = Path(path)
    try:
        values = read_toml(path, _MOST_BYTES)
    except OSError as error:
        raise InputError(
            f"The data set file {display_path(path)} cannot be read ({error.strerror or error})."
        ) from None
    except Malformed as error:
        raise InputError(f"{display_path(path)} is not a data set file: {error}. Choose a {SUFFIX} file.") from None
    version = values.pop("serr_dataset", None)
    if type(version) is not int:
        raise InputError(f"{display_path(path)} is not a data set file: it does not say 'serr_dataset = 1'.")
    if version > FORMAT_VERSION:
        raise InputError(
            f"{display_path(path)} was written by a newer version of this program (format {version}): update the "
            "program."
        )
    try:
        content: Any = _model().model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])[:100]
        raise InputError(
            f"{display_path(path)} is wrong at '{where}': {first['msg']}. Correct it, or make it again."
        ) from None
    folder = path.absolute().parent
    try:
        entries = tuple(_entry(folder, item) for item in content.photographs)
    except LabelError as error:
        raise InputError(f"{display_path(path)} is wrong: {error}") from None
    _refuse_doubles(path, entries)
    return DataSetFile(content.name or path.stem, entries, content.split, content.notes)


def write_dataset_file(path: Path, dataset: DataSetFile) -> Path:
    """Write a data set file, all or nothing.

    Raises
    ------
    OutputError : it cannot be written. InputError : wrong suffix, a double entry, or a name that is not text.
    """
    import tomli_w

    path = Path(path)
    if not is_dataset_file(path):
        raise InputError(f"A data set file is written as {SUFFIX}: give {display_path(path.name)} that suffix.")
    _refuse_doubles(path, dataset.entries)
    folder = path.absolute().parent
    photographs = []
    for entry in dataset.entries:
        case = entry.case
        item: dict[str, object] = {"photo": _stored(case.photo, folder), "part": entry.part}
        item["labels"] = {name: _stored(label, folder) for name, label in case.labels.items()}
        item |= _stored_values(case)
        if case.fov is not None:
            item["fov"] = _stored(case.fov, folder)
        if entry.group:
            item["group"] = entry.group
        photographs.append(item)
    with_values = any(entry.case.values for entry in dataset.entries)
    version = FORMAT_VERSION if with_values else 1
    values = {"serr_dataset": version, "name": dataset.name, "split": dataset.split, "notes": dataset.notes}
    try:
        content = tomli_w.dumps({**values, "photographs": photographs}).encode()
    except UnicodeEncodeError:
        raise InputError(
            f"The name of the data set {display_path(path)}, of an expert or of a patient is not text "
            "(not UTF-8): give another."
        ) from None
    write_bytes_atomic(path, content, follow_link=True)
    return path


def unwritable(path: Path, dataset: DataSetFile) -> dict[int, str]:
    """The entries that cannot be written into a data set file, by row, each with a sentence: a name is not text."""
    folder = path.absolute().parent
    found = {}
    for row, entry in enumerate(dataset.entries):
        case = entry.case
        try:
            for each in (case.photo, *case.labels.values(), *((case.fov,) if case.fov is not None else ())):
                _stored(each, folder)
        except InputError as error:
            found[row] = str(error)
    return found


def writable(path: Path, dataset: DataSetFile) -> tuple[DataSetFile, tuple[str, ...]]:
    """The data set without the entries that cannot be written into a file there, and a sentence for each of those.

    Raises
    ------
    InputError : not one entry can be written.
    """
    nameless = unwritable(path, dataset)
    if nameless and len(nameless) == len(dataset.entries):
        raise InputError(next(iter(nameless.values())))
    entries = tuple(entry for row, entry in enumerate(dataset.entries) if row not in nameless)
    return replace(dataset, entries=entries), tuple(f"{why} Its photograph is left out." for why in nameless.values())


def with_entry(dataset: DataSetFile, entry: Entry) -> DataSetFile:
    """A data set with one more photograph.

    One that is in it already keeps its part, group and mask; its new labels come before those that it had.
    """
    for number, old in enumerate(dataset.entries):
        if old.case.photo == entry.case.photo:
            labels = {**entry.case.labels, **{n: p for n, p in old.case.labels.items() if n not in entry.case.labels}}
            values = {**entry.case.values, **old.case.values}
            case = replace(old.case, labels=labels, fov=old.case.fov or entry.case.fov, values=values)
            entries = (*dataset.entries[:number], replace(old, case=case), *dataset.entries[number + 1 :])
            return replace(dataset, entries=entries)
    return replace(dataset, entries=(*dataset.entries, entry))


def make_case(
    photo: Path,
    labels: dict[str, Path],
    fov: Path | None = None,
    values: Mapping[str, LabelValues] | None = None,
) -> Case:
    """A case that is named after its photograph."""
    return Case(photo_stem(photo), photo, labels, fov, values=values or {})


def _model() -> "type[BaseModel]":
    """The form of the file. Made here: pydantic takes a moment to load, and lists of models do not need it."""
    from pydantic import BaseModel, ConfigDict, Field

    class Photograph(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        photo: str = Field(min_length=1)
        labels: dict[str, str] = Field(default_factory=dict)
        vessel_values: dict[str, str] = Field(default_factory=dict)
        ignored_values: dict[str, str] = Field(default_factory=dict)
        fov: str = ""
        part: Part = "training"
        group: str = ""

    class Content(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        name: str = ""
        split: str = ""
        notes: str = ""
        photographs: list[Photograph] = Field(default_factory=list)

    return Content


def _entry(folder: Path, item: Any) -> Entry:
    labels = {name: _absolute(label, folder) for name, label in item.labels.items()}
    fov = _absolute(item.fov, folder) if item.fov else None
    values = {
        name: LabelValues.parse(text, item.ignored_values.get(name, "")) for name, text in item.vessel_values.items()
    }
    return Entry(make_case(_absolute(item.photo, folder), labels, fov, values), item.part, item.group)


def _stored_values(case: Case) -> dict[str, object]:
    """What the values of the labels mean, by the name of the expert."""
    stored: dict[str, object] = {}
    if case.values:
        stored["vessel_values"] = {name: values.vessel_text for name, values in case.values.items()}
    ignored = {name: values.ignored_text for name, values in case.values.items() if values.ignored}
    return stored | ({"ignored_values": ignored} if ignored else {})


def _absolute(text: str, folder: Path) -> Path:
    return Path(os.path.normpath(folder / PurePosixPath(text)))


def _stored(path: Path, folder: Path) -> str:
    path = path.absolute()
    try:
        text = Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        text = path.as_posix()
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(f"The name {display_path(path)} is not text (not UTF-8): rename it.") from None
    return text


def _refuse_doubles(path: Path, entries: Sequence[Entry]) -> None:
    seen: set[Path] = set()
    for entry in entries:
        if entry.case.photo in seen:
            raise InputError(
                f"{display_path(path)} names the photograph {display_path(entry.case.photo)} twice: leave one of them."
            )
        seen.add(entry.case.photo)
