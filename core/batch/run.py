"""Working through a batch: the next photograph is read and the last one written while the network runs.

A photograph is claimed before it is read and finished in the manifest after its results are on the disk. Where
the program was killed in between, ``core.results.judge`` finds whole results by their side-car: none is made twice.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

from core.batch.items import Item, Outcome, State
from core.batch.manifest import Manifest
from core.batch.plan import Batch
from core.batch.steps import Done, PhotoSteps
from core.batch.wanted import wanted_by
from core.errors import InputError, SerrError
from core.files import display_path
from core.models.weights_file import LoadedModel
from core.pipeline import run_pipeline
from core.progress import SILENT, Monitor, Progress

_SAID_FOR_S: Final = 0.25


class TooManyBadError(SerrError):
    """More photographs failed than may."""


def run_shard(
    batch: Batch,
    shard: int,
    model: LoadedModel,
    *,
    device: str = "auto",
    most_bad: float = 100.0,
    finished: Callable[[Item, Outcome], None] | None = None,
    monitor: Monitor = SILENT,
) -> None:
    """Do all photographs of a shard that wait. Several processes may do this at once and share the work.

    Parameters
    ----------
    most_bad : of the shard's photographs, percent that may fail before it stops.
    finished : called with each photograph as soon as the manifest has its outcome.

    Raises
    ------
    TooManyBadError : more failed; what is done stays done.
    OutputError, StoreError : the disk is full or read-only, or a store cannot be used; the photographs that were begun
    wait again.
    InputError : ``model`` is not the one of the batch.
    Cancelled : by the monitor; the photographs that were begun wait again.
    """
    if not batch.options.is_for(model):
        raise InputError(
            f"The model {batch.options.model_name} is not the one that the batch in {display_path(batch.folder)} was "
            "planned with. Name the photographs again with --new-options to make all results with this one."
        )
    wanted = wanted_by(batch.options, model, device)
    with claims_of(batch, shard, most_bad=most_bad, finished=finished, monitor=monitor) as claims:
        steps = PhotoSteps(batch, wanted, claims.tally.quiet)
        run_pipeline(
            iter(claims.take, None),
            steps.read,
            steps.segment,
            steps.write,
            claims.finish,
            kept=claims.keep,
            between=claims.tally.step,
        )


class Claims:
    """The photographs of a shard that this process has claimed, and what becomes of them."""

    def __init__(
        self, manifest: Manifest, tally: "Tally", finished: Callable[[Item, Outcome], None] | None = None
    ) -> None:
        self.tally = tally
        self._manifest, self._finished = manifest, finished
        self._claimed: dict[int, Item] = {}

    def take(self) -> Item | None:
        """The next photograph that waits; None where none does."""
        item = self._manifest.claim()
        if item is not None:
            self._claimed[item.id] = item
        return item

    def keep(self, done: Done) -> None:
        """Write down what is on the disk although the run ends early."""
        item, outcome = done
        self._manifest.finish(item, outcome)
        self._claimed.pop(item.id, None)

    def finish(self, done: Done) -> None:
        """Write down what became of a photograph, and say it. Raises TooManyBadError."""
        self.keep(done)
        if self._finished is not None:
            self._finished(*done)
        self.tally.add(*done)

    def put_back(self) -> None:
        """What was claimed and has no outcome waits again."""
        with suppress(SerrError):  # a full disk: the next run gives back what this one had claimed
            self._manifest.put_back(self._claimed)


@contextmanager
def claims_of(
    batch: Batch,
    shard: int,
    *,
    most_bad: float,
    finished: Callable[[Item, Outcome], None] | None,
    monitor: Monitor,
) -> Iterator[Claims]:
    """Claim photographs of a shard inside the block; at its end those without an outcome wait again.

    Raises
    ------
    TooManyBadError : more had failed before than may.
    """
    with batch.open(shard) as manifest:
        manifest.recover()
        claims = Claims(manifest, Tally(manifest.counts(), most_bad, monitor), finished)
        claims.tally.check()
        try:
            yield claims
        finally:
            claims.put_back()


class Tally:
    """Counts outcomes, says how far the work is, and stops it where too many fail."""

    _MOST_TOLD: Final = 20

    def __init__(self, counts: Mapping[State, int], most_bad: float, monitor: Monitor) -> None:
        self._counts = dict(counts)
        self._total = sum(self._counts.values())
        self._most_bad, self._monitor = most_bad, monitor
        self._started, self._finished, self._told = time.monotonic(), 0, 0
        self._said: tuple[int, int, float, Progress] | None = None
        self.quiet = _Quiet(self)

    @property
    def over(self) -> int:
        """How many photographs have an outcome."""
        return sum(self._counts[state] for state in ("done", "kept", "failed"))

    def step(self) -> None:
        """Report; raises Cancelled as the monitor does. After each layer, so the sentence is made only now and then."""
        passed, now = time.monotonic() - self._started, (self.over, self._counts["failed"])
        if self._said is None or self._said[:2] != now or passed > self._said[2] + _SAID_FOR_S:
            self._said = (*now, passed, self._sentence(passed))
        self._monitor.step(self._said[3])

    def _sentence(self, passed: float) -> Progress:
        text = f"{self.over:,} of {self._total:,} photographs"
        if self._finished >= 3:
            left = (self._total - self.over) * passed / self._finished
            text += f", {self._finished / passed:.2g} a second, {duration(left)} left"
        if self._counts["failed"]:
            text += f", {self._counts['failed']:,} failed"
        return Progress(text, self.over, self._total)

    def add(self, item: Item, outcome: Outcome) -> None:
        """Count an outcome. Raises TooManyBadError."""
        self._counts[outcome.state] += 1
        self._finished += 1
        if outcome.state == "failed":
            self._told += 1
            if self._told <= self._MOST_TOLD:
                self._monitor.note(outcome.reason)
            elif self._told == self._MOST_TOLD + 1:
                self._monitor.note("More photographs failed; 'serr batch status' and summary.csv name them all.")
        self.check()

    def now(self, counts: Mapping[State, int]) -> None:
        """Take over what the manifest says, of the work of other processes. Raises TooManyBadError."""
        before = self.over
        self._counts = dict(counts)
        self._finished += self.over - before
        self.check()

    def check(self) -> None:
        """Raises TooManyBadError."""
        bad = self._counts["failed"]
        if bad and 100 * bad > self._most_bad * self._total:
            raise TooManyBadError(
                f"{bad:,} of {self._total:,} photographs failed, more than {self._most_bad:g} %: the batch is stopped, "
                "and what is done stays done. Fix them, or allow more with --max-failed, and start it again."
            )


class _Quiet:
    """A monitor for one photograph: its steps show the progress of all, and its notes are kept as doubts."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def step(self, progress: Progress) -> None:
        self._tally.step()

    def note(self, message: str) -> None:
        pass


def duration(seconds: float) -> str:
    """About how long, in two units: "3 h 20 min"."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{round(seconds)} s"
    if minutes < 60:
        return f"{minutes} min"
    hours = round(minutes / 60)
    return f"{minutes // 60} h {minutes % 60} min" if hours < 48 else f"{hours // 24} days {hours % 24} h"
