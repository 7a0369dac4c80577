"""What the tests of the command line share: the program, a network, no models but those that a test brings."""

from pathlib import Path

import pytest

from core.cli import main
from tests.cli.program import Ran, Serr
from tests.small_model import save_small_model


@pytest.fixture
def serr(capsys: pytest.CaptureFixture[str]) -> Serr:
    """Run a command in this process."""

    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small network in a weights file."""
    return save_small_model(tmp_path_factory.mktemp("weights") / "small.safetensors")


@pytest.fixture(autouse=True)
def own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder stands for the person's own models, so that nothing depends on this machine."""
    folder = tmp_path / "own models"
    folder.mkdir()
    monkeypatch.setenv("SERR_MODELS", str(folder))
    return folder
