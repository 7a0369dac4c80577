"""One training run: its network, its optimiser, its place in the schedule, and what it leaves in its folder."""

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from core.errors import TrainingError
from core.inference.device import Precision
from core.inference.predictor import InferenceOptions
from core.networks.registry import build, resolve
from core.progress import SILENT, Cancelled, Monitor, Progress
from core.training.augmentation import Crop, random_crop
from core.training.checkpoint import Checkpoint, optimiser_tensors, prefixed, restore_optimiser, save_checkpoint
from core.training.config import TrainingConfig
from core.training.control import EnoughLearned
from core.training.data import HeldOut, TrainingData
from core.training.events import EventLog
from core.training.losses import make_loss
from core.training.pictures import Pictures
from core.training.validation import SourceScores, Validation, validate
from core.types import LEVELS, FloatArray
from core.weights import LoadedModel, ModelCard, load_model, save_model

CONFIG_FILE = "config.toml"
EVENTS_FILE = "events.jsonl"
CHECKPOINT_FILE = "checkpoint.safetensors"


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """Where the weights file is, and the figures on the held-out photographs that chose it."""

    weights: Path
    best_step: int
    best: Validation


class Run:
    """One training run: its network, its optimiser, its place in the schedule."""

    def __init__(
        self, config: TrainingConfig, data: TrainingData, fabric: Any, out: Path, checkpoint: Checkpoint | None = None
    ) -> None:
        self.config, self.data, self.fabric, self.out = config, data, fabric, out
        self.log = EventLog(out / EVENTS_FILE)
        optimisation = config.optimisation
        self.network_config = resolve(
            config.network.architecture, {"in_channels": config.preprocessing.planes, **config.network.config}
        )
        with torch.random.fork_rng():  # the caller's random state is not ours to change
            torch.manual_seed(config.run.seed)
            network = build(config.network.architecture, self.network_config)
        if config.network.start_from and checkpoint is None:
            network.load_state_dict(_weights_to_start_from(config))
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
        self.pictures = Pictures(out)
        self.step = 0
        self.validated_step = -1
        self.losses: list[float] = []  # since the last validation
        self.best: Validation | None = None
        self.best_step = 0
        self.best_weights: dict[str, Tensor] = {}
        if checkpoint is not None:
            self._restore(checkpoint)
        self.log.cut_after(self.step if checkpoint is not None else -1)

    def go(self, monitor: Monitor) -> TrainingResult:
        """Train to the last step, validating and saving on the way, and write the weights file.

        Where the monitor raises ``Cancelled``, this step is finished and kept, so that a resumed run goes on from it.
        Where it raises ``EnoughLearned``, the best weights so far are the result.
        """
        self._tell_start()
        try:
            self._learn_all(monitor)
        except Cancelled:
            self._save()
            raise
        except EnoughLearned:
            self._save()
            if self.best is None:
                self._validate(SILENT)
        return self._finish()

    def _learn_all(self, monitor: Monitor) -> None:
        config = self.config
        self.network.train()
        if self._validation_due():  # a pause came before it, or the model that is started from is to be known
            self._validate(monitor)
        since, begun, seconds = time.monotonic(), self.step, 0.0
        for batch in self._batches():
            self.losses.append(self._learn(batch))
            self.step += 1
            if self.step % config.run.log_every == 0:
                seconds = (time.monotonic() - since) / (self.step - begun)
                since, begun = time.monotonic(), self.step
                self._tell_learned(seconds)
            if self._validation_due():
                began = time.monotonic()
                self._validate(monitor, seconds)
                since += time.monotonic() - began
            monitor.step(Progress(self._stage(), self.step, config.optimisation.steps))

    def _validation_due(self) -> bool:
        """Whether this step is one to validate at, and that has not been done yet."""
        first = self.step == 0 and bool(self.config.network.start_from)
        regular = self.step > 0 and self.step % self.config.run.validate_every == 0
        last = self.step == self.config.optimisation.steps
        return self.validated_step != self.step and (first or regular or last)

    def _tell_start(self) -> None:
        config = self.config
        self.log.write(
            "started" if self.step == 0 else "resumed",
            step=self.step,
            steps=config.optimisation.steps,
            batch=config.optimisation.batch,
            validate_every=config.run.validate_every,
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
        watched = self.data.sources[0].validation[0]
        photo, label = self.pictures.begin(watched.picture, watched.label)
        self.log.write("pictured", step=self.step, name=watched.name, photo=photo, label=label)

    def _tell_learned(self, seconds_per_step: float) -> None:
        self.log.write(
            "learned",
            step=self.step,
            training_loss=float(np.mean(self.losses[-self.config.run.log_every :])),
            learning_rate=self.optimiser.param_groups[0]["lr"],
            seconds_per_step=round(seconds_per_step, 4),
            images_per_second=round(self.config.optimisation.batch / max(seconds_per_step, 1e-6), 2),
        )

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

    def _validate(self, monitor: Monitor, seconds_per_step: float = 0.0) -> None:
        """Measure the running mean of the weights on the held-out photographs, and keep everything."""
        averaged, began = self.mean.module, time.monotonic()
        model = LoadedModel(self._card(), averaged, self.out, "")
        options = InferenceOptions(device=_device_name(self.fabric.device), precision=self.precision)
        watched = self.data.sources[0].validation[0]
        picture = ""

        def show(held: HeldOut, values: FloatArray) -> None:
            nonlocal picture
            if held is watched:
                picture = self.pictures.add(self.step, values)

        result = validate(model, self.data, self.loss, options, monitor, show=show)
        self.log.write(
            "validated",
            step=self.step,
            training_loss=float(np.mean(self.losses)) if self.losses else None,
            learning_rate=self.optimiser.param_groups[0]["lr"],
            seconds_per_step=round(seconds_per_step, 4),
            seconds=round(time.monotonic() - began, 3),
            picture=picture,
            validation=asdict(result),
        )
        self.validated_step, self.losses = self.step, []
        if self.best is None or result.auc_roc > self.best.auc_roc:
            self.best, self.best_step = result, self.step
            self.best_weights = prefixed("best", averaged.state_dict())
            self._write_best()
        self._save()

    def _save(self) -> None:
        """Keep all that is needed to go on from this very step."""
        facts = {
            "step": self.step,
            "validated_step": self.validated_step,
            "losses": self.losses,
            "best": asdict(self.best) if self.best else None,
            "best_step": self.best_step,
        }
        tensors = {
            **prefixed("network", self.network.state_dict()),
            **prefixed("mean", self.mean.state_dict()),
            **prefixed("optimiser", optimiser_tensors(self.optimiser)),
            **self.best_weights,
        }
        save_checkpoint(self.out / CHECKPOINT_FILE, Checkpoint(tensors, facts))

    def _restore(self, checkpoint: Checkpoint) -> None:
        try:
            self.network.load_state_dict(checkpoint.part("network"))
            self.mean.load_state_dict(checkpoint.part("mean"))
            restore_optimiser(self.optimiser, checkpoint.part("optimiser"))
            self.best_weights = prefixed("best", checkpoint.part("best"))
            facts = checkpoint.facts
            self.step, self.best_step = int(facts["step"]), int(facts["best_step"])
            self.validated_step = int(facts.get("validated_step", self.step))
            self.losses = [float(loss) for loss in facts.get("losses", [])]
            self.best = Validation.from_dict(facts["best"]) if facts["best"] else None
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            raise TrainingError(f"the checkpoint in {self.out} does not fit its configuration: {error}") from None

    def _finish(self) -> TrainingResult:
        path = self._write_best()
        assert self.best is not None
        self.log.write("finished", step=self.step, weights=path.name, best_step=self.best_step, best=asdict(self.best))
        return TrainingResult(path, self.best_step, self.best)

    def _write_best(self) -> Path:
        """Write the weights file of the best weights so far."""
        if self.best is None:
            raise TrainingError(f"the run in {self.out} has no validated weights; delete the folder and start again")
        network = build(self.config.network.architecture, self.network_config)
        network.load_state_dict({name.removeprefix("best."): tensor for name, tensor in self.best_weights.items()})
        card = self._card(self.best)
        return save_model(self.out / f"{card.name}.safetensors", network, card)

    def _card(self, chosen: Validation | None = None) -> ModelCard:
        """What the weights file says about itself; before anything is chosen, only how to run the network."""
        config = self.config
        card = ModelCard(
            name=config.model_name,
            architecture=config.network.architecture,
            config=self.network_config,
            preprocessing=config.preprocessing,
            trained_on=self._history() + self.data.protocol,
            training=config.model_dump(mode="json", exclude={"preprocessing", "network"})
            | {"best_step": self.best_step},
            seeds=(config.run.seed,),
            licence="MIT (weights); the training photographs have terms of their own",
        )
        if chosen is None:
            return card
        return replace(card, default_threshold=chosen.level / LEVELS, scores=_scores(chosen))

    def _history(self) -> str:
        start = self.config.network
        return f"{Path(start.start_from).stem} ({start.start_sha256[:12]}), then " if start.start_from else ""


def _weights_to_start_from(config: TrainingConfig) -> dict[str, Tensor]:
    model = load_model(Path(config.network.start_from))
    if config.network.start_sha256 not in {"", model.sha256}:
        raise TrainingError(
            f"{config.network.start_from} is no longer the model that this run was begun with; put that one back, or "
            "begin a new run"
        )
    return dict(model.module.state_dict())


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
