"""What is compared with what, and what came out: plain data, no Qt.

Arrays are in frozen boxes that compare by identity, so that a score is only shown with the labels, the map and the
field of view that it was computed from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from core.evaluation.confusion import Counts, LevelHistogram, Region
from core.evaluation.curves import Areas, OperatingPoints
from core.evaluation.error_map import ErrorRegion
from core.evaluation.report import EvaluationReport, ImageScores
from core.photo.label_checks import AS_IT_IS, LabelDoubt, LabelReading
from core.photo.label_values import FoundValue
from core.threshold_rule import ThresholdRule
from core.types import BoolArray, ByteArray, ExpertLabel, FieldOfView, ProbabilityMap

ErrorFilter = Literal["both", "false_negative", "false_positive"]
EXPERTS = (0, 1)
"""Expert 1, whose label is taken for the truth, and expert 2."""


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A file that shall be an expert's label.

    ``found``: the program found it, nobody chose it. ``inverted``: dark is vessel. ``accepted``: a person has seen what
    is doubtful about it and wants to use it. ``reading``: what a person has said about its values and its orientation.
    ``stamp``: size and time of change of the file for which that was said, as it was when it was read.
    """

    path: Path
    found: bool = False
    inverted: bool = False
    accepted: bool = False
    reading: LabelReading = AS_IT_IS
    stamp: tuple[int, int] | None = field(default=None, compare=False)

    def answered_for(self, stamp: tuple[int, int] | None) -> "LabelFile":
        """The file as it is now: what was said about another content holds no more. ``stamp`` None: it is not seen."""
        if self.stamp is None or stamp in (None, self.stamp):
            return replace(self, stamp=stamp or self.stamp)
        return LabelFile(self.path, self.found, stamp=stamp)


LabelFiles = tuple[LabelFile | None, LabelFile | None]


@dataclass(frozen=True, slots=True, eq=False)
class LabelSlot:
    """An expert's place for a photograph: the file, and its label, None while there is a doubt or problem.

    ``found``: the values of the file where there are several. ``turn``: the orientation in which it would fit, else 1.
    """

    file: LabelFile
    label: ExpertLabel | None = None
    doubts: tuple[LabelDoubt, ...] = ()
    usable: bool = False
    problem: str = ""
    found: tuple[FoundValue, ...] = ()
    turn: int = 1

    @property
    def warnings(self) -> tuple[str, ...]:
        """What stays doubtful about a label that is used all the same."""
        if self.label is None:
            return ()
        solved = {"grey", "inverted"} if self.file.inverted else {"grey"}
        return tuple(doubt.sentence for doubt in self.doubts if doubt.kind not in solved)


LabelSlots = tuple[LabelSlot | None, LabelSlot | None]
NO_LABELS: LabelSlots = (None, None)


@dataclass(frozen=True, slots=True, eq=False)
class ComparisonInputs:
    """What is compared: a map (None: not segmented) with up to two labels, in a region.

    ``levels`` make the mask at each threshold, corrections by hand included; ``probability`` makes the curves. With a
    ``rule`` of hysteresis or a smallest vessel ``levels`` are right at its level only.
    ``left_out`` : uint8 (H, W), 1 where nothing is counted; None for nowhere.
    """

    probability: ProbabilityMap | None
    levels: ByteArray | None
    labels: tuple[ExpertLabel | None, ExpertLabel | None]
    fov: FieldOfView
    region: Region
    left_out: ByteArray | None = None
    rule: ThresholdRule | None = None

    def vessel(self, level: int) -> BoolArray | None:
        """The mask at level / 256, bool (H, W); None where there is no map."""
        return None if self.levels is None else np.asarray(self.levels >= level)

    def same_as(self, other: "ComparisonInputs | None") -> bool:
        """Whether both mean the same arrays."""
        return other is not None and self.levels is other.levels and self.same_but_levels(other)

    def same_but_levels(self, other: "ComparisonInputs") -> bool:
        """Whether corrections by hand are all that differs, if anything does."""
        return self.probability is other.probability and self.rule == other.rule and self.same_labels(other)

    def same_labels(self, other: "ComparisonInputs") -> bool:
        """Whether both mean the same labels in the same region."""
        return (
            all(mine is theirs for mine, theirs in zip(self.labels, other.labels, strict=True))
            and self.fov is other.fov
            and self.left_out is other.left_out
            and self.region == other.region
        )


