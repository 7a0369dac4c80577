"""Jobs on a cluster with Slurm: submitted by submitit (extra ``cluster``), and followed by the folder that all see.

What runs on the node is ``serr jobs work FOLDER``, as everywhere; it takes what devices Slurm has given it.
"""

import os
import re
import shlex
import shutil
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from core.errors import OutputError, TrainingError
from core.jobs.local import START_VARIABLE, child_environment
from core.jobs.queues import TICKET_FILE, Ticket, where_is, withdraw, write_ticket
from core.jobs.records import JobStatus
from core.jobs.store import LOCK_FILE, LOG_FILE, Job, utc_now, write_status
from core.locks import is_held
from core.resources import command_line

OPTIONS_VARIABLE: Final = "SERR_SLURM"
"""Options of sbatch for all jobs, such as "partition=gpu,time=24:00:00,mem=32G"."""
TRIAL_VARIABLE: Final = "SERR_SUBMITIT"
"""Another of submitit's clusters, such as "local" for trials: processes of this machine."""
_FOLDER: Final = "submitit"
_USUAL: Final = {"time": "24:00:00", "cpus-per-task": "8", "mem": "16G"}
_OPTION: Final = re.compile(r"-{0,2}([a-z][a-z-]*)\s*(?:=\s*(.*))?", re.IGNORECASE)
_OURS: Final = frozenset(
    {"job-name", "output", "error", "array", "wrap", "ntasks", "nodes", "ntasks-per-node", "open-mode"}
)


class Submitted:
    """A job that waits in a queue: its folder says the rest."""

    def poll(self) -> int | None:
        return None


class SlurmEngine:
    """Submits jobs to the cluster's queue."""

    def start(self, job: Job, start_id: str) -> Submitted:
        """Raises TrainingError where the cluster does not take it, OutputError."""
        options = slurm_options(job.request.slurm)
        executor = _executor(job, options)
        (job.folder / TICKET_FILE).unlink(missing_ok=True)
        # Before the cluster has it: the job's own process alone writes its status from then on.
        waiting = JobStatus(state="queued", start_id=start_id, queued=utc_now(), stage="Waiting in the cluster's queue")
        write_status(job.folder, waiting)
        words = [*command_line(), "jobs", "work", str(job.folder)]
        try:
            submitted = executor.submit(run_there, words, str(job.folder), start_id)
        except Exception as error:  # noqa: BLE001 - of submitit and of sbatch; what they raise has no common kind
            sentence = f"The cluster did not take the job: {_last_line(error)}."
            write_status(job.folder, replace(waiting, state="failed", sentence=sentence, stage=""))
            raise TrainingError(sentence) from None
        write_ticket(job.folder, Ticket(str(submitted.job_id), executor.cluster))
        return Submitted()

    def end_by_force(self, job: Job, patience_s: float) -> None:
        """Slurm asks it first, and kills it after the time that the cluster has set for that."""
        withdraw(job.folder)
        if not is_held(job.folder / LOCK_FILE):
            write_status(job.folder, _withdrawn(job))

    def take_back(self, job: Job) -> bool:
        """Take it out of the queue, where it has not begun."""
        if is_held(job.folder / LOCK_FILE) or where_is(job.folder, 0.0) == "started":
            return False
        withdraw(job.folder)
        write_status(job.folder, _withdrawn(job))
        return True


def run_there(words: list[str], folder: str, start_id: str) -> int:
    """On the node: the command, with all that it says in the job's log. Called by submitit."""
    with (Path(folder) / LOG_FILE).open("ab") as log:
        return subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=child_environment() | {START_VARIABLE: start_id},
            check=False,
        ).returncode


def is_offered() -> bool:
    """Whether jobs can be submitted from this computer, as far as a glance tells."""
    return bool(os.environ.get(TRIAL_VARIABLE)) or shutil.which("sbatch") is not None


def slurm_options(text: str) -> dict[str, str]:
    """Options of sbatch from "partition=gpu,time=24:00:00": those of the environment, with these over them.

    Raises
    ------
    TrainingError : one is not an option, or one that the program sets itself.
    """
    found = dict(_USUAL)
    for part in f"{os.environ.get(OPTIONS_VARIABLE, '')},{text}".split(","):
        if not part.strip():
            continue
        option = _OPTION.fullmatch(part.strip())
        if option is None or not part.isprintable():
            raise TrainingError(
                f'"{part.strip():.60}" is not an option of sbatch. Write them as partition=gpu,time=12:00:00.'
            )
        name = option[1].lower()
        if name in _OURS:
            raise TrainingError(f"The option {name} is set by the program; leave it out.")
        found[name] = (option[2] or "").strip()
    return found


def _executor(job: Job, options: dict[str, str]) -> Any:
    try:
        import submitit
    except ImportError:
        raise TrainingError(
            "A job on a Slurm cluster needs the package submitit, which is not installed. Install it: "
            "pip install 'serr-fundus[cluster]'"
        ) from None
    try:
        executor = submitit.AutoExecutor(folder=job.folder / _FOLDER, cluster=os.environ.get(TRIAL_VARIABLE) or "slurm")
    except RuntimeError:
        raise TrainingError(
            "There is no Slurm on this computer (srun is not on the path). Start the job where sbatch works, such as "
            "on a login node."
        ) from None
    except OSError as error:
        raise OutputError(f"The folder {job.folder / _FOLDER} cannot be made: {error.strerror or error}.") from error
    gpus = {"gpus-per-node": str(job.request.count)} if not {"gpus-per-node", "gres", "gpus"} & options.keys() else {}
    executor.update_parameters(
        name="serr-training",
        timeout_min=60 * 24 * 365,  # of submitit's own processes; on Slurm the option "time" counts
        nodes=1,
        tasks_per_node=1,
        slurm_additional_parameters={**gpus, **{name: value for name, value in options.items() if value != "0"}},
        slurm_setup=[f"export PYTHONPATH={shlex.quote(child_environment().get('PYTHONPATH', ''))}"],
    )
    return executor


def _withdrawn(job: Job) -> JobStatus:
    sentence = "Taken out of the cluster's queue. You can resume it."
    return replace(job.status, state="paused", stage="", sentence=sentence)


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    with suppress(IndexError):
        return lines[-1][:300].rstrip(".")
    return type(error).__name__
