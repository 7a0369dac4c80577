"""Work on sessions that takes long enough to be seen: its progress, and Cancel. Nothing else waits for it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final, TypeVar

from PySide6.QtCore import QObject, QTimer

from core.progress import Progress
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.workers import Failure, WorkerMonitor
from serr_gui.model.state import TaskKind, TaskStatus

T = TypeVar("T")
_SHOWN_AFTER_MS: Final = 400
"""Small sessions are there before that: nothing flashes."""


class SessionTask(QObject):
    """Runs work in slots of its own and keeps ``state.session_task``, which shows what was begun last."""

    def __init__(self, context: ControllerContext) -> None:
        super().__init__(context)
        self._context = context
        self._slot = ""
        self._latest: TaskStatus | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SHOWN_AFTER_MS)
        self._timer.timeout.connect(self._show)

    def begin(
        self,
        kind: TaskKind,
        slot: str,
        work: Callable[[WorkerMonitor[Any]], T],
        *,
        name: str,
        succeeded: Callable[[T], None],
        failed: Callable[[Failure], None],
        cancelled: Callable[[], None],
        completes: bool = False,
    ) -> None:
        """Start; ``name`` is that of the session. The rest is as in ``WorkerPool.start``."""
        self._slot, self._latest = slot, TaskStatus(kind, Progress(""), name=name)
        self._context.workers.start(
            slot,
            work,
            succeeded=partial(self._end, slot, succeeded),
            failed=partial(self._end, slot, failed),
            cancelled=partial(self._end, slot, cancelled),
            progressed=partial(self._on_progress, slot),
            completes=completes,
        )
        self._timer.start()

    def cancel(self) -> None:
        """Ask what is shown to end at its next step."""
        if self._latest is not None:
            self._context.workers.cancel(self._slot, tell=True)
            self._latest = replace(self._latest, cancelling=True)
            self._show()

    def _on_progress(self, slot: str, progress: Progress) -> None:
        if slot == self._slot and self._latest is not None:
            self._latest = replace(self._latest, progress=progress)
            if self._context.state.session_task is not None:
                self._show()

    def _show(self) -> None:
        self._context.state.session_task = self._latest

    def _end(self, slot: str, then: Callable[..., None], *values: object) -> None:
        if slot == self._slot:
            self._timer.stop()
            self._latest = self._context.state.session_task = None
        then(*values)
