"""What a command is, and the conditions that many of them share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PySide6.QtGui import QAction, QKeySequence

from serr_gui.model.state import AppState

Menu = Literal[
    "file",
    "edit",
    "view",
    "base",
    "panels",
    "theme",
    "segment",
    "annotate",
    "measure",
    "compare",
    "errors",
    "suggest",
    "train",
    "help",
    "",
]
Key = str | QKeySequence.StandardKey
Std = QKeySequence.StandardKey


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    ``text`` is for menus, ``short`` for the tool bar; ``enabled_when`` and ``checked_when`` follow the state (a command
    with ``checked_when`` can be checked, and one with a ``group`` is one of several choices). ``what_when`` names
    after the text what it would do now. A new ``section`` starts with a line in the menu. ``repeats`` while its key is
    held.
    """

    key: str
    menu: Menu
    text: str
    tip: str
    icon: str = ""
    short: str = ""
    shortcuts: tuple[Key, ...] = ()
    enabled_when: Callable[[AppState], bool] = lambda state: True
    what_when: Callable[[AppState], str] | None = None
    checked_when: Callable[[AppState], bool] | None = None
    group: str = ""
    section: int = 0
    repeats: bool = False
    role: QAction.MenuRole = QAction.MenuRole.NoRole


def has_document(state: AppState) -> bool:
    """A photograph is on the screen."""
    return state.document is not None


def has_result(state: AppState) -> bool:
    """The photograph on the screen is segmented."""
    return state.result is not None


def idle(state: AppState) -> bool:
    """No long work is running."""
    return state.task is None and state.side_task is None
