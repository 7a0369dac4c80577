"""All measures of the vessels of a photograph, as rows with a value, a unit and an error bar.

Names are ``measure/variant/structure/zone``: ``width/mean/all/fov``, ``calibre/knudtson/arteriole/B``. A measure that
cannot be had, or that a doubt about the photograph makes meaningless (``doubtful``), has no number but a reason. Its
error bar is the range of the measure when the threshold moves by ``SPREAD`` to both sides, and over mirrored
photographs where these are given: what depends on where exactly vessels end shows it there. Beside it is what a measure
would be without the corrections by hand: a correction is not an error, so it does not widen the bar.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np

from core.errors import InputError
from core.measures.branching import Nodes
from core.measures.calibres import (
    LARGEST,
    ZONES,
    OpticDisc,
    Structure,
    Zone,
    hubbard_equivalent,
    knudtson_equivalent,
    widths_in_zone,
)
from core.measures.doubtful import without_doubtful
from core.measures.marks import MarkKind, VesselMark, marked_vessels
from core.measures.traced import SPREAD, Cause, TracedMask, VesselState, trace_mask
from core.measures.vessels import VesselTree
from core.measures.whole_field import NONE, Found, known_or, mean
from core.progress import SILENT, Monitor
from core.types import BoolArray, Doubt, FloatArray

MOVES: Final = 0.1
"""A measure that moves by more than this share over its error bar says so."""
LEAST_SEEN: Final = 0.9
"""Share of a zone that must lie inside the field of view."""

LEAST_IN_ZONE: Final = 3
"""So many vessels make a mean width in a zone."""

Unit = Literal["", "px", "um", "1/px", "1/um", "deg", "count", "share"]


@dataclass(frozen=True, slots=True)
class PixelSize:
    """Width of a pixel on the retina in micrometres, and where it is known from, in words."""

    um: float
    source: str

    def __post_init__(self) -> None:
        if not (self.um > 0 and np.isfinite(self.um)):
            raise InputError("The size of a pixel must be a number of micrometres above 0.")
        if not self.source.strip():
            raise InputError("A size of a pixel needs its source: the camera's data sheet, the file, an assumption.")


@dataclass(frozen=True, slots=True, eq=False)
class _Given:
    """What is measured, beside the vessels."""

    inside: BoolArray
    disc: OpticDisc | None
    kinds: Mapping[int, MarkKind]
    pixel: PixelSize | None


@dataclass(frozen=True, slots=True)
class Measure:
    """One number: ``name`` (measure/variant/structure/zone), ``value`` (NaN: none, ``note`` says why) and its unit.

    ``low`` and ``high`` are the least and greatest value within the error bar, NaN where there is none.
    ``uncorrected`` is the value without the corrections by hand, NaN where there are none.
    """

    name: str
    value: float
    unit: Unit
    low: float = float("nan")
    high: float = float("nan")
    note: str = ""
    uncorrected: float = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class VesselMeasures:
    """The measures of a photograph, in the order of ``CODEBOOK``, and the vessels that they were made of.

    ``threshold`` is None for a mask, of which there is no error bar. ``kinds`` are the vessels that a person marked, by
    their numbers in ``tree``. ``doubts`` : what is doubtful about the disc.
    """

    rows: tuple[Measure, ...]
    tree: VesselTree
    nodes: Nodes
    threshold: float | None
    disc: OpticDisc | None = None
    pixel: PixelSize | None = None
    kinds: Mapping[int, MarkKind] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Measure:
        for row in self.rows:
            if row.name == name:
                return row
        raise KeyError(name)

    def as_dict(self) -> dict[str, float]:
        """Values by name, for a row of a table; NaN where there is none."""
        return {row.name: row.value for row in self.rows}

    def __repr__(self) -> str:
        known = sum(not np.isnan(row.value) for row in self.rows)
        return f"<VesselMeasures, {known} of {len(self.rows)} known, {len(self.tree.vessels)} vessel segments>"


CODEBOOK: Final[dict[str, str]] = {
    "area/share/all/fov": "Area of vessels divided by the area of the field of view.",
    "length/total/all/fov": "Length of all centre lines.",
    "length/density/all/fov": "Length of all centre lines divided by the area of the field of view.",
    "width/mean/all/fov": "Mean width, weighted by length: the distance of the two sub-pixel edges across the line, "
    "where the border of the field of view does not cut the vessel.",
    "width/median/all/fov": "Median of the widths of segments, weighted by length.",
    "width/twice_depth/all/fov": "Twice the distance of the centre line to the background, weighted by length.",
    "tortuosity/arc_chord/all/fov": "Length / chord - 1, mean over segments weighted by length (Lotmar 1979).",
    "tortuosity/grisan/all/fov": "(n - 1)/n / length * sum(length_i / chord_i - 1), weighted by length (Grisan 2008).",
    "tortuosity/turning/all/fov": "Integral of |curvature| divided by length, in radian per unit of length.",
    "tortuosity/inflections/all/fov": "Changes of the direction of turning divided by length.",
    "fractal/d0/all/fov": "Capacity (box-counting) dimension of the centre lines.",
    "fractal/d1/all/fov": "Information dimension of the centre lines.",
    "fractal/d2/all/fov": "Correlation dimension of the centre lines.",
    "fractal/lacunarity/all/fov": "1 + variance / mean^2 of vessel pixels in boxes of 5 % of the width of the field of "
    "view that lie in it.",
    "count/segments/all/fov": "Vessel segments between nodes.",
    "count/branchings/all/fov": "Nodes where three segments meet.",
    "count/crossings/all/fov": "Nodes where two vessels go straight across one another.",
    "count/ends/all/fov": "Free ends, but for those at the border of the field of view (within 1 % of its width).",
    "branching/angle/all/fov": "Mean angle between the two narrower vessels of a branching.",
    "branching/area_ratio/all/fov": "Median of (d1^2 + d2^2) / d0^2, d0 the widest vessel of a branching.",
    "branching/asymmetry/all/fov": "Median of d2^2 / d1^2.",
    "branching/exponent/all/fov": "Median x of d0^x = d1^x + d2^x (Murray: 3).",
    **{f"length/density/all/{zone}": f"Length of centre lines in zone {zone} divided by its area." for zone in ZONES},
    **{f"width/mean/all/{zone}": f"Mean width of the vessels that cross zone {zone}." for zone in ZONES},
    **{
        f"calibre/{formula}/{structure}/{zone}": f"Central {structure} equivalent of the six widest in zone {zone} "
        f"({source})."
        for zone in ("B", "C")
        for formula, source in (("knudtson", "Knudtson 2003"), ("hubbard", "Hubbard 1999, micrometres"))
        for structure in ("arteriole", "venule")
    },
    "calibre/avr/knudtson/B": "Knudtson's arteriole equivalent divided by the venule equivalent in zone B.",
}
"""What each measure is. Zone "fov" is the field of view; A, B and C are rings around the disc (``calibres``)."""

_POWERS: Final[dict[str, int]] = {
    **{"length/total": 1, "width": 1, "calibre/knudtson": 1},
    **{"length/density": -1, "tortuosity/grisan": -1, "tortuosity/turning": -1, "tortuosity/inflections": -1},
}
"""The power of the unit of length that a measure has."""


def measure_vessels(
    values: FloatArray | BoolArray,
    inside: BoolArray,
    threshold: float = 0.5,
    *,
    disc: OpticDisc | None = None,
    kinds: Mapping[int, MarkKind] | None = None,
    marks: Sequence[VesselMark] = (),
    pixel: PixelSize | None = None,
    doubts: Sequence[Doubt] = (),
    error_bars: bool = True,
    monitor: Monitor = SILENT,
) -> VesselMeasures:
    """Measure the vessels of a photograph: ``trace_mask``, and ``measure_traced`` of what it gives.

    Parameters
    ----------
    values : float32 (H, W) in [0, 1], the probability map, vessel where >= ``threshold``; or bool (H, W), a mask, for
        which there are no error bars.
    inside : bool (H, W), the field of view.
    disc : the optic disc, for zones and calibres.
    kinds : arterioles and venules, by the numbers of the segments in ``tree``; a person or a program has to say them.
    marks : the same by places on them, which hold for the vessels of the error bars, too.
    pixel : the size of a pixel, for lengths in micrometres; in pixels without it.
    doubts : about the photograph and its field of view; what they make meaningless has them for a reason.
    error_bars : also measure at the threshold plus and minus SPREAD, three times the work.

    Raises
    ------
    InputError : shapes differ, or there is no vessel.
    """
    traced = trace_mask(values, inside, threshold, monitor=monitor)
    if error_bars:
        traced = traced.with_bars(monitor)
    return measure_traced(traced, disc=disc, kinds=kinds, marks=marks, pixel=pixel, doubts=doubts)


def measure_traced(
    traced: TracedMask,
    *,
    disc: OpticDisc | None = None,
    kinds: Mapping[int, MarkKind] | None = None,
    marks: Sequence[VesselMark] = (),
    pixel: PixelSize | None = None,
    doubts: Sequence[Doubt] = (),
) -> VesselMeasures:
    """The measures of vessels that were followed; parameters as of ``measure_vessels``."""
    tree = traced.state.tree
    kinds = {**marked_vessels(tree, marks), **(kinds or {})}
    given = _Given(traced.inside, disc, kinds, pixel)
    rows = list(_rows(traced.state, given))
    others: dict[Cause, list[Mapping[str, Measure]]] = {}
    for cause, state in traced.moved:
        marked = replace(given, kinds=marked_vessels(state.tree, marks))  # the numbers of segments differ
        others.setdefault(cause, []).append({row.name: row for row in _rows(state, marked)})
    rows = [
        _with_bar(row, {cause: [each[row.name].value for each in found] for cause, found in others.items()})
        for row in rows
    ]
    rows = list(without_doubtful(rows, doubts))
    return VesselMeasures(tuple(rows), tree, traced.state.nodes, traced.threshold, disc, pixel, kinds)


_WHEN: Final[dict[Cause, str]] = {
    "threshold": f"Changes from {{low}} to {{high}} when the threshold moves by {SPREAD}.",
    "mirrored": "Changes from {low} to {high} when the photograph is mirrored.",
    "corrections": "Without the corrections by hand it is {other}.",
}


def _with_bar(row: Measure, others: Mapping[Cause, list[float]]) -> Measure:
    """The error bar, the value without corrections, and a note for each cause that moves it by more than MOVES."""
    if np.isnan(row.value):
        return row
    size = abs(row.value)
    if row.name.startswith("fractal/d"):
        size = 1.0  # a dimension of 1.45 +- 0.05 has moved by a twentieth of a dimension
    lows, highs, notes = [row.value], [row.value], [row.note] if row.note else []
    for cause, values in others.items():
        known = [value for value in values if not np.isnan(value)]
        if not known:
            continue
        low, high = min(row.value, *known), max(row.value, *known)
        moves = high - low > MOVES * size
        if cause == "corrections":
            row = replace(row, uncorrected=known[0])
        else:
            lows.append(low)
            highs.append(high)
        if moves:
            words = (_in_words(each, row.unit) for each in (low, high, known[0]))
            notes.append(_WHEN[cause].format(**dict(zip(("low", "high", "other"), words, strict=True))))
    if len(lows) == 1:
        return replace(row, note=" ".join(notes))
    return replace(row, low=min(lows), high=max(highs), note=" ".join(notes))


def _in_words(value: float, unit: str) -> str:
    """A value within a sentence: shares in percent, as the window shows them, and no 6.73e+03."""
    if unit == "share":
        return f"{100.0 * value:.3g} %"
    return f"{value:.0f}" if 1000.0 <= abs(value) < 1e6 else f"{value:.3g}"


def _rows(state: VesselState, given: _Given) -> Iterable[Measure]:
    found = {**state.whole, **_zones(state.tree, given)}
    for name in CODEBOOK:
        value, note = found[name]
        yield _in_units(name, value, note, given.pixel)


def _zones(tree: VesselTree, given: _Given) -> dict[str, Found]:
    """What is measured in rings around the optic disc, in pixels (Hubbard's calibres: in micrometres)."""
    inside, disc, pixel = given.inside, given.disc, given.pixel
    found: dict[str, Found] = {}
    for zone in ZONES:
        why = _not_seen(disc, zone, inside)
        if why or disc is None:
            names = [name for name in CODEBOOK if name.endswith(f"/{zone}")]
            found |= dict.fromkeys(names, (NONE, why))
            continue
        widths = widths_in_zone(tree, disc, zone)
        ring = disc.zone(zone, inside.shape) & inside
        length = sum(
            float(np.diff(vessel.line.along)[_in_zone(vessel.line.points, disc, zone)[1:]].sum())
            for vessel in tree.vessels
        )
        found[f"length/density/all/{zone}"] = (length / np.count_nonzero(ring), "")
        few = "" if len(widths) >= LEAST_IN_ZONE else f"Fewer than {LEAST_IN_ZONE} vessels cross the zone."
        found[f"width/mean/all/{zone}"] = known_or(lambda widths=widths: mean(list(widths.values())), few)  # type: ignore[misc]
        if zone == "A":
            continue
        for structure in ("arteriole", "venule"):
            of_kind = [width for number, width in widths.items() if given.kinds.get(number) == structure]
            why = _too_few(of_kind, structure, given.kinds)
            found[f"calibre/knudtson/{structure}/{zone}"] = (knudtson_equivalent(of_kind, structure), why)
            um = [width * pixel.um for width in of_kind] if pixel is not None else []
            why = "The formulas of Hubbard need the size of a pixel." if pixel is None else why
            found[f"calibre/hubbard/{structure}/{zone}"] = (hubbard_equivalent(um, structure, unit="um"), why)
    arteriole, venule = (found.get(f"calibre/knudtson/{one}/B", (NONE, "")) for one in ("arteriole", "venule"))
    found["calibre/avr/knudtson/B"] = (arteriole[0] / venule[0], arteriole[1] or venule[1])
    return found


def _in_zone(points: "np.ndarray[tuple[int, int], np.dtype[np.float64]]", disc: OpticDisc, zone: Zone) -> BoolArray:
    away = disc.radii_away(points[:, 0], points[:, 1])
    inner, outer = ZONES[zone]
    return np.asarray((away >= inner) & (away < outer))


def _not_seen(disc: OpticDisc | None, zone: Zone, inside: BoolArray) -> str:
    if disc is None:
        return "The optic disc is not known."
    share = disc.share_seen(zone, inside)
    return "" if share >= LEAST_SEEN else f"Only {share:.0%} of zone {zone} are inside the field of view."


def _too_few(widths: list[float], structure: Structure, kinds: Mapping[int, MarkKind]) -> str:
    if not kinds:
        return "Arterioles and venules are not marked."
    return "" if len(widths) >= LARGEST else f"Fewer than {LARGEST} {structure}s are marked in the zone."


def unit_of(name: str, pixel: PixelSize | None) -> Unit:
    """The unit of a measure, with or without a size of a pixel."""
    measure, variant, _, _ = name.split("/")
    if (measure, variant) == ("calibre", "hubbard"):
        return "um"
    units: dict[int, Unit] = {1: "px", -1: "1/px"} if pixel is None else {1: "um", -1: "1/um"}
    others: dict[str, Unit] = {"count": "count", "area": "share"}
    return units.get(_power(name)) or ("deg" if variant == "angle" else others.get(measure, ""))


def _power(name: str) -> int:
    measure, variant, _, _ = name.split("/")
    return _POWERS.get(f"{measure}/{variant}", _POWERS.get(measure, 0))


def _in_units(name: str, value: float, note: str, pixel: PixelSize | None) -> Measure:
    scale = pixel.um ** _power(name) if pixel is not None else 1.0
    return Measure(name, value * scale, unit_of(name, pixel), note=note)
