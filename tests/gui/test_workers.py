"""Jobs: exactly one outcome each, in the GUI thread, and nothing left behind."""

import os
import sys
import threading
import weakref
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from core.errors import InputError
from core.progress import Progress
from serr_gui.controllers.workers import Failure, Worker, WorkerMonitor, WorkerPool
from tests.gui.conftest import WAIT_MS


class Listener:
    """Writes down what a job tells, and in which thread."""

    def __init__(self, job: Worker[object, object]) -> None:
        self.told: list[tuple[str, object]] = []
        self.threads: set[threading.Thread] = set()
        for name in ("progressed", "partial_result", "noted", "succeeded", "failed", "cancelled", "ended"):
            getattr(job, name).connect(self.writer(name))

    def writer(self, name: str) -> Callable[..., None]:
        def write(*values: object) -> None:
            self.told.append((name, values[0] if values else None))
            self.threads.add(threading.current_thread())

        return write

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.told]


def run(qtbot: QtBot, work: Callable[[WorkerMonitor], object], *, cancel: bool = False) -> Listener:
    job: Worker[object, object] = Worker(work)
    listener = Listener(job)
    with qtbot.waitSignal(job.ended, timeout=WAIT_MS):
        job.start()
        if cancel:
            job.cancel()
    return listener


def test_a_result_comes_once_and_last_in_the_gui_thread(qtbot: QtBot) -> None:
    def work(monitor: WorkerMonitor) -> str:
        monitor.step(Progress("one", 1, 2))
        monitor.note("half")
        monitor.yield_result(7)
        return "done"

    listener = run(qtbot, work)
    assert listener.told == [
        ("progressed", Progress("one", 1, 2)),
        ("noted", "half"),
        ("partial_result", 7),
        ("succeeded", "done"),
        ("ended", None),
    ]
    assert listener.threads == {threading.current_thread()}


def test_progress_is_thinned(qtbot: QtBot) -> None:
    def work(monitor: WorkerMonitor) -> None:
        for step in range(100_000):
            monitor.step(Progress("counting", step, 100_000))

    listener = run(qtbot, work)
    assert 1 <= listener.names.count("progressed") < 1000


@pytest.mark.parametrize(
    ("error", "expected"),
    [(InputError("eye.png is empty."), True), (RuntimeError("out of memory"), False), (MemoryError(), False)],
)
def test_every_error_is_an_outcome_as_text(qtbot: QtBot, error: Exception, expected: bool) -> None:
    def work(_monitor: WorkerMonitor) -> None:
        raise error

    listener = run(qtbot, work)
    assert listener.names == ["failed", "ended"]
    failure = listener.told[0][1]
    assert isinstance(failure, Failure)
    assert failure.expected is expected
    assert failure.sentence == (str(error) if expected else type(error).__name__)
    assert "Traceback" in failure.details


def test_a_failure_keeps_no_arrays(qtbot: QtBot) -> None:
    kept: list[weakref.ref[np.ndarray]] = []

    def work(_monitor: WorkerMonitor) -> None:
        array = np.zeros(1000)
        kept.append(weakref.ref(array))
        raise RuntimeError("with an array in its frame")

    run(qtbot, work)
    assert kept[0]() is None


def test_cancelled_is_the_outcome_even_of_work_that_was_faster(qtbot: QtBot) -> None:
    assert run(qtbot, lambda _monitor: "too late", cancel=True).names == ["cancelled", "ended"]
    assert run(qtbot, lambda monitor: monitor.step(Progress("one")), cancel=True).names == ["cancelled", "ended"]


def test_a_newer_job_of_a_slot_silences_the_older_one(qtbot: QtBot) -> None:
    pool = WorkerPool()
    release = threading.Event()
    told: list[object] = []

    def old(_monitor: WorkerMonitor) -> str:
        release.wait()
        return "old"

    pool.start("slot", old, succeeded=told.append, cancelled=lambda: told.append("cancelled"))
    pool.start("slot", lambda _monitor: "new", succeeded=told.append)
    qtbot.waitUntil(lambda: told == ["new"], timeout=WAIT_MS)
    release.set()
    qtbot.waitUntil(lambda: not pool._running, timeout=WAIT_MS)
    assert told == ["new"]


def test_work_in_turn_runs_one_at_a_time_and_only_the_newest_follows(qtbot: QtBot) -> None:
    pool = WorkerPool()
    started, release = threading.Event(), threading.Event()
    ran: list[int] = []
    told: list[object] = []

    def work(number: int, _monitor: WorkerMonitor) -> int:
        ran.append(number)
        started.set()
        release.wait()
        return number

    for number in range(6):
        pool.start("slot", partial(work, number), succeeded=told.append, in_turn=True)
        assert started.wait(WAIT_MS / 1000)
    release.set()
    qtbot.waitUntil(lambda: told == [5], timeout=WAIT_MS)
    assert ran == [0, 5]


def test_shutdown_lets_work_complete_that_writes_what_was_asked_for(qtbot: QtBot) -> None:
    pool = WorkerPool()
    written: list[int] = []

    def work(monitor: WorkerMonitor) -> None:
        for number in range(3):
            monitor.step(Progress("Writing", number, 3))
            written.append(number)

    pool.start("slot", work, completes=True)
    pool.shutdown()
    assert written == [0, 1, 2]


def test_work_of_low_priority_steps_back_alone(qtbot: QtBot) -> None:
    pool = WorkerPool()
    told: dict[str, int] = {}

    def niceness(_monitor: WorkerMonitor) -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) if sys.platform == "linux" else 0

    for name, low_priority in (("idle", True), ("wanted", False)):
        pool.start(name, niceness, succeeded=partial(told.__setitem__, name), low_priority=low_priority)
    qtbot.waitUntil(lambda: len(told) == 2, timeout=WAIT_MS)
    here = niceness(None) if sys.platform == "linux" else 0  # type: ignore[arg-type]
    assert told["wanted"] == here
    assert told["idle"] > here or sys.platform != "linux"


def test_shutdown_waits_for_every_thread_and_tells_nobody(qtbot: QtBot) -> None:
    pool = WorkerPool()
    told: list[object] = []
    started = threading.Event()
    ended = threading.Event()

    def work(monitor: WorkerMonitor) -> None:
        started.set()
        try:
            while True:
                monitor.step(Progress("for ever"))
        finally:
            ended.set()

    pool.start("slot", work, succeeded=told.append, cancelled=lambda: told.append("cancelled"))
    assert started.wait(WAIT_MS / 1000)
    pool.shutdown()
    assert ended.is_set()
    pool.start("slot", lambda _monitor: "after the end", succeeded=told.append)
    qtbot.wait(50)
    assert told == []
