"""Small files for the next start, written beside the window in the order in which they were asked for."""

import threading
from collections import deque
from collections.abc import Callable

from core.errors import OutputError


class PendingWrites:
    """What waits to be written. Threads may share it; one of them writes at a time."""

    def __init__(self) -> None:
        self._writing = threading.Lock()
        self._waiting = deque[Callable[[], None]]()
        self._problems = deque[str]()

    def add(self, write: Callable[[], None]) -> None:
        """Have this written after what waits already. ``write`` may raise OutputError."""
        self._waiting.append(write)

    def write_all(self) -> None:
        """Write what waits, and come back when all that was asked for before is written."""
        with self._writing:
            while self._waiting:
                try:
                    self._waiting.popleft()()
                except OutputError as error:
                    self._problems.append(str(error))

    def take_problems(self) -> tuple[str, ...]:
        """Sentences on what could not be written since the last time."""
        return tuple(self._problems.popleft() for _ in range(len(self._problems)))
