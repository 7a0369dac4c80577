"""Models and devices: what there is."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import SerrError
from core.progress import Monitor, Progress
from serr_gui.model.i18n import translate
from serr_gui.model.state import DeviceChoice, ModelChoice

if TYPE_CHECKING:
    from core.models.catalogue import ModelEntry


def read_models(added: Sequence[Path], monitor: Monitor) -> tuple[ModelChoice, ...]:
    """The models that came with the program, the person's own, and those added by file: headers only, no torch."""
    from core.models.catalogue import list_models

    choices = [_model_choice(entry) for entry in list_models(monitor=monitor)]
    for path in added:
        if all(choice.path != path for choice in choices):
            try:
                choices.append(read_model_file(path))
            except SerrError as error:
                monitor.note(str(error))
    return tuple(choices)


def read_model_file(path: Path) -> ModelChoice:
    """A weights file as a choice.

    Raises
    ------
    WeightsError : it cannot be used.
    """
    from core.models.catalogue import ModelEntry
    from core.models.weights_file import read_card

    return _model_choice(ModelEntry(read_card(path), path, bundled=False))


def check_model_file(path: Path, monitor: Monitor) -> ModelChoice:
    """Load a weights file as a run would, to be sure that it can be used.

    Raises
    ------
    WeightsError : it cannot.
    """
    from core.models.catalogue import load_model

    monitor.step(Progress("Checking the weights file"))
    load_model(path)
    return read_model_file(path)


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
    return ModelChoice(card.name, entry.path, entry.bundled, card.rule.level, about, card.notes, card.experience)
