"""Batches in processes of their own: looking at them, starting one, and finding the result of a photograph."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.batch.archives import is_archive, look_into
from core.batch.control import BACKGROUND_VARIABLE, Request, ask, asked, how_it_ended, is_running
from core.batch.items import Item
from core.batch.plan import BATCH_FOLDER, find_batch, known_batch
from core.batch.status import Kind, batch_status, look_at
from core.errors import InputError, OutputError, SerrError
from core.files import display_path, ensure_folder
from core.jobs.local import start_detached
from core.progress import Monitor, Progress
from core.strict import Malformed, read_bytes
from serr_gui.model.batch import MOST_ROWS, Batches, BatchFacts, BatchOrder, BatchPreview, BatchRow
from serr_gui.model.export_options import RESULTS_FOLDER
from serr_gui.model.i18n import translate
from serr_gui.tasks.exported import TakenBack, take_back
from serr_gui.tasks.monitor import YieldingMonitor

LOG_FILE: Final = "window.log"
_POLL_S: Final = 0.7
_BREATH_S: Final = 0.1
_WINDOW_S: Final = 60.0
"""The rate is that of this time past."""
_MOST_LOG_BYTES: Final = 1 << 24


@dataclass(frozen=True, slots=True)
class Looking:
    """What is looked at."""

    folders: tuple[Path, ...] = ()
    chosen: Path | None = None
    kind: Kind = "all"
    part: str = ""


class BatchPoller:
    """What is looked at, shared by the window and the thread that looks; ``look`` makes it look at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted = Looking()
        self._look = threading.Event()

    @property
    def wanted(self) -> Looking:
        with self._lock:
            return self._wanted

    def want(self, wanted: Looking) -> None:
        with self._lock:
            self._wanted = wanted
        self._look.set()

    def look(self) -> None:
        self._look.set()

    def rest(self, looking_s: float, monitor: YieldingMonitor[Batches]) -> None:
        """Wait until it is time to look again; looking takes a tenth of the time at most."""
        for _ in range(round(max(_POLL_S, 10 * looking_s) / _BREATH_S)):
            monitor.check()
            if self._look.wait(_BREATH_S):
                break
        self._look.clear()


def watch_batches(poller: BatchPoller, monitor: YieldingMonitor[Batches]) -> None:
    """Deliver ``Batches`` whenever something has changed, until the monitor ends it."""
    rates: dict[Path, _Rate] = {}
    seen: dict[Path, tuple[object, BatchFacts]] = {}
    last: Batches | None = None
    while True:
        began, wanted = time.monotonic(), poller.wanted
        known = []
        for folder in wanted.folders:
            monitor.check()
            stamp = _stamp(folder)
            if folder not in seen or seen[folder][0] != stamp:
                seen[folder] = stamp, facts_of(folder)
            known.append(_with_rate(seen[folder][1], rates))
        now = Batches(tuple(known), wanted.chosen, wanted.kind, wanted.part)
        if last is not None and (last.known, last.chosen, last.kind, last.part) == (
            now.known,
            now.chosen,
            now.kind,
            now.part,
        ):
            now = last
        else:
            rows, more = _rows(wanted)
            now = replace(now, rows=rows, more=more)
        if now != last:
            last = now
            monitor.yield_result(now)
        poller.rest(time.monotonic() - began, monitor)


def _stamp(folder: Path) -> object:
    """What changes with a batch, without counting its photographs."""
    control = folder / BATCH_FOLDER
    files = []
    for path in sorted(control.glob("shard-*.sqlite*")):
        if not path.name.endswith("-shm"):
            with suppress(OSError):
                files.append((path.name, path.stat().st_size, path.stat().st_mtime_ns))
    return files, is_running(control), is_running(control, by_window=True), asked(control), how_it_ended(control)


