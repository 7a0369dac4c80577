"""Where jobs run: an engine starts what works on a job's folder. There are two, this machine and a Slurm cluster.

Another one is a class with these methods and an entry in ``ENGINES``; ``serr jobs work FOLDER`` is what it has to run,
on a machine that sees the folder.
"""

from collections.abc import Mapping
from typing import Final, Protocol

from core.errors import TrainingError
from core.jobs.local import LocalEngine
from core.jobs.slurm import SlurmEngine
from core.jobs.store import Job


class Started(Protocol):
    """What an engine has started."""

    def poll(self) -> int | None:
        """None while it may still say something."""
        ...


class Engine(Protocol):
    """Starts jobs, and ends those that do not follow commands."""

    def start(self, job: Job, start_id: str) -> Started:
        """Start what works on a job. It answers by ``start_id`` in the job's status.

        Raises
        ------
        OutputError : the folder cannot be used. TrainingError : the engine does not take it.
        """
        ...

    def take_back(self, job: Job) -> bool:
        """Take a job out of a queue outside, so that it is paused; False where it is not in one."""
        ...

    def end_by_force(self, job: Job, patience_s: float) -> None:
        """End it: asked first, killed after ``patience_s``."""
        ...


ENGINES: Final[Mapping[str, Engine]] = {"local": LocalEngine(), "slurm": SlurmEngine()}


def engine_of(job: Job) -> Engine:
    """The engine that a job asks for. Raises TrainingError where this program has none of that name."""
    engine = ENGINES.get(job.request.engine)
    if engine is None:
        raise TrainingError(
            f'The job "{job.request.name}" runs on "{job.request.engine:.40}", which this version of the program does '
            "not know: update it."
        )
    return engine
