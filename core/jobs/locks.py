"""Taking devices: one job at a time on each, by locks that end with their holder."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from core.locks import try_lock


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
