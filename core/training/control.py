"""Commands that reach a training while it runs, through a file: pause, or end with the best weights so far."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from core.progress import Cancelled, Monitor, Progress
from core.strict import read_bytes

CONTROL_FILE: Final = "control"
READING_STAGE: Final = "Reading photographs"
"""The stage of a training before it learns."""

_POLL_S: Final = 0.2
_MOST_BYTES: Final = 256


class StopTraining(Exception):  # noqa: N818 - an outcome that the user asked for, not an error
    """Raised by a monitor to end a training early, with the best weights so far as its result."""


class ControlledMonitor:
    """Hands progress on to another monitor, and does what a file says.

    The file holds one word: ``pause`` ends the work with ``Cancelled`` (a training keeps all that is needed to resume),
    ``stop`` ends it with ``StopTraining``. ``command`` is the word that was followed, or empty.
    """

    def __init__(self, inner: Monitor, file: Path) -> None:
        self.command = ""
        self._inner, self._file = inner, file
        self._next = 0.0

    def step(self, progress: Progress) -> None:
        self._inner.step(progress)
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _POLL_S
        try:
            word = read_bytes(self._file, _MOST_BYTES).strip().decode()
        except (OSError, ValueError):  # no command
            return
        if word in {"pause", "stop"}:
            self.command = word
            raise Cancelled if word == "pause" else StopTraining

    def clear(self) -> None:
        """Remove the command, so that the work can be resumed later."""
        with suppress(OSError):
            self._file.unlink(missing_ok=True)

    def note(self, message: str) -> None:
        self._inner.note(message)
