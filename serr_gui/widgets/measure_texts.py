"""What the measures of vessels are called in plain words. Marked here, translated where shown."""

import math
from typing import Final

from PySide6.QtCore import QCoreApplication

from core.measures.summary import Measure
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.widgets.score_texts import DASH

# By measure and variant; of calibres by structure, too.
NAMES: Final[dict[str, str]] = {
    "area/share": QT_TRANSLATE_NOOP("Measures", "Share of vessels in the area"),
    "length/total": QT_TRANSLATE_NOOP("Measures", "Length of all vessels"),
    "length/density": QT_TRANSLATE_NOOP("Measures", "Length of vessels by area"),
    "width/mean": QT_TRANSLATE_NOOP("Measures", "Mean width"),
    "width/median": QT_TRANSLATE_NOOP("Measures", "Median width"),
    "width/twice_depth": QT_TRANSLATE_NOOP("Measures", "Width by whole pixels (check)"),
    "tortuosity/arc_chord": QT_TRANSLATE_NOOP("Measures", "Tortuosity: length / chord - 1"),
    "tortuosity/grisan": QT_TRANSLATE_NOOP("Measures", "Tortuosity: bends (Grisan)"),
    "tortuosity/turning": QT_TRANSLATE_NOOP("Measures", "Turning by length"),
    "tortuosity/inflections": QT_TRANSLATE_NOOP("Measures", "Changes of direction by length"),
    "fractal/d0": QT_TRANSLATE_NOOP("Measures", "Fractal dimension D0 (boxes)"),
    "fractal/d1": QT_TRANSLATE_NOOP("Measures", "Fractal dimension D1 (information)"),
    "fractal/d2": QT_TRANSLATE_NOOP("Measures", "Fractal dimension D2 (correlation)"),
    "fractal/lacunarity": QT_TRANSLATE_NOOP("Measures", "Lacunarity"),
    "count/segments": QT_TRANSLATE_NOOP("Measures", "Segments"),
    "count/branchings": QT_TRANSLATE_NOOP("Measures", "Branchings"),
    "count/crossings": QT_TRANSLATE_NOOP("Measures", "Crossings"),
    "count/ends": QT_TRANSLATE_NOOP("Measures", "Free ends"),
    "branching/angle": QT_TRANSLATE_NOOP("Measures", "Angle at branchings"),
    "branching/area_ratio": QT_TRANSLATE_NOOP("Measures", "Area ratio at branchings"),
    "branching/asymmetry": QT_TRANSLATE_NOOP("Measures", "Asymmetry of branchings"),
    "branching/exponent": QT_TRANSLATE_NOOP("Measures", "Exponent of branchings (Murray: 3)"),
    "calibre/knudtson/arteriole": QT_TRANSLATE_NOOP("Measures", "CRAE of arterioles (Knudtson)"),
    "calibre/knudtson/venule": QT_TRANSLATE_NOOP("Measures", "CRVE of venules (Knudtson)"),
    "calibre/hubbard/arteriole": QT_TRANSLATE_NOOP("Measures", "CRAE of arterioles (Hubbard)"),
    "calibre/hubbard/venule": QT_TRANSLATE_NOOP("Measures", "CRVE of venules (Hubbard)"),
    "calibre/avr": QT_TRANSLATE_NOOP("Measures", "AVR, arterioles / venules"),
}
KINDS: Final[dict[str, str]] = {
    "arteriole": QT_TRANSLATE_NOOP("Measures", "arteriole"),
    "venule": QT_TRANSLATE_NOOP("Measures", "venule"),
    "crossing": QT_TRANSLATE_NOOP("Measures", "crossing"),
}
_UNITS: Final[dict[str, str]] = {
    "um": "\u00b5m",
    "1/um": "1/\u00b5m",
    "deg": "\u00b0",
    "count": "",
    "share": "%",
}
_IN_ZONE: Final = QT_TRANSLATE_NOOP("Measures", "{what}, {zone}")


def measure_name(name: str) -> str:
    """A measure in plain words with its zone, where that is not the field of view, by its name in tables."""
    measure, variant, structure, zone = name.split("/")
    text = NAMES.get(f"{measure}/{variant}/{structure}") or NAMES.get(f"{measure}/{variant}") or NAMES[measure + "/avr"]
    text = QCoreApplication.translate("Measures", text)
    if zone == "fov":
        return text
    return QCoreApplication.translate("Measures", _IN_ZONE).format(what=text, zone=zone)


def kind_name(kind: str) -> str:
    """What a vessel was marked as; empty for one that was not."""
    return QCoreApplication.translate("Measures", KINDS[kind]) if kind else ""


def unit_text(unit: str) -> str:
    """A unit as it is written beside a value."""
    return _UNITS.get(unit, unit)


def value_text(value: float, unit: str = "") -> str:
    """A value as a person reads it, a dash for none; shares in percent, counts whole."""
    if math.isnan(value):
        return DASH
    if unit == "count":
        return f"{value:.0f}"
    value = value * 100.0 if unit == "share" else value
    if value and (abs(value) < 0.01 or abs(value) >= 1e6):
        return f"{value:.3g}"
    digits = max(0, 3 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:.{min(digits, 6)}f}"


def bar_text(measure: Measure) -> str:
    """From the least to the greatest value of an error bar, and how far that is from the value; empty without one."""
    if math.isnan(measure.low) or math.isnan(measure.high):
        return ""
    text = f"{value_text(measure.low, measure.unit)} - {value_text(measure.high, measure.unit)}"
    if not measure.value:
        return text
    return f"{text} ({short_bar_text(measure)})"


def short_bar_text(measure: Measure) -> str:
    """How far the farther end of an error bar is from the value; empty without one."""
    if math.isnan(measure.low) or math.isnan(measure.high) or not measure.value:
        return ""
    return _share(max(measure.high - measure.value, measure.value - measure.low) / abs(measure.value))


def uncorrected_text(measure: Measure) -> str:
    """The value without corrections by hand, and how far the one with them is from it; empty without any."""
    if math.isnan(measure.uncorrected) or math.isnan(measure.value):
        return ""
    text = value_text(measure.uncorrected, measure.unit)
    if not measure.uncorrected:
        return text
    return f"{text} ({100.0 * (measure.value - measure.uncorrected) / abs(measure.uncorrected):+.1f} %)"


def _share(away: float) -> str:
    return f"\u00b1{100.0 * away:.{1 if away < 0.0995 else 0}f} %"
