"""SERR-U-Net: squeeze-and-excitation, residual and recurrent blocks in a U-Net (Wang et al. 2021, figure 3).

doi 10.1155/2021/5976097. In the authors' public code the gate is computed and dropped; here it is connected.
"""

from functools import partial
from typing import Literal

from torch import Tensor, nn

from core.networks.blocks import RecurrentConv, SqueezeExcitation
from core.networks.encoder_decoder import EncoderDecoder
from core.networks.families import SerrUNetConfig


class SerrBlock(nn.Module):
    """Projection to ``out_channels``, two recurrent convolutions, squeeze-and-excitation, and the residual sum.

    ``place`` of the gate: in the "branch" before the sum is made, or on the "sum".
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        steps: int,
        reduction: int,
        place: Literal["branch", "sum"] = "branch",
    ) -> None:
        super().__init__()
        self.place = place
        self.project = nn.Conv2d(in_channels, out_channels, kernel_size=1)
        self.recurrent = nn.Sequential(RecurrentConv(out_channels, steps), RecurrentConv(out_channels, steps))
        self.gate = SqueezeExcitation(out_channels, reduction)

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(x)
        gated: Tensor = self.gate(self.recurrent(x) if self.place == "branch" else x + self.recurrent(x))
        return x + gated if self.place == "branch" else gated


def make(config: SerrUNetConfig) -> EncoderDecoder:
    """A SERR block on each level."""
    block = partial(SerrBlock, steps=config.steps, reduction=config.reduction, place=config.gate)
    return EncoderDecoder(config, block)
