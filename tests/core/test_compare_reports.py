"""The paired test against scipy, and which evaluations may be compared."""

import itertools
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from core.datasets.layouts import DataSet, read_layout
from core.datasets.synthetic import write_drive_layout
from core.errors import InputError
from core.evaluation.compare import compare_reports, signed_rank
from core.evaluation.dataset_evaluation import evaluate_dataset
from core.evaluation.report import EvaluationReport, Method
from core.threshold_rule import ThresholdRule
from tests.fake_segmenter import fake_segmenter


@given(st.integers(0, 1000), st.integers(1, 30))
def test_without_ties_it_is_scipys_exact_test(seed: int, size: int) -> None:
    differences = np.random.default_rng(seed).normal(0.2, 1.0, size)
    p, exact = signed_rank(differences.tolist())
    assert exact
    assert p == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue, abs=1e-12)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_with_ties_and_zeros_it_is_the_count_over_all_signs(differences: list[int]) -> None:
    p, _ = signed_rank([float(value) for value in differences])
    kept = np.array([value for value in differences if value])
    if not kept.size:
        assert math.isnan(p)
        return
    ranks = stats.rankdata(np.abs(kept))
    seen = min(ranks[kept > 0].sum(), ranks[kept < 0].sum())
    sums = [
        sum(r for r, up in zip(ranks, signs, strict=True) if up)
        for signs in itertools.product((0, 1), repeat=len(kept))
    ]
    assert p == pytest.approx(min(1.0, 2 * np.mean([value <= seen for value in sums])), abs=1e-12)


def test_many_pairs_take_the_normal_distribution() -> None:
    differences = np.round(np.random.default_rng(1).normal(0.05, 1.0, 500), 1)
    p, exact = signed_rank(differences.tolist())
    assert not exact
    assert p == pytest.approx(stats.wilcoxon(differences, method="approx", correction=True).pvalue, rel=1e-9)
    some = differences[:299].tolist()
    assert signed_rank(some)[0] == pytest.approx(
        stats.wilcoxon(some, method="approx", correction=True).pvalue, rel=0.01
    )


def test_turning_the_question_round_changes_nothing() -> None:
    differences = np.random.default_rng(4).normal(0.3, 1, 20)
    assert signed_rank(differences.tolist()) == signed_rank((-differences).tolist())
    assert signed_rank([0.1] * 6)[0] == pytest.approx(2**-5)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    folder = tmp_path_factory.mktemp("drawn")
    write_drive_layout(folder, 6, side=96)
    return read_layout("drive", folder, "test")


def _evaluate(drawn: DataSet, level: int, name: str = "lines") -> EvaluationReport:
    return evaluate_dataset(drawn, fake_segmenter, method=Method(name), rule=ThresholdRule(level))


def test_two_methods_on_the_same_photographs(drawn: DataSet) -> None:
    old, new = _evaluate(drawn, 200, "old"), _evaluate(drawn, 60, "new")
    found = compare_reports(old, new)
    tests = {test.score: test for test in found.tests}
    assert (found.old, found.new, found.region) == ("old", "new", "fov")
    more = tests["sensitivity"]
    assert (more.n, more.better, more.worse, more.p) == (6, 6, 0, pytest.approx(2**-5))
    assert more.new_mean == new.mean.sensitivity
    assert tests["specificity"].worse == 6
    assert math.isnan(tests["auc_roc"].p)  # the map is the same
    defined = [test for test in found.tests if not math.isnan(test.p)]
    assert all(test.p_holm >= test.p for test in defined)
    assert min(test.p_holm for test in defined) == pytest.approx(len(defined) * 2**-5)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["tests"][0]["score"] == "accuracy"


def test_what_was_not_measured_alike_is_refused(drawn: DataSet, tmp_path: Path) -> None:
    old = _evaluate(drawn, 100)
    with pytest.raises(InputError, match="different photographs"):
        compare_reports(old, _evaluate(replace(drawn, cases=drawn.cases[:5]), 100))
    image = evaluate_dataset(drawn, fake_segmenter, method=Method("x"), rule=ThresholdRule(9), region="image")
    with pytest.raises(InputError, match=r"must be the same.*fov and drive, 1st observer, image"):
        compare_reports(old, image)
    write_drive_layout(tmp_path, 6, side=96, first_seed=50)
    with pytest.raises(InputError, match="not the same in the two evaluations"):
        compare_reports(old, _evaluate(read_layout("drive", tmp_path, "test"), 100))
