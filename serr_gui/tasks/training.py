"""Watching training jobs, measuring recipes, comparing models: in threads, and in processes of their own."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.errors import InputError
from core.jobs.requests import TrainingRequest
from core.jobs.store import RECIPE_FILE, Job, list_jobs, read_log
from core.progress import Monitor, Progress
from core.strict import Malformed, read_bytes
from core.training.run_view import EVENTS_FILE, RunFollower
from serr_gui.model.training import ComparisonOrder, RunPicture, Trainings
from serr_gui.tasks.looking import existing
from serr_gui.tasks.monitor import YieldingMonitor

if TYPE_CHECKING:
    from core.model_comparison import ModelComparison

LOG_BYTES: Final = 1 << 16
_MOST_RECIPE_BYTES: Final = 1 << 18
_POLL_S: Final = 1.0
_BREATH_S: Final = 0.1


class JobPoller:
    """Which job is looked at, shared by the window and the thread that watches; ``look`` makes it look at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._chosen = ""
        self._look = threading.Event()

    @property
    def chosen(self) -> str:
        with self._lock:
            return self._chosen

    def choose(self, job_id: str) -> None:
        with self._lock:
            self._chosen = job_id
        self._look.set()

    def look(self) -> None:
        self._look.set()

    def rest(self, monitor: YieldingMonitor[Trainings]) -> None:
        """Wait until it is time to look again."""
        for _ in range(round(_POLL_S / _BREATH_S)):
            monitor.check()
            if self._look.wait(_BREATH_S):
                break
        self._look.clear()


def watch_trainings(watch: JobPoller, monitor: YieldingMonitor[Trainings]) -> None:
    """Deliver a ``Trainings`` whenever something has changed, until the monitor ends it."""
    follower: RunFollower | None = None
    recipe, last = "", None
    while True:
        jobs = tuple(list_jobs())
        chosen = next((job for job in jobs if job.id == watch.chosen), None)
        if chosen is None:
            follower, recipe = None, ""
        elif follower is None or follower.file != chosen.run / EVENTS_FILE:
            follower, recipe = RunFollower(chosen.run / EVENTS_FILE), _recipe(chosen)
        while follower is not None and follower.poll():
            monitor.check()
        view = follower.view if follower is not None else None
        log = read_log(chosen, LOG_BYTES) if chosen is not None else ""
        now = (jobs, chosen.id if chosen else "", view, log)
        if last is None or now[:2] != last[:2] or now[2] is not last[2] or now[3] != last[3]:
            last = now
            monitor.yield_result(Trainings(*now, recipe))
        watch.rest(monitor)


def read_picture(place: str, files: tuple[Path, ...], monitor: Monitor) -> RunPicture:
    """The first of some pictures of a run that exists; without pixels where none does, or it cannot be read."""
    from core.photo.decoding import decode

    monitor.step(Progress("Reading a picture"))
    file = next((each for each in files if existing([each])), None)
    try:
        pixels = decode(file).pixels if file is not None else None
    except InputError:
        pixels = None
    return RunPicture(place, files, file, pixels)


def _recipe(job: Job) -> str:
    try:
        return read_bytes(job.folder / RECIPE_FILE, _MOST_RECIPE_BYTES).decode("utf-8", "replace")
    except (OSError, Malformed):
        return ""


def start_training(request: TrainingRequest, monitor: Monitor) -> Job:
    """Make a job and start its process. Raises SerrError."""
    from core.jobs.submit import submit_job

    monitor.step(Progress("Starting the training"))
    return submit_job(request)


def ask_job(ask: Callable[[Job], object], job: Job, monitor: Monitor) -> object:
    """Do something with a job that may wait for its process. Raises SerrError."""
    monitor.step(Progress("Telling the training"))
    return ask(job)


def compare(order: ComparisonOrder, device: str, monitor: Monitor) -> "ModelComparison":
    """Compare an old and a new model on a part of a data set. Raises SerrError, Cancelled."""
    from core.datasets.finding import find_split
    from core.inference.options import InferenceOptions
    from core.model_comparison import compare_models

    cases = find_split(order.dataset, order.root, order.split)
    options = InferenceOptions(device=device)
    return compare_models(
        order.old, order.new, cases, name=order.dataset, root=order.root, options=options, monitor=monitor
    )
