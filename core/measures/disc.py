"""A proposal of where the optic disc is: where wide vessels meet and the retina is bright.

Every piece of a vessel votes for the places on the line along it, with the square of its width; the disc is where the
lines of the wide vessels meet (as in Foracchia 2004, Youssif 2008, whose models of the course of vessels are not
used). Brightness alone finds exudates and the rim of a photograph, vessels alone find crossings: both have to agree,
and where they do not the proposal says so. It has to be looked at.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.measures.calibres import OpticDisc
from core.measures.vessels import VesselTree
from core.types import FieldOfView, FundusImage

USUAL_RADIUS: Final = 0.07
"""Radius of a disc, of the diameter of a field of view of 45 to 60 degrees."""
_ACROSS_PX: Final = 320
"""The field of view is looked at in this size."""
_RADII: Final = np.linspace(0.75, 1.35, 13)
_RIVAL: Final = 0.75
"""Another place with so much of the score of the best one makes the proposal doubtful."""
_AGREE: Final = 1.0
"""So many deviations above the mean brightness and convergence each have to be."""
_LEAST_VESSELS: Final = 5

_Map = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DiscProposal:
    """A disc, and in ``doubt`` why it may be wrong; empty where brightness and vessels clearly agree.

    Also without a doubt it is a proposal: the benchmark of measures says how often it was right.
    """

    disc: OpticDisc
    doubt: str = ""


def propose_disc(image: FundusImage, fov: FieldOfView, tree: VesselTree) -> DiscProposal:
    """Look for the optic disc of a photograph.

    Parameters
    ----------
    image : the photograph. ``fov`` : its field of view, of the same size.
    tree : its vessels.

    Raises
    ------
    InputError : sizes differ, or there are too few vessels to say anything.
    """
    if image.shape != fov.shape or image.shape != tree.graph.depth.shape:
        raise InputError("The photograph, its field of view and its vessels have different sizes.")
    if len(tree.vessels) < _LEAST_VESSELS:
        raise InputError("There are too few vessels to say where the optic disc is: place it by hand.")
    scale = min(1.0, _ACROSS_PX / fov.diameter_px)
    height, width = (max(1, round(side * scale)) for side in image.shape)
    small = cv2.resize(image.rgb, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    inside = cv2.resize(fov.inside.view(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
    radius = USUAL_RADIUS * fov.diameter_px * scale
    bright = _brightness(small, inside, radius)
    meet = _convergence(tree, scale, (height, width), radius)
    near = _inner(inside, radius)
    bright, meet = _standard(bright, near), _standard(meet, near)
    score = np.where(near, np.minimum(bright, 4.0) + np.minimum(meet, 4.0), -np.inf)
    row, column = (int(each) for each in np.unravel_index(int(np.argmax(score)), score.shape))
    doubt = _doubt(score, bright, meet, (row, column), radius)
    refined, found = _refined(small, inside, (row, column), radius)
    back = 1.0 / scale
    middle = ((refined[0] + 0.5) * back - 0.5, (refined[1] + 0.5) * back - 0.5)
    return DiscProposal(OpticDisc(middle[0], middle[1], found * back), doubt)


def _brightness(small: _Map, inside: npt.NDArray[np.bool_], radius: float) -> _Map:
    """How much brighter the size of a disc is than what is around it: green and red, which is not cut off by both."""
    light = np.asarray(small[..., 1] * 0.6 + small[..., 0] * 0.4, np.float32)
    weight = inside.astype(np.float32)

    def blurred(values: npt.NDArray[np.floating], sigma: float) -> _Map:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32)

    wide = blurred(light * weight, 4 * radius) / np.maximum(blurred(weight, 4 * radius), 1e-3)
    # Vessels in the disc are dark: the upper part of what is there counts, not its mean.
    side = max(3, int(radius * 0.6) | 1)
    filled = cv2.morphologyEx(light, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    return np.asarray(blurred((filled - wide) * weight, 0.6 * radius), np.float32)


def _convergence(tree: VesselTree, scale: float, shape: tuple[int, int], radius: float) -> _Map:
    """How many lines along vessels go through each place, weighted by the square of the width."""
    votes = np.zeros(shape, np.float32)
    reach = 8.0 * radius
    away = np.arange(-reach, reach + 1.0)
    for vessel in tree.vessels:
        width = vessel.width_px if not np.isnan(vessel.width_px) else vessel.twice_depth_px
        step = max(1, round(2.0 / scale))
        points, along = vessel.line.points[::step] * scale, vessel.line.tangents[::step]
        places = points[:, None, :] + away[None, :, None] * along[:, None, :]
        rows, columns = np.rint(places[..., 0]).astype(int).ravel(), np.rint(places[..., 1]).astype(int).ravel()
        share = np.tile(np.exp(-np.abs(away) / (3.0 * radius)), len(points)) * (width * scale) ** 2
        seen = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
        np.add.at(votes, (rows[seen], columns[seen]), share[seen].astype(np.float32))
    return np.asarray(cv2.GaussianBlur(votes, (0, 0), 0.6 * radius), np.float32)


def _inner(inside: npt.NDArray[np.bool_], radius: float) -> npt.NDArray[np.bool_]:
    """Where the middle of a disc may be: most of it has to be seen."""
    padded = np.pad(inside.view(np.uint8), 1)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    inner = depth >= 0.6 * radius
    return inner if inner.any() else inside


def _standard(values: _Map, where: npt.NDArray[np.bool_]) -> _Map:
    """Deviations from the mean of a region."""
    return np.asarray((values - values[where].mean()) / max(float(values[where].std()), 1e-6), np.float32)


def _doubt(score: _Map, bright: _Map, meet: _Map, place: tuple[int, int], radius: float) -> str:
    rows, columns = np.ogrid[: score.shape[0], : score.shape[1]]
    far = np.hypot(rows - place[0], columns - place[1]) > 3 * radius
    if bright[place] < _AGREE:
        return "Where the vessels meet the retina is not bright: look whether the optic disc is there."
    if meet[place] < _AGREE:
        return "Where the retina is bright few vessels meet: look whether the optic disc is there."
    rival = float(score[far].max(initial=-np.inf))
    if rival > _RIVAL * score[place]:
        return "Another place looks almost as much like the optic disc: look whether it is the right one."
    return ""


def _refined(
    small: _Map, inside: npt.NDArray[np.bool_], place: tuple[int, int], radius: float
) -> tuple[tuple[float, float], float]:
    """Middle and radius at which a circle is brightest inside against a ring around it, not far from a place."""
    light = np.minimum(small[..., 1], np.quantile(small[..., 1][inside], 0.995))
    side = max(3, int(radius * 0.6) | 1)
    light = cv2.morphologyEx(light, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    best, least = ((float(place[0]), float(place[1])), radius), -np.inf
    rows, columns = np.mgrid[: small.shape[0], : small.shape[1]]
    reach = int(np.ceil(0.8 * radius))
    top, left = max(0, place[0] - 4 * reach), max(0, place[1] - 4 * reach)
    part = (slice(top, place[0] + 4 * reach + 1), slice(left, place[1] + 4 * reach + 1))
    light, rows, columns, seen = light[part], rows[part], columns[part], inside[part]
    for row in range(place[0] - reach, place[0] + reach + 1, 2):
        for column in range(place[1] - reach, place[1] + reach + 1, 2):
            away = np.hypot(rows - row, columns - column)
            for factor in _RADII:
                length = radius * factor
                disc, ring = (away <= length) & seen, (away > length) & (away <= 1.35 * length) & seen
                if np.count_nonzero(disc) < 8 or np.count_nonzero(ring) < 8:
                    continue
                gain = float(light[disc].mean() - light[ring].mean()) * float(factor) ** 0.5
                if gain > least:
                    least, best = gain, ((float(row), float(column)), length)
    return best
