"""The training loop, on Lightning Fabric, resumable to the same curve after a kill.

Everything random is a function of (seed, step), so a checkpoint is the weights, their running mean, the optimiser's
moments and the best weights so far.
"""

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from core.errors import TrainingError
from core.files import write_bytes_atomic
from core.inference.device import Precision
from core.inference.predictor import InferenceOptions
from core.networks.registry import build, resolve
from core.progress import SILENT, Monitor, Progress
from core.training.augmentation import Crop, random_crop
from core.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    optimiser_tensors,
    prefixed,
    restore_optimiser,
    save_checkpoint,
)
from core.training.config import TrainingConfig, load_config, to_toml
from core.training.data import TrainingData, load_training_data
from core.training.events import EventLog
from core.training.losses import make_loss
from core.training.validation import SourceScores, Validation, validate
from core.types import LEVELS
from core.weights import LoadedModel, ModelCard, save_model

CONFIG_FILE = "config.toml"
EVENTS_FILE = "events.jsonl"
CHECKPOINT_FILE = "checkpoint.safetensors"


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """Where the weights file is, and the figures on the held-out photographs that chose it."""

    weights: Path
    best_step: int
    best: Validation


def train(
    config: TrainingConfig,
    root: Path,
    out: Path,
    *,
    resume: bool = False,
    device: str = "auto",
    monitor: Monitor = SILENT,
) -> TrainingResult:
    """Train a network and write its weights file.

    Parameters
    ----------
    config : what to do. When resuming, the run's own configuration is used and this one is not looked at.
    root : folder of the data set, or the one that holds it.
    out : folder of the run: ``config.toml``, ``events.jsonl``, ``checkpoint.safetensors``, and at the end
        ``<architecture>-<dataset>.safetensors`` with the best weights.
    resume : go on from the checkpoint in ``out``; without one, start from the beginning.
    device : "auto", "cpu", "cuda", "mps".

    Raises
    ------
    TrainingError, InputError, LabelError, OutputError : with a sentence.
    Cancelled : by the monitor; the run can be resumed.
    """
    out = Path(out)
    config = _open_run(config, out, resume)
    with _denormals_as_zero():
        fabric = _fabric(config, device)
        run = _Run(config, load_training_data(config, root, monitor), fabric, out)
        if resume and (out / CHECKPOINT_FILE).is_file():
            run.restore(load_checkpoint(out / CHECKPOINT_FILE))
        else:
            run.log.cut_after(-1)
        return run.go(monitor)


