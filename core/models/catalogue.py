"""The models there are: those that came with the program and the person's own, by name."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

from core.errors import WeightsError
from core.files import display_path
from core.models.model_card import ModelCard, Task
from core.models.weights_header import PICKLE_SUFFIXES, SUFFIX, read_card, wrong_task
from core.progress import SILENT, Monitor
from core.resources import resource_path

if TYPE_CHECKING:
    import torch

    from core.models.weights_file import LoadedModel

DEFAULT_MODEL: Final = "serr-unet-general-small"
"""The model that is used where none is named."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model to choose: its card, its file, and whether it came with the program."""

    card: ModelCard
    path: Path
    bundled: bool


def user_models_folder() -> Path:
    """Where a person's own models are: ``SERR_MODELS``, or else ``models`` in the user's data folder. May not exist."""
    chosen = os.environ.get("SERR_MODELS")
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_data_path

    return user_data_path("serr-fundus", appauthor=False) / "models"


def list_models(*, task: Task | None = "vessels", monitor: Monitor = SILENT) -> list[ModelEntry]:
    """The models for a task (None: for any) that came with the program, then the person's own, each group by name.

    Only headers are read. A file that cannot be used is left out; ``monitor.note`` says which and why.
    """
    return [*_bundled_models(task, monitor), *_user_models(task, monitor)]


def _bundled_models(task: Task | None, monitor: Monitor) -> list[ModelEntry]:
    return _entries(_weights_in(resource_path("weights")), bundled=True, task=task, monitor=monitor)


def _user_models(task: Task | None, monitor: Monitor) -> list[ModelEntry]:
    return _entries(_weights_in(user_models_folder()), bundled=False, task=task, monitor=monitor)


def _weights_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() == SUFFIX)
    except OSError:  # not there, or not to be read: no models of this kind
        return []


def _entries(paths: Iterable[Path], *, bundled: bool, task: Task | None, monitor: Monitor = SILENT) -> list[ModelEntry]:
    found = []
    for path in paths:
        try:
            entry = ModelEntry(read_card(path), path, bundled)
        except WeightsError as error:
            monitor.note(str(error))
        else:
            if task in (None, entry.card.task):
                found.append(entry)
    return sorted(found, key=lambda entry: entry.card.name)


def find_model(name_or_path: str | Path, *, task: Task | None = "vessels", monitor: Monitor = SILENT) -> Path:
    """The weights file for the name of a model for a task (None: for any), or for a path.

    Text without a folder and without the suffix of a file is a name. Two different models of one name are an error, so
    that nobody gets silently another model than the one they meant. ``monitor.note`` says which files cannot be used.

    Raises
    ------
    WeightsError : no such model or file, or more than one.
    """
    text = os.fspath(name_or_path)
    suffix = Path(text).suffix.lower()
    is_path = isinstance(name_or_path, Path) or "/" in text or os.sep in text
    if is_path or suffix == SUFFIX or suffix in PICKLE_SUFFIXES:
        return Path(text).expanduser()
    # Those that came with the program are called as their files: the headers of the others need not be read.
    own_file = [path for path in _weights_in(resource_path("weights")) if path.stem == text]
    called_so = [entry for entry in _entries(own_file, bundled=True, task=task) if entry.card.name == text]
    entries = [*(called_so or _bundled_models(task, monitor)), *_user_models(task, monitor)]
    found = [entry for entry in entries if entry.card.name == text]
    if len({entry.card.sha256 for entry in found}) > 1:
        files = " and ".join(display_path(entry.path) for entry in found)
        raise WeightsError(f'There are different models named "{text}": {files}. Give the path of the one you mean.')
    if found:
        return found[0].path
    entries = list_models(task=task)
    names = ", ".join(dict.fromkeys(entry.card.name for entry in entries)) or "none"
    for other in get_args(Task):
        if task is not None and other != task and any(entry.card.name == text for entry in list_models(task=other)):
            raise WeightsError(f"{wrong_task(text, other, task)} Available models: {names}.")
    raise WeightsError(
        f'There is no model named "{text}". Available models: {names}. Give one of these names or the path of a '
        f"{SUFFIX} file."
    )


def load_model(
    name_or_path: str | Path = DEFAULT_MODEL, device: "str | torch.device" = "cpu", *, task: Task | None = "vessels"
) -> "LoadedModel":
    """Read a model for a task (None: for any) by its name or path; every tensor is verified.

    Raises
    ------
    WeightsError : no such model, more than one of that name, or a file that ``read_model`` refuses.
    """
    from core.models.weights_file import read_model

    return read_model(find_model(name_or_path, task=task), device, task=task)
