"""Measures of vessels, on shapes whose measures are known, at every angle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.measures import shapes
from core.measures.branching import nodes_of
from core.measures.calibres import OpticDisc, hubbard_equivalent, knudtson_equivalent, widths_in_zone
from core.measures.fractal import box_sides, fractal_dimensions, lacunarity, places_of
from core.measures.pixels import pixel_from_disc
from core.measures.shapes import Drawing, draw
from core.measures.summary import CODEBOOK, PixelSize, measure_vessels
from core.measures.tortuosity import tortuosity
from core.measures.vessels import Vessel, VesselTree, trace_vessels

every_angle = pytest.mark.parametrize("degrees", [0, 15, 30, 45, 60, 90])
some_angles = pytest.mark.parametrize("degrees", [0, 30, 45])


def tree_of(shape: shapes.Inside, side: int, degrees: float) -> VesselTree:
    return trace_vessels(draw(shape, Drawing(side, degrees, (0.3, 0.2))))


def only(tree: VesselTree) -> Vessel:
    (vessel,) = tree.vessels
    return vessel


@every_angle
@pytest.mark.parametrize("width", [3, 5, 9])
@pytest.mark.parametrize("length", [40, 80])
def test_a_bar_has_its_width_and_length_and_is_straight(degrees: float, width: float, length: float) -> None:
    vessel = only(tree_of(shapes.line([(-length / 2, 0), (length / 2, 0)], width), 110, degrees))
    assert vessel.width_px == pytest.approx(width, rel=0.02)
    assert vessel.line.length_px == pytest.approx(length, rel=0.01)
    winding = tortuosity(vessel.line)
    assert winding.arc_chord < 0.001
    assert winding.inflections == 0
    assert winding.grisan == 0


@every_angle
def test_an_arc_has_the_tortuosity_of_its_circle(degrees: float) -> None:
    vessel = only(tree_of(shapes.arc(50, 6, 180), 130, degrees))
    assert vessel.width_px == pytest.approx(6, rel=0.02)
    assert vessel.line.length_px == pytest.approx(np.pi * 50, rel=0.01)
    assert 1 + tortuosity(vessel.line).arc_chord == pytest.approx(np.pi / 2, rel=0.01)


@some_angles
def test_a_sinusoid_has_its_length_and_inflections(degrees: float) -> None:
    vessel = only(tree_of(shapes.sinusoid(140, 20, 2, 5), 170, degrees))
    # All points within half a width of the curve: half a width more at both ends.
    assert vessel.line.length_px == pytest.approx(shapes.sinusoid_length(140, 20, 2) + 5, rel=0.01)
    winding = tortuosity(vessel.line)
    assert winding.inflections == 3  # where it crosses its axis, but for its ends
    slope = 20 * 2 * np.pi * 2 / 140
    assert winding.turning == pytest.approx(8 * np.arctan(slope), rel=0.03)
    assert winding.grisan > 0


@some_angles
def test_a_ring_is_one_vessel_without_ends(degrees: float) -> None:
    tree = tree_of(shapes.ring(40, 6), 110, degrees)
    vessel = only(tree)
    assert vessel.segment.is_ring
    assert not tree.nodes
    assert vessel.line.length_px == pytest.approx(2 * np.pi * 40, rel=0.01)
    assert vessel.width_px == pytest.approx(6, rel=0.02)
    assert np.isnan(tortuosity(vessel.line).arc_chord)


@some_angles
@pytest.mark.parametrize("angle", [40, 100])
def test_a_fork_has_its_angle_and_the_exponent_of_murray(degrees: float, angle: float) -> None:
    daughter = 10 / 2 ** (1 / 3)
    (found,) = nodes_of(tree_of(shapes.fork(60, (10, daughter, daughter), angle), 160, degrees)).branchings
    assert found.angle_deg == pytest.approx(angle, abs=2)
    assert found.area_ratio == pytest.approx(2 ** (1 / 3), rel=0.03)
    assert found.asymmetry == pytest.approx(1, rel=0.03)
    assert found.exponent == pytest.approx(3, abs=0.15)


@some_angles
def test_a_tree_has_its_counts(degrees: float) -> None:
    tree = tree_of(shapes.tree(3, 45, 7), 220, degrees)
    nodes = nodes_of(tree)
    assert (len(tree.vessels), len(nodes.branchings), len(nodes.ends), len(nodes.crossings)) == (15, 7, 9, 0)


@some_angles
@pytest.mark.parametrize("between", [60, 90])
def test_a_crossing_is_no_branching(degrees: float, between: float) -> None:
    away = np.array([np.cos(np.deg2rad(between)), np.sin(np.deg2rad(between))]) * 55
    crossed = shapes.union(shapes.line([(-55, 0), (55, 0)], 7), shapes.line([tuple(-away), tuple(away)], 5))
    nodes = nodes_of(tree_of(crossed, 140, degrees))
    assert (len(nodes.branchings), len(nodes.crossings), len(nodes.ends)) == (0, 1, 4)


def test_parallel_vessels_stay_apart() -> None:
    bars = [shapes.line([(-40, y), (40, y)], 5) for y in (-16, -8, 0, 8, 16)]
    tree = tree_of(shapes.union(*bars), 110, 30)
    assert len(tree.vessels) == 5
    assert [vessel.width_px for vessel in tree.vessels] == pytest.approx([5] * 5, rel=0.02)


@some_angles
def test_spokes_across_zone_b_have_the_calibre_of_their_widths(degrees: float) -> None:
    widths = (9, 7, 8, 6, 5, 10)
    tree = tree_of(shapes.spokes(6, 20, 90, widths), 200, degrees)
    disc = OpticDisc(99.5 + 0.3, 99.5 + 0.2, 28)
    found = list(widths_in_zone(tree, disc, "B").values())
    assert sorted(found) == pytest.approx(sorted(widths), rel=0.02)
    assert knudtson_equivalent(found, "arteriole") == pytest.approx(knudtson_equivalent(widths, "arteriole"), rel=0.02)


def test_zones_around_an_ellipse_begin_at_its_margin() -> None:
    disc, circle = OpticDisc(100, 120, 20, 10, 90), OpticDisc(100, 120, 15)  # the longer half axis along the rows
    assert disc.radii_away([120, 100, 80, 100], [120, 130, 120, 110]) == pytest.approx([1, 1, 1, 1])
    assert OpticDisc(*disc.values()) == disc
    assert OpticDisc(*circle.values()) == circle
    assert np.array_equal(OpticDisc(100, 120, 15, 15, 30).zone("B", (200, 200)), circle.zone("B", (200, 200)))
    for zone, area in (("A", 3), ("B", 5)):
        assert np.count_nonzero(disc.zone(zone, (200, 240))) == pytest.approx(area * np.pi * 200, rel=0.01)  # type: ignore[arg-type]
    assert disc.share_seen("B", np.ones((200, 240), np.bool_)) == pytest.approx(1.0, abs=0.01)
    turned = OpticDisc(0, 0, 20, 10, 30)  # clockwise on the screen: to the right and down
    assert turned.radii_away(20 * np.sin(np.pi / 6), 20 * np.cos(np.pi / 6)) == pytest.approx(1.0)


def test_a_pixel_from_the_disc_says_that_it_is_assumed() -> None:
    pixel = pixel_from_disc(OpticDisc(0, 0, 90))
    assert pixel.um == pytest.approx(10.0)
    assert pixel.source == "assumed: the optic disc is 1.8 mm wide"
    assert pixel_from_disc(OpticDisc(0, 0, 180, 45), 1.5).um == pytest.approx(1500 / 180)
    with pytest.raises(InputError, match=r"An optic disc is 1 to 2\.5 mm wide, not 18: give its diameter in mm"):
        pixel_from_disc(OpticDisc(0, 0, 90), 18)


def test_equivalents_by_hand() -> None:
    one = 0.88 * np.hypot(10, 10)
    # Six of 10: three pairs, the middle one of three waits, then two.
    assert knudtson_equivalent([10] * 6, "arteriole") == pytest.approx(0.88 * np.hypot(one, 0.88 * np.hypot(one, one)))
    assert np.isnan(knudtson_equivalent([10] * 5, "venule"))
    assert knudtson_equivalent([10] * 6 + [1, 2], "arteriole") == knudtson_equivalent([10] * 6, "arteriole")
    assert hubbard_equivalent([100.0] * 6, "venule", unit="um") > 100
    with pytest.raises(InputError, match="micrometres only"):
        hubbard_equivalent([10.0] * 6, "arteriole", unit="px")


@pytest.mark.parametrize("degrees", [0, 30])
@pytest.mark.parametrize(
    ("shape", "extent", "part", "dimension"),
    [
        (shapes.rectangle(160, 160), 160, 1, 2.0),
        (shapes.gasket(320, 6), 320, 320 / 64, np.log(3) / np.log(2)),
        (shapes.carpet(243, 4), 243, 3, np.log(8) / np.log(3)),
    ],
    ids=["square", "gasket", "carpet"],
)
def test_dimensions_of_known_sets(
    shape: shapes.Inside, extent: float, part: float, dimension: float, degrees: float
) -> None:
    pixels = draw(shape, Drawing(int(1.42 * extent) + 2, degrees, (0.3, 0.2))) >= 0.5
    found = fractal_dimensions(places_of(pixels, 3), box_sides(extent, part))
    assert found is not None
    assert (found.d0, found.d1, found.d2) == pytest.approx([dimension] * 3, abs=0.03)


@some_angles
def test_the_centre_line_of_a_straight_vessel_has_one_dimension(degrees: float) -> None:
    from core.measures.whole_field import places_along

    tree = tree_of(shapes.line([(-120, 0), (120, 0)], 6), 260, degrees)
    found = fractal_dimensions(places_along(tree), box_sides(240))
    assert found is not None
    assert (found.d0, found.d1, found.d2) == pytest.approx([1.0] * 3, abs=0.03)


def test_even_and_uneven_sets_differ_in_lacunarity() -> None:
    even = np.zeros((120, 120), np.bool_)
    even[::4, ::4] = True
    clumped = np.zeros((120, 120), np.bool_)
    clumped[:30, :30] = True
    assert lacunarity(even, 8) == pytest.approx(1, abs=0.01)
    assert lacunarity(clumped, 8) > 5
    assert np.isnan(lacunarity(np.zeros((20, 20), np.bool_), 4))


def test_the_black_surround_of_a_retina_changes_no_lacunarity() -> None:
    vessel = draw(FOREST, Drawing(200)) >= 0.5
    narrow = measure_vessels(vessel, FULL)
    wide = measure_vessels(np.pad(vessel, 60), np.pad(FULL, 60))
    name = "fractal/lacunarity/all/fov"
    assert wide[name].value == narrow[name].value


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 0.8))
def test_any_mask_can_be_traced(seed: int, share: float) -> None:
    """Noise is the worst graph there is: every segment and node must still fit together."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(48, 56)), 1.5)
    tree = trace_vessels(noise > np.quantile(noise, share))
    for number, node in enumerate(tree.nodes):
        assert len(tree.graph.at(number)) == node.degree
    for vessel in tree.vessels:
        assert np.isfinite(vessel.line.points).all()
        assert vessel.line.length_px > 0
        assert np.isnan(vessel.width_px) or vessel.width_px > 0
    nodes_of(tree)


