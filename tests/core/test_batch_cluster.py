"""A batch on a Dask cluster of two workers: one result for each photograph, although a worker is killed."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from core.batch.items import Item, Outcome
from core.batch.options import BatchOptions
from core.batch.plan import as_listed, find_batch, plan_batch
from core.cli import main
from core.models.weights_header import read_card
from core.sidecar import read_sidecar
from tests.cli.program import write_photo
from tests.core.test_batch_kills import untrained

pytest.importorskip("distributed", reason="the extra 'cluster' is not installed: pip install 'serr-fundus[cluster]'")
from core.batch.cluster import local_cluster, run_on_cluster

COUNT = 40


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(COUNT):
        write_photo(folder / f"{number:02}.png", 100 + number, 100)
    (folder / "bad.png").write_text("no picture")
    return folder


@pytest.mark.filterwarnings("ignore:.*unclosed:ResourceWarning")  # of the worker that is killed
def test_a_killed_worker_loses_nothing_and_nothing_is_done_twice(tmp_path: Path, photos: Path) -> None:
    weights, out = untrained(tmp_path / "small.safetensors"), tmp_path / "out"
    card = read_card(weights)
    options = BatchOptions(str(weights), card.name, card.sha256, 128, fov="full")
    batch, _ = plan_batch(as_listed(sorted(photos.iterdir())), photos, out, options)
    seen: dict[str, int] = {}
    workers: list[int] = []
    with local_cluster(2) as cluster:

        def finished(item: Item, outcome: Outcome) -> None:
            if not seen:
                for child in psutil.Process().children(recursive=True):
                    with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):  # of another test, or ended just now
                        if "spawn_main" in " ".join(child.cmdline()):
                            workers.append(child.pid)
                os.kill(workers[-1], signal.SIGKILL)
            seen[item.place] = seen.get(item.place, 0) + 1

        run_on_cluster(batch, 1, cluster.scheduler_address, finished=finished)
    assert workers
    assert seen == dict.fromkeys([f"{number:02}" for number in range(COUNT)] + ["bad"], 1)
    with find_batch(out).open(1, read_only=True) as manifest:
        assert manifest.counts() == {"waiting": 0, "running": 0, "done": COUNT, "kept": 0, "failed": 1}
        (bad,) = manifest.items("failed")
    assert "bad.png" in bad.outcome.reason
    assert len([read_sidecar(path) for path in out.glob("*.serr.json")]) == COUNT


def test_without_a_scheduler_there_is_a_sentence(
    tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = untrained(tmp_path / "small.safetensors")
    card = read_card(weights)
    options = BatchOptions(str(weights), card.name, card.sha256, 128, fov="full")
    plan_batch(as_listed(sorted(photos.iterdir())[:2]), photos, tmp_path / "out", options)
    assert main(["batch", "run", str(tmp_path / "out"), "--cluster", "tcp://127.0.0.1:9"]) == 1
    assert "no Dask scheduler at tcp://127.0.0.1:9" in capsys.readouterr().err
