"""Commands of the menu Annotate: an observer's marks, and going through many photographs."""

from typing import Final

from serr_gui.actions.command import Command
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.model.state import AppState


def _has_item(state: AppState) -> bool:
    return state.item is not None


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
        shortcuts=("K",),
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
)
