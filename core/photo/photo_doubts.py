"""Whether a picture looks like a sharp colour photograph of a retina. It is never refused: a doubt says what is odd.

All is measured inside the field of view, on a copy on which its diameter is ``SIDE_PX``, as few plain numbers whose
limits leave room on both sides: between those of published photographs and those of pictures of other things
(docs/benchmarks/photo-doubts.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import FieldOfViewError
from core.photo.enhanced import enhanced_doubt
from core.photo.field_of_view import estimate_field_of_view
from core.photo.histograms import counts_of, median_of
from core.types import BoolArray, ByteArray, Doubt, FieldOfView, FundusImage

SIDE_PX = 256

MIN_DIAMETER_PX = 200
"""Chosen on DRIVE's training part: at this diameter of the field of view its widest vessels are less than three pixels
wide, and the labels, reduced to it, have an F1 of 0.80 with themselves; at 150 pixels 0.74."""

GREY = 0.06
"""Below this saturation (0 to 1) a photograph is grey."""

MIN_LINES, BRIGHT_LINES = 0.06, -0.08
"""Logarithm of the strength of dark lines over that of bright lines. Published photographs have 0.11 to 0.55; noise
and photographs of other things have 0; in angiograms it is below zero."""

MIN_SHARP = 0.42
"""Fine structure over coarser structure. Published photographs have 0.58 to 1.2."""

MIN_CONTRAST = 0.005
"""Strength of the strongest dark lines, in shares of the brightness around them."""

NOISE = 0.35
"""Below this correlation of neighbouring pixels there is nothing but noise."""

FLAT, FLAT_STRUCTURE = 0.6, 0.05
"""Share of pixels that equal their neighbours, and the least fine structure beside them: drawn, not photographed."""

STRAIGHT = 0.45
"""Share of edges that are exactly horizontal or vertical."""

_SIGMA = 1.0
_STRONGEST = 0.05


@dataclass(frozen=True, slots=True)
class Looks:
    """The numbers by which a picture is judged; the constants above say what they mean."""

    diameter_px: int
    red: float
    green: float
    blue: float
    saturation: float
    lines: float
    contrast: float
    fine: float
    sharpness: float
    correlation: float
    flat: float
    straight: float

    @property
    def is_grey(self) -> bool:
        """Also where only the green channel holds anything, as some cameras store red-free photographs."""
        return self.saturation < GREY or max(self.red, self.blue) < 0.1 * self.green


def doubts_about(image: FundusImage, fov: FieldOfView) -> tuple[Doubt, ...]:
    """Everything that is doubtful about a photograph and its field of view, each once: first that it is enhanced."""
    region = fov
    if fov.origin == "full" and "whole_picture" not in {doubt.kind for doubt in fov.doubts}:
        # Asked for: the edge of the retina may lie inside.
        try:
            region = estimate_field_of_view(image)
        except FieldOfViewError:
            region = fov
    made = enhanced_doubt(image)
    first = () if made is None else (made,)
    return tuple(dict.fromkeys((*first, *fov.doubts, *judged(measured(image, region)))))


def judged(looks: Looks) -> Iterator[Doubt]:
    """The doubts that follow from the numbers."""
    if looks.diameter_px < MIN_DIAMETER_PX:
        yield Doubt(
            "small_photograph",
            f"The retina is only {looks.diameter_px} pixels wide: small vessels cannot be seen. Use the original "
            f"photograph, with {MIN_DIAMETER_PX} pixels or more.",
        )
    why = _other_than_a_fundus(looks)
    if why:
        yield Doubt("not_a_fundus", f"This does not look like a colour photograph of a retina: {why}.")
    elif looks.sharpness < MIN_SHARP or looks.contrast < MIN_CONTRAST:
        yield Doubt("blurred", "No sharp vessels can be seen: the photograph seems to be out of focus.")
    elif looks.is_grey and looks.lines < BRIGHT_LINES:
        yield Doubt(
            "angiogram",
            "This looks like an angiogram or a negative: vessels are brighter than what is around them. The models "
            "know only dark vessels.",
        )
    elif looks.lines < MIN_LINES:
        yield Doubt(
            "not_a_fundus",
            "This does not look like a colour photograph of a retina: there are no more dark lines than bright ones.",
        )
    elif looks.is_grey:
        yield Doubt("grey", "The photograph is grey. The models were trained on colour photographs.")


def _other_than_a_fundus(looks: Looks) -> str:
    """Why it is not a fundus photograph, whatever its lines look like, or an empty text."""
    if looks.straight > STRAIGHT:
        return "nearly all edges are horizontal or vertical, as in a screenshot"
    if looks.flat > FLAT and looks.fine > FLAT_STRUCTURE:
        return "large parts are perfectly even, as in a document or a drawing"
    if looks.correlation < NOISE:
        return "neighbouring pixels have little in common, as in noise"
    if not looks.is_grey and (looks.blue > looks.red or looks.green > 1.4 * looks.red):
        return "it is not red, orange or yellow"
    return ""


def measured(image: FundusImage, fov: FieldOfView) -> Looks:
    """Measure a picture inside its field of view."""
    top, left, bottom, right = fov.box
    diameter = max(bottom - top, right - left)
    rgb, inside = image.rgb[top:bottom, left:right], fov.inside[top:bottom, left:right]
    scale = min(1.0, SIDE_PX / diameter)
    size = (max(8, round((right - left) * scale)), max(8, round((bottom - top) * scale)))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    within = np.asarray(cv2.resize(inside.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST), np.uint8)
    core = _eroded(within, max(3, max(size) // 10))
    planes = cv2.split(small)
    red, green, blue = (_median(plane, core) for plane in planes)
    brightest = max(red, green, blue, 1.0)
    # Plane by plane: max(axis=2) takes ten times as long.
    highest, lowest = (
        cv2.max(cv2.max(planes[0], planes[1]), planes[2]),
        cv2.min(cv2.min(planes[0], planes[1]), planes[2]),
    )
    saturation = _median(cv2.subtract(highest, lowest), core) / brightest
    plane = planes[1].astype(np.float32) if saturation >= GREY else small.astype(np.float32).mean(axis=2)
    even = _evened(plane, within.astype(np.float32))
    soft = _soft(even, _SIGMA)
    fine_plane, coarse_plane = even - soft, soft - _soft(even, 3)
    fine, coarse = float(fine_plane[core].std()), float(coarse_plane[core].std())
    dark, bright = _line_strengths(soft, core)
    return Looks(
        diameter_px=diameter,
        red=red,
        green=green,
        blue=blue,
        saturation=saturation,
        lines=float(np.log((dark + 1e-4) / (bright + 1e-4))),
        contrast=max(dark, bright),
        fine=fine,
        sharpness=fine / max(coarse, 1e-6),
        correlation=_correlation(even, core),
        flat=_flat_share(rgb, inside),
        straight=_straight_share(plane, core),
    )


def _eroded(within: ByteArray, reach: int) -> BoolArray:
    """The inside without its border, or all of it where nothing is left."""
    padded = cv2.copyMakeBorder(within, reach, reach, reach, reach, cv2.BORDER_CONSTANT)
    core = cv2.erode(padded, np.ones((reach, reach), np.uint8))[reach:-reach, reach:-reach] > 0
    return core if np.count_nonzero(core) > 50 else within > 0


def _median(plane: npt.ArrayLike, core: BoolArray) -> float:
    return median_of(counts_of(np.asarray(plane, np.uint8), core))


def _soft(plane: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)


def _evened(plane: npt.NDArray[np.float32], within: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The plane in shares of the brightness around each pixel, 0 for neither brighter nor darker."""
    around = _soft(plane * within, 12) / np.maximum(_soft(within, 12), np.float32(1e-3))
    return np.asarray(np.where(within > 0, (plane + 4) / (around + 4) - 1, 0), np.float32)


