"""Training in several processes, on one machine or many: what they share so that the result is that of one process.

``torchrun`` starts the processes. Each cuts its own part of every batch. So that the gradients are those of the whole
batch, and not a mean of what each process would have learned alone,

- batch normalisation takes its statistics over all processes (``SharedBatchNorm``), and
- the loss is that of the whole batch (``whole_batch``): Dice and clDice of parts are not the parts of Dice and clDice.

The first process writes the files; what goes wrong in it goes wrong in all.
"""

import os
import shutil
from collections.abc import Callable
from typing import Any, Literal, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from core.errors import SerrError, TrainingError
from core.inference.options import Precision
from core.progress import Cancelled, Monitor, Progress
from core.training.control import StopTraining

_Result = TypeVar("_Result")

_FABRIC_PRECISION: dict[Precision, Literal["32-true", "bf16-mixed", "16-mixed"]] = {
    "fp32": "32-true",
    "bf16": "bf16-mixed",
    "fp16": "16-mixed",
}


def is_first() -> bool:
    """Whether this process is the one that writes and speaks; also where it is the only one."""
    return int(os.environ.get("RANK", "0")) == 0 if dist.is_torchelastic_launched() else True


def make_fabric(device: str, precision: Precision) -> Any:
    """Lightning Fabric for this process: alone, or one of those that ``torchrun`` has started.

    Parameters
    ----------
    device : "auto", "cpu", "cuda", "cuda:1" or "mps"; a number is for a process that is alone.

    Raises
    ------
    RuntimeError, ValueError : as Fabric does, where the accelerator is not there.
    """
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments import LightningEnvironment, TorchElasticEnvironment
    from lightning_fabric.plugins.precision import MixedPrecision
    from lightning_fabric.strategies import DDPStrategy

    kind, _, number = device.partition(":")
    alone = not dist.is_torchelastic_launched()
    # Said, because Fabric would look for a cluster: it warns wherever Slurm is installed and did not start the process.
    plugins: list[Any] = [LightningEnvironment() if alone else TorchElasticEnvironment()]
    how: dict[str, Any] = {"accelerator": kind if kind in {"mps", "cuda", "cpu"} else "auto", "plugins": plugins}
    if precision == "fp16":  # Fabric takes it by name for CUDA alone
        on_cuda = kind in {"auto", "cuda"} and torch.cuda.is_available()
        plugins.append(MixedPrecision("16-mixed", "cuda" if on_cuda else "cpu"))
    else:
        how["precision"] = _FABRIC_PRECISION[precision]
    if alone:
        return Fabric(devices=[int(number)] if number else 1, **how)
    local, world = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
    # Running statistics are equal in all processes already (SharedBatchNorm), so they need not be sent around.
    strategy = DDPStrategy(broadcast_buffers=False)
    fabric = Fabric(devices=local, num_nodes=world // local, strategy=strategy, **how)
    fabric.launch()
    return fabric


def precision_of(fabric: Any) -> Precision:
    """The number format that a Fabric computes in."""
    wanted = fabric._precision.precision
    return next(name for name, theirs in _FABRIC_PRECISION.items() if theirs == wanted)


def ask_together(fabric: Any, monitor: Monitor, progress: Progress) -> None:
    """Report to the monitor; where it ends the work of one process, it ends that of all at the same step.

    Raises
    ------
    Cancelled, StopTraining : as the monitor does.
    """
    if fabric.world_size == 1:
        monitor.step(progress)
        return
    command = 0
    try:
        monitor.step(progress)
    except Cancelled:
        command = 2
    except StopTraining:
        command = 1
    together = torch.tensor([command], device=fabric.device)
    dist.all_reduce(together, dist.ReduceOp.MAX)
    if int(together):
        raise Cancelled if int(together) == 2 else StopTraining


def in_first(fabric: Any, work: Callable[[], _Result]) -> _Result:
    """Do something in the first process, and give its result, or its error, to all. The result must be picklable.

    Raises
    ------
    SerrError, Cancelled, StopTraining : what the work raised, in every process.
    """
    if fabric.world_size == 1:
        return work()
    outcome: object = None
    if fabric.global_rank == 0:
        try:
            outcome = work()
        except (SerrError, Cancelled, StopTraining) as error:
            outcome = error
    outcome = fabric.broadcast(outcome, src=0)
    if isinstance(outcome, Exception):
        raise outcome
    return cast(_Result, outcome)


def own_slots(batch: int, fabric: Any) -> range:
    """The crops of a batch that this process cuts. Raises TrainingError where they cannot be divided evenly."""
    if batch % fabric.world_size:
        raise TrainingError(
            f"a batch of {batch} crops cannot be divided among {fabric.world_size} processes; "
            "make it a multiple of their number"
        )
    share = batch // fabric.world_size
    return range(fabric.global_rank * share, (fabric.global_rank + 1) * share)


def whole_batch(fabric: Any, tensor: Tensor) -> Tensor:
    """The tensors of all processes, one behind the other; gradients flow into this process's own part only.

    DDP averages the gradients of the processes, so a loss of the whole batch must be multiplied by their number.
    """
    if fabric.world_size == 1:
        return tensor
    parts = [torch.empty_like(tensor, memory_format=torch.contiguous_format) for _ in range(fabric.world_size)]
    dist.all_gather(parts, tensor.detach().contiguous())
    parts[fabric.global_rank] = tensor
    return torch.cat(parts)


def share_statistics(module: nn.Module) -> None:
    """Put a ``SharedBatchNorm`` in the place of every batch normalisation, with its weights and names."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            shared = SharedBatchNorm(child.num_features, child.eps, child.momentum)
            shared.load_state_dict(child.state_dict())
            setattr(module, name, shared)
        else:
            share_statistics(child)


class SharedBatchNorm(nn.BatchNorm2d):
    """Batch normalisation with the statistics of all processes, on every device (torch's own needs a GPU)."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        with torch.autocast(x.device.type, enabled=False):
            values = x.float()
            shift = self.running_mean[:, None, None]  # near the mean, so that the squares keep their digits
            centred = values - shift
            sums = torch.stack([centred.sum((0, 2, 3)), centred.square().sum((0, 2, 3))])
            count = x.numel() // x.shape[1] * dist.get_world_size()
            first, second = cast(Tensor, _SumOfAll.apply(sums)) / count  # type: ignore[no-untyped-call]
            variance = (second - first.square()).clamp_min(0.0)
            with torch.no_grad():
                self.num_batches_tracked += 1
                unbiased = variance * (count / max(count - 1, 1))
                self.running_mean.lerp_(self.running_mean + first, self.momentum)
                self.running_var.lerp_(unbiased, self.momentum)
            scale = self.weight * torch.rsqrt(variance + self.eps)
            out = (centred - first[:, None, None]) * scale[:, None, None] + self.bias[:, None, None]
        shared: Tensor = out.to(x.dtype)
        return shared


class _SumOfAll(torch.autograd.Function):
    """The sum over all processes; so is its gradient."""

    @staticmethod
    def forward(_: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total


def compiled(network: nn.Module, fabric: Any) -> nn.Module:
    """The network, to be compiled at its first step. Asked for without the means, it says so and not torch."""
    wanted = [os.environ["CXX"]] if os.environ.get("CXX") else ["c++", "g++", "clang++", "cl"]
    if fabric.device.type == "cpu" and not any(map(shutil.which, wanted)):
        raise TrainingError(
            "the recipe asks to compile the network, and there is no C++ compiler; install one, or set "
            "compile = false in the recipe's run part"
        )
    return torch.compile(network)  # type: ignore[return-value]
