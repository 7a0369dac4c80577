"""Jobs on this machine: processes that outlive the window and the terminal."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import core
from core.files import output_error
from core.jobs.records import JobStatus
from core.jobs.store import LOG_FILE, Job
from core.resources import command_line

if TYPE_CHECKING:
    import psutil

START_VARIABLE: Final = "SERR_JOB_START"
"""Names a start, so that the starter knows the answer of the process that it started from an older one's."""


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

    def start(self, job: Job, start_id: str) -> subprocess.Popen[bytes]:
        """Raises OutputError."""
        folder = job.folder
        return start_detached(["jobs", "work", str(folder)], folder / LOG_FILE, folder, {START_VARIABLE: start_id})

    def take_back(self, job: Job) -> bool:
        """Nothing is queued outside: its own process waits for a device, and follows commands."""
        return False

    def end_by_force(self, job: Job, patience_s: float) -> None:
        """Asked first, killed after ``patience_s``."""
        import psutil

        process = _process_of(job.status)
        if process is None:
            return
        with suppress(psutil.Error):
            process.terminate()
            try:
                process.wait(patience_s)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(patience_s)


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


def _process_of(status: JobStatus) -> "psutil.Process | None":
    import psutil  # here, for a window lists jobs at its start

    try:
        process = psutil.Process(status.pid) if status.pid > 0 else None
        same = process is not None and abs(process.create_time() - status.pid_started) < 1.0
    except (psutil.Error, OverflowError, ValueError):  # a number that no process has
        return None
    return process if same else None
