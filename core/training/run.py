"""One training run: its network and its optimiser, and what it leaves in its folder.

Where it is is a ``RunState``; what it tells of itself is written by a ``RunRecorder``.
"""

import contextlib
import math
import time
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from core.errors import TrainingError
from core.inference.device import usable_threads
from core.inference.options import InferenceOptions
from core.models.model_card import ModelCard
from core.models.weights_file import LoadedModel, save_model
from core.networks.base import Network
from core.networks.families import resolve
from core.networks.registry import build
from core.progress import SILENT, Cancelled, Monitor, Progress
from core.training.augmentation import random_crop
from core.training.card import chosen_card, last_card, plain_card
from core.training.checkpoint import (
    Checkpoint,
    optimiser_tensors,
    prefixed,
    refuse_not_numbers,
    restore_optimiser,
    save_checkpoint,
)
from core.training.config import TrainingConfig
from core.training.control import StopTraining
from core.training.data import HeldOut, TrainingData
from core.training.fine_tuning import weights_to_start_from
from core.training.losses import make_loss
from core.training.processes import (
    ask_together,
    compiled,
    in_first,
    own_slots,
    precision_of,
    share_statistics,
)
from core.training.recorder import RunRecorder
from core.training.run_state import RunState
from core.training.schedule import learning_rate
from core.training.step import Batch, Stepper, make_optimiser
from core.training.validation import Validation, validate
from core.types import FloatArray

CONFIG_FILE = "config.toml"
CHECKPOINT_FILE = "checkpoint.safetensors"
_CROP_THREADS = 4
_MOST_UNREAD = 256


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """Where the weights file is, and the scores that chose it."""

    weights: Path
    best_step: int
    best: Validation