class _Rate:
    """How many photographs a second get an outcome."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def of(self, over: int) -> float | None:
        now = time.monotonic()
        if self._seen and over < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((now, over))
        while len(self._seen) > 2 and self._seen[0][0] < now - _WINDOW_S:
            self._seen.popleft()
        (begin, first), (end, newest) = self._seen[0], self._seen[-1]
        return (newest - first) / (end - begin) if newest - first >= 3 else None


def _with_rate(facts: BatchFacts, rates: dict[Path, _Rate]) -> BatchFacts:
    if facts.status is None or not facts.running:
        rates.pop(facts.folder, None)
        return facts
    rate = rates.setdefault(facts.folder, _Rate()).of(facts.status.total - facts.status.left)
    return replace(facts, rate=None if rate is None else float(f"{rate:.2g}"))


def facts_of(folder: Path) -> BatchFacts:
    """How the batch of a folder is; ``problem`` says why nothing can be said of it."""
    try:
        batch = find_batch(folder)
        status = batch_status(batch)
    except SerrError as error:
        return BatchFacts(folder, problem=str(error))
    rule = batch.options.rule
    return BatchFacts(
        folder,
        status,
        batch.options.model_name,
        rule.threshold,
        batch.options.kinds,
        batch.watched,
        status.problem,
        style=rule.style,
    )


def _rows(wanted: Looking) -> tuple[tuple[BatchRow, ...], bool]:
    try:
        batch = known_batch(wanted.chosen) if wanted.chosen is not None else None
        items = () if batch is None else look_at(batch, wanted.kind, MOST_ROWS + 1, wanted.part)
    except SerrError:  # its facts say it
        items = ()
    return tuple(map(_row, items[:MOST_ROWS])), len(items) > MOST_ROWS


def _row(item: Item) -> BatchRow:
    outcome = item.outcome
    over = outcome.state in {"done", "kept", "failed"}
    parts = [outcome.reason, *outcome.doubts] if over else []
    return BatchRow(
        item.path, item.place, outcome.state, outcome.vessel_share if over else None, " ".join(filter(None, parts))
    )


# Starting and ending


def preview(inputs: Sequence[Path], out: Path | None, monitor: Monitor) -> BatchPreview:
    """Count the photographs that a batch would begin with, and look whether its folder has one.

    ``out`` : where the results go; None: that is proposed from the first of the inputs.
    """
    folders = [path.is_dir() for path in inputs]
    if out is None and inputs:
        out = (inputs[0] if folders[0] else inputs[0].parent) / RESULTS_FOLDER
    found = BatchPreview(out=out, only_folders=all(folders))
    try:
        photos, at_least = _count(inputs, monitor)
    except InputError as error:
        return replace(found, problem=str(error))
    facts = facts_of(out) if out is not None and (out / BATCH_FOLDER).is_dir() else None
    there = facts if facts is not None and facts.status is not None else None
    return replace(found, photos=photos, at_least=at_least, there=there)


def _count(inputs: Sequence[Path], monitor: Monitor) -> tuple[int, bool]:
    """How many photographs there are, and whether there may be more. Raises InputError."""
    from core.photo.finding import count_below, photos_in

    photos, at_least = 0, False
    for path in inputs:
        monitor.step(Progress("Counting photographs"))
        if path.is_dir():
            here, below = photos_in(path), count_below(path)
            photos += below.photos + (0 if here.inner is not None else len(here.photos))
            at_least = at_least or below.at_least
        elif is_archive(path):
            photos += len(look_into(path, path.parent).photos)
        elif not path.exists():
            raise InputError(translate("Batch", "{name} is not there.").format(name=display_path(path)))
        else:
            at_least = True
    return photos, at_least


def start_batch(order: BatchOrder, monitor: Monitor) -> Path:
    """Start a batch, or continue one with these photographs; returns the folder of its results.

    Raises
    ------
    SerrError : with what the process said.
    """
    inputs = [str(path) for path in order.inputs]
    begin = ["watch", *inputs] if order.watch else ["batch", "run", *inputs]
    return _start(order.out, [*begin, "--out", str(order.out), *order.words], monitor)


def resume_batch(folder: Path, device: str, retry_failed: bool, monitor: Monitor) -> Path:
    """Continue a batch as it is. Raises SerrError with what the process said."""
    batch = find_batch(folder)
    words = ["batch", "run", str(folder)]
    if batch.watched:
        words = ["watch", *map(str, batch.watched), "--out", str(folder)]
    retry = ["--retry-failed"] if retry_failed else []
    return _start(folder, [*words, "--device", device, *retry], monitor)


def ask_batch(folder: Path, request: Request, monitor: Monitor) -> None:
    """Ask the processes of a batch to end. Raises OutputError."""
    monitor.step(Progress("Ending the batch"))
    ask(folder / BATCH_FOLDER, request)


def _start(out: Path, words: Sequence[str], monitor: Monitor) -> Path:
    monitor.step(Progress("Starting the batch"))
    control = out / BATCH_FOLDER
    was_there = [folder for folder in (out, control) if folder.is_dir()]
    if control in was_there and is_running(control):
        raise InputError(translate("Batch", "The batch in {name} is running already.").format(name=display_path(out)))
    for folder in (out, control):
        ensure_folder(folder)
    log = control / LOG_FILE
    process = start_detached(words, log, control, {BACKGROUND_VARIABLE: "1"}, keep_log=False)
    while (code := process.poll()) is None and not is_running(control):
        time.sleep(_BREATH_S)
        try:
            monitor.step(Progress("Starting the batch"))
        except BaseException:
            process.terminate()  # the window ends before the batch has begun
            raise
    if code not in {None, 0} and (code == 2 or known_batch(out) is None):
        said = _last_said(log)
        _remove_empty(log, [folder for folder in (control, out) if folder not in was_there])
        raise OutputError(said or translate("Batch", "The process of the batch ended at once, without a word."))
    return out


def _last_said(log: Path) -> str:
    try:
        text = read_bytes(log, _MOST_LOG_BYTES).decode("utf-8", "replace")
    except (OSError, Malformed):
        return ""
    said = [line.removeprefix("serr: ") for line in text.splitlines() if line.startswith("serr")]
    return said[-1] if said else ""


def _remove_empty(log: Path, folders: Iterable[Path]) -> None:
    """A batch that did not begin leaves nothing behind."""
    with suppress(OSError):
        log.unlink()
        for folder in folders:
            folder.rmdir()


# Results


def find_result(folder: Path, row: BatchRow, monitor: Monitor) -> TakenBack:
    """The result of a photograph of a batch, to be shown in the window.

    Raises
    ------
    InputError : it cannot be shown, with the reason.
    """
    monitor.step(Progress("Looking for the result"))
    from core.session.exported import ExportedResults

    place = folder.joinpath(*row.place.split("/"))
    found = ExportedResults().find_at(row.photo, place.parent, place.name)
    taken = take_back(found)
    if taken is None:
        text = translate("Batch", "The result of {name} cannot be read. Run the batch again.")
        raise InputError(text.format(name=display_path(row.photo.name)))
    return taken
