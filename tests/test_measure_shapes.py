"""The table of drawn shapes: a measure that leaves its target fails here. The benchmark draws all, at six angles."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

import measure_shapes

SHAPES = (
    *("bar, 3 x 40", "half circle, 9 x 30", "sinusoid, 5 x 105", "ring, 3 x 20", "4 parallel bars, 5 wide"),
    *("fork, 10 wide, 70 degrees", "tree, 5 wide", "crossing, 5 wide", "spokes, disc 20"),
)
TRIALS = list(measure_shapes.trials())


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_has_its_measures_at_every_angle(shape: str) -> None:
    trials = [trial for trial in TRIALS if trial.shape == shape]
    assert trials
    drawn = trials[0].drawn(angles=(0, 30, 45))
    for trial in trials:
        errors = [trial.error(trial.ours(seen)) for seen in drawn]
        assert not trial.missed(errors), f"{trial.measure}: {trial.described(errors)}, target {trial.target}"
