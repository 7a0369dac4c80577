"""What work is going on, how far it is, and Cancel, whatever docks are closed."""

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QToolButton, QWidget

from serr_gui.actions.qactions import Actions
from serr_gui.model.state import AppState, JobStatus
from serr_gui.widgets.controls import ElidedLabel


class JobBar(QWidget):
    """Shows ``state.job``."""

    def __init__(self, state: AppState, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._text = ElidedLabel()
        self._text.setAccessibleName(self.tr("Progress"))
        self._bar = QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(8)
        self._bar.setFixedWidth(160)
        self._bar.setAccessibleName(self.tr("Progress"))
        cancel = QToolButton()
        cancel.setDefaultAction(actions["cancel"])
        cancel.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 4, 0)
        row.setSpacing(8)
        row.addWidget(self._text, 1)
        row.addWidget(self._bar)
        row.addWidget(cancel)
        state.events.job.connect(self._show_job)
        self._show_job()

    def _show_job(self) -> None:
        job = self._state.job
        self.setVisible(job is not None)
        if job is None:
            return
        self._text.set_full_text(self._describe(job))
        fraction = job.fraction
        if fraction is None:
            self._bar.setRange(0, 0)  # on its way, length unknown
        else:
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(fraction * 1000))

    def _describe(self, job: JobStatus) -> str:
        titles = {
            "segment": self.tr("Segmenting {name}"),
            "batch": self.tr("Segmenting {item} of {items}, {name}") if job.name else self.tr("Segmenting"),
            "export": self.tr("Exporting {item} of {items}, {name}"),
            "evaluate": self.tr("Evaluating"),
            "compare_models": self.tr("Comparing {name}"),
        }
        text = titles[job.kind].format(name=job.name, item=max(job.item, 1), items=job.items)
        if job.cancelling:
            return self.tr("{what}: stopping...").format(what=text)
        if job.progress.stage:
            stage = QCoreApplication.translate("Progress", job.progress.stage)
            return f"{text}: {stage}"
        return text
