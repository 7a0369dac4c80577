"""The families of networks: what each is, and the fields of its configuration. Free of torch, for lists and forms."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import WeightsError

DEFAULT_FAMILY: Final = "serr-unet"


class NetworkConfig(BaseModel, ABC):
    """What every configuration has; each family adds fields, with a title and a description each."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    in_channels: int = Field(default=1, ge=1, le=16, description="planes of the prepared photograph")

    @property
    @abstractmethod
    def stride(self) -> int:
        """What height and width of the planes, and the side of a crop, must be multiples of."""


class UNetConfig(NetworkConfig):
    """Shape of a U-Net."""

    width: int = Field(default=16, ge=1, le=512, title="Width", description="channels of the first level")
    depth: int = Field(default=3, ge=1, le=6, title="Depth", description="number of halvings")
    upsampling: Literal["transposed", "nearest"] = Field(
        default="transposed",
        title="Upsampling",
        description="a transposed convolution, or nearest neighbours with a convolution after them",
    )
    patch_px: Literal[1, 2, 4] = Field(
        default=1,
        title="Patch",
        description="side of the squares of pixels that the network reads, and answers, as one place of its first "
        "level: 2 takes about a fifth of the time, and knows the thinnest vessels less well",
    )

    @property
    def stride(self) -> int:
        return int(self.patch_px * 2**self.depth)


class SeUNetConfig(UNetConfig):
    """Shape of a U-Net with squeeze-and-excitation."""

    reduction: int = Field(
        default=8,
        ge=1,
        le=64,
        title="Reduction r",
        description="squeeze-and-excitation works on the channels divided by this",
    )


class R2UNetConfig(UNetConfig):
    """Shape of a recurrent residual U-Net."""

    steps: int = Field(
        default=2,
        ge=0,
        le=8,
        title="Recurrent steps t",
        description="how often each convolution looks at its own output again",
    )


class SerrUNetConfig(SeUNetConfig, R2UNetConfig):
    """Shape of a SERR-U-Net."""

    gate: Literal["branch", "sum"] = Field(
        default="branch",
        title="Place of the gate",
        description="squeeze-and-excitation inside of the residual branch, or after the residual sum",
    )


class DeepLabConfig(NetworkConfig):
    """Shape of a DeepLab-v3+."""

    encoder: Literal["resnet18", "resnet34", "resnet50", "resnet101"] = Field(
        default="resnet18", title="Encoder", description="residual network that reads the photograph, from scratch"
    )
    output_stride: Literal[8, 16] = Field(
        default=16, title="Output stride", description="how many pixels become one in the encoder: 8 is finer, slower"
    )
    width: int = Field(
        default=256, ge=8, le=512, title="Width", description="channels of the pyramid and of the decoder"
    )

    @property
    def stride(self) -> int:
        return int(self.output_stride)


class RrdbConfig(NetworkConfig):
    """Shape of a generator of residual-in-residual dense blocks."""

    in_channels: int = Field(default=3, ge=3, le=3, description="red, green and blue")
    scale: Literal[1, 2] = Field(
        default=1, title="Scale", description="1 restores a photograph on its own grid, 2 doubles its sides"
    )
    width: int = Field(default=32, ge=4, le=128, title="Width", description="channels between the blocks")
    growth: int = Field(default=8, ge=2, le=64, title="Growth", description="channels that each convolution adds")
    blocks: int = Field(default=4, ge=1, le=23, title="Blocks", description="residual-in-residual dense blocks")

    @property
    def stride(self) -> int:
        return 2 if self.scale == 1 else 1


@dataclass(frozen=True, slots=True)
class Family:
    """What a person who chooses a network needs to know.

    Parameters
    ----------
    title : its name in print. ``summary`` : what it is, in about two lines.
    config : the fields of its configuration; their defaults make networks of like size, for a fair comparison.
    publication : where it was published. ``published`` : the fields that make the size it was published with.
    """

    title: str
    config: type[NetworkConfig]
    summary: str
    publication: str
    published: Mapping[str, object] = field(default_factory=dict)


