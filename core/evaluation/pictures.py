"""Small pictures for reports: the photograph, and where the mask differs from the label."""

from dataclasses import dataclass

import cv2
import numpy as np

from core.evaluation.error_map import ERROR_COLOURS
from core.photo.views import small_copy
from core.types import BoolArray, ByteArray, FieldOfView, FundusImage

_OUTSIDE = 48
"""Grey of what is not counted."""


@dataclass(frozen=True, slots=True)
class Thumbnails:
    """``photo`` as JPEG and ``errors`` as PNG, of the same size."""

    photo: bytes
    errors: bytes


def thumbnails(image: FundusImage, fov: FieldOfView, codes: ByteArray, inside: BoolArray, side_px: int) -> Thumbnails:
    """Pictures of the field of view whose longer side is ``side_px`` (or shorter, as the photograph is).

    Parameters
    ----------
    codes : the error map, uint8 (H, W). ``inside`` : bool (H, W), where it counts.
    """
    top, left, bottom, right = fov.box
    part = slice(top, bottom), slice(left, right)
    photo = small_copy(image.rgb[part], side_px)
    errors = small_copy(error_picture(codes[part], inside[part]), side_px)
    return Thumbnails(
        _encoded(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 85]),
        _encoded(".png", errors, [cv2.IMWRITE_PNG_COMPRESSION, 9]),
    )


def error_picture(codes: ByteArray, inside: BoolArray) -> ByteArray:
    """An error map in colours on black, uint8 (H, W, 3); dark grey where nothing is counted."""
    table = np.zeros((256, 3), dtype=np.uint8)
    for code, colour in ERROR_COLOURS.items():
        table[code] = colour
    picture: ByteArray = table[codes]
    picture[~inside] = _OUTSIDE
    return picture


def _encoded(suffix: str, rgb: ByteArray, options: list[int]) -> bytes:
    good, data = cv2.imencode(suffix, rgb[:, :, ::-1], options)
    if not good:
        raise ValueError(f"pixels of shape {rgb.shape} cannot be written as {suffix}")
    return bytes(data)
