"""The encoder-decoder with skip connections that the U-Nets share (Ronneberger et al. 2015, arXiv 1505.04597)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.networks.base import Network, initialise
from core.networks.families import UNetConfig

BlockMaker = Callable[[int, int], nn.Module]
"""Makes a block from its numbers of input and output channels."""
GateMaker = Callable[[int, int], nn.Module]
"""Makes a gate of a skip from the channels of the skip and those of the level below; called with both."""


class EncoderDecoder(Network):
    """``depth`` halvings on the way down, as many doublings on the way up, the skip of each level concatenated.

    Takes (N, in_channels, h, w) with h and w multiples of ``stride`` and gives logits (N, 1, h, w). Level i has
    ``width * 2**i`` channels. With patches of p pixels the first level has a place for each p x p of them: their values
    are its channels, and the head answers for each (Shi et al. 2016, arXiv 1609.05158).
    """

    def __init__(self, config: UNetConfig, make_block: BlockMaker, make_gate: GateMaker | None = None) -> None:
        super().__init__(in_channels=config.in_channels, stride=config.stride)
        depth = config.depth
        self.patch_px = config.patch_px
        values = self.patch_px**2  # of a plane at one place of the first level
        channels = [config.width * 2**level for level in range(depth + 1)]
        self.encoder = nn.ModuleList(
            make_block(before, after)
            for before, after in zip([values * self.in_channels, *channels], channels, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        make_up = _transposed if config.upsampling == "transposed" else _nearest
        self.up = nn.ModuleList(make_up(channels[level + 1], channels[level]) for level in range(depth))
        self.decoder = nn.ModuleList(make_block(2 * channels[level], channels[level]) for level in range(depth))
        self.skip_gates = nn.ModuleList(
            make_gate(channels[level], channels[level + 1]) for level in range(depth if make_gate else 0) if make_gate
        )
        self.head = nn.Conv2d(config.width, values, kernel_size=1)
        self.joins: nn.ModuleList | None = None  # in place of ``up`` and ``decoder``, where inference has its own way
        initialise(self, self.head)

    def forward(self, x: Tensor) -> Tensor:
        self.check_size(x)
        if self.patch_px > 1:
            x = functional.pixel_unshuffle(x, self.patch_px).contiguous(memory_format=torch.channels_last)
        skips: list[Tensor] = []
        for block in self.encoder[:-1]:
            x = block(x)
            skips.append(x)
            x = self.pool(x)
        x = self.encoder[-1](x)
        for level in reversed(range(len(skips))):
            if self.joins is not None:
                x = self.joins[level](skips, x)
                continue
            skip = skips.pop()
            skip = self.skip_gates[level](skip, x) if self.skip_gates else skip
            x = self.decoder[level](torch.cat([skip, self.up[level](x)], dim=1))
        logits: Tensor = self.head(x)
        return logits if self.patch_px == 1 else functional.pixel_shuffle(logits, self.patch_px)


def _transposed(before: int, after: int) -> nn.Module:
    return nn.ConvTranspose2d(before, after, kernel_size=2, stride=2)


def _nearest(before: int, after: int) -> nn.Module:
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(before, after, kernel_size=3, padding=1)
    )
