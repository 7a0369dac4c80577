"""R2U-Net: recurrent residual blocks in a U-Net (Alom et al. 2019, doi 10.1117/1.JMI.6.1.014006, figure 4d)."""

from functools import partial

from torch import Tensor, nn

from core.networks.blocks import RecurrentConv
from core.networks.encoder_decoder import EncoderDecoder
from core.networks.families import R2UNetConfig


class RecurrentResidualBlock(nn.Module):
    """Projection to ``out_channels``, and the sum of it and of what two recurrent convolutions make of it."""

    def __init__(self, in_channels: int, out_channels: int, steps: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(in_channels, out_channels, kernel_size=1)
        self.recurrent = nn.Sequential(RecurrentConv(out_channels, steps), RecurrentConv(out_channels, steps))

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(x)
        added: Tensor = self.recurrent(x)
        return x + added


def make(config: R2UNetConfig) -> EncoderDecoder:
    """A recurrent residual block on each level."""
    return EncoderDecoder(config, partial(RecurrentResidualBlock, steps=config.steps))
