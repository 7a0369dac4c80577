"""One training at a time in a folder: a second one would write into the same log, checkpoint and weights."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psutil

from core.errors import OutputError, TrainingError
from core.files import display_path, write_bytes_atomic
from core.locks import try_lock
from core.strict import Malformed, read_json

LOCK_FILE: Final = "lock"
OWNER_FILE: Final = "running.json"


@contextmanager
def run_locked(run: Path) -> Iterator[None]:
    """Hold the folder of a run. What a killed training left of its lock is taken over.

    Raises
    ------
    TrainingError : a training is running in it already. OutputError : the folder cannot be written to.
    """
    lock = try_lock(run / LOCK_FILE)
    if lock is None:
        raise TrainingError(
            f"A training is running in {display_path(run)} already{_owner(run)}. Wait until it ends, or choose another "
            "folder."
        )
    owner = run / OWNER_FILE
    try:
        started = datetime.fromtimestamp(psutil.Process().create_time(), UTC).isoformat(timespec="seconds")
        with suppress(OutputError):  # on a full disk: it only names the owner, the lock does the work
            write_bytes_atomic(owner, json.dumps({"pid": os.getpid(), "started": started}).encode())
        yield
    finally:
        with suppress(OSError):
            owner.unlink(missing_ok=True)
        lock.release()


def _owner(run: Path) -> str:
    try:
        values = read_json(run / OWNER_FILE)
        return f" (process {int(values['pid'])}, started {str(values['started'])[:40]})"
    except (OSError, Malformed, TypeError, KeyError, ValueError):
        return ""
