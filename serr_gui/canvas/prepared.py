"""What the canvas needs of a photograph before it can show it, made beside the window: stages and an outline."""

import numpy as np

from core.types import BoolArray, ByteArray
from serr_gui.canvas.overlays import FovOutline
from serr_gui.canvas.resampling import LevelPyramid, PhotoPyramid


class Prepared:
    """Made in a thread, and given to the canvas once, which changes it from then on.

    Parameters
    ----------
    photo : uint8 (H, W, 3).
    inside : the field of view, bool (H, W), or None.
    levels : the level map, uint8 (H, W), or None.
    """

    def __init__(self, photo: ByteArray, inside: BoolArray | None, levels: ByteArray | None) -> None:
        self._photo: PhotoPyramid | None = PhotoPyramid(np.ascontiguousarray(photo))
        self._photo.make_stages()
        self._inside = inside
        self._outline = None if inside is None else FovOutline(inside)
        self._levels: LevelPyramid | None = None
        if levels is not None:
            self._levels = LevelPyramid(np.ascontiguousarray(levels))
            self._levels.make_stages()

    def forget(self) -> None:
        """Give nothing away any more: what was made of levels holds only until a hand corrects them."""
        self._photo = self._levels = self._outline = self._inside = None

    def photo(self, pixels: ByteArray) -> PhotoPyramid | None:
        """The stages of this very picture; None where they are not in here, or no longer."""
        made = self._photo
        if made is None or made.pixels is not pixels:
            return None
        self._photo = None
        return made

    def levels(self, levels: ByteArray) -> LevelPyramid | None:
        """The stages of this very map, as ``photo``."""
        made = self._levels
        if made is None or made.levels is not levels:
            return None
        self._levels = None
        return made

    def outline(self, inside: BoolArray) -> FovOutline | None:
        """The outline of this very field of view; None where it is another."""
        return self._outline if inside is self._inside and inside is not None else None
