"""Working through a batch: the next photograph is read and the last one written while the network runs.

A photograph is claimed before it is read and finished in the manifest after its results are on the disk. Where
the program was killed in between, ``core.results.judge`` finds whole results by their side-car: none is made twice.
"""

import errno
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.batch.manifest import Item, Manifest, Outcome, State
from core.batch.plan import Batch
from core.batch.wanted import wanted_by
from core.claims import refuse_another
from core.errors import InputError, OutputError, SerrError
from core.files import display_path, ensure_folder, file_sha256
from core.models.weights_file import LoadedModel
from core.pipeline import Over, run_pipeline
from core.progress import SILENT, Monitor, Progress
from core.results import Verdict, Wanted, corrected_by_hand, judge
from core.segment import Place, read_inputs, segment_photo, write_results
from core.segmentation import Segmentation
from core.sidecar import SideCar, read_sidecar, sidecar_path
from core.types import FieldOfView, FundusImage

_FATAL: Final = frozenset(
    {
        errno.ENOSPC,
        errno.EFBIG,
        errno.EROFS,
        errno.EIO,
        getattr(errno, "EDQUOT", errno.ENOSPC),
        getattr(errno, "ESTALE", errno.EIO),
    }
)
"""The disk of the results is full, read-only or gone: the next photograph would meet the same."""


