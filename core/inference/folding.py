"""A network rewritten for inference: fewer passes over its planes, the same numbers up to rounding.

In evaluation a batch normalisation multiplies each channel by a number and adds another, which its convolution can do
itself. A recurrent convolution becomes one convolution for each step, since each step has a normalisation of its own.
On processors of the x86 kind oneDNN applies the ReLU to each piece of the plane while it is in the cache. On a
SERR-U-Net a third of the time was spent in normalisations and activations (docs/benchmarks/one-photograph.md).
"""

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.inference import strips
from core.inference.memory import return_freed
from core.networks.base import Network
from core.networks.blocks import RecurrentConv
from core.networks.encoder_decoder import EncoderDecoder
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
        self.is_blank = False

    def forward(self, x: Tensor) -> Tensor:
        x = x.to(self.weight.dtype)
        if self.is_blank:
            return x.new_empty(x.shape[0], self.weight.shape[0], *map(self._length, x.shape[2:], (0, 1)))
        height = _STRIP_MULTIPLICATIONS // max(1, x.shape[0] * x.shape[-1] * self.weight.numel())
        above, reach = self.padding[0], self.weight.shape[-2] - 1
        out_rows = x.shape[-2] + 2 * above - reach
        if x.device.type != "cpu" or not self._can_be_cut or height >= out_rows:
            return self._run(x, self.padding)
        return self._in_strips(x, max(1, height), out_rows)

    def _length(self, before: int, axis: int) -> int:
        reach = self.dilation[axis] * (self.weight.shape[2 + axis] - 1)
        return (before + 2 * self.padding[axis] - reach - 1) // self.stride[axis] + 1

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
        return self.run(x, lambda step, h: cast(Tensor, step(h)))

    def run(self, x: Tensor, call: Callable[[FoldedConv, Tensor], Tensor]) -> Tensor:
        """As ``forward``, each step called by ``call``."""
        first, *others = cast(list[FoldedConv], list(self.steps))
        h = call(first, x)
        for step in others:
            h = call(step, h.add_(x))
        return h


class _FoldedSerrBlock(nn.Module):
    """A SERR block whose gate and residual sum are one step.

    Its recurrent convolutions take a large plane in strips of rows, each strip through all of them. So what lies
    between them is small: it is in the cache, and its memory is used again, where whole planes would be five, each
    fresh from the system. Only rows at the ends of a strip are computed twice.
    """

    def __init__(self, block: SerrBlock) -> None:
        super().__init__()
        self.project, self.recurrent, self.gate = folded(block.project), folded(block.recurrent), block.gate

    def forward(self, x: Tensor) -> Tensor:
        return self.after_projection(self.project(x))

    def after_projection(self, x: Tensor) -> Tensor:
        """All but the first convolution."""
        y = self._recurrent(x)
        gates = self.gate.gates(self.gate.mean(y))[:, :, None, None]
        return torch.addcmul(x, y, gates.to(x.dtype), out=y)

    def _recurrent(self, x: Tensor) -> Tensor:
        parts = strips.strips_of(x, reach=self._convolutions, most_bytes=strips.STRIP_BYTES)
        if len(parts) < 2 or x.device.type != "cpu":
            return cast(Tensor, self.recurrent(x))
        if x.numel() * x.element_size() > strips.LARGE_BYTES:
            return_freed()
        y = torch.empty_like(x)
        for number, part in enumerate(parts):
            y[:, :, part.kept] = self._of_strip(x[:, :, part.window], number, len(parts))[:, :, part.kept_in_window]
        return y

    @property
    def _convolutions(self) -> int:
        return sum(len(block.steps) for block in cast(list[_FoldedRecurrent], self.recurrent))

    def _of_strip(self, x: Tensor, number: int, parts: int) -> Tensor:
        """The last convolution's plane. Each convolution reports to be done once, evenly spread over the strips."""
        done, total = 0, self._convolutions

        def call(step: FoldedConv, h: Tensor) -> Tensor:
            nonlocal done
            reports, done = done * parts // total == number, done + 1
            if reports:
                return cast(Tensor, step(h))  # calls the hooks, too
            step.on_strip()
            return step.forward(h)

        for block in cast(list[_FoldedRecurrent], self.recurrent):
            x = block.run(x, call)
        return x