@contextmanager
def _denormals_as_zero() -> Iterator[None]:
    """Late in a training activations become denormal, which is slow; afterwards the caller has its IEEE arithmetic."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def _open_run(config: TrainingConfig, out: Path, resume: bool) -> TrainingConfig:
    """Make the folder of the run, or take up the one that is there."""
    recorded = out / CONFIG_FILE
    if recorded.is_file():
        if not resume:
            raise TrainingError(f"{out} already holds a training run; resume it (--resume) or choose another folder")
        return load_config(recorded)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"cannot make the folder {out} for the training run: {error.strerror}") from None
    write_bytes_atomic(recorded, to_toml(config).encode())
    return config


def _fabric(config: TrainingConfig, device: str) -> Any:
    if config.run.threads:
        torch.set_num_threads(config.run.threads)
    accelerator = {"mps": "mps", "cuda": "cuda", "cpu": "cpu"}.get(device, "auto")
    bf16 = config.optimisation.precision == "bf16" or (config.optimisation.precision == "auto" and _fast_bf16(device))
    try:
        return Fabric(accelerator=accelerator, devices=1, precision="bf16-mixed" if bf16 else "32-true")
    except (RuntimeError, ValueError) as error:
        raise TrainingError(f"cannot train on device '{device}': {error}") from None


def _fast_bf16(device: str) -> bool:
    if device in {"auto", "cuda"} and torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device in {"auto", "cpu"} and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


class _Run:
    """One training run: its network, its optimiser, its place in the schedule."""

    def __init__(self, config: TrainingConfig, data: TrainingData, fabric: Any, out: Path) -> None:
        self.config, self.data, self.fabric, self.out = config, data, fabric, out
        self.log = EventLog(out / EVENTS_FILE)
        optimisation = config.optimisation
        self.network_config = resolve(
            config.network.architecture, {"in_channels": config.preprocessing.planes, **config.network.config}
        )
        with torch.random.fork_rng():  # the caller's random state is not ours to change
            torch.manual_seed(config.run.seed)
            network = build(config.network.architecture, self.network_config)
        if optimisation.crop_px % int(network.stride):  # type: ignore[arg-type]
            raise TrainingError(f"crop_px must be a multiple of {network.stride} for this network")
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network: nn.Module = network.to(fabric.device)
        optimiser = torch.optim.AdamW(_decay_groups(network, optimisation.weight_decay), lr=optimisation.peak_rate)
        self.wrapped, self.optimiser = fabric.setup(network, optimiser)
        self.mean = AveragedModel(
            self.network,
            multi_avg_fn=get_ema_multi_avg_fn(optimisation.ema_decay),  # type: ignore[no-untyped-call]
            use_buffers=True,
        )
        self.precision: Precision = "bf16" if fabric._precision.precision == "bf16-mixed" else "fp32"
        self.loss = make_loss(optimisation)
        self.step = 0
        self.best: Validation | None = None
        self.best_step = 0
        self.best_weights: dict[str, Tensor] = {}

    def go(self, monitor: Monitor) -> TrainingResult:
        """Train to the last step, validating and saving on the way, and write the weights file."""
        config = self.config
        self.log.write(
            "started" if self.step == 0 else "resumed",
            step=self.step,
            device=str(self.fabric.device),
            training=[sample.name for source in self.data.sources for sample in source.training],
            validation=[held.name for source in self.data.sources for held in source.validation],
            sources={
                source.name: {
                    "training": [sample.name for sample in source.training],
                    "validation": [held.name for held in source.validation],
                }
                for source in self.data.sources
            },
            parameters=sum(parameter.numel() for parameter in self.network.parameters()),
        )
        losses: list[float] = []
        since = time.monotonic()
        self.network.train()
        for batch in self._batches():
            losses.append(self._learn(batch))
            self.step += 1
            if self.step % config.run.validate_every == 0 or self.step == config.optimisation.steps:
                seconds = (time.monotonic() - since) / len(losses)
                self._validate_and_save(float(np.mean(losses)), seconds, monitor)
                losses, since = [], time.monotonic()
            monitor.step(Progress(self._stage(), self.step, config.optimisation.steps))
        return self._finish()

    def _stage(self) -> str:
        best = f", best validation AUC {self.best.auc_roc:.4f}" if self.best else ""
        return f"Training{best}"

    def _batches(self) -> Iterator[list[Crop]]:
        """The batches from the present step on; the next one is cut while the network works on this one."""
        optimisation, seed = self.config.optimisation, self.config.run.seed
        sources = [source.training for source in self.data.sources]
        changes, soft = self.config.augmentation, self.config.data.targets == "soft"

        def cut(step: int) -> list[Crop]:
            return [
                random_crop(sources, optimisation.crop_px, changes, (seed, step, slot), soft=soft)
                for slot in range(optimisation.batch)
            ]

        with ThreadPoolExecutor(1, thread_name_prefix="crops") as pool:
            coming = pool.submit(cut, self.step)
            for step in range(self.step, optimisation.steps):
                batch = coming.result()
                if step + 1 < optimisation.steps:
                    coming = pool.submit(cut, step + 1)
                yield batch

    def _learn(self, batch: list[Crop]) -> float:
        """One optimiser step; the loss of the batch before it."""
        optimisation = self.config.optimisation
        planes, label, inside = (
            torch.from_numpy(np.stack(arrays)).to(self.fabric.device)
            for arrays in zip(*((crop.planes, crop.label, crop.inside) for crop in batch), strict=True)
        )
        rate = one_cycle(self.step, optimisation.steps, optimisation.peak_rate, optimisation.warmup_share)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        logits = self.wrapped(planes.contiguous(memory_format=torch.channels_last)).float()
        loss = self.loss(logits, label, inside)
        self.fabric.backward(loss)
        self.fabric.clip_gradients(self.wrapped, self.optimiser, max_norm=optimisation.gradient_norm)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.mean.update_parameters(self.network)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                f"the loss is no longer a number at step {self.step}; lower the peak learning rate and start again"
            )
        return value

    def _validate_and_save(self, training_loss: float, seconds_per_step: float, monitor: Monitor) -> None:
        averaged = self.mean.module
        model = LoadedModel(self._card(), averaged, self.out, "")
        options = InferenceOptions(device=_device_name(self.fabric.device), precision=self.precision)
        result = validate(model, self.data, self.loss, options, monitor)
        rate = self.optimiser.param_groups[0]["lr"]
        self.log.write(
            "validated",
            step=self.step,
            training_loss=training_loss,
            learning_rate=rate,
            seconds_per_step=round(seconds_per_step, 4),
            validation=asdict(result),
        )
        if self.best is None or result.auc_roc > self.best.auc_roc:
            self.best, self.best_step = result, self.step
            self.best_weights = prefixed("best", averaged.state_dict())
        facts = {"step": self.step, "best": asdict(self.best), "best_step": self.best_step}
        tensors = {
            **prefixed("network", self.network.state_dict()),
            **prefixed("mean", self.mean.state_dict()),
            **prefixed("optimiser", optimiser_tensors(self.optimiser)),
            **self.best_weights,
        }
        save_checkpoint(self.out / CHECKPOINT_FILE, Checkpoint(tensors, facts))

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to where a checkpoint was made."""
        try:
            self.network.load_state_dict(checkpoint.part("network"))
            self.mean.load_state_dict(checkpoint.part("mean"))
            restore_optimiser(self.optimiser, checkpoint.part("optimiser"))
            self.best_weights = prefixed("best", checkpoint.part("best"))
            self.step, self.best_step = int(checkpoint.facts["step"]), int(checkpoint.facts["best_step"])
            self.best = Validation.from_dict(checkpoint.facts["best"])
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            raise TrainingError(f"the checkpoint in {self.out} does not fit its configuration: {error}") from None
        self.log.cut_after(self.step)

    def _finish(self) -> TrainingResult:
        if self.best is None:
            raise TrainingError(f"the run in {self.out} has no validated weights; delete the folder and start again")
        network = build(self.config.network.architecture, self.network_config)
        network.load_state_dict({name.removeprefix("best."): tensor for name, tensor in self.best_weights.items()})
        card = self._card(self.best)
        path = save_model(self.out / f"{card.name}.safetensors", network, card)
        self.log.write("finished", step=self.step, weights=path.name, best_step=self.best_step, best=asdict(self.best))
        return TrainingResult(path, self.best_step, self.best)

    def _card(self, chosen: Validation | None = None) -> ModelCard:
        """What the weights file says about itself; before anything is chosen, only how to run the network."""
        config = self.config
        card = ModelCard(
            name=config.model_name,
            architecture=config.network.architecture,
            config=self.network_config,
            preprocessing=config.preprocessing,
            trained_on=self.data.protocol,
            training=config.model_dump(mode="json", exclude={"preprocessing", "network"})
            | {"best_step": self.best_step},
            seeds=(config.run.seed,),
            licence="MIT (weights); the training photographs have terms of their own",
        )
        if chosen is None:
            return card
        return replace(card, default_threshold=chosen.level / LEVELS, scores=_scores(chosen))


