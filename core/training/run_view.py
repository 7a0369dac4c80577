"""Following a run from outside, by its event file, in bounded memory however long the run is."""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, TypeVar

from core.strict import Malformed, open_regular
from core.training.events import parse_event

EVENTS_FILE: Final = "events.jsonl"
LIMIT: Final = 2000
"""Points of a curve that are kept; beyond, every second one is dropped."""

_FIGURES: Final = ("auc_roc", "auc_pr", "f1")
"""By which the best weights can be chosen."""

_PICTURE: Final = re.compile(r"pictures/[\w-]+\.png", re.ASCII)
_MOST: Final = 10**9
_MOST_BYTES: Final = 1 << 22
"""What is read of a file at once."""


@dataclass(frozen=True, slots=True)
class Learned:
    """A point of the training curve: mean loss and learning rate since the point before, and the speed."""

    step: int
    loss: float
    rate: float
    images_per_s: float


@dataclass(frozen=True, slots=True)
class Validated:
    """ScoreSet on the validation photographs; ``picture`` is the file of a map, relative to the run, or empty."""

    step: int
    training_loss: float
    loss: float
    auc_roc: float
    auc_pr: float
    f1: float
    rate: float
    seconds: float
    picture: str


_Point = TypeVar("_Point", Learned, Validated)


@dataclass(frozen=True, slots=True)
class RunView:
    """What a run has said so far. ``steps`` is 0 until it has started; ``finished`` is the last event's weights file.

    ``photo`` and ``label`` are pictures of the validation photograph whose maps are shown, relative to the run.
    ``damaged_lines`` of its log could not be read; a killed run leaves one at most.
    """

    steps: int = 0
    step: int = 0
    device: str = ""
    training_photos: int = 0
    validation_photos: int = 0
    parameters: int = 0
    photo: str = ""
    label: str = ""
    learned: tuple[Learned, ...] = ()
    validated: tuple[Validated, ...] = ()
    best_step: int = 0
    finished: str = ""
    seconds_per_step: float = math.nan
    validate_every: int = 0
    choose_by: str = "auc_roc"
    damaged_lines: int = 0

    @property
    def best(self) -> Validated | None:
        """The validation whose weights are the best so far."""
        return max(self.validated, key=attrgetter(self.choose_by), default=None)

    @property
    def seconds_left(self) -> float | None:
        """An estimate from the speed so far; None while nothing is known."""
        if not self.steps or math.isnan(self.seconds_per_step):
            return None
        left = max(0, self.steps - self.step)
        validations = [each.seconds for each in self.validated[-3:] if not math.isnan(each.seconds)]
        each = sum(validations) / len(validations) if validations else 0.0
        return left * self.seconds_per_step + each * math.ceil(left / max(1, self.validate_every))


