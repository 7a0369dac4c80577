"""How a network is run. Free of torch, so that results can be compared and photographs read before it is there."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Final, Literal, get_args

Engine = Literal["torch", "openvino"]
"""What runs the network: torch, or the optional package OpenVINO (``pip install 'serr-fundus[openvino]'``)."""
ENGINES: Final[tuple[Engine, ...]] = get_args(Engine)
Precision = Literal["fp32", "bf16", "fp16"]
TestTimeAugmentation = Literal["none", "flips"]

DOUBT_VIEWS: Final = (
    "as it is",
    "mirrored left-right",
    "mirrored top-bottom",
    "turned by half",
    "contrast 0.9",
    "contrast 1.1",
)
"""What a photograph is run as for a doubt map (``core.inference.doubt``), in words for side-cars."""

SMALLEST_TILE_PX: Final = 128
_LARGEST_PX = 1 << 20
# Least and most of the whole numbers; side-cars bring them, too.
_BOUNDS = (("tile_px", SMALLEST_TILE_PX, _LARGEST_PX), ("overlap_px", 0, _LARGEST_PX), ("threads", 1, 1024))


@dataclass(frozen=True, slots=True)
class InferenceOptions:
    """How a network is run. The defaults choose by themselves.

    Parameters
    ----------
    device : "auto", "cpu", "cuda", "cuda:1" or "mps".
    tta : "flips" averages the probabilities of the photograph and of its three mirror images: a little better, four
        times as long.
    tile_px : largest side of a tile, None to choose by memory; a photograph that is no larger is run whole.
    overlap_px : how far neighbouring tiles overlap; at most half of a tile is used. With 256 the seams of the default
        network differ from a whole run no more than the rest does (docs/benchmarks/tiling.md).
    precision : "auto", "fp32", "bf16", or "fp16" (CUDA only).
    threads : of the CPU; None for all of torch's.
    gate_tolerance : tiles are run again until no squeeze-and-excitation gate (0 to 1) moves by more than this.
    engine : "torch", or "openvino" on the CPU (``core.inference.engine_choice``).
    """

    device: str = "auto"
    tta: TestTimeAugmentation = "none"
    tile_px: int | None = None
    overlap_px: int = 256
    precision: Literal["auto"] | Precision = "auto"
    threads: int | None = None
    gate_tolerance: float = 0.002
    engine: Engine = "torch"

    def __post_init__(self) -> None:
        if not isinstance(self.device, str):
            raise TypeError(f"device must be text, not {self.device!r:.80}")
        for name, least, most in _BOUNDS:
            number = getattr(self, name)
            if number is not None and (type(number) is not int or not least <= number <= most):
                raise ValueError(f"{name} must be a whole number from {least} to {most}, not {number!r:.80}")
        if self.tta not in get_args(TestTimeAugmentation):
            raise ValueError(f"tta must be one of {get_args(TestTimeAugmentation)}, not {self.tta!r}")
        if self.precision not in ("auto", *get_args(Precision)):
            raise ValueError(f"precision must be auto or one of {get_args(Precision)}, not {self.precision!r}")
        if self.engine not in ENGINES:
            raise ValueError(f"engine must be one of {ENGINES}, not {self.engine!r:.80}")
        if isinstance(self.gate_tolerance, bool) or not 0 <= self.gate_tolerance <= 1:
            raise ValueError(f"gate_tolerance must lie between 0 and 1, not {self.gate_tolerance!r:.80}")

    def to_dict(self) -> dict[str, object]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> "InferenceOptions":
        """Raises ValueError or TypeError where a value cannot be used; unknown keys are left out."""
        return cls(**{f.name: values[f.name] for f in fields(cls) if f.name in values})  # type: ignore[arg-type]