@dataclass(frozen=True, slots=True, eq=False)
class ScoredLabel:
    """The map against one expert: counts for every threshold, and, as soon as computed, exact areas and curve.

    ``histogram`` counts the mask that is shown. Where its rule looks at neighbours, that holds at this threshold only,
    and ``plain`` has the counts of the network's map at all of them.
    """

    histogram: LevelHistogram
    areas: Areas | None = None
    curve: OperatingPoints | None = None
    plain: LevelHistogram | None = None

    @property
    def sweep(self) -> LevelHistogram:
        """Counts that may be read at every threshold."""
        return self.plain or self.histogram


@dataclass(frozen=True, slots=True, eq=False)
class ErrorLayer:
    """What the error map is painted from, uint8 (H, W): the levels, and 1 where expert 1 drew a vessel.

    Both are 0 outside the region, which is bool (H, W), None for the whole image.
    """

    levels: ByteArray
    drawn: ByteArray
    region: BoolArray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What came out for a subject; ``between`` is expert 2 against expert 1."""

    comparison_inputs: ComparisonInputs
    scored_label: tuple[ScoredLabel | None, ScoredLabel | None]
    between: Counts | None
    errors: ErrorLayer | None


@dataclass(frozen=True, slots=True, eq=False)
class StrokeCounts:
    """What a stroke that is being painted adds to the counts of a comparison, for each expert: found and false pixels.

    Negative where the stroke takes vessels away.
    """

    comparison: Comparison
    found: tuple[int, int] = (0, 0)
    false: tuple[int, int] = (0, 0)

    def after(self, top: int, left: int, before: BoolArray, after: BoolArray) -> "StrokeCounts":
        """With one more step: the mask in a box of the photograph, bool (h, w), before and after it."""
        place = (slice(top, top + before.shape[0]), slice(left, left + before.shape[1]))
        layer = self.comparison.errors
        if layer is None:
            return self
        counted = True if layer.region is None else layer.region[place]
        more, fewer = (after & ~before) & counted, (before & ~after) & counted
        found, false = list(self.found), list(self.false)
        for expert, label in enumerate(self.comparison.comparison_inputs.labels):
            if label is not None:
                vessel = label.vessel[place]
                found[expert] += int(np.count_nonzero(more & vessel)) - int(np.count_nonzero(fewer & vessel))
                false[expert] += int(np.count_nonzero(more & ~vessel)) - int(np.count_nonzero(fewer & ~vessel))
        return StrokeCounts(self.comparison, (found[0], found[1]), (false[0], false[1]))

    def added_to(self, counts: Counts, expert: int) -> Counts:
        """The counts with the stroke."""
        found, false = self.found[expert], self.false[expert]
        return Counts(counts.tp + found, counts.fp + false, counts.tn - false, counts.fn - found)


COURSE_SCORES: Final = ("cl_dice", "thin_sensitivity", "pieces", "pieces_error")
CourseScores = Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class CentreLines:
    """The scores that need skeletons and pieces, at a threshold: clDice and those of ``core.evaluation.connectedness``.

    ``values`` by name: model - expert 1, model - expert 2, expert 2 - expert 1; None where one of the two is missing.
    """

    comparison_inputs: ComparisonInputs
    level: int
    values: tuple[CourseScores | None, CourseScores | None, CourseScores | None]


@dataclass(frozen=True, slots=True)
class ErrorSearch:
    """Which errors to step through; those within ``border_px`` of a vessel that both have are left out."""

    request: ErrorFilter
    border_px: int


@dataclass(frozen=True, slots=True, eq=False)
class ErrorList:
    """The connected errors at a threshold, the largest first."""

    comparison_inputs: ComparisonInputs
    level: int
    search: ErrorSearch
    regions: tuple[ErrorRegion, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """All photographs against expert 1: what is done so far, and the report once all of it is.

    ``failed`` are those without scores, with a sentence each.
    """

    count: int
    images: tuple[ImageScores, ...] = ()
    failed: tuple[tuple[Path, str], ...] = ()
    report: EvaluationReport | None = None
