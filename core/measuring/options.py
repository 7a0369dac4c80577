"""What is the same for all photographs that are measured."""

from dataclasses import dataclass
from typing import Final, Literal

from core.errors import InputError
from core.measures.calibres import OpticDisc
from core.measures.marks import VesselMark
from core.measures.pixels import pixel_from_disc
from core.measures.summary import PixelSize


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """What is the same for all photographs: see ``measure_vessels``.

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
