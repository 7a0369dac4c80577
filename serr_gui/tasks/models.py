"""Models and devices: what there is, and what a person does with their own models."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.errors import NameTakenError, SerrError
from core.files import display_path
from core.progress import Monitor, Progress
from serr_gui.model.i18n import translate
from serr_gui.model.state import DeviceChoice, ModelChoice

if TYPE_CHECKING:
    from core.models.catalogue import ModelEntry

_SUFFIX: Final = ".safetensors"


@dataclass(frozen=True, slots=True)
class FirstModels:
    """The models at the start, and the name or path of the one that is wanted."""

    choices: tuple[ModelChoice, ...]
    wanted: str


@dataclass(frozen=True, slots=True)
class NameTaken:
    """A weights file that was not added, because another model has its name."""

    file: Path
    name: str
    notes: str


def first_models(wanted: str, added: Sequence[Path], monitor: Monitor) -> FirstModels:
    """The models to choose from at the start.

    Parameters
    ----------
    wanted : a name, or the path of a weights file, which is used where it is.
    added : weights files that version 0.1.0 kept as paths in its settings: they come into the registry.
    """
    from core.models.user_models import add_model as add

    for file in added:
        try:
            entry = add(file)
        except SerrError as error:
            monitor.note(str(error))
        else:
            wanted = str(entry.path) if str(file) == wanted else wanted
    files = [Path(wanted)] if Path(wanted).suffix.lower() == _SUFFIX else []
    return FirstModels(read_models(files, monitor), wanted)


def read_models(files: Sequence[Path], monitor: Monitor) -> tuple[ModelChoice, ...]:
    """The registry (``core.models``), then those of ``files`` that are not in it: headers only, no torch."""
    from core.models.catalogue import ModelEntry, list_models
    from core.models.weights_header import read_card, wrong_task

    entries = list_models(monitor=monitor)
    for path in files:
        if all(entry.path != path for entry in entries):
            try:
                card = read_card(path)
            except SerrError as error:
                monitor.note(str(error))
                continue
            if card.task == "vessels":
                entries.append(ModelEntry(card, path, bundled=False))
            else:
                monitor.note(wrong_task(display_path(path), card.task, "vessels"))
    return tuple(_model_choice(entry) for entry in entries)


def read_entry(path: Path, bundled: bool, monitor: Monitor) -> "ModelEntry":
    """A model with its card, from the head of its file. Raises WeightsError."""
    from core.models.catalogue import ModelEntry
    from core.models.weights_header import read_card

    monitor.step(Progress("Loading the model"))
    return ModelEntry(read_card(path), path, bundled)


def add_model(file: Path, name: str | None, notes: str | None, monitor: Monitor) -> "ModelEntry | NameTaken":
    """Take a weights file, of whatever task, into the registry. ``None``: name or notes as the file has them.

    Raises
    ------
    WeightsError : it cannot be used. OutputError : the folder cannot be used.
    """
    from core.models.user_models import add_model as add
    from core.models.weights_header import read_card

    monitor.step(Progress("Checking the weights file"))
    try:
        return add(file, name=name, notes=notes)
    except NameTakenError:
        card = read_card(file)
        return NameTaken(file, name or card.name, card.notes if notes is None else notes)


def change_model(old_name: str, name: str, notes: str, monitor: Monitor) -> Path:
    """Rename one of the person's own models; returns its file. Raises SerrError."""
    from core.models.user_models import change_model as change

    monitor.step(Progress("Writing the weights file"))
    return change(old_name, new_name=name, notes=notes).path


def remove_model(name: str, monitor: Monitor) -> Path:
    """Remove one of the person's own models. Raises SerrError."""
    from core.models.user_models import remove_model as remove

    monitor.step(Progress("Removing the weights file"))
    return remove(name)


def export_model(file: Path, target: Path, monitor: Monitor) -> Path:
    """Write a weights file for another machine; what was there was agreed to be replaced. Raises SerrError."""
    from core.models.user_models import export_model as export

    monitor.step(Progress("Writing the weights file"))
    return export(file, target, overwrite=True)


def read_devices(monitor: Monitor) -> tuple[DeviceChoice, ...]:
    """The devices, "auto" first. The first call imports torch, which takes seconds."""
    monitor.step(Progress("Looking for devices"))
    from core.inference.device import list_devices

    return DeviceChoice("auto", ""), *(DeviceChoice(device.torch_name, device.label) for device in list_devices())


def _model_choice(entry: "ModelEntry") -> ModelChoice:
    card = entry.card
    trained, licence = translate("Work", "Trained on {data}"), translate("Work", "Licence: {name}")
    lines = [trained.format(data=card.trained_on) if card.trained_on else "", card.notes]
    lines.append(licence.format(name=card.licence) if card.licence else "")
    about = "\n".join(line for line in lines if line)
    return ModelChoice(
        card.name, entry.path, entry.bundled, card.rule.level, about, card.notes, card.experience, card.styles
    )
