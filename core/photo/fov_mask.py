"""Whether a field-of-view mask lies on the retina of its photograph: inverted or shifted, it spoils every score."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from core.errors import FieldOfViewError
from core.files import display_path
from core.photo.field_of_view import estimate_field_of_view
from core.photo.reading import read_fov
from core.types import BoolArray, Doubt, FieldOfView, FundusImage

LEAST_SHARE: Final = 0.01
"""A mask of less than this share of the photograph is a slip: the smallest region that is examined is larger."""

LEAST_FILLED: Final = 0.5
"""A field of view fills its convex hull; drawn vessels fill 0.1 to 0.2 of theirs."""

MOST_BESIDE: Final = 0.03
"""The share of a mask that may lie outside the retina of the photograph, where borders differ a little."""

LEAST_COVERED: Final = 0.75
"""The share of the retina that a mask leaves in unless it means a part of it."""

_CURE = "White must be the retina. Choose another mask, or let the field of view be found in the photograph."
_COARSE_SIDE_PX: Final = 640


def read_fov_of(path: Path, image: FundusImage) -> FieldOfView:
    """Read the field-of-view mask of a photograph, and compare it with the photograph.

    Returns
    -------
    FieldOfView : with a sentence in ``doubts`` where the mask lies oddly.

    Raises
    ------
    FieldOfViewError : as ``read_fov``; or the mask does not lie on the retina at all.
    """
    fov = read_fov(path, shape=image.shape)
    name = display_path(Path(path).name)
    white = int(np.count_nonzero(fov.inside))
    if white < LEAST_SHARE * fov.inside.size:
        raise FieldOfViewError(
            f"The mask {name} does not lie on the retina: only {white} of its pixels {'is' if white == 1 else 'are'} "
            f"white. {_CURE}"
        )
    seen = _seen(image)
    if seen is None:
        _refuse_fine_parts(name, fov)
        return _by_brightness(name, fov, image)
    beside = float((fov.inside & ~seen).sum()) / float(fov.inside.sum())
    if beside > 0.5:
        fits = "seems to be inverted" if _overlap(~fov.inside, seen) > 0.8 else "does not lie on the retina"
        raise FieldOfViewError(
            f"The mask {name} {fits}: {beside:.0%} of what is white in it lies outside the retina. {_CURE}"
        )
    _refuse_fine_parts(name, fov)
    covered = float((fov.inside & seen).sum()) / float(seen.sum())
    note = ""
    if beside > MOST_BESIDE:
        note = f"{beside:.0%} of the mask {name} lies outside the retina: is it the mask of this photograph?"
    elif covered < LEAST_COVERED:
        note = f"The mask {name} covers only {covered:.0%} of the retina: scores are those of this part."
    return FieldOfView(fov.inside, fov.origin, fov.source, (Doubt("odd_mask", note),) if note else ())


def _refuse_fine_parts(name: str, fov: FieldOfView) -> None:
    if _filled(fov.inside) < LEAST_FILLED:
        raise FieldOfViewError(
            f"The mask {name} does not lie on the retina: it is not a round field but fine parts, as in a label of "
            f"vessels. {_CURE}"
        )


def _by_brightness(name: str, fov: FieldOfView, image: FundusImage) -> FieldOfView:
    """A mask of a photograph whose border cannot be seen: then only what is inverted can be found."""
    outside = ~fov.inside
    if np.count_nonzero(outside) < LEAST_SHARE * outside.size:
        return fov
    red = image.rgb[:, :, 0]
    inner, outer = float(red[fov.inside].mean()), float(red[outside].mean())
    if inner < 0.7 * outer:
        raise FieldOfViewError(
            f"The mask {name} seems to be inverted: the photograph is brighter outside it than inside. {_CURE}"
        )
    note = f"The photograph is brighter outside the mask {name} than inside: is it the mask of this photograph?"
    return fov if inner >= outer else FieldOfView(fov.inside, fov.origin, fov.source, (Doubt("odd_mask", note),))


def _seen(image: FundusImage) -> BoolArray | None:
    """The retina as it is seen in the photograph; None where it has no border, or an odd one."""
    try:
        found = estimate_field_of_view(image)
    except FieldOfViewError:
        return None
    return found.inside if found.origin == "estimated" and not found.doubts else None


def _filled(inside: BoolArray) -> float:
    """The share of its convex hull that a mask fills."""
    scale = min(1.0, _COARSE_SIDE_PX / max(inside.shape))
    small = cv2.resize(inside.astype(np.uint8), None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    points = cv2.findNonZero(small)
    hull = np.zeros_like(small)
    if np.any(small):
        cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
    return float(small.sum()) / max(1.0, float(hull.sum()))


def _overlap(one: BoolArray, other: BoolArray) -> float:
    """Intersection over union."""
    return float((one & other).sum()) / float((one | other).sum())
