"""What every network of this program is: planes of a prepared photograph in, logits on the same grid out."""

from torch import nn


class Network(nn.Module):
    """A network for whole photographs and tiles.

    Takes (N, in_channels, h, w) with h and w multiples of ``stride`` and gives logits (N, out_channels, h, w). In
    evaluation mode what it gives for a photograph does not depend on the others of its batch.

    Parameters
    ----------
    in_channels : planes of the prepared photograph. ``out_channels`` : planes of logits.
    stride : what height and width must be multiples of.
    """

    def __init__(self, *, in_channels: int, out_channels: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.stride = stride


def has_memory(module: nn.Module) -> bool:
    """Whether a module's weights can be given values: not where it is only laid out, on the meta device.

    To initialise weights there would import torch's compiler, which takes a second of the first photograph.
    """
    return all(not weight.is_meta for weight in module.parameters())
