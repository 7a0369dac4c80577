"""Where jobs run: an engine starts the process that works on a job's folder. There is one, this machine.

Another one, a cluster say, is a class with these methods and an entry in ``ENGINES``; ``serr jobs work FOLDER`` is what
it has to run, on a machine that sees the folder.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

import psutil

import core
from core.errors import TrainingError
from core.files import output_error
from core.jobs.store import LOG_FILE, Job, JobStatus
from core.resources import command_line

START_VARIABLE: Final = "SERR_JOB_START"
"""Names a start, so that the starter knows the answer of the process that it started from an older one's."""


class Started(Protocol):
    """What an engine has started."""

    def poll(self) -> int | None:
        """None while it may still say something."""
        ...


class Engine(Protocol):
    """Starts jobs, and ends those that do not follow commands."""

    def start(self, folder: Path, start_id: str) -> Started:
        """Start what works on a job. It answers by ``start_id`` in the job's status. Raises OutputError."""
        ...

    def end_by_force(self, status: JobStatus, patience_s: float) -> None:
        """End it: asked first, killed after ``patience_s``."""
        ...


class _Detached(subprocess.Popen[bytes]):
    """A process that is meant to outlive this one: nothing is said when this one forgets it."""

    def __del__(self) -> None:
        pass


_children: list[_Detached] = []


def start_detached(
    words: Sequence[str], log: Path, folder: Path, variables: Mapping[str, str], *, keep_log: bool = True
) -> subprocess.Popen[bytes]:
    """Start the command line as a process that outlives the window and the terminal.

    Parameters
    ----------
    words : of the command line, such as ``["jobs", "work", ...]``.
    log : file for all that it says; ``keep_log``: behind what is in it.
    folder : that it works in.
    variables : of its environment, in addition to those of this process.

    Raises
    ------
    OutputError : the log cannot be written, or the process cannot be started.
    """
    _children[:] = [child for child in _children if child.poll() is None]  # no zombies of jobs that have ended
    flags = 0
    if sys.platform == "win32":
        flags = (
            subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.BELOW_NORMAL_PRIORITY_CLASS
        )
    try:
        with log.open("ab" if keep_log else "wb") as log_file:
            process = _Detached(
                [*command_line(), *words],
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=child_environment() | dict(variables),
                creationflags=flags,
                start_new_session=True,  # closing the terminal or the window does not end it
            )
    except OSError as error:
        raise output_error(log, error) from error
    _children.append(process)
    return process


class LocalEngine:
    """Processes of this machine that outlive the window and the terminal."""

    def start(self, folder: Path, start_id: str) -> Started:
        return start_detached(["jobs", "work", str(folder)], folder / LOG_FILE, folder, {START_VARIABLE: start_id})

    def end_by_force(self, status: JobStatus, patience_s: float) -> None:
        process = _process_of(status)
        if process is None:
            return
        with suppress(psutil.Error):
            process.terminate()
            try:
                process.wait(patience_s)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(patience_s)


ENGINES: Final[Mapping[str, Engine]] = {"local": LocalEngine()}


def engine_of(job: Job) -> Engine:
    """The engine that a job asks for. Raises TrainingError where this program has none of that name."""
    engine = ENGINES.get(job.request.engine)
    if engine is None:
        raise TrainingError(
            f'The job "{job.request.name}" runs on "{job.request.engine:.40}", which this version of the program does '
            "not know: update it."
        )
    return engine


def child_environment() -> dict[str, str]:
    """The environment of a child process of the command line: it finds this very program, and says things at once.

    It imports nothing from the folder in which it is started, nor do its own children: an empty entry of PYTHONPATH
    would mean that folder, too.
    """
    environ = os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1", "PYTHONSAFEPATH": "1"}
    if not getattr(sys, "frozen", False):
        root = str(Path(core.__file__).resolve().parent.parent)
        others = [str(Path(each).absolute()) for each in environ.get("PYTHONPATH", "").split(os.pathsep) if each]
        environ["PYTHONPATH"] = os.pathsep.join([root, *others])
    return environ


def _process_of(status: JobStatus) -> psutil.Process | None:
    try:
        process = psutil.Process(status.pid) if status.pid > 0 else None
        same = process is not None and abs(process.create_time() - status.pid_started) < 1.0
    except (psutil.Error, OverflowError, ValueError):  # a number that no process has
        return None
    return process if same else None
