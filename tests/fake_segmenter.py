"""A crude vessel finder without a network, for tests of what is done with a result."""

import cv2
import numpy as np

from core.progress import Monitor
from core.types import FieldOfView, FundusImage, ProbabilityMap


def fake_segmenter(image: FundusImage, fov: FieldOfView, monitor: Monitor) -> ProbabilityMap:
    """How much darker than its surroundings the green channel is, as probabilities."""
    green = image.rgb[..., 1].astype(np.float32)
    contrast = cv2.GaussianBlur(green, (0, 0), 8) - cv2.GaussianBlur(green, (0, 0), 1)
    values = 1 / (1 + np.exp(-(contrast - 6) / 2))
    return ProbabilityMap(np.where(fov.inside, values, 0).astype(np.float32))
