"""What a dialog has to know of the disk before it continues, looked at beside the window."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import shiboken6
from PySide6.QtWidgets import QWidget

from serr_gui.controllers.context import ControllerContext
from serr_gui.tasks.looking import existing, nearest_folder
from serr_gui.widgets.questions import may_replace

if TYPE_CHECKING:
    from serr_gui.panels.batch.new_batch_dialog import NewBatchDialog
    from serr_gui.panels.export_dialog import ExportDialog

T = TypeVar("T")


def look_for(context: ControllerContext, widget: QWidget, at: Callable[[], T], then: Callable[[T], None]) -> None:
    """Ask the disk something for a window or dialog, which continues with the answer if it is still open."""
    context.look(at, lambda answer: then(answer) if shiboken6.isValid(widget) and widget.isVisible() else None)


def browse_near(context: ControllerContext, dialog: "ExportDialog | NewBatchDialog", folder: Path) -> None:
    """Let a dialog choose a folder, beginning in this one, or in the first around it that exists."""
    look_for(context, dialog, partial(nearest_folder, folder), dialog.browse)


def write_if_wanted(
    context: ControllerContext, parent: QWidget, chosen: str, files: Sequence[Path], write: Callable[[], None]
) -> None:
    """Call ``write`` unless it would replace files that a person wants to keep.

    ``chosen`` : what the file dialog gave; about that file it has asked already.
    """
    others = [path for path in files if path != Path(chosen)]
    if others:
        look_for(
            context, parent, partial(existing, others), lambda found: write() if may_replace(parent, found) else None
        )
    else:
        write()
