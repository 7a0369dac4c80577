"""A few steps of a training, tried before it is ordered, for an estimate of time and memory."""

import subprocess
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.errors import TrainingError
from core.jobs.local import child_environment
from core.jobs.requests import TrainingRequest
from core.progress import Monitor, Progress
from core.resources import command_line
from core.strict import read_json

if TYPE_CHECKING:
    from core.training.estimate import Estimate

_BREATH_S: Final = 0.1


def measure_training(request: TrainingRequest, monitor: Monitor) -> "Estimate":
    """Measure a few steps of a recipe in a process of its own, whose memory is then that of the run.

    Raises
    ------
    TrainingError : with what the process said. Cancelled : the process is ended with it.
    """
    from core.training.config import to_toml
    from core.training.estimate import Estimate

    with tempfile.TemporaryDirectory(prefix="serr-estimate-", ignore_cleanup_errors=True) as folder:
        recipe = Path(folder) / "recipe.toml"
        recipe.write_text(to_toml(request.config), encoding="utf-8")
        words = ["train", "--estimate", "--json", "--config", str(recipe), "--root", str(request.root)]
        out, err = Path(folder) / "out", Path(folder) / "err"
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = subprocess.Popen(
                [*command_line(), *words, "--device", request.device],
                stdin=subprocess.DEVNULL,
                stdout=out_file,
                stderr=err_file,
                env=child_environment(),
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        try:
            while process.poll() is None:
                monitor.step(Progress(_last_line(err) or "Measuring"))
                threading.Event().wait(_BREATH_S)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        if process.returncode:
            raise TrainingError(_last_line(err).removeprefix("serr: ") or "The measurement ended without a word.")
        return Estimate.from_dict(read_json(out))


def _last_line(file: Path) -> str:
    lines = [line for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else ""
