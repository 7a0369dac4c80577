"""Measures of the vessels that were found, as rows of a report. What is measured is up to others: see ``Extras``."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from core.evaluation.measure import Prediction
from core.progress import Monitor
from core.types import FieldOfView, FundusImage, VesselMask

HEADS: Final = ("measure", "zone", "value", "unit", "error bar", "note")
ABOUT: Final = (
    "Of the masks that are scored. The error bar is the range of a measure when the threshold moves by 0.1 to both "
    "sides. A dash: there is no value, and the note says why. Not validated for any decision about a patient."
)


@dataclass(frozen=True, slots=True)
class VesselMeasure:
    """A measure of one photograph: what it is, where, and its value with error bar (NaN: none, ``note`` says why)."""

    name: str
    meaning: str
    zone: str
    value: float
    unit: str
    low: float = math.nan
    high: float = math.nan
    note: str = ""


@dataclass(frozen=True, slots=True)
class MeasuredVessels:
    """The measures of one photograph; ``problem`` : why there are none at all; ``doubts`` : what is doubtful."""

    rows: tuple[VesselMeasure, ...] = ()
    problem: str = ""
    doubts: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values; what is not known is None."""
        rows = [{key: _plain(value) for key, value in asdict(row).items() if key != "meaning"} for row in self.rows]
        return {"problem": self.problem, "doubts": list(self.doubts), "rows": rows}


MeasureVessels = Callable[[FundusImage, FieldOfView, Prediction, VesselMask | None, Monitor], MeasuredVessels]
"""Measures the vessels of a photograph: the prediction, and the mask that a rule has made of probabilities."""


def table_lines(found: MeasuredVessels) -> list[tuple[VesselMeasure | None, tuple[str, ...]]]:
    """The rows of a table, by HEADS, each with its measure; those without a value for the same reason share one row."""
    reasons: dict[str, list[VesselMeasure]] = {}
    for row in found.rows:
        if math.isnan(row.value):
            reasons.setdefault(row.note, []).append(row)
    shared = {note: rows for note, rows in reasons.items() if len(rows) > 2}
    lines: list[tuple[VesselMeasure | None, tuple[str, ...]]] = []
    for row in found.rows:
        if math.isnan(row.value) and row.note in shared:
            rows = shared[row.note]
            if row is rows[0]:
                zones = ", ".join(dict.fromkeys(each.zone for each in rows))
                lines.append((None, (f"{len(rows)} measures", zones, "-", "", "", row.note)))
            continue
        bar = "" if math.isnan(row.low) else f"{_number(row.low, row.unit)} to {_number(row.high, row.unit)}"
        unit = {"share": "%", "count": "", "deg": "\u00b0"}.get(row.unit, row.unit.replace("um", "\u00b5m"))
        lines.append((row, (row.name, row.zone, _number(row.value, row.unit), unit, bar, row.note)))
    return lines


def all_doubts(found: MeasuredVessels) -> Sequence[str]:
    """What is said above a table: why there is none, and what is doubtful."""
    return [text for text in (found.problem, *found.doubts) if text]


def _number(value: float, unit: str) -> str:
    if math.isnan(value):
        return "-"
    if unit == "count":
        return f"{value:.0f}"
    value = value * 100 if unit == "share" else value
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


def _plain(value: object) -> object:
    return None if isinstance(value, float) and math.isnan(value) else value
