"""Tables of measures: a row for each photograph, a codebook, and a row for each segment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from core.errors import OutputError
from core.evaluation.csv_text import csv_text
from core.files import display_path, path_text
from core.measures.summary import CODEBOOK, PixelSize, VesselMeasures, unit_of
from core.measures.tortuosity import tortuosity
from core.measures.traced import SPREAD

FACTS: Final = (
    *("file", "error", "field_of_view", "model", "threshold", "drawing_style", "doubts"),
    *("disc", "disc_from", "pixel_um", "pixel_source", "pixel_from", "marks_from"),
)
"""Columns of a row before its measures."""
_FROM: Final = (
    "option: of the command line. window: a person said it in the window that wrote this table. session, side-car: a "
    "person said it in the window, and it was kept there. proposed: the program looked for it."
)
DISC_MEANS: Final = (
    "Row, column and radius of the optic disc; of an ellipse also the half axis across the first one, and the angle of "
    "the first one in degrees, clockwise from the direction of the columns."
)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A photograph or mask: its measures, or in ``error`` why there are none, and what is doubtful about them.

    ``sources`` : by "disc", "pixel" and "marks" where each of them is from. ``said`` : the same as a sentence, where
    they are from a session or a side-car.
    """

    path: Path
    measures: VesselMeasures | None = None
    error: str = ""
    field_of_view: str = ""
    model: str = ""
    threshold: float | None = None
    style: str = ""
    doubts: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    said: str = ""

    def row(self) -> dict[str, object]:
        """A row of a table, by the names of ``columns``; what is not known is left out."""
        facts: dict[str, object] = {
            "file": path_text(self.path),
            "error": self.error,
            "field_of_view": self.field_of_view,
            "model": self.model,
            "threshold": self.threshold,
            "drawing_style": self.style,
            "doubts": " ".join(self.doubts),
        }
        if self.measures is None:
            return facts
        facts |= {f"{name}_from": source for name, source in self.sources.items()}
        disc = self.measures.disc
        if disc is not None:  # as --disc takes it
            facts["disc"] = ",".join(f"{value:.1f}" for value in disc.values())
        if self.measures.pixel is not None:
            facts |= {"pixel_um": self.measures.pixel.um, "pixel_source": self.measures.pixel.source}
        for measure in self.measures.rows:
            values = {"": measure.value, "/low": measure.low, "/high": measure.high, UNCORRECTED: measure.uncorrected}
            facts |= {measure.name + end: round_off(value) for end, value in values.items() if not np.isnan(value)}
            if measure.note:
                facts[f"{measure.name}/note"] = measure.note
        return facts


UNCORRECTED: Final = "/uncorrected"
"""Behind the name of a measure: its value without corrections by hand."""


def columns(*, error_bars: bool, corrected: bool = False) -> list[str]:
    """The columns of a table: facts, values, error bars, values without corrections, and notes on values."""
    ends = [*(("/low", "/high") if error_bars else ()), *((UNCORRECTED,) if corrected else ())]
    others = [name + end for name in CODEBOOK for end in ends]
    return [*FACTS, *CODEBOOK, *others, *(f"{name}/note" for name in CODEBOOK)]


def codebook(pixel: PixelSize | None = None, *, mixed: bool = False) -> list[dict[str, object]]:
    """What the columns mean, as rows of name, unit and description.

    Parameters
    ----------
    mixed : some rows have a pixel size and some have none.
    """

    def unit(name: str) -> str:
        units = [unit_of(name, each) for each in ((None, PixelSize(1.0, "the table")) if mixed else (pixel,))]
        return units[0] if len(set(units)) == 1 else f"{units[0]}; {units[1]} where pixel_um has a number"

    rows: list[dict[str, object]] = [
        {"name": name, "unit": unit(name), "description": text} for name, text in CODEBOOK.items()
    ]
    moved = (
        f"when the threshold moves by {SPREAD} to both sides, and, where that was asked for, in the mirrored photograph"
    )
    return [
        {"name": "disc", "unit": "px", "description": DISC_MEANS},
        {"name": "disc_from, pixel_from, marks_from", "unit": "", "description": _FROM},
        *rows,
        {"name": "MEASURE/low, MEASURE/high", "unit": "", "description": f"Least and greatest value {moved}."},
        {
            "name": f"MEASURE{UNCORRECTED}",
            "unit": "",
            "description": "The value without the corrections by hand; only in tables of photographs that have some.",
        },
        {"name": "MEASURE/note", "unit": "", "description": "Why a value is missing, or how far it is uncertain."},
    ]


