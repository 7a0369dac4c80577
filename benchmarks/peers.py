"""Networks of others, written from their publications, for comparisons of speed: untrained, since only work counts."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class _Block(nn.Module):
    """Two 3 x 3 convolutions, each with ReLU and batch normalisation, and a 1 x 1 shortcut around them."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            *(nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(after)),
            *(nn.Conv2d(after, after, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(after)),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.branch(x) + self.shortcut(x))


class _LittleUNet(nn.Module):
    """Three levels of 8, 16 and 32 filters, a 3 x 3 convolution on each skip, transposed convolutions up."""

    def __init__(self, in_channels: int, widths: tuple[int, ...] = (8, 16, 32)) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            _Block(before, after) for before, after in zip((in_channels, *widths), widths, strict=False)
        )
        pairs = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose2d(before, after, 2, 2) for before, after in pairs)
        self.bridge = nn.ModuleList(
            nn.Sequential(nn.Conv2d(after, after, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(after)) for _, after in pairs
        )
        self.join = nn.ModuleList(_Block(2 * after, after) for _, after in pairs)
        self.head = nn.Conv2d(widths[0], 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for block in self.down[:-1]:
            x = block(x)
            skips.append(x)
            x = functional.max_pool2d(x, 2)
        x = self.down[-1](x)
        for up, bridge, join, skip in zip(self.up, self.bridge, self.join, reversed(skips), strict=True):
            x = join(torch.cat([up(x), bridge(skip)], dim=1))
        logits: Tensor = self.head(x)
        return logits


class LittleWNet(nn.Module):
    """lwnet's W-Net (Galdran et al. 2022, doi 10.1038/s41598-022-09675-y): a second U-Net sees what the first found.

    Takes RGB (N, 3, 512, 512) and gives logits (N, 1, 512, 512); about 68,000 parameters.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = _LittleUNet(3), _LittleUNet(4)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.second(torch.cat([x, torch.sigmoid(self.first(x))], dim=1))
        return logits
