"""What every network of this program is: planes of a prepared photograph in, logits on the same grid out."""

from torch import Tensor, nn


class Network(nn.Module):
    """A network for whole photographs and tiles.

    Takes (N, in_channels, h, w) with h and w multiples of ``stride`` and gives logits (N, out_channels, h, w). In
    evaluation mode what it gives for a photograph does not depend on the others of its batch.

    Parameters
    ----------
    in_channels : planes of the prepared photograph. ``out_channels`` : planes of logits.
    stride : what height and width must be multiples of.
    reach_px : tiles overlap by this at least, since it looks so far on purpose; 0 where any overlap will do. Tiles of
        such a network are said to differ from the whole.
    """

    def __init__(self, *, in_channels: int, out_channels: int = 1, stride: int = 1, reach_px: int = 0) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.stride = stride
        self.reach_px = reach_px

    def check_size(self, x: Tensor) -> None:
        """Raises ValueError where height or width of (N, C, h, w) is not a multiple of the stride."""
        height, width = x.shape[-2:]
        if height % self.stride or width % self.stride:
            raise ValueError(f"height and width must be multiples of {self.stride}, not {height} x {width}")


def has_memory(module: nn.Module) -> bool:
    """Whether a module's weights can be given values: not where it is only laid out, on the meta device.

    To initialise weights there would import torch's compiler, which takes a second of the first photograph.
    """
    return all(not weight.is_meta for weight in module.parameters())


def initialise(network: nn.Module, head: nn.Conv2d) -> None:
    """Random weights for training from scratch: He et al. 2015 (arXiv 1502.01852), and Glorot and Bengio 2010 for the
    head, which no rectifier follows.
    """
    if has_memory(network):
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.xavier_normal_(head.weight)
