"""A cohort through ``serr batch``, killed on its way: nothing lost, nothing done twice, bounded memory.

    nice -n 10 python benchmarks/cohort.py --photographs 20000 --kills 2

Draws photographs of small size in folders of 1,000 and starts ``serr batch run`` on them as a process, with an
untrained network of width 4. The process is killed by SIGKILL each time a further part of them is done, and the same
command is started again. At the end it is checked that each photograph has one outcome, one set of files and one row of
the summary, and that no result which was whole after a kill was made again. Prints what was counted, and the memory of
the processes as a table. Ends with 1 where something is not as it should be.
"""

import argparse
import csv
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import psutil
import torch

from core.batch.plan import find_batch
from core.batch.status import batch_status
from core.datasets.synthetic import draw_case
from core.errors import InputError, OutputError
from core.files import TEMPORARY_PREFIX
from core.models.model_card import ModelCard
from core.models.weights_file import save_model
from core.networks.registry import build
from core.photo.recipe import Preprocessing
from core.resources import command_line
from core.sidecar import SUFFIX, read_sidecar

_SMALL: dict[str, object] = {"in_channels": 1, "width": 4, "depth": 2, "steps": 1, "reduction": 2}
_A_FOLDER = 1_000
_DIGITS = 6
"""Of a photograph's name."""
_LOOK_S = 1.0


@dataclass
class Seen:
    """What was seen of the processes from outside, in the order of time."""

    started: float = field(default_factory=time.monotonic)
    memory: list[tuple[int, float]] = field(default_factory=list)
    """Photographs that were done, and resident memory in MB."""
    loads: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """Processor time of each process."""


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=48, help="Pixels at a side.")
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--masks", action="store_true", help="With --fov FOLDER: a mask for each photograph.")
    parser.add_argument("--folder", type=Path, help="Where to work, on the disk in question; removed by nobody.")
    arguments = parser.parse_args()
    print(
        f"{platform.platform()}, Python {platform.python_version()}, torch {torch.__version__}, "
        f"{os.environ.get('OMP_NUM_THREADS', 'all')} threads, niceness {os.nice(0)}\n"
    )
    with tempfile.TemporaryDirectory(prefix="serr-cohort-") as temporary:
        folder = arguments.folder or Path(temporary)
        photos, masks = folder / "photos", folder / "masks"
        draw(photos, masks if arguments.masks else None, arguments.photographs, arguments.size)
        words = ["batch", "run", str(photos), "--out", str(folder / "out"), "--model", str(_model(folder))]
        words += ["--fov", str(masks) if arguments.masks else "full", "--save", "mask", "--device", "cpu"]
        return run(words, folder / "out", arguments.photographs, arguments.kills)


def draw(photos: Path, masks: Path | None, count: int, size: int) -> None:
    """Write photographs no two of which are the same, and a mask for each."""
    drawn = [draw_case(seed, size) for seed in range(16)]
    random = np.random.default_rng(0)
    for number in range(count):
        path = photos / f"{number // _A_FOLDER:03}" / f"{number:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        case = drawn[number % 16]
        noise = random.integers(-6, 7, case.image.rgb.shape)
        cv2.imwrite(str(path), np.clip(case.image.rgb + noise, 0, 255).astype(np.uint8)[:, :, ::-1])
        if masks is not None:
            masks.mkdir(exist_ok=True)
            cv2.imwrite(str(masks / f"{path.stem}_mask.png"), case.fov.inside.astype(np.uint8) * 255)


