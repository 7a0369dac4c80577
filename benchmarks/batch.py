"""What a batch costs in addition to the chain: the manifest at many rows, and a photograph's way through it.

    OMP_NUM_THREADS=2 python benchmarks/batch.py --rows 1000000 --photographs 200 --size 64

Prints two tables. The first has drawn rows without files: planning, looking for what has changed, claiming and
finishing, the summary; with ``--finished`` all rows get outcomes, and ``serr batch status`` and ``collect`` are run as
processes. The second segments drawn photographs with an untrained network of width 4 (with ``--default``:
the default model), once by ``segment_files`` and once as a batch. With ``--workers N`` a third has the same by 1 to N
processes that share a batch.
"""

import argparse
import os
import platform
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Final

import cv2
import torch

from core.batch.items import Outcome
from core.batch.options import BatchOptions
from core.batch.plan import as_listed, find_batch, plan_batch
from core.batch.refresh import refresh
from core.batch.run import run_shard
from core.batch.summary import write_summary
from core.cli.batch_inputs import gather
from core.datasets.synthetic import draw_case
from core.inference.predictor import predict
from core.models.catalogue import load_model
from core.models.model_card import ModelCard
from core.models.weights_file import LoadedModel, save_model
from core.models.weights_header import read_card
from core.networks.registry import build
from core.photo.preprocessing import prepare
from core.photo.reading import read_fundus
from core.photo.recipe import Preprocessing
from core.photo.sibling_files import MaskFolder, fov_file
from core.segment_files import segment_files
from core.types import FieldOfView

_SMALL: dict[str, object] = {"in_channels": 1, "width": 4, "depth": 2, "steps": 1, "reduction": 2}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--no-summary", action="store_true", help="Without the table, which takes as long as the plan.")
    parser.add_argument("--finished", action="store_true", help="Also status and collect, when all rows have outcomes.")
    parser.add_argument("--shuffled", action="store_true", help="A list in any order, not folder by folder.")
    parser.add_argument("--photographs", type=int, default=200)
    parser.add_argument("--size", type=int, default=64, help="Pixels at a side of the drawn photographs.")
    parser.add_argument("--default", action="store_true", help="The default model instead of a small network.")
    parser.add_argument("--workers", type=int, default=0, help="Also by 1 to this many processes.")
    parser.add_argument("--masks", type=int, default=0, help="Also a folder with so many masks of fields of view.")
    arguments = parser.parse_args()
    print(f"{platform.platform()}, Python {platform.python_version()}, torch {torch.__version__}\n")
    with tempfile.TemporaryDirectory() as folder:
        if arguments.masks:
            masks_table(Path(folder), arguments.masks)
        if arguments.rows:
            manifest_table(
                Path(folder),
                arguments.rows,
                arguments.shards,
                shuffled=arguments.shuffled,
                without_summary=arguments.no_summary,
            )
            if arguments.finished:
                finished_table(Path(folder) / "rows", arguments.rows)
        if arguments.photographs:
            chain_table(Path(folder), arguments.photographs, arguments.size, default=arguments.default)
        if arguments.workers:
            workers_table(Path(folder), arguments.workers, default=arguments.default)


