"""Small and other pictures of a photograph, ready to be shown. No Qt."""

from dataclasses import replace

import cv2
import numpy as np

from core.photo.views import make_view
from core.types import ByteArray, FieldOfView, FundusImage
from serr_gui.model.enhancing import EnhancedPhoto
from serr_gui.model.state import Base, BaseView


def make_base_view(
    image: FundusImage, fov: FieldOfView | None, base: Base, enhanced: EnhancedPhoto | None = None
) -> BaseView:
    """The picture for a base view (``core.photo.views``): for the eye only, the network has its own recipe.

    ``enhanced`` : the enhanced picture that is seen, of which the same is made.
    """
    pixels = make_view(image, base, fov=fov)
    if enhanced is None:
        return BaseView(image, base, pixels)
    picture = enhanced.picture
    other = make_view(FundusImage(picture.rgb), base, fov=None if fov is None else _finer(fov, picture.scale))
    return BaseView(image, base, pixels, enhanced, replace(enhanced.wipe, pixels=other))


def _finer(fov: FieldOfView, scale: int) -> FieldOfView:
    """A field of view on a grid whose pixels are ``scale`` times as fine."""
    if scale == 1:
        return fov
    return replace(fov, inside=fov.inside.repeat(scale, axis=0).repeat(scale, axis=1))


def thumbnail(image: FundusImage, side_px: int) -> ByteArray:
    """The photograph within a square of ``side_px``, uint8 (h, w, 3), contiguous."""
    height, width = image.shape
    scale = side_px / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(image.rgb, size, interpolation=how), dtype=np.uint8)
