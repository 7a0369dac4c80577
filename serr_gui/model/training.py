"""What the program knows about trainings and their data sets: plain data, no Qt, no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.datasets.dataset_file import Part
from core.jobs.store import Job
from core.training.run_view import RunView
from core.types import ByteArray

if TYPE_CHECKING:
    from core.model_comparison import ModelComparison
    from core.training.estimate import Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Trainings:
    """All training jobs, and the run and the log of the chosen one. ``recipe`` is the chosen job's configuration."""

    jobs: tuple[Job, ...] = ()
    chosen: str = ""
    run: RunView | None = None
    log: str = ""
    recipe: str = ""

    @property
    def job(self) -> Job | None:
        """The chosen job."""
        return self.named(self.chosen)

    def named(self, job_id: str) -> Job | None:
        return next((job for job in self.jobs if job.id == job_id), None)


@dataclass(frozen=True, slots=True, eq=False)
class RunPicture:
    """A picture of a run: ``pixels`` uint8 (h, w, 3) of ``file``, the first of the ``wanted`` ones that exists.

    ``place`` : which picture, for whoever asked. ``pixels`` None: it cannot be read.
    """

    place: str
    wanted: tuple[Path, ...]
    file: Path | None
    pixels: ByteArray | None


@dataclass(frozen=True, slots=True, eq=False)
class EstimateState:
    """A measurement of a recipe: running, done, or ended with a sentence. ``key`` names the recipe measured."""

    key: str
    busy: bool = True
    stage: str = ""
    estimate: "Estimate | None" = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DataSetFacts:
    """What is in a data set file: how many photographs each part has; or ``problem``, why it cannot be used."""

    file: Path
    name: str = ""
    counts: Mapping[Part, int] = field(default_factory=dict)
    problem: str = ""

    def count(self, part: Part) -> int:
        return self.counts.get(part, 0)


@dataclass(frozen=True, slots=True)
class ComparisonOrder:
    """Two models, and the part of a data set on which they are compared. ``job`` is the one that made the new model."""

    old: Path
    new: Path
    dataset: str
    root: Path
    split: str
    job: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ModelsCompared:
    """A comparison that was asked for: running (None and no problem), done, or ended with a sentence."""

    order: ComparisonOrder
    result: "ModelComparison | None" = None
    problem: str = ""
