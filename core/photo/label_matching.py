"""Whether a label can belong to a photograph at all: drawn vessels are darker than what is beside them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import cv2
import numpy as np

from core.files import display_path
from core.photo.samples import turned
from core.types import BoolArray, ExpertLabel, FieldOfView, FloatArray, FundusImage

if TYPE_CHECKING:
    from core.photo.preprocessing import NetInput

Targets = Literal["hard", "soft"]

MIN_CONTRAST: Final = 0.2
"""Below this, label and photograph do not belong together. Measured on ten or twelve training photographs of each of
DRIVE, STARE, CHASE_DB1 and HRF, prepared by the default recipe: with its own label each has at least 0.62; with the
label of another photograph of the same set the median is between -0.12 and 0.08, and 95 % are below 0.27."""

FITTING_CONTRAST: Final = 0.45
"""A turned label with this contrast belongs to the photograph: more than any label of another one has."""

BRIGHT_CONTRAST: Final = -0.4
"""Below this, what is drawn is bright."""

TURNS: Final = {
    3: "turned by 180 degrees",
    6: "turned by 90 degrees clockwise",
    8: "turned by 90 degrees counter-clockwise",
    2: "mirrored left to right",
    4: "mirrored upside down",
    5: "mirrored along its diagonal",
    7: "mirrored along its other diagonal",
}
"""What turns a label upright, by the number of its EXIF orientation."""

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


@dataclass(frozen=True, slots=True)
class WrongPair:
    """A label whose vessels are not where the photograph has any: ``sentence`` says so.

    ``turn`` is the orientation (as EXIF numbers them, 2 to 8) in which the label would fit, 1 where it fits in none.
    """

    sentence: str
    turn: int = 1


def find_wrong_pair(image: FundusImage, fov: FieldOfView, label: ExpertLabel) -> WrongPair | None:
    """What is wrong where a label can be none of this photograph, of the same size; None: they belong together.

    Whatever recipe a network may have, this goes by the default one: without its CLAHE uneven light would drown the
    vessels of many a photograph.
    """
    prepared = _prepare(image, fov)
    contrast = _contrast(prepared, label.vessel)
    if not contrast < FITTING_CONTRAST:
        return None
    turn = _fitting_turn(prepared, label.vessel, image.shape, contrast)
    if contrast >= MIN_CONTRAST and turn == 1:
        return None
    name = display_path(label.source.name) if label.source is not None else "the label"
    photo = display_path(image.source.name) if image.source is not None else "the photograph"
    sentence = f"The vessels in {name} are not where {photo} has any: they do not seem to belong together."
    if turn != 1:
        sentence += f" The label fits when it is {TURNS[turn]}."
        if image.turned:
            sentence += f" {photo} is stored turned (EXIF), and the label seems to be drawn on it as it is stored."
    elif contrast < BRIGHT_CONTRAST:
        sentence += " What is drawn is brighter than what is beside it, as vessels are in an angiogram."
    return WrongPair(sentence, turn)


def find_turn(image: FundusImage, fov: FieldOfView, vessel: BoolArray) -> int:
    """The orientation in which a label of the photograph's height and width, or of these exchanged, fits; else 1."""
    return _fitting_turn(_prepare(image, fov), vessel, image.shape)


def _prepare(image: FundusImage, fov: FieldOfView) -> "NetInput":
    from core.photo.preprocessing import prepare  # recipes need pydantic, which takes a moment to load
    from core.photo.recipe import Preprocessing

    return prepare(image, fov, Preprocessing())


def _contrast(prepared: "NetInput", vessel: BoolArray) -> float:
    return vessel_contrast(prepared.planes.mean(axis=0), on_grid(vessel, prepared, "soft"), prepared.inside)


def _fitting_turn(prepared: "NetInput", vessel: BoolArray, shape: tuple[int, int], as_it_is: float = 0.0) -> int:
    contrasts = {}
    for turn in TURNS:
        changed = turned(vessel, turn)
        if changed.shape == shape:
            contrasts[turn] = _contrast(prepared, changed)
    best = max(contrasts, key=lambda turn: contrasts[turn], default=1)
    return best if contrasts and contrasts[best] >= max(FITTING_CONTRAST, as_it_is + 0.2) else 1


def on_grid(vessel: BoolArray | FloatArray, prepared: "NetInput", targets: Targets) -> FloatArray:
    """The label, or probabilities, on the grid of the prepared photograph, float32 (h, w), 0 outside the field of view.

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
