"""SE-U-Net: squeeze-and-excitation (Hu et al. 2018, doi 10.1109/CVPR.2018.00745) behind each level's convolutions."""

from functools import partial

from torch import Tensor, nn

from core.networks.blocks import DoubleConv, SqueezeExcitation
from core.networks.encoder_decoder import EncoderDecoder
from core.networks.families import SeUNetConfig


class GatedBlock(nn.Module):
    """Two convolutions, and a gate for each of their channels."""

    def __init__(self, in_channels: int, out_channels: int, reduction: int) -> None:
        super().__init__()
        self.convolutions = DoubleConv(in_channels, out_channels)
        self.gate = SqueezeExcitation(out_channels, reduction)

    def forward(self, x: Tensor) -> Tensor:
        gated: Tensor = self.gate(self.convolutions(x))
        return gated


def make(config: SeUNetConfig) -> EncoderDecoder:
    """A gated block on each level."""
    return EncoderDecoder(config, partial(GatedBlock, reduction=config.reduction))
