"""Long work beside the window.

A ``Worker`` is a ``QThread`` object that stays in the GUI thread, so its signals are emitted there. After any number of
``progressed``, ``partial_result`` and ``noted`` comes exactly one of ``succeeded``, ``failed``, ``cancelled``.
"""

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, QThread, Signal, SignalInstance

from core.errors import SerrError
from core.progress import Cancelled, Progress
from serr_gui.system.logs import log_fault

_INTERVAL_S = 0.05
"""At most 20 progress reports a second reach the window."""
_PAUSE_CHECK_S = 0.1
"""How soon paused work notices that it was cancelled."""
_BESIDE_NICE = 10
"""How far Linux sets back a thread that nobody waits for; there, Qt's priorities of threads do nothing."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed job as text. (A kept exception would keep its frames' arrays and tensors alive.)

    ``sentence`` is meant for a person where ``expected``; otherwise it is the name of a fault in the program.
    """

    sentence: str
    details: str
    expected: bool

    @classmethod
    def of(cls, error: BaseException) -> "Failure":
        details = "".join(traceback.format_exception(error))
        if isinstance(error, SerrError):
            return cls(str(error), details, True)
        log_fault(error, error.__traceback__)
        return cls(type(error).__name__, details, False)


class WorkerMonitor:
    """The ``Monitor`` of a job, used in its thread. ``yield_result`` hands over a part of the result before the end."""

    def __init__(self, job: "Worker[T]") -> None:
        self._progressed = job.passed_progress
        self._noted = job.passed_note
        self._delivered = job.passed_part
        self._stop = job.stop_event
        self._go = job.go_event
        self._next_report = 0.0

    def step(self, progress: Progress) -> None:
        self.check()
        now = time.monotonic()
        if now >= self._next_report:
            self._next_report = now + _INTERVAL_S
            self._progressed.emit(progress)

    def note(self, message: str) -> None:
        self._noted.emit(message)

    def check(self) -> None:
        """Wait here while the work is paused; end it here if it was cancelled."""
        while not self._go.wait(_PAUSE_CHECK_S) and not self._stop.is_set():
            continue
        if self._stop.is_set():
            raise Cancelled

    def yield_result(self, part: object) -> None:
        self.check()
        self._delivered.emit(part)


class Worker(QThread, Generic[T]):
    """Runs ``work(monitor)`` in a thread of its own.

    ``succeeded`` carries what ``work`` returned, ``failed`` a ``Failure``. After ``cancel`` the outcome is
    ``cancelled``, even if the work was faster. With ``low_priority`` the work gets the processors
    that everything else leaves over.
    """

    progressed = Signal(object)
    partial_result = Signal(object)
    noted = Signal(str)
    succeeded = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    ended = Signal()
    """After the outcome, whichever it was."""

    # From the thread to this object; queued, because the object lives in the GUI thread.
    passed_progress = Signal(object)
    passed_part = Signal(object)
    passed_note = Signal(str)

    def __init__(
        self, work: Callable[[WorkerMonitor], T], parent: QObject | None = None, *, low_priority: bool = False
    ) -> None:
        super().__init__(parent)
        self._work: Callable[[WorkerMonitor], T] | None = work
        self._low_priority = low_priority
        self._result: T | None = None
        self._failure: Failure | None = None
        self.stop_event = threading.Event()
        self.go_event = threading.Event()
        self.go_event.set()
        self.passed_progress.connect(self._on_progress)
        self.passed_part.connect(self._on_part)
        self.passed_note.connect(self._on_note)
        self.finished.connect(self._on_finished)

    def run(self) -> None:
        """The thread. Everything that can go wrong becomes the outcome."""
        work = self._work
        assert work is not None
        if self._low_priority:
            _step_back()
        try:
            self._result = work(WorkerMonitor(self))
        except Cancelled:
            self.stop_event.set()
        except BaseException as error:  # noqa: BLE001 - also MemoryError and SystemExit are outcomes
            self._failure = Failure.of(error)
        # Nothing may keep the inputs' arrays alive after the work.
        self._work = None

    def cancel(self) -> None:
        """Ask the work to end at its next step."""
        self.stop_event.set()

    @property
    def cancelling(self) -> bool:
        return self.stop_event.is_set()

    def _on_progress(self, progress: object) -> None:
        if not self.cancelling:
            self.progressed.emit(progress)

    def _on_part(self, part: object) -> None:
        self.partial_result.emit(part)

    def _on_note(self, message: str) -> None:
        self.noted.emit(message)

    def _on_finished(self) -> None:
        self.wait()  # "finished" comes a moment before the thread has really ended
        result, self._result = self._result, None
        if self.cancelling:
            self.cancelled.emit()
        elif self._failure is not None:
            self.failed.emit(self._failure)
        else:
            self.succeeded.emit(result)
        self.ended.emit()
        self.deleteLater()


