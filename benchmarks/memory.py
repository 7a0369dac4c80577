"""What a process holds while it works through many photographs of many sizes.

    OMP_NUM_THREADS=1 python benchmarks/memory.py --photographs 1000 --sizes 200

Draws photographs, cuts each of ``--sizes`` crops out of one, and runs them in random order through the whole chain with
the default model, at the photograph's own scale. Prints the resident memory of the process as a table (1 MB = 10^6
bytes).
``--unbounded`` leaves out what ``core.inference.memory`` does, to see what that is good for.
"""

import argparse
import platform
import resource
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

import core.segment
from core.datasets.synthetic import draw_case
from core.inference import memory, runner
from core.inference.options import InferenceOptions
from core.models.catalogue import load_model
from core.photo.preprocessing import Preprocessing
from core.segment import segment_photo
from core.types import FieldOfView, FundusImage

SMALLEST, LARGEST = 128, 384


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=int, default=1000)
    parser.add_argument("--sizes", type=int, default=200)
    parser.add_argument("--every", type=int, default=100, help="Photographs between two lines of the table.")
    parser.add_argument("--unbounded", action="store_true")
    arguments = parser.parse_args()
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


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


if __name__ == "__main__":
    main()