class _FoldedJoin(nn.Module):
    """A SERR block of the decoder with the upsampling before it.

    The projection of both planes together is the sum of the projections of each, and the upsampled one is projected by
    the upsampling itself. So the planes are not copied together, and on the CPU the sum takes the place of the skip:
    on the first level these are the largest pieces of memory.
    """

    def __init__(self, up: nn.ConvTranspose2d, block: SerrBlock) -> None:
        super().__init__()
        project, channels = block.project, up.out_channels
        weight, bias = project.weight.detach(), project.bias
        assert bias is not None
        assert up.bias is not None
        of_skip, of_up = weight[:, :-channels], weight[:, -channels:, 0, 0].double()
        skip = nn.Conv2d(of_skip.shape[1], project.out_channels, 1)
        skip.weight = nn.Parameter(of_skip)
        skip.bias = nn.Parameter((bias.detach().double() + of_up @ up.bias.detach().double()).float())
        self.skip = FoldedConv(skip)
        self.up = nn.ConvTranspose2d(up.in_channels, project.out_channels, 2, 2, bias=False)
        self.up.weight = nn.Parameter(torch.einsum("imhw,om->iohw", up.weight.detach().double(), of_up).float())
        self.up.requires_grad_(False)
        self.block = _FoldedSerrBlock(block)
        del self.block.project

    def forward(self, skips: list[Tensor], x: Tensor) -> Tensor:
        """Takes the last of the skips out of the list, and may write over it."""
        return self.block.after_projection(self._joined(skips.pop(), x))

    def _joined(self, skip: Tensor, x: Tensor) -> Tensor:
        parts = strips.strips_of(skip[:, :, ::2], reach=0, most_bytes=strips.STRIP_BYTES // 4)
        if len(parts) < 2 or x.device.type != "cpu" or skip.dtype != self.skip.weight.dtype:
            joined: Tensor = self.skip(skip)
            joined += self.up(x)
            return joined
        for number, part in enumerate(parts, start=1):
            rows = slice(2 * part.kept.start, 2 * part.kept.stop)
            project, up = (self.skip, self.up) if number == len(parts) else (self.skip.forward, self.up.forward)
            joined = project(skip[:, :, rows])
            joined += up(x[:, :, part.kept])
            skip[:, :, rows] = joined
        return skip


def fold(network: Network, *, on_strip: Callable[[], None] = _nothing) -> Network:
    """Rewrite a network in place for inference; it gives the same numbers up to rounding, and cannot be trained.

    Parameters
    ----------
    network : in evaluation mode, float32.
    on_strip : called within long convolutions on the CPU; may raise to end the run.
    """
    if isinstance(network, EncoderDecoder) and not network.skip_gates:
        _fold_joins(network)
    _fold_children(network)
    for layer in network.modules():
        if isinstance(layer, FoldedConv):
            layer.on_strip = on_strip
    return network


@contextmanager
def shapes_only(network: Network) -> Iterator[None]:
    """Inside the block folded convolutions give planes of the right shape with anything in them.

    The code that oneDNN makes for a shape is not worth its time where nobody wants the numbers.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, FoldedConv)]
    for layer in layers:
        layer.is_blank = True
    try:
        yield
    finally:
        for layer in layers:
            layer.is_blank = False


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
    if isinstance(module, SerrBlock) and _has_branch_gate(module):
        return _FoldedSerrBlock(module)
    if isinstance(module, nn.Sequential):
        return nn.Sequential(*_sequence(list(module)))
    _fold_children(module)
    return module


def _fold_joins(network: EncoderDecoder) -> None:
    pairs = list(zip(network.up, network.decoder, strict=True))
    if all(isinstance(up, nn.ConvTranspose2d) and _has_branch_gate(block) for up, block in pairs):
        network.joins = nn.ModuleList(_FoldedJoin(up, block) for up, block in pairs)  # type: ignore[arg-type]
        network.up, network.decoder = nn.ModuleList(), nn.ModuleList()


def _has_branch_gate(module: nn.Module) -> bool:
    return isinstance(module, SerrBlock) and module.place == "branch"


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
