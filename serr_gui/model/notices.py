"""Sentences for the person, shown in the window until they are closed or have become old."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Until = Literal["", "work", "photo", "disk", "batch"]
NoticeKind = Literal["info", "success", "warning", "error"]


@dataclass(frozen=True, slots=True)
class NoticeChoice:
    """A button of a notice: its text, and what it asks for of a photograph, of a folder ("add below"), of the work that
    was left in a folder of journals ("continue", "start empty"), of a batch, or of the threshold of all photographs."""

    text: str
    request: Literal["reload", "keep", "add below", "continue", "start empty", "resume batch", "undo for all"]
    path: Path


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the person, shown in the window until it is closed. ``folder`` adds the button "Open folder".

    ``until`` : what makes it old, so that it goes by itself: the next long work, another photograph, a disk that takes
    what is written again, or a batch that has started.
    """

    kind: NoticeKind
    text: str
    details: str = ""
    folder: Path | None = None
    until: Until = ""
    choices: tuple[NoticeChoice, ...] = ()
