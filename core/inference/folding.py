"""A network rewritten for inference: fewer passes over its planes, the same numbers up to rounding.

In evaluation a batch normalisation multiplies each channel by a number and adds another, which its convolution can do
itself. A recurrent convolution becomes one convolution for each step, since each step has a normalisation of its own.
On processors of the x86 kind oneDNN applies the ReLU to each piece of the plane while it is in the cache. On a
SERR-U-Net a third of the time was spent in normalisations and activations (docs/benchmarks/one-photograph.md).
"""

import platform
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.networks.base import Network
from core.networks.blocks import RecurrentConv
from core.networks.serr_unet import SerrBlock

# Multiplications that a convolution does between two reports: about 0.2 s on one busy core of 2023 in fp32.
_STRIP_MULTIPLICATIONS: Final = 1_200_000_000


def _nothing() -> None:
    pass


class FoldedConv(nn.Module):
    """A convolution with the normalisation and the ReLU that follow it, for inference alone.

    A plane that would keep it silent for too long is done in strips of rows, which gives the same numbers.

    Parameters
    ----------
    conv, norm : as trained; the weights of both are multiplied in float64.
    relu : negative results become 0.

    ``on_strip`` is called after each strip but the last.
    """

    def __init__(self, conv: nn.Conv2d, norm: nn.BatchNorm2d | None = None, *, relu: bool = False) -> None:
        super().__init__()
        weight, bias = _folded(conv, norm)
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.bias = None if bias is None else nn.Parameter(bias, requires_grad=False)
        self.relu = relu
        self.stride, self.dilation, self.groups = conv.stride, conv.dilation, conv.groups
        assert not isinstance(conv.padding, str)
        self.padding = conv.padding
        self._can_be_cut = conv.stride == (1, 1) and conv.dilation == (1, 1) and conv.padding[0] < conv.kernel_size[0]
        self.on_strip: Callable[[], None] = _nothing

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(self.weight.dtype)
        height = _STRIP_MULTIPLICATIONS // max(1, x.shape[0] * x.shape[-1] * self.weight.numel())
        above, reach = self.padding[0], self.weight.shape[-2] - 1
        out_rows = x.shape[-2] + 2 * above - reach
        if x.device.type != "cpu" or not self._can_be_cut or height >= out_rows:
            return self._run(x, self.padding)
        return self._in_strips(x, max(1, height), out_rows)

    def _in_strips(self, x: Tensor, height: int, out_rows: int) -> Tensor:
        rows, (above, side), reach = x.shape[-2], self.padding, self.weight.shape[-2] - 1
        out: Tensor | None = None
        for start in range(0, out_rows, height):
            stop = min(start + height, out_rows)
            first, last = start - above, stop - above + reach  # rows of x that the strip reads; some may be outside
            strip = x[:, :, max(first, 0) : min(last, rows)]
            if first < 0 or last > rows:
                strip = functional.pad(strip, (0, 0, max(-first, 0), max(last - rows, 0)))
            done = self._run(strip, (0, side))
            if out is None:
                shape = (*done.shape[:2], out_rows, done.shape[3])
                out = torch.empty(shape, dtype=done.dtype, memory_format=torch.channels_last)
            out[:, :, start:stop] = done
            if stop < out_rows:
                self.on_strip()
        assert out is not None
        return out

    def _run(self, x: Tensor, padding: tuple[int, ...]) -> Tensor:
        if x.device.type == "cpu" and _in_one_step(x.dtype):
            # What torch's own compiler calls for a convolution and a ReLU.
            step: Any = torch.ops.mkldnn._convolution_pointwise
            after = "relu" if self.relu else "none"
            done: Tensor = step(
                x, self.weight, self.bias, padding, self.stride, self.dilation, self.groups, after, [], ""
            )
            return done
        y = functional.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)
        return y.relu_() if self.relu else y


