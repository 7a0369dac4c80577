"""Networks by name: the configuration that a weights file carries becomes a module here and nowhere else."""

from collections.abc import Callable, Mapping
from functools import partial

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import nn

from core.errors import WeightsError
from core.networks.blocks import DoubleConv, SerrBlock
from core.networks.unet import EncoderDecoder


class UNetConfig(BaseModel):
    """Shape of a plain U-Net."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    in_channels: int = Field(default=1, ge=1, le=16, description="planes of the prepared photograph")
    width: int = Field(default=16, ge=1, le=512, description="channels of the first level")
    depth: int = Field(default=3, ge=1, le=6, description="number of halvings")


class SerrUNetConfig(UNetConfig):
    """Shape of a SERR-U-Net (Wang et al. 2021, doi 10.1155/2021/5976097)."""

    steps: int = Field(default=2, ge=0, le=8, description="recurrent steps t of each convolution")
    reduction: int = Field(default=8, ge=1, le=64, description="squeeze-and-excitation reduction r")


def _serr_unet(config: SerrUNetConfig) -> EncoderDecoder:
    block = partial(SerrBlock, steps=config.steps, reduction=config.reduction)
    return EncoderDecoder(block, config.in_channels, config.width, config.depth)


def _unet(config: UNetConfig) -> EncoderDecoder:
    return EncoderDecoder(DoubleConv, config.in_channels, config.width, config.depth)


_Entry = tuple[type[UNetConfig], Callable[..., EncoderDecoder]]
_NETWORKS: dict[str, _Entry] = {"serr-unet": (SerrUNetConfig, _serr_unet), "unet": (UNetConfig, _unet)}


def architectures() -> tuple[str, ...]:
    """Names that ``build`` knows."""
    return tuple(_NETWORKS)


def resolve(name: str, config: Mapping[str, object]) -> dict[str, object]:
    """The configuration with every default written out.

    Raises
    ------
    WeightsError : the architecture is unknown or the configuration has a wrong or unknown field.
    """
    if name not in _NETWORKS:
        raise WeightsError(f"unknown network architecture '{name}'; this version knows {', '.join(_NETWORKS)}")
    try:
        return _NETWORKS[name][0].model_validate(dict(config)).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise WeightsError(f"the configuration of network '{name}' is wrong at '{where}': {first['msg']}") from None


def build(name: str, config: Mapping[str, object]) -> nn.Module:
    """A network with fresh random weights that maps (N, C, h, w) to logits (N, 1, h, w).

    Raises
    ------
    WeightsError : as ``resolve``.
    """
    resolved = resolve(name, config)
    schema, make = _NETWORKS[name]
    return make(schema.model_validate(resolved))
