"""The field of view from the photograph itself: the round part that shows the retina, without what surrounds it.

1. The surround is an even colour in the corners, and each pixel has a distance from it (``surround``).
2. At several cuts of that distance, from just above the noise to the level of the retina, the largest parts are
   taken, and through the outline of each go circles, of which only a part must be seen (``circles``). A bright
   optic disc, dark retina at the rim or glare make some of these circles wrong, but hardly all.
3. The circle is taken along which the distance falls most, as a ratio, from inside to outside, with least retina
   outside (``fov_search``). A ratio sees the border of dark retina as well as that of bright retina.
4. The circle rules, within straight cuts at its four sides. Near it each pixel decides where the border is seen
   there; small tabs by which cameras mark one side stay (``fov_border``).
5. Where the sharp outline of what is lit is not on the circle, that outline is taken: an ellipse in a photograph
   that was stretched, a turned cut, a mosaic (``fov_shape``).
6. Where no circle fits, a part with a sharp outline is taken as it is; a photograph in a rectangle on a page is
   looked at within its rectangle.

Whatever is odd about the outcome becomes a doubt (``fov_doubts``).
"""

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import FieldOfViewError
from core.files import display_path
from core.photo.fov_border import pixels_inside, straight_cuts
from core.photo.fov_doubts import DARK_PART, NOT_ROUND, WHOLE_PICTURE, doubts_of_circle, small_field, stretched
from core.photo.fov_search import FoundCircle, best_circle, lit_share, sharpest_part
from core.photo.fov_shape import enlarged, filled_ellipse, shape_of
from core.photo.histograms import counts_of, percentile_of
from core.types import BoolArray, ByteArray, Doubt, FieldOfView, FundusImage

COARSE_SIDE_PX = 480
"""Longer side of the reduced copy."""

MIN_LEVEL = 12
"""A picture that is darker than this (of 255) nearly all over shows nothing."""

MIN_SHARE = 0.05
"""Least share of the picture that a field of view can have."""

# A part that fills its bounding box is a rectangle; one that fills the picture is not part of it.
_RECTANGLE, _WHOLE = 0.95, 0.97


def estimate_field_of_view(image: FundusImage) -> FieldOfView:
    """Find the field of view of a photograph.

    Returns
    -------
    FieldOfView : with origin "estimated", or "full" where no surround can be seen, because the photograph was
        cropped inside the retina; with doubts where something about it is odd.

    Raises
    ------
    FieldOfViewError : the photograph is all dark, the same everywhere, or what is bright in it is too small.
    """
    small = _reduced(image.rgb)
    if percentile_of(counts_of(small[::2, ::2].reshape(-1)), 99.5) < MIN_LEVEL or small.min() == small.max():
        raise FieldOfViewError(
            f"No field of view can be seen in {_name(image)}: the photograph is dark or the same all over. "
            "Choose a better exposed one, or give a field-of-view mask."
        )
    inside, doubts = _found(image.rgb, small)
    if inside is None:
        share = lit_share(small)
        if share < MIN_SHARE:
            raise FieldOfViewError(
                f"No field of view can be seen in {_name(image)}: what is bright covers only {share:.0%} of it. "
                "Give a field-of-view mask, or use the whole picture."
            )
        return FieldOfView(np.ones(image.shape, np.bool_), "full", doubts=doubts)
    inside.setflags(write=False)  # so that the box takes it over without a copy
    return FieldOfView(inside, "estimated", doubts=doubts)


def _found(rgb: ByteArray, small: ByteArray, *, within: bool = False) -> tuple[BoolArray | None, tuple[Doubt, ...]]:
    """The pixels inside, or None for all of them; ``within`` where the picture is a rectangle cut out of another."""
    found = best_circle(small)
    if found is not None and found.circle.disc(small.shape).mean() >= MIN_SHARE:
        return _by_circle(found, rgb)
    part = sharpest_part(small)
    if part is None or not MIN_SHARE <= part.mean() <= _WHOLE:
        return None, (WHOLE_PICTURE,)
    inside = enlarged(part, rgb.shape[:2])
    left, top, box_width, box_height = cv2.boundingRect(inside.view(np.uint8))
    if not within and np.count_nonzero(inside) > _RECTANGLE * box_width * box_height:
        rows, columns = slice(top, top + box_height), slice(left, left + box_width)
        cut_out = np.ascontiguousarray(rgb[rows, columns])
        if min(cut_out.shape[:2]) >= COARSE_SIDE_PX // 10:
            of_cut_out, doubts = _found(cut_out, _reduced(cut_out), within=True)
            if of_cut_out is not None:
                inside[:] = False
                inside[rows, columns] = of_cut_out
                return inside, doubts
    return inside, (NOT_ROUND, *small_field(float(part.mean())))


def _by_circle(found: FoundCircle, rgb: ByteArray) -> tuple[BoolArray, tuple[Doubt, ...]]:
    """The pixels inside a circle, or inside the outline that is seen beside it."""
    doubts = tuple(doubts_of_circle(found))
    cuts = straight_cuts(found)
    shape = shape_of(found, cuts)
    if shape is None or not shape.is_odd or "several_fields" in {doubt.kind for doubt in doubts}:
        return pixels_inside(found, cuts, rgb), doubts
    ellipse = shape.ellipse()
    if ellipse is not None:
        return filled_ellipse(ellipse, shape, rgb.shape[:2]), (stretched(ellipse), *small_field(shape.share))
    if shape.is_bitten:
        return pixels_inside(found, cuts, rgb), (DARK_PART, *doubts)
    return enlarged(shape.part, rgb.shape[:2]), (NOT_ROUND, *small_field(shape.share))


def _reduced(rgb: ByteArray) -> ByteArray:
    """A copy with a longer side of at most COARSE_SIDE_PX; of large photographs only every second pixel, third, ..."""
    height, width = rgb.shape[:2]
    every = max(1, max(height, width) // (2 * COARSE_SIDE_PX))
    rgb = rgb[every // 2 :: every, every // 2 :: every]
    scale = min(1.0, COARSE_SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small: npt.ArrayLike = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) if scale < 1 else rgb
    return np.asarray(cv2.medianBlur(np.asarray(small), 3), np.uint8)


def _name(image: FundusImage) -> str:
    return display_path(image.source.name) if image.source is not None else "the photograph"
