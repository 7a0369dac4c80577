"""The generator of ESRGAN: residual-in-residual dense blocks (Wang et al. 2018, arXiv 1809.00219, figures 3 and 4).

Two things differ from the publication, for a network that is small and quick. What it computes is added to its input
(enlarged by bicubic interpolation), so that it begins with the photograph and learns what is missing. And where the
output has the size of the input, the blocks work on the pixels of 2 x 2 squares side by side, with a quarter of the
places (as in Real-ESRGAN, Wang et al. 2021, arXiv 2107.10833).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.networks.base import Network, has_memory
from core.networks.families import RrdbConfig

_RESIDUAL = 0.2
_SLOPE = 0.2


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees the input and the output of those before it; a fifth of it is added."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.grow = nn.ModuleList(
            nn.Conv2d(width + number * growth, growth, kernel_size=3, padding=1) for number in range(4)
        )
        self.join = nn.Conv2d(width + 4 * growth, width, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        known = x
        for conv in self.grow:
            known = torch.cat((known, functional.leaky_relu(conv(known), _SLOPE)), dim=1)
        out: Tensor = x + _RESIDUAL * self.join(known)
        return out


class Rrdb(nn.Module):
    """Three dense blocks; a fifth of what they give is added to the input."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.dense = nn.Sequential(*(DenseBlock(width, growth) for _ in range(3)))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + _RESIDUAL * self.dense(x)
        return out


class RrdbNet(Network):
    """Red, green and blue (N, 3, h, w), 0 to 1, to (N, 3, scale * h, scale * w), about 0 to 1."""

    def __init__(self, config: RrdbConfig) -> None:
        super().__init__(in_channels=3, out_channels=3, stride=config.stride)
        self.scale = config.scale
        planes = 3 * config.stride**2
        self.first = nn.Conv2d(planes, config.width, kernel_size=3, padding=1)
        self.body = nn.Sequential(*(Rrdb(config.width, config.growth) for _ in range(config.blocks)))
        self.after = nn.Conv2d(config.width, config.width, kernel_size=3, padding=1)
        self.up = nn.Conv2d(config.width, config.width, kernel_size=3, padding=1)
        self.fine = nn.Conv2d(config.width, config.width, kernel_size=3, padding=1)
        self.last = nn.Conv2d(config.width, 3, kernel_size=3, padding=1)
        _initialise(self)

    def forward(self, x: Tensor) -> Tensor:
        self.check_size(x)
        shape = [self.scale * side for side in x.shape[-2:]]
        base = x if self.scale == 1 else functional.interpolate(x.float(), shape, mode="bicubic", align_corners=False)
        features = self.first(functional.pixel_unshuffle(x, self.stride) if self.stride > 1 else x)
        features = features + self.after(self.body(features))
        larger = functional.interpolate(features, shape, mode="nearest")
        larger = functional.leaky_relu(self.up(larger), _SLOPE)
        larger = functional.leaky_relu(self.fine(larger), _SLOPE)
        out: Tensor = base + self.last(larger)
        return out


def _initialise(network: RrdbNet) -> None:
    """A tenth of He's random weights, as in the publication; the last layer adds nothing at first."""
    if not has_memory(network):
        return
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, a=_SLOPE)
            nn.init.zeros_(module.bias) if module.bias is not None else None
    with torch.no_grad():
        for module in network.body.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.mul_(0.1)
    nn.init.zeros_(network.last.weight)


def make(config: RrdbConfig) -> RrdbNet:
    """A generator with fresh random weights."""
    return RrdbNet(config)
