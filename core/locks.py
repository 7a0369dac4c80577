"""Locks that the operating system gives back when their holder ends, however it ends."""

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
    return wait_for_lock(path, 0)


def wait_for_lock(path: Path, patience_s: float) -> FileLock | None:
    """The lock of a file, or None where somebody else holds it all the while. Raises OutputError."""
    # Not of a thread: a lock that a worker has taken is given back by the window.
    lock = FileLock(path, timeout=patience_s, poll_interval=0.01, is_singleton=False, thread_local=False)
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
