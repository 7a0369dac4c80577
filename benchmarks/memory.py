"""What a process holds while it works through many photographs of many sizes.

    OMP_NUM_THREADS=1 python benchmarks/memory.py --photographs 1000 --sizes 200

Draws photographs, cuts each of ``--sizes`` crops out of one, and runs them in random order through the whole chain with
the default model, at the photograph's own scale. Prints the resident memory of the process as a table (1 MB = 10^6
bytes).
``--unbounded`` leaves out what ``core.inference.memory`` does, to see what that is good for.

    OMP_NUM_THREADS=1 python benchmarks/memory.py --strips 0 16 12

Runs the default model over planes of noise as large as those of a photograph of HRF and of DRIVE, with strips of so
many MB (``core.inference.strips``; 0: whole planes), each in a process of its own: processor seconds and memory.
"""

import argparse
import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

import core.segment
from core.datasets.synthetic import draw_case
from core.inference import memory, runner, strips
from core.inference.device import choose_device
from core.inference.engines import runner_for
from core.inference.options import InferenceOptions
from core.models.catalogue import load_model
from core.photo.recipe import Preprocessing
from core.segment import segment_photo
from core.types import FieldOfView, FundusImage

SMALLEST, LARGEST = 128, 384
GRIDS = ((704, 1024), (720, 720))


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=int, default=1000)
    parser.add_argument("--sizes", type=int, default=200)
    parser.add_argument("--every", type=int, default=100, help="Photographs between two lines of the table.")
    parser.add_argument("--unbounded", action="store_true")
    parser.add_argument("--strips", type=int, nargs="+", metavar="MB", help="The table about strips of rows.")
    parser.add_argument("--repeats", type=int, default=4, help="Of that table.")
    parser.add_argument("--one", type=int, nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one_grid(*arguments.one, repeats=arguments.repeats)
        return
    if arguments.strips:
        strips_table(arguments.strips, arguments.repeats)
        return
    if arguments.unbounded:
        runner.bound_caches = lambda: None
        core.segment.return_freed = lambda: None
    model = load_model()
    recipe = Preprocessing.from_dict(model.card.preprocessing.to_dict() | {"fov_diameter_px": 0})
    model = replace(model, card=replace(model.card, preprocessing=recipe))
    random = np.random.default_rng(0)
    drawn = draw_case(1, LARGEST)
    sizes = random.integers(SMALLEST, LARGEST + 1, (arguments.sizes, 2))
    print(
        f"{platform.platform()}, Python {platform.python_version()}, torch {version('torch')}, {model.card.name}, "
        f"{arguments.photographs} photographs of {len(np.unique(sizes, axis=0))} sizes from {SMALLEST} to {LARGEST} "
        f"pixels at a side, primitives kept by oneDNN: {'1024' if arguments.unbounded else memory.CACHED_PRIMITIVES}\n"
    )
    print(
        "| photographs | resident, MB | most in these, MB | most so far, MB | minutes |\n"
        "| --- | --- | --- | --- | --- |"
    )
    started, most = time.monotonic(), 0.0
    for number in range(1, arguments.photographs + 1):
        height, width = sizes[random.integers(len(sizes))]
        image = FundusImage(drawn.image.rgb[:height, :width])
        fov = FieldOfView(np.ascontiguousarray(drawn.fov.inside[:height, :width]), "file")
        segment_photo(image, model, fov=fov, options=InferenceOptions(device="cpu"))
        most = max(most, _resident())
        if number in {1, 10, 50} or number % arguments.every == 0:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6 * 1024
            minutes = (time.monotonic() - started) / 60
            print(f"| {number} | {_resident():.0f} | {most:.0f} | {peak:.0f} | {minutes:.1f} |", flush=True)
            most = 0.0


def strips_table(sizes_mb: list[int], repeats: int) -> None:
    """Processor time and memory of one photograph, by the strips that its large planes are taken in."""
    print(
        f"{platform.platform()}, torch {version('torch')}, {load_model().card.name}, one thread; medians of {repeats}; "
        f"load {os.getloadavg()[0]:.0f}\n"
    )
    print(f"| strips of | {' | '.join(f'{w:,} x {h}, processor, s | peak, MB' for h, w in GRIDS)} |\n{'| --- ' * 5}|")
    for size in sizes_mb:
        found = []
        for grid in GRIDS:
            command = [sys.executable, __file__, "--one", *map(str, (size, *grid)), "--repeats", str(repeats)]
            around = {**os.environ, "OMP_NUM_THREADS": "1"}
            done = subprocess.run(command, env=around, capture_output=True, text=True, check=True)
            found.append("{} | {}".format(*done.stdout.split()))
        print(f"| {f'{size} MB' if size else 'whole planes'} | {' | '.join(found)} |", flush=True)


def one_grid(strip_mb: int, height: int, width: int, *, repeats: int) -> None:
    """Print the median of processor seconds, and of the peak over what the process had before, in MB."""
    strips.STRIP_BYTES = strip_mb * 1_000_000 or sys.maxsize  # type: ignore[misc]
    if not strip_mb:
        strips.LARGE_BYTES = sys.maxsize  # type: ignore[misc]
    planes = np.random.default_rng(0).normal(size=(1, height, width)).astype(np.float32)
    seconds, peaks = [], []
    with runner_for(
        load_model(), choose_device("cpu"), "fp32", on_layer=lambda: None, on_strip=lambda: None
    ) as network:
        network.run(planes[:, :64, :64])
        for _ in range(repeats):
            memory.return_freed()
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak counts from here
            before, started = _resident(), time.process_time()
            network.run(planes)
            seconds.append(time.process_time() - started)
            status = Path("/proc/self/status").read_text(encoding="ascii")
            peaks.append(int(status.split("VmHWM:")[1].split()[0]) * 1.024e-3 - before)
    print(f"{np.median(seconds):.2f} {np.median(peaks):.0f}")


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


if __name__ == "__main__":
    main()
