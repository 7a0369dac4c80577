"""Where a mask differs from a label: a map of the errors, and the errors in order of their size."""

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np

from core.evaluation.confusion import check_shapes
from core.types import BoolArray, ByteArray

RIGHT_BACKGROUND: Final = 0
FALSE_NEGATIVE: Final = 1
FALSE_POSITIVE: Final = 2
TRUE_POSITIVE: Final = 3
"""Codes of an error map: 1 for drawn, plus 2 for found. Outside the region everything is 0."""

ERROR_COLOURS: Final = {
    FALSE_NEGATIVE: (255, 64, 255),
    FALSE_POSITIVE: (0, 229, 255),
    TRUE_POSITIVE: (255, 255, 255),
}
"""Magenta for what was missed, cyan for what is too much, white for what is right: apart in every kind of colour
vision, and none of them a colour of the retina."""

MOST_ERRORS: Final = 500
"""How many errors are listed at most."""

ErrorKind = Literal["false_negative", "false_positive"]
_CODES: dict[ErrorKind, int] = {"false_negative": FALSE_NEGATIVE, "false_positive": FALSE_POSITIVE}


@dataclass(frozen=True, slots=True)
class ErrorRegion:
    """Connected pixels (also over corners) that are wrong in the same way.

    ``area_px`` is their number; ``box`` (top, left, bottom, right), bottom and right exclusive; ``centre`` (row,
    column) is that of the error's pixels which is nearest to their mean, so it lies on the error also where it bends.
    """

    kind: ErrorKind
    area_px: int
    box: tuple[int, int, int, int]
    centre: tuple[int, int]


def error_map(vessel: BoolArray, label: BoolArray, inside: BoolArray) -> ByteArray:
    """Codes of each pixel, uint8 (H, W): right background 0, false negative 1, false positive 2, true positive 3.

    Parameters
    ----------
    vessel, label, inside : bool (H, W); what was found (``levels >= k``, or a mask by hand), what the expert drew, and
        where it counts.
    """
    check_shapes(vessel=vessel, label=label, inside=inside)
    found, drawn = vessel.view(np.uint8), label.view(np.uint8)
    codes: ByteArray = found + found
    codes += drawn
    codes *= inside.view(np.uint8)
    return codes


def largest_errors(
    codes: ByteArray, kind: ErrorKind, *, limit: int = MOST_ERRORS, border_px: int = 0
) -> tuple[ErrorRegion, ...]:
    """The connected errors of one kind, the largest first; equal ones from top to bottom, then from left to right.

    Parameters
    ----------
    codes : an error map, uint8 (H, W).
    limit : at most this many are returned.
    border_px : pixels that are missed so near (also aslant) to one that was found, or found so near to one that was
        drawn, are left out. A vessel that is drawn a little wider or narrower makes the longest errors but no
        interesting ones; what remains are vessels that one side has and the other has not.
    """
    wrong = (codes == _CODES[kind]).view(np.uint8)
    if border_px:
        other = FALSE_POSITIVE if kind == "false_negative" else FALSE_NEGATIVE
        side = 2 * border_px + 1
        near = cv2.dilate((codes & other).view(np.uint8), np.ones((side, side), dtype=np.uint8))
        wrong &= near == 0
    number, labels, stats, means = cv2.connectedComponentsWithStats(wrong, connectivity=8, ltype=cv2.CV_32S)
    boxes = stats[1:number]
    order = np.lexsort((boxes[:, cv2.CC_STAT_LEFT], boxes[:, cv2.CC_STAT_TOP], -boxes[:, cv2.CC_STAT_AREA]))[:limit]
    result = []
    for index in order.tolist():
        left, top, width, height, area = (int(value) for value in boxes[index])
        rows, columns = np.nonzero(labels[top : top + height, left : left + width] == index + 1)
        column, row = means[index + 1]
        nearest = int(np.argmin((rows + top - row) ** 2 + (columns + left - column) ** 2))
        centre = int(rows[nearest]) + top, int(columns[nearest]) + left
        result.append(ErrorRegion(kind, area, (top, left, top + height, left + width), centre))
    return tuple(result)
