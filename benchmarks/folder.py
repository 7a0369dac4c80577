"""A folder on a device: how near ``serr batch`` comes to the rate of the network alone, and what limits it.

    python benchmarks/folder.py --device cuda --workers 1 4 8 16

First the network alone on the device, in batches of prepared photographs; then ``serr batch run`` over a folder of
drawn photographs with so many processes. What starting takes is left out: each is done with few and with all
photographs. Works on the processor, too (``--device cpu``).
"""

import argparse
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from core.batch.devices import usable_cores
from core.batch.options import BatchOptions
from core.batch.plan import as_listed, find_batch, plan_batch
from core.datasets.synthetic import draw_case
from core.inference.device import choose_device, fastest_precision
from core.inference.engines import runner_for
from core.models.catalogue import DEFAULT_MODEL, load_model
from core.models.weights_file import LoadedModel
from core.photo.field_of_view import estimate_field_of_view
from core.photo.preprocessing import prepare
from core.photo.reading import read_fundus

_DRAWN = 16


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto", help="cuda, cuda:1, mps, cpu; auto.")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4, 8, 16], help="Processes on the device.")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--photographs", type=int, default=2000, help="For each of the workers.")
    parser.add_argument("--few", type=int, default=16, help="Photographs for each worker that count as its start.")
    parser.add_argument("--size", type=int, default=565, help="Pixels at a side of the drawn photographs.")
    parser.add_argument("--batch", type=int, default=0, help="Photographs at once for the network alone; 0: 8, CPU 1.")
    given = parser.parse_args()
    model, device = load_model(given.model), choose_device(given.device)
    print(
        f"{platform.platform()}, torch {torch.__version__}, {device.label}, {usable_cores()} cores, load "
        f"{os.getloadavg()[0]:.0f}\n{model.card.name}, photographs of {given.size} x {given.size}\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        photos = _draw(Path(folder) / "drawn", given.size)
        there = Folder(Path(folder), photos, model, device.torch_name)
        bare = bare_rate(model, photos[0], device.torch_name, given.batch or (1 if device.kind == "cpu" else 8))
        print(f"the network alone: {bare:.2f} photographs a second, {1000 / bare:.1f} ms each")
        print(f"one photograph is {operations(model, device.torch_name)} operations that torch starts one by one\n")
        print(
            "| processes | photographs a second | of the network alone | processor, ms a photograph | cores in use |\n"
            "| --- | --- | --- | --- | --- |"
        )
        for count in given.workers:
            rate, used = there.rate(count, given.few * count, given.photographs * count)
            print(
                f"| {count} | {rate:.2f} | {rate / bare:.0%} | {1000 * used:.1f} | {rate * used:.1f} |",
                flush=True,
            )
    print(f"\nload {os.getloadavg()[0]:.0f}")


def _nothing() -> None:
    pass


def bare_rate(model: LoadedModel, photo: Path, device: str, batch: int) -> float:
    """Photographs a second that the network does alone, so many at once, with nothing read or written."""
    image, chosen = read_fundus(photo), choose_device(device)
    planes = torch.from_numpy(prepare(image, estimate_field_of_view(image), model.card.preprocessing).planes.copy())
    stride = model.module.stride
    below, right = -planes.shape[1] % stride, -planes.shape[2] % stride
    x = torch.nn.functional.pad(planes[None], (0, right, 0, below), mode="reflect").repeat(batch, 1, 1, 1)
    with runner_for(model, chosen, fastest_precision(chosen), on_layer=_nothing, on_strip=_nothing) as runner:
        x = x.to(device)

        def seconds(times: int) -> float:
            _wait_for(chosen.kind)
            started = time.perf_counter()
            for _ in range(times):
                runner._logits(x)
            _wait_for(chosen.kind)
            return time.perf_counter() - started

        seconds(2)
        once = seconds(2) / 2
        times = max(3, min(200, round(5 / once)))
        return batch * times / seconds(times)


class _Counted(TorchDispatchMode):
    """Counts what a device has to compute; another view of the same numbers is not computed."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += not func.is_view
        return func(*args, **(kwargs or {}))


def operations(model: LoadedModel, device: str) -> int:
    """How many operations a device is given for one photograph that is run whole."""
    chosen, side = choose_device(device), 16 * model.module.stride
    with runner_for(model, chosen, fastest_precision(chosen), on_layer=_nothing, on_strip=_nothing) as runner:
        x = torch.zeros(1, model.module.in_channels, side, side)
        with _Counted() as counted:
            runner._logits(x)
    return counted.count


@dataclass(frozen=True, slots=True)
class Folder:
    """What is measured: drawn photographs, copied as often as they are needed, by a model on a device."""

    path: Path
    drawn: list[Path]
    model: LoadedModel
    device: str

    def rate(self, workers: int, few: int, many: int) -> tuple[float, float]:
        """Photographs a second by ``serr batch run``, and seconds of the processor for each."""
        (wall, used), (begun_wall, begun_used) = (self._timed(workers, count) for count in (many, few))
        return (many - few) / (wall - begun_wall), (used - begun_used) / (many - few)

    def _timed(self, workers: int, count: int) -> tuple[float, float]:
        """Seconds by the clock and of the processor for a folder with so many photographs."""
        folder, card = self.path / f"{workers}-{count}", self.model.card
        photos = [folder / "photos" / f"{number:06}.png" for number in range(count)]
        photos[0].parent.mkdir(parents=True)
        for number, path in enumerate(photos):
            shutil.copyfile(self.drawn[number % len(self.drawn)], path)
        options = BatchOptions(card.name, card.name, self.model.sha256, card.rule.level)
        plan_batch(as_listed(photos), photos[0].parent, folder / "out", options)
        words = ["batch", "run", str(folder / "out"), "--device", self.device, "--workers", str(workers)]
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "core.cli", *words], check=False, capture_output=True, text=True)
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        with find_batch(folder / "out").open(1, read_only=True) as manifest:
            if manifest.counts()["done"] != count:
                raise SystemExit(done.stderr or done.stdout)
        shutil.rmtree(folder)
        return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _draw(folder: Path, size: int) -> list[Path]:
    folder.mkdir()
    photos = [folder / f"{number:02}.png" for number in range(_DRAWN)]
    for number, path in enumerate(photos):
        cv2.imwrite(str(path), draw_case(number, size).image.rgb[:, :, ::-1])
    return photos


def _wait_for(kind: str) -> None:
    """A graphics processor takes its work and answers at once."""
    if kind == "cuda":
        torch.cuda.synchronize()
    elif kind == "mps":
        torch.mps.synchronize()


if __name__ == "__main__":
    main()
