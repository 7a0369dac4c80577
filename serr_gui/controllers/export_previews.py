"""What an export would meet in a folder, looked up beside the window: folders may be large, or far away."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from serr_gui.controllers.context import ControllerContext
from serr_gui.model.export_options import ExportOptions
from serr_gui.tasks.exporting import preview_export


class ExportPreviews(QObject):
    """``found`` carries the ``ExportPreview`` that was asked for last."""

    found = Signal(object)

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self._context = context

    def look(self, paths: Sequence[Path], folder: Path, options: ExportOptions) -> None:
        """Look into a folder in which results of these photographs may go."""
        self._context.workers.start(
            "export preview",
            partial(preview_export, tuple(paths), folder, options),
            succeeded=self.found.emit,
            failed=partial(self._context.fail, self.tr("The folder for the files cannot be read.")),
        )
