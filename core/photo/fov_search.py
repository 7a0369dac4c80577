"""The circle of the field of view on a small copy of a photograph, however dark or bright retina and surround are."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from core.photo.circles import RAYS, Circle, circles_of, moved_onto_edge
from core.photo.histograms import counts_of, median_of, percentile_of
from core.photo.surround import Surround, surrounds
from core.types import BoolArray, ByteArray

EDGE = 0.4
"""A fall of the distance from the surround by this (natural logarithm) is an edge."""

MIN_SEEN, MIN_SCORE = 0.4, 0.2
"""Least share of the rays along which a circle must have an edge, and its least score."""

_CUTS = 6
# The lowest cut: in standard deviations of the surround, and in levels; the highest: in shares of the bright retina.
_LEAST_SIGMAS, _LEAST_CUT, _MOST = 4, 4, 0.6
_LEAST_PART = 0.005
_EVEN_CORNER = 8.0
# Falls count from this to that: an edge against the direction speaks against a circle, and none proves it alone.
_LEAST_FALL, _MOST_FALL = -1.0, 2.0
# The fewest rays that must end inside the picture, and how many are added to them, so that short arcs weigh less.
_MIN_RAYS, _SHORT_ARC = 50, 40
# Where there is no retina on either side, cut off or dark, a ray says little for or against a circle.
_DARK_WEIGHT = 0.3
# A smaller circle than this (radius in shorter sides of the picture) in what looks like retina is the optic disc.
_SMALL_IN_RETINA = 0.3
# Levels inside and outside a circle are taken from every so manyth row and column.
_THIN = 3
# Up to so many parts are counted one by one, which is quicker than all of them in one pass.
_FEW = 24


@dataclass(frozen=True, slots=True, eq=False)
class FoundCircle:
    """A circle on the small copy and how it was found.

    Parameters
    ----------
    score : mean fall of the logarithm of the distance from the surround along its rays, less the share of retina
        outside.
    seen : share of the rays that end inside the picture along which there is an edge; those in the dark count less.
    arc : share of all rays along which there is an edge.
    surround, distance : what is around it, and how far each pixel is from that, uint8 (h, w).
    cut : the distance at which its outline was found.
    level : the median distance inside the circle.
    """

    circle: Circle
    score: float
    seen: float
    arc: float
    surround: Surround
    distance: ByteArray
    cut: float
    level: float


def best_circle(small: ByteArray) -> FoundCircle | None:
    """The circle around which a picture (h, w, 3) falls most from inside to outside; None where none can be seen."""
    best: FoundCircle | None = None
    for surround in surrounds(small):
        distance = surround.distance(small)
        logarithm = np.log(distance + np.float32(surround.noise))
        for cut in cuts(distance, surround):
            for part in large_parts(distance > int(cut)):  # whole levels, which is the same
                for circle in circles_of(part):
                    found = _judged(circle, surround, distance, logarithm, cut)
                    if found is not None and (best is None or found.score > best.score):
                        best = found
    if best is None:
        return None
    logarithm = np.log(best.distance + np.float32(best.surround.noise))
    moved = moved_onto_edge(best.circle, logarithm)
    best = _judged(moved, best.surround, best.distance, logarithm, best.cut) or best
    return best if best.seen >= MIN_SEEN and best.score >= MIN_SCORE else None


def cuts(distance: ByteArray, surround: Surround) -> Iterator[float]:
    """Distances from just above the noise of the surround to the level of the retina, in equal ratios."""
    least = max(_LEAST_SIGMAS * surround.noise, _LEAST_CUT)
    most = _MOST * percentile_of(counts_of(distance[::2, ::2]), 95)
    if most > least:
        yield from np.geomspace(least, most, _CUTS).tolist()


def large_parts(bright: BoolArray, count: int = 2) -> list[ByteArray]:
    """The largest connected parts, freed from thin attachments, their holes filled; each uint8 of 0 and 1."""
    reach = max(3, round(0.012 * max(bright.shape)) | 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    padded = cv2.copyMakeBorder(bright.view(np.uint8), reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    opened = cv2.morphologyEx(padded, cv2.MORPH_OPEN, disc)[reach:-reach, reach:-reach]
    # Without OpenCV's statistics, which take four times as long. There are few parts: what is opened has no specks.
    number, labels = cv2.connectedComponents(np.ascontiguousarray(opened), ltype=cv2.CV_16U)
    if number <= _FEW:
        areas = np.array([np.count_nonzero(labels == label) for label in range(1, number)], np.int64)
    else:
        areas = np.bincount(labels.ravel(), minlength=number)[1:]
    parts = []
    for label in 1 + np.argsort(-areas, kind="stable")[:count]:
        if areas[label - 1] < _LEAST_PART * bright.size:
            break
        part = (labels == label).view(np.uint8)
        outline, _ = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        parts.append(np.asarray(cv2.drawContours(part, outline, -1, 1, cv2.FILLED), np.uint8))
    return parts


def sharpest_part(small: ByteArray) -> ByteArray | None:
    """The large part of a picture (h, w, 3) with the sharpest outline of whatever shape, uint8 (h, w) of 0 and 1."""
    best, most = None, EDGE
    for surround in surrounds(small):
        if surround.is_like_retina:
            continue
        distance = surround.distance(small)
        logarithm = np.log(distance + np.float32(surround.noise))
        for cut in cuts(distance, surround):
            for part in large_parts(distance > cut, 1):
                fall = _fall_at_outline(part, logarithm)
                if fall > most:
                    best, most = part, fall
    return best


def lit_share(small: ByteArray) -> float:
    """The share of a picture (h, w, 3) that differs from its most even corner; 1 where no corner is even."""
    surround = next(surrounds(small))
    if surround.noise > _EVEN_CORNER:
        return 1.0
    return float((surround.distance(small) > _LEAST_SIGMAS * surround.noise).mean())


def edge_share(circle: Circle, found: FoundCircle) -> float:
    """The share of the rays of another circle, on the same copy, along which there is an edge; 0 where it has few."""
    logarithm = np.log(found.distance + np.float32(found.surround.noise))
    other = _judged(circle, found.surround, found.distance, logarithm, found.cut)
    return other.seen if other is not None else 0.0


def _fall_at_outline(part: ByteArray, logarithm: npt.NDArray[np.float32]) -> float:
    """The median just inside the outline of a part less that just outside; 0 where nothing is outside."""
    ball = np.ones((5, 5), np.uint8)
    padded = cv2.copyMakeBorder(part, 2, 2, 2, 2, cv2.BORDER_REPLICATE)
    inner = (part > 0) & (cv2.erode(padded, ball)[2:-2, 2:-2] == 0)
    outer = (part == 0) & (cv2.dilate(part, ball) > 0)
    if not inner.any() or not outer.any():
        return 0.0
    return float(np.median(logarithm[inner]) - np.median(logarithm[outer]))


def _judged(
    circle: Circle, surround: Surround, distance: ByteArray, logarithm: npt.NDArray[np.float32], cut: float
) -> FoundCircle | None:
    step = max(0.012, 2 / circle.radius)
    values = circle.along_rays(logarithm, 1 + step * np.array([-2.0, -1.0, 1.0, 2.0]))
    values = values[:, ~np.isnan(values).any(axis=0)]
    if surround.is_like_retina and circle.radius < _SMALL_IN_RETINA * min(distance.shape):
        return None
    if values.shape[1] < _MIN_RAYS:
        return None
    thin = distance[::_THIN, ::_THIN]
    inside = counts_of(thin, circle.scaled(1 / _THIN).disc(thin.shape).view(np.bool_))
    if not inside.any():
        return None
    level, outside = median_of(inside), counts_of(thin) - inside
    noise = surround.noise
    # The least of a fall at two distances: speckle has one at a single place.
    fall = np.minimum(values[0], values[1]) - np.maximum(values[2], values[3])
    dark = values.max(axis=0) < np.log(noise) + EDGE
    weight = np.where(dark, _DARK_WEIGHT, 1.0)
    lit = np.sqrt(noise * (level + noise))
    lit_outside = float(outside[int(lit) + 1 :].sum() / outside.sum()) if outside.any() else 0.0
    score = float((weight * fall.clip(_LEAST_FALL, _MOST_FALL)).sum() / (weight.sum() + _SHORT_ARC)) - lit_outside
    seen = float((fall > EDGE).sum() / weight.sum())
    arc = float((fall > EDGE).sum()) / RAYS
    return FoundCircle(circle, score, seen, arc, surround, distance, cut, level)
