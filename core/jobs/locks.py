"""Locks that the operating system gives back when their holder ends, however it ends."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import OutputError
from core.files import output_error


def try_lock(path: Path) -> FileLock | None:
    """The lock of a file, or None while somebody else holds it. It is given back by ``release`` or with the process.

    Raises
    ------
    OutputError : the file cannot be made.
    """
    lock = FileLock(path, timeout=0, is_singleton=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    except OSError as error:
        raise output_error(path, error) from error
    return lock


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock of a file; a file that is not there is not held."""
    if not path.is_file():
        return False
    try:
        lock = try_lock(path)
    except OutputError:  # not ours to write to: whoever made it may hold it
        return True
    if lock is None:
        return True
    lock.release()
    return False


@contextmanager
def devices_locked(
    folder: Path, host: str, devices: Sequence[str], count: int, wait: Callable[[], bool]
) -> Iterator[tuple[str, ...]]:
    """Hold ``count`` of the devices, all of them or none; gives their names in the order given.

    Parameters
    ----------
    folder : of the lock files, one for each device of each machine.
    devices : those that will do, the preferred first; at least ``count``.
    wait : called before each try; False: do not try this time (another job is first). It sleeps, and may raise to give
        up.
    """
    while True:
        if wait():
            with ExitStack() as stack:
                taken = []
                for device in devices:
                    lock = try_lock(folder / f"{_safe(host)}-{_safe(device)}.lock")
                    if lock is not None:
                        stack.callback(lock.release)
                        taken.append(device)
                    if len(taken) == count:
                        yield tuple(taken)
                        return


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name)
