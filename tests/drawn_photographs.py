"""Drawn photographs whose field of view is known exactly, with what cameras and people do to real ones."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from core.types import BoolArray, ByteArray

SURROUNDS = {
    "black": (0, 0, 0),
    "nearly black": (6, 4, 7),
    "grey": (54, 56, 55),
    "white": (255, 255, 255),
    "cream": (247, 240, 222),
    "light grey": (190, 190, 192),
    "dark blue": (10, 14, 48),
}
SurroundName = Literal["black", "nearly black", "grey", "white", "cream", "light grey", "dark blue"]


@dataclass(frozen=True)
class Look:
    """How a photograph is drawn.

    Parameters
    ----------
    height, width : pixels. ``x``, ``y`` : the centre in shares of them; ``radius`` in shares of the shorter.
    brightness : of the retina, 1 for a well exposed one. ``disc`` : of the optic disc.
    rim : brightness of the rim, in shares of that of the centre. ``slope`` : how much darker one side is.
    cut : sides at which the circle is cut off inside the picture: of "tblr".
    tab : a tab at the rim. ``text`` : letters in the corners.
    noise : standard deviation of that of the sensor. ``quality`` : of JPEG; 0 for none.
    """

    height: int = 400
    width: int = 440
    x: float = 0.5
    y: float = 0.5
    radius: float = 0.46
    surround: SurroundName = "black"
    brightness: float = 1.0
    disc: float = 1.0
    rim: float = 0.6
    slope: float = 0.0
    slope_angle: float = 0.0
    cut: str = ""
    tab: bool = False
    text: bool = False
    noise: float = 1.0
    quality: int = 0


def drawn_photograph(look: Look) -> tuple[ByteArray, BoolArray]:
    """A photograph (H, W, 3) and its field of view (H, W)."""
    height, width = look.height, look.width
    size = min(height, width)
    radius = look.radius * size
    rows, columns = np.mgrid[:height, :width].astype(float)
    down, right = rows - look.y * height, columns - look.x * width
    distance = np.hypot(down, right) / radius
    inside = distance <= 1
    if look.tab:
        tab = np.zeros(inside.shape, np.uint8)
        centre = round(look.x * width + 0.72 * radius), round(look.y * height + 0.72 * radius)
        cv2.circle(tab, centre, max(3, round(0.07 * radius)), 1, cv2.FILLED)
        inside |= tab > 0
    for side, band in {"t": down < -0.8 * radius, "b": down > 0.8 * radius}.items():
        inside &= ~(band & (side in look.cut))
    for side, band in {"l": right < -0.85 * radius, "r": right > 0.85 * radius}.items():
        inside &= ~(band & (side in look.cut))
    light = 1 - (1 - look.rim) * distance.clip(0, 1.1) ** 2
    along = (np.cos(look.slope_angle) * right + np.sin(look.slope_angle) * down) / radius
    light *= np.clip(1 - look.slope * (1 + along) / 2, 0, None)
    image = np.array((185.0, 90.0, 38.0)) * light[..., None] * look.brightness
    for bend in (-0.9, -0.3, 0.2, 0.7):
        off = down - bend * (right + 0.5 * radius) - 0.2 * radius * np.sin(columns / radius * 3)
        image[np.abs(off) < 0.02 * radius] *= 0.6
    image *= (1 - 0.5 * np.exp(-((down**2 + (right - 0.25 * radius) ** 2) / (0.12 * radius) ** 2)))[..., None]
    image[np.hypot(down, right + 0.5 * radius) < 0.14 * radius] = np.array((250, 215, 150)) * look.disc
    surround = np.array(SURROUNDS[look.surround], float)
    if surround.max() < 60:  # what brightens a dark surround, stray light or the film, brightens the retina as well
        image += surround
    image = image.clip(0, 255)
    image[~inside] = surround
    if look.text:
        image = image.astype(np.uint8)
        ink = (255, 255, 255) if look.surround in {"black", "nearly black", "grey", "dark blue"} else (20, 20, 20)
        scale = size / 700
        for text, x, y in (("OD 45", 0.005, 0.04), ("2019-03-04", 0.8, 0.985)):
            cv2.putText(image, text, (round(x * width), round(y * height)), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1)
    image = cv2.GaussianBlur(image.astype(np.float64), (0, 0), 0.6)
    pixels = (image + np.random.default_rng(11).normal(0, look.noise, image.shape)).clip(0, 255).astype(np.uint8)
    if look.quality:
        _, encoded = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, look.quality])
        pixels = np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[:, :, ::-1])
    return pixels, inside
