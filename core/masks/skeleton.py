"""The one skeleton of the program: masks of vessels as lines one pixel wide."""

import numpy as np

from core.types import BoolArray


def skeleton(vessel: BoolArray, inside: BoolArray | None = None) -> BoolArray:
    """The middle of each vessel, one pixel wide, bool (H, W); with ``inside``, of the vessels in that region only.

    That of scikit-image's ``skeletonize`` (Zhang and Suen 1984). Takes about 40 ms for a megapixel of the rectangle
    around the vessels.
    """
    from skimage.morphology import skeletonize

    part = vessel if inside is None else vessel & inside
    made = np.zeros_like(part)
    rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    if rows.size:  # nothing beyond the outermost vessels has a say in what is left of them
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        made[box] = skeletonize(part[box].copy())  # a copy: it reads from writeable arrays only
    return made
