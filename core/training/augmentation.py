"""Random crops of prepared photographs. Every crop is a pure function of (seed, step, slot).

So no random state has to be saved for a resumed run to get the very same crops, and several processes can share
a batch by taking different slots of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from core.training.config import AugmentationSection
from core.training.distractors import with_distractors
from core.types import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A prepared photograph for training: label float32 (h, w) in [0, 1], inside float32 (h, w) of 0 and 1.

    ``variants`` are planes float32 (C, h, w): the photograph as it is, then as other cameras might have taken it.
    ``rows`` and ``columns`` list the pixels inside the field of view, from which crop centres are drawn.
    """

    name: str
    variants: tuple[FloatArray, ...]
    label: FloatArray
    inside: FloatArray
    rows: np.ndarray[tuple[int], np.dtype[np.int32]]
    columns: np.ndarray[tuple[int], np.dtype[np.int32]]

    @classmethod
    def make(cls, name: str, variants: tuple[FloatArray, ...], label: FloatArray, inside: BoolArray) -> "Sample":
        rows, columns = np.nonzero(inside)
        drawn = np.asarray(label * inside, np.float32)
        return cls(name, variants, drawn, inside.astype(np.float32), rows.astype(np.int32), columns.astype(np.int32))


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """``planes`` float32 (C, s, s), ``label`` and ``inside`` float32 (1, s, s)."""

    planes: FloatArray
    label: FloatArray
    inside: FloatArray


def random_crop(
    sources: Sequence[Sequence[Sample]],
    crop_px: int,
    part: AugmentationSection,
    key: tuple[int, int, int],
    *,
    soft: bool = False,
) -> Crop:
    """Draw a photograph, a centre inside its field of view and a random change, and cut the crop in one resampling.

    Parameters
    ----------
    sources : the photographs of each data set; each data set is drawn equally often, however many it has.
    key : (seed, step, slot); equal keys give equal crops.
    soft : keep the label's values between 0 and 1; else the crop's label is cut at a half.
    """
    random = np.random.default_rng(key)
    samples = sources[int(random.integers(len(sources)))] if len(sources) > 1 else sources[0]
    sample = samples[int(random.integers(len(samples)))]
    variant = int(random.integers(len(sample.variants))) if len(sample.variants) > 1 else 0
    at = int(random.integers(len(sample.rows)))
    to_source = _random_map(random, crop_px, part, float(sample.columns[at]), float(sample.rows[at]))

    def cut(plane: FloatArray) -> FloatArray:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(
            cv2.warpAffine(plane, to_source, (crop_px, crop_px), flags=flags, borderValue=0.0), np.float32
        )

    inside = (cut(sample.inside) >= 0.5).astype(np.float32)
    drawn = cut(sample.label)
    label = (drawn if soft else (drawn >= 0.5).astype(np.float32)) * inside
    planes = np.stack([cut(plane) for plane in sample.variants[variant]])
    if part.distractors and random.random() < part.distractors:
        planes = with_distractors(planes, random)
    return Crop(_recolour(planes, random, part) * inside, label[None], inside[None])


def _random_map(
    random: np.random.Generator, crop_px: int, part: AugmentationSection, x: float, y: float
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The 2 x 3 matrix from crop to photograph pixels: zoom, stretch, mirror and rotation about the centre (x, y)."""
    angle = np.deg2rad(random.uniform(-1.0, 1.0) * part.rotation_deg)
    zoom = np.exp(random.uniform(-1.0, 1.0) * part.log_scale)
    stretch = np.exp(random.uniform(-0.5, 0.5) * part.log_aspect)
    mirror = -1.0 if random.random() < 0.5 and part.flip else 1.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([mirror * stretch / zoom, 1.0 / (stretch * zoom)])
    middle = (crop_px - 1) / 2.0
    shift = np.array([x, y]) - linear @ np.array([middle, middle])
    return np.column_stack([linear, shift])


def _recolour(planes: FloatArray, random: np.random.Generator, part: AugmentationSection) -> FloatArray:
    """Gamma, contrast, brightness, noise and blur on planes of about [-2, 2]."""
    gamma, contrast = np.exp(random.uniform(-1.0, 1.0, 2) * [part.log_gamma, part.log_contrast])
    offset = random.uniform(-1.0, 1.0) * part.brightness
    unit = np.clip(planes / 4.0 + 0.5, 0.0, 1.0) ** np.float32(gamma)
    out = (unit - 0.5) * np.float32(4.0 * contrast) + np.float32(offset)
    noise_sd = random.uniform(0.0, part.noise_sd)
    out += random.standard_normal(out.shape, dtype=np.float32) * np.float32(noise_sd)
    blur_sd = random.uniform(0.0, part.blur_sd_px)
    if random.random() < 0.25 and blur_sd > 0.1:
        out = np.stack([np.asarray(cv2.GaussianBlur(plane, (0, 0), blur_sd), np.float32) for plane in out])
    return np.asarray(out, np.float32)