FULL = np.ones((200, 200), np.bool_)
FOREST = shapes.union(shapes.tree(3, 40, 6, 70), shapes.line([(-80, 70), (80, 80)], 4))


def test_rows_have_units_and_reasons() -> None:
    values = draw(FOREST, Drawing(200))
    found = measure_vessels(values, FULL)
    assert [row.name for row in found.rows] == list(CODEBOOK)
    assert found["width/mean/all/fov"].unit == "px"
    assert found["width/mean/all/B"].note == "The optic disc is not known."
    assert np.isnan(found["width/mean/all/B"].value)
    scaled = measure_vessels(values, FULL, pixel=PixelSize(5.0, "the data sheet"))
    assert scaled["width/mean/all/fov"].unit == "um"
    assert scaled["width/mean/all/fov"].value == pytest.approx(5 * found["width/mean/all/fov"].value)
    assert scaled["length/density/all/fov"].value == pytest.approx(found["length/density/all/fov"].value / 5)
    assert scaled["fractal/d0/all/fov"].value == found["fractal/d0/all/fov"].value


def test_calibres_need_marks_of_arterioles_and_venules() -> None:
    values = draw(shapes.spokes(12, 22, 100, (9, 7, 8, 6, 5, 10)), Drawing(300))
    inside, disc = np.ones((300, 300), np.bool_), OpticDisc(149.5, 149.5, 30)
    unmarked = measure_vessels(values, inside, disc=disc, error_bars=False)
    assert unmarked["calibre/knudtson/arteriole/B"].note == "Arterioles and venules are not marked."
    kinds = {number: ("arteriole", "venule")[number % 2] for number in range(12)}
    marked = measure_vessels(values, inside, disc=disc, kinds=kinds, error_bars=False)  # type: ignore[arg-type]
    ratio = marked["calibre/knudtson/arteriole/B"].value / marked["calibre/knudtson/venule/B"].value
    assert marked["calibre/avr/knudtson/B"].value == pytest.approx(ratio)
    assert marked["calibre/hubbard/venule/B"].note == "The formulas of Hubbard need the size of a pixel."
    cut = measure_vessels(values, inside, disc=OpticDisc(149.5, 20.0, 30), error_bars=False)
    assert "inside the field of view" in cut["width/mean/all/B"].note
    assert np.isnan(cut["width/mean/all/B"].value)


