"""What is written for a photograph, and where."""

from dataclasses import dataclass
from pathlib import Path
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


@dataclass(frozen=True, slots=True)
class ExportPreview:
    """What an export with ``options`` would meet in ``folder``.

    ``stems`` : how the files of each photograph will be called there, and ``usual`` where nothing was in the way.
    ``replaced`` : names of existing files that go. Of these, ``unknown`` : those of which no record says whose they
    are, and ``by_hand`` : the stems whose masks were corrected by hand.
    """

    folder: Path
    options: ExportOptions
    stems: tuple[str, ...]
    usual: tuple[str, ...]
    replaced: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The files that will be written."""
        choices = self.options.choices()
        return tuple(name for stem in self.stems for name in choices.names(stem).values())