def manifest_table(folder: Path, rows: int, shards: int, *, shuffled: bool, without_summary: bool) -> None:
    """Times of a plan whose photographs are names in a list, and of the manifest that it makes."""
    options, out = BatchOptions("small", "small", "0" * 64, 96), folder / "rows"
    names = [f"{number // 1000:05}/{number:08}.jpg" for number in range(rows)] if shuffled else ()
    Random(0).shuffle(names)  # type: ignore[arg-type]
    with (folder / "list.csv").open("w", encoding="utf-8") as file:
        file.write("path,eye\n")
        for number in range(rows):
            name = names[number] if names else f"{number // 1000:05}/{number:08}.jpg"
            file.write(f"/data/cohort/{name},{'OD' if number % 2 else 'OS'}\n")
    del names
    order = "in any order" if shuffled else "in order"
    print(
        f"{rows:,} rows {order}, {shards} shards; load {os.getloadavg()[0]:.0f}; {_most_mb():.0f} MB resident before\n"
    )
    print("| what | seconds of the processor | microseconds a row |\n| --- | --- | --- |")

    def told(what: str, work: Callable[[], object], count: int = rows) -> None:
        started = time.process_time()
        work()
        passed = time.process_time() - started
        print(f"| {what} | {passed:.1f} | {1e6 * passed / count:.1f} |", flush=True)

    started = time.process_time()
    with gather([str(folder / "list.csv")], None, out) as found:
        passed = time.process_time() - started
        print(f"| read the list, each photograph once | {passed:.1f} | {1e6 * passed / rows:.1f} |", flush=True)
        told("places, and the manifests", lambda: plan_batch(found.photos, found.root, out, options, shards=shards))
        held = sum(os.fstat(number).st_size for number in _unnamed())
    size = sum(path.stat().st_size for path in out.rglob("*.sqlite*"))
    print(
        f"\nplanned: {size / rows:.0f} bytes a row in the manifests, {held / rows:.0f} among temporary files; "
        f"at most {_most_mb():.0f} MB resident; load {os.getloadavg()[0]:.0f}\n",
        flush=True,
    )
    batch = find_batch(out)
    some = min(rows // shards, 20_000)

    def work() -> None:
        with batch.open(1) as manifest:
            outcome = Outcome("done", sha256="0" * 64, options=options.sha256, model="small", threshold=0.375)
            for _ in range(some):
                item = manifest.claim()
                assert item is not None
                manifest.finish(item, outcome)

    told(f"claim and finish, {some:,} of them", work, some)
    with batch.open(1) as manifest:
        told("look for what has changed (done rows)", lambda: refresh(batch, manifest), some)
        told("count the states", manifest.counts)
    if not without_summary:
        told("summary.csv", lambda: write_summary(batch))
    print(f"\nat most {_most_mb():.0f} MB resident\n")


def finished_table(out: Path, rows: int) -> None:
    """What ``serr batch status`` and ``collect`` take, as processes, when each row has an outcome.

    Of 100 rows one has failed and five are doubtful.
    """
    batch = find_batch(out)
    for shard in batch.all_shards:
        with closing(sqlite3.connect(batch.manifest_path(shard))) as base, base:
            base.execute(
                "UPDATE items SET state = CASE id % 100 WHEN 0 THEN 'failed' ELSE 'done' END, "
                "reason = CASE id % 100 WHEN 0 THEN 'It is not a picture that can be read.' ELSE '' END, "
                "doubts = CASE WHEN id % 100 BETWEEN 1 AND 5 THEN '[\"It is blurred.\"]' ELSE '[]' END, "
                "sha256 = ?, options = ?, model = 'small', threshold = 0.375, vessel_share = 0.1, seconds = 1.0, "
                """outputs = '["a_mask.png", "a_overlay.png", "a_probability.png", "a.serr.json"]'""",
                ("0" * 64, batch.options.sha256),
            )
    size = sum(path.stat().st_size for path in out.rglob("*.sqlite"))
    print(
        f"all with outcomes: {size / rows:.0f} bytes a row in the manifests\n\n"
        "| command | seconds of the processor | microseconds a row | at most, MB resident |\n| --- | --- | --- | --- |"
    )
    for what in (["--help"], ["batch", "status", str(out)], ["batch", "collect", str(out)]):
        done = subprocess.run([sys.executable, "-c", _COUNTED, *what], capture_output=True, text=True, check=True)
        seconds, most_kb = map(float, done.stderr.splitlines()[-1].split())
        name = " ".join(["serr", *(each for each in what if each != str(out))])
        print(f"| {name} | {seconds:.1f} | {1e6 * seconds / rows:.1f} | {most_kb / 1000:.0f} |", flush=True)
    print()


_COUNTED: Final = """
import re, sys, time
from pathlib import Path
from core.cli import main
main(sys.argv[1:])
print(time.process_time(), re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1], file=sys.stderr)
"""
"""The command line, then its processor seconds and the most memory, in KB: getrusage has that of our fork, too."""


def _unnamed() -> list[int]:
    """Open files without a name: the database that a plan is made in."""
    there = Path("/proc/self/fd")
    if not there.is_dir():
        return []
    found = []
    for each in there.iterdir():
        with suppress(OSError):  # that of the folder itself
            if "(deleted)" in str(each.readlink()):
                found.append(int(each.name))
    return found


def masks_table(folder: Path, count: int) -> None:
    """Finding the mask of each photograph in one folder with all of them."""
    masks = folder / "masks"
    masks.mkdir()
    for number in range(count):
        (masks / f"{number:08}_mask.png").touch()
    photos = [folder / f"{number:08}.jpg" for number in range(count)]
    print(
        f"{count:,} masks in a folder\n\n"
        "| what | seconds of the processor | microseconds a photograph |\n| --- | --- | --- |"
    )
    started = time.process_time()
    there = MaskFolder(masks)
    looked = time.process_time()
    for photo in photos:
        fov_file(there, photo)
    found = time.process_time()
    for what, seconds in (("look through the folder, once", looked - started), ("find each mask", found - looked)):
        print(f"| {what} | {seconds:.2f} | {1e6 * seconds / count:.1f} |", flush=True)
    print()


def chain_table(folder: Path, count: int, size: int, *, default: bool) -> None:
    """The same photographs by ``segment_files`` and by a batch."""
    model = load_model() if default else _small(folder)
    photos = [folder / "photos" / f"{number:05}.png" for number in range(count)]
    photos[0].parent.mkdir()
    for number, path in enumerate(photos):
        cv2.imwrite(str(path), draw_case(number % 16, size).image.rgb[:, :, ::-1])
    segment_files(photos[:2], folder / "warm", model, fov="full")
    print(
        f"{count} photographs of {size} x {size}, {model.card.name}, {torch.get_num_threads()} threads\n\n"
        "| what | seconds | ms a photograph | of the processor, ms a photograph |\n| --- | --- | --- | --- |"
    )
    options = BatchOptions("", model.card.name, model.sha256, model.card.rule.level, fov="full")
    batch, _ = plan_batch(as_listed(photos), photos[0].parent, folder / "batch", options)
    for what, work in (
        ("segment_files", lambda: segment_files(photos, folder / "files", model, fov="full")),
        ("batch", lambda: run_shard(batch, 1, model)),
    ):
        started, used = time.perf_counter(), time.process_time()
        work()
        passed, used = time.perf_counter() - started, time.process_time() - used
        print(f"| {what} | {passed:.1f} | {1000 * passed / count:.1f} | {1000 * used / count:.1f} |", flush=True)
    print(f"\nat most {_most_mb():.0f} MB resident")


def workers_table(folder: Path, most: int, *, default: bool) -> None:
    """The photographs of ``chain_table`` again, by 1 to ``most`` processes that share a batch, with a thread each.

    In processor seconds, which other work on the machine hardly changes. What starting costs is left out: it is in the
    few photographs, too.
    """
    path = folder / "small.safetensors"
    card = load_model().card if default else read_card(path)
    photos = sorted((folder / "photos").iterdir())
    options = BatchOptions(card.name if default else str(path), card.name, card.sha256, card.rule.level, fov="full")
    network = 1000 * _network_s(photos[:10], load_model() if default else load_model(path))
    print(
        f"\nthe network alone: {network:.1f} ms of the processor a photograph; load {os.getloadavg()[0]:.0f}\n\n"
        "| workers | of the processor, ms a photograph | without the network | wall clock, photographs a second |\n"
        "| --- | --- | --- | --- |"
    )
    few = 2 * most
    for count in range(1, most + 1):
        (begun, _), (used, wall) = (
            _shared(photos[:number], folder / f"shared-{count}-{number}", options, count)
            for number in (few, len(photos))
        )
        each = 1000 * (used - begun) / (len(photos) - few)
        print(f"| {count} | {each:.1f} | {each - network:.1f} | {len(photos) / wall:.2f} |", flush=True)


def _shared(photos: list[Path], out: Path, options: BatchOptions, count: int) -> tuple[float, float]:
    """Seconds of the processor, and of the clock, that so many processes need for a batch together."""
    plan_batch(as_listed(photos), photos[0].parent, out, options)
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "core.cli", "batch", "run", str(out)]
    said, around = subprocess.DEVNULL, {**os.environ, "OMP_NUM_THREADS": "1"}
    running = [subprocess.Popen(command, env=around, stdout=said, stderr=said) for _ in range(count)]
    for process in running:
        process.wait()
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    with find_batch(out).open(1, read_only=True) as manifest:
        assert manifest.counts()["done"] == len(photos)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def _network_s(photos: list[Path], model: LoadedModel) -> float:
    """Seconds of the processor that the network alone needs for a photograph."""
    inputs = []
    for photo in photos:
        image = read_fundus(photo)
        inputs.append(prepare(image, FieldOfView.full(image.shape), model.card.preprocessing))
    predict(model, inputs[0])
    started = time.process_time()
    for each in inputs:
        predict(model, each)
    return (time.process_time() - started) / len(inputs)


def _small(folder: Path) -> LoadedModel:
    torch.manual_seed(0)
    card = ModelCard("small", "serr-unet", _SMALL, Preprocessing(fov_diameter_px=0), default_threshold=0.5)
    return load_model(save_model(folder / "small.safetensors", build("serr-unet", _SMALL).eval(), card))


def _most_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    main()
