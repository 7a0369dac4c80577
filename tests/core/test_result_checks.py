"""Results that are inverted or turned are told; results that are merely bad are not."""

import numpy as np
import pytest

from core.datasets.synthetic import draw_case
from core.evaluation.measure import GivenMask, Prediction
from core.evaluation.result_checks import INVERTED_MAP, INVERTED_MASK, oddities
from core.photo.label_matching import TURNS
from core.photo.samples import turned
from core.types import BoolArray, ProbabilityMap

UNTURN = {6: 8, 8: 6}


def said(found: Prediction, vessel: BoolArray, case: tuple[BoolArray, BoolArray]) -> list[str]:
    return list(oddities(found, vessel, *case))


@pytest.fixture(scope="module")
def case() -> tuple[BoolArray, BoolArray]:
    """A label and the inside of the field of view."""
    drawn = draw_case(3)
    return drawn.label.vessel, drawn.fov.inside


def probabilities(vessel: BoolArray, inside: BoolArray, low: float = 0.02, high: float = 0.9) -> ProbabilityMap:
    return ProbabilityMap(np.where(inside, np.where(vessel, high, low), 0).astype(np.float32))


def test_what_is_inverted_is_told(case: tuple[BoolArray, BoolArray]) -> None:
    label, inside = case
    found = probabilities(label, inside, 0.98, 0.3)
    assert said(found, found.values > 0.5, case) == [INVERTED_MAP]
    assert said(GivenMask(~label), ~label, case) == [INVERTED_MASK]


@pytest.mark.parametrize("turn", TURNS)
def test_what_is_turned_is_told(case: tuple[BoolArray, BoolArray], turn: int) -> None:
    label, inside = case
    wrong = turned(label, UNTURN.get(turn, turn))
    sentence = f"The result does not fit the label as it is, but when it is {TURNS[turn]}."
    assert said(GivenMask(wrong), wrong, case) == [sentence]
    assert said(probabilities(wrong, inside), wrong, case) == [sentence]


def test_a_bad_result_is_only_bad(case: tuple[BoolArray, BoolArray]) -> None:
    label, inside = case
    other = draw_case(8).label.vessel
    nothing = np.zeros_like(label)
    for vessel in (label, np.roll(label, 3, 1), other, nothing):
        assert said(GivenMask(vessel), vessel, case) == []
        assert said(probabilities(vessel, inside), vessel, case) == []
    chance = ProbabilityMap(np.random.default_rng(1).random(label.shape, np.float32) * inside)
    assert said(chance, chance.values > 0.5, case) == []
