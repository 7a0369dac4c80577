"""A table of how much of each photograph is vessel."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from core.errors import SerrError
from core.progress import Monitor, Progress
from core.threshold_rule import ThresholdRule
from serr_gui.model.i18n import translate
from serr_gui.model.result import Result
from serr_gui.model.result_store import ResultStore

COLUMNS: Final = (
    "photograph",
    "path",
    "vessel_share",
    "vessel_pixels",
    "field_of_view_pixels",
    "field_of_view",
    "threshold",
    "threshold_origin",
    "drawing_style",
    "low_threshold",
    "min_pixels",
    "edited",
    "model",
    "model_sha256",
    "averaging",
    "notes",
    "problem",
)
"""``vessel_share`` is vessel pixels / pixels of the field of view, both at the photograph's own size."""


@dataclass(frozen=True, slots=True)
class ShareItem:
    """A photograph and its threshold, None for the model's own."""

    path: Path
    rule: ThresholdRule | None


def write_shares(items: Sequence[ShareItem], path: Path, store: ResultStore, monitor: Monitor) -> Path:
    """Write a CSV with a row for each photograph; one whose result is gone gets the reason.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    from core.evaluation.csv_text import csv_text
    from core.files import write_bytes_atomic
    from core.photo.reading import read_fundus

    rows: list[dict[str, object]] = []
    for number, item in enumerate(items):
        monitor.step(Progress("Counting vessels", number, len(items)))
        row: dict[str, object] = {"photograph": item.path.name, "path": str(item.path)}
        try:
            result = store.in_memory(item.path) or store.get(item.path, read_fundus(item.path), keep=False)
            if result is None:
                row["problem"] = translate("Work", "The photograph has changed since it was segmented.")
            else:
                row |= _row(result, item.rule or result.segmentation.card.rule)
        except SerrError as error:
            row["problem"] = str(error)
        rows.append(row)
    write_bytes_atomic(path, csv_text(COLUMNS, rows).encode())
    return path


def _row(result: Result, rule: ThresholdRule) -> dict[str, object]:
    made = result.segmentation
    inside = result.pixels_at_least[0]
    if result.fits(rule):
        vessels = result.pixels_at_least[rule.level]
    else:
        vessels = int(np.count_nonzero(result.mask(rule).vessel & made.fov.inside))
    return {
        "vessel_share": round(vessels / inside, 6),
        "vessel_pixels": vessels,
        "field_of_view_pixels": inside,
        "field_of_view": made.fov.origin,
        "threshold": rule.threshold,
        "threshold_origin": rule.origin,
        "drawing_style": rule.style,
        "low_threshold": "" if rule.low is None else rule.low,
        "min_pixels": rule.min_pixels,
        "edited": result.corrected is not None,
        "model": made.card.name,
        "model_sha256": made.model_sha256,
        "averaging": made.options.tta,
        "notes": " ".join(made.notes),
    }
