"""The curve of a map as a table: what each threshold would give."""

from collections.abc import Mapping
from dataclasses import asdict

from core.evaluation.confusion import LevelHistogram
from core.evaluation.csv_text import csv_text
from core.threshold_rule import LEVELS

_FIGURES = ("accuracy", "sensitivity", "specificity", "precision", "f1", "iou", "mcc", "kappa")


def curve_csv(histogram: LevelHistogram, facts: Mapping[str, object]) -> str:
    """One line for each threshold k/256, k from 1 to 255; an undefined score is empty.

    ``facts`` say what was counted (photograph, label, region, model): a column for each, the same in every line.
    """
    columns = [*facts, "level", "threshold", "tp", "fp", "tn", "fn", *_FIGURES, "false_positive_rate"]
    rows: list[dict[str, object]] = []
    for level in range(1, LEVELS):
        counts = histogram.counts_at(level)
        values = counts.scores().to_dict()
        row: dict[str, object] = {"level": level, "threshold": level / LEVELS, **asdict(counts)}
        row |= {name: values[name] for name in _FIGURES}
        row["false_positive_rate"] = counts.fp / counts.negatives if counts.negatives else None
        rows.append(dict(facts) | row)
    return csv_text(columns, rows)
