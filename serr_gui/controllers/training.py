"""Training jobs as the window knows them: watched, ordered, paused and stopped, and what becomes of their models."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from core.jobs.process import end_by_force, pause_job, start_job, stop_job
from core.jobs.requests import TrainingRequest
from core.jobs.store import Job, change_order, remove_job
from core.jobs.trial import measure_training
from core.progress import Progress
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.foreground import ForegroundTask
from serr_gui.controllers.workers import Failure
from serr_gui.model.training import (
    ComparisonOrder,
    EstimateState,
    ModelsCompared,
    Trainings,
)
from serr_gui.tasks import training as work

if TYPE_CHECKING:
    from core.model_comparison import ModelComparison
    from core.training.estimate import Estimate


class TrainingController(QObject):
    """Keeps the trainings' part of the state. ``foundRunning``: at the start, a job was running already.

    ``pictureRead`` carries the ``RunPicture`` that was asked for last of each place.
    """

    foundRunning = Signal()
    pictureRead = Signal(object)

    def __init__(self, context: ControllerContext, foreground: ForegroundTask) -> None:
        super().__init__(context)
        self._context, self._long = context, foreground
        self._poller = work.JobPoller()
        self._started = False

    # Watching

    def start(self) -> None:
        """Begin to watch the folder of jobs."""
        if not self._started:
            self._started = True
            self._context.workers.start(
                "trainings",
                partial(work.watch_trainings, self._poller),
                partial_result=self._on_trainings,
                failed=partial(self._context.fail, self.tr("The trainings cannot be watched.")),
            )

    def choose(self, job_id: str) -> None:
        """Look at another job."""
        self._poller.choose(job_id)
        state = self._context.state
        if job_id != state.trainings.chosen:
            state.trainings = Trainings(state.trainings.jobs, job_id)

    def read_picture(self, place: str, files: tuple[Path, ...]) -> None:
        """Read a picture of a run; ``pictureRead`` brings it."""
        self._context.workers.start(
            f"picture {place}",
            partial(work.read_picture, place, files),
            succeeded=self.pictureRead.emit,
            in_turn=True,  # a slider asks for many, and only the last is wanted
        )

    def _on_trainings(self, part: Trainings) -> None:
        state = self._context.state
        before, first = state.trainings, not state.trainings_known
        if before.chosen and part.chosen != before.chosen and part.named(before.chosen) is not None:
            part = replace(part, chosen=before.chosen, run=None, log="", recipe="")  # its own news are on their way
        state.trainings, state.trainings_known = part, True
        for job in part.jobs:
            old = before.named(job.id)
            if old is not None and old.alive and not job.alive:
                self._tell_end(job)
        if part.job is None and part.jobs:
            self.choose(_most_interesting(part.jobs).id)
        if first and any(job.alive for job in part.jobs):
            self.foundRunning.emit()

    def _tell_end(self, job: Job) -> None:
        name, sentence = job.request.name, job.status.sentence
        if job.state == "done":
            text = self.tr("The training {name} is done. {sentence} Its model can be compared and added in Trainings.")
            self._context.notify("success", text.format(name=name, sentence=sentence).replace("  ", " "))
        elif job.state == "failed":
            self._context.notify(
                "error", self.tr("The training {name} has failed. {sentence}").format(name=name, sentence=sentence)
            )
        elif job.state == "interrupted":
            text = self.tr(
                "The process of the training {name} was ended from outside (perhaps for lack of memory). It can be "
                "resumed from its last checkpoint."
            )
            self._context.notify("warning", text.format(name=name))

    # Requests

    def submit(self, request: TrainingRequest) -> None:
        """Start a training."""
        self._context.workers.start(
            "submit",
            partial(work.start_training, request),
            succeeded=self._on_submitted,
            failed=partial(self._context.fail, self.tr("The training cannot be started.")),
        )

    def pause(self, job: Job) -> None:
        self._ask(job, pause_job)

    def stop(self, job: Job) -> None:
        """End a job with the best weights so far."""
        self._ask(job, stop_job)

    def resume(self, job: Job) -> None:
        self._ask(job, start_job)

    def end_by_force(self, job: Job) -> None:
        self._ask(job, end_by_force)

    def remove(self, job: Job) -> None:
        self._ask(job, remove_job)

    def describe(self, job: Job, name: str, notes: str) -> None:
        """Give a job another name and other notes."""
        self._ask(job, partial(change_order, name=name, notes=notes))

    def _ask(self, job: Job, ask: Callable[[Job], object]) -> None:
        self._context.workers.start(
            f"job {job.id}",
            partial(work.ask_job, ask, job),
            succeeded=lambda _job: self._poller.look(),
            failed=self._on_ask_failed,
        )

    def _on_ask_failed(self, failure: Failure) -> None:
        self._context.fail(self.tr("The training could not be reached."), failure)
        self._poller.look()

    def _on_submitted(self, outcome: Job) -> None:
        self.choose(outcome.id)
        self._poller.look()

    # Measuring

    def measure(self, request: TrainingRequest, key: str) -> None:
        """Measure a few steps of a recipe; ``state.estimate`` tells how it goes."""
        state = self._context.state
        state.estimate = EstimateState(key)
        self._context.workers.start(
            "estimate",
            partial(measure_training, request),
            progressed=self._on_measuring,
            succeeded=partial(self._on_measured, key),
            failed=lambda failure: setattr(state, "estimate", EstimateState(key, False, problem=failure.sentence)),
        )

    def forget_estimate(self) -> None:
        """End a measurement that is running, and forget the last one."""
        self._context.workers.cancel("estimate")
        self._context.state.estimate = None

    def _on_measured(self, key: str, outcome: "Estimate") -> None:
        self._context.state.estimate = EstimateState(key, False, estimate=outcome)

    def _on_measuring(self, progress: Progress) -> None:
        estimate = self._context.state.estimate
        if estimate is not None:
            self._context.state.estimate = replace(estimate, stage=progress.stage)

    # Models

    def compare(self, order: ComparisonOrder) -> None:
        """Compare two models; ``state.models_compared`` has the outcome."""
        state = self._context.state
        if state.task is not None:
            return
        state.models_compared = ModelsCompared(order)
        device = state.device
        notes = list[str]()

        def end(result: "ModelComparison | None" = None, problem: str = "") -> None:
            state.models_compared = ModelsCompared(order, result, problem)
            self._tell_notes(notes)

        self._long.begin(
            "compare_models",
            lambda monitor: work.compare(order, device, monitor),
            name=f"{order.old.stem}, {order.new.stem}",
            noted=notes.append,
            succeeded=end,
            failed=lambda failure: end(problem=failure.sentence),
            cancelled=lambda: end(problem=self.tr("Cancelled.")),
        )

    def _tell_notes(self, notes: Sequence[str]) -> None:
        """What was noted of many photographs by two models, in one sentence."""
        if len(notes) == 1:
            self._context.notify("info", notes[0], until="work")
        elif notes:
            text = self.tr("The comparison has {count} remarks about photographs.").format(count=len(notes))
            self._context.notify("info", text, "\n".join(notes), until="work")


def _most_interesting(jobs: tuple[Job, ...]) -> Job:
    """The job that runs, or else the newest."""
    running = [job for job in jobs if job.state == "running"]
    return (running or list(jobs))[-1]
