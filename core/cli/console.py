"""What the commands say and how they are stopped: stdout, stderr, progress, Ctrl+C."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, islice
from types import FrameType
from typing import Protocol

from core.errors import OutputError
from core.files import printable
from core.progress import Cancelled, Progress
from core.streams import open_streams

CANCELLED_CODE = 130
_LAYOUT = "\n\t"
QUIET_S = 5.0
"""Without a terminal, progress is a line at most this often: a log shows that work continues, not each step."""


class NotesOnly:
    """A monitor that passes notes on to stderr, as on files that are left out, and shows no progress."""

    def step(self, progress: Progress) -> None:
        pass

    def note(self, message: str) -> None:
        tell(f"serr: {message}")


class UsageError(Exception):
    """The command was used wrongly; the sentence says how to use it. Exit code 2."""


def prepare_streams() -> None:
    """Open streams that are closed, and let a console that lacks a character show an escape for it, where Python would
    stop with an error."""
    open_streams()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """A line of the result, on stdout; of control characters, such as those of a file's name, it shows the escapes.

    Raises as ``flush``.
    """
    with _told():
        sys.stdout.write(printable(text, keep=_LAYOUT) + "\n")


class OneByOne(list[object]):
    """A list in what ``say_json`` says that is never all in memory; it can be gone through once."""

    def __init__(self, items: Iterable[object]) -> None:
        self._rest = iter(items)
        super().__init__(islice(self._rest, 1))

    def __iter__(self) -> Iterator[object]:
        return chain(super().__iter__(), self._rest)


def say_json(value: object) -> None:
    """The result as JSON, on stdout, in plain ASCII so that every console and pipe carries it."""
    with _told():
        for part in json.JSONEncoder(indent=2, allow_nan=False).iterencode(value):
            sys.stdout.write(printable(part, keep=_LAYOUT))
        sys.stdout.write("\n")


def flush() -> None:
    """Bring the result out now, where it can still be told that it does not come through.

    Raises
    ------
    OutputError : the disk that stdout goes to is full, for example. BrokenPipeError : nobody reads on.
    """
    with _told():
        sys.stdout.flush()


class ResultLines:
    """Lines about results that are written while the work continues. That a line cannot be printed stops no work.

    ``problem`` : the sentence on why lines are missing; empty where all came through, or the reader wanted no more.
    """

    def __init__(self) -> None:
        self.problem = ""
        self._read = True

    def say(self, text: str) -> None:
        """Print a line now, unless an earlier one did not come through."""
        if not self._read or self.problem:
            return
        try:
            say(text)
            flush()
        except BrokenPipeError:  # as with "| head": nobody reads on
            self._read = False
            drop_output()
        except OutputError as error:
            self.problem = str(error)


def drop_output() -> None:
    """Lead stdout nowhere from now on: some Pythons write the rest of the buffer at their end, and exit with 120."""
    with suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        raise OutputError(f"the result cannot be written to the standard output: {error.strerror or error}.") from error


def tell(text: str) -> None:
    """A line beside the result, on stderr; where that is closed, there is nobody to tell."""
    with suppress(OSError):
        sys.stderr.write(printable(text, keep=_LAYOUT) + "\n")
        sys.stderr.flush()


def is_debugging() -> bool:
    """Whether the user asked for tracebacks (SERR_DEBUG=1)."""
    return os.environ.get("SERR_DEBUG", "0") not in {"", "0"}


class _Display(Protocol):
    def show(self, progress: Progress) -> None: ...

    def note(self, message: str) -> None: ...

    def close(self) -> None: ...


class _Bars:
    """A progress bar on a terminal, gone at the end."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self._bars = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(markup=False),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._bars.add_task("Starting", total=None)
        self._bars.start()

    def show(self, progress: Progress) -> None:
        self._bars.update(
            self._task, description=printable(progress.stage), completed=progress.done, total=progress.total or None
        )

    def note(self, message: str) -> None:
        self._bars.console.print(printable(message, keep=_LAYOUT), markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        self._bars.stop()


class _Lines:
    """Progress without a terminal: now and then a line."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._told = ""

    def show(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last >= QUIET_S:
            self._last = now
            share = "" if progress.fraction is None else f", {progress.fraction:.0%}"
            text = f"{progress.stage}{share}"
            if text != self._told:
                self._told = text
                tell(text)

    def note(self, message: str) -> None:
        tell(message)

    def close(self) -> None:
        pass


class ConsoleMonitor:
    """Shows progress on stderr, and ends the work at its next step after cancel().

    ``fraction`` is the share done that was last reported, None while it is not known.
    """

    def __init__(self, display: _Display) -> None:
        self.fraction: float | None = None
        self._display = display
        self._cancelled = threading.Event()

    def step(self, progress: Progress) -> None:
        self.fraction = progress.fraction
        if self._cancelled.is_set():
            raise Cancelled
        self._display.show(progress)

    def note(self, message: str) -> None:
        self._display.note(f"serr: {message}")

    def cancel(self) -> None:
        """End the work at its next step; a second call ends it on the spot with KeyboardInterrupt."""
        if self._cancelled.is_set():
            raise KeyboardInterrupt
        self._cancelled.set()


@contextmanager
def monitored() -> Iterator[ConsoleMonitor]:
    """A monitor for long work, cancelled by Ctrl+C or SIGTERM (what a batch system sends).

    Work that reports to it ends at its next step, with its files whole. A second Ctrl+C does not wait for that step.
    """
    terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    display: _Display = _Bars() if terminal else _Lines()
    monitor = ConsoleMonitor(display)

    def on_signal(number: int, frame: FrameType | None) -> None:
        monitor.cancel()

    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield monitor
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        display.close()
