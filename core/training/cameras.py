"""The same photograph as if another camera had taken it: changes that happen before preprocessing in real life.

Preprocessing (standardisation, CLAHE) undoes some differences between cameras and amplifies others, noise and JPEG
blocks above all. So these changes are made to the colours of the photograph, on the network's grid, and the result goes
through the recipe like any other photograph. That is too slow for each crop; each photograph gets a few such variants
when it is loaded.
"""

import cv2
import numpy as np
import numpy.typing as npt

from core.types import BoolArray, ByteArray, FloatArray


def other_camera(rgb: ByteArray, inside: BoolArray, random: np.random.Generator) -> ByteArray:
    """Change colours, light, haze, sharpness, noise and compression at random.

    Parameters
    ----------
    rgb : uint8 (h, w, 3), the photograph.
    inside : bool (h, w), its field of view; outside it stays black.

    Returns
    -------
    uint8 (h, w, 3).
    """
    x = rgb.astype(np.float32) / np.float32(255.0)
    x = _sensor(x, random)
    x = x * _light(inside.shape, random)[:, :, None]
    if random.random() < 0.5:  # haze: cataract, a dirty lens
        veil = np.float32(random.uniform(0.0, 0.4))
        x = x * (1 - veil) + veil * x[inside].mean(axis=0)
    x = _sharpness(x, random)
    if random.random() < 0.5:
        x = x + _grain(x.shape, random)
    x = x * inside[:, :, None]
    out = np.asarray(np.rint(np.clip(x, 0.0, 1.0) * 255.0), np.uint8)
    if random.random() < 0.6:
        out = _jpeg(out, int(random.integers(40, 96)))
    return out


def _sensor(x: FloatArray, random: np.random.Generator) -> FloatArray:
    """Crosstalk between the colours, and a gain and a gamma for each."""
    crosstalk = np.eye(3) + random.uniform(-0.12, 0.12, (3, 3)) * (1 - np.eye(3))
    mixed = np.clip(x @ crosstalk.T.astype(np.float32), 0.0, 1.0)
    gain = np.exp(random.uniform(-0.25, 0.25, 3))
    gamma = np.exp(random.uniform(-0.35, 0.35, 3))
    return np.asarray(np.clip(mixed ** gamma.astype(np.float32) * gain.astype(np.float32), 0.0, 1.0), np.float32)


def _light(shape: tuple[int, int], random: np.random.Generator) -> FloatArray:
    """A smooth field about 1, float32 (h, w): brighter on one side, brighter or darker towards the rim."""
    height, width = shape
    y = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None]
    x = np.linspace(-1.0, 1.0, width, dtype=np.float32)[None, :]
    a, b, c = random.uniform([-0.3, -0.3, -0.4], [0.3, 0.3, 0.2]).astype(np.float32)
    return np.asarray(np.exp(a * x + b * y + c * (x * x + y * y)), np.float32)


def _sharpness(x: FloatArray, random: np.random.Generator) -> FloatArray:
    """Out of focus, sharpened by the camera, or taken with fewer pixels; or as it was."""
    what = random.random()
    amount = random.random()
    if what < 0.35:
        return _blurred(x, 0.3 + 1.0 * amount)
    if what < 0.55:
        return np.asarray(x + np.float32(1.5 * amount) * (x - _blurred(x, 1.2)), np.float32)
    if what < 0.75:
        height, width = x.shape[:2]
        share = 0.5 + 0.5 * amount
        small = cv2.resize(
            x, (max(1, round(width * share)), max(1, round(height * share))), interpolation=cv2.INTER_AREA
        )
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    return x


def _blurred(x: FloatArray, sd_px: float) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(x, (0, 0), sd_px), np.float32)


def _grain(shape: tuple[int, ...], random: np.random.Generator) -> FloatArray:
    """Noise whose neighbours are alike, as it is after the colours of single sensor cells were interpolated."""
    noise = random.standard_normal(shape, dtype=np.float32)
    size = random.uniform(0.0, 1.0)
    if size > 0.3:
        noise = _blurred(noise, size) * np.float32(2.0 * np.sqrt(np.pi) * size if size > 0.5 else 1.4)
    return np.asarray(noise * np.float32(random.uniform(0.0, 0.025)), np.float32)


def _jpeg(rgb: ByteArray, quality: int) -> ByteArray:
    _, data = cv2.imencode(".jpg", rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded: npt.NDArray[np.uint8] = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[:, :, ::-1])
