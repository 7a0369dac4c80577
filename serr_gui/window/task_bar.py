"""What work is running, how far it is, and Cancel, whatever docks are closed."""

from typing import Literal

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from serr_gui.actions.qactions import Actions
from serr_gui.model.state import AppState, TaskStatus
from serr_gui.widgets.controls import ElidedLabel
from serr_gui.widgets.durations import duration_text
from serr_gui.widgets.thin_bar import ThinBar

Place = Literal["task", "side_task", "session_task"]


class TaskBar(QWidget):
    """Shows the field ``place`` of the state; ``cancelRequested`` is for all but "task", which has a command."""

    cancelRequested = Signal()

    def __init__(
        self, state: AppState, actions: Actions, *, place: Place = "task", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._place = place
        self._text = ElidedLabel(leave_out=Qt.TextElideMode.ElideRight)
        self._text.setAccessibleName(self.tr("Progress"))
        self._bar = ThinBar(8)
        self._bar.setFixedWidth(160)
        self._bar.setAccessibleName(self.tr("Progress"))
        self._pause = QToolButton()
        self._pause.setDefaultAction(actions["pause"])
        cancel = QToolButton()
        if place != "task":
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
        getattr(state.events, place).connect(self._show_task)
        self._show_task()

    def _show_task(self) -> None:
        task: TaskStatus | None = getattr(self._state, self._place)
        self.setVisible(task is not None)
        if task is None:
            return
        self._pause.setVisible(task.kind == "batch")
        self._text.set_full_text(self._describe(task))
        self._bar.show_part(task.fraction)

    def _describe(self, task: TaskStatus) -> str:
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
            "two_models": self.tr("Two models on {name}"),
            "mirror": self.tr("Error bars of {name}"),
            "enhance": self.tr("Enhancing {name}"),
            "save_session": self.tr("Saving {name}"),
            "open_session": self.tr("Opening {name}"),
            "restore": self.tr("Continuing the work of the last time"),
        }
        named = bool(task.name) and task.kind in counted
        text = counted[task.kind] if named else titles[task.kind]
        text = text.format(name=task.name, item=task.item, items=task.items)
        if task.cancelling:
            return self.tr("{what}: stopping...").format(what=text)
        if task.paused:
            return self.tr("{what}: paused").format(what=text)
        if task.seconds_left is not None and task.kind == "batch":
            text = self.tr("{what}, {time} left").format(what=text, time=duration_text(task.seconds_left))
        parts = [task.name] if named else []
        if task.progress.stage:
            parts.append(QCoreApplication.translate("Progress", task.progress.stage))
        return f"{text}: {', '.join(parts)}" if parts else text
