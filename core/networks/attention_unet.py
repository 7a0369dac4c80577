"""Attention U-Net: the level below gates each skip, place by place (Oktay et al. 2018, arXiv 1804.03999, figure 2)."""

import torch
from torch import Tensor, nn

from core.networks.blocks import DoubleConv
from core.networks.encoder_decoder import EncoderDecoder
from core.networks.families import UNetConfig


class AttentionGate(nn.Module):
    """Multiply a skip by an attention in (0, 1) for each place, which the skip and the level below agree on.

    Both are brought to the grid of the level below and to half of the skip's channels, added, and projected to one
    plane, which is resampled to the skip's grid.
    """

    def __init__(self, channels: int, below: int) -> None:
        super().__init__()
        between = max(channels // 2, 1)
        self.of_skip = nn.Conv2d(channels, between, kernel_size=2, stride=2, bias=False)
        self.of_below = nn.Conv2d(below, between, kernel_size=1)
        self.attention = nn.Conv2d(between, 1, kernel_size=1)
        self.resample = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)

    def forward(self, skip: Tensor, below: Tensor) -> Tensor:
        agreed = torch.relu(self.of_skip(skip) + self.of_below(below))
        attention: Tensor = self.resample(torch.sigmoid(self.attention(agreed)))
        return skip * attention


def make(config: UNetConfig) -> EncoderDecoder:
    """Two convolutions on each level, and a gate on each skip."""
    return EncoderDecoder(config, DoubleConv, AttentionGate)
