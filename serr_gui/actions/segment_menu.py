"""Commands of the menu Segment."""

from typing import Final

from serr_gui.actions.command import Command, has_document, has_result, idle
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.model.selectors import without_result
from serr_gui.model.state import AppState


def _can_segment(state: AppState) -> bool:
    document = state.document
    there = state.opening is not None or (document is not None and document.fov is not None)
    return there and state.model is not None and state.task is None


def _can_segment_all(state: AppState) -> bool:
    return state.task is None and state.model is not None and bool(without_result(state))


COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "segment",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "&Segment"),
        QT_TRANSLATE_NOOP("Actions", "Find the vessels of this photograph"),
        icon="segment",
        short=QT_TRANSLATE_NOOP("Actions", "Segment"),
        shortcuts=("F5",),
        enabled_when=_can_segment,
    ),
    Command(
        "segment_all",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "Segment &All"),
        QT_TRANSLATE_NOOP("Actions", "Find the vessels of every photograph in the list that has no result yet"),
        icon="segment-all",
        short=QT_TRANSLATE_NOOP("Actions", "Segment all"),
        shortcuts=("Shift+F5",),
        enabled_when=_can_segment_all,
    ),
    Command(
        "new_batch",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "Segment a &Folder in the Background..."),
        QT_TRANSLATE_NOOP("Actions", "Segment folders with any number of photographs while you work on others"),
        icon="folder",
        short=QT_TRANSLATE_NOOP("Actions", "New batch"),
        shortcuts=("Ctrl+Shift+B",),
        enabled_when=lambda state: bool(state.models),
    ),
    Command(
        "open_batch",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "Open a &Batch..."),
        QT_TRANSLATE_NOOP("Actions", "Take up a batch again by the folder of its results, also one of 'serr batch'"),
        icon="table",
        short=QT_TRANSLATE_NOOP("Actions", "Open batch"),
    ),
    Command(
        "show_batches",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "Batc&hes"),
        QT_TRANSLATE_NOOP("Actions", "Show or hide the batches, how they go, and their photographs"),
        shortcuts=("Ctrl+B",),
    ),
    Command(
        "cancel",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "&Cancel"),
        QT_TRANSLATE_NOOP("Actions", "Stop the running work"),
        icon="stop",
        shortcuts=("Esc",),
        enabled_when=lambda state: any(job is not None and not job.cancelling for job in (state.task, state.side_task)),
    ),
    Command(
        "pause",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "&Pause"),
        QT_TRANSLATE_NOOP("Actions", "Pause Segment All at its next step, or resume it"),
        icon="pause",
        shortcuts=("Pause",),
        enabled_when=lambda state: state.task is not None and state.task.kind == "batch" and not state.task.cancelling,
        checked_when=lambda state: state.task is not None and state.task.paused,
    ),
    Command(
        "threshold_lower",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "&Lower Threshold"),
        QT_TRANSLATE_NOOP("Actions", "More vessels: lower the threshold by 1/256"),
        shortcuts=(",",),
        enabled_when=has_result,
        section=1,
        repeats=True,
    ),
    Command(
        "threshold_higher",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "&Higher Threshold"),
        QT_TRANSLATE_NOOP("Actions", "Fewer vessels: raise the threshold by 1/256"),
        shortcuts=(".",),
        enabled_when=has_result,
        section=1,
        repeats=True,
    ),
    Command(
        "threshold_model",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "Threshold of the &Model"),
        QT_TRANSLATE_NOOP("Actions", "Go back to the threshold that comes with the model"),
        icon="reset",
        short=QT_TRANSLATE_NOOP("Actions", "Model's own"),
        shortcuts=("M",),
        enabled_when=has_result,
        section=1,
    ),
    Command(
        "threshold_otsu",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "Threshold by &Otsu"),
        QT_TRANSLATE_NOOP("Actions", "Set the threshold from this photograph's own probabilities, by Otsu's method"),
        icon="histogram",
        short=QT_TRANSLATE_NOOP("Actions", "Otsu"),
        shortcuts=("O",),
        enabled_when=has_result,
        section=1,
    ),
    Command(
        "threshold_all",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "&Threshold for All Photographs"),
        QT_TRANSLATE_NOOP("Actions", "Use this threshold, or drawing style, for all photographs of the list"),
        icon="copy",
        short=QT_TRANSLATE_NOOP("Actions", "For all"),
        shortcuts=("Shift+M",),
        enabled_when=lambda state: has_document(state) and len(state.photos) > 1,
        section=1,
    ),
    Command(
        "model_card",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "About This &Network..."),
        QT_TRANSLATE_NOOP("Actions", "What the chosen model has learned from, how good it is, and who may use it"),
        icon="info",
        enabled_when=lambda state: state.model_choice is not None,
        section=2,
    ),
    Command(
        "add_model",
        "segment",
        QT_TRANSLATE_NOOP("Actions", "Add &Weights File..."),
        QT_TRANSLATE_NOOP("Actions", "Add a model from a .safetensors file"),
        icon="add",
        enabled_when=lambda state: idle(state) and state.library_ready,
        section=2,
    ),
)
