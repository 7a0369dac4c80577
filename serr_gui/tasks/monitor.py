"""What a job's work reports besides its progress."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.progress import Monitor


class YieldingMonitor(Monitor, Protocol):
    """A monitor that takes parts of the result before the end."""

    def check(self) -> None: ...

    def yield_result(self, part: object) -> None: ...


@dataclass(frozen=True, slots=True)
class BatchStep:
    """Reported as the ``stage`` changes to the next file."""

    item: int
    items: int
    path: Path
