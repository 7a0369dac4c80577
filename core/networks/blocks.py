"""Building blocks that several networks share: convolutions, recurrent convolution, squeeze-and-excitation."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from core.networks.base import has_memory


class PlaneUnit(nn.Module, ABC):
    """A unit that needs each channel's mean over the whole plane, so that what it does depends on the extent it sees.

    ``pool`` is None, or a function that takes the place of the mean over the plane: it gets (N, C, h, w) and gives
    (N, C). Inference on tiles gives the means of the whole photograph to each of its tiles in this way.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pool: Callable[[Tensor], Tensor] | None = None

    def mean(self, x: Tensor) -> Tensor:
        """Channel means (N, C) over the plane, or what was put in their place."""
        return x.mean(dim=(2, 3)) if self.pool is None else self.pool(x)

    @abstractmethod
    def gates(self, pooled: Tensor) -> Tensor:
        """What follows from the channel means (N, C)."""


class SqueezeExcitation(PlaneUnit):
    """Gate each channel by what the whole plane holds (Hu et al. 2018, doi 10.1109/CVPR.2018.00745).

    The channel means over the plane pass through a bottleneck of ``channels / reduction`` units and a sigmoid; the
    input is multiplied by the result.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = max(channels // reduction, 1)
        self.squeeze = nn.Linear(channels, hidden)
        self.excite = nn.Linear(hidden, channels)
        # The pooled values follow a ReLU, so they are not negative: with non-negative weights no unit starts dead. With
        # only a few units a symmetric start leaves whole gates without a gradient for good.
        if has_memory(self):
            with torch.no_grad():
                self.squeeze.weight.abs_()
                self.squeeze.bias.zero_()

    def gates(self, pooled: Tensor) -> Tensor:
        """Gates in (0, 1), shape (N, C), from channel means of shape (N, C)."""
        return torch.sigmoid(self.excite(torch.relu(self.squeeze(pooled))))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gates(self.mean(x))[:, :, None, None]


class RecurrentConv(nn.Module):
    """A 3 x 3 convolution applied ``steps + 1`` times with shared weights.

    h_0 = relu(norm_0(conv(x))), h_i = relu(norm_i(conv(x + h_(i-1)))), after Alom et al. 2019, doi
    10.1117/1.JMI.6.1.014006. Each step has a normalisation of its own: the statistics of x + h change between steps.
    """

    def __init__(self, channels: int, steps: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, kernel_size=3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(steps + 1))

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.norms[0](self.conv(x)))
        for norm in self.norms[1:]:
            h = torch.relu(norm(self.conv(x + h)))
        return h


class DoubleConv(nn.Module):
    """Two 3 x 3 convolutions with batch normalisation: the block of the plain U-Net."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(x)
        return out
