"""What work is going on, how far it is, and Cancel, whatever docks are closed."""

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QToolButton, QWidget

from serr_gui.actions.qactions import Actions
from serr_gui.model.state import AppState, JobStatus
from serr_gui.panels.training.views import duration_text
from serr_gui.widgets.controls import ElidedLabel


class JobBar(QWidget):
    """Shows ``state.job``, or, with ``beside``, ``state.beside``; ``cancelRequested`` is for the latter."""

    cancelRequested = Signal()

    def __init__(
        self, state: AppState, actions: Actions, *, beside: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._is_beside = beside
        self._text = ElidedLabel(leave_out=Qt.TextElideMode.ElideRight)
        self._text.setAccessibleName(self.tr("Progress"))
        self._bar = QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(8)
        self._bar.setFixedWidth(160)
        self._bar.setAccessibleName(self.tr("Progress"))
        self._pause = QToolButton()
        self._pause.setDefaultAction(actions["pause"])
        cancel = QToolButton()
        if beside:
            cancel.setText(self.tr("Cancel"))
            cancel.clicked.connect(self.cancelRequested)
        else:
            cancel.setDefaultAction(actions["cancel"])
            cancel.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 4, 0)
        row.setSpacing(8)
        row.addWidget(self._text, 1)
        row.addWidget(self._bar)
        row.addWidget(self._pause)
        row.addWidget(cancel)
        (state.events.beside if beside else state.events.job).connect(self._show_job)
        self._show_job()

    def _show_job(self) -> None:
        job = self._state.beside if self._is_beside else self._state.job
        self.setVisible(job is not None)
        if job is None:
            return
        self._pause.setVisible(job.kind == "batch")
        self._text.set_full_text(self._describe(job))
        fraction = job.fraction
        if fraction is None:
            self._bar.setRange(0, 0)  # on its way, length unknown
        else:
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(fraction * 1000))

    def _describe(self, job: JobStatus) -> str:
        """What must not be left out in a narrow window comes first."""
        counted = {
            "batch": self.tr("Segmenting {item} of {items}"),
            "export": self.tr("Exporting {item} of {items}"),
        }
        titles = {
            "segment": self.tr("Segmenting {name}"),
            "batch": self.tr("Segmenting"),
            "export": self.tr("Exporting"),
            "evaluate": self.tr("Evaluating"),
            "compare_models": self.tr("Comparing {name}"),
        }
        named = bool(job.name) and job.kind in counted
        text = (counted[job.kind] if named else titles[job.kind]).format(name=job.name, item=job.item, items=job.items)
        if job.cancelling:
            return self.tr("{what}: stopping...").format(what=text)
        if job.paused:
            return self.tr("{what}: paused").format(what=text)
        if job.seconds_left is not None and job.kind == "batch":
            text = self.tr("{what}, {time} left").format(what=text, time=duration_text(job.seconds_left))
        parts = [job.name] if named else []
        if job.progress.stage:
            parts.append(QCoreApplication.translate("Progress", job.progress.stage))
        return f"{text}: {', '.join(parts)}" if parts else text
