"""What models need to be asked: files, names, whether one is used, and whether it may be removed."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from core.jobs.store import Job
from serr_gui.controllers.controller import Controller
from serr_gui.model.enhancing import EnhancerChoice
from serr_gui.model.state import ModelChoice
from serr_gui.tasks import NameTaken
from serr_gui.widgets.questions import Answer, ask
from serr_gui.window.looks import write_if_wanted
from serr_gui.window.model_dialogs import UseModelDialog
from serr_gui.window.name_dialog import NameDialog
from serr_gui.window.report_prompts import with_suffix

if TYPE_CHECKING:
    from serr_gui.panels.enhancers_dialog import EnhancersDialog

_SUFFIX: Final = ".safetensors"


class ModelPrompts(QObject):
    """Asks the person, then the controller of models."""

    def __init__(self, controller: Controller, window: QWidget) -> None:
        super().__init__(window)
        self._models, self._state, self._window = controller.models, controller.state, window
        self._context = controller.context
        self._models.added.connect(self.ask_to_use)
        self._models.nameTaken.connect(self.ask_for_another_name)

    def add_file(self) -> None:
        """Ask for a weights file, and add it under the name that it has."""
        filters = f"{self.tr('Weights files')} (*{_SUFFIX});;{self.tr('All files')} (*)"
        title = self.tr("Add Weights File")
        name, _ = QFileDialog.getOpenFileName(self._window, title, self._state.last_folder, filters)
        if name:
            self._models.add_model(Path(name))

    def add_job(self, job: Job) -> NameDialog | None:
        """Ask for name and notes, and add the model of a training."""
        if job.weights is None:
            return None
        note = self.tr("The model is added to those that can be chosen. Whether it is used is asked afterwards.")
        return self._ask_for_name(job.weights, job.request.name, job.request.notes, note)

    def ask_for_another_name(self, taken: NameTaken) -> NameDialog:
        """Ask again where another model has the name of one that is added."""
        note = self.tr("There is another model named {name}. Give this one another name.").format(name=taken.name)
        return self._ask_for_name(taken.file, self._free(taken.name), taken.notes, note)

    def ask_to_use(self, choice: ModelChoice) -> UseModelDialog:
        """Ask whether a model that was added is used from now on; it says what it learned and how good it was."""
        now = self._state.model_choice
        dialog = UseModelDialog(choice, now.name if now is not None else "", self._window)
        dialog.useRequested.connect(self._models.set_model)
        dialog.open()
        return dialog

    def export_job(self, job: Job) -> None:
        if job.weights is not None:
            self._export(job.weights, job.request.name)

    def export_model(self) -> None:
        choice = self._state.model_choice
        if choice is not None:
            self._export(choice.path, choice.name)

    def edit_model(self) -> None:
        """Ask for another name and notes of the chosen model."""
        choice = self._state.model_choice
        if choice is None:
            return
        dialog = NameDialog(self.tr("Model"), choice.name, choice.notes, "", self._window)
        dialog.accepted.connect(lambda: self._models.change_model(choice.name, dialog.name(), dialog.notes()))
        dialog.open()

    def remove_model(self) -> None:
        """Ask before a model is removed."""
        choice = self._state.model_choice
        if choice is None:
            return
        question = self.tr("Remove the model {name}?").format(name=choice.name)
        if self._may_remove(question, self._window):
            self._models.remove_model(choice.name)

    def show_enhancers(self) -> "EnhancersDialog":
        """Show the networks that enhance photographs, and what can be done with them."""
        from serr_gui.panels.enhancers_dialog import EnhancersDialog

        dialog = EnhancersDialog(self._state, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.addRequested.connect(self.add_file)
        dialog.aboutRequested.connect(lambda one: self._models.read_card(one.path, bundled=one.bundled))
        dialog.editRequested.connect(lambda one: self._edit_enhancer(one, dialog))
        dialog.exportRequested.connect(lambda one: self._export(one.path, one.name))
        dialog.removeRequested.connect(lambda one: self._remove_enhancer(one, dialog))
        dialog.show()
        return dialog

    def _edit_enhancer(self, choice: EnhancerChoice, parent: QWidget) -> None:
        dialog = NameDialog(self.tr("Network"), choice.name, choice.measured, "", parent)
        dialog.accepted.connect(lambda: self._models.change_enhancer(choice.name, dialog.name(), dialog.notes()))
        dialog.open()

    def _remove_enhancer(self, choice: EnhancerChoice, parent: QWidget) -> None:
        if self._may_remove(self.tr("Remove the network {name}?").format(name=choice.name), parent):
            self._models.remove_enhancer(choice.name)

    def _may_remove(self, question: str, parent: QWidget) -> bool:
        text = self.tr("Its weights file is removed from your models. Export it before if it may be needed again.")
        return ask(parent, question, text, [Answer("yes", self.tr("Remove"), destructive=True)]) == "yes"

    def _ask_for_name(self, file: Path, name: str, notes: str, note: str) -> NameDialog:
        dialog = NameDialog(self.tr("Add Model"), name, notes, note, self._window)
        dialog.accepted.connect(lambda: self._models.add_model(file, dialog.name(), dialog.notes()))
        dialog.open()
        return dialog

    def _free(self, name: str) -> str:
        """The name with the first number that makes it one that no model has."""
        state = self._state
        names = {choice.name for choice in state.models} | {choice.name for choice in state.enhancing.choices}
        number = 2
        while f"{name}-{number}" in names:
            number += 1
        return f"{name}-{number}"

    def _export(self, file: Path, name: str) -> None:
        start = str(Path(self._state.last_folder or ".") / f"{name}{_SUFFIX}")
        filters = self.tr("Weights files (*{suffix})").format(suffix=_SUFFIX)
        chosen, _ = QFileDialog.getSaveFileName(self._window, self.tr("Export Model"), start, filters)
        path = with_suffix(chosen, "", (), (_SUFFIX,))
        if path is not None:
            write = partial(self._models.export_model, file, path)
            write_if_wanted(self._context, self._window, chosen, [path], write)
