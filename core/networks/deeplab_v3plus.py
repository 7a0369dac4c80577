"""DeepLab-v3+: a dilated residual encoder, a pyramid of dilations, a short decoder (Chen et al. 2018, figure 2).

doi 10.1007/978-3-030-01234-2_49. The encoder is a residual network (He et al. 2016, doi 10.1109/CVPR.2016.90) with
random weights: none are downloaded. It is written here because the maintained versions of it come with torchvision,
which does not go with the builds of torch for CPUs.
"""

from typing import Final, Literal

import torch
from torch import Tensor, nn

from core.networks.base import Network, initialise
from core.networks.blocks import PlaneUnit
from core.networks.families import DeepLabConfig

_BLOCKS: Final = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
}
_RATES: Final = {16: (6, 12, 18), 8: (12, 24, 36)}
_LOW_CHANNELS: Final = 48  # of the low-level features in the decoder, table 1


def _convolution(
    before: int, after: int, size: int, *, stride: int = 1, dilation: int = 1, groups: int = 1, relu: bool = True
) -> nn.Sequential:
    """A convolution that keeps the size, but for its stride, with batch normalisation."""
    padding = dilation * (size // 2)
    conv = nn.Conv2d(before, after, size, stride, padding, dilation, groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(after), *([nn.ReLU(inplace=True)] if relu else []))


def _separable(before: int, after: int, dilation: int = 1) -> nn.Sequential:
    """A 3 x 3 convolution of each channel by itself, then one of 1 x 1 over all."""
    return nn.Sequential(
        _convolution(before, before, 3, dilation=dilation, groups=before), _convolution(before, after, 1)
    )


class ResidualUnit(nn.Module):
    """Two 3 x 3 convolutions, or three with a bottleneck, around which the input is carried."""

    def __init__(self, before: int, width: int, *, bottleneck: bool, stride: int, dilation: int) -> None:
        super().__init__()
        self.out_channels = 4 * width if bottleneck else width
        middle = _convolution(width if bottleneck else before, width, 3, stride=stride, dilation=dilation)
        if bottleneck:
            layers = [
                _convolution(before, width, 1),
                middle,
                _convolution(width, self.out_channels, 1, relu=False),
            ]
        else:
            layers = [middle, _convolution(width, width, 3, dilation=dilation, relu=False)]
        self.branch = nn.Sequential(*layers)
        same = stride == 1 and before == self.out_channels
        self.carry: nn.Module = (
            nn.Identity() if same else _convolution(before, self.out_channels, 1, stride=stride, relu=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.carry(x) + self.branch(x))


class ResNet(nn.Module):
    """The encoder; where it would become coarser than ``output_stride`` it dilates in the place of striding.

    Gives the features of a quarter of the size, and the last ones.
    """

    def __init__(self, in_channels: int, kind: str, output_stride: Literal[8, 16]) -> None:
        super().__init__()
        self.stem = nn.Sequential(_convolution(in_channels, 64, 7, stride=2), nn.MaxPool2d(3, stride=2, padding=1))
        bottleneck = kind in {"resnet50", "resnet101"}
        channels, reached, dilation = 64, 4, 1
        levels: list[nn.Module] = []
        self.channels: list[int] = []
        for level, count in enumerate(_BLOCKS[kind]):
            stride = 1 if level == 0 else 2
            if stride == 2 and reached == output_stride:
                stride, dilation = 1, 2 * dilation
            reached *= stride
            units: list[nn.Module] = []
            for number in range(count):
                unit = ResidualUnit(
                    channels,
                    64 * 2**level,
                    bottleneck=bottleneck,
                    stride=stride if number == 0 else 1,
                    dilation=dilation,
                )
                units.append(unit)
                channels = unit.out_channels
            levels.append(nn.Sequential(*units))
            self.channels.append(channels)
        self.levels = nn.ModuleList(levels)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        low: Tensor = self.levels[0](self.stem(x))
        x = low
        for level in self.levels[1:]:
            x = level(x)
        return low, x


class ImagePooling(PlaneUnit):
    """What the whole plane holds, given to each of its places. Not normalised: a batch of one has no statistics."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.project = nn.Linear(before, after)

    def gates(self, pooled: Tensor) -> Tensor:
        return torch.relu(self.project(pooled))

    def forward(self, x: Tensor) -> Tensor:
        return self.gates(self.mean(x))[:, :, None, None].expand(-1, -1, *x.shape[-2:])


class Pyramid(nn.Module):
    """Atrous spatial pyramid pooling: the features at several reaches and over the whole plane, made one."""

    def __init__(self, before: int, after: int, output_stride: Literal[8, 16]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                _convolution(before, after, 1),
                *(_separable(before, after, rate) for rate in _RATES[output_stride]),
                ImagePooling(before, after),
            ]
        )
        self.join = _convolution(after * len(self.branches), after, 1)

    def forward(self, x: Tensor) -> Tensor:
        joined: Tensor = self.join(torch.cat([branch(x) for branch in self.branches], dim=1))
        return joined


class DeepLabV3Plus(Network):
    """Encoder, pyramid, and a decoder that takes the low-level features in at a quarter of the size."""

    def __init__(self, config: DeepLabConfig) -> None:
        reach_px = max(_RATES[config.output_stride]) * config.output_stride
        super().__init__(in_channels=config.in_channels, stride=config.stride, reach_px=reach_px)
        self.encoder = ResNet(config.in_channels, config.encoder, config.output_stride)
        self.pyramid = Pyramid(self.encoder.channels[-1], config.width, config.output_stride)
        self.low = _convolution(self.encoder.channels[0], _LOW_CHANNELS, 1)
        self.to_low = nn.Upsample(scale_factor=config.output_stride // 4, mode="bilinear", align_corners=False)
        self.decoder = nn.Sequential(
            _separable(config.width + _LOW_CHANNELS, config.width), _separable(config.width, config.width)
        )
        self.head = nn.Conv2d(config.width, 1, kernel_size=1)
        self.to_whole = nn.Upsample(scale_factor=4, mode="bilinear", align_corners=False)
        initialise(self, self.head)

    def forward(self, x: Tensor) -> Tensor:
        self.check_size(x)
        low, x = self.encoder(x)
        x = torch.cat([self.low(low), self.to_low(self.pyramid(x))], dim=1)
        logits: Tensor = self.to_whole(self.head(self.decoder(x)))
        return logits


def make(config: DeepLabConfig) -> DeepLabV3Plus:
    """The whole network."""
    return DeepLabV3Plus(config)
