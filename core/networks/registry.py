"""Networks by name: the configuration that a weights file carries becomes a module here and nowhere else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import WeightsError
from core.networks.base import Network
from core.networks.blocks import DoubleConv, SerrBlock
from core.networks.unet import EncoderDecoder


class NetworkConfig(BaseModel):
    """What every configuration has; each family adds fields of its own, with a description each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    in_channels: int = Field(default=1, ge=1, le=16, description="planes of the prepared photograph")


class UNetConfig(NetworkConfig):
    """Shape of a plain U-Net."""

    width: int = Field(default=16, ge=1, le=512, description="channels of the first level")
    depth: int = Field(default=3, ge=1, le=6, description="number of halvings")


class SerrUNetConfig(UNetConfig):
    """Shape of a SERR-U-Net (Wang et al. 2021, doi 10.1155/2021/5976097)."""

    steps: int = Field(default=2, ge=0, le=8, description="recurrent steps t of each convolution")
    reduction: int = Field(default=8, ge=1, le=64, description="squeeze-and-excitation reduction r")


@dataclass(frozen=True, slots=True)
class Architecture:
    """A family of networks: its configuration, how that becomes a network, and where it was published."""

    config: type[NetworkConfig]
    make: Callable[[Any], Network]
    publication: str


def _serr_unet(config: SerrUNetConfig) -> EncoderDecoder:
    block = partial(SerrBlock, steps=config.steps, reduction=config.reduction)
    return EncoderDecoder(block, config.in_channels, config.width, config.depth)


def _unet(config: UNetConfig) -> EncoderDecoder:
    return EncoderDecoder(DoubleConv, config.in_channels, config.width, config.depth)


_NETWORKS: dict[str, Architecture] = {
    "serr-unet": Architecture(SerrUNetConfig, _serr_unet, "Wang et al. 2021, doi 10.1155/2021/5976097"),
    "unet": Architecture(UNetConfig, _unet, "Ronneberger et al. 2015, arXiv 1505.04597"),
}


def architectures() -> tuple[str, ...]:
    """Names that ``build`` knows."""
    return tuple(_NETWORKS)


def resolve(name: str, config: Mapping[str, object]) -> dict[str, object]:
    """The configuration with every default written out.

    Raises
    ------
    WeightsError : the architecture is unknown or the configuration has a wrong or unknown field.
    """
    return _validated(name, config).model_dump()


def build(name: str, config: Mapping[str, object]) -> Network:
    """A network with fresh random weights.

    Raises
    ------
    WeightsError : as ``resolve``.
    """
    checked = _validated(name, config)
    return _NETWORKS[name].make(checked)


def _validated(name: str, config: Mapping[str, object]) -> NetworkConfig:
    if name not in _NETWORKS:
        raise WeightsError(f"unknown network architecture '{name[:80]}'; this version knows {', '.join(_NETWORKS)}")
    try:
        return _NETWORKS[name].config.model_validate(dict(config))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])[:100]
        raise WeightsError(f"the configuration of network '{name}' is wrong at '{where}': {first['msg']}") from None
