"""Small trainings as jobs, in processes of their own, for the tests of the library, the command line and the window."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from core.datasets.dataset_file import write_dataset_file
from core.datasets.recognise import recognise
from core.datasets.splits import split_by_seed
from core.datasets.synthetic import write_drive_layout
from core.jobs.process import end_by_force
from core.jobs.requests import TrainingRequest
from core.jobs.store import Job, list_jobs, read_job
from core.jobs.submit import submit_job
from core.training.config import TrainingConfig, load_config
from core.training.run_view import follow_run

WAIT_S = 240.0
"""Long enough for a slow machine; nothing here waits for a time to pass."""

RECIPE = """
[data]
dataset = "{dataset}"
[network]
config = {{ width = 4, depth = 2 }}
[preprocessing]
fov_diameter_px = 64
[optimisation]
steps = {steps}
batch = 1
crop_px = 16
precision = "fp32"
[run]
name = "tiny"
validate_every = 5
threads = 1
"""


def drawn_dataset(folder: Path, photographs: int = 3, side: int = 80) -> Path:
    """A data set file of drawn photographs: one for validation, the others for training, as many for testing."""
    found = recognise(write_drive_layout(folder, photographs, side=side)).dataset
    share = 1 / photographs
    return write_dataset_file(folder / "drawn.serr-dataset", split_by_seed(found, seed=0, validation_share=share))


def recipe(folder: Path, dataset: Path, steps: int = 100_000) -> TrainingConfig:
    path = folder / "recipe.toml"
    path.write_text(RECIPE.format(dataset=dataset.as_posix(), steps=steps), encoding="utf-8")
    return load_config(path)


def start(folder: Path, dataset: Path, steps: int = 100_000, **choices: object) -> Job:
    """Submit a job on the CPU."""
    return submit_job(TrainingRequest(recipe(folder, dataset, steps), folder, device="cpu", **choices))  # type: ignore[arg-type]


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"gave up waiting until {what}"
        time.sleep(0.05)


def wait_for(job: Job, *states: str) -> Job:
    """Wait until the job is in one of these states."""
    until(lambda: read_job(job.folder).state in states, f"{job.request.name} is {' or '.join(states)}")
    return read_job(job.folder)


def wait_for_step(job: Job, step: int) -> None:
    """Wait until the job has validated at this step or later, and kept that."""
    kept = job.run / "checkpoint.safetensors"

    def is_there() -> bool:
        assert read_job(job.folder).alive, read_job(job.folder).status.sentence
        best = follow_run(job.run).validated
        return kept.is_file() and bool(best) and best[-1].step >= step

    until(is_there, f"{job.request.name} is at step {step}")


@contextmanager
def own_jobs(folder: Path) -> Iterator[Path]:
    """An empty folder for jobs; those that are still alive at the end are killed."""
    patch = pytest.MonkeyPatch()
    patch.setenv("SERR_JOBS", str(folder))
    patch.setenv("SERR_JOB_NICE", "0")  # a busy machine must not keep the tests waiting
    try:
        yield folder
        for job in list_jobs():
            if job.alive:
                end_by_force(job, patience_s=0.1)
    finally:
        patch.undo()


def kill(job: Job) -> None:
    """Kill the job's process as the system does when memory runs out."""
    process = psutil.Process(read_job(job.folder).status.pid)
    process.kill()
    process.wait(30)
