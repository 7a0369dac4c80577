"""Other pictures of a photograph to look at: single channels and enhanced contrast. They never reach the network."""

from typing import Literal, get_args

import cv2
import numpy as np

from core.types import ByteArray, FieldOfView, FundusImage

View = Literal["colour", "red", "green", "blue", "enhanced", "enhanced_colour"]
VIEWS: tuple[View, ...] = get_args(View)

CLIP_LIMIT = 3.0
TILES = 8

_CHANNELS: dict[View, int] = {"red": 0, "green": 1, "blue": 2}


def make_view(image: FundusImage, view: View, *, fov: FieldOfView | None = None) -> ByteArray:
    """A picture of the photograph.

    "red", "green" and "blue" are single channels as grey. "enhanced" is the green channel, in which vessels have
    the most contrast, after contrast-limited adaptive histogram equalisation (CLAHE; Zuiderveld, Graphics Gems IV,
    1994, 474-485) with clip limit 3 on 8 x 8 tiles; "enhanced_colour" does the same to the lightness (CIE L*) and
    keeps the colours.

    Parameters
    ----------
    fov : with it the tiles divide its bounding box, so that black margins change nothing, and what lies outside
    stays as it
        is: CLAHE would bring up the noise there.

    Returns
    -------
    uint8 (H, W, 3) for the colour views, else (H, W); "colour" is the photograph's own array.

    Raises
    ------
    ValueError : the field of view has another size than the photograph.
    """
    if fov is not None and fov.shape != image.shape:
        raise ValueError(f"the field of view has shape {fov.shape}, the photograph {image.shape}")
    if view == "colour":
        return image.rgb
    if view == "enhanced":
        return _equalise(image.rgb[:, :, 1], fov)
    if view == "enhanced_colour":
        return _equalise_lightness(image.rgb, fov)
    return np.ascontiguousarray(image.rgb[:, :, _CHANNELS[view]])


def small_copy(pixels: ByteArray, side_px: int) -> ByteArray:
    """The picture with its longer side cut down to ``side_px`` by averaging; a smaller one as it is.

    ``pixels`` uint8 (H, W) or (H, W, 3).
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(small, dtype=np.uint8)


def _equalise_lightness(rgb: ByteArray, fov: FieldOfView | None) -> ByteArray:
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB)
    lab[:, :, 0] = _equalise(np.asarray(lab[:, :, 0], dtype=np.uint8), fov)
    enhanced = np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), dtype=np.uint8)
    if fov is not None:
        np.copyto(enhanced, rgb, where=~fov.inside[:, :, np.newaxis])
    return enhanced


def _equalise(plane: ByteArray, fov: FieldOfView | None) -> ByteArray:
    """CLAHE of one plane, uint8 (H, W)."""
    clahe = cv2.createCLAHE(clipLimit=CLIP_LIMIT, tileGridSize=(TILES, TILES))
    if fov is None:
        return np.asarray(clahe.apply(np.ascontiguousarray(plane)), dtype=np.uint8)
    top, left, bottom, right = fov.box
    result = plane.copy()
    part = np.asarray(clahe.apply(np.ascontiguousarray(plane[top:bottom, left:right])), dtype=np.uint8)
    np.copyto(result[top:bottom, left:right], part, where=fov.inside[top:bottom, left:right])
    return result