def test_what_moves_with_the_threshold_says_so() -> None:
    from scipy.ndimage import gaussian_filter

    blurred = gaussian_filter(draw(FOREST, Drawing(200)), 1.5)
    found = measure_vessels(blurred.astype(np.float32), FULL, 0.4)
    share = found["area/share/all/fov"]
    assert share.low < share.value < share.high
    low, high = (f"{100 * each:.3g} %" for each in (share.low, share.high))
    assert share.note == f"Changes from {low} to {high} when the threshold moves by 0.1."
    assert "e+" not in "".join(row.note for row in found.rows), "a length of 6,730 is not 6.73e+03"
    mask = measure_vessels(blurred >= 0.4, FULL)
    assert np.isnan(mask["area/share/all/fov"].low)
    assert mask["area/share/all/fov"].value == pytest.approx(share.value)


@pytest.mark.parametrize("as_mask", [False, True])
def test_the_border_of_the_field_of_view_is_no_edge_of_a_vessel(as_mask: bool) -> None:
    bars = draw(shapes.union(*(shapes.line([(-80, y), (80, y)], 8) for y in (-60, -20, 20, 60))), Drawing(200))
    values = bars >= 0.5 if as_mask else bars
    columns, rows = np.meshgrid(np.arange(200), np.arange(200))
    along = trace_vessels(np.where(rows >= 40, values, np.zeros((), values.dtype)), inside=rows >= 40)
    assert [np.isnan(vessel.width_px) for vessel in along.vessels] == [True, False, False, False]
    oblique = columns + rows < 220
    across = trace_vessels(np.where(oblique, values, np.zeros((), values.dtype)), inside=oblique)
    whole = trace_vessels(values)
    for cut, full in zip(across.vessels, whole.vessels, strict=False):
        known = cut.widths_px[~np.isnan(cut.widths_px)]
        assert known == pytest.approx(full.width_px, rel=0.08)
    at_edge = trace_vessels(values[40:])  # the border of the picture is none either
    assert [np.isnan(vessel.width_px) for vessel in at_edge.vessels] == [True, False, False, False]


