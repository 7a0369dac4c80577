"""What the work of a thread reports besides its progress."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from core.progress import Monitor

P_contra = TypeVar("P_contra", contravariant=True)


class CheckingMonitor(Monitor, Protocol):
    """A monitor that can be asked whether the work shall end, without a report. ``check`` raises ``Cancelled``."""

    def check(self) -> None: ...


class YieldingMonitor(CheckingMonitor, Protocol[P_contra]):
    """A monitor that takes parts of the result before the end."""

    def yield_result(self, part: P_contra) -> None: ...


@dataclass(frozen=True, slots=True)
class BatchStep:
    """Reported as the ``stage`` changes to the next file."""

    item: int
    items: int
    path: Path
