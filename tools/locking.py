"""One set-up at a time in one checkout."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt

    def _take(file: IO[bytes]) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _take(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a network disk without locks: better unguarded than not at all
            return True
        return True


@contextmanager
def only_one(path: Path, on_wait: Callable[[], None], poll_s: float = 0.3) -> Iterator[None]:
    """Holds the lock file's lock, waiting for another holder to end; ``on_wait`` is called once before a wait.

    The operating system frees the lock when its holder dies, however that happens, so a lock is never left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        if not _take(file):
            on_wait()
            while not _take(file):
                time.sleep(poll_s)
        yield
    # Closing the file gives the lock back. The file stays: were it removed, two could lock two files of one name.
