"""What makes a program that needs torch start and end sooner.

A third of the time of ``python -c "import torch"`` goes into Python's search for garbage among the many objects that
torch makes, while it is imported and at the end of the process (docs/benchmarks/one-photograph.md).
"""

import atexit
import gc
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_owned = threading.Event()
_exit_codes: list[int] = []
_imports: set[object] = set()  # one for each block of ``importing`` that runs


def own_process() -> None:
    """Say that this process is the program's own, before it imports much.

    What is imported in ``importing`` is left out of all later searches for garbage from then on.
    """
    if not _owned.is_set():
        _owned.set()
        atexit.register(_end)  # the first one registered is the last one called


def is_own_process() -> bool:
    """Whether ``own_process`` was called: what changes all of a process may be changed."""
    return _owned.is_set()


def end_with(code: int) -> int:
    """Give the exit code with which the process is about to end, for ``sys.exit``.

    Once threads have ended and everything that is called at the end was called, Python would take all of its modules
    apart; as their memory goes back to the system anyway, it does not have to.
    """
    if _owned.is_set():
        _exit_codes[:] = [code]
    return code


def _end() -> None:
    if _exit_codes:
        with suppress(OSError, ValueError):  # whoever read the output has gone
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(_exit_codes[0])


def is_importing() -> bool:
    """Whether a thread is in a block of ``importing``: who looks for garbage of its own accord waits for its end."""
    return bool(_imports)


@contextmanager
def importing() -> Iterator[None]:
    """Import heavy libraries inside the block without Python looking for garbage, which is a tenth of their time."""
    was_on, block = gc.isenabled(), object()
    gc.disable()
    _imports.add(block)
    try:
        yield
    finally:
        _imports.discard(block)
        if _owned.is_set():
            gc.freeze()
        if was_on:
            gc.enable()