class Run:
    """One training run: its network, its optimiser, its state."""

    def __init__(
        self, config: TrainingConfig, data: TrainingData, fabric: Any, out: Path, checkpoint: Checkpoint | None = None
    ) -> None:
        self.config, self.data, self.fabric, self.out = config, data, fabric, out
        self.first: bool = fabric.global_rank == 0  # of several processes, the one that writes
        self.recorder = RunRecorder(config, data, out, writes=self.first)
        optimisation = config.optimisation
        self.network_config = resolve(
            config.network.architecture, {"in_channels": config.preprocessing.planes, **config.network.config}
        )
        with torch.random.fork_rng():  # the caller's random state is not ours to change
            torch.manual_seed(config.run.seed)
            network = build(config.network.architecture, self.network_config)
        if config.network.start_from and checkpoint is None:
            network.load_state_dict(weights_to_start_from(config))
        if optimisation.crop_px % network.stride:
            raise TrainingError(f"crop_px must be a multiple of {network.stride} for this network")
        self.slots = own_slots(optimisation.batch, fabric)
        if fabric.world_size > 1:
            share_statistics(network)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network: nn.Module = network.to(fabric.device)
        optimiser = make_optimiser(network, optimisation, fabric.device)
        self.wrapped, self.optimiser = fabric.setup(
            compiled(network, fabric) if config.run.compile else network, optimiser
        )
        self.mean = AveragedModel(
            self.network,
            multi_avg_fn=get_ema_multi_avg_fn(optimisation.ema_decay),  # type: ignore[no-untyped-call]
            use_buffers=True,
        )
        self.precision = precision_of(fabric)
        self.loss = make_loss(optimisation)
        self.card = plain_card(config, self.network_config, data)
        self.state = RunState()
        if checkpoint is not None:
            self._restore(checkpoint)
        self.stepper = Stepper(
            fabric=fabric,
            wrapped=self.wrapped,
            optimiser=self.optimiser,
            network=self.network,
            mean=self.mean,
            loss=self.loss,
            part=optimisation,
        )
        self._unread: list[Tensor] = []  # losses of the last steps, on the device
        self.recorder.begin_after(self.state, resumed=checkpoint is not None)

    def run(self, monitor: Monitor) -> TrainingResult:
        """Train to the last step, validating and saving on the way, and write the weights file.

        Where the monitor raises ``Cancelled``, this step is finished and kept, so that a resumed run continues from it.
        Where it raises ``StopTraining``, the best weights so far are the result.
        """
        parameters = sum(parameter.numel() for parameter in self.network.parameters())
        self.recorder.started(self.state, device=str(self.fabric.device), parameters=parameters)
        try:
            self._learn_all(monitor)
        except Cancelled:
            self._save()
            raise
        except StopTraining:
            self._save()
            if self.state.best is None:
                self._validate(SILENT)
        return self._finish()

    def benchmark(self, steps: int, patience_s: float, monitor: Monitor) -> tuple[float, float, int]:
        """Learn for a few steps and validate on one photograph, keeping nothing.

        Returns
        -------
        Seconds for a step, seconds to validate on a photograph, and the bytes of the files of a run. The first step,
        in which libraries prepare themselves, does not count.
        """
        self.network.train()
        batches, done, step_s = self.batches(), 0, 0.0
        with contextlib.closing(batches):
            float(self.learn(next(batches)))
            began = time.monotonic()
            for batch in batches:
                float(self.learn(batch))  # waits for the device
                done += 1
                step_s = (time.monotonic() - began) / done
                monitor.step(Progress("Training", done, steps))
                if done >= steps or time.monotonic() - began > patience_s:
                    break
        source = self.data.sources[0]
        few = TrainingData((replace(source, validation=source.validation[:1]),))
        began = time.monotonic()
        model = LoadedModel(self.card, self._averaged, self.out, "")
        options = InferenceOptions(device=_device_name(self.fabric.device), precision=self.precision)
        validate(model, few, self.loss, options, monitor)
        photo_s = time.monotonic() - began
        bytes_each = sum(tensor.numel() * tensor.element_size() for tensor in self.network.state_dict().values())
        # Network, mean, best weights, two moments, two weights files; twice while the old ones are still there.
        return step_s, photo_s, 2 * 7 * bytes_each

    def _learn_all(self, monitor: Monitor) -> None:
        config, state = self.config, self.state
        self.network.train()
        if state.validation_due(config):  # a pause came before it, or the model that is started from is to be known
            self._validate(monitor)
        since, begun, seconds = time.monotonic(), state.step, 0.0
        for batch in () if state.has_stalled(config) else self.batches():
            self._unread.append(self.learn(batch))
            state.step += 1
            if state.step % config.run.log_every == 0 or len(self._unread) >= _MOST_UNREAD:
                self._read_losses()
            if state.step % config.run.log_every == 0:
                seconds = (time.monotonic() - since) / (state.step - begun)
                since, begun = time.monotonic(), state.step
                self.recorder.learned(state, self._rate, seconds)
            if state.validation_due(config):
                began = time.monotonic()
                self._validate(monitor, seconds)
                since += time.monotonic() - began
                if state.has_stalled(config):
                    self.recorder.stopped_early(state)
                    break
            ask_together(self.fabric, monitor, Progress(self._stage(), state.step, config.optimisation.steps))

    def _stage(self) -> str:
        best = self.state.best
        if best is None:
            return "Training"
        name = {"auc_roc": "AUC", "auc_pr": "AUC (precision-recall)", "f1": "F1"}[self._chooses]
        return f"Training, best validation {name} {getattr(best, self._chooses):.4f}"

    @property
    def _chooses(self) -> str:
        return self.config.optimisation.choose_by

    @property
    def _rate(self) -> float:
        return float(self.optimiser.param_groups[0]["lr"])

    def batches(self) -> Generator[Batch, None, None]:
        """The batches from the present step on; the next ones are cut while the network works on this one."""
        optimisation, seed = self.config.optimisation, self.config.run.seed
        sources = [source.training for source in self.data.sources]
        if self.data.unlabelled:
            sources.append(list(self.data.unlabelled))
        changes, soft = self.config.augmentation, self.config.soft_targets
        on_gpu = self.fabric.device.type == "cuda"

        def cut(step: int) -> Batch:
            crops = [
                random_crop(sources, optimisation.crop_px, changes, (seed, step, slot), soft=soft)
                for slot in self.slots
            ]
            return Batch.of(crops, pinned=on_gpu)

        # A GPU takes fewer milliseconds for a step than a thread takes for its crops; a CPU works on the step itself.
        threads = usable_threads(_CROP_THREADS) if on_gpu else 1
        coming: deque[Future[Batch]] = deque()
        with ThreadPoolExecutor(threads, thread_name_prefix="crops") as pool:
            for step in range(self.state.step, optimisation.steps):
                while len(coming) < threads and step + len(coming) < optimisation.steps:
                    coming.append(pool.submit(cut, step + len(coming)))
                batch = coming.popleft().result()
                ahead = step + 1 + len(coming)
                if ahead < optimisation.steps:
                    coming.append(pool.submit(cut, ahead))
                yield batch

    def learn(self, batch: Batch) -> Tensor:
        """One optimiser step; the loss of the batch before it, on the device."""
        return self.stepper.learn(batch, learning_rate(self.config.optimisation, self.state.step))

    def _read_losses(self) -> None:
        """Fetch the losses of the last steps from the device. Raises TrainingError where one is not a number."""
        if not self._unread:
            return
        losses = torch.stack(self._unread).tolist()
        self._unread.clear()
        for step, loss in enumerate(losses, self.state.step - len(losses)):
            if not math.isfinite(loss):
                raise TrainingError(
                    f"the loss is no longer a number at step {step}; lower the peak learning rate and start again"
                )
        self.state.losses.extend(losses)

    @property
    def _averaged(self) -> Network:
        """The network with the running mean of the weights."""
        return cast(Network, self.mean.module)  # AveragedModel deep-copies what it is given

    def _validate(self, monitor: Monitor, seconds_per_step: float = 0.0) -> None:
        """Measure the running mean of the weights on the photographs to choose on, and keep everything."""
        self._read_losses()
        averaged, state, began = self._averaged, self.state, time.monotonic()
        model = LoadedModel(self.card, averaged, self.out, "")
        options = InferenceOptions(device=_device_name(self.fabric.device), precision=self.precision)
        picture = ""

        def show(held: HeldOut, values: FloatArray) -> None:
            nonlocal picture
            picture = self.recorder.picture_of(held, values, state.step) or picture

        result = in_first(self.fabric, lambda: validate(model, self.data, self.loss, options, monitor, show=show))
        self.recorder.validated(
            state.step,
            result,
            state.losses,
            rate=self._rate,
            seconds_per_step=seconds_per_step,
            seconds=time.monotonic() - began,
            picture=picture,
        )
        if state.take(result, averaged.state_dict(), self._chooses):
            self._write_best()
        self._save()

    def _save(self) -> None:
        """Keep all that is needed to resume from this very step."""
        self._read_losses()
        if not self.first:
            return
        facts = {**self.state.facts(), "scaler": self.fabric._precision.state_dict()}
        tensors = {
            **prefixed("network", self.network.state_dict()),
            **prefixed("mean", self.mean.state_dict()),
            **prefixed("optimiser", optimiser_tensors(self.optimiser)),
            **self.state.best_weights,
        }
        save_checkpoint(self.out / CHECKPOINT_FILE, Checkpoint(tensors, facts))

    def _restore(self, checkpoint: Checkpoint) -> None:
        try:
            self.network.load_state_dict(checkpoint.part("network"))
            self.mean.load_state_dict(checkpoint.part("mean"))
            restore_optimiser(self.optimiser, checkpoint.part("optimiser"))
            facts, best = checkpoint.facts, checkpoint.part("best")
            self.state = RunState.from_facts(facts, best, self.config.optimisation.steps)
            known = self.network.state_dict() if self.state.best else {}
            whole = {name: (tensor.shape, tensor.dtype) for name, tensor in known.items()}
            if {name: (tensor.shape, tensor.dtype) for name, tensor in best.items()} != whole:
                raise ValueError("its best weights are those of another network")
            refuse_not_numbers(checkpoint)
            self.fabric._precision.load_state_dict(facts.get("scaler", {}))
        except (RuntimeError, KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise TrainingError(f"the checkpoint in {self.out} does not fit its configuration: {error}") from None

    def _finish(self) -> TrainingResult:
        path, last, state = self._write_best(), "", self.state
        assert state.best is not None
        if state.last is not None:
            last = self._write(last_card(self.card, state.step, state.last), self.mean.module.state_dict()).name
        self.recorder.finished(state, state.best, weights=path.name, last=last)
        return TrainingResult(path, state.best_step, state.best)

    def _write_best(self) -> Path:
        """Write the weights file of the best weights so far."""
        state = self.state
        if state.best is None:
            raise TrainingError(f"the run in {self.out} has no validated weights; delete the folder and start again")
        tensors = {name.removeprefix("best."): tensor for name, tensor in state.best_weights.items()}
        return self._write(chosen_card(self.card, state.best_step, state.best), tensors)

    def _write(self, card: ModelCard, tensors: dict[str, Tensor]) -> Path:
        path = self.out / f"{card.name}.safetensors"
        if self.first:
            network = build(self.config.network.architecture, self.network_config)
            network.load_state_dict(tensors)
            save_model(path, network, card)
        return path


def _device_name(device: torch.device) -> str:
    return str(device) if device.type == "cuda" else device.type
