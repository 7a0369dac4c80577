"""How connected what was found is: into how many pieces it falls, and how much of the thin vessels is there.

- Pieces are the Betti number 0: sets of vessel pixels that are connected through edges or corners (8 neighbours),
  inside the region. The Betti-0 error is by how many pieces a mask differs from its label (Hu et al. 2019,
  "Topology-preserving deep image segmentation", arXiv 1906.05404, there for patches; here for the whole region).
- Thin vessels are those whose label is at most ``THIN_PX`` wide in pixels of a photograph whose field of view is
  ``UNIT_FOV_PX`` across (DRIVE's). Their sensitivity is the share of their centre lines that lies in the mask. The
  width at a pixel of the centre line is 2 d - 1 with d its distance from the nearest pixel that is not vessel.
"""

import math
from dataclasses import astuple, dataclass

import cv2
import numpy as np
import numpy.typing as npt

from core.evaluation.confusion import check_shapes
from core.types import BoolArray

UNIT_FOV_PX = 540.0
THIN_PX = 3.0


@dataclass(frozen=True, slots=True)
class Connectedness:
    """Counts of a comparison; adding two gives those of both photographs.

    ``found`` and ``drawn`` pieces of mask and label, ``error`` the sum of their differences over so many
    ``photographs``; ``thin_drawn`` pixels of the label's thin centre lines, ``thin_found`` those of them in the mask.
    """

    photographs: int
    found: int
    drawn: int
    error: int
    thin_found: int
    thin_drawn: int

    def __add__(self, other: "Connectedness") -> "Connectedness":
        return Connectedness(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def pieces(self) -> float:
        """Pieces of the mask, for each photograph."""
        return self.found / self.photographs if self.photographs else math.nan

    @property
    def pieces_error(self) -> float:
        """Betti-0 error, for each photograph: 0 is best."""
        return self.error / self.photographs if self.photographs else math.nan

    @property
    def thin_sensitivity(self) -> float:
        """Share of the thin centre lines that was found, in [0, 1]; NaN where none is drawn, or widths are unknown."""
        return self.thin_found / self.thin_drawn if self.thin_drawn else math.nan


NOT_COUNTED = Connectedness(0, 0, 0, 0, 0, 0)


def pieces(vessel: BoolArray, inside: BoolArray) -> int:
    """Connected pieces (8 neighbours) of a mask in a region, bool (H, W) each."""
    part = (vessel & inside).view(np.uint8)
    return int(cv2.connectedComponents(part, connectivity=8, ltype=cv2.CV_32S)[0]) - 1


def widths(vessel: BoolArray, line: BoolArray) -> npt.NDArray[np.float64]:
    """The width in pixels of a vessel at each pixel of its centre line, in the order of ``vessel[line]``."""
    depth = cv2.distanceTransform(vessel.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(2.0 * depth[line] - 1.0, np.float64)


def count_connectedness(
    vessel: BoolArray, label: BoolArray, inside: BoolArray, *, line: BoolArray, unit_px: float | None
) -> Connectedness:
    """Compare the connectedness of a mask and a label in a region.

    Parameters
    ----------
    vessel, label, inside : bool (H, W); what was found, what the expert drew, and where to count.
    line : ``skeleton(label, inside)``.
    unit_px : pixels of this photograph for one of DRIVE's (``unit_of``); None: not known, so thin vessels are not, too.
    """
    check_shapes(vessel=vessel, label=label, inside=inside, line=line)
    found, drawn = pieces(vessel, inside), pieces(label, inside)
    thin_found = thin_drawn = 0
    if unit_px is not None:
        thin = widths(label & inside, line) <= THIN_PX * unit_px
        thin_found, thin_drawn = int(np.count_nonzero(vessel[line] & thin)), int(np.count_nonzero(thin))
    return Connectedness(1, found, drawn, abs(found - drawn), thin_found, thin_drawn)


def unit_of(diameter_px: float) -> float:
    """Pixels of a photograph for one of DRIVE's, by the diameter of its field of view."""
    return diameter_px / UNIT_FOV_PX
