"""The one shape of long work: a function takes a ``Monitor``, reports to it between steps, may be cancelled by it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a piece of long work stands.

    ``stage`` is a short present-tense phrase for a person ("Finding vessels"); ``done`` and ``total`` count the steps
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
        """A sentence that the user should see although the work goes on (a fall-back, a skipped file)."""


class _Silent:
    def step(self, progress: Progress) -> None:
        pass

    def note(self, message: str) -> None:
        pass


SILENT: Monitor = _Silent()