def _step_back() -> None:
    """Let every other thread go first."""
    if sys.platform == "linux":
        with suppress(OSError):  # not allowed where a sandbox forbids it
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _BESIDE_NICE)


class WorkerPool(QObject):
    """Runs jobs by slot: a new job in a slot cancels the older one there, whose late outcome is dropped."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._current: dict[str, Worker[object]] = {}
        self._running: set[Worker[object]] = set()
        self._closed = False

    def start(
        self,
        slot: str,
        work: Callable[[WorkerMonitor], object],
        *,
        succeeded: Callable[[object], None] | None = None,
        failed: Callable[[Failure], None] | None = None,
        cancelled: Callable[[], None] | None = None,
        progressed: Callable[[Progress], None] | None = None,
        partial_result: Callable[[object], None] | None = None,
        noted: Callable[[str], None] | None = None,
        low_priority: bool = False,
    ) -> None:
        """Run ``work`` in a thread; the callbacks run in the GUI thread while this job is the slot's newest."""
        if self._closed:
            return
        self.cancel(slot)
        job: Worker[object] = Worker(work, low_priority=low_priority)
        self._current[slot] = job
        self._running.add(job)

        def still_wanted() -> bool:
            return self._current.get(slot) is job

        def connect(signal: SignalInstance, callback: Callable[..., None] | None) -> None:
            if callback is not None:
                signal.connect(lambda *values: callback(*values) if still_wanted() else None)

        def on_outcome(callback: Callable[..., None] | None) -> Callable[..., None]:
            def run(*values: object) -> None:
                if still_wanted():
                    del self._current[slot]  # before the callback, which may start the next job
                    if callback is not None:
                        callback(*values)

            return run

        connect(job.progressed, progressed)
        connect(job.partial_result, partial_result)
        connect(job.noted, noted)
        job.succeeded.connect(on_outcome(succeeded))
        job.failed.connect(on_outcome(failed))
        job.cancelled.connect(on_outcome(cancelled))
        job.ended.connect(lambda: self._running.discard(job))
        job.start(QThread.Priority.LowestPriority if low_priority else QThread.Priority.InheritPriority)

    def cancel(self, slot: str, *, tell: bool = False) -> None:
        """End the job of a slot; with ``tell`` its "cancelled" is still wanted, else nothing more is heard of it."""
        job = self._current.get(slot)
        if job is not None:
            job.cancel()
            if not tell:
                del self._current[slot]

    def pause(self, slot: str, paused: bool) -> None:
        """Hold the job of a slot at its next step, or let it go on."""
        job = self._current.get(slot)
        if job is not None and paused:
            job.go_event.clear()
        elif job is not None:
            job.go_event.set()

    def busy(self, slot: str) -> bool:
        return slot in self._current

    def shutdown(self) -> None:
        """Cancel everything, wait until no thread is left, and start nothing more. No callback is called any more."""
        self._closed = True
        self._current.clear()
        for job in list(self._running):
            job.cancel()
        for job in list(self._running):
            job.wait()
            job.deleteLater()
        self._running.clear()
