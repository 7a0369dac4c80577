"""Error bars over the mirrored photograph: maps that are made once, for any threshold and any corrections."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from core.datasets.synthetic import draw_case
from core.masks.edits import VESSEL
from core.measures import shapes
from core.measures.shapes import Drawing, draw
from core.measures.summary import measure_traced
from core.measures.traced import trace_mask
from core.measuring import mirrored_maps, mirrored_variants
from core.threshold_rule import ThresholdRule
from core.types import ProbabilityMap
from tests.small_model import small_model

FOREST = shapes.union(shapes.tree(3, 40, 6, 70), shapes.line([(-80, 70), (80, 80)], 4))
FULL = np.ones((200, 200), np.bool_)


def probability(blur: float) -> ProbabilityMap:
    return ProbabilityMap(gaussian_filter(draw(FOREST, Drawing(200)), blur).astype(np.float32))


def test_a_network_sees_the_mirrored_photograph_in_three_ways(tmp_path: Path) -> None:
    case = draw_case(5, 100)
    maps = mirrored_maps(case.image, small_model(tmp_path), case.fov)
    assert len(maps) == 3
    assert len({each.values.tobytes() for each in maps}) == 3
    for each in maps:  # mirrored back: they find the vessels where these are
        inside = case.fov.inside
        vessel = case.label.vessel & inside
        assert each.values[vessel].mean() > 1.5 * each.values[inside & ~vessel].mean()


def test_what_moves_in_the_mirror_says_so() -> None:
    seen, mirrored = probability(0.7), probability(2.5)
    variants = mirrored_variants([mirrored], ThresholdRule.nearest(0.3))
    traced = trace_mask(seen.levels >= 77, FULL, variants=variants).with_bars()
    row = measure_traced(traced)["width/mean/all/fov"]
    assert row.low < row.high
    assert "when the photograph is mirrored" in row.note
    assert "threshold" not in row.note


def test_what_a_hand_has_decided_is_decided_in_the_mirror_too() -> None:
    codes = np.zeros((200, 200), np.uint8)
    codes[100:103, 10:60] = VESSEL
    rule = ThresholdRule.nearest(0.3)
    for each in (rule, replace(rule, min_pixels=4)):
        (variant,) = mirrored_variants([probability(2.5)], each, codes)
        found = variant.values >= variant.cut if variant.values.dtype != np.bool_ else variant.values
        (plain,) = mirrored_variants([probability(2.5)], each)
        before = plain.values >= plain.cut if plain.values.dtype != np.bool_ else plain.values
        assert found[100:103, 10:60].all()
        assert np.array_equal(found[codes == 0], before[codes == 0])
