"""One optimiser step: forward, loss, backward, clipping, AdamW, and the running mean of the weights.

On a CUDA device, where launching its thousands of small kernels takes several times as long as their arithmetic, the
step is recorded once as a CUDA graph and replayed from then on: the same kernels in the same order, in one launch.
Nothing in it waits for the device; the losses stay there until somebody wants to see them.
"""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from core.training.augmentation import Crop
from core.training.config import OptimisationSection
from core.training.losses import Loss
from core.training.processes import precision_of, whole_batch
from core.training.schedule import decay_groups

_LOG = logging.getLogger(__name__)

# Real steps before the recording: cuDNN chooses its algorithms in them, and the optimiser makes its moments.
_STEPS_BEFORE_RECORDING = 3


class Batch(NamedTuple):
    """``planes`` float32 (N, C, s, s), channels-last; ``label`` and ``inside`` float32 (N, 1, s, s)."""

    planes: Tensor
    label: Tensor
    inside: Tensor

    @classmethod
    def of(cls, crops: list[Crop], *, pinned: bool) -> "Batch":
        """The crops of a step, in memory from which a GPU copies by itself where ``pinned``."""
        shape = (len(crops), *crops[0].planes.shape)
        planes = torch.empty(shape, memory_format=torch.channels_last, pin_memory=pinned)
        label, inside = (torch.empty((shape[0], 1, *shape[2:]), pin_memory=pinned) for _ in range(2))
        for number, crop in enumerate(crops):
            planes[number].copy_(torch.from_numpy(crop.planes))
            label[number].copy_(torch.from_numpy(crop.label))
            inside[number].copy_(torch.from_numpy(crop.inside))
        return cls(planes, label, inside)

    def on(self, device: torch.device) -> "Batch":
        """The same on a device; from pinned memory without waiting for the copy."""
        return Batch(*(tensor.to(device, non_blocking=True) for tensor in self))


def make_optimiser(network: nn.Module, part: OptimisationSection, device: torch.device) -> torch.optim.AdamW:
    """AdamW; on a CUDA device in one kernel, with a learning rate that lies on the device."""
    groups = decay_groups(network, part.weight_decay)
    if device.type != "cuda":
        return torch.optim.AdamW(groups, lr=part.peak_rate)
    for group in groups:
        group["lr"] = torch.tensor(part.peak_rate, device=device)
    return torch.optim.AdamW(groups, lr=torch.tensor(part.peak_rate, device=device), fused=True, capturable=True)


class Stepper:
    """Takes the steps of a run: ``network`` learns, ``mean`` follows it.

    Parameters
    ----------
    wrapped, optimiser : as ``fabric.setup`` gave them, the optimiser from ``make_optimiser``.

    ``may_record`` can be set to False before the first step.
    """

    def __init__(
        self,
        *,
        fabric: Any,
        wrapped: Any,
        optimiser: Any,
        network: nn.Module,
        mean: AveragedModel,
        loss: Loss,
        part: OptimisationSection,
    ) -> None:
        self._fabric, self._wrapped, self._optimiser = fabric, wrapped, optimiser
        self._mean, self._loss, self._part = mean, loss, part
        pairs = list(zip(_state(mean.module), _state(network), strict=True))
        self._floats = [pair for pair in pairs if pair[0].is_floating_point()]
        self._counters = [pair for pair in pairs if not pair[0].is_floating_point()]
        # Several processes wait for each other within a step, and fp16's scaler looks at the gradients.
        self.may_record = (
            fabric.device.type == "cuda" and fabric.world_size == 1 and precision_of(fabric) in {"fp32", "bf16"}
        )
        self._taken = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: Batch | None = None
        self._result: Tensor | None = None

    @property
    def recorded(self) -> bool:
        """Whether the steps are replayed from a recording."""
        return self._graph is not None

    def learn(self, batch: Batch, rate: float) -> Tensor:
        """One step at a learning rate; the loss of the batch before it, a scalar on the device."""
        self._set_rate(rate)
        if self.may_record and self._graph is None and self._taken >= _STEPS_BEFORE_RECORDING:
            self._record(batch)
        if self._graph is None:
            with self._beside() if self.may_record else contextlib.nullcontext():
                loss = self._step(batch.on(self._fabric.device), first=int(self._mean.n_averaged) == 0)
        else:
            assert self._inputs is not None
            assert self._result is not None
            for mine, theirs in zip(self._inputs, batch, strict=True):
                mine.copy_(theirs, non_blocking=True)
            self._graph.replay()
            loss = self._result.clone()
        self._mean.n_averaged += 1
        self._taken += 1
        return loss

    def _step(self, batch: Batch, *, first: bool) -> Tensor:
        self._optimiser.zero_grad(set_to_none=True)
        logits = self._wrapped(batch.planes).float()
        loss = self._loss(*(whole_batch(self._fabric, each) for each in (logits, batch.label, batch.inside)))
        self._fabric.backward(loss * self._fabric.world_size)
        if self._part.gradient_norm:
            # Without a look at whether the norm is finite: it would wait for the device. The loss tells it soon enough.
            self._fabric.clip_gradients(
                self._wrapped, self._optimiser, max_norm=self._part.gradient_norm, error_if_nonfinite=False
            )
        self._optimiser.step()
        self._follow(first)
        return loss.detach()

    @torch.no_grad()
    def _follow(self, first: bool) -> None:
        """Move the running mean towards the weights; at the first step of all it becomes them."""
        means, now = ([pair[which] for pair in self._floats] for which in (0, 1))
        torch._foreach_lerp_(means, now, 1.0 if first else 1.0 - self._part.ema_decay)
        for mean, value in self._counters:
            mean.copy_(value)

    def _set_rate(self, rate: float) -> None:
        for group in self._optimiser.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def _record(self, batch: Batch) -> None:
        """Record a step without taking it. Where that cannot be done the steps are taken as before."""
        self._inputs = Batch(*(tensor.clone() for tensor in batch.on(self._fabric.device)))
        graph = torch.cuda.CUDAGraph()
        self._optimiser.zero_grad(set_to_none=True)
        try:
            # Threads that cut crops allocate pinned memory meanwhile, which does not disturb this thread's recording.
            with _chosen_algorithms(), torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self._result = self._step(self._inputs, first=False)
        except RuntimeError as error:
            _LOG.warning("the training step cannot be recorded for this device, so that it is slower: %s", error)
            torch.cuda.synchronize(self._fabric.device)
            self.may_record = False
            return
        self._graph = graph

    @contextlib.contextmanager
    def _beside(self) -> Iterator[None]:
        """On a stream of its own, as the steps before a recording have to be."""
        here = torch.cuda.current_stream(self._fabric.device)
        beside = torch.cuda.Stream(self._fabric.device)  # type: ignore[no-untyped-call]
        beside.wait_stream(here)
        with _chosen_algorithms(), torch.cuda.stream(beside):
            yield
        here.wait_stream(beside)


@contextlib.contextmanager
def _chosen_algorithms() -> Iterator[None]:
    """cuDNN tries its algorithms and keeps the fastest, which pays where thousands of steps are of one size."""
    before, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def _state(network: nn.Module) -> list[Tensor]:
    return [tensor.detach() for tensor in (*network.parameters(), *network.buffers())]
