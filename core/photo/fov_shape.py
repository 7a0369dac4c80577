"""Whether what is lit in a photograph has the outline of the circle that was found, and what its outline is if not.

A photograph stretched to another format shows an ellipse, one that was turned after its circle was cut straight has a
slanting edge, a mosaic is wider than any of its circles. A circle goes through parts of all these outlines.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from core.photo.fov_border import Cuts
from core.photo.fov_search import EDGE, FoundCircle, large_parts
from core.photo.histograms import counts_of, percentile_of
from core.types import BoolArray, ByteArray

ODD = 0.07
"""From this share on of the outline that lies, with a sharp edge, beside the circle, it is odd. Published photographs
have up to 0.03; drawn ones that were stretched by 8 % have 0.34, or 0.08 where half of the rim is in the dark."""

# Within five pixels at a sharp edge the logarithm of the distance from the surround changes by this, and the distance
# rises above this share of that of the retina: dark rims fade out.
_SHARP, _LIT = 1.5 * EDGE, 0.25
# How far an outline must be from another not to lie on it, and how near to an ellipse to lie on it, in mean radii.
_BESIDE, _ON_ELLIPSE = 0.03, 0.02
# The least share of the sharp outline that lies on the ellipse of a stretched photograph, its least and
# its largest ratio of axes.
_ELLIPSE_SHARE, _NARROWEST, _NOT_STRETCHED = 0.85, 0.4, 0.98
# A part that fills less of its hull is bitten into, by a lesion or a lash; so little beside the circle does not count.
_CONVEX, _LITTLE = 0.95, 0.03
# Stray light around the circle is measured up to here, in its radii.
_RING = 1.08

Points = npt.NDArray[np.float32]
Ellipse = tuple[tuple[float, float], tuple[float, float], float]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What is lit in and around a circle.

    Parameters
    ----------
    part : uint8 (h, w) of 0 and 1, on the small copy.
    edge : the pixels x, y of its outline inside the picture where that is sharp, (n, 2).
    beside : share of the outline inside the picture that is sharp and does not lie on the outline of the circle.
    outside : what of it lies outside the circle, in shares of the area of the circle.
    """

    part: ByteArray
    edge: Points
    beside: float
    outside: float

    @property
    def is_odd(self) -> bool:
        return self.beside > ODD

    @property
    def share(self) -> float:
        """Its share of the picture."""
        return float(self.part.mean())

    @property
    def is_bitten(self) -> bool:
        """Whether it is the circle without something dark at its rim, which may well be retina."""
        hull = cv2.contourArea(cv2.convexHull(_outline(self.part)))
        return self.outside < _LITTLE and int(self.part.sum()) < _CONVEX * hull

    def ellipse(self) -> Ellipse | None:
        """The ellipse on which nearly all of its outline lies (centre, axes, angle in degrees), or None."""
        points = self.edge
        for _ in range(3):
            if len(points) < 20:
                return None
            (x, y), (first, second), angle = cv2.fitEllipseDirect(points)
            box = (x, y), (first, second), angle
            near = _off_ellipse(self.edge, box) < _ON_ELLIPSE
            points = self.edge[near]
        narrow, wide = sorted(box[1])
        if narrow > _NOT_STRETCHED * wide:
            return None
        return box if near.mean() > _ELLIPSE_SHARE and narrow > _NARROWEST * wide else None


def shape_of(found: FoundCircle, cuts: Cuts) -> Shape | None:
    """What is lit in and around a circle with its straight cuts, or None where there is no such part."""
    distance, noise = found.distance, found.surround.noise
    disc = found.circle.disc(distance.shape)
    ring = distance[found.circle.disc(distance.shape, _RING) > disc]
    around = percentile_of(counts_of(ring), 25) if ring.size else 0.0  # stray light, where that is
    level = max(found.cut, float(np.sqrt((around + noise) * (found.level + noise))))
    parts = large_parts(distance > level)
    if not parts:
        return None
    part = max(parts, key=lambda each: int((each & disc).sum()))
    expected = np.zeros_like(disc)
    top, left, bottom, right = cuts
    expected[top:bottom, left:right] = disc[top:bottom, left:right]
    area = int(expected.sum())
    height, width = part.shape
    outline = _outline(part)
    x, y = outline.T
    free = outline[(x > 2) & (y > 2) & (x < width - 3) & (y < height - 3)]
    off_line = np.ones_like(part)
    cv2.drawContours(off_line, [_outline(expected)], -1, 0)
    away = cv2.distanceTransform(off_line, cv2.DIST_L2, 3)
    x, y = free.T
    sharp = _is_sharp(found)[y, x]
    beside = sharp & (away[y, x] > _BESIDE * np.sqrt(area / np.pi))
    outside = int((part & (1 - expected)).sum())
    return Shape(part, free[sharp].astype(np.float32), float(beside.sum()) / max(1, len(free)), outside / max(1, area))


def filled_ellipse(box: Ellipse, shape: Shape, picture: tuple[int, int]) -> BoolArray:
    """The ellipse of a shape on a picture (H, W), within the sides of the shape, where a circle may be cut straight."""
    scale = max(picture) / max(shape.part.shape)
    (x, y), (first, second), angle = box
    unit = 16
    filled = np.zeros(picture, np.uint8)
    centre = round(((x + 0.5) * scale - 0.5) * unit), round(((y + 0.5) * scale - 0.5) * unit)
    # The outline runs through the outermost pixels, half a pixel inside the edge.
    axes = round((first + 1) * scale / 2 * unit), round((second + 1) * scale / 2 * unit)
    cv2.ellipse(filled, centre, axes, angle, 0, 360, 1, cv2.FILLED, cv2.LINE_8, 4)
    left, top, width, height = (round(side * scale) for side in cv2.boundingRect(shape.part))
    within = np.zeros_like(filled)
    within[top : top + height, left : left + width] = filled[top : top + height, left : left + width]
    return within.view(np.bool_)


def enlarged(part: ByteArray, picture: tuple[int, int]) -> BoolArray:
    """A part of the small copy on the picture (H, W)."""
    height, width = picture
    smooth = cv2.resize(part * np.uint8(255), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(smooth > 127, np.bool_)


def _outline(part: ByteArray) -> npt.NDArray[np.int32]:
    found, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(max(found, key=len), np.int32).reshape(-1, 2)


def _is_sharp(found: FoundCircle) -> BoolArray:
    ball, noise = np.ones((5, 5), np.uint8), np.float32(found.surround.noise)
    high, low = cv2.dilate(found.distance, ball), cv2.erode(found.distance, ball)
    steep = np.log((high + noise) / (low + noise)) > _SHARP
    return np.asarray(steep & (high > _LIT * found.level), np.bool_)


def _off_ellipse(points: Points, box: Ellipse) -> npt.NDArray[np.float64]:
    """How far points are from an ellipse, in its radii."""
    (x, y), (first, second), angle = box
    turned = np.radians(angle)
    right, down = points[:, 0] - x, points[:, 1] - y
    along = (right * np.cos(turned) + down * np.sin(turned)) / max(first / 2, 1e-6)
    across = (down * np.cos(turned) - right * np.sin(turned)) / max(second / 2, 1e-6)
    return np.asarray(np.abs(np.hypot(along, across) - 1), np.float64)
