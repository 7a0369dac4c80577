"""The trainings: which there are, how the chosen one goes, and what can be done with it and with its model."""

import math
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, Qt, QTimer, Signal, SignalInstance
from PySide6.QtGui import QFontDatabase, QGuiApplication, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.jobs.store import Job
from core.training.run_view import RunView
from serr_gui.actions.qactions import Actions
from serr_gui.model.state import AppState
from serr_gui.panels.training.views import JobList, ValidationPictures, state_text
from serr_gui.widgets import icons
from serr_gui.widgets.controls import ElidedLabel
from serr_gui.widgets.durations import duration_text
from serr_gui.widgets.work_panel import WorkPanel, beginning

if TYPE_CHECKING:
    from serr_gui.panels.training.plots import TrainingCurves

_LOG_LINES: Final = 5000
_LIST_PX: Final = 190


class TrainingPanel(WorkPanel):
    """Lists the jobs and follows the chosen one. Every request but ``jobRequested`` (an id) carries the ``Job``."""

    jobRequested = Signal(str)
    pauseRequested = Signal(object)
    stopRequested = Signal(object)
    resumeRequested = Signal(object)
    forceRequested = Signal(object)
    removeRequested = Signal(object)
    describeRequested = Signal(object)
    folderRequested = Signal(object)
    compareRequested = Signal(object)
    takeRequested = Signal(object)
    exportRequested = Signal(object)

    def __init__(self, state: AppState, actions: Actions, parent: QWidget | None = None) -> None:
        self.jobs = JobList()
        super().__init__(self.jobs, parent)
        self._state = state
        self._copies: list[QToolButton] = []
        self.curves: TrainingCurves | None = None
        self._curves_later = QTimer(self)  # the panel comes first: the plots take as long as all the rest
        self._curves_later.setSingleShot(True)
        self._curves_later.timeout.connect(self._make_curves)
        self._shown_run: tuple[RunView | None, str] = (None, "")
        self.jobs.keyRequested.connect(self.jobRequested)
        nothing = self.tr(
            "No training yet. Train > Data Set chooses photographs and labels, Train > New Training starts."
        )
        self.make_frame(self._make_page(), nothing, _LIST_PX, lambda: beginning(actions["new_training"]))
        self._tint()
        state.events.trainings.connect(self._show_trainings)
        self._show_trainings()

    # Making

    def _make_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(4, 6, 8, 6)
        column.setSpacing(4)
        column.addLayout(self._make_head())
        self._sentence = QLabel()
        self._sentence.setWordWrap(True)
        self._sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(self._sentence)
        column.addWidget(self._make_tabs(), 1)
        return page

    def _make_head(self) -> QVBoxLayout:
        self._pause = QPushButton(self.tr("&Pause"))
        self._pause.setToolTip(self.tr("Finish the step, keep everything, and end; it can be resumed later"))
        self._pause.clicked.connect(lambda: self._request(self.pauseRequested))
        self._resume = QPushButton(self.tr("&Resume"))
        self._resume.setToolTip(self.tr("Resume from where it stopped"))
        self._resume.clicked.connect(lambda: self._request(self.resumeRequested))
        self._stop = QPushButton(self.tr("S&top"))
        self._stop.setToolTip(self.tr("End the training with the best weights so far"))
        self._stop.clicked.connect(lambda: self._request(self.stopRequested))
        self._compare = QPushButton(self.tr("&Compare..."))
        self._compare.setToolTip(self.tr("Compare the new model with another on photographs that neither has seen"))
        self._compare.clicked.connect(lambda: self._request(self.compareRequested))
        self._take = QPushButton(self.tr("&Add to Models..."))
        self._take.setToolTip(self.tr("Add the new model to those that can be chosen"))
        self._take.clicked.connect(lambda: self._request(self.takeRequested))
        self._more = self.fill_menu(
            (
                ("describe", self.tr("&Name and Notes..."), self.describeRequested),
                ("export", self.tr("&Export Model..."), self.exportRequested),
                ("folder", self.tr("Open &Folder"), self.folderRequested),
                ("force", self.tr("End by F&orce"), self.forceRequested),
                ("remove", self.tr("&Remove..."), self.removeRequested),
            ),
            self._request,
        )
        self.spare(self._compare, self._take)
        row = QHBoxLayout()
        row.setSpacing(6)
        for button in (self._pause, self._resume, self._stop, self._compare, self._take):
            row.addWidget(button)
        row.addWidget(self.more)
        row.addStretch(1)
        self._facts = ElidedLabel(leave_out=Qt.TextElideMode.ElideRight)  # what is asked for most comes first
        self.bar.setAccessibleName(self.tr("Progress of the training"))
        head = QVBoxLayout()
        head.setSpacing(4)
        head.addWidget(self.title)  # above the buttons: beside them nothing is left of a long name
        head.addLayout(row)
        head.addWidget(self.bar)
        head.addWidget(self._facts)
        return head

    def _make_tabs(self) -> QTabWidget:
        self._curves_place = QWidget()
        self._curves_layout = QVBoxLayout(self._curves_place)
        self._curves_layout.setContentsMargins(0, 0, 0, 0)
        self.pictures = ValidationPictures()
        self.log = QPlainTextEdit()
        self.details = QPlainTextEdit()
        self._log_page = self._make_text(self.log, self.tr("Log"))
        details_page = self._make_text(self.details, self.tr("Details"))
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self._curves_place, self.tr("Curves"))
        self.tabs.addTab(self.pictures, self.tr("Pictures"))
        self.tabs.addTab(self._log_page, self.tr("Log"))
        self.tabs.addTab(details_page, self.tr("Details"))
        self.tabs.currentChanged.connect(lambda _index: self._show_run(self._state.trainings.run))
        return self.tabs

    def _make_text(self, text: QPlainTextEdit, name: str) -> QWidget:
        text.setReadOnly(True)
        text.setAccessibleName(name)
        text.setMaximumBlockCount(_LOG_LINES)
        text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        copy = QToolButton()
        self._copies.append(copy)
        copy.setText(self.tr("Copy"))
        copy.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        copy.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        copy.setAccessibleName(self.tr("Copy {what}").format(what=name))
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(text.toPlainText()))
        page = QWidget()
        row = QHBoxLayout(page)
        row.setContentsMargins(0, 4, 0, 0)
        row.addWidget(text, 1)
        row.addWidget(copy, 0, Qt.AlignmentFlag.AlignTop)
        return page

    # Showing the state

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()

    def _tint(self) -> None:
        for copy in self._copies:
            copy.setIcon(icons.icon("copy"))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._shown_run = (None, "")
        self._show_run(self._state.trainings.run)

    def _make_curves(self) -> None:
        if self.curves is None:
            from serr_gui.panels.training.plots import TrainingCurves

            self.curves = TrainingCurves(
                {
                    "step": self.tr("step"),
                    "loss": self.tr("loss"),
                    "training": self.tr("training"),
                    "validation": self.tr("validation"),
                    "auc": self.tr("AUC"),
                    "f1": self.tr("F1"),
                    "rate": self.tr("learning rate \u00d7 10\u2074"),
                }
            )
            self._curves_layout.addWidget(self.curves)
        self._show_run(self._state.trainings.run)

    def _show_trainings(self) -> None:
        trainings = self._state.trainings
        self.jobs.show_jobs(trainings.jobs, trainings.chosen)
        job = trainings.job
        self.show_frame(any_work=bool(trainings.jobs), chosen=job is not None)
        if job is None:
            return
        self.title.set_full_text(f"{job.request.name}: {state_text(job)}")
        self._sentence.setText(job.status.sentence)
        self._sentence.setVisible(bool(job.status.sentence))
        ended = job.state in {"done", "damaged"}  # for good
        self._pause.setVisible(job.alive)
        self._pause.setEnabled(job.command is None)
        self._stop.setVisible(not ended)
        self._stop.setEnabled(job.command != "stop")
        self._resume.setVisible(not job.alive and not ended)
        for button in (self._compare, self._take):
            self.show_button(button, shown=job.weights is not None)
        self._more["export"].setEnabled(job.weights is not None)
        self._more["force"].setEnabled(job.alive)
        self._more["remove"].setEnabled(not job.alive)
        self._facts.set_full_text(self._facts_of(job, trainings.run))
        run = trainings.run
        self.bar.setVisible(not ended)
        self.bar.show_part(run.step / max(run.steps, 1) if run and not job.preparing else None)
        self._show_run(run)

    def _show_run(self, run: RunView | None) -> None:
        """What is in the front tab; the others follow when they come to the front."""
        trainings = self._state.trainings
        job = trainings.job
        if job is None or not self.isVisible():
            return
        page = self.tabs.currentIndex()
        if page == 0 and self.curves is None:
            self._curves_later.start()
        elif page == 0 and self.curves is not None and self._shown_run != (run, job.id):
            self._shown_run = (run, job.id)
            self.curves.show_run(run)
        elif page == 1:
            self.pictures.show_run(job.run, run)
        elif page == 2:
            _show_text(self.log, trainings.log)
        elif page == 3:
            _show_text(self.details, self._details_of(job, run), keep_end=False)

    def _facts_of(self, job: Job, run: RunView | None) -> str:
        facts = [job.status.device or self.tr(" or ").join(dict.fromkeys(job.request.devices))]
        if job.preparing:
            facts.append(job.status.stage)
        if run is not None and run.steps:
            facts.append(self.tr("step {step} of {steps}").format(step=run.step, steps=run.steps))
            if job.state == "running" and run.seconds_left is not None:
                facts.append(self.tr("{time} left").format(time=duration_text(run.seconds_left)))
            best = run.best
            if best is not None:
                text = self.tr("best so far: AUC {auc}, F1 {f1} at step {step}")
                facts.append(text.format(auc=f"{best.auc_roc:.4f}", f1=f"{best.f1:.4f}", step=best.step))
            if not run.validation_photos:
                facts.append(self.tr("on the photographs that it learns from: none is held out"))
            if job.state == "running" and run.learned and not math.isnan(run.learned[-1].images_per_s):
                facts.append(self.tr("{speed} images/s").format(speed=f"{run.learned[-1].images_per_s:.3g}"))
        return "  |  ".join(facts)

    def _details_of(self, job: Job, run: RunView | None) -> str:
        order, measured = job.request, job.request.estimate
        rows = [
            (self.tr("Data"), order.data),
            (self.tr("Started from"), order.start_from or self.tr("nothing (from scratch)")),
            (self.tr("Photographs"), ""),
            (self.tr("Made"), order.created),
            (self.tr("Notes"), order.notes),
            (self.tr("Folder"), str(job.folder)),
            (self.tr("In a terminal"), f"serr jobs show {job.id}"),
        ]
        if run is not None and run.steps:
            text = (
                self.tr("{training} to learn from, {validation} to choose weights and threshold")
                if run.validation_photos
                else self.tr("{training} to learn from, none held out: weights and threshold are chosen on these")
            )
            rows[2] = (rows[2][0], text.format(training=run.training_photos, validation=run.validation_photos))
        total = measured.get("total_s")
        if isinstance(total, (int, float)):
            rows.append((self.tr("Estimate"), duration_text(float(total))))
        lines = [f"{name}: {value}" for name, value in rows if value]
        return "\n".join([*lines, "", self._state.trainings.recipe])

    def _request(self, signal: SignalInstance) -> None:
        job = self._state.trainings.job
        if job is not None:
            signal.emit(job)


def _show_text(place: QPlainTextEdit, text: str, *, keep_end: bool = True) -> None:
    """Show a text; whoever reads at its end stays at the end, and whoever reads elsewhere stays there."""
    if place.toPlainText() == text:
        return
    bar = place.verticalScrollBar()
    at_end, value = bar.value() == bar.maximum(), bar.value()
    place.setPlainText(text)
    bar.setValue(bar.maximum() if at_end and keep_end else value)