FAMILIES: Final[Mapping[str, Family]] = {
    "serr-unet": Family(
        "SERR-U-Net",
        SerrUNetConfig,
        "A U-Net whose convolutions look again at their own output (recurrence), with shortcuts (residual) and a "
        "weight for each channel from the whole photograph (squeeze-and-excitation). That of this program's models.",
        "Wang et al. 2021, doi 10.1155/2021/5976097",
        {"width": 16, "depth": 2, "upsampling": "nearest"},
    ),
    "unet": Family(
        "U-Net",
        UNetConfig,
        "The network that most others are measured against: two convolutions on each level, down and up again, with "
        "the fine levels handed across. The quickest one here.",
        "Ronneberger et al. 2015, arXiv 1505.04597",
        {"width": 64, "depth": 4},
    ),
    "res-unet": Family(
        "Residual U-Net",
        UNetConfig,
        "A U-Net with a shortcut around the two convolutions of each level, which makes deep networks easier to train. "
        "What SERR-U-Net is without its gates and its recurrence.",
        "Zhang et al. 2018, doi 10.1109/LGRS.2018.2802944",
        {"width": 64, "depth": 3},
    ),
    "se-unet": Family(
        "SE-U-Net",
        SeUNetConfig,
        "A U-Net in which the whole photograph decides how much each channel counts (squeeze-and-excitation). What "
        "SERR-U-Net is without its shortcuts and its recurrence.",
        "Hu et al. 2018, doi 10.1109/CVPR.2018.00745, in a U-Net",
        {"width": 64, "depth": 4, "reduction": 16},
    ),
    "r2-unet": Family(
        "R2U-Net",
        R2UNetConfig,
        "A U-Net with shortcuts whose convolutions look again at their own output, with the same weights. What "
        "SERR-U-Net is without its gates.",
        "Alom et al. 2019, doi 10.1117/1.JMI.6.1.014006",
        {"width": 64, "depth": 4},
    ),
    "attention-unet": Family(
        "Attention U-Net",
        UNetConfig,
        "A U-Net in which the coarse levels choose, place by place, what of the fine levels is handed across. Meant "
        "for small organs in large pictures.",
        "Oktay et al. 2018, arXiv 1804.03999",
        {"width": 64, "depth": 4},
    ),
    "deeplab-v3plus": Family(
        "DeepLab-v3+",
        DeepLabConfig,
        "A residual network that sees far (dilated convolutions) with a short way back to the photograph's size. Made "
        "for objects; its output has a quarter of the resolution, so thin vessels are hard for it.",
        "Chen et al. 2018, doi 10.1007/978-3-030-01234-2_49",
        {"encoder": "resnet101", "output_stride": 16},
    ),
}

ENHANCERS: Final[Mapping[str, Family]] = {
    "rrdb": Family(
        "RRDB generator",
        RrdbConfig,
        "The generator of ESRGAN: densely connected convolutions in nested residual blocks, a photograph in and a "
        "photograph out. It finds no vessels.",
        "Wang et al. 2018, arXiv 1809.00219",
        {"scale": 2, "width": 64, "growth": 32, "blocks": 23},
    )
}
"""Networks from photographs to photographs, which no list of vessel networks offers."""


def architectures() -> tuple[str, ...]:
    """Names of the families that find vessels."""
    return tuple(FAMILIES)


def validated(name: str, config: Mapping[str, object]) -> NetworkConfig:
    """The configuration of a network of this family, checked.

    Raises
    ------
    WeightsError : the architecture is unknown or the configuration has a wrong or unknown field.
    """
    family = FAMILIES.get(name) or ENHANCERS.get(name)
    if family is None:
        raise WeightsError(f"unknown network architecture '{name[:80]}'; this version knows {', '.join(FAMILIES)}")
    try:
        return family.config.model_validate(dict(config))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])[:100]
        raise WeightsError(f"the configuration of network '{name}' is wrong at '{where}': {first['msg']}") from None


def field_names(name: str) -> tuple[str, ...]:
    """Fields that a person may choose: those of the configuration but the planes, which the preprocessing decides."""
    return tuple(field for field in FAMILIES[name].config.model_fields if field != "in_channels")


def resolve(name: str, config: Mapping[str, object]) -> dict[str, object]:
    """The configuration with every default written out. Raises WeightsError as ``validated``."""
    return validated(name, config).model_dump()
