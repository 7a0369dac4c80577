"""The encoder-decoder with skip connections that all networks share (Ronneberger et al. 2015, arXiv 1505.04597)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from core.networks.base import Network, has_memory

BlockMaker = Callable[[int, int], nn.Module]
"""Makes a block from its numbers of input and output channels."""


class EncoderDecoder(Network):
    """``depth`` halvings on the way down, as many doublings on the way up, the skip of each level concatenated.

    Takes (N, in_channels, h, w) with h and w multiples of ``stride`` and gives logits (N, 1, h, w). Level i has
    ``width * 2**i`` channels.
    """

    def __init__(self, make_block: BlockMaker, in_channels: int, width: int, depth: int) -> None:
        super().__init__(in_channels=in_channels, stride=2**depth)
        channels = [width * 2**level for level in range(depth + 1)]
        self.encoder = nn.ModuleList(
            make_block(before, after) for before, after in zip([in_channels, *channels], channels, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(channels[level + 1], channels[level], kernel_size=2, stride=2) for level in range(depth)
        )
        self.decoder = nn.ModuleList(make_block(2 * channels[level], channels[level]) for level in range(depth))
        self.head = nn.Conv2d(width, 1, kernel_size=1)
        if has_memory(self):
            for module in self.modules():
                if isinstance(module, nn.Conv2d):
                    nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.xavier_normal_(self.head.weight)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        if height % self.stride or width % self.stride:
            raise ValueError(f"height and width must be multiples of {self.stride}, not {height} x {width}")
        skips: list[Tensor] = []
        for block in self.encoder[:-1]:
            x = block(x)
            skips.append(x)
            x = self.pool(x)
        x = self.encoder[-1](x)
        for level in reversed(range(len(skips))):
            x = self.decoder[level](torch.cat([skips[level], self.up[level](x)], dim=1))
        logits: Tensor = self.head(x)
        return logits
