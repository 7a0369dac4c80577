"""The registry of a person's own models: taken in, renamed, exported, removed.

It is the folder of their models and nothing else: what the window adds, the command line and Python know by name, too.
Models that find vessels and networks that enhance photographs are kept together, so no two of them share a name.
"""

from dataclasses import replace
from pathlib import Path

from core.errors import NameTakenError, OutputError, WeightsError
from core.files import display_path, ensure_folder, output_error, write_bytes_atomic
from core.models.catalogue import ModelEntry, find_model, list_models, load_model, user_models_folder
from core.models.model_card import ModelCard
from core.models.weights_header import SUFFIX, read_card, with_card


def add_model(file: Path, *, name: str | None = None, notes: str | None = None, overwrite: bool = False) -> ModelEntry:
    """Take a weights file into the person's own models, after every tensor of it was checked.

    The file is copied. A model that came with the program stays where it is.

    Parameters
    ----------
    name, notes : written into the copy's card; None: as they are.
    overwrite : put it in the place of another model of that name.

    Raises
    ------
    WeightsError : the file cannot be used. NameTakenError : another model has that name. OutputError : the folder
        cannot be used.
    """
    loaded = load_model(Path(file), task=None)
    card = _changed(loaded.card, name, notes)
    for entry in list_models(task=None):
        if entry.bundled and (entry.card.name, entry.card.sha256) == (card.name, card.sha256):
            return entry
        if entry.card.name == card.name and entry.card.sha256 != card.sha256 and (entry.bundled or not overwrite):
            advice = "" if entry.bundled else ", or say that it may replace the other"
            raise NameTakenError(
                f'There is another model named "{card.name}" ({display_path(entry.path)}). Give this one another '
                f"name{advice}."
            )
    target = ensure_folder(user_models_folder()) / f"{card.name}{SUFFIX}"
    _write(Path(file), target, card)
    for entry in _own():  # one file for each name, however it was called before
        if entry.card.name == card.name and entry.path != target:
            _remove(entry.path)
    return ModelEntry(card, target, bundled=False)


def change_model(name: str, *, new_name: str | None = None, notes: str | None = None) -> ModelEntry:
    """Give one of the person's own models another name or other notes.

    Raises
    ------
    WeightsError : it is none of their own, or the new name is taken or cannot be a name. OutputError : as files do.
    """
    entry = _own_model(name)
    card = _changed(entry.card, new_name, notes)
    if card.name != entry.card.name and any(other.card.name == card.name for other in list_models(task=None)):
        raise NameTakenError(f'There is another model named "{card.name}". Choose another name.')
    target = entry.path.with_name(f"{card.name}{SUFFIX}")
    _write(entry.path, target, card)
    if target != entry.path:
        _remove(entry.path)
    return ModelEntry(card, target, bundled=False)


def remove_model(name: str) -> Path:
    """Remove one of the person's own models; returns the file that was removed.

    Raises
    ------
    WeightsError : it is none of their own, or another of their models needs it for its recipe. OutputError : as files
        do.
    """
    entry = _own_model(name)
    needed_by = ", ".join(_needed_by(entry))
    if needed_by:
        raise WeightsError(
            f'"{name}" is needed by {needed_by}: photographs are enhanced with it before vessels are looked for. '
            f"Remove {needed_by} first."
        )
    _remove(entry.path)
    return entry.path


def export_model(name_or_path: str | Path, target: Path, *, overwrite: bool = False) -> Path:
    """Write a model's weights file somewhere else, for another machine; returns the file.

    ``target`` is a file, or a folder in which the file is called after the model.

    Raises
    ------
    WeightsError : there is no such model, or it is damaged. OutputError : a file is in the way, or cannot be written.
    """
    loaded = load_model(find_model(name_or_path, task=None), task=None)
    target = Path(target)
    if target.is_dir():
        target = target / f"{loaded.card.name}{SUFFIX}"
    if target.suffix.lower() != SUFFIX:
        raise OutputError(f"A weights file is written as {SUFFIX}: give {display_path(target.name)} that suffix.")
    if target.exists() and not overwrite:
        raise OutputError(
            f"{display_path(target)} already exists: choose another name, or say that it may be replaced."
        )
    _write(loaded.path, target, loaded.card)
    return target


def _changed(card: ModelCard, name: str | None, notes: str | None) -> ModelCard:
    try:
        return replace(card, name=card.name if name is None else name, notes=card.notes if notes is None else notes)
    except ValueError as error:
        raise WeightsError(f"{error}. Choose another name.") from None


def _write(source: Path, target: Path, card: ModelCard) -> None:
    try:
        data = source.read_bytes()
    except OSError as error:
        raise WeightsError(f"{display_path(source)} cannot be read ({error.strerror or error}).") from None
    write_bytes_atomic(target, data if read_card(source) == card else with_card(data, card), follow_link=True)


def _own() -> list[ModelEntry]:
    return [entry for entry in list_models(task=None) if not entry.bundled]


def _own_model(name: str) -> ModelEntry:
    for entry in _own():
        if entry.card.name == name:
            return entry
    if any(entry.card.name == name for entry in list_models(task=None)):
        raise WeightsError(f'The model "{name}" came with the program: it can be exported, not changed or removed.')
    names = ", ".join(entry.card.name for entry in _own()) or "none"
    raise WeightsError(f'There is no model of your own named "{name}". Your own: {names}.')


def _needed_by(entry: ModelEntry) -> list[str]:
    """The person's models whose recipe enhances by this network, where there is no other copy of it."""
    sha256 = entry.card.sha256
    if any(other.card.sha256 == sha256 and other.path != entry.path for other in list_models(task="enhancement")):
        return []
    return [other.card.name for other in _own() if other.card.preprocessing.enhance_sha256 == sha256]


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise output_error(path, error) from error
