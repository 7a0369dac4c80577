"""What is odd about a result beside the label of its photograph: that it is inverted, or turned."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from core.evaluation.measure import GivenMask, Prediction
from core.photo.label_checks import MAX_VESSEL_SHARE, vessel_share
from core.photo.label_matching import TURNS
from core.photo.samples import turned
from core.types import BoolArray

INVERTED_MASK: Final = "More than half of the field of view is vessel in the given mask: it looks inverted."
INVERTED_MAP: Final = (
    "The probabilities are lower on the vessels of the label than beside them: the map looks inverted. The highest "
    "value must be vessel."
)
_LOWER: Final = 0.1
_LITTLE: Final = 0.4
"""Dice with the label below which a turn is looked for. A second expert of STARE or CHASE_DB1 has 0.67 or more, the
label of another training photograph of the same set 0.23 or less (DRIVE, STARE, CHASE_DB1, HRF)."""
_MUCH: Final = 0.2
"""By how much a turn must be better."""


def oddities(
    found: Prediction, vessel: BoolArray, label: BoolArray, inside: BoolArray, *, belongs: bool = True
) -> Iterator[str]:
    """Why the scores of a result may mean nothing, in sentences.

    Parameters
    ----------
    vessel : the mask of ``found`` at its threshold. ``label``, ``inside`` : bool (H, W).
    belongs : label and photograph belong together; where they do not, that is said, and no turn is looked for.
    """
    if isinstance(found, GivenMask):
        if vessel_share(found.vessel, inside) > MAX_VESSEL_SHARE:
            yield INVERTED_MASK
            return
    elif found.shape == label.shape and (label & inside).any() and (~label & inside).any():
        beside = float(found.values[~label & inside].mean())
        if float(found.values[label & inside].mean()) < beside - _LOWER:
            yield INVERTED_MAP
            return
    as_it_is = _dice(vessel, label, inside)
    if as_it_is >= _LITTLE or not belongs:
        return
    fits = {turn: _dice(turned(vessel, turn), label, inside) for turn in TURNS}
    best = max(fits, key=lambda turn: fits[turn])
    if fits[best] >= max(_LITTLE, as_it_is + _MUCH):
        yield f"The result does not fit the label as it is, but when it is {TURNS[best]}."


def _dice(one: BoolArray, other: BoolArray, inside: BoolArray) -> float:
    """2 |A and B| / (|A| + |B|); 0 where the sizes differ or nothing is drawn."""
    if one.shape != other.shape:
        return 0.0
    drawn = np.count_nonzero(one & inside) + np.count_nonzero(other & inside)
    return 2 * np.count_nonzero(one & other & inside) / drawn if drawn else 0.0
