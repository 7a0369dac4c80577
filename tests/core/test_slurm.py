"""A batch on a real Slurm, of which a task is killed on its way. Skipped where Slurm is not installed."""

from pathlib import Path

import pytest

from tests.core.test_batch_kills import untrained
from tests.slurm import killed_and_completed, missing


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_a_killed_task_of_an_array_is_completed_by_submitting_it_again(tmp_path: Path) -> None:
    seen = killed_and_completed(tmp_path, untrained(tmp_path / "small.safetensors"))
    assert seen["submitted again"]["done"] == 24
