"""How long a training will take and how much memory it needs, measured on a few steps of the very run."""

import math
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

import psutil

from core.progress import SILENT, Monitor, part_of
from core.training.config import TrainingConfig

_STEPS: Final = 6
_PATIENCE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will need, as far as a few steps tell. Times in seconds, sizes in bytes.

    ``memory_bytes`` is that of the whole process; ``device_bytes`` that of a graphics processor, 0 without one. What is
    free was asked before the measurement; None where the system does not say.
    """

    device: str
    steps: int
    validations: int
    reading_s: float
    step_s: float
    validation_s: float
    images_per_s: float
    memory_bytes: int
    device_bytes: int
    disk_bytes: int
    free_memory_bytes: int | None
    free_device_bytes: int | None

    @property
    def total_s(self) -> float:
        return self.reading_s + self.steps * self.step_s + self.validations * self.validation_s

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values, the total with them."""
        return {**asdict(self), "total_s": self.total_s}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Estimate":
        """The reverse of ``to_dict``."""
        return cls(**{f.name: values[f.name] for f in fields(cls)})


def estimate(config: TrainingConfig, root: Path, *, device: str = "auto", monitor: Monitor = SILENT) -> Estimate:
    """Read the photographs, learn for a few steps, validate on one photograph, and multiply.

    Nothing is kept. Meant for a process of its own: the memory that is reported is the most that this process ever had.

    Raises
    ------
    As ``train``: what would stop the run at its beginning stops the estimate.
    """
    import torch

    from core.inference.device import choose_device, free_bytes
    from core.training.data import load_training_data
    from core.training.fine_tuning import prepare_config
    from core.training.loop import fabric_for
    from core.training.run import Run

    config = prepare_config(config)
    chosen = choose_device(device)
    free_memory = int(psutil.virtual_memory().available)
    free_device = None if chosen.kind == "cpu" else free_bytes(chosen)
    began = time.monotonic()
    data = load_training_data(config, root, monitor)
    reading_s = time.monotonic() - began
    if chosen.kind == "cuda":
        torch.cuda.reset_peak_memory_stats(chosen.torch_name)
    with tempfile.TemporaryDirectory(prefix="serr-estimate-") as folder:
        out = Path(folder)
        run = Run(config, data, fabric_for(config, device), out)
        step_s, photo_s, kept = run.benchmark(_STEPS, _PATIENCE_S, part_of(monitor, 0, 1, stage="Trying a few steps"))
    steps, every = config.optimisation.steps, config.run.validate_every
    return Estimate(
        device=chosen.label,
        steps=steps,
        validations=math.ceil(steps / every) + bool(config.network.start_from),
        reading_s=reading_s,
        step_s=step_s,
        validation_s=photo_s * sum(len(source.validation) for source in data.sources),
        images_per_s=config.optimisation.batch / step_s,
        memory_bytes=peak_memory(),
        device_bytes=int(torch.cuda.max_memory_reserved(chosen.torch_name)) if chosen.kind == "cuda" else 0,
        disk_bytes=kept,
        free_memory_bytes=free_memory,
        free_device_bytes=free_device,
    )


def peak_memory() -> int:
    """The most memory that this process has had in use until now, in bytes."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most) if sys.platform == "darwin" else int(most) << 10
