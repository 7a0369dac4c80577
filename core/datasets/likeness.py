"""Whether a label can belong to a photograph at all: drawn vessels are darker than what is beside them."""

from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np

from core.files import shown
from core.photo.preprocessing import NetInput, Preprocessing, prepare
from core.types import BoolArray, FieldOfView, FloatArray, FundusImage

Targets = Literal["hard", "soft"]

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


def belong_together(image: FundusImage, fov: FieldOfView, vessel: BoolArray) -> bool:
    """Whether a label, bool (h, w), can be a label of a photograph of the same size.

    Whatever recipe a network may have, this goes by the default one: without its CLAHE uneven light would drown the
    vessels of many a photograph.
    """
    prepared = prepare(image, fov, Preprocessing())
    drawn = on_grid(vessel, prepared, "soft")
    return not vessel_contrast(prepared.planes.mean(axis=0), drawn, prepared.inside) < MIN_CONTRAST


def wrong_pair(photo: Path | str, label: Path | str) -> str:
    """The sentence on a photograph and a label that do not belong together."""
    return f"The vessels in {shown(label)} are not where {shown(photo)} has any: they do not seem to belong together."


def on_grid(vessel: BoolArray, prepared: NetInput, targets: Targets) -> FloatArray:
    """The label on the grid of the prepared photograph, float32 (h, w), 0 outside the field of view.

    "soft" gives the share of each pixel's area that is vessel. "hard" gives 1 where that is at least half, which loses
    what is thinner than half a pixel of the grid.
    """
    top, left, bottom, right = prepared.box
    cropped = vessel[top:bottom, left:right].astype(np.float32)
    height, width = prepared.inside.shape
    if cropped.shape != (height, width):
        how = cv2.INTER_AREA if prepared.scale < 1.0 else cv2.INTER_LINEAR
        cropped = np.asarray(cv2.resize(cropped, (width, height), interpolation=how), np.float32)
    if targets == "hard":
        cropped = (cropped >= 0.5).astype(np.float32)
    return np.asarray(cropped * prepared.inside, np.float32)
