"""The long work: one piece at a time, and a second one on finished results beside Segment All."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal, TypeVar

from PySide6.QtCore import QObject

from core.files import display_path
from core.progress import Progress
from serr_gui import tasks
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.workers import Failure, WorkerMonitor
from serr_gui.model.state import TaskKind, TaskStatus

T = TypeVar("T")
P = TypeVar("P")
Place = Literal["task", "side_task"]


class ForegroundTask(QObject):
    """Runs work in a slot, "task" or "side_task", and keeps the field of that name of the state."""

    def __init__(self, context: ControllerContext, place: Place = "task") -> None:
        super().__init__(context)
        self._context = context
        self._place = place
        self._begun: float | None = None
        self._paused_at: float | None = None

    @property
    def status(self) -> TaskStatus | None:
        """What is running here."""
        return self._context.state.task if self._place == "task" else self._context.state.side_task

    def _set_status(self, status: TaskStatus | None) -> None:
        if self._place == "task":
            self._context.state.task = status
        else:
            self._context.state.side_task = status

    def begin(
        self,
        kind: TaskKind,
        work: Callable[[WorkerMonitor[P]], T],
        *,
        succeeded: Callable[[T], None],
        failed: Callable[[Failure], None],
        cancelled: Callable[[], None] | None = None,
        partial_result: Callable[[P], None] | None = None,
        noted: Callable[[str], None] | None = None,
        items: int = 1,
        name: str = "",
    ) -> None:
        """Start; the state says so until one of the outcomes."""
        self._context.finishSteps.emit()
        self._context.forget_notices("work")
        self._begun = self._paused_at = None
        self._set_status(TaskStatus(kind, Progress(""), items=items, name=name))
        self._context.workers.start(
            self._place,
            work,
            succeeded=partial(self._end, succeeded),
            failed=partial(self._end, failed),
            cancelled=partial(self._end, cancelled or (lambda: None)),
            progressed=self._on_progress,
            partial_result=partial_result,
            noted=noted or partial(self._context.notify, "info"),
        )

    def cancel(self) -> None:
        """Ask the running work to end."""
        status = self.status
        if status is not None:
            self._context.workers.cancel(self._place, tell=True)
            self._set_status(replace(status, cancelling=True, paused=False))

    def pause(self) -> None:
        """Hold the work at its next step, or let it continue."""
        status = self.status
        if status is None or status.cancelling:
            return
        self._context.workers.pause(self._place, not status.paused)
        now = time.monotonic()
        if not status.paused:
            self._paused_at = now
        elif self._paused_at is not None and self._begun is not None:
            self._begun += now - self._paused_at  # a pause tells nothing about the speed
        self._set_status(replace(status, paused=not status.paused))

    def show_step(self, part: tasks.BatchStep) -> None:
        """The work continues with another file."""
        now = time.monotonic()
        if self._begun is None:
            self._begun = now
        status, done = self.status, part.item - 1
        if status is not None:
            left = (now - self._begun) / done * (part.items - done) if done else None
            name = display_path(part.path.name)
            self._set_status(replace(status, item=part.item, name=name, progress=Progress(""), seconds_left=left))

    def _end(self, then: Callable[..., None], *values: object) -> None:
        self._set_status(None)
        then(*values)

    def _on_progress(self, progress: Progress) -> None:
        status = self.status
        if status is not None:
            self._set_status(replace(status, progress=progress))
