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
from functools import partial
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QObject, QThread, Signal, SignalInstance

from core.errors import SerrError
from core.progress import Cancelled, Progress
from serr_gui.system.logs import log_fault

_INTERVAL_S = 0.05
"""At most 20 progress reports a second reach the window."""
_PAUSE_CHECK_S = 0.1
"""How soon paused work notices that it was cancelled."""
_BESIDE_NICE = 10
"""How far a thread that nobody waits for steps back on Linux, where Qt's priorities of threads do nothing."""

T = TypeVar("T")
"""What the work returns."""
P = TypeVar("P")
"""What it hands over before the end, piece by piece."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error of the work as text. (A kept exception would keep its frames' arrays and tensors alive.)

    ``sentence`` is meant for the user where ``expected``; otherwise it is the name of a bug in the program.
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


class WorkerMonitor(Generic[P]):
    """The ``Monitor`` of the work, used in its thread. ``yield_result`` yields parts of the result before the end."""

    def __init__(self, worker: "Worker[T, P]") -> None:
        self._progressed = worker.passed_progress
        self._noted = worker.passed_note
        self._delivered = worker.passed_part
        self._stop = worker.stop_event
        self._go = worker.go_event
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

    def yield_result(self, part: P) -> None:
        self.check()
        self._delivered.emit(part)


class Worker(QThread, Generic[T, P]):
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
        self,
        work: Callable[[WorkerMonitor[P]], T],
        parent: QObject | None = None,
        *,
        low_priority: bool = False,
        completes: bool = False,
    ) -> None:
        super().__init__(parent)
        self._work: Callable[[WorkerMonitor[P]], T] | None = work
        self._low_priority = low_priority
        self.completes = completes
        self._result: T | None = None
        self._failure: Failure | None = None
        self.stop_event = threading.Event()
        self.go_event = threading.Event()
        self.go_event.set()
        self._told = False
        self.passed_progress.connect(self._on_progress)
        self.passed_part.connect(self._on_part)
        self.passed_note.connect(self._on_note)
        self.finished.connect(self.tell)

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

    def tell(self) -> None:
        """Wait for the end of the thread, and tell the outcome, once."""
        self.wait()  # "finished" comes a moment before the thread has really ended
        if self._told:
            return
        self._told = True
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
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _BESIDE_NICE)


def _in_turn(turn: threading.Lock, work: Callable[[WorkerMonitor[P]], T], monitor: WorkerMonitor[P]) -> T:
    with turn:
        monitor.check()
        return work(monitor)


class WorkerPool(QObject):
    """Runs workers by slot: a new one in a slot cancels the older one there, whose late outcome is dropped."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._current: dict[str, Worker[Any, Any]] = {}
        self._running: set[Worker[Any, Any]] = set()
        self._turns: dict[str, threading.Lock] = {}
        self._closed = False

    def start(
        self,
        slot: str,
        work: Callable[[WorkerMonitor[P]], T],
        *,
        succeeded: Callable[[T], None] | None = None,
        failed: Callable[[Failure], None] | None = None,
        cancelled: Callable[[], None] | None = None,
        progressed: Callable[[Progress], None] | None = None,
        partial_result: Callable[[P], None] | None = None,
        noted: Callable[[str], None] | None = None,
        low_priority: bool = False,
        in_turn: bool = False,
        completes: bool = False,
    ) -> None:
        """Run ``work`` in a thread; the callbacks run in the GUI thread while this worker is the slot's newest.

        ``in_turn`` : work that cannot be interrupted and is asked for at each move of a hand runs one at a time, and
        what was cancelled while it waited does not run. ``completes`` : ``shutdown`` lets it come to its end, for it
        writes a file that a person asked for.
        """
        if self._closed:
            return
        self.cancel(slot)
        if in_turn:
            work = partial(_in_turn, self._turns.setdefault(slot, threading.Lock()), work)
        worker: Worker[T, P] = Worker(work, low_priority=low_priority, completes=completes)
        self._current[slot] = worker
        self._running.add(worker)

        def still_wanted() -> bool:
            return self._current.get(slot) is worker

        def connect(signal: SignalInstance, callback: Callable[..., None] | None) -> None:
            if callback is not None:
                signal.connect(lambda *values: callback(*values) if still_wanted() else None)

        def on_outcome(callback: Callable[..., None] | None) -> Callable[..., None]:
            def run(*values: object) -> None:
                if still_wanted():
                    del self._current[slot]  # before the callback, which may start the next one
                    if callback is not None:
                        callback(*values)

            return run

        connect(worker.progressed, progressed)
        connect(worker.partial_result, partial_result)
        connect(worker.noted, noted)
        worker.succeeded.connect(on_outcome(succeeded))
        worker.failed.connect(on_outcome(failed))
        worker.cancelled.connect(on_outcome(cancelled))
        worker.ended.connect(lambda: self._running.discard(worker))
        worker.start(QThread.Priority.LowestPriority if low_priority else QThread.Priority.InheritPriority)

    def cancel(self, slot: str, *, tell: bool = False) -> None:
        """End the worker of a slot; with ``tell`` its "cancelled" is still wanted, else nothing more is heard of it."""
        worker = self._current.get(slot)
        if worker is not None:
            worker.cancel()
            if not tell:
                del self._current[slot]

    def pause(self, slot: str, paused: bool) -> None:
        """Hold the worker of a slot at its next step, or let it continue."""
        worker = self._current.get(slot)
        if worker is not None and paused:
            worker.go_event.clear()
        elif worker is not None:
            worker.go_event.set()

    def finish(self, slot: str) -> None:
        """Wait for the worker of a slot; its callbacks are called before this returns."""
        worker = self._current.get(slot)
        if worker is not None:
            worker.tell()

    def busy(self, slot: str) -> bool:
        return slot in self._current

    def shutdown(self) -> None:
        """Cancel everything, wait until no thread is left, and start nothing more. No callback is called any more.

        Work that ``completes`` is waited for in place of being cancelled.
        """
        self._closed = True
        self._current.clear()
        for worker in list(self._running):
            if not worker.completes:
                worker.cancel()
        for worker in list(self._running):
            worker.wait()
            worker.deleteLater()
        self._running.clear()