class _FoldedRecurrent(nn.Module):
    """A recurrent convolution as one convolution for each step."""

    def __init__(self, block: RecurrentConv) -> None:
        super().__init__()
        self.steps = nn.ModuleList(FoldedConv(block.conv, _norm(norm), relu=True) for norm in block.norms)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.steps[0](x)
        for step in list(self.steps)[1:]:
            h = step(h.add_(x))
        return h


class _FoldedSerrBlock(nn.Module):
    """A SERR block whose gate and residual sum are one step."""

    def __init__(self, block: SerrBlock) -> None:
        super().__init__()
        self.project, self.recurrent, self.gate = folded(block.project), folded(block.recurrent), block.gate

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(x)
        y = self.recurrent(x)
        gates = self.gate.gates(self.gate.mean(y))[:, :, None, None]
        return torch.addcmul(x, y, gates.to(x.dtype))


def fold(network: Network, *, on_strip: Callable[[], None] = _nothing) -> Network:
    """Rewrite a network in place for inference; it gives the same numbers up to rounding, and cannot be trained.

    Parameters
    ----------
    network : in evaluation mode, float32.
    on_strip : called within long convolutions on the CPU; may raise to end the run.
    """
    _fold_children(network)
    for layer in network.modules():
        if isinstance(layer, FoldedConv):
            layer.on_strip = on_strip
    return network


def to_precision(network: Network, dtype: torch.dtype) -> None:
    """Keep the weights of convolutions in the format that they are used in, instead of casting them in each run."""
    for layer in network.modules():
        if isinstance(layer, FoldedConv):
            layer.to(dtype)


def folded(module: nn.Module) -> nn.Module:
    """What takes the place of a module; its children are rewritten where it stays itself."""
    if isinstance(module, nn.Conv2d):
        return FoldedConv(module) if _is_plain(module) else module
    if isinstance(module, RecurrentConv):
        return _FoldedRecurrent(module)
    if isinstance(module, SerrBlock) and module.place == "branch":
        return _FoldedSerrBlock(module)
    if isinstance(module, nn.Sequential):
        return nn.Sequential(*_sequence(list(module)))
    _fold_children(module)
    return module


def _fold_children(module: nn.Module) -> None:
    for name, child in list(module.named_children()):
        setattr(module, name, folded(child))


def _sequence(layers: list[nn.Module]) -> list[nn.Module]:
    """Layers that follow one another, each convolution joined with its normalisation and the ReLU behind that."""
    made: list[nn.Module] = []
    at = 0
    while at < len(layers):
        conv, norm = layers[at], layers[at + 1] if at + 1 < len(layers) else None
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d) and _is_plain(conv):
            relu = at + 2 < len(layers) and isinstance(layers[at + 2], nn.ReLU)
            made.append(FoldedConv(conv, norm, relu=relu))
            at += 3 if relu else 2
        else:
            made.append(folded(conv))
            at += 1
    return made


def _is_plain(conv: nn.Conv2d) -> bool:
    return conv.padding_mode == "zeros" and not isinstance(conv.padding, str)


def _norm(module: nn.Module) -> nn.BatchNorm2d:
    assert isinstance(module, nn.BatchNorm2d)
    return module


def _folded(conv: nn.Conv2d, norm: nn.BatchNorm2d | None) -> tuple[Tensor, Tensor | None]:
    """Weight and bias of both as one convolution, float32."""
    if norm is None:
        return conv.weight.detach(), None if conv.bias is None else conv.bias.detach()
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
    before = 0.0 if conv.bias is None else conv.bias.detach().double()
    weight = conv.weight.detach().double() * scale[:, None, None, None]
    bias = norm.bias.detach().double() + (before - norm.running_mean.double()) * scale
    return weight.float(), bias.float()


@cache
def _has_mkldnn() -> bool:
    there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return there and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


def _in_one_step(dtype: torch.dtype) -> bool:
    """Whether oneDNN has a convolution with a ReLU for a number format on this processor."""
    if platform.machine().lower() not in {"x86_64", "amd64"} or not _has_mkldnn():
        return False
    return dtype == torch.float32 or (dtype == torch.bfloat16 and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))
