"""Small pictures of a validation photograph, by which a person sees a network learn."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from core.errors import OutputError
from core.files import write_bytes_atomic
from core.types import BoolArray, ByteArray, FloatArray

FOLDER: Final = "pictures"
SIDE_PX: Final = 384
MOST: Final = 64
"""Maps that are kept; beyond, every second one is removed."""


def small_picture(pixels: ByteArray) -> ByteArray:
    """A copy within a square of ``SIDE_PX``, uint8 (h, w) or (h, w, 3); smaller ones are not enlarged."""
    height, width = pixels.shape[:2]
    scale = min(1.0, SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.ascontiguousarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


class Pictures:
    """The pictures of a run: the photograph, its label, and its probability map after each validation.

    Names that are returned are relative to the run's folder. Raises OutputError where a file cannot be written.
    """

    def __init__(self, run: Path) -> None:
        self._run = run

    def begin(self, picture: ByteArray, label: BoolArray) -> tuple[str, str]:
        """Write the photograph and its label; returns the names of their files."""
        folder = self._run / FOLDER
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(f"The folder {folder} cannot be made: {error.strerror or error}.") from error
        drawn = small_picture(label.astype(np.uint8) * np.uint8(255))
        return self._write("photo", picture), self._write("label", drawn)

    def add(self, step: int, values: FloatArray) -> str:
        """Write the map of a step, float32 (H, W) in [0, 1]; returns the name of its file."""
        name = self._write(f"step-{step:07d}", small_picture(np.rint(values * 255.0).astype(np.uint8)))
        maps = sorted((self._run / FOLDER).glob("step-*.png"))
        if len(maps) > MOST:
            for path in maps[1:-1:2]:
                path.unlink(missing_ok=True)
        return name

    def _write(self, name: str, pixels: ByteArray) -> str:
        ordered = np.ascontiguousarray(pixels[:, :, ::-1]) if pixels.ndim == 3 else pixels
        _, data = cv2.imencode(".png", ordered)
        write_bytes_atomic(self._run / FOLDER / f"{name}.png", data.tobytes())
        return f"{FOLDER}/{name}.png"
