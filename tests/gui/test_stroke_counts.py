"""The counts that follow a stroke are those of a full recount, whatever was painted in which order."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.evaluation.confusion import count
from core.masks.edits import BACKGROUND, UNTOUCHED, VESSEL, MaskEdits
from core.types import ExpertLabel, FieldOfView, ProbabilityMap
from serr_gui.model.comparison import Comparison, ComparisonInputs, ErrorLayer, StrokeCounts

SHAPE = (13, 17)
masks = arrays(np.bool_, SHAPE)
steps = st.lists(
    st.tuples(
        st.integers(0, SHAPE[0] - 7),
        st.integers(0, SHAPE[1] - 7),
        arrays(np.bool_, st.tuples(st.integers(1, 7), st.integers(1, 7))),
        st.sampled_from([UNTOUCHED, BACKGROUND, VESSEL]),
    ),
    max_size=10,
)


@given(arrays(np.uint8, SHAPE), masks, masks, masks, st.integers(1, 255), steps)
def test_steps_add_up_to_a_full_recount(
    levels: npt.NDArray[np.uint8],
    first: npt.NDArray[np.bool_],
    second: npt.NDArray[np.bool_],
    inside: npt.NDArray[np.bool_],
    level: int,
    painted: list[tuple[int, int, npt.NDArray[np.bool_], int]],
) -> None:
    inside[0, 0] = True
    probability = ProbabilityMap(levels.astype(np.float32) / np.float32(256))
    labels = (ExpertLabel(first), ExpertLabel(second))
    inputs = ComparisonInputs(probability, probability.levels, labels, FieldOfView(inside, "file"), "fov")
    layer = ErrorLayer(probability.levels, (first & inside).view(np.uint8), None if inside.all() else inside)
    stroke = StrokeCounts(Comparison(inputs, (None, None), None, layer))
    edits = MaskEdits(probability.levels)
    for top, left, touched, code in painted:
        place = (slice(top, top + touched.shape[0]), slice(left, left + touched.shape[1]))
        before = edits.levels[place] >= level
        edits.paint(top, left, touched, code)
        stroke = stroke.after(top, left, before, edits.levels[place] >= level)
    for expert, label in enumerate((first, second)):
        counted = count(levels >= level, label, inside)
        assert stroke.added_to(counted, expert) == count(edits.levels >= level, label, inside)
