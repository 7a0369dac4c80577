"""A data set by whatever names it: a published one, a data set file, or a folder of photographs and labels."""

from pathlib import Path

from core.datasets.dataset_file import DataSetFile, is_dataset_file, read_dataset_file
from core.datasets.layouts import DataSet, read_layout
from core.datasets.recognise import recognise
from core.errors import InputError


def is_own_data_set(name: str) -> bool:
    """Whether a name means a data set file or a folder, not a published data set."""
    return is_dataset_file(name) or "/" in name or "\\" in name


def own_data_set(name: str, root: Path) -> DataSetFile | None:
    """The data set file or folder that a name means; None where it is the name of a published data set.

    Parameters
    ----------
    name : a path that ends in ``.serr-dataset``, or the path of a folder (with a slash in it, such as ``./eyes``).
    root : where relative paths begin.

    Raises
    ------
    InputError : the file or folder is missing or cannot be used.
    """
    if is_dataset_file(name):
        return read_dataset_file(Path(root) / name)
    if is_own_data_set(name):
        found = recognise(Path(root) / name)
        if not any(entry.case.labels for entry in found.dataset.entries):
            raise InputError(" ".join(found.notes) or f"There are no labels in {name}.")
        return found.dataset
    return None


def find_split(name: str, root: Path, split: str) -> DataSet:
    """One split of a data set that is given by any name (see ``own_data_set`` and ``layouts.read_layout``).

    Raises
    ------
    InputError : unknown, missing, without such a split, or its files are missing.
    """
    own = own_data_set(name, root)
    return read_layout(name, root, split) if own is None else own.part(split)
