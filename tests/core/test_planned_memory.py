"""Planning a batch takes the same memory whatever the number of photographs, in counted bytes."""

import csv
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from core.batch.options import BatchOptions
from core.batch.plan import find_batch, plan_batch
from core.cli import main
from core.cli.batch_inputs import gather
from core.photo import finding, folder_names, naming

FEW, MANY = 300, 2_400
MOST_MORE = 200_000
"""Bytes more at once for two thousand photographs more: where all are held it is 1,000 for each of them."""


def peak(work: Callable[[], object]) -> int:
    """The most bytes at once that Python held."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def write_list(file: Path, count: int) -> Path:
    """So many photographs in many folders that are not there; some differ in the suffix alone, some come twice."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(("path", "eye", "note"))
        for number in range(count):
            same = number // 25 * 25 if number % 25 == 1 else number
            row = (f"site {number // 100}/{same}{'.tif' if number % 25 == 1 else '.png'}", "OD", f"row {number}")
            table.writerows([row] * (2 if number % 30 == 0 else 1))
    return file


def test_a_plan_takes_no_more_memory_for_more_photographs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = (50, FEW, MANY)
    monkeypatch.setattr(folder_names, "AT_ONCE", 100)
    monkeypatch.setattr(finding, "_PORTION", 100)
    monkeypatch.setattr(naming, "_of_stem", naming._of_stem.__wrapped__)  # without what it remembers of 65,536 names
    lists = [write_list(tmp_path / f"{count}.csv", count) for count in counts]
    folders = [tmp_path / f"photos{count}" for count in counts]
    for count, folder in zip(counts, folders, strict=True):
        for number in range(count):
            (folder / f"{number // 100}").mkdir(parents=True, exist_ok=True)
            (folder / f"{number // 100}" / f"{number % 100}.png").touch()
    single = [tmp_path / f"single{count}" for count in counts]
    for count, folder in zip(counts, single, strict=True):
        folder.mkdir()
        for number in range(count):
            (folder / f"eye {number}{'.png' if number % 2 else '_gt.png'}").touch()

    def plan(given: Path) -> None:
        out = tmp_path / f"out-{given.name}"
        with gather([str(given)], None, out) as found:
            plan_batch(found.photos, found.root, out, BatchOptions("small", "small", "0" * 64, 96), shards=3)

    def dry(given: Path) -> None:
        assert main(["batch", "run", str(given), "--out", str(tmp_path / "dry"), "--dry-run", "--json"]) == 0

    for work, (first, few, many) in ((plan, lists), (dry, lists), (plan, folders), (plan, single)):
        work(first)  # modules are imported, tables are made
        less, more = (peak(lambda given=given, work=work: work(given)) for given in (few, many))
        assert more < less + MOST_MORE, (work.__name__, many.name, less, more)
    capfd.readouterr()

    batch = find_batch(tmp_path / f"out-{MANY}.csv")
    places: set[str] = set()
    for shard in batch.all_shards:
        with batch.open(shard, read_only=True) as manifest:
            items = list(manifest.items())
            places |= {item.place for item in items}
            assert len(items) == MANY // 3
            assert all(item.columns["note"].startswith("row ") for item in items)
    assert len(places) == MANY
    assert {"site 0/0_png", "site 0/0_tif", "site 0/2"} <= places
