"""A network made ready to run on one device: the only place where torch turns into numpy.

The runner works on a copy of its own, so that a loaded model is never changed and may serve several threads. The copy
is rewritten for speed (``core.inference.folding``). It reports between all of its layers and, on the CPU, within long
ones, which is where a run can be cancelled.
"""

import copy
from collections.abc import Callable
from weakref import WeakKeyDictionary

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

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

# Memory of a run over that of the input and output of its largest layer; measured 3.1 to 3.6 on SERR-U-Nets.
_ALIVE_AT_ONCE = 4
_PROBED: WeakKeyDictionary[nn.Module, tuple[float, int]] = WeakKeyDictionary()  # asked for again at each photograph


class Runner:
    """Runs a network on planes.

    Parameters
    ----------
    module : the network, float32; it stays as it is.
    on_layer : called after every layer. ``on_strip`` : called within a long one. Both may raise to end the run.
    """

    def __init__(
        self,
        module: Network,
        device: Device,
        precision: Precision,
        *,
        on_layer: Callable[[], None],
        on_strip: Callable[[], None],
    ) -> None:
        bound_caches()
        self.device = device
        self.precision = precision
        self.stride, self.reach_px = module.stride, module.reach_px
        own = fold(copy.deepcopy(module).eval().requires_grad_(False), on_strip=on_strip)
        if module not in _PROBED:
            _PROBED[module] = _probe(own)
        numbers_per_pixel, self.layers = _PROBED[module]
        self.bytes_per_pixel = int(numbers_per_pixel * torch.finfo(_DTYPES[precision]).bits // 8) + 1
        to_precision(own, _DTYPES[precision])
        own = own.to(torch.device(device.torch_name))
        # Weights as the planes lie in memory; else each convolution turns them around first.
        self._module = own.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.gates = SharedGates(self._module)
        for layer in _leaves(self._module):
            layer.register_forward_hook(lambda *_: on_layer())

    def run(self, planes: FloatArray) -> FloatArray:
        """Probabilities float32 (out_channels, h, w) for planes float32 (C, h, w); h and w multiples of the stride.

        NaN where the network gave no finite number.
        """
        x = torch.from_numpy(np.ascontiguousarray(planes))[None]
        x = _channels_last(x.to(self.device.torch_name))
        autocast = torch.autocast(self.device.kind, _DTYPES[self.precision], enabled=self.precision != "fp32")
        with torch.inference_mode(), autocast:
            logits = self._module(x)
        logits = logits[0].float()
        # An infinite logit would become a certain 0 or 1, which nobody would know from a real one.
        probabilities: FloatArray = logits.sigmoid().where(logits.isfinite(), torch.nan).cpu().numpy()
        return probabilities


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


def _probe(module: Network) -> tuple[float, int]:
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
