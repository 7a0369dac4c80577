"""What the program knows about batches, which processes of their own work on: plain data, no Qt, no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.batch.items import State
from core.batch.status import BatchStatus, Kind

MOST_KNOWN: Final = 12
"""Batches that are listed, the newest first."""
MOST_ROWS: Final = 1000
"""Photographs that are shown of a batch at a time; a filter finds the others."""


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """A batch that somebody wants to begin, or to continue with more photographs.

    Parameters
    ----------
    inputs : folders, photographs, lists and archives of photographs.
    words : options of ``serr batch run``; empty: those that the batch in ``out`` has.
    watch : also photographs that come into the folders later.
    """

    inputs: tuple[Path, ...]
    out: Path
    words: tuple[str, ...] = ()
    watch: bool = False


@dataclass(frozen=True, slots=True)
class BatchRow:
    """A photograph of a batch. ``text`` : why it failed, or what is doubtful."""

    photo: Path
    place: str
    state: State
    share: float | None
    text: str

    @property
    def has_result(self) -> bool:
        return self.state in {"done", "kept"}


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """A batch: where, how it is, how its results are made, and how fast it goes.

    ``problem`` : why it cannot be looked at, or what stopped it. ``rate`` : photographs a second, None while unknown.
    ``watched`` : folders whose new photographs come to it. ``style`` : the drawing style that the threshold is.
    """

    folder: Path
    status: BatchStatus | None = None
    model: str = ""
    threshold: float = 0.0
    kinds: tuple[str, ...] = ()
    watched: tuple[Path, ...] = ()
    problem: str = ""
    rate: float | None = None
    style: str = ""

    @property
    def threshold_text(self) -> str:
        """The threshold, with the data set whose experts it follows."""
        return f"{self.threshold:.3f} ({self.style})" if self.style else f"{self.threshold:.3f}"

    @property
    def word(self) -> str:
        """How it is, as ``BatchStatus.word``; "unreadable" where that cannot be said."""
        return self.status.word if self.status is not None else "unreadable"

    @property
    def running(self) -> bool:
        return self.status is not None and self.status.running

    @property
    def ends_with_window(self) -> bool:
        """Whether a window has started it, and closing the window pauses it; those of a terminal continue."""
        return self.status is not None and self.status.by_window

    @property
    def unfinished(self) -> bool:
        """Whether it waits to be resumed."""
        return self.word in {"paused", "interrupted"}

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at the rate of now."""
        return self.status.left / self.rate if self.status is not None and self.rate else None


@dataclass(frozen=True, slots=True)
class BatchPreview:
    """What a batch would have: how many photographs in the inputs, and the batch that its folder has already.

    ``out`` : that folder, or the one that is proposed. ``only_folders`` : whether no input is a list or an archive.
    """

    photos: int = 0
    at_least: bool = False
    there: BatchFacts | None = None
    problem: str = ""
    out: Path | None = None
    only_folders: bool = True


@dataclass(frozen=True, slots=True)
class Batches:
    """All batches that the program remembers, and photographs of the chosen one: those of ``kind`` with ``part`` in
    their name, at most ``MOST_ROWS``; ``more``: there are others."""

    known: tuple[BatchFacts, ...] = ()
    chosen: Path | None = None
    kind: Kind = "all"
    part: str = ""
    rows: tuple[BatchRow, ...] = ()
    more: bool = False

    @property
    def batch(self) -> BatchFacts | None:
        """The chosen one."""
        return self.named(self.chosen)

    def named(self, folder: Path | None) -> BatchFacts | None:
        return next((each for each in self.known if each.folder == folder), None)