def test_a_branching_with_a_vessel_of_unknown_width_has_no_angle() -> None:
    values = draw(shapes.fork(60, (9, 6, 6), 70), Drawing(160))
    whole, cut = trace_vessels(values), trace_vessels(values[:, 66:])  # all but a stub of the stem is outside
    (known,), (unknown,) = nodes_of(whole).branchings, nodes_of(cut).branchings
    assert known.angle_deg == pytest.approx(70, abs=3)
    assert any(np.isnan(cut.vessels[vessel].width_px) for vessel in unknown.vessels)
    assert np.isnan(unknown.angle_deg)


def test_rings_have_no_chord_and_say_so() -> None:
    rings = np.concatenate([draw(shapes.ring(20, 4), Drawing(60))] * 6)
    found = measure_vessels(rings, np.ones(rings.shape, np.bool_))
    assert np.isnan(found["tortuosity/arc_chord/all/fov"].value)
    assert found["tortuosity/arc_chord/all/fov"].note == "All segments are closed rings, which have no chord."
    assert found["tortuosity/turning/all/fov"].value == pytest.approx(1 / 20, rel=0.03)


def test_nothing_to_measure_is_a_sentence() -> None:
    with pytest.raises(InputError, match="no vessel to measure"):
        measure_vessels(np.zeros((50, 50), np.bool_), np.ones((50, 50), np.bool_))
    with pytest.raises(InputError, match="different sizes"):
        measure_vessels(np.zeros((50, 50), np.bool_), np.ones((50, 51), np.bool_))
    with pytest.raises(InputError, match="source"):
        PixelSize(5.0, " ")


def test_a_vessel_that_the_border_cuts_has_no_free_end_there() -> None:
    side = 200
    rows, columns = np.mgrid[:side, :side]
    field = np.hypot(rows - 99.5, columns - 99.5) < 90
    bar = (np.abs(rows - 60) < 4) & (columns > 80)  # ends inside on the left, is cut off on the right
    whole = (np.abs(rows - 140) < 4) & (np.abs(columns - 100) < 40)  # ends inside on both sides
    assert measure_vessels((bar | whole) & field, field)["count/ends/all/fov"].value == 3
    everywhere = np.ones((side, side), np.bool_)
    assert measure_vessels((bar | whole) & field, everywhere)["count/ends/all/fov"].value == 4
