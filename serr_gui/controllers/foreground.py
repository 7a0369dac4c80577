"""The long work, one at a time: what the bar below the photograph shows and Cancel ends."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject

from core.progress import Progress
from serr_gui import tasks
from serr_gui.controllers.context import Desk
from serr_gui.controllers.workers import Failure
from serr_gui.model.state import JobKind, JobStatus


class LongWork(QObject):
    """Runs a job in the slot "job" and keeps ``state.job``."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._desk = desk

    def begin(
        self,
        kind: JobKind,
        task: Callable[[tasks.DeliveringMonitor], object],
        *,
        succeeded: Callable[[object], None],
        failed: Callable[[Failure], None],
        cancelled: Callable[[], None] | None = None,
        delivered: Callable[[object], None] | None = None,
        noted: Callable[[str], None] | None = None,
        items: int = 1,
        name: str = "",
    ) -> None:
        """Start; the state says so until one of the outcomes."""
        self._desk.forget_notices("work")
        self._desk.state.job = JobStatus(kind, Progress(""), items=items, name=name)
        self._desk.board.start(
            "job",
            task,
            succeeded=partial(self._end, succeeded),
            failed=partial(self._end, failed),
            cancelled=partial(self._end, cancelled or (lambda: None)),
            progressed=self._on_progress,
            delivered=delivered,
            noted=noted or partial(self._desk.notify, "info"),
        )

    def cancel(self) -> None:
        """Ask the work that is going on to end."""
        job = self._desk.state.job
        if job is not None:
            self._desk.board.cancel("job", tell=True)
            self._desk.state.job = replace(job, cancelling=True)

    def show_step(self, part: tasks.BatchStep) -> None:
        """The work goes on with another file."""
        if self._desk.state.job is not None:
            self._desk.state.job = replace(
                self._desk.state.job, item=part.item, name=part.path.name, progress=Progress("")
            )

    def _end(self, then: Callable[..., None], *values: object) -> None:
        self._desk.state.job = None
        then(*values)

    def _on_progress(self, progress: Progress) -> None:
        if self._desk.state.job is not None:
            self._desk.state.job = replace(self._desk.state.job, progress=progress)
