"""Which measures a doubt about the photograph makes meaningless: these have no number but the doubt as their reason.

==================== =================================================================================================
doubt                what it takes away
==================== =================================================================================================
not_a_fundus,        everything: what was found is not vessels of one retina, or may be invented
angiogram, enhanced,
several_fields,
hardly_any_vessel
stretched            all but the share of the area, the counts and the dimensions: lengths, widths, angles and curves
                     are other ones in a picture that was stretched
blurred,             what needs the edges of vessels or the fine ones: widths, calibres, areas, lengths, counts,
small_photograph     dimensions, lacunarity, and ratios of widths. Angles and tortuosity of the vessels that are seen
                     stay
whole_picture,       what is divided by the field of view, or has boxes that are a part of its size, or asks for its
not_round,           border: share of the area, length per area, dimensions, lacunarity, free ends. Widths, lengths,
faint_outline,       tortuosity and branchings do not need it
small_field,
odd_mask
grey                 nothing: it is named
==================== =================================================================================================
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from core.types import Doubt, DoubtKind

if TYPE_CHECKING:
    from core.measures.summary import Measure

_NONE: Final = float("nan")
_ALL: Final = ("",)
_OF_FIELD: Final = ("area/", "length/density/all/fov", "fractal/", "count/ends/")
_OF_SHAPE: Final = ("length/", "width/", "tortuosity/", "branching/", "calibre/")
_OF_FINE: Final = (
    *("area/", "length/", "width/", "calibre/", "fractal/", "count/"),
    *("branching/area_ratio/", "branching/asymmetry/", "branching/exponent/"),
)
_TAKEN: Final[dict[DoubtKind, tuple[str, ...]]] = {
    **dict.fromkeys(("not_a_fundus", "angiogram", "enhanced", "several_fields", "hardly_any_vessel"), _ALL),
    "stretched": _OF_SHAPE,
    **dict.fromkeys(("blurred", "small_photograph"), _OF_FINE),
    **dict.fromkeys(("whole_picture", "not_round", "faint_outline", "small_field", "odd_mask"), _OF_FIELD),
    "grey": (),
}
"""The beginnings of the names of the measures that are meaningless with a doubt."""


def reason_against(name: str, doubts: Iterable[Doubt]) -> str:
    """Why a measure has no number, or an empty text."""
    return next((doubt.text for doubt in doubts if name.startswith(_TAKEN[doubt.kind])), "")


def without_doubtful(rows: Iterable["Measure"], doubts: Sequence[Doubt]) -> Iterator["Measure"]:
    """Measures with a reason in place of each number that a doubt makes meaningless."""
    for row in rows:
        why = reason_against(row.name, doubts)
        yield replace(row, value=_NONE, low=_NONE, high=_NONE, uncorrected=_NONE, note=why) if why else row
