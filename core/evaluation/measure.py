"""One mask or probability map against one label: everything that is measured of it, in a form that can be pooled."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

from core.evaluation.calibration import Calibration
from core.evaluation.cldice import NO_CENTRE_LINES, CentreLineCounts, Skeletons
from core.evaluation.confusion import Counts, LevelHistogram, Scores, count
from core.evaluation.connectedness import NOT_COUNTED, Connectedness, count_connectedness
from core.evaluation.curves import Areas, FineHistogram, SortedValues
from core.masks.threshold import apply_threshold
from core.threshold_rule import ThresholdRule
from core.types import BoolArray, ProbabilityMap


@dataclass(frozen=True, slots=True, eq=False)
class GivenMask:
    """Vessels that somebody else has found, bool (H, W), without probabilities and without a threshold."""

    vessel: BoolArray


Prediction = ProbabilityMap | GivenMask


@dataclass(frozen=True, slots=True)
class ScoreSet:
    """What a reader wants of a comparison."""

    counts: Counts
    scores: Scores


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A comparison in one region. ``levels``, ``calibration`` and ``fine`` are None for a mask without probabilities.

    ``areas`` are exact for one photograph; they cannot be pooled from those of several (``pool`` is given them).
    ``values`` are what they come from; who keeps many comparisons lets go of them.
    """

    counts: Counts
    centre_lines: CentreLineCounts = NO_CENTRE_LINES
    areas: Areas = Areas()  # noqa: RUF009 - a frozen value
    levels: LevelHistogram | None = None
    calibration: Calibration | None = None
    fine: FineHistogram | None = None
    values: SortedValues | None = None
    connectedness: Connectedness = NOT_COUNTED

    @property
    def scores(self) -> Scores:
        """All scores of this comparison."""
        return self.counts.scores(
            auc_roc=self.areas.auc_roc,
            auc_pr=self.areas.auc_pr,
            cl_dice=self.centre_lines.cl_dice,
            thin_sensitivity=self.connectedness.thin_sensitivity,
            pieces=self.connectedness.pieces,
            pieces_error=self.connectedness.pieces_error,
            **({} if self.calibration is None else {"ece": self.calibration.ece}),
        )

    @property
    def score_set(self) -> ScoreSet:
        return ScoreSet(self.counts, self.scores)


def measure(
    found: Prediction,
    label: BoolArray,
    inside: BoolArray,
    *,
    rule: ThresholdRule | None,
    vessel: BoolArray | None = None,
    skeletons: Skeletons | None = None,
    unit_px: float | None = None,
) -> Measured:
    """Compare a map, or a mask that was given, with a label inside a region.

    Parameters
    ----------
    found, label, inside : (H, W) each; the map or mask, what the expert drew, and where to count.
    rule : the threshold of a map; not used for a mask.
    vessel : ``found_vessels(found, rule)`` where it is at hand. ``skeletons`` : those of this photograph made before.
    unit_px : pixels of this photograph for one of DRIVE's (``connectedness.unit_of``), which says what a thin vessel
        is; None: not known.
    """
    if isinstance(found, GivenMask):
        return measure_mask(found.vessel, label, inside, skeletons=skeletons, unit_px=unit_px)
    if vessel is None:
        vessel = found_vessels(found, rule)
    levels = LevelHistogram.from_map(found.levels, label, inside)
    values = SortedValues.of(found.values, label, inside)
    mask = measure_mask(vessel, label, inside, skeletons=skeletons, unit_px=unit_px)
    return replace(
        mask,
        areas=values.areas,
        levels=levels,
        calibration=Calibration.from_map(found.values, label, inside),
        fine=FineHistogram.of(values),
        values=values,
    )


def measure_mask(
    vessel: BoolArray,
    label: BoolArray,
    inside: BoolArray,
    *,
    skeletons: Skeletons | None = None,
    unit_px: float | None = None,
) -> Measured:
    """Compare a mask with a label inside a region, bool (H, W) each; the rest as for ``measure``."""
    made = skeletons or Skeletons()
    line = made.of(label, inside)
    return Measured(
        counts=count(vessel, label, inside),
        centre_lines=made.count(vessel, label, inside),
        connectedness=count_connectedness(vessel, label, inside, line=line, unit_px=unit_px),
    )


def pool(parts: Sequence[Measured], exact: Areas | None = None) -> Measured:
    """All pixels of several comparisons taken together.

    Parameters
    ----------
    exact : the areas under the pooled curves where they are known (``PooledValues``); None: from the fine bins.
    """
    levels = [part.levels for part in parts if part.levels is not None]
    calibrations = [part.calibration for part in parts if part.calibration is not None]
    fines = [part.fine for part in parts if part.fine is not None]
    fine = FineHistogram.pooled(fines) if fines else None
    if exact is None:
        exact = Areas() if fine is None else fine.points().areas
    return Measured(
        counts=reduce(add, (part.counts for part in parts), Counts(0, 0, 0, 0)),
        centre_lines=reduce(add, (part.centre_lines for part in parts), NO_CENTRE_LINES),
        areas=exact,
        levels=reduce(add, levels) if levels else None,
        calibration=reduce(add, calibrations) if calibrations else None,
        fine=fine,
        connectedness=reduce(add, (part.connectedness for part in parts), NOT_COUNTED),
    )


def found_vessels(found: Prediction, rule: ThresholdRule | None) -> BoolArray:
    """The mask that is scored, bool (H, W)."""
    if isinstance(found, GivenMask):
        return found.vessel
    if rule is None:
        raise ValueError("a probability map needs a threshold to be scored")
    return apply_threshold(found, rule).vessel
