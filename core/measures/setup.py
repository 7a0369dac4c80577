"""What a person has said about a photograph for its measures: the optic disc, the size of a pixel, marks of vessels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from core.errors import SerrError
from core.measures.calibres import OpticDisc
from core.measures.marks import MarkKind, VesselMark
from core.measures.pixels import DISC_LIMITS_MM, pixel_from_disc
from core.measures.summary import PixelSize


@dataclass(frozen=True, slots=True)
class MeasureSetup:
    """What a person has said about a photograph for its measures, as sessions and side-cars keep it.

    ``disc_doubt`` : what is doubtful about a disc that the program proposed; empty for one that a person has placed.
    ``disc_mm`` : the diameter of the disc that is assumed, from which the size of a pixel follows; None: it does not.
    ``despite_doubts`` : also what a doubt about the photograph makes meaningless has a number.
    """

    disc: OpticDisc | None = None
    disc_doubt: str = ""
    pixel: PixelSize | None = None
    marks: tuple[VesselMark, ...] = ()
    disc_mm: float | None = None
    despite_doubts: bool = False

    @property
    def pixel_used(self) -> PixelSize | None:
        """The size of a pixel that counts: the one that was entered, or the one that follows from the disc."""
        if self.pixel is not None or self.disc is None or self.disc_mm is None:
            return self.pixel
        return pixel_from_disc(self.disc, self.disc_mm)

    @property
    def is_assumed(self) -> bool:
        """Whether the size of a pixel is an assumption."""
        return self.pixel is None and self.pixel_used is not None

    def values(self) -> dict[str, Any]:
        """As JSON values, for sessions and the journal; what is not set is left out."""
        values: dict[str, Any] = {}
        if self.disc is not None:
            values["disc"] = self.disc.values()
            values["disc_doubt"] = self.disc_doubt
        if self.pixel is not None:
            values["pixel"] = {"um": self.pixel.um, "source": self.pixel.source}
        if self.disc_mm is not None:
            values["disc_mm"] = self.disc_mm
        if self.despite_doubts:
            values["despite_doubts"] = True
        if self.marks:
            values["marks"] = [[mark.row, mark.column, mark.kind] for mark in self.marks]
        return values

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> "MeasureSetup":
        """The reverse of ``values``; what cannot be used is left out."""
        try:
            disc = OpticDisc(*(float(each) for each in values["disc"])) if "disc" in values else None
            pixel = (
                PixelSize(float(values["pixel"]["um"]), str(values["pixel"]["source"])) if "pixel" in values else None
            )
            kinds: dict[str, MarkKind] = {kind: kind for kind in get_args(MarkKind)}
            marks = tuple(
                VesselMark(float(row), float(column), kinds[kind]) for row, column, kind in values.get("marks", ())
            )
            disc_mm = float(values["disc_mm"]) if "disc_mm" in values else None
            if disc_mm is not None and not DISC_LIMITS_MM[0] <= disc_mm <= DISC_LIMITS_MM[1]:
                disc_mm = None
            despite = values.get("despite_doubts") is True
            return cls(disc, str(values.get("disc_doubt", "")), pixel, marks, disc_mm, despite)
        except (KeyError, TypeError, ValueError, SerrError):
            return cls()

    def with_values(self, changes: Mapping[str, Any]) -> "MeasureSetup":
        """The same where ``changes`` (of ``changed_values``) says nothing."""
        merged = {**self.values(), **changes}
        return MeasureSetup.from_values({key: value for key, value in merged.items() if value is not None})


NOTHING_SAID: Final = MeasureSetup()


def changed_values(before: MeasureSetup, after: MeasureSetup) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs, as JSON values of both for a step of Undo; None for what is not set."""
    old, new = before.values(), after.values()
    changed = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return {key: old.get(key) for key in changed}, {key: new.get(key) for key in changed}