def run(words: list[str], out: Path, count: int, kills: int) -> int:
    """Run the command, kill it and start it again, and look at what it leaves; the exit code."""
    seen, whole, given_back = Seen(), dict[Path, int](), []
    for number in range(1, kills + 1):
        _started(words, out, seen, until=count * number // (kills + 1))
        for path in out.rglob(f"*{SUFFIX}"):
            if path not in whole and _is_whole(path):
                whole[path] = path.stat().st_ino
        status = batch_status(find_batch(out))
        given_back.append(status.counts["running"])
        print(f"- killed with {status.counts['done']:,} done, {status.counts['running']} claimed; {status.word}")
    code = _started(words, out, seen, until=None)
    print(f"- the last process ended with {code}\n")
    wrong = problems(out, count, whole)
    _print(seen, count, given_back)
    for sentence in wrong or ["Each photograph has one outcome, one set of files and one row; none was made twice."]:
        print(sentence)
    return 1 if wrong or code else 0


def problems(out: Path, count: int, whole: dict[Path, int]) -> list[str]:
    """What is not as it should be, in sentences."""
    found = []
    counts = batch_status(find_batch(out)).counts
    if counts["done"] != count or sum(counts.values()) != count:
        found.append(f"The manifest has {counts}.")
    with (out / "summary.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["file"], row["state"]) for row in csv.DictReader(file)]
    if len(rows) != count or len(set(rows)) != count or {state for _, state in rows} != {"done"}:
        found.append(f"The summary has {len(rows):,} rows, {len(set(rows)):,} of them different.")
    kinds = Counter(
        TEMPORARY_PREFIX if path.name.startswith(TEMPORARY_PREFIX) else path.name[_DIGITS:]
        for path in out.rglob("*")
        if path.is_file() and "serr-batch" not in path.parts and path.name != "summary.csv"
    )
    left = kinds.pop(TEMPORARY_PREFIX, 0)
    print(f"Hidden temporary files that the killed processes left (removed by a run after an hour): {left}.")
    if dict(kinds) != {"_mask.png": count, SUFFIX: count}:
        found.append(f"The results have the files {dict(kinds)}.")
    again = sum(path.stat().st_ino != inode for path, inode in whole.items())
    if again:
        found.append(f"{again:,} of {len(whole):,} results that were whole after a kill were made again.")
    damaged = sum(not _is_whole(path) for path in out.rglob(f"*{SUFFIX}"))
    if damaged:
        found.append(f"{damaged:,} side-cars cannot be relied on.")
    return found


def _started(words: list[str], out: Path, seen: Seen, *, until: int | None) -> int:
    """Start the command and look at it until it ends, or until so many are done: then it is killed."""
    process = psutil.Popen([*command_line(), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    used = 0.0
    while process.poll() is None:
        done = _done(out)
        try:
            seen.memory.append((done, process.memory_info().rss / 1e6))
            used = sum(process.cpu_times()[:2])
        except psutil.Error:
            break
        seen.loads.append(os.getloadavg()[0])
        if until is not None and done >= until:
            process.kill()
        else:
            time.sleep(_LOOK_S)
    seen.seconds.append(used)
    return int(process.wait())


def _done(out: Path) -> int:
    try:
        with find_batch(out).open(1, read_only=True) as manifest:
            return manifest.counts()["done"]
    except (InputError, OutputError):  # not planned yet
        return 0


def _is_whole(path: Path) -> bool:
    try:
        read_sidecar(path)
    except InputError:
        return False
    return True


def _print(seen: Seen, count: int, given_back: list[int]) -> None:
    used, passed = sum(seen.seconds), time.monotonic() - seen.started
    loads = sorted(seen.loads)
    print("| photographs done | most resident, MB |\n| --- | --- |")
    step = max(1, count // 10)
    for first in range(0, count, step):
        part = [memory for done, memory in seen.memory if first <= done < first + step]
        if part:
            print(f"| {first:,} to {min(count, first + step):,} | {max(part):.0f} |")
    print(
        f"\n{len(seen.seconds)} processes, {passed / 60:.0f} minutes, {used:.0f} s of the processor "
        f"({1000 * used / count:.1f} ms a photograph, their starts included), load {loads[0]:.1f} to {loads[-1]:.1f} "
        f"(median {loads[len(loads) // 2]:.1f}); photographs in the hands of those killed: {given_back}\n"
    )


def _model(folder: Path) -> Path:
    torch.manual_seed(0)
    card = ModelCard("small", "serr-unet", _SMALL, Preprocessing(fov_diameter_px=0), default_threshold=0.5)
    return save_model(folder / "small.safetensors", build("serr-unet", _SMALL).eval(), card)


if __name__ == "__main__":
    sys.exit(main())
