"""The frozen boxes in which arrays travel.

Each box states dtype, shape and range, checks them once, and makes its arrays read-only and C-contiguous. Equality is
identity (``eq=False``): comparing 24-megapixel arrays by accident is slow, and nothing here needs it.
"""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from core.threshold_rule import LEVELS, ThresholdRule

BoolArray = npt.NDArray[np.bool_]
ByteArray = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

Laterality = Literal["right", "left"]

DoubtKind = Literal[
    "odd_mask",
    "whole_picture",
    "not_round",
    "stretched",
    "faint_outline",
    "small_field",
    "several_fields",
    "small_photograph",
    "not_a_fundus",
    "angiogram",
    "grey",
    "blurred",
    "hardly_any_vessel",
    "enhanced",
]
FovOrigin = Literal["file", "estimated", "edited", "full"]

_BAND_ROWS: Final = 64

_Scalar = TypeVar("_Scalar", bound=np.generic)


def _handed_out(array: npt.NDArray[Any], dtype: npt.DTypeLike | None, copy: bool | None) -> npt.NDArray[Any]:
    """What ``numpy.asarray`` and ``numpy.array`` get of a box (the protocol of numpy 2, which numpy 1 also takes)."""
    kind = array.dtype if dtype is None else np.dtype(dtype)
    if copy:
        return array.astype(kind, copy=True)
    if copy is False and kind != array.dtype:
        raise ValueError(f"an array of {array.dtype} cannot be given as {kind} without a copy")
    return array.astype(kind, copy=False)


