"""``python -m tests.killed_scheduler``: a Dask scheduler is killed on the way through a batch and started again.

Not in the gate: each worker has to load torch first. Prints what was seen.
"""

import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from core.batch.cluster import run_on_cluster
from core.batch.items import Item, Outcome
from core.batch.options import BatchOptions
from core.batch.plan import as_listed, plan_batch
from core.models.weights_header import read_card
from core.progress import Progress
from core.sidecar import read_sidecar
from tests.cli.program import process_environment, write_photo
from tests.core.test_batch_kills import untrained
from tests.slurm import _free_ports


def killed_and_back(folder: Path, *, count: int = 64) -> list[str]:
    """What the batch said. Raises AssertionError where a photograph was lost or has two outcomes."""
    photos, out, weights = folder / "photos", folder / "out", untrained(folder / "small.safetensors")
    photos.mkdir()
    for number in range(count):
        write_photo(photos / f"{number:03}.png", 200 + number, 200)
    card = read_card(weights)
    options = BatchOptions(str(weights), card.name, card.sha256, 128, fov="full")
    batch, _ = plan_batch(as_listed(sorted(photos.iterdir())), photos, out, options)
    port = _free_ports()[0]
    address = f"tcp://127.0.0.1:{port}"
    said: list[str] = []
    seen: Counter[str] = Counter()
    with ExitStack() as stack:
        scheduler = _start(stack, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
        worker = [address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder)]
        _start(stack, "worker", *worker)

        def finished(item: Item, outcome: Outcome) -> None:
            seen[item.place] += 1
            if len(seen) == count // 4 and sum(seen.values()) == len(seen):
                scheduler.kill()
                scheduler.wait()
                said.append(f"The scheduler was killed after {len(seen)} of {count} photographs.")

        class Back:
            def step(self, progress: Progress) -> None:
                pass

            def note(self, message: str) -> None:
                said.append(message)
                if "scheduler is gone" in message:
                    _start(stack, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
                    _start(stack, "worker", *worker)

        run_on_cluster(batch, 1, address, finished=finished, monitor=Back())
    assert set(seen.values()) == {1}, seen
    assert len(seen) == count
    assert len([read_sidecar(path) for path in out.glob("*.serr.json")]) == count
    with batch.open(1, read_only=True) as manifest:
        assert manifest.counts()["done"] == count
    said.append(f"{count} photographs, each with one outcome and one whole result.")
    return said


def _start(stack: ExitStack, what: str, *words: str) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{what}", *words],
        env=process_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as here:
        for line in killed_and_back(Path(here)):
            sys.stdout.write(f"{line}\n")
