"""A shard on several devices: a process for each; here both are the CPU, and one of them is killed."""

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from core.batch import devices as of_batch
from core.batch.devices import run_on_devices, threads_for, usable_devices, workers_by_itself
from core.batch.options import BatchOptions
from core.batch.plan import as_listed, find_batch, plan_batch
from core.batch.run import run_shard
from core.cli import main
from core.errors import DeviceError
from core.inference import device as devices
from core.inference.device import Device
from core.models.catalogue import load_model
from core.models.weights_header import read_card
from core.progress import Progress
from core.sidecar import read_sidecar
from tests.cli.program import write_photo
from tests.core.test_batch_kills import untrained

COUNT = 10


class Killer:
    """A monitor that kills the first of the processes as soon as one has a photograph in its hands."""

    def __init__(self, out: Path) -> None:
        self._out, self.killed, self.notes = out, 0, list[str]()
        self._before = set(psutil.Process().children())

    def step(self, progress: Progress) -> None:
        with find_batch(self._out).open(1, read_only=True) as manifest:
            holders = manifest.holders()
        if holders and not self.killed:
            child = next(each for each in psutil.Process().children() if self.is_of_the_batch(each))
            self.killed = child.pid
            child.kill()

    def is_of_the_batch(self, child: psutil.Process) -> bool:
        """Python and other tests leave processes of their own beside those of the batch."""
        ended = child.status() == psutil.STATUS_ZOMBIE
        return not ended and child not in self._before and "resource_tracker" not in " ".join(child.cmdline())

    def note(self, message: str) -> None:
        self.notes.append(message)


def test_each_photograph_once_though_a_process_is_killed(tmp_path: Path) -> None:
    photos, out, weights = tmp_path / "photos", tmp_path / "out", untrained(tmp_path / "small.safetensors")
    photos.mkdir()
    for number in range(COUNT):
        write_photo(photos / f"{number:02}.png", 200 + number, 200)
    (photos / "bad.png").write_text("no picture")
    card = read_card(weights)
    options = BatchOptions(str(weights), card.name, card.sha256, 128, fov="full")
    batch, _ = plan_batch(as_listed(sorted(photos.iterdir())), photos, out, options)
    killer = Killer(out)
    run_on_devices(batch, 1, ("cpu", "cpu"), monitor=killer)
    assert killer.killed
    assert [note for note in killer.notes if "ended from outside" in note] == [
        "The process on cpu was ended from outside (-9); it is started again."
    ]
    with batch.open(1, read_only=True) as manifest:
        assert manifest.counts() == {"waiting": 0, "running": 0, "done": COUNT, "kept": 0, "failed": 1}
    assert len([read_sidecar(path) for path in out.glob("*.serr.json")]) == COUNT
    assert not [child for child in psutil.Process().children() if killer.is_of_the_batch(child)]
    alone, _ = plan_batch(as_listed(sorted(photos.glob("0*.png"))), photos, tmp_path / "alone", options)
    run_shard(alone, 1, load_model(weights))
    masks = sorted((tmp_path / "alone").glob("*_mask.png"))
    assert len(masks) == COUNT
    assert all(mask.read_bytes() == (out / mask.name).read_bytes() for mask in masks)


def test_workers_are_processes_for_each_device(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, taken = untrained(tmp_path / "small.safetensors"), list[tuple[str, ...]]()
    write_photo(tmp_path / "photo.png", 200, 200)
    monkeypatch.setattr(of_batch, "run_on_devices", lambda *_, devices, **__: taken.append(devices))
    monkeypatch.setattr(of_batch, "usable_cores", lambda: 3)
    free = SimpleNamespace(available=1 << 40)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    words = ["batch", "run", str(tmp_path / "photo.png"), "--model", str(weights), "--out", str(tmp_path / "out")]
    for number in ("2", "auto"):
        main([*words, "--device", "cpu", "--workers", number])
    main([*words, "--device", "cpu,cpu", "--workers", "2"])
    assert taken == [("cpu",) * 2, ("cpu",) * 3, ("cpu",) * 4]
    capsys.readouterr()
    for wrong in ("0", "many", "-1", "1000"):
        assert main([*words, "--workers", wrong]) == 2
        assert f"--workers {wrong} is not a number from 1 to 256, nor auto" in capsys.readouterr().err
    assert main([*words, "--workers", "2", "--cluster", "local"]) == 2
    assert "the cluster says how many workers it has" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("cards", "free_gb", "memory_gb", "expected"),
    [(1, 80, 200, 16), (2, 80, 200, 8), (1, 10, 200, 2), (1, 80, 7, 3), (1, 1, 1, 1), (0, 0, 200, 16), (0, 0, 5, 5)],
)
def test_as_many_workers_as_cores_and_memory_allow(
    cards: int, free_gb: int, memory_gb: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = tuple(f"cuda:{number}" for number in range(cards)) or ("cpu",)
    monkeypatch.setattr(of_batch, "usable_cores", lambda: 16)
    monkeypatch.setattr(devices, "choose_device", lambda name: Device(name, name))
    monkeypatch.setattr(devices, "free_bytes", lambda device: free_gb << 30 if device.kind == "cuda" else None)
    memory = SimpleNamespace(available=memory_gb << 30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)  # also where there is no /proc/meminfo
    assert workers_by_itself(found) == expected


def test_workers_share_the_cores_that_a_task_of_a_cluster_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts for clusters ask for as many threads as the task has cores."""
    monkeypatch.setattr(of_batch, "usable_cores", lambda: 4)
    for asked, expected in (("4", (4, 2, 1, 1)), ("1", (1, 1, 1, 1)), ("", (4, 2, 1, 1)), ("2,1", (4, 2, 1, 1))):
        monkeypatch.setenv("OMP_NUM_THREADS", asked)
        assert tuple(threads_for(processes) for processes in (1, 2, 4, 8)) == expected


def test_all_graphics_processors_are_taken_where_none_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cpu = Device("cpu", "CPU")
    cards = [Device(f"cuda:{number}", "a card") for number in range(2)]
    for there, chosen in (([cpu], ("auto",)), ([cards[0], cpu], ("auto",)), ([*cards, cpu], ("cuda:0", "cuda:1"))):
        monkeypatch.setattr(devices, "list_devices", lambda there=there: there)
        assert usable_devices(["auto"]) == chosen
        assert usable_devices(["cpu"]) == ("cpu",)
    with pytest.raises(DeviceError, match="cuda:7"):
        usable_devices(["cpu", "cuda:7"])
    words = ["batch", "run", str(tmp_path), "--out", str(tmp_path / "out"), "--device"]
    assert main([*words, "cpu,tpu"]) == 2
    assert "--device tpu is not known" in capsys.readouterr().err
    assert main([*words, "cpu,cpu", "--cluster", "local"]) == 2
    assert "do not go together" in capsys.readouterr().err
