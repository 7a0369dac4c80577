"""Commands of the menu Help."""

from typing import Final

from PySide6.QtGui import QAction

from serr_gui.actions.command import Command, Std
from serr_gui.model.i18n import QT_TRANSLATE_NOOP

COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "guide",
        "help",
        QT_TRANSLATE_NOOP("Actions", "User &Guide"),
        QT_TRANSLATE_NOOP("Actions", "How the program is used, and what its numbers mean"),
        shortcuts=(Std.HelpContents,),
    ),
    Command(
        "shortcuts",
        "help",
        QT_TRANSLATE_NOOP("Actions", "&Keyboard Shortcuts"),
        QT_TRANSLATE_NOOP("Actions", "List all keys"),
        shortcuts=("Ctrl+/",),
    ),
    Command(
        "show_log",
        "help",
        QT_TRANSLATE_NOOP("Actions", "Open &Log Folder"),
        QT_TRANSLATE_NOOP("Actions", "Open the folder with the program's log of errors"),
        section=1,
    ),
    Command(
        "about",
        "help",
        QT_TRANSLATE_NOOP("Actions", "&About SERR Fundus"),
        QT_TRANSLATE_NOOP("Actions", "Version, licence and terms of use"),
        section=1,
        role=QAction.MenuRole.AboutRole,
    ),
)
