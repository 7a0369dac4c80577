"""What the process of a job does: wait for a device, do the work, and say in the job's folder what has become of it."""

import os
import threading
import time
import traceback
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.errors import OutputError, SerrError, TrainingError
from core.jobs.kinds import kind_of
from core.jobs.local import START_VARIABLE
from core.jobs.locks import devices_locked
from core.jobs.process import step_back, this_process
from core.jobs.records import JobState, JobStatus
from core.jobs.store import (
    CONTROL_FILE,
    LOCK_FILE,
    PREPARING_STAGE,
    RESERVE_FILE,
    Job,
    host_name,
    list_jobs,
    read_job,
    utc_now,
    write_status,
)
from core.locks import try_lock
from core.progress import Cancelled, Monitor, Progress
from core.training.control import READING_STAGE, ControlledMonitor, StopTraining

_POLL_S: Final = 0.5
_STAGE_S: Final = 5.0
_LOCK_TRIES: Final = 40


def work(folder: Path, monitor: Monitor) -> JobState:
    """Do a job, or the rest of it. Returns "done", "paused" or "failed".

    What it has to say goes to ``monitor`` first and into the job's status after that: whoever reads that a job has
    ended finds the reason in its log.

    Raises
    ------
    SerrError : another process is working on it, or its folder cannot be read.
    """
    step_back()
    job = read_job(folder)
    lock = None
    for _ in range(_LOCK_TRIES):  # those who ask whether the job is alive hold the lock for a moment
        lock = try_lock(folder / LOCK_FILE)
        if lock is not None:
            break
        time.sleep(0.05)
    if lock is None:
        raise TrainingError(f'The job "{job.request.name}" is running already.')
    try:
        read_job(folder)  # it may have been removed before the lock was taken
        return _Worker(job, monitor).run()
    finally:
        lock.release()


@dataclass(slots=True)
class _StatusWriter:
    """Keeps the status on the disk; passes the stage on from time to time."""

    folder: Path
    status: JobStatus
    next_stage: float = 0.0

    def write(self, **changes: object) -> None:
        """Write the status; on a full disk give up the reserve for it."""
        self.status = replace(self.status, **changes)  # type: ignore[arg-type]
        try:
            write_status(self.folder, self.status)
        except OutputError:
            with suppress(OSError):
                (self.folder / RESERVE_FILE).unlink()
            with suppress(OutputError):  # the folder has vanished, or somebody else took the room: nobody to tell
                write_status(self.folder, self.status)

    def stage(self, progress: Progress) -> None:
        """Pass a stage on: at once where the learning begins, else from time to time."""
        before = {PREPARING_STAGE, READING_STAGE}
        begins = self.status.stage in before and progress.stage not in before
        now = time.monotonic()
        if progress.stage != self.status.stage and (begins or now >= self.next_stage):
            self.next_stage = now + _STAGE_S
            self.write(stage=progress.stage)


class _JobMonitor:
    """Shows the stage in the status, and hands everything on."""

    def __init__(self, inner: Monitor, status_writer: _StatusWriter) -> None:
        self._inner, self._status_writer = inner, status_writer

    def step(self, progress: Progress) -> None:
        self._inner.step(progress)
        self._status_writer.stage(progress)

    def note(self, message: str) -> None:
        self._inner.note(message)


class _Worker:
    def __init__(self, job: Job, monitor: Monitor) -> None:
        self.job = job
        self._tried = False
        pid, started = this_process()
        status = JobStatus(
            state="queued",
            pid=pid,
            pid_started=started,
            host=host_name(),
            start_id=os.environ.get(START_VARIABLE, ""),
            queued=utc_now(),
        )
        self.status_writer = _StatusWriter(job.folder, status)
        self.monitor = ControlledMonitor(_JobMonitor(monitor, self.status_writer), job.folder / CONTROL_FILE)

    def run(self) -> JobState:
        """Do the work, and turn every way in which that may end into a state and a sentence."""
        self.status_writer.write()
        with ExitStack() as held:  # until the end is written: the next job on these devices is seen to begin after it
            return self._run(held)

    def _run(self, held: ExitStack) -> JobState:
        weights: Path | None
        try:
            weights = self._work(held)
        except StopTraining:  # while it waited, or read the photographs
            weights = kind_of(self.job).kept(self.job)
        except Cancelled:
            return self._end("paused", "Paused. You can resume it.")
        except BaseException as error:  # noqa: BLE001 - whatever ended it, its state has to tell
            if not isinstance(error, SerrError):
                traceback.print_exception(error)  # into the log
            return self._end("failed", sentence_for(error))
        if weights is None:
            return self._end("paused", "Stopped before the first training step. You can resume it.")
        stopped = read_job(self.job.folder).command == "stop"
        sentence = "Stopped with the best weights so far." if stopped else ""
        sentence = kind_of(self.job).remark(self.job, weights) or sentence
        self.monitor.note(f"The weights are in {weights}.")
        return self._end("done", sentence, weights=weights.name)

    def _end(self, state: JobState, sentence: str, **changes: object) -> JobState:
        said = f"cancelled. {sentence}" if state == "paused" else sentence
        if said:
            self.monitor.note(said)
        self.status_writer.write(state=state, sentence=sentence, stage="", **changes)
        self.monitor.clear()
        return state

    def _work(self, held: ExitStack) -> Path:
        request = self.job.request
        if request.is_submitted:  # the cluster has given it devices of its own
            return self._on(devices_given(request.count))
        locks = self.job.folder.parent / "locks"
        try:
            locks.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"The folder {locks} cannot be made: {error.strerror or error}.") from error
        devices = held.enter_context(devices_locked(locks, host_name(), request.devices, request.count, self._wait))
        return self._on(devices)

    def _on(self, devices: Sequence[str]) -> Path:
        stage = PREPARING_STAGE if len(devices) == 1 else ""  # several processes tell of it in their log alone
        self.status_writer.write(state="running", device=", ".join(devices), stage=stage)
        return kind_of(self.job).run(self.job, devices, self.monitor)

    def _wait(self) -> bool:
        """Whether it is this job's turn; sleeps a little where it is not."""
        wanted = set(self.job.request.devices)
        mine = (self.status_writer.status.queued, self.job.id)
        self.monitor.step(Progress(f"Waiting for {' or '.join(self.job.request.devices)}"))
        before = [
            other
            for other in list_jobs()
            if other.state == "queued"
            and other.status.host == host_name()
            and (other.status.queued, other.id) < mine
            and wanted & set(other.request.devices)
        ]
        if before or self._tried:
            threading.Event().wait(_POLL_S)
        self._tried = True
        return not before


def devices_given(count: int) -> tuple[str, ...]:
    """Up to ``count`` of the graphics processors that this process sees, else the CPU."""
    from core.inference.device import list_devices

    cards = [device.torch_name for device in list_devices() if device.kind == "cuda"]
    return tuple(cards[:count]) or ("cpu",)


def sentence_for(error: BaseException) -> str:
    """What a user sees of the error that ended a job."""
    text = str(error)
    if isinstance(error, SerrError):
        return text
    if isinstance(error, MemoryError) or ("alloc" in text.lower() and "memory" in text.lower()):
        return (
            "There is not enough memory. Close other programs, or start again with fewer crops in a step, "
            "smaller crops or a smaller network."
        )
    return f"This should not have happened ({type(error).__name__}: {text}). The log has the details."
