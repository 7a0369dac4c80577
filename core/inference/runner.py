"""A network made ready to run on one device: the only place where torch turns into numpy.

A runner works on a copy of its own, so that a loaded model is never changed. ``core.inference.engines`` makes runners
and keeps them from one photograph to the next.
"""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from core.inference.device import Device
from core.inference.folding import fold, shapes_only, to_precision
from core.inference.memory import bound_caches
from core.inference.options import Precision
from core.inference.se_gates import SharedGates
from core.networks.base import Network
from core.types import FloatArray

_Layer = TypeVar("_Layer", bound=nn.Module)
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

# Memory of a run over that of the input and output of its largest layer; measured 3.1 to 3.6 on SERR-U-Nets.
_ALIVE_AT_ONCE = 4


def _nothing() -> None:
    pass


class Calls:
    """What a runner calls after every layer, and within a long one. Both may raise to end the run."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Call nobody."""
        self.on_layer: Callable[[], None] = _nothing
        self.on_strip: Callable[[], None] = _nothing

    def layer(self, *_: object) -> None:
        """A layer is done; takes what a hook of torch is called with."""
        self.on_layer()

    def strip(self) -> None:
        """Part of a layer is done."""
        self.on_strip()


class Runner(ABC):
    """Runs a network on planes.

    Parameters
    ----------
    module : the network, float32; it stays as it is.
    layers : how often a run calls ``calls.layer``. ``numbers_per_pixel`` : that a run holds at once.
    shares_gates : whether tiles can get the gates of the whole plane by ``gates``.
    """

    def __init__(
        self,
        module: Network,
        device: Device,
        precision: Precision,
        *,
        layers: int,
        numbers_per_pixel: float,
        gates: SharedGates,
        shares_gates: bool = True,
    ) -> None:
        self.device, self.precision, self.layers = device, precision, layers
        self.stride, self.reach_px = module.stride, module.reach_px
        self.bytes_per_pixel = int(numbers_per_pixel * torch.finfo(_DTYPES[precision]).bits // 8) + 1
        self.gates, self.shares_gates = gates, shares_gates
        self.calls = Calls()

    @property
    def label(self) -> str:
        """What computes, in words."""
        return self.device.label

    def release(self) -> None:
        """Keep nothing of the photograph that was run last."""
        self.calls.clear()
        self.gates.release()

    def run(self, planes: FloatArray) -> FloatArray:
        """Probabilities float32 (out_channels, h, w) for planes float32 (C, h, w); h and w multiples of the stride.

        NaN where the network gave no finite number.
        """
        logits = self._logits(torch.from_numpy(np.ascontiguousarray(planes))[None])[0].float()
        # An infinite logit would become a certain 0 or 1, which nobody would know from a real one.
        probabilities: FloatArray = logits.sigmoid().where(logits.isfinite(), torch.nan).cpu().numpy()
        return probabilities

    @abstractmethod
    def _logits(self, x: Tensor) -> Tensor:
        """Logits (1, out_channels, h, w) for planes float32 (1, C, h, w) on the CPU."""


class TorchRunner(Runner):
    """Runs a network by torch, rewritten for speed (``core.inference.folding``).

    It reports between all of its layers and, on the CPU, within long ones, which is where a run can be cancelled.
    """

    def __init__(self, module: Network, device: Device, precision: Precision) -> None:
        bound_caches()
        calls = Calls()  # of its own, or the network would keep its runner alive, and this the network
        own = _with_own_tensors(fold(_layers_of(module).eval(), on_strip=calls.strip))
        numbers_per_pixel, layers = probe(own)
        to_precision(own, _DTYPES[precision])
        own = own.to(torch.device(device.torch_name))
        # Weights as the planes lie in memory; else each convolution turns them around first.
        self._module = own.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        super().__init__(
            module,
            device,
            precision,
            layers=layers,
            numbers_per_pixel=numbers_per_pixel,
            gates=SharedGates(self._module),
        )
        self.calls = calls
        for layer in _leaves(self._module):
            layer.register_forward_hook(calls.layer)

    def _logits(self, x: Tensor) -> Tensor:
        autocast = torch.autocast(self.device.kind, _DTYPES[self.precision], enabled=self.precision != "fp32")
        with torch.inference_mode(), autocast:
            logits: Tensor = self._module(_channels_last(x.to(self.device.torch_name)))
        return logits


def _layers_of(module: _Layer) -> _Layer:
    """Copies of all layers, with the same tensors: to copy those, too, takes longer, and folding makes new ones."""
    made = copy.copy(module)
    made.__dict__ = {name: copy.copy(value) if isinstance(value, dict) else value for name, value in vars(made).items()}
    made._modules = {name: None if child is None else _layers_of(child) for name, child in made._modules.items()}
    return made


def _with_own_tensors(module: Network) -> Network:
    """The network with copies of the tensors that folding has left as they were."""
    for layer in module.modules():
        for name, weight in layer._parameters.items():
            if weight is not None:
                layer._parameters[name] = nn.Parameter(weight.detach().clone(), requires_grad=False)
        for name, values in layer._buffers.items():
            layer._buffers[name] = None if values is None else values.clone()
    return module


def _channels_last(x: Tensor) -> Tensor:
    """The planes with the channels of a pixel side by side, so that every layer keeps them so.

    A single plane lies so anyway; its strides have to say it, or the first layers take it for the other order.
    """
    rows, columns = x.shape[-2:]
    if x.shape[:2] == (1, 1):
        return x.contiguous().as_strided(x.shape, (rows * columns, 1, columns, 1))
    return x.contiguous(memory_format=torch.channels_last)


def _leaves(module: nn.Module) -> list[nn.Module]:
    return [layer for layer in module.modules() if not list(layer.children())]


def probe(module: Network) -> tuple[float, int]:
    """Numbers that a run holds at once for each pixel, and how many layers it calls; found by a run on a few pixels.

    The device "meta" would do without the pixels, but with it torch loads its compiler, which takes over a second.
    """
    side = 2 * module.stride
    widest, calls = 0.0, 0

    def measure(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal widest, calls
        calls += 1
        widest = max(widest, (inputs[0].numel() + output.numel()) / side**2)

    device = next(module.parameters()).device
    hooks = [layer.register_forward_hook(measure) for layer in _leaves(module)]
    with torch.inference_mode(), shapes_only(module):
        module(torch.zeros(1, module.in_channels, side, side, device=device))
    for hook in hooks:
        hook.remove()
    return _ALIVE_AT_ONCE * widest, calls
