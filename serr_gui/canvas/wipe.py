"""A picture to be seen beside a photograph, as plain data: left of a line the one, right of it the other."""

from dataclasses import dataclass

import numpy as np

from core.types import ByteArray


@dataclass(frozen=True, slots=True, eq=False)
class Wipe:
    """The picture on the right of the line, and the names of both.

    ``pixels`` : uint8 (k H, k W, 3) or (k H, k W) for a photograph of H x W pixels, k a whole number: what it shows has
    the same extent, and may be finer.
    """

    pixels: ByteArray
    left: str
    right: str

    def scale_on(self, shape: tuple[int, int]) -> int:
        """How many of its pixels make one of a photograph of ``shape`` (H, W), in each direction.

        Raises
        ------
        ValueError : it is not uint8, or has not the photograph's extent.
        """
        height, width = self.pixels.shape[:2]
        scale: int = height // shape[0]
        is_picture = self.pixels.ndim == 2 or (self.pixels.ndim == 3 and self.pixels.shape[2] == 3)
        if self.pixels.dtype != np.uint8 or not is_picture:
            raise ValueError(f"a picture is uint8 (H, W, 3) or (H, W), not {self.pixels.dtype} {self.pixels.shape}")
        if scale < 1 or (height, width) != (shape[0] * scale, shape[1] * scale):
            raise ValueError(f"the picture has {width} x {height} pixels, the photograph {shape[1]} x {shape[0]}")
        return scale
