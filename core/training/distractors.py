"""Things of the retina that look like vessels and are none, drawn into crops: hard negatives.

A network calls laser scars, haemorrhages, the rims of atrophy and the vessels of the choroid vessels where it has seen
few of them. Their label is that of the photograph: a vessel under a haemorrhage keeps its own.
"""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from core.types import FloatArray

_MOST = 4  # of one kind in a crop
_Draw = Callable[[int, np.random.Generator], FloatArray]


def with_distractors(planes: FloatArray, random: np.random.Generator) -> FloatArray:
    """Planes float32 (C, s, s) of about [-2, 2] with one kind of distractor at some places, alike in every plane."""
    kinds = list(KINDS.values())
    draw = kinds[int(random.integers(len(kinds)))]
    change = sum(draw(planes.shape[-1], random) for _ in range(int(random.integers(1, _MOST + 1))))
    return np.asarray(planes + change, np.float32)


def _laser_scar(side: int, random: np.random.Generator) -> FloatArray:
    """A pale round spot with a dark rim."""
    centre, radius = _place(side, random), random.uniform(4.0, 14.0)
    spot, rim = np.zeros((side, side), np.float32), np.zeros((side, side), np.float32)
    cv2.circle(spot, centre, round(radius), random.uniform(0.4, 1.4), cv2.FILLED)
    cv2.circle(rim, centre, round(radius), random.uniform(0.3, 1.0), int(random.integers(1, 4)))
    return _soft(spot, random) - _soft(rim, random)


def _haemorrhage(side: int, random: np.random.Generator) -> FloatArray:
    """A dark blot of irregular outline; the smallest are microaneurysms."""
    middle, radius = np.array(_place(side, random)), np.exp(random.uniform(np.log(2.0), np.log(16.0)))
    angles = np.linspace(0.0, 2 * np.pi, 14, endpoint=False)
    reach = radius * random.uniform(0.6, 1.3, angles.size)
    outline = middle + np.stack([reach * np.cos(angles), reach * np.sin(angles) * random.uniform(0.4, 1.0)], axis=1)
    blot = np.zeros((side, side), np.float32)
    cv2.fillPoly(blot, [np.rint(outline).astype(np.int32)], random.uniform(0.5, 1.6))
    return -_soft(blot, random)


def _rim(side: int, random: np.random.Generator) -> FloatArray:
    """A large pale field with a sharp edge: atrophy, or the disc's surroundings."""
    axes = random.uniform(0.1, 0.45, 2) * side
    field = np.zeros((side, side), np.float32)
    turn = random.uniform(0.0, 180.0)
    cv2.ellipse(field, _place(side, random), (round(axes[0]), round(axes[1])), turn, 0, 360, 1.0, cv2.FILLED)
    return _soft(field, random) * np.float32(random.uniform(0.2, 0.7))


def _choroidal_vessel(side: int, random: np.random.Generator) -> FloatArray:
    """A broad, faint, curved band, darker or paler than what is around it, without a sharp edge."""
    start, end = random.uniform(-0.2, 1.2, (2, 2)) * side
    bend = (start + end) / 2 + random.uniform(-0.3, 0.3, 2) * side
    along = np.linspace(0.0, 1.0, 32)[:, None]
    path = (1 - along) ** 2 * start + 2 * along * (1 - along) * bend + along**2 * end
    width, band = random.uniform(6.0, 16.0), np.zeros((side, side), np.float32)
    cv2.polylines(band, [np.rint(path).astype(np.int32)], False, 1.0, round(width))
    strength = random.uniform(0.15, 0.6) * random.choice([-1.0, 1.0])
    return np.asarray(cv2.GaussianBlur(band, (0, 0), width / 3) * np.float32(strength), np.float32)


def _place(side: int, random: np.random.Generator) -> tuple[int, int]:
    return int(random.integers(side)), int(random.integers(side))


def _soft(plane: FloatArray, random: np.random.Generator) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), random.uniform(0.5, 1.8)), np.float32)


KINDS: Final[dict[str, _Draw]] = {
    "laser scar": _laser_scar,
    "haemorrhage": _haemorrhage,
    "rim of atrophy": _rim,
    "choroidal vessel": _choroidal_vessel,
}
