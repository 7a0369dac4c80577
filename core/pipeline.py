"""Three steps for many items at once: the next are read and the last ones written while the middle step works."""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from core.errors import SerrError

AHEAD: Final = 2
"""Items that are read ahead, and results that wait to be written: what they take in memory is bounded."""

_Item = TypeVar("_Item")
_Ready = TypeVar("_Ready")
_Found = TypeVar("_Found")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, eq=False)
class Over(Generic[_Result]):
    """In place of what the next step would get: the item has its result already, such as that it failed."""

    result: _Result


def run_pipeline(
    items: Iterable[_Item],
    read: Callable[[_Item], _Ready | Over[_Result]],
    work: Callable[[_Ready], _Found | Over[_Result]],
    write: Callable[[_Found], _Result],
    finish: Callable[[_Result], None],
    *,
    kept: Callable[[_Result], None],
    between: Callable[[], None],
) -> None:
    """Take every item through the steps; results come in the order of the items.

    Parameters
    ----------
    items : taken one by one, at most ``AHEAD`` before they are worked on.
    read, write : called in a thread of their own, one item at a time each.
    work, finish, between : called in this thread. ``between`` before each item is worked on; it
        may raise to end the run.
    kept : called instead of ``finish`` with what was written though the run ends early.
    """
    taken = iter(items)
    reading: deque[Future[_Ready | Over[_Result]]] = deque()
    writing: deque[Future[_Result]] = deque()
    readers, writers = ThreadPoolExecutor(1, "reading"), ThreadPoolExecutor(1, "writing")
    try:
        while True:
            while len(reading) < AHEAD and (item := next(taken, None)) is not None:
                reading.append(readers.submit(read, item))
            if not reading:
                break
            between()
            ready = reading.popleft().result()
            found = ready if isinstance(ready, Over) else work(ready)
            writing.append(_over(found.result) if isinstance(found, Over) else writers.submit(write, found))
            del ready, found  # so that they are freed as soon as they are written
            while writing and (writing[0].done() or len(writing) > AHEAD):
                finish(writing.popleft().result())
        while writing:
            finish(writing.popleft().result())
    finally:
        readers.shutdown(cancel_futures=True)
        writers.shutdown()
        for future in writing:
            with suppress(SerrError):
                kept(future.result())


def _over(result: _Result) -> Future[_Result]:
    future: Future[_Result] = Future()
    future.set_result(result)
    return future
