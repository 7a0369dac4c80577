"""Commands of the menu Train: own data sets, trainings, and what becomes of their models."""

from typing import Final

from serr_gui.actions.command import Command, has_result, idle
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.model.state import AppState


def _has_model(state: AppState) -> bool:
    return state.model_choice is not None


def _has_own_model(state: AppState) -> bool:
    choice = state.model_choice
    return choice is not None and not choice.bundled


COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "data_set",
        "train",
        QT_TRANSLATE_NOOP("Actions", "&Data Set..."),
        QT_TRANSLATE_NOOP("Actions", "Make a data set from a folder of photographs and labels, check it and divide it"),
        icon="folder",
    ),
    Command(
        "add_to_data_set",
        "train",
        QT_TRANSLATE_NOOP("Actions", "&Add Photograph to Data Set"),
        QT_TRANSLATE_NOOP("Actions", "Add this photograph to the data set, with its mask as it is now for the label"),
        icon="add",
        shortcuts=("Ctrl+D",),
        enabled_when=has_result,
    ),
    Command(
        "choose_data_set",
        "train",
        QT_TRANSLATE_NOOP("Actions", "&Choose Data Set to Add to..."),
        QT_TRANSLATE_NOOP("Actions", "Choose the data set file that photographs are added to"),
    ),
    Command(
        "new_training",
        "train",
        QT_TRANSLATE_NOOP("Actions", "New &Training..."),
        QT_TRANSLATE_NOOP("Actions", "Train a model on your own photographs; it keeps running without the window"),
        icon="train",
        short=QT_TRANSLATE_NOOP("Actions", "New training"),
        enabled_when=lambda state: state.library_ready,
        section=1,
    ),
    Command(
        "show_trainings",
        "train",
        QT_TRANSLATE_NOOP("Actions", "&Trainings"),
        QT_TRANSLATE_NOOP("Actions", "Show or hide the trainings, how they go, and their models"),
        icon="curve",
        shortcuts=("Ctrl+J",),
        section=1,
    ),
    Command(
        "compare_models",
        "train",
        QT_TRANSLATE_NOOP("Actions", "Co&mpare Models..."),
        QT_TRANSLATE_NOOP("Actions", "Compare the chosen model with another, photograph by photograph"),
        enabled_when=lambda state: idle(state) and _has_model(state),
        section=2,
    ),
    Command(
        "export_model",
        "train",
        QT_TRANSLATE_NOOP("Actions", "&Export Model..."),
        QT_TRANSLATE_NOOP("Actions", "Write the chosen model's weights file for another machine"),
        icon="export",
        enabled_when=_has_model,
        section=2,
    ),
    Command(
        "edit_model",
        "train",
        QT_TRANSLATE_NOOP("Actions", "&Name and Notes of Model..."),
        QT_TRANSLATE_NOOP("Actions", "Give the chosen model another name and notes"),
        enabled_when=_has_own_model,
        section=2,
    ),
    Command(
        "remove_model",
        "train",
        QT_TRANSLATE_NOOP("Actions", "&Remove Model..."),
        QT_TRANSLATE_NOOP("Actions", "Remove the chosen model from your own models"),
        enabled_when=_has_own_model,
        section=2,
    ),
)
