"""A batch that is killed at any moment and started again: each photograph exactly once, and the same bytes."""

import csv
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import torch

from core.batch.options import BatchOptions
from core.batch.plan import BATCH_FOLDER, as_listed, find_batch, known_batch, plan_batch
from core.errors import OutputError
from core.files import TEMPORARY_PREFIX
from core.models.model_card import ModelCard
from core.models.weights_file import save_model
from core.networks.registry import build
from tests.cli.program import process_environment, write_photo
from tests.small_model import CONFIG, RECIPE


def test_a_batch_that_is_killed_at_any_event_does_each_photograph_exactly_once(tmp_path: Path) -> None:
    photos, weights, out = tmp_path / "photos", untrained(tmp_path / "small.safetensors"), tmp_path / "out"
    (photos / "left").mkdir(parents=True)
    out.mkdir()
    write_photo(photos / "left" / "a.png", 64, 64)
    write_photo(photos / "b.png", 66, 64)

    ran = subprocess.run(
        [sys.executable, "-m", "tests.killed_batches", str(photos), str(weights), str(out), "5"],
        env=process_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr

    folders = sorted((path for path in out.iterdir() if path.is_dir()), key=lambda path: int(path.name))
    assert len(folders) > 12
    uninterrupted = folders[-1]
    expected = _content(uninterrupted)
    assert {name.rpartition("_")[2] for name in expected} >= {"mask.png", "probability.png", "overlay.png"}
    for folder in folders:
        assert _content(folder) == expected, folder.name
        assert _rows(folder) == _rows(uninterrupted), folder.name
        for name, inode in json.loads((out / f"{folder.name}.json").read_text()).items():
            assert (folder / name).stat().st_ino == inode, (folder.name, name)  # what was whole was not made again
        batch = find_batch(folder)
        with batch.open(1, read_only=True) as manifest:
            assert manifest.counts() == {"waiting": 0, "running": 0, "done": 2, "kept": 0, "failed": 0}, folder.name


def test_what_a_kill_left_of_a_shared_manifest_is_taken_back_and_not_played_into_a_new_one(tmp_path: Path) -> None:
    options = BatchOptions("small", "small", "0" * 64, 96)

    def plan(folder: str) -> tuple[Path, list[str]]:
        photos = [tmp_path / folder / f"{number}.png" for number in range(500)]
        batch, _ = plan_batch(as_listed(photos), tmp_path, tmp_path / "out", options, shards=2)
        with batch.open(1, read_only=True) as manifest:
            return batch.manifest_path(1), [item.place for item in manifest.items()]

    path, _ = plan("before")
    journal = path.with_name(f"{path.name}-journal")
    with closing(sqlite3.connect(path, isolation_level=None)) as base:
        base.executescript("PRAGMA cache_size=2; BEGIN; UPDATE items SET reason = 'a long reason, longer than a page'")
        left = journal.read_bytes()
        base.execute("ROLLBACK")
    assert left[:8] == bytes.fromhex("d9d505f920a163d7")  # it would be played back

    journal.write_bytes(left)  # as a kill leaves it: whoever looks at the batch next takes half a change back
    places = [f"before/{number}" for number in range(0, 500, 2)]
    assert known_batch(tmp_path / "out") is not None
    assert plan("before")[1] == places

    path.unlink()
    journal.write_bytes(left)

    assert plan("after")[1] == [f"after/{number}" for number in range(0, 500, 2)]

    path.unlink()
    journal.unlink(missing_ok=True)
    journal.mkdir()  # what cannot be removed, such as another user's
    with pytest.raises(OutputError, match=r"Cannot write shard-0001\.sqlite-journal"):
        plan("never")


def untrained(path: Path) -> Path:
    """A network whose results are the same each time, and mean nothing."""
    torch.manual_seed(0)
    card = ModelCard("small", "serr-unet", CONFIG, RECIPE, "nothing", default_threshold=0.5, licence="CC0-1.0")
    return save_model(path, build("serr-unet", CONFIG).eval(), card)


def _content(folder: Path) -> dict[str, object]:
    """All results: bytes of pictures, and what side-cars say but for the time."""
    found: dict[str, object] = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_dir() or name.parts[0] in {BATCH_FOLDER, "summary.csv"} or path.name.startswith(TEMPORARY_PREFIX):
            continue
        if path.suffix == ".json":
            found[str(name)] = json.loads(path.read_text(encoding="utf-8")) | {"time": ""}
        else:
            found[str(name)] = path.read_bytes()
    return found


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as file:
        return [row | {"seconds": "", "reason": ""} for row in csv.DictReader(file)]
