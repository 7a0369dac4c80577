"""Where a job is that a cluster has taken: asked for by the number under which it was submitted.

Apart from the engine, since whoever reads a job asks this, on any machine that sees its folder, without submitit.
"""

import json
import os
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from core.files import write_bytes_atomic
from core.strict import Malformed, parse_json, read_bytes

Queued = Literal["waiting", "started", "gone"]
"""``waiting`` : in the queue, or nobody can say. ``started`` : it has its machine. ``gone`` : the cluster forgot it."""

TICKET_FILE: Final = "submitted.json"
_MOST_BYTES: Final = 1 << 16
_ASK_S: Final = 5.0
_PATIENCE_S: Final = 20.0
_SUBMITTING_S: Final = 60.0
_WAITING: Final = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SUSPENDED", "SPECIAL_EXIT"})
_STARTED: Final = frozenset({"RUNNING", "COMPLETING", "STAGE_OUT", "SIGNALING", "STOPPED"})


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the cluster said when it took a job: its number, and of which kind the cluster is, by submitit's names."""

    number: str
    cluster: str


_answers: dict[Ticket, tuple[float, Queued]] = {}


def write_ticket(folder: Path, ticket: Ticket) -> None:
    """Keep it in the job's folder. Raises OutputError."""
    write_bytes_atomic(folder / TICKET_FILE, json.dumps(asdict(ticket)).encode())


def read_ticket(folder: Path) -> Ticket | None:
    """The last one of a job, None where it has none."""
    try:
        values = parse_json(read_bytes(folder / TICKET_FILE, _MOST_BYTES))
        number, cluster = values["number"], values["cluster"]
    except (OSError, Malformed, KeyError, TypeError):
        return None
    return Ticket(number, cluster) if isinstance(number, str) and isinstance(cluster, str) else None


def where_is(folder: Path, submitted_s: float) -> Queued:
    """Where a job is that was submitted and does not hold its lock.

    Parameters
    ----------
    submitted_s : how long ago it was, in seconds.
    """
    ticket = read_ticket(folder)
    if ticket is None:
        return "waiting" if submitted_s < _SUBMITTING_S else "gone"
    asked, answer = _answers.get(ticket, (-_ASK_S, "waiting"))
    if time.monotonic() - asked >= _ASK_S:
        answer = _ask(ticket)
        _answers[ticket] = time.monotonic(), answer
    return answer


def withdraw(folder: Path) -> None:
    """Take a job out of the queue, or end it where it runs; nothing where it is not there."""
    ticket = read_ticket(folder)
    if ticket is None:
        return
    _answers.pop(ticket, None)
    if ticket.cluster == "slurm":
        _say("scancel", ticket.number)
    elif _is_process(ticket.number):
        import psutil

        psutil.Process(int(ticket.number)).terminate()


def _is_process(number: str) -> bool:
    import psutil  # here, for a window lists jobs at its start

    return number.isdecimal() and psutil.pid_exists(int(number))


def _ask(ticket: Ticket) -> Queued:
    if ticket.cluster != "slurm":  # submitit's processes of this machine, whose numbers are those of processes
        return "started" if _is_process(ticket.number) else "gone"
    done = _say("squeue", "--noheader", "--states=all", "--format=%T", f"--jobs={ticket.number}")
    if done is None:
        return "waiting"
    said = done.stdout.strip().splitlines()
    if done.returncode:
        return "gone" if "invalid job id" in done.stderr.lower() else "waiting"
    state = said[0].strip().upper() if said else ""
    return "waiting" if state in _WAITING else "started" if state in _STARTED else "gone"


def _say(*command: str) -> "subprocess.CompletedProcess[str] | None":
    """What a command of Slurm says, None where there is none, or no answer in time."""
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
