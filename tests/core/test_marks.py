"""Marks of arterioles and venules by places, and the optic disc that the program proposes."""

import numpy as np
import pytest

from core.datasets.synthetic import draw_case
from core.errors import InputError
from core.masks.edits import BACKGROUND, UNTOUCHED, VESSEL
from core.measures import shapes
from core.measures.calibres import OpticDisc
from core.measures.disc import propose_disc
from core.measures.marks import VesselMark, marked_vessels, vessel_near, vessel_numbers
from core.measures.shapes import Drawing, draw
from core.measures.summary import measure_traced, measure_vessels
from core.measures.traced import Variant, trace_mask
from core.measures.vessels import trace_vessels
from core.measuring import mirrored_variants
from core.threshold_rule import ThresholdRule
from core.types import ProbabilityMap

DISC = OpticDisc(149.5, 149.5, 20)
INSIDE = np.ones((300, 300), np.bool_)


def spokes(blur: float = 0.0) -> np.ndarray:
    return draw(shapes.spokes(12, 22, 100, (9, 7, 8, 6, 5, 10)), Drawing(300))


def test_a_vessel_is_found_by_a_place_on_it_and_none_far_from_all() -> None:
    tree = trace_vessels(spokes())
    for number, vessel in enumerate(tree.vessels):
        row, column = vessel.line.points[len(vessel.line.points) // 3]
        assert vessel_near(tree, row, column) == number
    assert vessel_near(tree, 2.0, 2.0) == -1


def test_marks_by_places_give_the_calibres_of_marks_by_numbers_with_error_bars() -> None:
    values = spokes()
    tree = trace_vessels(values)
    kinds = {number: "arteriole" if number % 2 else "venule" for number in range(12)}
    marks = [
        VesselMark(*(float(each) for each in tree.vessels[number].line.points[20]), kind)  # type: ignore[arg-type]
        for number, kind in kinds.items()
    ]
    by_number = measure_vessels(values, INSIDE, disc=DISC, kinds=kinds, error_bars=False)  # type: ignore[arg-type]
    by_place = measure_vessels(values, INSIDE, disc=DISC, marks=marks)
    assert by_place.kinds == kinds
    for name in ("calibre/knudtson/arteriole/B", "calibre/knudtson/venule/B", "calibre/avr/knudtson/B"):
        assert by_place[name].value == pytest.approx(by_number[name].value)
        assert by_place[name].low <= by_place[name].value <= by_place[name].high, "marks hold at other thresholds"
    again = marked_vessels(tree, [*marks, VesselMark(marks[0].row, marks[0].column, "crossing")])
    assert again[0] == "crossing", "the later mark holds"
    fewer = measure_vessels(values, INSIDE, disc=DISC, kinds=again, error_bars=False)
    assert np.isnan(fewer["calibre/knudtson/venule/B"].value), "a crossing is neither arteriole nor venule"


def test_what_is_traced_once_gives_all_measures_for_every_disc_and_pixel() -> None:
    values = spokes()
    traced = trace_mask(values, INSIDE).with_bars()
    for disc in (None, DISC):
        direct, again = measure_vessels(values, INSIDE, disc=disc), measure_traced(traced, disc=disc)
        assert [(row.name, row.note) for row in direct.rows] == [(row.name, row.note) for row in again.rows]
        np.testing.assert_array_equal(
            [(row.value, row.low, row.high) for row in direct.rows],
            [(row.value, row.low, row.high) for row in again.rows],
        )


def test_every_pixel_of_a_mask_belongs_to_a_vessel_and_none_beside_it() -> None:
    values = spokes()
    tree = trace_vessels(values)
    numbers = vessel_numbers(tree)
    np.testing.assert_array_equal(numbers >= 0, values >= 0.5)
    for number, vessel in enumerate(tree.vessels):
        row, column = np.rint(vessel.line.points[len(vessel.line.points) // 2]).astype(int)
        assert numbers[row, column] == number


@pytest.mark.parametrize("seed", [3, 4, 5, 6])
def test_the_disc_of_a_drawn_photograph_is_found(seed: int) -> None:
    case = draw_case(seed, 400)
    tree = trace_vessels(case.label.vessel & case.fov.inside)
    found = propose_disc(case.image, case.fov, tree)
    glow = case.image.rgb[..., 1].astype(float) * case.fov.inside
    row, column = np.unravel_index(np.argmax(np.where(case.label.vessel, 0, glow)), glow.shape)
    assert np.hypot(found.disc.row - row, found.disc.column - column) < 0.09 * 400
    assert not found.doubt


def test_a_disc_that_is_not_seen_is_doubted() -> None:
    case = draw_case(3, 400)
    grey = np.where(case.fov.inside[..., None], np.uint8(110), np.uint8(0)) * np.ones(3, np.uint8)
    from core.types import FundusImage

    found = propose_disc(FundusImage(grey), case.fov, trace_vessels(case.label.vessel & case.fov.inside))
    assert "look" in found.doubt


def test_without_vessels_no_disc_is_proposed() -> None:
    case = draw_case(3, 200)
    with pytest.raises(InputError, match="too few vessels"):
        propose_disc(case.image, case.fov, trace_vessels(np.zeros(case.image.shape, np.bool_)))


def test_every_variant_widens_the_bar_or_says_what_it_changes() -> None:
    values, wider = spokes(), draw(shapes.spokes(12, 22, 100, (14, 12, 13, 11, 10, 15)), Drawing(300))
    name = "width/mean/all/fov"
    bare = measure_traced(trace_mask(values, INSIDE).with_bars())[name]
    by_mirror = measure_traced(trace_mask(values, INSIDE, variants=[Variant("mirrored", wider)]).with_bars())[name]
    assert by_mirror.low == bare.low
    assert by_mirror.high == pytest.approx(measure_vessels(wider, INSIDE)[name].value)
    assert "when the photograph is mirrored" in by_mirror.note
    by_hand = measure_traced(trace_mask(values, INSIDE, variants=[Variant("corrections", wider)]).with_bars())[name]
    assert (by_hand.low, by_hand.high) == (bare.low, bare.high), "a correction is no error"
    assert f"Without the corrections by hand it is {by_mirror.high:.3g}" in by_hand.note


def test_what_a_hand_has_decided_is_decided_in_the_mirror_too() -> None:
    found = ProbabilityMap(np.array([[0.2, 0.6, 0.9, 0.4]], np.float32))
    codes = np.array([[VESSEL, BACKGROUND, UNTOUCHED, UNTOUCHED]], np.uint8)
    (plain,) = mirrored_variants([found], ThresholdRule(128, "model"))
    assert plain.values.tolist() == found.values.tolist()
    assert plain.cut == 0.5
    (decided,) = mirrored_variants([found], ThresholdRule(102, "user"), codes)
    np.testing.assert_array_equal(decided.values >= decided.cut, [[True, False, True, True]])
    rule = ThresholdRule(200, "user", low_level=100)
    (ruled,) = mirrored_variants([found], rule, codes)
    assert ruled.values.dtype == np.bool_
    np.testing.assert_array_equal(ruled.values, [[True, False, True, True]])
    (bare,) = mirrored_variants([found], rule)
    np.testing.assert_array_equal(bare.values, [[False, True, True, True]])