def segments_csv(measures: VesselMeasures) -> str:
    """The table of ``segment_rows``."""
    rows = list(segment_rows(measures))
    return csv_text(list(rows[0]), rows)


_CODEBOOK_COLUMNS: Final = ("name", "unit", "description")


def refuse_other_codebook(out: Path) -> None:
    """Make sure that the codebook of a table replaces nothing but a codebook: nobody has named that file.

    Raises
    ------
    OutputError : there is something else in its place.
    """
    path = codebook_path(out)
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            if file.readline(100).strip() == ",".join(_CODEBOOK_COLUMNS):
                return
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"{display_path(path)} cannot be read: {error.strerror}.") from None
    raise OutputError(
        f"{display_path(path)} is not a codebook of measures and would be overwritten. Move it away, or choose another "
        "name for the table."
    )


def codebook_path(out: Path) -> Path:
    """Where the codebook of a table is written."""
    return out.with_name(f"{out.stem}_codebook.csv")


def table_files(
    rows: Sequence[Mapping[str, object]],
    out: Path,
    *,
    error_bars: bool,
    segments: Iterable[tuple[Path, str]] = (),
) -> list[tuple[Path, bytes]]:
    """A table of measures, its codebook next to it, and tables of segments, as files for ``write_together``.

    Parameters
    ----------
    rows : of ``Measured.row``.
    out : of the table; the codebook is NAME_codebook.csv.
    segments : tables of ``segments_csv`` and where they go.
    """
    sizes = {bool(row.get("pixel_um")) for row in rows if not row.get("error")}
    pixel = PixelSize(1.0, "the table") if sizes == {True} else None
    corrected = any(key.endswith(UNCORRECTED) for row in rows for key in row)
    tables = [
        (out, csv_text(columns(error_bars=error_bars, corrected=corrected), rows)),
        (codebook_path(out), csv_text(_CODEBOOK_COLUMNS, codebook(pixel, mixed=len(sizes) > 1))),
        *segments,
    ]
    return [(path, text.encode()) for path, text in tables]


def segment_rows(measures: VesselMeasures) -> Iterable[dict[str, object]]:
    """A row for each vessel segment: number, length, width, tortuosity, and the places of its ends in pixels."""
    scale = measures.pixel.um if measures.pixel is not None else 1.0
    for number, vessel in enumerate(measures.tree.vessels):
        winding, (first, last) = tortuosity(vessel.line), (vessel.line.points[0], vessel.line.points[-1])
        yield {
            "segment": number,
            "kind": measures.kinds.get(number, ""),
            "length": round_off(vessel.line.length_px * scale),
            "width": round_off(vessel.width_px * scale),
            "twice_depth": round_off(vessel.twice_depth_px * scale),
            "unit": "px" if measures.pixel is None else "um",
            "arc_chord": round_off(winding.arc_chord),
            "grisan": round_off(winding.grisan / scale),
            "turning": round_off(winding.turning),
            "inflections": winding.inflections,
            "start_row": round_off(float(first[0])),
            "start_column": round_off(float(first[1])),
            "end_row": round_off(float(last[0])),
            "end_column": round_off(float(last[1])),
        }


def round_off(value: float) -> float | None:
    """Six figures are more than any measure has; None where there is no number."""
    return None if np.isnan(value) else float(f"{value:.6g}")
