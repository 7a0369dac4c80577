"""The recipe by which photographs are prepared for a network, as values. Free of NumPy, for the cards of models."""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import WeightsError

MOST_DIAMETER_PX: Final = 4096
"""The largest diameter that a recipe may ask for, which bounds the memory that a weights file can ask for."""

_Weight = Annotated[float, Field(ge=-100, le=100)]


class Preprocessing(BaseModel):
    """The recipe: every step is a field, and a step is left out by the value that its description names."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)

    colour: Literal["mix", "rgb"] = Field(default="mix", description="one weighted grey plane, or three colour planes")
    mix: tuple[_Weight, _Weight, _Weight] = Field(
        default=(0.25, 0.75, 0.0), description="weights of red, green, blue in the grey plane"
    )
    fov_diameter_px: float = Field(
        default=540.0,
        ge=0,
        le=MOST_DIAMETER_PX,
        description="diameter to which the field of view is resampled; 0 for native resolution",
    )
    fov_diameter_max_px: float = Field(
        default=0.0,
        ge=0,
        le=MOST_DIAMETER_PX,
        description="photographs with more than twice as many pixels across are brought to half their own diameter, "
        "up to this one; 0: all to fov_diameter_px",
    )
    scale_tolerance: float = Field(
        default=0.05, ge=0, lt=1, description="no resampling where the diameter is within this share of the wanted one"
    )
    standardise: bool = Field(default=True, description="zero mean and unit variance inside the field of view")
    clahe_clip: float = Field(default=2.0, ge=0, le=256, description="CLAHE clip limit; 0 for none")
    clahe_tiles: int = Field(default=8, ge=1, le=64, description="CLAHE tiles along each side of the FOV's box")
    gamma: float = Field(default=1.2, ge=0.05, le=20, description="value ** (1 / gamma); 1 for none, above 1 brightens")

    enhance: str = Field(
        default="",
        max_length=200,
        pattern=r"^[^/\\]*$",
        description="name of the enhancement network (scale 1) that restores the photograph first; empty for none",
    )
    enhance_sha256: str = Field(
        default="",
        pattern=r"^([0-9a-f]{64})?$",
        description="which network that was; filled in when a training begins",
    )

    @model_validator(mode="after")
    def _largest_is_not_smaller(self) -> Self:
        if self.fov_diameter_max_px and not 0 < self.fov_diameter_px <= self.fov_diameter_max_px:
            raise ValueError("fov_diameter_max_px must be 0, or at least fov_diameter_px, which then must not be 0")
        return self

    @property
    def planes(self) -> int:
        """Number of planes that ``prepare`` gives."""
        return 1 if self.colour == "mix" else 3

    def to_dict(self) -> dict[str, object]:
        """As plain JSON values; what a recipe does not use of the newer steps is left out, for older programs."""
        newer = {
            "enhance": self.enhance,
            "enhance_sha256": self.enhance,
            "fov_diameter_max_px": self.fov_diameter_max_px,
        }
        return self.model_dump(mode="json", exclude={field for field, used in newer.items() if not used})

    def diameter_for(self, native_px: float) -> float:
        """How many pixels across a field of view of ``native_px`` is brought to; ``native_px`` where it is left alone.

        Fine photographs have vessels that are thinner than a pixel of the usual grid. Only what is at least halved is
        made larger than ``fov_diameter_px``, since the mean over pixels takes their noise away.
        """
        if not self.fov_diameter_px:
            return native_px
        wanted = max(self.fov_diameter_px, min(native_px / 2, self.fov_diameter_max_px))
        return native_px if abs(wanted / native_px - 1.0) <= self.scale_tolerance else wanted

    @classmethod
    def from_dict(cls, fields: Mapping[str, object]) -> "Preprocessing":
        """Raises WeightsError where a field is unknown or has a wrong value, TypeError where there are no fields."""
        if not isinstance(fields, Mapping):  # an empty list would do as an empty mapping, and mean the defaults
            raise TypeError("the preprocessing recipe is not a mapping of fields")
        try:
            return cls.model_validate(dict(fields))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])[:100]
            raise WeightsError(f"the preprocessing recipe is wrong at '{where}': {first['msg']}") from None
