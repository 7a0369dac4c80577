"""What measures show over the photograph, as plain data: vessels in colours, the one that is chosen, disc and zones."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.types import ByteArray
from serr_gui.canvas.overlays import Colour

CLASS_COLOURS: Final[tuple[Colour, ...]] = (
    (255, 255, 255),
    (178, 235, 255),
    (77, 196, 255),
    (24, 130, 235),
    (12, 66, 170),
    (4, 8, 60),
)
"""From the lowest class to the highest: by lightness, so that no colour vision loses the order, and never orange."""

Line = npt.NDArray[np.float64]
"""(N, 2) x and y in photograph pixels from the corner of the picture."""


@dataclass(frozen=True, slots=True, eq=False)
class VesselClasses:
    """Vessels in classes of a measure: uint8 (H, W), 0 for none, and the name of each class."""

    codes: ByteArray
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class VesselMarks:
    """``chosen`` : the centre line that is lit up.

    ``disc`` : x, y, both half axes, and the angle of the first one in degrees, clockwise on the screen. ``zones`` :
    names and radii around it, in disc radii.
    ``arterioles``, ``venules``, ``crossings`` : the centre lines that are marked.
    """

    chosen: Line | None = None
    arterioles: tuple[Line, ...] = ()
    venules: tuple[Line, ...] = ()
    crossings: tuple[Line, ...] = ()
    disc: tuple[float, float, float, float, float] | None = None
    zones: tuple[tuple[str, float], ...] = ()
