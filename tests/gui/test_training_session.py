"""The whole way from a folder to a better model in the real program, by mouse and keys, on drawn photographs."""

import os
import subprocess
import sys
from pathlib import Path

from core.datasets.synthetic import write_drive_layout
from core.models.weights_header import read_card
from serr_gui.model.settings import load_settings
from tests.gui.training_session import FIRST_ACTS, NEW_MODEL
from tests.job_runs import own_jobs
from tests.small_model import save_small_model

SMALL = {"Steps": "100000", "Crops in a step": "1", "Crop side": "32", "Validate every": "5"}


def test_from_a_folder_to_a_model_that_is_used_at_the_next_start(tmp_path: Path) -> None:
    photographs = write_drive_layout(tmp_path / "data", 6, side=96) / "training"
    out, models = tmp_path / "session", tmp_path / "models"
    models.mkdir()
    save_small_model(models / "small.safetensors")
    numbers = [word for name, value in SMALL.items() for word in ("--number", name, value)]
    options = ["--model", "small", "--validations", "2", *numbers]
    acts = FIRST_ACTS[:2]  # the third starts the program once more, which takes seconds; its settings tell as much
    options += [word for act in acts for word in ("--act", act)]
    session = [sys.executable, "-m", "tests.gui.training_session", photographs, out, *options]
    with own_jobs(out / "own" / "jobs"):  # a training that a failure leaves behind ends with it
        done = subprocess.run(
            session,
            env=os.environ | {"SERR_MODELS": str(models), "SERR_PATIENCE_S": "600"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{act}: done" for act in acts]
    settings, unusable = load_settings(out / "own" / "config_dir")
    assert unusable == ()
    assert settings.model == str(models / f"{NEW_MODEL}.safetensors"), "what the next start uses"
    assert read_card(Path(settings.model)).name == NEW_MODEL
