"""Small and other pictures of a photograph, ready to be shown. No Qt."""

import cv2
import numpy as np

from core.photo.views import make_view
from core.types import ByteArray, FieldOfView, FundusImage
from serr_gui.model.state import Base, BaseView


def make_base_view(image: FundusImage, fov: FieldOfView | None, base: Base) -> BaseView:
    """The picture for a base view (``core.photo.views``): for the eye only, the network has its own recipe."""
    return BaseView(image, base, make_view(image, base, fov=fov))


def thumbnail(image: FundusImage, side_px: int) -> ByteArray:
    """The photograph within a square of ``side_px``, uint8 (h, w, 3), contiguous."""
    height, width = image.shape
    scale = side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(image.rgb, size, interpolation=how), dtype=np.uint8)
