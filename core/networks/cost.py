"""What a network costs: its parameters, and its arithmetic for one photograph."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from core.networks.families import FAMILIES, resolve
from core.networks.registry import build

DRIVE_PX = (584, 565)
"""Height and width of a photograph of DRIVE."""


def parameters(name: str, config: Mapping[str, object]) -> int:
    """How many numbers training changes. Raises WeightsError as ``build``."""
    with torch.device("meta"):
        network = build(name, config)
    return sum(weights.numel() for weights in network.parameters())


def gflop(name: str, config: Mapping[str, object], shape: tuple[int, int] = DRIVE_PX) -> float:
    """Arithmetic for one photograph of this height and width, padded as inference pads it, in 1e9 operations.

    Counted without computing: two operations for each multiplication of convolutions and matrices; additions,
    normalisations and activations are left out, as publications leave them out.

    Raises
    ------
    WeightsError : as ``build``.
    """
    with torch.device("meta"):
        network = build(name, config).eval()
    height, width = (side + -side % network.stride for side in shape)
    multiplications = 0

    def count(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal multiplications
        weights = layer.weight
        assert isinstance(weights, Tensor)
        # Each output is a sum over the weights of its channel; transposed, each input goes to the outputs of its own.
        values = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output
        multiplications += values.numel() * weights[0].numel()

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            layer.register_forward_hook(count)
    with torch.inference_mode():
        network(torch.empty(1, network.in_channels, height, width, device="meta"))
    return 2 * multiplications / 1e9


@dataclass(frozen=True, slots=True)
class Size:
    """A network of a family: the fields of its configuration, its parameters, and GFLOP for a photograph of DRIVE."""

    config: dict[str, object]
    parameters: int
    gflop: float


@dataclass(frozen=True, slots=True)
class Architecture:
    """A family of networks that can be trained, at its usual size here and at the size it was published with."""

    name: str
    title: str
    summary: str
    publication: str
    usual: Size
    published: Size

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return asdict(self)


def list_architectures() -> list[Architecture]:
    """The families of networks with what they cost; that of the program's own models first."""
    return [
        Architecture(name, one.title, one.summary, one.publication, _size(name, {}), _size(name, one.published))
        for name, one in FAMILIES.items()
    ]


def _size(name: str, config: Mapping[str, object]) -> Size:
    return Size(resolve(name, config), parameters(name, config), gflop(name, config))
