"""A measure that a doubt about the photograph makes meaningless has the doubt in place of a number."""

from typing import get_args

import numpy as np
import pytest

from core.measures import shapes
from core.measures.doubtful import reason_against
from core.measures.shapes import Drawing, draw
from core.measures.summary import CODEBOOK, VesselMeasures, measure_vessels
from core.types import Doubt, DoubtKind

TREE = draw(shapes.tree(3, 45, 7), Drawing(220))
INSIDE = np.ones(TREE.shape, np.bool_)


def measured(*kinds: DoubtKind) -> VesselMeasures:
    return measure_vessels(TREE, INSIDE, doubts=[Doubt(kind, f"It is {kind}.") for kind in kinds], error_bars=False)


def left_out(*kinds: DoubtKind) -> set[str]:
    """The measures that have no number for the reason of a doubt."""
    return {row.name for row in measured(*kinds).rows if row.note.startswith("It is ") and np.isnan(row.value)}


@pytest.mark.parametrize("kind", ["not_a_fundus", "angiogram", "enhanced", "several_fields", "hardly_any_vessel"])
def test_what_is_no_retina_has_no_measures(kind: DoubtKind) -> None:
    assert left_out(kind) == set(CODEBOOK)


def test_a_doubt_that_only_warns_takes_nothing_away() -> None:
    plain, grey = measured(), measured("grey")
    assert [row.value for row in plain.rows] == pytest.approx([row.value for row in grey.rows], nan_ok=True)


def test_doubts_take_away_what_depends_on_them() -> None:
    of_field, blurred, stretched = left_out("faint_outline"), left_out("blurred"), left_out("stretched")
    assert {"area/share/all/fov", "length/density/all/fov", "fractal/d0/all/fov", "count/ends/all/fov"} <= of_field
    assert not of_field & {"length/total/all/fov", "width/mean/all/fov", "tortuosity/arc_chord/all/fov"}
    assert {"width/mean/all/fov", "count/branchings/all/fov", "length/total/all/fov"} <= blurred
    assert not blurred & {"tortuosity/arc_chord/all/fov", "branching/angle/all/fov"}
    assert {"width/mean/all/fov", "branching/angle/all/fov", "tortuosity/arc_chord/all/fov"} <= stretched
    assert not stretched & {"count/branchings/all/fov", "area/share/all/fov"}


def test_every_doubt_has_its_rule() -> None:
    for kind in get_args(DoubtKind):
        reason_against("width/mean/all/fov", [Doubt(kind, "It is odd.")])


def test_dimensions_of_a_few_segments_are_no_number() -> None:
    bar = draw(shapes.line([(-60, 0), (60, 0)], 5), Drawing(220))
    found = measure_vessels(bar, INSIDE, error_bars=False)
    for name in ("fractal/d0/all/fov", "fractal/lacunarity/all/fov", "width/mean/all/fov"):
        assert np.isnan(found[name].value)
        assert found[name].note.startswith("Fewer than 5 segments")
    assert found["length/total/all/fov"].value == pytest.approx(120, rel=0.01)
