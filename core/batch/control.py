"""A batch seen from outside: whether a process works on it, asking that process to end, and how the last one ended."""

import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, cast, get_args

from core.errors import OutputError, SerrError
from core.files import write_bytes_atomic
from core.locks import is_held, wait_for_lock
from core.progress import Cancelled, Monitor, Progress
from core.strict import Malformed, parse_json, read_bytes

Request = Literal["pause", "stop"]
"""Both end the process after the photographs in its hands; ``pause`` : somebody means to resume it."""
How = Literal["done", "pause", "stop", "problem"]

BACKGROUND_VARIABLE: Final = "SERR_BATCH_BACKGROUND"
"""Set for a process that the window starts, which goes behind all others and is paused with the window."""

_REQUEST_FILE: Final = "request"
_END_FILE: Final = "ended.json"
_MOST_BYTES: Final = 1 << 16
_LOOK_S: Final = 0.25
_LEFT_OVER_S: Final = 60.0
_PATIENCE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How the last process ended; ``problem`` : the sentence on what stopped it."""

    how: How
    problem: str = ""


def is_running(folder: Path, *, by_window: bool = False) -> bool:
    """Whether a process works on the batch whose manifests are in a folder; ``by_window``: one that a window began."""
    return any(is_held(lock) for lock in folder.glob("process-window-*.lock" if by_window else "process-*.lock"))


def is_background() -> bool:
    """Whether a window has started this process."""
    return bool(os.environ.get(BACKGROUND_VARIABLE))


def ask(folder: Path, request: Request) -> None:
    """Ask all processes that work on a batch to end. Raises OutputError."""
    write_bytes_atomic(folder / _REQUEST_FILE, request.encode())


def asked(folder: Path) -> Request | None:
    """What the processes are asked for."""
    try:
        text = read_bytes(folder / _REQUEST_FILE, _MOST_BYTES).decode("ascii", "replace").strip()
    except (OSError, Malformed):
        return None
    return cast(Request, text) if text in get_args(Request) else None


def how_it_ended(folder: Path) -> Ended | None:
    """How the last process ended; None where it was killed, or none has run."""
    try:
        values = parse_json(read_bytes(folder / _END_FILE, _MOST_BYTES))
        how, problem = values["how"], values["problem"]
    except (OSError, Malformed, KeyError, TypeError):
        return None
    if how not in get_args(How) or not isinstance(problem, str):
        return None
    return Ended(how, problem)


@contextmanager
def running(folder: Path, monitor: Monitor) -> Iterator[Monitor]:
    """Be seen as a process that works on a batch; for ``with``.

    Parameters
    ----------
    folder : of the manifests.

    Returns
    -------
    A monitor that hands everything on and ends the work when it is asked for (``ask``).

    Raises
    ------
    OutputError : the folder cannot be written to.
    """
    for old in folder.glob("process-*.lock"):
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > _LEFT_OVER_S and not is_held(old):
                old.unlink()
    path = folder / f"process-{'window-' if is_background() else ''}{secrets.token_hex(6)}.lock"
    lock = wait_for_lock(path, _PATIENCE_S)
    for name in (_REQUEST_FILE, _END_FILE):  # what was said of an earlier process
        with suppress(OSError):
            (folder / name).unlink()
    end = Ended("done")
    try:
        yield Watched(monitor, folder)
    except Cancelled:
        end = Ended(asked(folder) or "stop")
        raise
    except SerrError as error:
        end = Ended("problem", str(error))
        raise
    except MemoryError:
        end = Ended("problem", "There was not enough memory. Close other programs, and resume it.")
        raise
    except Exception as error:
        end = Ended("problem", f"This is a bug in the program ({type(error).__name__}: {error}).")
        raise
    finally:
        with suppress(OutputError):  # a full disk: what it says is said on stderr, too
            write_bytes_atomic(folder / _END_FILE, json.dumps({"how": end.how, "problem": end.problem}).encode())
        if lock is not None:
            lock.release()
        with suppress(OSError):
            path.unlink()


class Watched:
    """A monitor that hands everything on, and looks from time to time whether the work is asked to end."""

    def __init__(self, inner: Monitor, folder: Path) -> None:
        self._inner, self._folder, self._next = inner, folder, 0.0

    def step(self, progress: Progress) -> None:
        self._inner.step(progress)
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _LOOK_S
            if asked(self._folder) is not None:
                raise Cancelled

    def note(self, message: str) -> None:
        self._inner.note(message)