def _line_strengths(soft: npt.NDArray[np.float32], core: BoolArray) -> tuple[float, float]:
    """How strong the strongest dark and bright lines are: the larger curvature less that across it (Hessian)."""
    xx, yy, xy = (cv2.Sobel(soft, cv2.CV_32F, *order, scale=0.25)[core] for order in ((2, 0), (0, 2), (1, 1)))
    middle, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    high, low = middle + spread, middle - spread
    count = max(1, int(_STRONGEST * high.size))
    dark, bright = np.maximum(high - np.abs(low), 0), np.maximum(-low - np.abs(high), 0)
    return tuple(float(np.partition(line, -count)[-count:].mean()) for line in (dark, bright))  # type: ignore[return-value]


def _correlation(even: npt.NDArray[np.float32], core: BoolArray) -> float:
    both = core[:, 1:] & core[:, :-1]
    one, other = even[:, 1:][both], even[:, :-1][both]
    if one.size < 2 or one.std() < 1e-6 or other.std() < 1e-6:
        return 1.0
    return float(np.corrcoef(one, other)[0, 1])


def _flat_share(rgb: ByteArray, inside: BoolArray) -> float:
    """Looked at in every fourth row, along it, at full resolution: there what is drawn differs from what is seen."""
    rows = np.ascontiguousarray(rgb[::4])
    differs = np.asarray(cv2.morphologyEx(rows, cv2.MORPH_GRADIENT, np.ones((1, 3), np.uint8)), np.uint8)
    in_any = differs[:, :, 0] | differs[:, :, 1] | differs[:, :, 2]  # max(axis=2) takes ten times as long
    return float((in_any == 0)[inside[::4]].mean())


def _straight_share(plane: npt.NDArray[np.float32], core: BoolArray) -> float:
    across, down = (cv2.Sobel(plane, cv2.CV_32F, *order)[core] for order in ((1, 0), (0, 1)))
    strength = np.hypot(across, down)
    angle = np.abs(np.degrees(np.arctan2(down, across))) % 90
    return float(strength[(angle < 4) | (angle > 86)].sum() / max(float(strength.sum()), 1e-6))
