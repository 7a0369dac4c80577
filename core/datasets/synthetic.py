"""Drawn fundus photographs with exact vessel labels, for tests and for trials where no real data may travel.

They look like photographs only as far as a network cares: a round field of view with shading, an optic disc, branching
vessels darker than the background, noise. Nothing that is measured on them says anything about real eyes.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from core.types import BoolArray, ExpertLabel, FieldOfView, FundusImage

_SUBPIXEL_BITS = 4


@dataclass(frozen=True, slots=True, eq=False)
class DrawnCase:
    """A drawn photograph, its exact label and its exact field of view, all (side, side)."""

    image: FundusImage
    label: ExpertLabel
    fov: FieldOfView


def draw_case(seed: int, side: int = 256) -> DrawnCase:
    """Draw one photograph of ``side`` x ``side`` pixels; equal seeds give equal photographs."""
    random = np.random.default_rng([seed, side])
    y, x = np.mgrid[:side, :side].astype(np.float32)
    middle = (side - 1) / 2.0
    radius = np.hypot(x - middle, y - middle)
    inside: BoolArray = radius <= 0.46 * side

    disc = np.array([middle + random.choice([-1, 1]) * 0.24 * side, middle + random.uniform(-0.04, 0.04) * side])
    depth = _draw_vessels(random, side, (float(disc[0]), float(disc[1])))
    label: BoolArray = (depth > 0) & inside

    light = 1.0 - 0.45 * (radius / (0.5 * side)) ** 2
    rgb = np.stack([200.0 * light, 105.0 * light, 45.0 * light], axis=2)
    glow = np.exp(-((x - disc[0]) ** 2 + (y - disc[1]) ** 2) / (2 * (0.045 * side) ** 2))
    rgb += glow[:, :, None] * np.array([45.0, 85.0, 60.0])
    soft = cv2.GaussianBlur(depth, (0, 0), max(0.6, side / 600))
    rgb *= 1.0 - soft[:, :, None] * np.array([0.22, 0.42, 0.30])
    rgb += random.normal(0.0, 4.0, rgb.shape)
    rgb[~inside] = random.uniform(0.0, 4.0, (int((~inside).sum()), 3))
    image = FundusImage(np.clip(np.rint(rgb), 0, 255).astype(np.uint8))
    return DrawnCase(image, ExpertLabel(label), FieldOfView(inside, "file"))


def _draw_vessels(random: np.random.Generator, side: int, disc: tuple[float, float]) -> np.ndarray:
    """Depth of the vessels, float32 (side, side) in [0, 1]: branching random walks out of the optic disc."""
    depth = np.zeros((side, side), np.float32)
    angles = np.linspace(0, 2 * np.pi, 7)[:-1].tolist()
    branches = [(disc, angle + random.uniform(-0.3, 0.3), 0.016 * side, 1.0) for angle in angles]
    while branches:
        (x, y), angle, width, length = branches.pop()
        steps, stride = int(26 * length), side / 45
        bend = random.uniform(-0.05, 0.05)
        value = min(0.55 + width / (0.05 * side), 1.0)
        for step in range(steps):  # on plain numbers: numpy's take ten times as long for one at a time
            angle += bend + random.normal(0.0, 0.09)
            start = _subpixels(x, y)
            x, y = x + stride * float(np.cos(angle)), y + stride * float(np.sin(angle))
            thickness = max(1, round(width * (1.0 - 0.5 * step / steps)))
            cv2.line(depth, start, _subpixels(x, y), value, thickness, cv2.LINE_8, _SUBPIXEL_BITS)
            if width > 0.005 * side and random.random() < 0.14:
                turn = random.choice([-1.0, 1.0]) * random.uniform(0.5, 0.9)
                branches.append(((x, y), angle + turn, 0.62 * width, 0.6 * length))
    return depth


def _subpixels(x: float, y: float) -> tuple[int, int]:
    return round(x * 2**_SUBPIXEL_BITS), round(y * 2**_SUBPIXEL_BITS)


def write_drive_layout(root: Path, photographs: int, *, side: int = 256, first_seed: int = 0) -> Path:
    """Write drawn photographs as a data set in DRIVE's layout (both splits, two identical observers in test).

    Returns the folder, ``root / "DRIVE"``.
    """
    folder = Path(root) / "DRIVE"
    for part_number, part in enumerate(("training", "test")):
        for name in ("images", "mask", "1st_manual", "2nd_manual"):
            (folder / part / name).mkdir(parents=True, exist_ok=True)
        for number in range(photographs):
            index = part_number * photographs + number
            case = draw_case(first_seed + index, side)
            stem = f"{index + 1:02d}_{part}"
            Image.fromarray(case.image.rgb).save(folder / part / "images" / f"{stem}.tif")
            for place, mask in (
                (folder / part / "mask" / f"{stem}_mask.gif", case.fov.inside),
                (folder / part / "1st_manual" / f"{index + 1:02d}_manual1.gif", case.label.vessel),
                (folder / part / "2nd_manual" / f"{index + 1:02d}_manual2.gif", case.label.vessel),
            ):
                Image.fromarray(mask.astype(np.uint8) * 255).save(place)
    return folder
