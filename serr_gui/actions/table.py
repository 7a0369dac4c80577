"""All commands, in the order in which the list of keys shows them.

Texts are marked in the files of the menus and translated when the window is made, in the context "Actions".
"""

from typing import Final

from serr_gui.actions import (
    annotate_menu,
    compare_menu,
    edit_menu,
    file_menu,
    help_menu,
    measure_menu,
    segment_menu,
    train_menu,
    view_menu,
)
from serr_gui.actions.command import Command

COMMANDS: Final[tuple[Command, ...]] = (
    *file_menu.COMMANDS,
    *edit_menu.COMMANDS,
    *segment_menu.COMMANDS,
    *view_menu.COMMANDS,
    *annotate_menu.COMMANDS,
    *measure_menu.COMMANDS,
    *compare_menu.COMMANDS,
    *train_menu.COMMANDS,
    *help_menu.COMMANDS,
)
