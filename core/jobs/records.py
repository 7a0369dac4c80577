"""What a training job is asked for, and what its process says: the records in its folder (``core.jobs.store``)."""

from dataclasses import dataclass, field
from typing import Literal

JobState = Literal["starting", "queued", "running", "paused", "done", "failed", "interrupted", "damaged"]
"""``paused``: it was paused by a command and can resume. ``interrupted``: its process was killed; it can resume, too.
``damaged``: its own files cannot be read; it can only be removed."""
Command = Literal["pause", "stop"]
"""``pause``: finish the step, keep everything, end. ``stop``: end with the best weights so far."""


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What was asked for when the job was made.

    Parameters
    ----------
    name, notes : for the user. ``created`` : UTC, ISO 8601.
    root : folder of the data sets that the recipe names; empty for data set files.
    data, start_from : what is learned from, and the model that is trained on (empty: from scratch), in words.
    devices : torch names of the devices that will do ("cuda:0", "cuda:1"); the first free one is taken.
    count : how many of them at once.
    estimate : the measured estimate that the person saw, or empty.
    kind, engine : what the job does (``core.jobs.kinds``) and where it runs (``core.jobs.engines``).
    slurm : options of sbatch for a job that runs on a Slurm cluster (``core.jobs.slurm``).
    """

    name: str
    notes: str = ""
    created: str = ""
    root: str = ""
    data: str = ""
    start_from: str = ""
    devices: tuple[str, ...] = ("cpu",)
    count: int = 1
    estimate: dict[str, object] = field(default_factory=dict)
    kind: str = "training"
    engine: str = "local"
    slurm: str = ""

    @property
    def is_submitted(self) -> bool:
        """Whether a cluster's queue decides when and on which devices it runs."""
        return self.engine != "local"


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What the job's process said last. ``sentence`` tells a person why it ended. ``changed`` is UTC, ISO 8601."""

    state: JobState = "starting"
    sentence: str = ""
    stage: str = ""
    device: str = ""
    pid: int = 0
    pid_started: float = 0.0
    host: str = ""
    start_id: str = ""
    queued: str = ""
    changed: str = ""
    weights: str = ""
