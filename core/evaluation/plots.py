"""Drawings for reports: curves and boxes, as shapes that become SVG or part of a PDF alike."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from core.evaluation.confusion import NUMBERS_OF_PIECES, SCORE_NAMES, Scores
from core.evaluation.curves import DoubleArray, OperatingPoints
from core.evaluation.tables import SHORT

if TYPE_CHECKING:
    from reportlab.graphics.shapes import Drawing

CurveKind = Literal["roc", "pr"]
Range = tuple[float, float]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's, which people with every kind of colour vision tell apart."""

_FONT, _BOLD, _SIZE = "Helvetica", "Helvetica-Bold", 9
_GREY, _LIGHT = "#666666", "#DDDDDD"
_LEFT, _BOTTOM, _RIGHT, _TOP = 46, 38, 14, 26
_MOST_POINTS = 600


@dataclass(frozen=True, slots=True)
class Curve:
    """A method's curve with its name, and the point at which it works, as (x, y) of the plot."""

    name: str
    points: OperatingPoints


@dataclass(frozen=True, slots=True)
class Mark:
    """A point with a name: where a threshold works, or an expert."""

    name: str
    scores: Scores


def curve_plot(
    kind: CurveKind,
    curves: Sequence[Curve],
    marks: Sequence[Mark] = (),
    *,
    size: tuple[int, int] = (330, 240),
    x_range: Range = (0.0, 1.0),
    y_range: Range = (0.0, 1.0),
    title: str = "",
) -> "Drawing":
    """ROC curves (sensitivity over 1 - specificity) or precision-recall curves (precision over sensitivity).

    ``marks`` take the colours of the curves in their order, and further ones continue in the list of colours.
    """
    roc = kind == "roc"
    labels = ("1 - specificity", "sensitivity") if roc else ("sensitivity (recall)", "precision")
    axes = Axes(size, x_range, y_range, title or ("ROC curve" if roc else "Precision-recall curve"), labels)
    if roc:
        axes.line(np.array([0.0, 1.0]), np.array([0.0, 1.0]), _LIGHT, dash=[3, 3])
    legend = []
    for number, curve in enumerate(curves):
        colour = COLOURS[number % len(COLOURS)]
        points, area = curve.points, curve.points.areas
        x = points.false_positive_rate if roc else points.sensitivity
        y = points.sensitivity if roc else points.precision
        axes.line(*_thinned(x, y), colour)
        value = area.auc_roc if roc else area.auc_pr
        legend.append((f"{curve.name}: {'AUC' if roc else 'AP'} {value:.4f}", colour, False))
    for number, mark in enumerate(marks):
        colour = COLOURS[number % len(COLOURS)]
        s = mark.scores
        axes.point(*((1 - s.specificity, s.sensitivity) if roc else (s.sensitivity, s.precision)), colour)
        legend.append((mark.name, colour, True))
    axes.legend(legend, right=roc)
    return axes.drawing


def box_plot(scores: Sequence[Scores], *, size: tuple[int, int] = (680, 215), title: str = "") -> "Drawing":
    """A box for each score that is defined: quartiles, median, whiskers to 1.5 box lengths (Tukey), every value."""
    columns = {name: [v for one in scores if not math.isnan(v := getattr(one, name))] for name in SCORE_NAMES}
    columns = {name: values for name, values in columns.items() if values and name not in {"ece", *NUMBERS_OF_PIECES}}
    lowest = min((min(values) for values in columns.values()), default=0.0)
    bottom = max(-1.0, math.floor((lowest - 0.02) * 10) / 10)
    axes = Axes(size, (0.0, max(1.0, float(len(columns)))), (bottom, 1.0), title or "Over photographs", None)
    for number, (name, values) in enumerate(columns.items()):
        axes.box(number + 0.5, np.sort(np.array(values)), SHORT[name])
    return axes.drawing


def to_svg(drawing: "Drawing") -> str:
    """A drawing as an SVG element that can be in a page or a file."""
    from reportlab.graphics import renderSVG

    text = str(renderSVG.drawToString(drawing))
    # Its document type names an address that nothing needs, and its title is none.
    return text[text.index("<svg") :].replace("<title>...</title>", "").replace("<desc>...</desc>", "")


