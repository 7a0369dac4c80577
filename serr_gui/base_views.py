"""Other pictures of the photograph to look at: single channels and a contrast-enhanced view. No Qt."""

import cv2
import numpy as np

from core.types import ByteArray, FundusImage
from serr_gui.state import Base, BaseView

_CHANNELS: dict[Base, int] = {"red": 0, "green": 1, "blue": 2}
_CLIP = 3.0
_TILES = (8, 8)


def make_base_view(image: FundusImage, base: Base) -> BaseView:
    """The picture for a base view; "colour" is the photograph itself.

    "enhanced" is the green channel, in which vessels have the most contrast, after CLAHE (Zuiderveld, Graphics Gems IV,
    1994) on 8 x 8 tiles with clip limit 3. It is for the eye only: the network has its own recipe.
    """
    pixels: ByteArray
    if base == "colour":
        pixels = image.rgb
    elif base == "enhanced":
        green = np.ascontiguousarray(image.rgb[:, :, 1])
        pixels = np.asarray(cv2.createCLAHE(clipLimit=_CLIP, tileGridSize=_TILES).apply(green), dtype=np.uint8)
    else:
        pixels = np.ascontiguousarray(image.rgb[:, :, _CHANNELS[base]])
    return BaseView(image, base, pixels)


def thumbnail(image: FundusImage, side_px: int) -> ByteArray:
    """The photograph within a square of ``side_px``, uint8 (h, w, 3), contiguous."""
    height, width = image.shape
    scale = side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(image.rgb, size, interpolation=how), dtype=np.uint8)
