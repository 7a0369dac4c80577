"""Residual U-Net: a shortcut around the convolutions of each level (He et al. 2016, doi 10.1109/CVPR.2016.90).

After Zhang et al. 2018 (doi 10.1109/LGRS.2018.2802944), who normalise before each convolution and halve by strides;
here it differs from the U-Net in nothing but the shortcut, so that a comparison shows what that is worth.
"""

from torch import Tensor, nn

from core.networks.blocks import DoubleConv
from core.networks.encoder_decoder import EncoderDecoder
from core.networks.families import UNetConfig


class ResidualBlock(nn.Module):
    """Projection to ``out_channels``, and the sum of it and of what two convolutions make of it."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(in_channels, out_channels, kernel_size=1)
        self.branch = DoubleConv(out_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(x)
        added: Tensor = self.branch(x)
        return x + added


def make(config: UNetConfig) -> EncoderDecoder:
    """A residual block on each level."""
    return EncoderDecoder(config, ResidualBlock)
