"""What is odd about a field of view that was found in a photograph."""

from collections.abc import Iterator

import numpy as np

from core.photo.circles import circles_of
from core.photo.fov_search import FoundCircle, edge_share, large_parts
from core.photo.fov_shape import Ellipse
from core.types import Doubt

SMALL_SHARE = 0.15
"""A field of view that covers less of the picture is small: cameras fill more than half of it."""

LEAST_ARC, LEAST_SEEN = 0.25, 0.62
"""Least share of the whole circle, and of the part of it in the picture, along which the outline must be seen."""

# Another field of view has at least this share of the area of the first, and a radius within this factor of its radius.
_OTHER_AREA, _OTHER_RADIUS = 0.3, 1.5

WHOLE_PICTURE = Doubt(
    "whole_picture",
    "The edge of the field of view cannot be seen, so the whole picture is used. If it has a border, give a "
    "field-of-view mask.",
)
NOT_ROUND = Doubt(
    "not_round", "The field of view that was found is not round. Check its outline, or give a field-of-view mask."
)
DARK_PART = Doubt(
    "not_round",
    "A part of the round field of view is as dark as what surrounds it. Check whether it belongs to the retina, or "
    "give a field-of-view mask.",
)


def stretched(ellipse: Ellipse) -> Doubt:
    """The doubt about an ellipse instead of a circle."""
    narrow, wide = sorted(ellipse[1])
    return Doubt(
        "stretched",
        f"The field of view is an ellipse, {wide / narrow - 1:.0%} longer than wide: the photograph seems to have been "
        "stretched, so lengths, widths and angles of vessels are wrong. Use the original photograph.",
    )


def doubts_of_circle(found: FoundCircle) -> Iterator[Doubt]:
    """The doubts about a round field of view."""
    if found.arc < LEAST_ARC or found.seen < LEAST_SEEN:
        yield Doubt(
            "faint_outline",
            f"The edge of the field of view can be seen along only {found.arc:.0%} of its circle. Check its outline, "
            "or give a field-of-view mask.",
        )
    yield from small_field(float(found.circle.disc(found.distance.shape).mean()))
    others = count_other_fields(found)
    if others:
        yield Doubt(
            "several_fields",
            f"This picture seems to hold {others + 1} photographs, and only one of them was used. Cut the picture into "
            "single photographs.",
        )


def small_field(share: float) -> Iterator[Doubt]:
    """The doubt about a field of view with this share of the picture, if any."""
    if share < SMALL_SHARE:
        yield Doubt(
            "small_field",
            f"The field of view that was found covers only {share:.0%} of the picture. Check its outline, or cut the "
            "photograph out.",
        )


def count_other_fields(found: FoundCircle) -> int:
    """How many more round fields of view there are outside a circle."""
    level = max(found.cut, float(np.sqrt(found.surround.noise * (found.level + found.surround.noise))))
    outside = (found.distance > level) & (found.circle.disc(found.distance.shape, 1.04) == 0)
    area = int(found.circle.disc(found.distance.shape).sum())
    count = 0
    for part in large_parts(outside, 8):
        if part.sum() < _OTHER_AREA * area:
            break
        for circle in circles_of(part):
            alike = 1 / _OTHER_RADIUS < circle.radius / found.circle.radius < _OTHER_RADIUS
            if alike and edge_share(circle, found) > LEAST_SEEN:
                count += 1
                break
    return count