class Axes:
    """A frame with ticks; x and y are data, everything that is drawn lies in it."""

    def __init__(
        self, size: tuple[int, int], x_range: Range, y_range: Range, title: str, labels: tuple[str, str] | None
    ) -> None:
        from reportlab.graphics import shapes

        self._shapes, self._x, self._y = shapes, x_range, y_range
        self.drawing: Any = shapes.Drawing(*size)
        self._box = (_LEFT, _BOTTOM, size[0] - _RIGHT, size[1] - _TOP)
        left, bottom, right, top = self._box
        self._add(shapes.Rect(0, 0, *size, fillColor=_colour("#FFFFFF"), strokeColor=None))
        self._text((left + right) / 2, size[1] - 15, title, font=_BOLD, size=_SIZE + 1)
        for value in _ticks(*y_range):
            height = self._at(x_range[0], value)[1]
            self._add(shapes.Line(left, height, right, height, strokeColor=_colour(_LIGHT), strokeWidth=0.5))
            self._text(left - 5, height - 3, f"{value:g}", anchor="end")
        if labels is not None:
            for value in _ticks(*x_range):
                place = self._at(value, y_range[0])[0]
                self._add(shapes.Line(place, bottom, place, top, strokeColor=_colour(_LIGHT), strokeWidth=0.5))
                self._text(place, bottom - 12, f"{value:g}")
            self._text((left + right) / 2, 8, labels[0])
            turned = shapes.Group(shapes.String(0, 0, labels[1], fontName=_FONT, fontSize=_SIZE, textAnchor="middle"))
            turned.translate(11, (bottom + top) / 2)
            turned.rotate(90)
            self._add(turned)
        frame = shapes.Rect(left, bottom, right - left, top - bottom, fillColor=None, strokeColor=_colour(_GREY))
        self._add(frame)

    def line(self, x: DoubleArray, y: DoubleArray, colour: str, dash: list[int] | None = None) -> None:
        """A line through points; those that are undefined are left out, and the line ends at the frame."""
        good = ~(np.isnan(x) | np.isnan(y))
        places: list[float] = []
        for px, py in _clipped(x[good], y[good], self._x, self._y):
            places += self._at(px, py)
        if len(places) >= 4:
            self._add(
                self._shapes.PolyLine(
                    places, strokeColor=_colour(colour), strokeWidth=1.4, strokeDashArray=dash, fillColor=None
                )
            )

    def point(self, x: float, y: float, colour: str) -> None:
        """A disc with a white rim, where it lies in the frame."""
        if self._x[0] <= x <= self._x[1] and self._y[0] <= y <= self._y[1]:
            cx, cy = self._at(x, y)
            self._add(
                self._shapes.Circle(cx, cy, 4, fillColor=_colour(colour), strokeColor=_colour("#FFFFFF"), strokeWidth=1)
            )

    def legend(self, entries: Sequence[tuple[str, str, bool]], *, right: bool) -> None:
        """Names with their lines or discs, from below, in the corner where no good curve is."""
        from reportlab.pdfbase.pdfmetrics import stringWidth

        # Viewers of SVG that lack the font take a wider one.
        width = 1.18 * max((stringWidth(text, _FONT, _SIZE - 1) for text, _, _ in entries), default=0) + 24
        left = self._box[2] - width - 6 if right else self._box[0] + 8
        height = self._box[1] + 8 + 12 * (len(entries) - 1)
        white = self._shapes.Rect(
            left - 3, self._box[1] + 4, width + 4, 12 * len(entries), fillColor=_colour("#FFFFFF"), strokeColor=None
        )
        self._add(white)
        for text, colour, is_point in entries:
            if is_point:
                self._add(self._shapes.Circle(left + 8, height + 3, 4, fillColor=_colour(colour), strokeColor=None))
            else:
                line = self._shapes.Line(left, height + 3, left + 16, height + 3, strokeColor=_colour(colour))
                line.strokeWidth = 1.6
                self._add(line)
            self._text(left + 21, height, text, anchor="start", size=_SIZE - 1)
            height -= 12

    def box(self, x: float, values: DoubleArray, name: str) -> None:
        """One column: box, whiskers, every value as a small disc."""
        low, median, high = (float(value) for value in np.percentile(values, [25, 50, 75]))
        reach = 1.5 * (high - low)
        ends = float(values[values >= low - reach].min()), float(values[values <= high + reach].max())
        blue = _colour(COLOURS[0])
        middle, width = self._at(x, low)[0], 13
        for start, stop in ((ends[0], low), (high, ends[1])):
            self._add(self._shapes.Line(middle, self._at(x, start)[1], middle, self._at(x, stop)[1], strokeColor=blue))
        base, top = self._at(x, low)[1], self._at(x, high)[1]
        fill = _colour("#D6E6F2")
        self._add(
            self._shapes.Rect(middle - width, base, 2 * width, max(0.5, top - base), fillColor=fill, strokeColor=blue)
        )
        height = self._at(x, median)[1]
        self._add(self._shapes.Line(middle - width, height, middle + width, height, strokeColor=blue, strokeWidth=2))
        for number, value in enumerate(values):
            aside = (number * 0.618 % 1 - 0.5) * 1.4 * width  # spread, and the same at every run
            place = self._at(x, float(value))[1]
            self._add(self._shapes.Circle(middle + aside, place, 1.3, fillColor=_colour("#333333"), strokeColor=None))
        self.name(x, name)

    def name(self, x: float, text: str) -> None:
        """A name below the frame."""
        self._text(self._at(x, self._y[0])[0], self._box[1] - 12, text)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        left, bottom, right, top = self._box
        across = (x - self._x[0]) / (self._x[1] - self._x[0])
        up = (y - self._y[0]) / (self._y[1] - self._y[0])
        return left + across * (right - left), bottom + up * (top - bottom)

    def _text(
        self, x: float, y: float, text: str, *, anchor: str = "middle", font: str = _FONT, size: int = _SIZE
    ) -> None:
        self._add(self._shapes.String(x, y, text, fontName=font, fontSize=size, textAnchor=anchor))

    def _add(self, shape: object) -> None:
        self.drawing.add(shape)


