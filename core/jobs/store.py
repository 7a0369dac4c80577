"""The folder of training jobs: what each of them shall do, and what became of it.

Each job is a folder with everything in it: ``job.json`` (what was asked for), ``recipe.toml`` (the configuration),
``status.json`` (written by the job's own process), ``control`` (a command for that process), ``log.txt`` (its
output), and ``run/`` (see ``core.training``). No program has to stay open for a job, and no list of jobs is kept
anywhere else.

A job is alive while its process holds the lock on ``lock``. The operating system gives the lock back however the
process ends, so a job whose process was killed is known as such, by anybody, at any time.
"""

import json
import os
import platform
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from core.errors import TrainingError
from core.files import display_path, output_error, write_bytes_atomic
from core.jobs.queues import where_is
from core.jobs.records import Command, JobRequest, JobState, JobStatus
from core.locks import is_held, try_lock
from core.strict import Malformed, open_regular, read_bytes, read_json
from core.training.control import READING_STAGE

FORMAT_VERSION: Final = 1
ALIVE: Final[frozenset[JobState]] = frozenset({"starting", "queued", "running"})
JOB_FILE, STATUS_FILE, RECIPE_FILE, CONTROL_FILE = "job.json", "status.json", "recipe.toml", "control"
LOCK_FILE, LOG_FILE, RUN_FOLDER, RESERVE_FILE = "lock", "log.txt", "run", "reserve"
_CHECKPOINT_FILE: Final = "checkpoint.safetensors"
_RESERVE_BYTES: Final = 1 << 16
_STARTING_S: Final = 60.0
"""A job without a word from its process counts as starting for so long."""
PREPARING_STAGE: Final = "Preparing"
"""The stage of a job that has its device and has not begun to read its photographs."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is found on the disk; ``state`` takes into account whether its process is alive."""

    folder: Path
    request: JobRequest
    status: JobStatus
    state: JobState
    command: Command | None = None

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def run(self) -> Path:
        """The folder of the training run."""
        return self.folder / RUN_FOLDER

    @property
    def alive(self) -> bool:
        return self.state in ALIVE

    @property
    def preparing(self) -> bool:
        """Whether it has its device and reads its photographs, but has not learned a step yet."""
        return self.state == "running" and self.status.stage in {PREPARING_STAGE, READING_STAGE}

    @property
    def weights(self) -> Path | None:
        """The finished weights file, which is in the folder of the run and nowhere else."""
        name = self.status.weights
        path = self.run / name
        return path if name and name == Path(name).name and path.is_file() else None


def jobs_folder() -> Path:
    """Where the jobs are: ``SERR_JOBS``, or else ``jobs`` in the user's data folder. May not exist."""
    chosen = os.environ.get("SERR_JOBS")
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("serr-fundus", appauthor=False) / "jobs"


def create_job(request: JobRequest, recipe_toml: str) -> Job:
    """Make the folder of a job; nothing is started.

    Raises
    ------
    OutputError : the folder cannot be made, or the disk is full.
    """
    now = datetime.now(UTC)
    # The names sort by time, and two that are made at once on two machines differ.
    folder = jobs_folder() / f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}{secrets.token_hex(1)}"
    request = replace(request, created=now.isoformat(timespec="seconds"))
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise output_error(folder, error) from error
    try:
        write_bytes_atomic(folder / RECIPE_FILE, recipe_toml.encode())
        # Given back when the job ends: on a full disk there is then room for the sentence that says so.
        write_bytes_atomic(folder / RESERVE_FILE, secrets.token_bytes(_RESERVE_BYTES))
        _write_json(folder / JOB_FILE, {"serr_job": FORMAT_VERSION, **asdict(request)})
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return read_job(folder)


