"""The training loop, on Lightning Fabric, resumable to the same curve after a kill.

Everything random is a function of (seed, step), so a checkpoint is the weights, their running mean, the optimiser's
moments and the best weights so far.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from core.errors import SerrError, TrainingError
from core.files import write_bytes_atomic
from core.inference.device import choose_device, fastest_precision, usable_threads
from core.inference.options import Precision
from core.progress import SILENT, Monitor
from core.training.checkpoint import load_checkpoint
from core.training.config import TrainingConfig, load_config, to_toml
from core.training.data import TrainingData, load_training_data
from core.training.fine_tuning import prepare_config
from core.training.processes import in_first, make_fabric
from core.training.recorder import EVENTS_FILE
from core.training.run import CHECKPOINT_FILE, CONFIG_FILE, Run, TrainingResult
from core.training.run_lock import LOCK_FILE, OWNER_FILE, run_locked

__all__ = ["CHECKPOINT_FILE", "CONFIG_FILE", "EVENTS_FILE", "TrainingResult", "fabric_for", "train"]


def train(
    config: TrainingConfig,
    root: Path,
    out: Path,
    *,
    resume: bool = False,
    device: str = "auto",
    data: TrainingData | None = None,
    monitor: Monitor = SILENT,
) -> TrainingResult:
    """Train a network and write its weights file.

    Parameters
    ----------
    config : what to do. When resuming, the run's own configuration is used and this one is not looked at.
    root : folder of the published data sets, or the one that holds it; data set files need none.
    out : folder of the run: ``config.toml``, ``events.jsonl``, ``checkpoint.safetensors``, ``pictures``, and from the
        first validation on ``<name>.safetensors`` with the best weights so far.
    resume : continue from the checkpoint in ``out``; without one, start from the beginning.
    device : "auto", "cpu", "cuda", "cuda:1", "mps".
    data : the prepared photographs, for several runs on the same ones; None: they are read as ``config`` says.
    monitor : ends the run by raising ``Cancelled`` (it can be resumed from that very step) or ``StopTraining`` (the
        best weights so far are the result).

    Raises
    ------
    TrainingError, InputError, LabelError, WeightsError, OutputError : with a sentence.
    Cancelled : by the monitor. StopTraining : by the monitor, before the first step.
    """
    out = Path(out)
    recorded = out / CONFIG_FILE
    config = load_config(recorded) if resume and recorded.is_file() else prepare_config(config)
    with ExitStack() as locks, _denormals_as_zero():
        fabric = fabric_for(config, device)
        opened = in_first(fabric, lambda: _open_run(config, out, resume, locks))
        try:
            data = load_training_data(config, root, monitor) if data is None else data
        except SerrError:
            if opened and fabric.global_rank == 0:
                _forget_run(out)
            raise
        kept = out / CHECKPOINT_FILE
        checkpoint = load_checkpoint(kept) if resume and kept.is_file() else None
        return Run(config, data, fabric, out, checkpoint).run(monitor)


@contextmanager
def _denormals_as_zero() -> Iterator[None]:
    """Late in a training activations become denormal, which is slow; afterwards the caller has its IEEE arithmetic."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def _open_run(config: TrainingConfig, out: Path, resume: bool, locks: ExitStack) -> bool:
    """Make the folder of the run with the whole configuration, or take up the existing one; whether it is new.

    Either way the folder is locked until ``locks`` ends.
    """
    recorded = out / CONFIG_FILE
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"cannot make the folder {out} for the training run: {error.strerror}") from None
    locks.enter_context(run_locked(out))
    if recorded.is_file():
        if not resume:
            raise TrainingError(f"{out} already holds a training run; resume it (--resume) or choose another folder")
        return False
    write_bytes_atomic(recorded, to_toml(config).encode())
    return True


def _forget_run(out: Path) -> None:
    """Data that is refused leaves no run behind: it would be in the way of the next try."""
    with suppress(OSError):
        for name in (CONFIG_FILE, OWNER_FILE, LOCK_FILE):
            (out / name).unlink(missing_ok=True)
        out.rmdir()  # where nothing else was in it


def fabric_for(config: TrainingConfig, device: str) -> Any:
    """What runs the network on a device, in the number format of the configuration. Raises TrainingError."""
    if config.run.threads:
        torch.set_num_threads(usable_threads(config.run.threads))
    wanted = config.optimisation.precision
    precision = _fast_precision(device.partition(":")[0]) if wanted == "auto" else wanted
    try:
        return make_fabric(device, precision)
    except (RuntimeError, ValueError) as error:
        raise TrainingError(f"cannot train on device '{device}': {error}") from None


def _fast_precision(device: str) -> Precision:
    """The format in which the device trains fastest without loss."""
    if device in {"auto", "cuda"} and torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return fastest_precision(choose_device("cpu")) if device in {"auto", "cpu"} else "fp32"
