"""What every test may use."""

import faulthandler
import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from hypothesis import HealthCheck, settings

# One thread for each library: the suite runs on small machines alongside other work, and results must not depend on it.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

# No test may fail because the machine is slow or busy, and two runs over the same files end alike: the examples of the
# property tests are always the same ones. `pytest --hypothesis-profile explore` looks for new ones.
_anywhere = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", _anywhere, derandomize=True)
settings.register_profile("explore", _anywhere, print_blob=True)
settings.load_profile("repeatable")


LONGEST = (
    *("test_trainings.py", "test_training_jobs.py", "test_training.py", "test_evaluation_real.py"),
    *("test_training_session.py", "test_shipped_models.py", "test_bootstrap.py", "test_campaign.py"),
    *("test_accuracy_page.py", "test_drive_session.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: where several processes share them, none waits for another at the end."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


def pytest_collection_finish() -> None:
    """Leave a million objects of imported modules out of each later search for garbage and for leaks."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def told_crashes(request: pytest.FixtureRequest) -> Iterator[None]:
    """A crash of the test process says where it was, also after a test of the program's own reports of crashes."""
    yield
    stderr = request.config.stash.get(fault_handler_stderr_fd_key, None)
    if stderr is not None and not faulthandler.is_enabled():
        faulthandler.enable(file=stderr)


@pytest.fixture(scope="session")
def serr_data() -> Path:
    """The folder with DRIVE, STARE, CHASE_DB1 and HRF, named by SERR_DATA."""
    folder = os.environ.get("SERR_DATA")
    if not folder:
        pytest.skip("SERR_DATA is not set: it names the folder with the DRIVE, STARE, CHASE_DB1 and HRF photographs")
    path = Path(folder)
    assert (path / "DRIVE").is_dir(), f"SERR_DATA is {folder}, but there is no DRIVE folder in it"
    return path


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data set file of drawn photographs."""
    from tests.job_runs import drawn_dataset

    return drawn_dataset(tmp_path_factory.mktemp("drawn"))


@pytest.fixture
def job_store(tmp_path: Path) -> Iterator[Path]:
    """An empty folder for training jobs; none of them outlives the test."""
    from tests.job_runs import own_jobs

    with own_jobs(tmp_path / "jobs") as folder:
        yield folder