def list_jobs() -> list[Job]:
    """All jobs, the oldest first. Folders that hold no job are left out; one that cannot be read is ``damaged``."""
    try:
        folders = sorted(path for path in jobs_folder().iterdir() if _holds_job(path))
    except OSError:
        return []
    jobs = []
    for folder in folders:
        try:
            jobs.append(read_job(folder))
        except TrainingError as error:
            if _holds_job(folder):  # else it was removed at this moment
                status = JobStatus(state="damaged", sentence=str(error))
                jobs.append(Job(folder, JobRequest(display_path(folder.name)), status, "damaged"))
    return jobs


def _holds_job(folder: Path) -> bool:
    return not folder.name.startswith(".") and os.path.lexists(folder / JOB_FILE)


def find_job(name: str) -> Job:
    """The job of an id or of a name, the whole of it: what is meant may be removed for good.

    Raises
    ------
    TrainingError : there is none, or more than one.
    """
    if not name.strip():
        raise TrainingError("No job is named. Give the whole id of a job, or its name.")
    jobs = list_jobs()
    found = [job for job in jobs if job.id == name] or [job for job in jobs if job.request.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(job.id for job in found)
        raise TrainingError(f'Several jobs fit "{name}": {ids}. Give the whole id of one of them.')
    there = ", ".join(job.id for job in jobs) or "none"
    raise TrainingError(f'There is no training job "{name}". Existing jobs: {there}.')


def read_job(folder: Path) -> Job:
    """A job as it is now.

    Raises
    ------
    TrainingError : its folder has vanished, or is damaged.
    """
    try:
        values = read_json(folder / JOB_FILE)
        version = values.pop("serr_job")
        if type(version) is not int:
            raise Malformed("its version is not a whole number")
        if version > FORMAT_VERSION:
            raise TrainingError(
                f"The job in {display_path(folder)} was made by a newer version of this program: update it."
            )
        request = _record(JobRequest, values)
        if not 1 <= request.count <= len(request.devices):
            raise Malformed(f"it asks for {request.count} of {len(request.devices)} devices")
    except FileNotFoundError:
        raise TrainingError(f"The job's folder {display_path(folder)} no longer exists.") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _damaged(folder, JOB_FILE, error) from None
    # The lock is asked before the status is read: a process that ends in between has written its last word by then.
    held = is_held(folder / LOCK_FILE)
    status = _read_status(folder)
    tries = 3
    while held and status.state not in ALIVE and tries:  # somebody else may just be asking the lock, too
        tries -= 1
        time.sleep(0.02)
        held, status = is_held(folder / LOCK_FILE), _read_status(folder)
    return Job(folder, request, status, _state(folder, request, status, held), _read_command(folder) if held else None)


def write_status(folder: Path, status: JobStatus) -> None:
    """Say what has become of a job; its own process alone does this.

    Raises
    ------
    OutputError : the disk is full, or the folder has vanished.
    """
    _write_json(folder / STATUS_FILE, asdict(replace(status, changed=utc_now())))


def change_order(job: Job, *, name: str | None = None, notes: str | None = None) -> Job:
    """Give a job another name or other notes. Raises OutputError, and TrainingError where it is damaged."""
    job = read_job(job.folder)
    request = replace(job.request, name=job.request.name if name is None else name)
    request = replace(request, notes=request.notes if notes is None else notes)
    _write_json(job.folder / JOB_FILE, {"serr_job": FORMAT_VERSION, **asdict(request)})
    return read_job(job.folder)


def write_command(folder: Path, command: Command | None) -> None:
    """Leave a command for the job's process, or take it back. Raises OutputError."""
    path = folder / CONTROL_FILE
    try:
        if command is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(command, encoding="utf-8")
    except OSError as error:
        raise output_error(path, error) from error


def read_log(job: Job, last_bytes: int) -> str:
    """The end of what the job's process said; empty where it has said nothing."""
    try:
        with open_regular(job.folder / LOG_FILE) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - last_bytes))
            data = file.read(last_bytes)
    except (OSError, Malformed):
        return ""
    text = data.decode("utf-8", "replace")
    return text if size <= last_bytes else text.partition("\n")[2]  # no half a line


