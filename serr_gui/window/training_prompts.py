"""What trainings and data sets need to be asked: files, names, and whether something may be removed."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from core.datasets.dataset_file import SUFFIX, DataSetFile, dataset_path, is_dataset_file
from core.jobs.requests import TrainingRequest
from core.jobs.store import Job
from serr_gui.controllers.controller import Controller
from serr_gui.system.desktop import open_outside
from serr_gui.widgets.questions import Answer, ask
from serr_gui.window.looks import write_if_wanted
from serr_gui.window.model_prompts import ModelPrompts
from serr_gui.window.name_dialog import NameDialog

if TYPE_CHECKING:
    from serr_gui.panels.data_set.dialog import DataSetDialog
    from serr_gui.panels.training.models_compared_dialog import ModelsComparedDialog
    from serr_gui.panels.training.new_training_dialog import NewTrainingDialog


class TrainingPrompts(QObject):
    """Opens the dialogs, and hands their requests to the controller."""

    def __init__(
        self,
        controller: Controller,
        window: QWidget,
        models: ModelPrompts,
        show_trainings: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._controller, self._state = controller, controller.state
        self._window, self._models, self._show_trainings = window, models, show_trainings

    # Data sets

    def open_data_set(self, path: Path | None = None) -> "DataSetDialog":
        """Show the wizard, with the data set of a folder or file if one is given."""
        from serr_gui.panels.data_set.dialog import DataSetDialog

        sets = self._controller.data_sets
        dialog = DataSetDialog(self._state.last_folder, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.findRequested.connect(sets.find)
        dialog.examineRequested.connect(sets.examine)
        dialog.saveRequested.connect(partial(self._save_data_set, dialog))
        dialog.trainRequested.connect(self.new_training)
        dialog.finished.connect(lambda _result: sets.stop())
        sets.found.connect(dialog.show_found)
        sets.notFound.connect(dialog.show_problem)
        sets.notSaved.connect(dialog.show_problem)
        sets.saved.connect(dialog.show_saved)
        sets.examined.connect(dialog.show_examined)
        dialog.open()
        if path is not None:
            dialog.look_into(path)
        return dialog

    def _save_data_set(self, dialog: "DataSetDialog", chosen: Path, dataset: DataSetFile) -> None:
        path = dataset_path(chosen)
        save = partial(self._controller.data_sets.save, path.absolute(), dataset)
        write_if_wanted(self._controller.context, dialog, str(chosen), [path], save)

    def add_to_data_set(self) -> None:
        """Add the photograph on the screen; the first time, ask to which data set."""
        if self._state.data_set is None:
            self.choose_data_set()
        if self._state.data_set is not None:
            self._controller.data_sets.add_current()

    def choose_data_set(self) -> None:
        """Ask for the data set file that photographs are added to; a new one is made with the first photograph."""
        start = str(
            self._state.data_set
            or Path(self._state.last_folder or ".") / self.tr("My data set{suffix}").format(suffix=SUFFIX)
        )
        filters = self.tr("Data sets (*{suffix})").format(suffix=SUFFIX)
        name, _ = QFileDialog.getSaveFileName(
            self._window,
            self.tr("Data Set to Add Photographs to"),
            start,
            filters,
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if name:
            path = Path(name)
            self._controller.data_sets.use(dataset_path(path))

    # Trainings

    def new_training(self, data_set: Path | None = None) -> "NewTrainingDialog":
        """Show the form for a new training."""
        from serr_gui.panels.training.new_training_dialog import NewTrainingDialog

        trainings = self._controller.training
        trainings.forget_estimate()
        dialog = NewTrainingDialog(self._state, self._state.last_folder, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.trainingRequested.connect(self._on_requested)
        dialog.measureRequested.connect(self._on_measure)
        dialog.lookRequested.connect(self._controller.data_sets.count)
        self._controller.data_sets.counted.connect(dialog.show_facts)
        dialog.dataSetRequested.connect(dialog.reject)
        dialog.dataSetRequested.connect(self.open_data_set)
        dialog.finished.connect(lambda _result: trainings.forget_estimate())
        if data_set:
            dialog.set_data_set(data_set)
        dialog.open()
        return dialog

    def _on_requested(self, request: TrainingRequest) -> None:
        self._controller.data_sets.use(Path(request.config.data.sources[0].dataset))
        self._controller.training.submit(request)
        self._show_trainings()

    def _on_measure(self, request: TrainingRequest | None, key: str) -> None:
        if request is not None:
            self._controller.training.measure(request, key)
        else:
            self._controller.training.forget_estimate()

    def describe_job(self, job: Job) -> None:
        """Ask for another name and notes of a job."""
        dialog = NameDialog(self.tr("Training"), job.request.name, job.request.notes, "", self._window)
        dialog.accepted.connect(lambda: self._controller.training.describe(job, dialog.name(), dialog.notes()))
        dialog.open()

    def remove_job(self, job: Job) -> None:
        """Ask before a training with its curves and weights is removed."""
        text = self.tr("Its curves, its log and its weights are removed from the disk. Models that were added stay.")
        if self._agreed(self.tr("Remove the training {name}?").format(name=job.request.name), text, self.tr("Remove")):
            self._controller.training.remove(job)

    def end_job_by_force(self, job: Job) -> None:
        """Ask before a process is killed."""
        text = self.tr("What it has learned since its last checkpoint is lost. Pause and Stop lose nothing.")
        question = self.tr("End the training {name} by force?").format(name=job.request.name)
        if self._agreed(question, text, self.tr("End by force")):
            self._controller.training.end_by_force(job)

    def open_job_folder(self, job: Job) -> None:
        open_outside(job.folder)

    # Models

    def compare_job(self, job: Job) -> "ModelsComparedDialog | None":
        """Compare the model of a job with another, on the job's data set."""
        if job.weights is None:
            return None
        return self._compare(job.weights, job.request.name, _data_set_of(job), job)

    def compare_models(self) -> "ModelsComparedDialog | None":
        """Compare the chosen model with another, on a data set that is asked for."""
        choice = self._state.model_choice
        filters = self.tr("Data sets (*{suffix})").format(suffix=SUFFIX)
        start = str(self._state.data_set or self._state.last_folder)
        name, _ = QFileDialog.getOpenFileName(self._window, self.tr("Data Set to Compare on"), start, filters)
        if not name or choice is None:
            return None
        return self._compare(choice.path, choice.name, Path(name))

    def _compare(self, new: Path, name: str, data_set: Path | None, job: Job | None = None) -> "ModelsComparedDialog":
        from serr_gui.panels.training.models_compared_dialog import ModelsComparedDialog

        dialog = ModelsComparedDialog(self._state, (new, name), data_set, job, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.compareRequested.connect(self._controller.training.compare)
        if data_set is not None:
            self._controller.data_sets.counted.connect(dialog.show_facts)
            self._controller.data_sets.count(data_set)
        if job is not None:
            dialog.takeRequested.connect(lambda: self._models.add_job(job))
        dialog.show()
        return dialog

    def _agreed(self, question: str, text: str, verb: str) -> bool:
        return ask(self._window, question, text, [Answer("yes", verb, destructive=True)]) == "yes"


def _data_set_of(job: Job) -> Path | None:
    """The data set file that a job learns from, if it is one."""
    name = job.request.data.rpartition(" (")[0]
    path = Path(job.request.root) / name
    return path if is_dataset_file(name) else None
