"""What can be asked for as a job: plain data, from a form or from the command line."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.training.config import TrainingConfig


@dataclass(frozen=True, slots=True, eq=False)
class TrainingRequest:
    """A training that is to become a job.

    Parameters
    ----------
    config : the recipe.
    root : folder of the data sets; relative paths in the recipe begin there.
    name, notes : for the user; without a name the job is called after its model.
    device : as ``choose_device`` takes it; "auto": any graphics processor that becomes free, else the CPU.
    count : how many graphics processors it shall have at once.
    engine, slurm : where it runs, and options of sbatch, as of a ``JobRequest``; on a cluster ``device`` says nothing.
    estimate : the measured estimate that the person saw, or empty.
    """

    config: "TrainingConfig"
    root: Path = Path()
    name: str = ""
    notes: str = ""
    device: str = "auto"
    count: int = 1
    estimate: dict[str, object] = field(default_factory=dict)
    engine: str = "local"
    slurm: str = ""
