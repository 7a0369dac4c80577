"""What is the same for all photographs that are measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from core.errors import InputError
from core.measures.calibres import OpticDisc
from core.measures.marks import VesselMark
from core.measures.pixels import pixel_from_disc
from core.measures.setup import NOTHING_SAID, MeasureSetup
from core.measures.summary import PixelSize


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """What is the same for all photographs: see ``measure_vessels``.

    ``sources`` : by "disc", "pixel" and "marks" where each of them is from, as tables say it.
    ``disc_doubt`` : what is doubtful about a disc that a session holds.
    ``disc`` : "auto" looks for it in each photograph (``propose_disc``), and says its doubt.
    ``disc_mm`` : the size of a pixel is that of which the optic disc is so wide (``pixel_from_disc``).
    ``despite_doubts`` : also what a doubt about the photograph makes meaningless has a number.
    ``mirrored`` : the error bars are also those over the mirrored photograph, four times the work of the network.
    """

    disc: OpticDisc | Literal["auto"] | None = None
    pixel: PixelSize | None = None
    error_bars: bool = True
    marks: tuple[VesselMark, ...] = ()
    mirrored: bool = False
    disc_mm: float | None = None
    despite_doubts: bool = False
    disc_doubt: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def all_sources(self) -> dict[str, str]:
        """``sources``, where what is given and is not from elsewhere is an option."""
        given = {"disc": self.disc is not None, "pixel": self.pixel is not None or self.disc_mm is not None}
        return {**{name: "option" for name, is_given in given.items() if is_given}, **self.sources}

    def with_said(self, values: Mapping[str, Any], where: str) -> tuple["MeasureOptions", str]:
        """These with what a person has said of a photograph, where they say nothing themselves; and a sentence on that.

        Parameters
        ----------
        values : as ``MeasureSetup.values`` gives them. ``where`` : what holds them, "session" or "side-car".
        """
        said = MeasureSetup.from_values(values)
        if values and said == NOTHING_SAID:
            return self, f"What the {where} says of optic disc, pixel size and marks cannot be used, and is left out."
        taken: dict[str, str] = {}
        made = self
        if self.disc is None and said.disc is not None:
            made, taken["disc"] = replace(made, disc=said.disc, disc_doubt=said.disc_doubt), "optic disc"
        if self.pixel is None and self.disc_mm is None:
            if said.pixel is not None:
                made, taken["pixel"] = replace(made, pixel=said.pixel), "pixel size"
            elif said.disc_mm is not None and made.disc is not None:
                made, taken["pixel"] = replace(made, disc_mm=said.disc_mm), "pixel size"
        if not self.marks and said.marks:
            made, taken["marks"] = (
                replace(made, marks=said.marks),
                f"{len(said.marks)} mark{'s' * (len(said.marks) > 1)} of vessels",
            )
        despite = said.despite_doubts and not self.despite_doubts
        made = replace(made, despite_doubts=self.despite_doubts or said.despite_doubts)
        if not taken and not despite:
            return made, ""
        parts = [*taken.values(), *(["numbers despite doubts"] if despite else [])]
        told = ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]
        sources = {**self.sources, **dict.fromkeys(taken, where)}
        return replace(made, sources=sources), f"From the {where}: {told}."

    def pixel_of(self, disc: OpticDisc | None) -> PixelSize | None:
        """The size of a pixel: the given one, or that of which the disc is ``disc_mm`` wide.

        Raises
        ------
        InputError : it is to be taken from a disc that is not known.
        """
        if self.disc_mm is None:
            return self.pixel
        if disc is None:
            raise InputError(
                "The size of a pixel cannot be taken from the optic disc, which is not known: give its place."
            )
        return pixel_from_disc(disc, self.disc_mm)


AS_THEY_ARE: Final = MeasureOptions()
"""In pixels, without a disc, with error bars."""