_CHOSEN_ON = (
    "held-out training photographs, inside the field of view, all pixels pooled; "
    "threshold chosen on the same photographs by F1, so F1 here is optimistic"
)


def _scores(chosen: Validation) -> tuple[dict[str, object], ...]:
    """The figures by which a model was chosen: of each data set, and, where there are several, their mean."""

    def figures(dataset: str, of: Validation | SourceScores) -> dict[str, object]:
        return {"protocol": _CHOSEN_ON, "data": dataset, "auc_roc": of.auc_roc, "auc_pr": of.auc_pr, "f1": of.f1}

    each = [figures(name, scores) for name, scores in chosen.sources.items()]
    return tuple(each) if len(each) == 1 else (figures("mean over the data sets", chosen), *each)


def _device_name(device: torch.device) -> str:
    return str(device) if device.type == "cuda" else device.type


def one_cycle(step: int, steps: int, peak: float, warmup_share: float) -> float:
    """Learning rate of a step: a cosine rise from peak / 25, then a cosine fall to peak / 10,000 (arXiv 1803.09820)."""
    warmup = max(1.0, warmup_share * steps)
    if step < warmup:
        start, end, share = peak / 25.0, peak, step / warmup
    else:
        start, end, share = peak, peak / 1e4, (step - warmup) / max(1.0, steps - warmup)
    return end + (start - end) * (1.0 + math.cos(math.pi * share)) / 2.0


def _decay_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Kernels and matrices decay; biases and normalisations do not."""
    matrices = [parameter for parameter in network.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in network.parameters() if parameter.ndim <= 1]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
