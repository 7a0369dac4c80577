"""Questions around labels that are drawn here: where they are written, and whether corrections may go."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from core.files import display_path
from serr_gui.controllers.controller import Controller
from serr_gui.tasks.exporting import FileInPlace, file_in_place
from serr_gui.widgets.questions import Answer, ask


class LabelPrompts(QObject):
    """Asks the person, then the controller."""

    def __init__(self, controller: Controller, window: QWidget) -> None:
        super().__init__(window)
        self._controller, self._window = controller, window

    def start_over(self) -> None:
        """Segment without the corrections, after a question."""
        count = self._controller.state.editing.corrected_px
        text = self.tr(
            "The network is run again, and {count} corrected pixels get its values. Undo brings the corrections "
            "back. Segment would keep them."
        )
        answers = [Answer("over", self.tr("Start Over"), destructive=True)]
        question = self.tr("Start over without the corrections?")
        if ask(self._window, question, text.format(count=f"{count:,}"), answers) == "over":
            self._controller.labelling.start_over()

    def save_label(self) -> None:
        """Ask where the label goes; an existing file is replaced only after a question."""
        document = self._controller.state.document
        if document is None:
            return
        start = (self._controller.state.label_out or document.path.parent) / f"{document.path.stem}_label.png"
        name, _ = QFileDialog.getSaveFileName(
            self._window,
            self.tr("Save as Label"),
            str(start),
            self.tr("PNG picture (*.png)"),
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if not name:
            return
        path = Path(name)
        if path.suffix.lower() != ".png":
            path = path.with_name(path.name + ".png")
        photos = [item.path for item in self._controller.state.photos]
        labels = [slot.file.path for slot in document.labels if slot is not None]

        def save(what: FileInPlace) -> None:
            now = self._controller.state.document
            same = now is not None and now.path == document.path  # and not one that was opened meanwhile
            if same and (not what or self._may_replace(path, what)):
                self._controller.state.label_out = path.parent
                self._controller.labelling.save_label(path)

        self._controller.context.look(partial(file_in_place, path, photos, labels), save)

    def _may_replace(self, path: Path, what: FileInPlace) -> bool:
        if what == "photograph":
            text = self.tr("{name} is an open photograph. Choose another name for the label.")
            self._controller.context.notify("error", text.format(name=display_path(path.name)), until="photo")
            return False
        text = self.tr("A file with this name exists. Its contents will be lost.")
        if what == "label":
            text = self.tr("This is the file of an expert's label that is in use. What the expert drew is lost.")
        answers = [Answer("replace", self.tr("Replace"), destructive=True)]
        question = self.tr("Replace {name}?").format(name=display_path(path.name))
        return ask(self._window, question, text, answers) == "replace"
