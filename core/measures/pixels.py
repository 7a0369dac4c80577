"""The size of a pixel where nobody has measured it: from what is known of eyes."""

from typing import Final

from core.errors import InputError
from core.measures.calibres import OpticDisc
from core.measures.summary import PixelSize

DISC_MM: Final = 1.8
"""Mean diameter of the optic disc that is assumed. Discs differ: areas of 2.69 +- 0.70 mm2 (Jonas et al. 1988)."""
DISC_LIMITS_MM: Final = (1.0, 2.5)


def pixel_from_disc(disc: OpticDisc, diameter_mm: float = DISC_MM) -> PixelSize:
    """The size of a pixel, if the optic disc is so wide; the source says that this is assumed.

    Parameters
    ----------
    disc : of an ellipse the circle of the same area counts.
    diameter_mm : what is assumed, 1.0 to 2.5.

    Raises
    ------
    InputError : no optic disc has this diameter.
    """
    low, high = DISC_LIMITS_MM
    if not low <= diameter_mm <= high:
        raise InputError(f"An optic disc is {low:g} to {high:g} mm wide, not {diameter_mm:g}: give its diameter in mm.")
    um = diameter_mm * 1000.0 / (2.0 * disc.mean_radius_px)
    return PixelSize(um, f"assumed: the optic disc is {diameter_mm:g} mm wide")
