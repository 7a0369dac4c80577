"""What spoils photographs, as functions of torch on batches: blur, down-sampling, noise of the sensor, JPEG.

A generator learns to undo it. Everything is computed on the device of the batch, for each picture with its own
strengths, so that a training reads its photographs once. The order is that of a camera: optics, grid, sensor, file.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

_REACH = 6  # of the blur's kernel in pixels
_BLOCK = 8
# Quantisation of brightness and of colour at quality 50: ITU-T T.81 (JPEG), annex K.1.
_BRIGHT = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56),
    *(14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
_COLOUR = (
    *(17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99),
    *(47, 66, 99, 99, 99, 99, 99, 99, *(99,) * 32),
)
_TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
_TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Strengths:
    """How much each picture of a batch is spoiled, each (N,) float.

    Parameters
    ----------
    blur_px : standard deviation of the blur in pixels of the sound picture; 0 for none.
    noise_sd : of the noise, in shares of the range, at full brightness. It grows as the root of the brightness.
    quality : of the JPEG file, 5 to 100; 100 leaves rounding alone.
    """

    blur_px: Tensor
    noise_sd: Tensor
    quality: Tensor


MOST_BLUR_PX: Final = 2.0
MOST_NOISE_SD: Final = 0.05
LEAST_QUALITY: Final = 35.0


def draw_strengths(count: int, generator: torch.Generator) -> Strengths:
    """Random strengths for ``count`` pictures, from next to nothing to what a bad photograph has."""
    device = generator.device
    blur, noise, quality = torch.rand((3, count), generator=generator, device=device)
    return Strengths(blur * MOST_BLUR_PX, noise.square() * MOST_NOISE_SD, 100 - quality * (100 - LEAST_QUALITY))


def same_strengths(
    count: int, *, blur_px: float, noise_sd: float, quality: float, device: torch.device | str = "cpu"
) -> Strengths:
    """The same for each of ``count`` pictures."""
    return Strengths(*(torch.full((count,), value, device=device) for value in (blur_px, noise_sd, quality)))


def degrade(pictures: Tensor, scale: int, strengths: Strengths, generator: torch.Generator) -> Tensor:
    """Spoil pictures (N, 3, h, w), red, green, blue, 0 to 1; h and w multiples of ``scale``.

    Returns
    -------
    (N, 3, h / scale, w / scale), 0 to 1, at the 256 levels of a file.
    """
    spoiled = blurred(pictures, strengths.blur_px)
    if scale > 1:
        spoiled = functional.avg_pool2d(spoiled, scale)  # what a larger pixel of a sensor does
    noise = torch.randn(spoiled.shape, generator=generator, device=spoiled.device)
    spoiled = spoiled + noise * strengths.noise_sd[:, None, None, None] * spoiled.clamp_min(0).sqrt()
    return (jpeg(spoiled.clamp(0, 1), strengths.quality) * 255).round() / 255


def blurred(pictures: Tensor, sd_px: Tensor) -> Tensor:
    """Gaussian blur of pictures (N, C, h, w), each with its own standard deviation (N,) in pixels."""
    count, channels = pictures.shape[:2]
    at = torch.arange(-_REACH, _REACH + 1, device=pictures.device, dtype=torch.float32)
    kernel = torch.exp(-0.5 * (at / sd_px.clamp_min(0.05)[:, None]) ** 2)
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)
    planes = pictures.reshape(1, count * channels, *pictures.shape[2:])
    planes = functional.pad(planes, (_REACH,) * 4, mode="reflect")
    planes = functional.conv2d(planes, kernel[:, None, :, None], groups=count * channels)
    planes = functional.conv2d(planes, kernel[:, None, None, :], groups=count * channels)
    return planes.reshape(pictures.shape)


def jpeg(pictures: Tensor, quality: Tensor) -> Tensor:
    """What a JPEG file of ``quality`` (N,) makes of pictures (N, 3, h, w), 0 to 1, with colours at half resolution.

    The same blocks, tables and rounding as the format's, without its packing; nothing else of a file changes pixels.
    """
    height, width = pictures.shape[-2:]
    padded = functional.pad(pictures, (0, -width % (2 * _BLOCK), 0, -height % (2 * _BLOCK)), mode="replicate") * 255
    ycc = torch.einsum("ij,njhw->nihw", _constant(_TO_YCC, pictures.device), padded)
    # Qualities as libjpeg counts them.
    factor = torch.where(quality < 50, 5000 / quality.clamp_min(1), 200 - 2 * quality) / 100
    bright = _quantised(ycc[:, :1] - 128, _table(_BRIGHT, factor))
    colour = _quantised(functional.avg_pool2d(ycc[:, 1:], 2), _table(_COLOUR, factor))
    colour = functional.interpolate(colour, scale_factor=2, mode="bilinear", align_corners=False)
    joined = torch.cat((bright + 128, colour), dim=1)
    rgb = torch.einsum("ij,njhw->nihw", _constant(_TO_RGB, pictures.device), joined)
    return (rgb / 255).clamp(0, 1)[:, :, :height, :width]


def _table(values: tuple[int, ...], factor: Tensor) -> Tensor:
    """Steps of quantisation (N, 1, 1, 1, 8, 8) for each picture's factor (N,)."""
    table = _constant(values, factor.device).reshape(_BLOCK, _BLOCK)
    return (table * factor[:, None, None]).add(0.5).floor().clamp(1, 255)[:, None, None, None]


def _quantised(planes: Tensor, table: Tensor) -> Tensor:
    """Planes (N, C, h, w) after the rounding of the cosine transform of their blocks."""
    count, channels, height, width = planes.shape
    cosines = _cosines(planes.device)
    blocks = planes.reshape(count, channels, height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK).transpose(3, 4)
    waves = (cosines @ blocks @ cosines.T / table).round() * table
    blocks = (cosines.T @ waves @ cosines).transpose(3, 4)
    return blocks.reshape(count, channels, height, width)


@cache
def _constant(values: tuple[float, ...] | tuple[tuple[float, ...], ...], device: torch.device) -> Tensor:
    """Kept on the device: to send a value there waits for everything that the device has still to do."""
    with torch.inference_mode(False):
        return torch.tensor(values, dtype=torch.float32, device=device)


def _cosines(device: torch.device) -> Tensor:
    """The orthonormal cosine transform of 8 values as a matrix."""
    rows = []
    for wave in range(_BLOCK):
        size = math.sqrt((2 if wave else 1) / _BLOCK)
        rows.append(tuple(size * math.cos(math.pi / _BLOCK * (place + 0.5) * wave) for place in range(_BLOCK)))
    return _constant(tuple(rows), device)
