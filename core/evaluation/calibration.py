"""Whether probabilities mean what they say: of the pixels with p near 0.7, are 70 % vessel?

The expected calibration error (Naeini et al. 2015, doi 10.1609/aaai.v29i1.9602; for networks Guo et al. 2017, with 15
bins) is the mean over all pixels of the distance, in the pixel's bin of p, between the mean probability and the share
of vessel. Bins have equal width; the probability is that of vessel.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.evaluation.confusion import IntArray, check_shapes
from core.evaluation.curves import DoubleArray
from core.types import BoolArray, FloatArray

BINS = 15
SMALLEST = 1e-7
"""Probabilities nearer to 0 or 1 than this are taken for this: their logit has no end."""

_ROWS_PER_BLOCK = 512  # the bins take 8 bytes for each pixel


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Pixels, vessel pixels, and the sum of the probabilities in each bin of p (``BINS`` entries).

    Adding two gives those of both photographs pooled.
    """

    pixels: IntArray
    vessels: IntArray
    sums: DoubleArray

    @classmethod
    def from_map(cls, values: FloatArray, label: BoolArray, inside: BoolArray) -> "Calibration":
        """Count a map: ``values`` float32 (H, W) in [0, 1], ``label`` and ``inside`` bool (H, W)."""
        check_shapes(values=values, label=label, inside=inside)
        total = cls.nothing()
        for top in range(0, values.shape[0], _ROWS_PER_BLOCK):
            rows = slice(top, top + _ROWS_PER_BLOCK)
            p = values[rows][inside[rows]].astype(np.float64)
            bins = np.minimum((p * BINS).astype(np.int64), BINS - 1)
            total += cls(
                np.bincount(bins, minlength=BINS),
                np.bincount(bins[label[rows][inside[rows]]], minlength=BINS),
                np.bincount(bins, weights=p, minlength=BINS).astype(np.float64, copy=False),
            )
        return total

    @classmethod
    def nothing(cls) -> "Calibration":
        """No pixel: what sums begin with."""
        zeros = np.zeros(BINS, dtype=np.int64)
        return cls(zeros, zeros, np.zeros(BINS))

    def __add__(self, other: "Calibration") -> "Calibration":
        return Calibration(self.pixels + other.pixels, self.vessels + other.vessels, self.sums + other.sums)

    @property
    def ece(self) -> float:
        """Expected calibration error in [0, 1], NaN without pixels."""
        total = int(self.pixels.sum())
        return float(np.abs(self.sums - self.vessels).sum()) / total if total else math.nan


def fit_temperature(photographs: Sequence[tuple[FloatArray, BoolArray]]) -> float:
    """The temperature that makes labels most probable (Guo et al. 2017): the one to divide logits by.

    Parameters
    ----------
    photographs : probabilities float32 (n) and whether each pixel is vessel, bool (n), of those pixels that count.
        Every entry counts alike.

    Raises
    ------
    ValueError : no pixel with vessel, or none without.
    """
    from scipy.optimize import minimize_scalar

    logits, labels = [], []
    for values, label in photographs:
        p = np.clip(values.astype(np.float64), SMALLEST, 1.0 - SMALLEST)
        logits.append(np.log(p) - np.log1p(-p))
        labels.append(label)
    if not any(label.any() for label in labels) or all(label.all() for label in labels):
        raise ValueError("a temperature needs pixels with vessel and without")

    def loss(log_temperature: float) -> float:
        scale = math.exp(-log_temperature)
        each = [np.mean(np.logaddexp(0, z * scale) - y * z * scale) for z, y in zip(logits, labels, strict=True)]
        return math.fsum(map(float, each))

    found = minimize_scalar(loss, bounds=(math.log(0.1), math.log(10.0)), method="bounded", options={"xatol": 1e-4})
    return math.exp(float(found.x))
