"""Finding, checking and writing data sets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.datasets.dataset_file import (
    PARTS,
    DataSetFile,
    Entry,
    is_dataset_file,
    read_dataset_file,
    writable,
    write_dataset_file,
)
from core.datasets.recognise import Recognised, recognise
from core.errors import SerrError
from core.progress import Monitor, Progress
from core.types import BoolArray, FieldOfView
from serr_gui.model.training import DataSetFacts
from serr_gui.tasks.monitor import YieldingMonitor

if TYPE_CHECKING:
    from core.datasets.checks import Examination

PICTURE_PX = 160


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """What was seen of one entry."""

    entry: Entry
    examination: "Examination"


def find_data_set(path: Path, monitor: Monitor) -> Recognised:
    """The data set of a data set file, or of a folder, without names that no such file can hold. Raises InputError."""
    monitor.step(Progress("Looking for photographs"))
    if is_dataset_file(path):
        return Recognised("file", read_dataset_file(path))
    found = recognise(path)
    dataset, left_out = writable(path / "new.serr-dataset", found.dataset)
    return replace(found, dataset=dataset, notes=(*found.notes, *left_out))


def count_parts(file: Path, monitor: Monitor) -> DataSetFacts:
    """How many photographs each part of a data set file has."""
    monitor.step(Progress("Looking for photographs"))
    try:
        dataset = read_dataset_file(file)
    except SerrError as error:
        return DataSetFacts(file, problem=str(error))
    return DataSetFacts(file, dataset.name, {part: dataset.count(part) for part in PARTS if dataset.count(part)})


def examine_all(entries: Sequence[Entry], monitor: YieldingMonitor[Examined]) -> None:
    """Deliver an ``Examined`` for each entry, in their order."""
    from core.datasets.checks import examine

    for number, entry in enumerate(entries):
        monitor.step(Progress("Checking photographs", number, len(entries)))
        monitor.yield_result(Examined(entry, examine(entry.case, picture_px=PICTURE_PX)))


def save_data_set(path: Path, dataset: DataSetFile, monitor: Monitor) -> Path:
    """Write a data set file. Raises SerrError."""
    monitor.step(Progress("Writing the data set"))
    return write_dataset_file(path, dataset)


def add_to_data_set(file: Path, photo: Path, vessel: BoolArray, fov: FieldOfView, monitor: Monitor) -> DataSetFile:
    """Add a photograph with its mask to a data set file. Raises SerrError."""
    from core.datasets.adding import add_photograph

    monitor.step(Progress("Writing the mask"))
    return add_photograph(file, photo, vessel, fov)
