"""Corrections by hand: levels and mask agree at every threshold, and every change can be taken back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from core.evaluation.confusion import LevelHistogram, count
from core.masks.edits import BACKGROUND, UNTOUCHED, VESSEL, EditDelta, MaskEdits, combined, edited_levels
from core.threshold_rule import LEVELS, ThresholdRule
from core.types import ByteArray

SHAPE = (13, 17)
level_maps = arrays.arrays(np.uint8, SHAPE, elements=st.sampled_from([0, 1, 5, 127, 128, 200, 254, 255]))
code_maps = arrays.arrays(np.uint8, SHAPE, elements=st.sampled_from([UNTOUCHED, BACKGROUND, VESSEL]))
strokes = st.lists(
    st.tuples(
        st.integers(-6, SHAPE[0] + 3),
        st.integers(-6, SHAPE[1] + 3),
        arrays.arrays(np.bool_, st.tuples(st.integers(1, 7), st.integers(1, 7))),
        st.sampled_from([UNTOUCHED, BACKGROUND, VESSEL]),
    ),
    max_size=12,
)


@given(level_maps, code_maps)
def test_the_rule_of_levels_is_the_edited_mask_at_every_threshold(levels: ByteArray, codes: ByteArray) -> None:
    edited = edited_levels(levels, codes)
    for k in range(1, LEVELS):
        wanted = levels >= k
        wanted[codes == VESSEL] = True
        wanted[codes == BACKGROUND] = False
        assert np.array_equal(edited >= k, wanted)


@given(level_maps, strokes)
def test_undo_gives_the_start_and_redo_the_end(
    levels: ByteArray, painted: list[tuple[int, int, np.ndarray, int]]
) -> None:
    edits = MaskEdits(levels)
    seen = [(edits.codes.copy(), edits.levels.copy())]
    deltas: list[EditDelta] = []
    for top, left, touched, code in painted:
        wanted = by_hand(seen[-1][0], top, left, touched, code)
        delta = edits.paint(top, left, touched, code)
        assert np.array_equal(edits.codes, wanted)
        assert (delta is None) == np.array_equal(wanted, seen[-1][0])
        if delta is not None:
            assert delta.pixels == np.count_nonzero(wanted != seen[-1][0])
            deltas.append(delta)
            seen.append((edits.codes.copy(), edits.levels.copy()))
        assert edits.forced_pixels == np.count_nonzero(edits.codes)
        assert np.array_equal(edits.levels, edited_levels(levels, edits.codes))
    for number in range(len(deltas) - 1, -1, -1):
        edits.undo(deltas[number])
        assert np.array_equal(edits.codes, seen[number][0])
        assert np.array_equal(edits.levels, seen[number][1])
    assert np.array_equal(edits.levels, levels)
    for number, delta in enumerate(deltas):
        edits.redo(delta)
        assert np.array_equal(edits.levels, seen[number + 1][1])
    together = combined(deltas, edits)
    assert (together is None) == np.array_equal(seen[0][0], seen[-1][0]) or len(deltas) == 1
    if together is not None:
        edits.undo(together)
        assert np.array_equal(edits.codes, seen[0][0])
        edits.redo(together)
        assert np.array_equal(edits.codes, seen[-1][0])


def by_hand(codes: ByteArray, top: int, left: int, touched: np.ndarray, code: int) -> ByteArray:
    wanted = codes.copy()
    for row, column in zip(*np.nonzero(touched), strict=True):
        if 0 <= top + row < SHAPE[0] and 0 <= left + column < SHAPE[1]:
            wanted[top + row, left + column] = code
    return wanted


@given(level_maps, code_maps, arrays.arrays(np.bool_, SHAPE))
def test_histograms_of_edited_levels_count_the_edited_mask(
    levels: ByteArray, codes: ByteArray, label: np.ndarray
) -> None:
    inside = np.ones(SHAPE, np.bool_)
    edits = MaskEdits(levels)
    edits.replace((0, 0, *SHAPE), codes)
    histogram = LevelHistogram.from_map(edits.levels, label, inside)
    for k in (1, 5, 128, 255):
        rule = ThresholdRule(k)
        assert histogram.counts(rule) == count(edits.mask(rule).vessel, label, inside)


def test_a_new_run_keeps_the_corrections() -> None:
    first, second = np.full(SHAPE, 10, np.uint8), np.full(SHAPE, 200, np.uint8)
    edits = MaskEdits(first)
    edits.paint(2, 2, np.ones((3, 3), np.bool_), BACKGROUND)
    edits.paint(8, 8, np.ones((2, 2), np.bool_), VESSEL)
    after = edits.on_model_levels(second)
    mask = after.mask(ThresholdRule(128))
    assert mask.edited
    assert not mask.vessel[2:5, 2:5].any()
    assert np.count_nonzero(mask.vessel) == mask.vessel.size - 9
    with pytest.raises(ValueError, match="levels"):
        edits.on_model_levels(second[:5])


def test_what_nobody_has_touched_is_not_called_edited() -> None:
    edits = MaskEdits(np.full(SHAPE, 10, np.uint8))
    assert not edits.mask(ThresholdRule(5)).edited
    delta = edits.paint(0, 0, np.ones((1, 1), np.bool_), VESSEL)
    assert delta is not None
    assert edits.mask(ThresholdRule(5)).edited
    edits.undo(delta)
    assert not edits.mask(ThresholdRule(5)).edited


def test_nobody_writes_past_the_deltas() -> None:
    edits = MaskEdits(np.zeros(SHAPE, np.uint8))
    for view in (edits.levels, edits.codes):
        with pytest.raises(ValueError, match="read-only"):
            view[0, 0] = 1