def best_weights(run: Path) -> Path | None:
    """The weights file of the best weights that a run has kept so far, None before its first validation."""
    others = (_CHECKPOINT_FILE, "-last.safetensors")  # and hidden ones are half written
    files = [
        path for path in run.glob("*.safetensors") if not path.name.endswith(others) and not path.name.startswith(".")
    ]
    return max(files, key=lambda path: path.stat().st_mtime_ns) if files else None


def remove_job(job: Job) -> None:
    """Remove a job with its run and its weights.

    Raises
    ------
    TrainingError : its process is alive. OutputError : a file cannot be removed.
    """
    alive = TrainingError(f'The job "{job.request.name}" is still running: stop or pause it before you remove it.')
    if job.state != "damaged" and read_job(job.folder).alive:
        raise alive
    lock = try_lock(job.folder / LOCK_FILE)  # so that its process cannot begin while its files vanish
    if lock is None:
        raise alive
    folder = job.folder.with_name(f".removed-{job.folder.name}-{secrets.token_hex(4)}")
    try:
        job.folder.rename(folder)
    except OSError:  # Windows, where a file is open
        folder = job.folder
        lock.release()
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise output_error(job.folder, error) from error
    finally:
        lock.release()


def _state(folder: Path, request: JobRequest, status: JobStatus, held: bool) -> JobState:
    if held:
        return status.state if status.state in ALIVE else "starting"
    if status.state not in ALIVE:
        return status.state
    if not status.start_id and _age_s(request.created) < _STARTING_S:
        return "starting"
    if request.is_submitted:
        where = where_is(folder, _age_s(status.queued))
        return {"waiting": "queued", "started": "starting", "gone": "interrupted"}[where]  # type: ignore[return-value]
    return "interrupted"


def _read_status(folder: Path) -> JobStatus:
    """The status; that of a job which has not begun where there is none.

    Raises
    ------
    TrainingError : it is damaged; this program writes it whole or not at all.
    """
    try:
        return _record(JobStatus, read_json(folder / STATUS_FILE))
    except FileNotFoundError:
        return JobStatus()
    except (OSError, ValueError, TypeError) as error:
        raise _damaged(folder, STATUS_FILE, error) from None


def _read_command(folder: Path) -> Command | None:
    try:
        text = read_bytes(folder / CONTROL_FILE, 256).strip().decode()
    except (OSError, ValueError):
        return None
    return "pause" if text == "pause" else "stop" if text == "stop" else None


def _write_json(path: Path, values: Mapping[str, object]) -> None:
    write_bytes_atomic(path, json.dumps(values, ensure_ascii=False, indent=1).encode("utf-8", "surrogateescape"))


_Record = TypeVar("_Record", JobRequest, JobStatus)


def _record(kind: type[_Record], values: Any) -> _Record:
    """A record from JSON values, each of its type. Raises ValueError, TypeError."""
    from pydantic import TypeAdapter, ValidationError

    if not isinstance(values, dict):
        raise TypeError("it is not a mapping")
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise Malformed(f"'{'.'.join(str(part) for part in first['loc'])[:100]}': {first['msg']}") from None


def _damaged(folder: Path, name: str, error: Exception) -> TrainingError:
    """The sentence about a job whose files cannot be read."""
    why = (error.strerror or error) if isinstance(error, OSError) else error
    return TrainingError(
        f"The job in {display_path(folder)} is damaged: its {name} cannot be used ({why}). Only removing it helps: "
        f"'serr jobs remove {display_path(folder.name)}'."
    )


def utc_now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _age_s(time: str) -> float:
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds()
    except (ValueError, TypeError):
        return float("inf")


def host_name() -> str:
    """This machine: jobs of a folder that several machines share are queued on each of them apart."""
    return platform.node() or "this machine"
