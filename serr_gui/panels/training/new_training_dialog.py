"""The form for a new training: data, what to start from, a preset and the few numbers that matter, device, estimate."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.datasets.dataset_file import SUFFIX
from core.errors import SerrError
from core.files import display_path
from core.jobs.requests import TrainingRequest
from core.jobs.store import jobs_folder
from core.training.config import FINE_TUNING, TrainingConfig, to_toml
from core.training.recipes import proposed_hold_out
from serr_gui.model.state import AppState
from serr_gui.model.training import DataSetFacts
from serr_gui.panels.training.estimate_text import estimate_text
from serr_gui.panels.training.network_form import NetworkForm
from serr_gui.panels.training.recipe_form import RecipeForm, caption
from serr_gui.panels.training.run_form import SLURM, RunForm
from serr_gui.widgets.controls import FittedLabel, heading, listen, resize_on_screen
from serr_gui.widgets.data_set_texts import part_text
from serr_gui.widgets.scrolling import scrolling

_REST_MS: Final = 250
"""A data set is looked into when its name has been left alone for so long."""
_WIDTH_PX: Final = 660
_ROOM_PX: Final = 80
"""For the buttons, and for lines that come with the choices."""


class NewTrainingDialog(QDialog):
    """``trainingRequested`` and ``measureRequested`` carry a ``TrainingRequest``, the latter and its recipe's key.

    ``lookRequested`` carries a data set file, whose ``DataSetFacts`` are wanted by ``show_facts``.
    """

    trainingRequested = Signal(object)
    measureRequested = Signal(object, str)
    dataSetRequested = Signal()
    lookRequested = Signal(Path)

    def __init__(self, state: AppState, start_folder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._start_folder = state, start_folder
        self._held_out = proposed_hold_out(0)
        self._facts: DataSetFacts | None = None
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(lambda: self.lookRequested.emit(self._file()))
        self.setWindowTitle(self.tr("New Training"))
        self._form = QWidget()
        column = QVBoxLayout(self._form)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._make_what())
        self._network_heading = heading(self.tr("Network"))
        column.addWidget(self._network_heading)
        self.network = NetworkForm()
        self.network.changed.connect(self._show_consequences)
        column.addWidget(self.network)
        column.addWidget(heading(self.tr("Recipe")))
        self.recipe = RecipeForm()
        self.recipe.chosen.connect(self._on_preset_chosen)
        self.recipe.changed.connect(self._show_consequences)
        column.addWidget(self.recipe)
        column.addWidget(heading(self.tr("Run")))
        self.run = RunForm(state)
        self.run.changed.connect(self._show_consequences)
        column.addWidget(self.run)
        column.addLayout(self._make_estimate())
        self._problem = FittedLabel(prominent=True)
        column.addWidget(self._problem)
        column.addStretch(1)
        whole = QVBoxLayout(self)
        whole.addWidget(scrolling(self._form), 1)
        whole.addWidget(self._make_buttons())
        listen(self, state.events.estimate, self._show_estimate)
        self.set_data_set(state.data_set)
        self._on_start_chosen()
        self._show_estimate()
        self._fit()

    # Making

    def _make_what(self) -> QFormLayout:
        self._data = QLineEdit()
        self._data.setAccessibleName(self.tr("Data set file"))
        self._data.textChanged.connect(self._on_data_changed)
        browse = QPushButton(self.tr("&Browse..."))
        browse.clicked.connect(self._on_browse)
        new = QPushButton(self.tr("&New..."))
        new.setToolTip(self.tr("Make a data set file from a folder"))
        new.clicked.connect(self.dataSetRequested)
        row = QHBoxLayout()
        row.addWidget(self._data, 1)
        row.addWidget(browse)
        row.addWidget(new)
        self._data_facts = FittedLabel()
        self._start = QComboBox()
        self._start.setAccessibleName(self.tr("Start from"))
        for choice in self._state.models:
            self._start.addItem(self.tr("the model {name}").format(name=choice.name), choice.path)
        self._start.addItem(self.tr("scratch"), None)
        paths = [choice.path for choice in self._state.models]
        self._start.setCurrentIndex(paths.index(self._state.model) if self._state.model in paths else 0)
        self._start.activated.connect(self._on_start_chosen)
        self._start_facts = FittedLabel()
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(caption(self.tr("&Data set"), self._data), row)
        form.addRow("", self._data_facts)
        form.addRow(caption(self.tr("Start &from"), self._start), self._start)
        form.addRow("", self._start_facts)
        return form

    def _make_estimate(self) -> QHBoxLayout:
        self._measure = QPushButton(self.tr("&Estimate"))
        self._measure.setToolTip(self.tr("Try a few steps on this device, and estimate the total time and memory"))
        self._measure.clicked.connect(self._on_measure)
        self._measured = FittedLabel(prominent=True)
        row = QHBoxLayout()
        row.addWidget(self._measure)
        row.addWidget(self._measured, 1)
        return row

    def _make_buttons(self) -> QDialogButtonBox:
        box = QDialogButtonBox()
        self._order = box.addButton(self.tr("&Start Training"), QDialogButtonBox.ButtonRole.AcceptRole)
        box.addButton(self.tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        box.accepted.connect(self._on_accepted)
        box.rejected.connect(self.reject)
        self._order.setDefault(True)
        return box

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        # Only now is it known how many lines each text takes.
        QTimer.singleShot(0, self, self._fit)

    def _fit(self) -> None:
        resize_on_screen(self, _WIDTH_PX, self._form.minimumSizeHint().height() + _ROOM_PX)

    # What the person chose

    def set_data_set(self, file: Path | None) -> None:
        """Learn from another data set file."""
        self._data.setText(str(file or ""))
        self._timer.setInterval(0)  # nobody is typing

    def show_facts(self, facts: DataSetFacts) -> None:
        """What is in the data set file."""
        if not self._timer.isActive() and facts.file == self._file():
            self._facts = facts
            self._show_consequences()

    @property
    def is_looking(self) -> bool:
        """Whether it is not known yet what is in the data set file."""
        return self._facts is None and bool(self._data.text().strip())

    def _file(self) -> Path:
        return Path(self._data.text().strip())

    def _on_data_changed(self) -> None:
        self._facts = None
        self._timer.stop()
        if self.is_looking:
            self._timer.start(_REST_MS)
        self._show_consequences()

    def config(self) -> TrainingConfig:
        """The recipe of the form.

        Raises
        ------
        TrainingError : a value that cannot be.
        """
        source = {"dataset": self._data.text().strip(), "validation_photos": self._held_out}
        config = self.recipe.config().replaced("data", sources=[source])
        config = config.replaced("run", name=self.run.model_name)
        start = self._start.currentData()
        if start is not None:
            return config.replaced("network", start_from=str(start))
        return config.replaced(
            "network", start_from="", architecture=self.network.architecture, config=self.network.config()
        )

    def request(self) -> TrainingRequest:
        """Everything that makes a job. Raises TrainingError."""
        measured = self._state.estimate
        config = self.config()
        fits = measured is not None and measured.estimate is not None and measured.key == self._key(config)
        return TrainingRequest(
            config=config,
            name=self.run.model_name,
            notes=self.run.notes.toPlainText().strip(),
            device=self.run.device.currentData(),
            count=self.run.count.value(),
            engine=SLURM if self.run.is_slurm else "local",
            slurm=self.run.slurm_text,
            estimate=measured.estimate.to_dict() if fits and measured and measured.estimate else {},
        )

    def _key(self, config: TrainingConfig) -> str:
        """What a measurement is of: the name does not matter."""
        return f"{self.run.device.currentData()}\n{to_toml(config.replaced('run', name=''))}"

    def _on_browse(self) -> None:
        filters = self.tr("Data sets (*{suffix})").format(suffix=SUFFIX)
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Data Set"), self._start_folder, filters)
        if name:
            self._data.setText(name)

    def _on_start_chosen(self) -> None:
        """A model to start from wants the preset for that, and scratch another."""
        from_model = self._start.currentData() is not None
        self._start_facts.setText(
            self.tr("Its network, preprocessing and weights are kept; it may forget what it is not trained on again.")
            if from_model
            else self.tr("Random initial weights: needs more photographs and many more steps.")
        )
        for widget in (self._network_heading, self.network):
            widget.setVisible(not from_model)
        fits = self.recipe.preset if self.recipe.preset != FINE_TUNING else "strong"
        self.recipe.choose(FINE_TUNING if from_model else fits)

    def _on_preset_chosen(self) -> None:
        """The network is that of the preset, unless a person has chosen another family."""
        preset = self.recipe.network
        if preset.architecture == self.network.architecture:
            self.network.choose(preset.architecture, dict(preset.config))

    def _on_measure(self) -> None:
        busy = self._state.estimate is not None and self._state.estimate.busy
        if busy:
            self.measureRequested.emit(None, "")
            return
        try:
            request = self.request()
        except SerrError as error:
            self._problem.setText(str(error))
            return
        self.measureRequested.emit(request, self._key(request.config))

    def _on_accepted(self) -> None:
        try:
            request = self.request()
        except SerrError as error:
            self._problem.setText(str(error))
            return
        self.trainingRequested.emit(request)
        self.accept()

    # What follows from it

    def _show_consequences(self) -> None:
        usable = self._show_data()
        self.run.show_places()
        self.run.propose_name(self._proposed_name())
        problem = ""
        try:
            self.config()
            self.run.check()
        except SerrError as error:
            problem = str(error)
        count = self.run.count.value()
        if count > 1 and self.recipe.numbers["batch"].value() % count:
            problem = self.tr("The crops in a step must be a multiple of {count}.").format(count=count)
        if self._start.currentData() is None and self.recipe.numbers["crop_px"].value() % self.network.stride:
            text = self.tr("The crop side must be a multiple of {stride} for this network.")
            problem = text.format(stride=self.network.stride)
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))
        good = usable and not problem and bool(self.run.model_name)
        self._order.setEnabled(good)
        self._measure.setEnabled(good and not self.run.is_slurm)
        self._show_estimate()

    def _show_data(self) -> bool:
        """Say what is in the data set file; whether it can be learned from."""
        if not self._data.text().strip():
            self._data_facts.setText(self.tr("Choose a data set file, or make one from a folder with New."))
            return False
        facts = self._facts
        if facts is None or facts.problem:
            self._data_facts.setText(facts.problem if facts is not None else self.tr("Looking into the data set..."))
            return False
        counts = "   ".join(f"{part_text(part)}: {count}" for part, count in facts.counts.items())
        learned = facts.count("training")
        self._held_out = proposed_hold_out(learned)  # a validation part goes before it
        if facts.count("validation"):
            self._data_facts.setText(counts)
            return learned > 0
        if learned < 2:
            text = self.tr("{counts}   Too few: one photograph at least to learn from, and one for validation.")
        else:
            text = self.tr("{counts}   ({held} of training are held out for validation)")
        self._data_facts.setText(text.format(counts=counts, held=self._held_out))
        return learned > 1

    def _proposed_name(self) -> str:
        stem = Path(self._data.text().strip()).name.removesuffix(SUFFIX)
        start = self._start.currentData()
        base = Path(start).stem if start is not None else self.network.architecture
        return f"{base}-{stem}".replace(" ", "-") if stem else base

    def _show_estimate(self) -> None:
        state = self._state.estimate
        busy = state is not None and state.busy
        self._measure.setText(self.tr("Stop") if busy else self.tr("&Estimate"))
        if self.run.is_slurm and not busy:
            text = self.tr("The cluster's machines must see this program, the data and the jobs' folder, {folder}.")
            self._measured.setText(text.format(folder=display_path(jobs_folder())))
        elif state is None:
            self._measured.setText(self.tr("Time and memory can be measured before the start."))
        elif busy:
            self._measured.setText(state.stage or self.tr("Starting..."))
        elif state.estimate is None:
            self._measured.setText(state.problem)
        else:
            text = estimate_text(self, state.estimate)
            try:
                old = state.key != self._key(self.config())
            except SerrError:
                old = True
            self._measured.setText(self.tr("For other choices: {text}").format(text=text) if old else text)