@dataclass(slots=True)
class RunFollower:
    """Reads what is new in a run's event file. ``view`` is the run as it is known."""

    file: Path
    view: RunView = field(default_factory=RunView)
    _offset: int = 0
    _inode: int = 0
    _learned: list[Learned] = field(default_factory=list)
    _validated: list[Validated] = field(default_factory=list)

    def poll(self) -> bool:
        """Read on; whether anything was new. A file that was cut (a run that was resumed) is read again."""
        try:
            with open_regular(self.file) as file:
                status = os.fstat(file.fileno())
                if status.st_size < self._offset or status.st_ino != self._inode:
                    self._offset, self._inode, self.view = 0, status.st_ino, RunView()
                    self._learned, self._validated = [], []
                file.seek(self._offset)
                data = file.read(_MOST_BYTES)
        except (OSError, Malformed):
            return False
        end = data.rfind(b"\n") + 1
        if not end and len(data) == _MOST_BYTES:  # no line of ours is so long: what follows may be readable
            end = len(data)
        if not end:
            return False
        self._offset += end
        damaged = self.view.damaged_lines
        for line in data[:end].splitlines():
            event = parse_event(line)
            if event is None or not self._take(event):
                damaged += 1
        learned, validated = tuple(self._learned), tuple(self._validated)
        self.view = replace(self.view, learned=learned, validated=validated, damaged_lines=damaged)
        return True

    def _take(self, event: Mapping[str, Any]) -> bool:
        """Take an event over; whether it could be."""
        take = _TAKERS.get(event["event"])
        if take is not None:
            try:
                take(self, event)
            except (KeyError, TypeError, ValueError, OverflowError):  # an event of another version, or damaged
                return False
        return True

    def _start(self, event: Mapping[str, Any]) -> None:
        self._go_back(_count(event["step"]))
        self.view = replace(
            self.view,
            step=_count(event["step"]),
            steps=_count(event.get("steps", 0)),
            validate_every=_count(event.get("validate_every", 0)),
            choose_by="auc_roc" if event.get("choose_by") not in _FIGURES else str(event["choose_by"]),
            device=str(event.get("device", "")),
            training_photos=len(event.get("training", ())),
            validation_photos=len(event.get("validation", ())),
            parameters=_count(event.get("parameters", 0)),
            finished="",
        )

    def _go_back(self, step: int) -> None:
        self._learned = [each for each in self._learned if each.step <= step]
        self._validated = [each for each in self._validated if each.step <= step]

    def _learn(self, event: Mapping[str, Any]) -> None:
        point = Learned(
            _count(event["step"]),
            float(event["training_loss"]),
            float(event["learning_rate"]),
            float(event["images_per_second"]),
        )
        seconds = _seconds(event["seconds_per_step"])
        self._learned = _kept(self._learned, point)
        self.view = replace(self.view, step=point.step, seconds_per_step=seconds)

    def _validate(self, event: Mapping[str, Any]) -> None:
        figures = event["validation"]
        point = Validated(
            _count(event["step"]),
            math.nan if event["training_loss"] is None else float(event["training_loss"]),
            float(figures["loss"]),
            float(figures["auc_roc"]),
            float(figures["auc_pr"]),
            float(figures["f1"]),
            float(event["learning_rate"]),
            _seconds(event.get("seconds", math.nan)),
            _picture(event.get("picture", "")),
        )
        self._validated = _kept(self._validated, point)
        self.view = replace(self.view, step=point.step)
        if math.isnan(self.view.seconds_per_step):
            self.view = replace(self.view, seconds_per_step=_seconds(event["seconds_per_step"]))

    def _show(self, event: Mapping[str, Any]) -> None:
        self.view = replace(self.view, photo=_picture(event["photo"]), label=_picture(event["label"]))

    def _finish(self, event: Mapping[str, Any]) -> None:
        self.view = replace(self.view, finished=str(event["weights"]), best_step=_count(event["best_step"]))


def _count(value: object) -> int:
    """A number of steps or the like from an event. Raises ValueError where it cannot be one."""
    if type(value) is not int or not 0 <= value <= _MOST:
        raise ValueError(f"{value!r:.40} is not a number of steps")
    return value


def _seconds(value: object) -> float:
    """A time from an event, NaN where it was not measured. Raises ValueError, TypeError."""
    seconds = float(value)  # type: ignore[arg-type]
    if seconds < 0 or seconds > _MOST:
        raise ValueError(f"{value!r:.40} is not a time")
    return seconds


def _picture(value: object) -> str:
    """The name of a picture in the run's own folder of pictures; nothing for any other file."""
    return value if isinstance(value, str) and _PICTURE.fullmatch(value) else ""


def _kept(points: list[_Point], point: _Point) -> list[_Point]:
    """The points with one more, thinned out where they are too many."""
    points.append(point)
    if len(points) > LIMIT:
        del points[1:-1:2]
    return points


def follow_run(run: Path) -> RunView:
    """What a run has said until now."""
    follower = RunFollower(run / EVENTS_FILE)
    while follower.poll():
        pass
    return follower.view


_TAKERS: Final[dict[str, Callable[[RunFollower, Mapping[str, Any]], None]]] = {
    "started": RunFollower._start,
    "resumed": RunFollower._start,
    "learned": RunFollower._learn,
    "validated": RunFollower._validate,
    "pictured": RunFollower._show,
    "finished": RunFollower._finish,
}
