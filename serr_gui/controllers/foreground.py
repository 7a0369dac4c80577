"""The long work, one at a time: what the bar below the photograph shows and Cancel ends."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject

from core.files import shown
from core.progress import Progress
from serr_gui import tasks
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.workers import Failure
from serr_gui.model.state import JobKind, JobStatus


class ForegroundTask(QObject):
    """Runs a job in the slot "job" and keeps ``state.job``."""

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self._context = context

    def begin(
        self,
        kind: JobKind,
        task: Callable[[tasks.YieldingMonitor], object],
        *,
        succeeded: Callable[[object], None],
        failed: Callable[[Failure], None],
        cancelled: Callable[[], None] | None = None,
        partial_result: Callable[[object], None] | None = None,
        noted: Callable[[str], None] | None = None,
        items: int = 1,
        name: str = "",
    ) -> None:
        """Start; the state says so until one of the outcomes."""
        self._context.forget_notices("work")
        self._context.state.job = JobStatus(kind, Progress(""), items=items, name=name)
        self._context.board.start(
            "job",
            task,
            succeeded=partial(self._end, succeeded),
            failed=partial(self._end, failed),
            cancelled=partial(self._end, cancelled or (lambda: None)),
            progressed=self._on_progress,
            partial_result=partial_result,
            noted=noted or partial(self._context.notify, "info"),
        )

    def cancel(self) -> None:
        """Ask the work that is going on to end."""
        job = self._context.state.job
        if job is not None:
            self._context.board.cancel("job", tell=True)
            self._context.state.job = replace(job, cancelling=True)

    def show_step(self, part: tasks.BatchStep) -> None:
        """The work goes on with another file."""
        if self._context.state.job is not None:
            self._context.state.job = replace(
                self._context.state.job, item=part.item, name=shown(part.path.name), progress=Progress("")
            )

    def _end(self, then: Callable[..., None], *values: object) -> None:
        self._context.state.job = None
        then(*values)

    def _on_progress(self, progress: Progress) -> None:
        if self._context.state.job is not None:
            self._context.state.job = replace(self._context.state.job, progress=progress)
