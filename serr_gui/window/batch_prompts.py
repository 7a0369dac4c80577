"""What batches need to be asked: their photographs, the folder of an earlier one, and whether one shall stop."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from serr_gui.controllers.batch import name_of
from serr_gui.controllers.controller import Controller
from serr_gui.model.batch import BatchFacts
from serr_gui.widgets.questions import Answer, ask
from serr_gui.window.looks import browse_near

if TYPE_CHECKING:
    from serr_gui.panels.batch.new_batch_dialog import NewBatchDialog


class BatchPrompts(QObject):
    """Opens the dialogs, and hands their requests to the controller."""

    def __init__(self, controller: Controller, window: QWidget) -> None:
        super().__init__(window)
        self._controller, self._state, self._window = controller, controller.state, window

    def new_batch(self) -> "NewBatchDialog":
        """Show the form for a new batch."""
        from serr_gui.panels.batch.new_batch_dialog import NewBatchDialog

        batch = self._controller.batch
        dialog = NewBatchDialog(self._state, (), self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.previewRequested.connect(batch.preview)
        batch.previewed.connect(dialog.show_preview)
        dialog.batchRequested.connect(batch.submit)
        dialog.browseRequested.connect(partial(browse_near, self._controller.context, dialog))
        dialog.open()
        return dialog

    def open_batch(self) -> None:
        """Take up a batch again by the folder of its results."""
        title = self.tr("Folder with the Results of a Batch")
        name = QFileDialog.getExistingDirectory(self._window, title, self._state.last_folder)
        if name:
            self._controller.batch.take_up(Path(name))

    def stop(self, facts: BatchFacts) -> None:
        """Ask before a batch is stopped for good; it can be resumed all the same."""
        question = self.tr("Stop the batch {name}?").format(name=name_of(facts))
        text = self.tr(
            "The photographs in work are finished and what is done stays. The others are not done, and the next start "
            "does not offer to do them; Resume still does."
        )
        if ask(self._window, question, text, [Answer("stop", self.tr("Stop"), destructive=True)]) == "stop":
            self._controller.batch.ask(facts.folder, "stop")
