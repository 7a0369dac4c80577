"""A measure in two groups as boxes, or at two visits as lines from eye to eye."""

from typing import TYPE_CHECKING

import numpy as np

from core.evaluation.plots import COLOURS, Axes
from core.studies.comparison import Comparison

if TYPE_CHECKING:
    from reportlab.graphics.shapes import Drawing

_MARGIN = 0.08


def measure_plot(comparison: Comparison, name: str, *, size: tuple[int, int] = (300, 220)) -> "Drawing":
    """A plot of one measure: every value, and over groups their boxes.

    Raises
    ------
    KeyError : the measure was not compared.
    """
    first, second = (np.array(side, np.float64) for side in comparison.values[name])
    unit = next(test.unit for test in comparison.tests if test.name == name)
    together = np.concatenate((first, second))
    low, high = (float(together.min()), float(together.max())) if len(together) else (0.0, 1.0)
    room = _MARGIN * (high - low) or max(abs(high), 1.0) * _MARGIN
    axes = Axes(size, (0.0, 2.0), (low - room, high + room), f"{name}{f' [{unit}]' if unit else ''}", None)
    for place, (label, side) in enumerate(zip(comparison.labels, (first, second), strict=True)):
        if len(side) and not comparison.paired:
            axes.box(place + 0.5, np.sort(side), label)
        elif comparison.paired:
            axes.name(place + 0.5, label)
    if comparison.paired:
        for start, end in zip(first, second, strict=True):
            axes.line(np.array([0.5, 1.5]), np.array([start, end]), COLOURS[0])
            axes.point(0.5, float(start), COLOURS[0])
            axes.point(1.5, float(end), COLOURS[1])
    return axes.drawing
