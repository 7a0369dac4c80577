"""Going through many photographs: how long each was worked on, which are left, and how far it is. No Qt."""

from dataclasses import dataclass
from typing import Final

from serr_gui.model.i18n import translate
from serr_gui.model.selectors import listed
from serr_gui.model.state import AppState, PhotoItem

IDLE_S: Final = 30.0
"""Between two inputs by mouse, pen or keys at most this many seconds count as work."""


class ActiveClock:
    """Seconds of work on one photograph: the time between inputs, of each pause at most ``IDLE_S``.

    Times are those of one clock that only goes forward.
    """

    def __init__(self) -> None:
        self._last: float | None = None
        self._seconds = 0.0

    def touch(self, now: float) -> None:
        """An input has come."""
        if self._last is not None:
            self._seconds += min(max(now - self._last, 0.0), IDLE_S)
        self._last = now

    def pause(self, now: float) -> None:
        """The window has lost the focus, or another photograph comes: until the next input nothing counts."""
        if self._last is not None:
            self.touch(now)
            self._last = None

    def take(self) -> float:
        """The seconds since the last call."""
        seconds, self._seconds = self._seconds, 0.0
        return seconds


@dataclass(frozen=True, slots=True)
class Progress:
    """How many photographs of the list an observer is finished with."""

    done: int
    doubtful: int
    count: int


def progress(state: AppState) -> Progress:
    """How far the observer is with the list."""
    marks = [item.marks for item in state.photos]
    return Progress(sum(mark.done for mark in marks), sum(mark.doubtful for mark in marks), len(marks))


def next_undone(state: AppState) -> int | None:
    """The next line, among those that are listed, that is not done: below the chosen one, then from above."""
    lines = [index for index in listed(state) if index != state.current and not state.photos[index].marks.done]
    return next((index for index in lines if index > state.current), lines[0] if lines else None)


def undone(state: AppState) -> tuple[PhotoItem, ...]:
    """The photographs that are left, whether they are listed or not."""
    return tuple(item for item in state.photos if not item.marks.done)


def time_text(seconds: float) -> str:
    """A time of work as text: "45 s", "3 min 20 s", "1 h 5 min"."""
    whole = round(seconds)
    if whole < 60:
        return translate("Marks", "{seconds} s").format(seconds=whole)
    if whole < 3600:
        return translate("Marks", "{minutes} min {seconds} s").format(minutes=whole // 60, seconds=whole % 60)
    return translate("Marks", "{hours} h {minutes} min").format(hours=whole // 3600, minutes=whole % 3600 // 60)
