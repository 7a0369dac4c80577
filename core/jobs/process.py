"""Starting, pausing and ending jobs, and what a job's process does to be a good neighbour of other programs."""

import os
import secrets
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from core.errors import TrainingError
from core.jobs.engines import engine_of
from core.jobs.store import (
    LOCK_FILE,
    Job,
    best_weights,
    read_job,
    read_log,
    write_command,
    write_status,
)
from core.locks import is_held, try_lock

_ANSWER_S: Final = 60.0
NICE_VARIABLE: Final = "SERR_JOB_NICE"
"""How far a job steps back behind other programs, 0 (not at all) to 19; 10 by default."""
_NICENESS: Final = 10


def start_job(job: Job) -> Job:
    """Start the process of a job, or start it again, and wait for its first word.

    Raises
    ------
    TrainingError : it is alive already, or its process ends without a word; OutputError : its folder cannot be used.
    """
    if read_job(job.folder).alive and is_held(job.folder / LOCK_FILE):
        raise TrainingError(f'The job "{job.request.name}" is running already.')
    write_command(job.folder, None)
    start_id = secrets.token_hex(8)
    process = engine_of(job).start(job, start_id)
    deadline = time.monotonic() + _ANSWER_S
    ended = False
    while not ended and time.monotonic() < deadline:
        ended = process.poll() is not None  # asked first: what it said before its end is read below
        now = read_job(job.folder)
        if now.status.start_id == start_id:
            return now
        time.sleep(0.05)
    raise TrainingError(f'The process of the job "{job.request.name}" did not start. {_last_line(job)}'.rstrip())


def pause_job(job: Job) -> Job:
    """Ask a job to finish its step, keep everything, and end. Raises TrainingError where it does not run."""
    job = read_job(job.folder)
    if not job.alive:
        raise TrainingError(f'The job "{job.request.name}" does not run: it is {job.state}.')
    if not engine_of(job).take_back(job):
        write_command(job.folder, "pause")
    return read_job(job.folder)


def stop_job(job: Job) -> Job:
    """Ask a job to end with the best weights so far; one that does not run any more gets those that it had kept.

    Raises
    ------
    TrainingError : it is done, or has no weights yet.
    """
    job = read_job(job.folder)
    if job.alive:
        if not engine_of(job).take_back(job):
            write_command(job.folder, "stop")
            return read_job(job.folder)
        job = read_job(job.folder)
        if best_weights(job.run) is None:
            return job
    if job.state == "done":
        raise TrainingError(f'The job "{job.request.name}" is done already.')
    weights = best_weights(job.run)
    if weights is None:
        raise TrainingError(f'The job "{job.request.name}" has no weights yet: resume it, or remove it.')
    lock = try_lock(job.folder / LOCK_FILE)
    if lock is None:
        raise TrainingError(f'The job "{job.request.name}" is just starting: try again.')
    try:
        sentence = "Stopped: these are the best weights that it had kept."
        write_status(job.folder, replace(job.status, state="done", sentence=sentence, weights=weights.name))
    finally:
        lock.release()
    return read_job(job.folder)


def end_by_force(job: Job, *, patience_s: float = 10.0) -> None:
    """End the process of a job that does not follow commands: asked first, killed after ``patience_s``."""
    engine_of(job).end_by_force(job, patience_s)


def this_process() -> tuple[int, float]:
    """Number and time of start, which together name this process for good."""
    import psutil

    return os.getpid(), psutil.Process().create_time()


def step_back() -> None:
    """Let every program that a person works with go first: called by the job's process itself."""
    wanted = os.environ.get(NICE_VARIABLE, "")
    niceness = min(int(wanted), 19) if wanted.isdecimal() else _NICENESS
    if niceness == 0:
        return
    import psutil

    with suppress(psutil.Error, OSError):
        if sys.platform == "win32":
            psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        else:
            os.nice(max(0, niceness - os.nice(0)))
    if sys.platform == "linux":
        # Linux shares the processor between sessions first, and niceness counts within one: the session needs it, too.
        with suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(niceness), encoding="ascii")


def _last_line(job: Job) -> str:
    said = [line for line in read_log(job, 4096).splitlines() if line.strip()]
    return said[-1] if said else ""
