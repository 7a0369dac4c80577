"""A job on several devices at once: the processes that ``torchrun`` starts, watched by the job's own process."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from core.errors import TrainingError
from core.files import output_error
from core.jobs.store import CONTROL_FILE, RECIPE_FILE, Job, best_weights, read_log
from core.progress import Cancelled
from core.resources import command_line
from core.strict import Malformed, read_bytes
from core.training.control import CONTROL_FILE as RUN_CONTROL_FILE
from core.training.run_view import follow_run

_POLL_S: Final = 0.3
_CANCELLED_CODE: Final = 130
_CONFIG_FILE: Final = "config.toml"
_HERE: Final = ("--nnodes=1", "--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0", "--local-addr=127.0.0.1")
"""As --standalone, but by number: where no file names localhost or this computer, torchrun would wait for minutes."""


def train_in_several(job: Job, devices: Sequence[str]) -> Path:
    """Train in as many processes as there are devices, all in step, and return the weights file.

    Raises
    ------
    TrainingError : a process failed, with the sentence that it said. Cancelled : it was paused.
    """
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as launch

    kind = devices[0].partition(":")[0]
    if kind == "cuda":
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(device.partition(":")[2] for device in devices)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // len(devices))))
    resumed = (job.run / _CONFIG_FILE).is_file()
    recipe = ["--resume"] if resumed else ["--config", str(job.folder / RECIPE_FILE)]
    words = [*command_line(), "train", *recipe, "--root", job.request.root, "--out", str(job.run), "--device", kind]
    try:
        with _commands_passed_on(job) as passed_on:
            launch([*_HERE, f"--nproc-per-node={len(devices)}", "--no-python", *words])
    except SignalException:
        raise Cancelled from None
    except ChildFailedError as error:
        codes = {failure.exitcode for failure in error.failures.values()}
        # The first process that has paused makes torchrun end the others, which may not come to say that they have.
        killed = all(code < 0 for code in codes)
        if _CANCELLED_CODE in codes or (killed and b"pause" in passed_on):
            raise Cancelled from None
        raise TrainingError(_last_sentence(job) or f"A process ended with exit code {sorted(codes)[0]}.") from None
    weights = best_weights(job.run)
    if weights is None or not follow_run(job.run).finished:
        raise TrainingError(f'The processes of "{job.request.name}" ended without a result. See the log.')
    return weights


@contextmanager
def _commands_passed_on(job: Job) -> Iterator[set[bytes]]:
    """The processes look for commands in the run's folder, as every training does; gives those that were passed on."""
    source, target = job.folder / CONTROL_FILE, job.run / RUN_CONTROL_FILE
    ended = threading.Event()
    passed_on: set[bytes] = set()

    def copy() -> None:
        while not ended.wait(_POLL_S):
            try:
                command = read_bytes(source, 256)
                target.write_bytes(command)
                passed_on.add(command.strip())
            except (OSError, Malformed):  # no command, or the run has not begun
                continue

    thread = threading.Thread(target=copy, name="commands", daemon=True)
    thread.start()
    try:
        yield passed_on
    finally:
        ended.set()
        thread.join()
        try:
            target.unlink(missing_ok=True)
        except OSError as error:
            raise output_error(target, error) from error


def _last_sentence(job: Job) -> str:
    said = [line.removeprefix("serr: ") for line in read_log(job, 1 << 15).splitlines() if line.startswith("serr: ")]
    return next((line for line in reversed(said) if not line.startswith("cancelled")), "")
