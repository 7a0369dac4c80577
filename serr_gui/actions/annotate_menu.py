"""Commands of the menu Annotate: an observer's marks, and going through many photographs."""

from typing import Final

from serr_gui.actions.command import Command, has_result
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.model.selectors import can_edit, has_label, may_undo
from serr_gui.model.state import AppState


def _has_item(state: AppState) -> bool:
    return state.item is not None


def _can_start(state: AppState) -> bool:
    """The mask can be changed, or made first."""
    document = state.document
    if document is None or document.result is not None:
        return can_edit(state)
    idle = state.opening is None and state.task is None and state.side_task is None
    return idle and document.fov is not None and state.model is not None


COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "done_and_next",
        "annotate",
        QT_TRANSLATE_NOOP("Actions", "Done and &Next"),
        QT_TRANSLATE_NOOP("Actions", "Mark this photograph as done and show the next one in the list that is not"),
        icon="done",
        short=QT_TRANSLATE_NOOP("Actions", "Done, next"),
        shortcuts=("Ctrl+Return", "Ctrl+Enter"),
        enabled_when=_has_item,
    ),
    Command(
        "mark_done",
        "annotate",
        QT_TRANSLATE_NOOP("Actions", "&Done"),
        QT_TRANSLATE_NOOP("Actions", "Mark this photograph as done, or take the mark away"),
        icon="done",
        shortcuts=("Y",),
        enabled_when=_has_item,
        checked_when=lambda state: state.item is not None and state.item.marks.done,
    ),
    Command(
        "mark_doubtful",
        "annotate",
        QT_TRANSLATE_NOOP("Actions", "D&oubtful"),
        QT_TRANSLATE_NOOP("Actions", "Mark this photograph as doubtful, or take the mark away"),
        icon="doubtful",
        shortcuts=("Q",),
        enabled_when=_has_item,
        checked_when=lambda state: state.item is not None and state.item.marks.doubtful,
    ),
    Command(
        "write_note",
        "annotate",
        QT_TRANSLATE_NOOP("Actions", "No&te"),
        QT_TRANSLATE_NOOP("Actions", "Write a note about this photograph, below the list"),
        icon="note",
        shortcuts=("Ctrl+Shift+N",),
        enabled_when=_has_item,
    ),
    Command(
        "target_vessels",
        "annotate",
        QT_TRANSLATE_NOOP("Actions", "Paint &Vessels"),
        QT_TRANSLATE_NOOP("Actions", "Brush and eraser change the mask of the vessels"),
        icon="brush",
        short=QT_TRANSLATE_NOOP("Actions", "Vessels"),
        shortcuts=("1",),
        enabled_when=may_undo,
        checked_when=lambda state: state.editing.target == "vessels",
        group="target",
        section=1,
    ),
    Command(
        "target_questionable",
        "annotate",
        QT_TRANSLATE_NOOP("Actions", "Paint &Questionable"),
        QT_TRANSLATE_NOOP("Actions", "The brush marks pixels that cannot be decided, the eraser takes the mark away"),
        icon="doubtful",
        short=QT_TRANSLATE_NOOP("Actions", "Questionable"),
        shortcuts=("2",),
        enabled_when=can_edit,
        checked_when=lambda state: state.editing.target == "questionable",
        group="target",
        section=1,
    ),
    Command(
        "target_fov",
        "annotate",
        QT_TRANSLATE_NOOP("Actions", "Paint &Field of View"),
        QT_TRANSLATE_NOOP("Actions", "The brush adds to the field of view, the eraser takes away from it"),
        icon="fov",
        short=QT_TRANSLATE_NOOP("Actions", "Field of view"),
        shortcuts=("3",),
        enabled_when=may_undo,
        checked_when=lambda state: state.editing.target == "fov",
        group="target",
        section=1,
    ),
    Command(
        "fov_circle",
        "annotate",
        QT_TRANSLATE_NOOP("Actions", "Field of View as &Circle"),
        QT_TRANSLATE_NOOP("Actions", "Move and size a circle around the retina by its middle and its edge"),
        icon="fov",
        short=QT_TRANSLATE_NOOP("Actions", "Circle"),
        shortcuts=("Shift+W",),
        enabled_when=may_undo,
        checked_when=lambda state: state.editing.tool == "fov_circle",
        group="tool",
        section=1,
    ),
    Command(
        "start_empty",
        "annotate",
        QT_TRANSLATE_NOOP("Actions", "Start from an &Empty Mask"),
        QT_TRANSLATE_NOOP("Actions", "Remove all vessels, to draw them yourself; Undo brings them back"),
        enabled_when=_can_start,
        section=2,
    ),
    Command(
        "start_label_1",
        "annotate",
        QT_TRANSLATE_NOOP("Actions", "Start from the Label of Expert &1"),
        QT_TRANSLATE_NOOP("Actions", "Correct a copy of this label in place of the network's mask; its file stays"),
        enabled_when=lambda state: _can_start(state) and has_label(state, 0),
        section=2,
    ),
    Command(
        "start_label_2",
        "annotate",
        QT_TRANSLATE_NOOP("Actions", "Start from the Label of Expert &2"),
        QT_TRANSLATE_NOOP("Actions", "Correct a copy of this label in place of the network's mask; its file stays"),
        enabled_when=lambda state: _can_start(state) and has_label(state, 1),
        section=2,
    ),
    Command(
        "start_over",
        "annotate",
        QT_TRANSLATE_NOOP("Actions", "Start &Over..."),
        QT_TRANSLATE_NOOP("Actions", "Segment without any corrections; Segment keeps them"),
        enabled_when=lambda state: can_edit(state) and state.editing.corrected_px > 0 and state.model is not None,
        section=2,
    ),
    Command(
        "save_label",
        "annotate",
        QT_TRANSLATE_NOOP("Actions", "&Save as Label..."),
        QT_TRANSLATE_NOOP("Actions", "Write this mask as a label: PNG, 255 for vessel, else 0"),
        icon="export",
        shortcuts=("Ctrl+Shift+M",),
        enabled_when=has_result,
        section=3,
    ),
)
