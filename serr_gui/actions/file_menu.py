"""Commands of the menu File."""

from typing import Final

from PySide6.QtGui import QAction

from serr_gui.actions.command import Command, Std, has_result, idle
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.model.selectors import enhanced_photo, may_export, with_result

COMMANDS: Final[tuple[Command, ...]] = (
    Command(
        "open",
        "file",
        QT_TRANSLATE_NOOP("Actions", "&Open Photographs..."),
        QT_TRANSLATE_NOOP("Actions", "Open fundus photographs"),
        icon="photo",
        short=QT_TRANSLATE_NOOP("Actions", "Open"),
        shortcuts=(Std.Open,),
    ),
    Command(
        "open_folder",
        "file",
        QT_TRANSLATE_NOOP("Actions", "Open &Folder..."),
        QT_TRANSLATE_NOOP("Actions", "Open all photographs of a folder"),
        icon="folder",
        short=QT_TRANSLATE_NOOP("Actions", "Folder"),
        shortcuts=("Ctrl+Shift+O",),
    ),
    Command(
        "open_sample",
        "file",
        QT_TRANSLATE_NOOP("Actions", "Open the &Sample Photograph"),
        QT_TRANSLATE_NOOP("Actions", "Open the photograph that comes with the program"),
    ),
    Command(
        "open_session",
        "file",
        QT_TRANSLATE_NOOP("Actions", "Open Sess&ion..."),
        QT_TRANSLATE_NOOP("Actions", "Open photographs with everything that was done to them"),
        section=1,
    ),
    Command(
        "save_session",
        "file",
        QT_TRANSLATE_NOOP("Actions", "&Save Session"),
        QT_TRANSLATE_NOOP("Actions", "Save all photographs of the list with results, corrections, marks and Undo"),
        shortcuts=(Std.Save,),
        enabled_when=lambda state: bool(state.photos),
        section=1,
    ),
    Command(
        "save_session_as",
        "file",
        QT_TRANSLATE_NOOP("Actions", "Save Session &As..."),
        QT_TRANSLATE_NOOP("Actions", "Save the session to another file, also with the photographs in it"),
        shortcuts=(Std.SaveAs,),
        enabled_when=lambda state: bool(state.photos),
        section=1,
    ),
    Command(
        "export",
        "file",
        QT_TRANSLATE_NOOP("Actions", "&Export..."),
        QT_TRANSLATE_NOOP("Actions", "Write the mask, the probability and the overlay of this photograph as files"),
        icon="export",
        short=QT_TRANSLATE_NOOP("Actions", "Export"),
        shortcuts=("Ctrl+E",),
        enabled_when=lambda state: has_result(state) and may_export(state),
        section=2,
    ),
    Command(
        "export_all",
        "file",
        QT_TRANSLATE_NOOP("Actions", "Export &All..."),
        QT_TRANSLATE_NOOP("Actions", "Write the files of all segmented photographs in the list"),
        shortcuts=("Ctrl+Shift+E",),
        enabled_when=lambda state: bool(with_result(state)) and may_export(state),
        section=2,
    ),
    Command(
        "export_shares",
        "file",
        QT_TRANSLATE_NOOP("Actions", "Export &Vessel Shares..."),
        QT_TRANSLATE_NOOP("Actions", "Write a table (CSV) with the vessel share of every segmented photograph"),
        enabled_when=lambda state: bool(with_result(state)),
        section=2,
    ),
    Command(
        "export_enhanced",
        "file",
        QT_TRANSLATE_NOOP("Actions", "Export E&nhanced Photograph..."),
        QT_TRANSLATE_NOOP("Actions", "Write the enhanced picture with a side-car that says that it is one"),
        icon="export",
        short=QT_TRANSLATE_NOOP("Actions", "Export"),
        enabled_when=lambda state: enhanced_photo(state) is not None,
        section=2,
    ),
    Command(
        "close_photo",
        "file",
        QT_TRANSLATE_NOOP("Actions", "&Close Photograph"),
        QT_TRANSLATE_NOOP("Actions", "Take this photograph out of the list; its file stays"),
        shortcuts=(Std.Close,),
        enabled_when=lambda state: state.item is not None and idle(state),
        section=3,
    ),
    Command(
        "close_all",
        "file",
        QT_TRANSLATE_NOOP("Actions", "Close A&ll"),
        QT_TRANSLATE_NOOP("Actions", "Empty the list of photographs; the files stay"),
        enabled_when=lambda state: bool(state.photos) and idle(state),
        section=3,
    ),
    Command(
        "quit",
        "file",
        QT_TRANSLATE_NOOP("Actions", "&Quit"),
        QT_TRANSLATE_NOOP("Actions", "End the program"),
        shortcuts=("Ctrl+Q",),
        section=4,
        role=QAction.MenuRole.QuitRole,
    ),
)
