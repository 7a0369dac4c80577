"""The values of a picture as its file stores them, on their way to an upright 8-bit photograph."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.photo.sixteen_bit import depth_note, depth_of, photo_depth, scaled_to_8_bit
from core.types import ByteArray, Laterality

Values = npt.NDArray[Any]

PRINTED = "It has printing colours (CMYK). They were converted to RGB, and may differ from those of the camera."

# How numpy undoes each EXIF orientation, as (transpose, flip rows, flip columns) applied in this order.
_TURNS = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


@dataclass(frozen=True, slots=True)
class Capture:
    """What a file says about how its photograph was taken; None where it says nothing, as ordinary pictures do.

    ``pixel_um`` : width of a pixel on the retina in micrometres. ``taken`` : the day, without whom it shows.
    """

    pixel_um: float | None = None
    laterality: Laterality | None = None
    taken: date | None = None


NOTHING_SAID: Final = Capture()


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """The first picture of a file, not turned yet.

    Parameters
    ----------
    values : (H, W, 1) grey or (H, W, 3) red green blue; uint8, uint16, or decimals (TIFF only).
    bits : for each channel as the file has them (1, 8 or 16; fewer than 8 count as 8, 9 to 15 as 16).
    alpha : (H, W) in the type of ``values``, where the file says how opaque its pixels are.
    peak : the value of full brightness where the file states it, None where 16 bit may hold fewer.
    more : how many further pictures there are in the file.
    orientation : EXIF's number, 1 for upright.
    notes : what a person should know about these colours.
    capture : how the photograph was taken.
    was_turned : the file stores it turned, and its decoder has undone that.
    """

    values: Values
    bits: int
    alpha: Values | None = None
    peak: int | None = None
    more: int = 0
    orientation: int = 1
    notes: tuple[str, ...] = ()
    capture: Capture = NOTHING_SAID
    was_turned: bool = False

    @property
    def is_turned(self) -> bool:
        """Whether the file stores it turned."""
        return self.was_turned or self.orientation in _TURNS

    @property
    def is_transparent(self) -> bool:
        """Whether nothing of the picture can be seen."""
        return self.alpha is not None and not self.alpha.any()


def composed(samples: Samples) -> Values:
    """The values upright, transparent parts black: (H, W, 1) or (H, W, 3) in the type of the file."""
    values = samples.values
    if samples.alpha is not None:
        full = samples.peak or (255 if values.dtype == np.uint8 else 2 ** depth_of(samples.alpha) - 1)
        wide = np.uint16 if values.dtype == np.uint8 else np.uint32
        values = ((values.astype(wide) * samples.alpha[:, :, None] + full // 2) // full).astype(values.dtype)
    return turned(values, samples.orientation)


def turned(values: Values, orientation: int) -> Values:
    """Values upright by EXIF's number."""
    transpose, rows, columns = _TURNS.get(orientation, (False, False, False))
    if transpose:
        values = values.swapaxes(0, 1)
    upright: Values = np.ascontiguousarray(values[:: -1 if rows else 1, :: -1 if columns else 1])
    return upright


def to_rgb(samples: Samples, *, is_photograph: bool) -> tuple[ByteArray, tuple[str, ...]]:
    """uint8 (H, W, 3), upright, and notes on how its values became so.

    ``is_photograph`` : what is far brighter than all else (written text, a hot pixel) does not count for how many of 16
    bits are used. In a label everything counts.
    """
    values, notes = composed(samples), samples.notes
    if values.dtype == np.uint16:
        peak = samples.peak
        if peak is None:
            bits = photo_depth(values) if is_photograph else depth_of(values)
            peak = 2**bits - 1
            notes += depth_note(values, bits) if is_photograph else ()
        values = scaled_to_8_bit(values, peak)
    elif samples.peak not in {None, 255}:
        values = scaled_to_8_bit(values, samples.peak)
    rgb: ByteArray = np.repeat(values, 3, axis=2) if values.shape[2] == 1 else values
    return rgb, notes
