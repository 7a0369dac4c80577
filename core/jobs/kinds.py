"""What jobs do: a kind is the work behind a request. There is one, training.

Another one, the segmentation of a folder say, is a class with these methods and an entry in ``KINDS``.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from core.errors import TrainingError
from core.jobs.multi_gpu import train_in_several
from core.jobs.store import RECIPE_FILE, Job, best_weights
from core.models.weights_header import read_card
from core.progress import Monitor


class Kind(Protocol):
    """The work of a job."""

    def run(self, job: Job, devices: Sequence[str], monitor: Monitor) -> Path:
        """Do the work, or the rest of it, on devices that are held for it; returns the file of the result.

        Raises
        ------
        SerrError : it failed. Cancelled : it was paused. StopTraining : it ends with what is kept.
        """
        ...

    def kept(self, job: Job) -> Path | None:
        """The result so far of a job that was stopped, None where there is none."""
        ...

    def remark(self, job: Job, result: Path) -> str:
        """What a person should know of the result, or nothing."""
        ...


class TrainingKind:
    """Trains a network by the recipe in the job's folder; the result is a weights file."""

    def run(self, job: Job, devices: Sequence[str], monitor: Monitor) -> Path:
        from core.training.config import load_config
        from core.training.loop import CONFIG_FILE, train

        if len(devices) > 1:
            return train_in_several(job, devices)
        config = load_config(job.folder / RECIPE_FILE)
        resume = (job.run / CONFIG_FILE).is_file()
        root = Path(job.request.root)
        return train(config, root, job.run, resume=resume, device=devices[0], monitor=monitor).weights

    def kept(self, job: Job) -> Path | None:
        return best_weights(job.run)

    def remark(self, job: Job, result: Path) -> str:
        if not job.request.start_from or read_card(result).training.get("best_step") != 0:
            return ""
        return (
            "No step did better on the held-out photographs than the model that it started from: the result is that "
            "model."
        )


KINDS: Final[Mapping[str, Kind]] = {"training": TrainingKind()}


def kind_of(job: Job) -> Kind:
    """The kind that a job asks for. Raises TrainingError where this program has none of that name."""
    kind = KINDS.get(job.request.kind)
    if kind is None:
        raise TrainingError(
            f'The job "{job.request.name}" is of the kind "{job.request.kind:.40}", which this version of the program '
            "does not know: update it."
        )
    return kind