def _sealed(array: npt.NDArray[Any], name: str, dtype: type[_Scalar], ndim: int) -> npt.NDArray[_Scalar]:
    """A C-contiguous read-only array of the promised dtype and rank.

    An array that is already sealed is taken as it is; one that somebody may still write to is copied, so that a box can
    neither change behind its reader's back nor freeze its maker's array.
    """
    if array.dtype != np.dtype(dtype) or array.ndim != ndim:
        raise TypeError(f"{name} must be {np.dtype(dtype)} with {ndim} dimensions, not {array.dtype} with {array.ndim}")
    if array.size == 0:
        raise ValueError(f"{name} is empty")
    if array.flags.c_contiguous and not array.flags.writeable:
        return array
    sealed = array.copy(order="C")
    sealed.setflags(write=False)
    return sealed


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FundusImage:
    """A colour fundus photograph, upright, 8 bit for each channel.

    Parameters
    ----------
    rgb : uint8 (H, W, 3), sRGB order red, green, blue.
    source : the file it came from, or None for an array that was given. ``origin`` : the address of the object in a
        store, where that file is a copy of it that does not stay.
    pixel_um : width of a pixel in micrometres on the retina, or None where unknown.
    laterality, taken : which eye, and the day of the photograph, where the file says so.
    bit_depth : bits for each channel in the file (8 or 16); 16-bit files are scaled to 8 bit by their own range.
    sha256 : of the bytes of ``source`` from which the pixels were decoded, None for an array that was given.
    turned : whether the file stores the picture turned or mirrored and says so (EXIF); ``rgb`` is upright.
    notes : what a person should know about how the file was read, in sentences.
    """

    rgb: ByteArray
    source: Path | None = None
    pixel_um: float | None = None
    laterality: Laterality | None = None
    taken: date | None = None
    bit_depth: int = 8
    sha256: str | None = None
    turned: bool = False
    notes: tuple[str, ...] = ()
    origin: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rgb", _sealed(self.rgb, "rgb", np.uint8, 3))
        if self.rgb.shape[2] != 3:
            raise ValueError(f"rgb must have 3 channels, not {self.rgb.shape[2]}")

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return _handed_out(self.rgb, dtype, copy)

    def __repr__(self) -> str:
        name = f" {self.source.name}" if self.source else ""
        return f"<FundusImage{name}, {self.shape[1]} x {self.shape[0]} pixels, {self.bit_depth} bit>"

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.rgb.shape[0], self.rgb.shape[1]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a result may be wrong though it could be made: ``kind`` for programs, ``text`` for people, in sentences."""

    kind: DoubtKind
    text: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FieldOfView:
    """The part of the photograph that shows the retina: ``inside`` is bool (H, W), ``origin`` says where it is from.

    ``doubts`` says what is odd about it. ``box`` is its bounding box as (top, left, bottom, right), bottom and right
    exclusive, in pixels.
    """

    inside: BoolArray
    origin: FovOrigin
    source: Path | None = None
    doubts: tuple[Doubt, ...] = ()
    box: tuple[int, int, int, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inside", _sealed(self.inside, "inside", np.bool_, 2))
        rows, columns = (np.flatnonzero(self.inside.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            raise ValueError("a field of view must contain at least one pixel")
        # Once, for it is asked for after each stroke.
        object.__setattr__(self, "box", (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1))

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return _handed_out(self.inside, dtype, copy)

    def __repr__(self) -> str:
        share = np.count_nonzero(self.inside) / self.inside.size
        return f"<FieldOfView {self.origin}, {self.shape[1]} x {self.shape[0]} pixels, {share:.0%} inside>"

    @property
    def shape(self) -> tuple[int, int]:
        return self.inside.shape[0], self.inside.shape[1]

    @property
    def diameter_px(self) -> int:
        """The longer side of the bounding box: the diameter also where the circle is cut off at two opposite edges."""
        top, left, bottom, right = self.box
        return max(bottom - top, right - left)

    def same_pixels(self, other: "FieldOfView") -> bool:
        """Whether both contain the same pixels, wherever they are from."""
        if self.inside is other.inside:
            return True
        return self.shape == other.shape and all(map(np.array_equal, self.inside, other.inside))  # row by row: no copy

    @classmethod
    def full(cls, shape: tuple[int, int]) -> "FieldOfView":
        """The whole image."""
        return cls(np.ones(shape, dtype=np.bool_), "full")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ProbabilityMap:
    """Vessel probability of each pixel of the photograph.

    ``values`` is float32 (H, W) in [0, 1] and exactly 0 outside the field of view. ``levels`` is uint8 (H, W),
    floor(256 p) cut at 255, so that for a threshold k/256 the mask is ``levels >= k`` without rounding error.
    """

    values: FloatArray
    levels: ByteArray = field(init=False)

    def __post_init__(self) -> None:
        values = _sealed(self.values, "values", np.float32, 2)
        low, high = float(values.min()), float(values.max())
        if not (low >= 0.0 and high <= 1.0):  # also catches NaN
            raise ValueError(f"probabilities must lie in [0, 1], found {low} to {high}")
        levels = np.empty(values.shape, np.uint8)
        for start in range(0, len(values), _BAND_ROWS):  # in bands, which spares copies as floats
            band = slice(start, start + _BAND_ROWS)
            # 256 p is exact in float32 (a power of two), so the floor is that of the true value.
            levels[band] = np.minimum(values[band] * np.float32(LEVELS), np.float32(LEVELS - 1))
        levels.setflags(write=False)  # so that it is taken over without a copy
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "levels", _sealed(levels, "levels", np.uint8, 2))

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return _handed_out(self.values, dtype, copy)

    def __repr__(self) -> str:
        return f"<ProbabilityMap {self.shape[1]} x {self.shape[0]} pixels, highest {self.values.max():.3f}>"

    @property
    def shape(self) -> tuple[int, int]:
        return self.values.shape[0], self.values.shape[1]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class VesselMask:
    """Vessel or not: ``vessel`` bool (H, W), the rule that made it, and whether a hand has changed it since."""

    vessel: BoolArray
    rule: ThresholdRule
    edited: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "vessel", _sealed(self.vessel, "vessel", np.bool_, 2))

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return _handed_out(self.vessel, dtype, copy)

    def __repr__(self) -> str:
        edited = ", edited" if self.edited else ""
        count = np.count_nonzero(self.vessel)
        return (
            f"<VesselMask {self.shape[1]} x {self.shape[0]} pixels, {count} of vessels, {self.rule.level}/256{edited}>"
        )

    @property
    def shape(self) -> tuple[int, int]:
        return self.vessel.shape[0], self.vessel.shape[1]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ExpertLabel:
    """Vessels as an expert drew them: ``vessel`` bool (H, W) and the file they came from.

    ``ignored`` bool (H, W): pixels that the expert left open, which are neither learned from nor scored; None: none.
    """

    vessel: BoolArray
    source: Path | None = None
    ignored: BoolArray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "vessel", _sealed(self.vessel, "vessel", np.bool_, 2))
        if self.ignored is not None:
            object.__setattr__(self, "ignored", _sealed(self.ignored, "ignored", np.bool_, 2))
            if self.ignored.shape != self.vessel.shape:
                raise ValueError("the ignored pixels of a label must have its shape")

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return _handed_out(self.vessel, dtype, copy)

    def __repr__(self) -> str:
        name = f" {self.source.name}" if self.source else ""
        count = np.count_nonzero(self.vessel)
        return f"<ExpertLabel{name}, {self.shape[1]} x {self.shape[0]} pixels, {count} of vessels>"

    @property
    def shape(self) -> tuple[int, int]:
        return self.vessel.shape[0], self.vessel.shape[1]

    def scored(self, inside: BoolArray) -> BoolArray:
        """Of a region, bool (H, W), the part on which the expert has decided."""
        return inside if self.ignored is None else inside & ~self.ignored


@dataclass(frozen=True, slots=True)
class PhotoMarks:
    """What an observer says of a photograph: finished with it, in doubt about it, a note, and the time that it took.

    ``seconds`` : of active work, by the rule of whoever counted.
    """

    done: bool = False
    doubtful: bool = False
    note: str = ""
    seconds: float = 0.0


NO_MARKS: Final = PhotoMarks()
