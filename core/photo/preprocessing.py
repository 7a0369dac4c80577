"""From a photograph to the planes that the network reads, by a recipe that travels inside the weights file.

The default recipe is that of the SERR-U-Net authors (Wang et al. 2021): a grey mix of red and green, standardisation,
contrast-limited adaptive histogram equalisation, gamma. Two things are done with more care here: statistics are taken
inside the field of view only, and everything happens on its bounding box, so that black margins change nothing.
"""

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from core.errors import FieldOfViewError
from core.photo.recipe import Preprocessing
from core.types import BoolArray, ByteArray, FieldOfView, FloatArray, FundusImage

_BAND_ROWS = 64
_CLIP_SD = 3.0  # standardised values beyond this many standard deviations carry no vessel information (reflexes, rims)


@dataclass(frozen=True, slots=True, eq=False)
class NetInput:
    """A prepared photograph.

    ``planes`` is float32 (C, h, w), about [-2, 2], 0 outside the field of view; ``inside`` bool (h, w); ``scale`` is h
    over the height of ``box``, the bounding box of the field of view (top, left, bottom, right) on the photograph of
    ``shape``.
    """

    planes: FloatArray
    inside: BoolArray
    scale: float
    box: tuple[int, int, int, int]
    shape: tuple[int, int]
    recipe: Preprocessing


def prepare(image: FundusImage, fov: FieldOfView, recipe: Preprocessing) -> NetInput:
    """Bring a photograph to the scale and the contrast that a network was trained on.

    The step ``enhance`` comes before this one and needs a network (``core.enhancement.recipe``).

    Parameters
    ----------
    image : the photograph, (H, W).
    fov : its field of view, (H, W).
    recipe : what to do; usually ``card.preprocessing``.

    Raises
    ------
    FieldOfViewError : the field of view has another size than the photograph.
    """
    if image.shape != fov.shape:
        raise FieldOfViewError(
            f"the field of view is {fov.shape[1]} x {fov.shape[0]} pixels but the photograph "
            f"{image.source or ''} is {image.shape[1]} x {image.shape[0]}; choose the mask that belongs to it"
        )
    box = fov.box
    top, left, bottom, right = box
    inside = np.ascontiguousarray(fov.inside[top:bottom, left:right])
    colours = image.rgb[top:bottom, left:right]
    if recipe.colour == "mix":
        planes: list[FloatArray] = [_mixed(colours, np.asarray(recipe.mix, np.float32))]
    else:
        planes = [*np.moveaxis(colours.astype(np.float32), 2, 0)]

    scale = recipe.diameter_for(fov.diameter_px) / fov.diameter_px
    if scale != 1.0:
        size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
        how = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
        planes = [
            np.asarray(cv2.resize(np.ascontiguousarray(plane), size, interpolation=how), np.float32) for plane in planes
        ]
        shrunk = cv2.resize(
            inside.astype(np.float32), size, interpolation=cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
        )
        inside = shrunk >= 0.5
        if not inside.any():
            inside = np.ones_like(inside)
    prepared = np.stack([_enhance(plane, inside, recipe) for plane in planes])
    return NetInput(prepared, inside, scale, box, image.shape, recipe)


def _mixed(colours: ByteArray, weights: FloatArray) -> FloatArray:
    """Weighted sums of the colours. In bands, since all as float32 would be the largest array of a large photograph."""
    mixed = np.empty(colours.shape[:2], np.float32)
    for start in range(0, len(mixed), _BAND_ROWS):
        band = slice(start, start + _BAND_ROWS)
        np.matmul(colours[band].astype(np.float32), weights, out=mixed[band])
    return mixed


def _enhance(plane: FloatArray, inside: BoolArray, recipe: Preprocessing) -> FloatArray:
    """Standardise, equalise and brighten one plane of grey values 0..255; 0 outside the field of view."""
    if recipe.standardise:
        values = plane[inside]
        spread = float(values.std(dtype=np.float64))
        z = (plane - np.float32(values.mean(dtype=np.float64))) / np.float32(max(spread, 1e-3))
        z[~inside] = 0.0  # the mean: a black outside would bend the histograms of the tiles at the rim
        grey = (np.clip(z, -_CLIP_SD, _CLIP_SD) + _CLIP_SD) * np.float32(255.0 / (2.0 * _CLIP_SD))
    else:
        grey = np.clip(plane, 0.0, 255.0)
    levels = np.rint(grey).astype(np.uint8)
    if recipe.clahe_clip > 0:
        tiles = (recipe.clahe_tiles, recipe.clahe_tiles)
        levels = np.asarray(cv2.createCLAHE(clipLimit=recipe.clahe_clip, tileGridSize=tiles).apply(levels), np.uint8)
    # One table for gamma and for the move to about [-2, 2].
    ramp = np.linspace(0.0, 1.0, 256) ** (1.0 / recipe.gamma)
    table = ((ramp - 0.5) * 4.0).astype(np.float32)
    out = table[levels]
    out[~inside] = 0.0
    return cast(FloatArray, out)


def restore(values: FloatArray, prepared: NetInput, fov: FieldOfView) -> FloatArray:
    """Bring a map from the network's grid (h, w) back to the photograph's (H, W), 0 outside the field of view."""
    if values.shape != prepared.inside.shape:
        raise ValueError(f"the map is {values.shape}, the prepared photograph {prepared.inside.shape}")
    top, left, bottom, right = prepared.box
    size = (right - left, bottom - top)
    if prepared.scale != 1.0:
        how = cv2.INTER_LINEAR if prepared.scale < 1.0 else cv2.INTER_AREA
        values = np.asarray(cv2.resize(np.ascontiguousarray(values), size, interpolation=how), np.float32)
    out = np.zeros(prepared.shape, np.float32)
    inside = fov.inside[top:bottom, left:right]
    np.copyto(
        out[top:bottom, left:right],
        np.clip(values, 0.0, 1.0, out=None if prepared.scale == 1.0 else values),
        where=inside,
    )
    return out