def _colour(name: str) -> Any:
    from reportlab.lib.colors import HexColor

    return HexColor(name)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from low to high, about five of them."""
    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.99)
    return [
        round(number * step, 10) for number in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    ]


def _thinned(x: DoubleArray, y: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
    """At most ``_MOST_POINTS`` points, evenly along the line: a curve of many thousand points is as smooth."""
    good = ~(np.isnan(x) | np.isnan(y))
    x, y = x[good], y[good]
    if x.size <= _MOST_POINTS:
        return x, y
    length = np.r_[0.0, np.cumsum(np.hypot(np.diff(x), np.diff(y)))]
    keep = np.unique(np.searchsorted(length, np.linspace(0, length[-1], _MOST_POINTS)))
    keep = np.unique(np.r_[0, np.minimum(keep, x.size - 1), x.size - 1])
    return x[keep], y[keep]


def _clipped(x: DoubleArray, y: DoubleArray, x_range: Range, y_range: Range) -> list[tuple[float, float]]:
    """The points of a line from where it enters the frame to where it leaves it for good."""
    inside = (x >= x_range[0]) & (x <= x_range[1]) & (y >= y_range[0]) & (y <= y_range[1])
    places = np.flatnonzero(inside)
    if not places.size:
        return []
    first, last = int(places[0]), int(places[-1])
    points = [(float(x[i]), float(y[i])) for i in range(first, last + 1)]
    if first > 0:
        points.insert(0, _edge(points[0], (float(x[first - 1]), float(y[first - 1])), x_range, y_range))
    if last + 1 < x.size:
        points.append(_edge(points[-1], (float(x[last + 1]), float(y[last + 1])), x_range, y_range))
    return [(min(max(px, x_range[0]), x_range[1]), min(max(py, y_range[0]), y_range[1])) for px, py in points]


def _edge(here: tuple[float, float], there: tuple[float, float], *ranges: Range) -> tuple[float, float]:
    """Where the way from a point inside the frame to one outside crosses its edge."""
    share = 1.0
    for start, end, (low, high) in zip(here, there, ranges, strict=True):
        if end < low:
            share = min(share, (low - start) / (end - start))
        elif end > high:
            share = min(share, (high - start) / (end - start))
    return here[0] + share * (there[0] - here[0]), here[1] + share * (there[1] - here[1])
