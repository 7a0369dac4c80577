"""Whether a label can belong to a photograph at all: drawn vessels are darker than what is beside them."""

from typing import Final

import cv2
import numpy as np

from core.types import BoolArray, FloatArray

MIN_CONTRAST: Final = 0.2
"""Below this, label and photograph do not belong together. Measured on ten or twelve training photographs of each of
DRIVE, STARE, CHASE_DB1 and HRF, prepared by the default recipe: with its own label each has at least 0.62; with the
label of another photograph of the same set the median is between -0.12 and 0.08, and 95 % are below 0.27."""

_BESIDE_PX: Final = 4


def vessel_contrast(plane: FloatArray, drawn: FloatArray, inside: BoolArray) -> float:
    """How much darker the drawn vessels are than the strip beside them, in standard deviations of the plane.

    Parameters
    ----------
    plane : float32 (h, w), a prepared photograph of about 540 pixels across.
    drawn : float32 (h, w) in [0, 1], the label on the same pixels; the share of the area, or 0 and 1.
    inside : bool (h, w), the field of view.

    Returns
    -------
    NaN where nothing is drawn, or nothing is beside it.
    """
    cut = min(0.5, float(np.median(drawn[drawn > 0]))) if (drawn > 0).any() else 0.5
    vessel = (drawn >= cut) & inside
    side = 2 * _BESIDE_PX + 1
    near = cv2.dilate(vessel.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))) > 0
    beside = near & ~vessel & inside
    spread = float(plane[inside].std(dtype=np.float64)) if inside.any() else 0.0
    if not vessel.any() or not beside.any() or spread == 0.0:
        return float("nan")
    return float(plane[beside].mean(dtype=np.float64) - plane[vessel].mean(dtype=np.float64)) / spread