class TooManyBadError(SerrError):
    """More photographs failed than may."""


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    """A photograph that is read."""

    item: Item
    place: Place
    verdict: Verdict
    image: FundusImage
    fov: FieldOfView
    seen: tuple[int, int]
    seconds: float


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
    OutputError : the disk is full or read-only; the photographs that were begun wait again.
    InputError : ``model`` is not the one of the batch.
    Cancelled : by the monitor; the photographs that were begun wait again.
    """
    if model.sha256 != batch.options.model_sha256:
        raise InputError(
            f"The model {batch.options.model_name} is not the one that the batch in {display_path(batch.folder)} was "
            "planned with. Name the photographs again with --new-options to make all results with this one."
        )
    wanted = wanted_by(batch.options, model, device)
    with batch.open(shard) as manifest:
        manifest.recover()
        _Run(batch, manifest, wanted, most_bad=most_bad, finished=finished, monitor=monitor).run()


class _Run:
    """One run through the photographs that wait."""

    def __init__(
        self,
        batch: Batch,
        manifest: Manifest,
        wanted: Wanted,
        *,
        most_bad: float,
        finished: Callable[[Item, Outcome], None] | None,
        monitor: Monitor,
    ) -> None:
        self._folder, self._options = batch.folder, batch.options
        self._manifest, self._wanted, self._finished = manifest, wanted, finished
        self._tally = Tally(manifest.counts(), most_bad, monitor)
        self._claimed: dict[int, Item] = {}
        self._made: set[Path] = set()

    def run(self) -> None:
        self._tally.check()
        try:
            run_pipeline(
                iter(self._claim, None),
                self._read,
                self._network,
                self._write,
                self._finish,
                kept=self._keep,
                between=self._tally.step,
            )
        finally:
            with suppress(SerrError):  # a full disk: the next run gives back what this one had claimed
                self._manifest.put_back(self._claimed)

    def _claim(self) -> Item | None:
        item = self._manifest.claim()
        if item is not None:
            self._claimed[item.id] = item
        return item

    def _keep(self, done: tuple[Item, Outcome]) -> None:
        """The run ends early, but this is on the disk."""
        item, outcome = done
        self._manifest.finish(item, outcome)
        self._claimed.pop(item.id, None)

    def _finish(self, done: tuple[Item, Outcome]) -> None:
        item, outcome = done
        self._manifest.finish(item, outcome)
        self._claimed.pop(item.id, None)
        if self._finished is not None:
            self._finished(item, outcome)
        self._tally.add(item, outcome)

    # each of these makes an outcome of what goes wrong with the photograph, and raises what would stop all others

    def _read(self, item: Item) -> _Ready | Over[tuple[Item, Outcome]]:
        started, seen = time.perf_counter(), _seen(item.path)
        name = Path(*item.place.split("/"))
        place = Place(item.path, name.name, self._folder / name.parent)
        try:
            if place.folder not in self._made:
                ensure_folder(place.folder)
                self._made.add(place.folder)
            verdict = judge(
                place.photo, place.stem, place.folder, self._wanted, skip_existing=True, overwrite_edited=False
            )
            if verdict.skip:
                return Over((item, self._there_already(place, verdict, seen)))
            image, fov = read_inputs(place, self._wanted)
            refuse_another(place.folder, place.stem, image, way_out="")
        except (SerrError, MemoryError) as error:
            return Over((item, self._failed(item, error, seen)))
        return _Ready(item, place, verdict, image, fov, seen, time.perf_counter() - started)

    def _network(self, ready: _Ready) -> tuple[_Ready, Segmentation] | Over[tuple[Item, Outcome]]:
        wanted = self._wanted
        try:
            found = segment_photo(
                ready.image,
                wanted.model,
                fov=ready.fov,
                options=wanted.options,
                rule=wanted.rule,
                monitor=self._tally.quiet,
            )
        except (SerrError, MemoryError) as error:
            return Over((ready.item, self._failed(ready.item, error, ready.seen)))
        return ready, found

    def _write(self, made: tuple[_Ready, Segmentation]) -> tuple[Item, Outcome]:
        ready, found = made
        started = time.perf_counter()
        try:
            done = write_results(found, ready.place, self._wanted, ready.verdict)
        except (SerrError, MemoryError) as error:
            return ready.item, self._failed(ready.item, error, ready.seen)
        outcome = Outcome(
            "done",
            reason=f"Made again: {done.again}" if done.again else "",
            sha256=found.image.sha256 or "",
            threshold=done.threshold,
            vessel_share=done.vessel_share,
            doubts=tuple(doubt.text for doubt in done.doubts),
            seconds=round(ready.seconds + found.seconds + time.perf_counter() - started, 4),
            outputs=tuple(path.name for path in done.files.values()),
        )
        return ready.item, self._stamped(outcome, ready.seen)

    def _there_already(self, place: Place, verdict: Verdict, seen: tuple[int, int]) -> Outcome:
        """Results that are on the disk: of a run that was killed before it wrote that down, or corrected by hand."""
        by_hand = corrected_by_hand(place.folder, place.stem)
        path = sidecar_path(place.folder, place.stem)
        if not path.exists():
            return self._stamped(Outcome("failed", verdict.skip), seen)
        try:
            outcome = _of_sidecar(read_sidecar(path), place.photo)
        except InputError:  # the program was ended while it wrote a mask that was corrected by hand
            outcome = Outcome("kept")
        return self._stamped(replace(outcome, state="kept" if by_hand else "done", reason=by_hand), seen)

    def _failed(self, item: Item, error: SerrError | MemoryError, seen: tuple[int, int]) -> Outcome:
        if isinstance(error, OutputError) and isinstance(error.__cause__, OSError) and error.__cause__.errno in _FATAL:
            raise error
        memory = f"There is not enough memory for {display_path(item.path.name)}. Close other programs."
        outcome = Outcome("failed", str(error) or memory, sha256=file_sha256(item.path) or "")
        return self._stamped(outcome, seen)

    def _stamped(self, outcome: Outcome, seen: tuple[int, int]) -> Outcome:
        return replace(
            outcome,
            size=seen[0],
            changed_ns=seen[1],
            options=self._options.sha256,
            model=self._options.model_name,
        )


class Tally:
    """Counts outcomes, says how far the work is, and stops it where too many fail."""

    _MOST_TOLD: Final = 20

    def __init__(self, counts: Mapping[State, int], most_bad: float, monitor: Monitor) -> None:
        self._counts = dict(counts)
        self._total = sum(self._counts.values())
        self._most_bad, self._monitor = most_bad, monitor
        self._started, self._finished, self._told = time.monotonic(), 0, 0
        self.quiet = _Quiet(self)

    @property
    def over(self) -> int:
        """How many photographs have an outcome."""
        return sum(self._counts[state] for state in ("done", "kept", "failed"))

    def step(self) -> None:
        """Report; raises Cancelled as the monitor does."""
        passed = time.monotonic() - self._started
        text = f"{self.over:,} of {self._total:,} photographs"
        if self._finished >= 3:
            left = (self._total - self.over) * passed / self._finished
            text += f", {self._finished / passed:.2g} a second, {duration(left)} left"
        if self._counts["failed"]:
            text += f", {self._counts['failed']:,} failed"
        self._monitor.step(Progress(text, self.over, self._total))

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

    def check(self) -> None:
        """Raises TooManyBadError."""
        bad = self._counts["failed"]
        if bad and 100 * bad > self._most_bad * self._total:
            raise TooManyBadError(
                f"{bad:,} of {self._total:,} photographs failed, more than {self._most_bad:g} %: the batch is stopped, "
                "and what is done stays done. Fix them, or allow more with --max-bad, and start the same command again."
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


def _of_sidecar(sidecar: SideCar, photo: Path) -> Outcome:
    """What a result says about itself. Values that are not there stay out."""
    mask, doubts = sidecar.record.get("mask"), sidecar.record.get("doubts")
    share = mask.get("share_of_field_of_view") if isinstance(mask, dict) else None
    texts = [each.get("text") for each in doubts if isinstance(each, dict)] if isinstance(doubts, list) else []
    now = file_sha256(photo)
    if now is not None and sidecar.photo_sha256 not in {None, now}:
        texts.append("The photograph has changed since this result was made.")
    return Outcome(
        "done",
        sha256=now or sidecar.photo_sha256 or "",
        threshold=sidecar.rule.threshold,
        vessel_share=float(share) if isinstance(share, int | float) else None,
        doubts=tuple(text for text in texts if isinstance(text, str)),
        outputs=(*sidecar.files.values(), sidecar.path.name),
    )


def _seen(path: Path) -> tuple[int, int]:
    """Size and time of the last change of a file, -1 where it is not there."""
    try:
        status = path.stat()
    except OSError:
        return -1, -1
    return status.st_size, status.st_mtime_ns
