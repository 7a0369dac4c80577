"""The one shape of long work: a function takes a ``Monitor``, reports to it between steps, may be cancelled by it."""

from dataclasses import dataclass
from typing import Final, Protocol

_PART_STEPS: Final = 1000
"""In how many steps the progress within a part is reported."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a piece of long work is.

    ``stage`` is a short present-tense phrase for the user ("Finding vessels"); ``done`` and ``total`` count the steps
    of that stage. ``total`` is 0 while the number of steps is not known.
    """

    stage: str
    done: int = 0
    total: int = 0

    @property
    def fraction(self) -> float | None:
        """Share done in [0, 1], or None while the total is unknown."""
        return min(1.0, self.done / self.total) if self.total > 0 else None


class Cancelled(Exception):  # noqa: N818 - an outcome that the user asked for, not an error
    """Raised by a monitor to end the work that reports to it."""


class Monitor(Protocol):
    """Receives progress and may end the work by raising ``Cancelled``."""

    def step(self, progress: Progress) -> None: ...

    def note(self, message: str) -> None:
        """A sentence that the user should see although the work continues (a fall-back, a skipped file)."""


class _Silent:
    def step(self, progress: Progress) -> None:
        pass

    def note(self, message: str) -> None:
        pass


SILENT: Monitor = _Silent()


class _Part:
    def __init__(self, monitor: Monitor, number: int, count: int, name: str, stage: str) -> None:
        self._monitor, self._number, self._count = monitor, number, count
        self._stage, self._note_prefix = stage, f"{name}: " if name else ""
        counted = f"{name} ({number + 1} of {count})" if count > 1 else name
        self._prefix = f"{counted}: " if name else ""
        self._furthest = 0.0

    def step(self, progress: Progress) -> None:
        self._furthest = max(self._furthest, progress.fraction or 0.0)
        done = round(_PART_STEPS * (self._number + self._furthest))
        self._monitor.step(Progress(self._prefix + (self._stage or progress.stage), done, _PART_STEPS * self._count))

    def note(self, message: str) -> None:
        self._monitor.note(self._note_prefix + message)


def part_of(monitor: Monitor, number: int, count: int, name: str = "", *, stage: str = "") -> Monitor:
    """A monitor for one of several equal parts of longer work, whose progress never goes back.

    Parameters
    ----------
    number, count : which part this is, from 0, and how many there are.
    name : what the part is about (a file, a model): put before its stages, with its number, and before its notes.
    stage : shown in place of the part's own stages.
    """
    return _Part(monitor, number, count, name, stage)
