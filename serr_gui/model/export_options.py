"""What is written for a photograph, and where."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from core.export import ExportChoices

RESULTS_FOLDER: Final = "SERR results"
"""Beside the photographs: where results are exported to while no other folder is chosen."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What the export dialog was left with. ``folder`` empty: a folder beside the photograph."""

    folder: str = ""
    mask: bool = True
    probability: bool = True
    overlay: bool = True
    sidecar: bool = True
    float_probability: bool = False

    def choices(self) -> "ExportChoices":
        """What the library shall write."""
        from core.export import ExportChoices

        return ExportChoices(
            mask=self.mask,
            probability=self.probability,
            overlay=self.overlay,
            sidecar=self.sidecar,
            float_probability=self.float_probability,
        )
