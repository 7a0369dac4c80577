"""How fast a training is, and whether the network ever waits for its crops.

    python benchmarks/training_speed.py [--steps N] [--threads N] [--crop PX] [--batch N] [--preset NAME]

Runs the training's own steps on drawn photographs, in fp32 and in bf16, and prints for each the median time of a step
and the share of it in which the network works. bf16 is channels-last, as everywhere in the program; fp32 is measured
both ways. docs/benchmarks/training-speed.md has results.
"""

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from core.datasets.synthetic import write_drive_layout
from core.progress import SILENT
from core.training.augmentation import random_crop
from core.training.config import TrainingConfig, load_preset
from core.training.data import TrainingData, load_training_data
from core.training.processes import make_fabric
from core.training.run import Run


@dataclass(frozen=True)
class Measured:
    """Medians in seconds, the network's share of all the time, and the processor's time of a step on all cores.

    The last is hardly touched by other work on the machine, so that it compares better where there is any.
    """

    step_s: float
    network_s: float
    share: float
    processor_s: float


def measure(
    config: TrainingConfig, data: TrainingData, folder: Path, *, precision: str, layout: str, steps: int
) -> Measured:
    """Train for some steps after three that do not count."""
    folder.mkdir()
    run = Run(config, data, make_fabric("auto", precision), folder)
    if layout == "contiguous":
        run.network.to(memory_format=torch.contiguous_format)
    run.network.train()
    whole, network, processor = [], [], []
    began, used = time.perf_counter(), time.process_time()
    for batch in run.batches():
        got = time.perf_counter()
        run.learn(batch)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        run.state.step += 1
        ended = time.perf_counter()
        whole.append(ended - began)
        network.append(ended - got)
        now = time.process_time()
        processor.append(now - used)
        began, used = ended, now
    whole, network, processor = whole[3:], network[3:], processor[3:]
    assert len(whole) == steps
    return Measured(
        statistics.median(whole), statistics.median(network), sum(network) / sum(whole), statistics.median(processor)
    )


def crop_ms(config: TrainingConfig, data: TrainingData) -> float:
    """Time of one thread for one crop, in milliseconds of the processor."""
    sources, part, side = [data.sources[0].training], config.augmentation, config.optimisation.crop_px
    random_crop(sources, side, part, (0, 0, 0))
    began = time.thread_time()
    for slot in range(40):
        random_crop(sources, side, part, (0, 1, slot))
    return (time.thread_time() - began) / 40 * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--crop", type=int, default=0, help="side of a crop, instead of the preset's")
    parser.add_argument("--batch", type=int, default=0, help="crops in a step, instead of the preset's")
    parser.add_argument("--preset", default="strong")
    chosen = parser.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    torch.set_flush_denormal(True)
    optimisation = {"steps": chosen.steps + 3} | {
        name: value for name, value in (("crop_px", chosen.crop), ("batch", chosen.batch)) if value
    }
    config = load_preset(chosen.preset).replaced("data", sources=[{"validation_photos": 1}])
    config = config.replaced("optimisation", **optimisation)
    before = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_drive_layout(root, 4, side=584)
        data = load_training_data(config, root, SILENT)
        part = config.optimisation
        size, threads = f"{part.crop_px} x {part.crop_px}", torch.get_num_threads()
        print(f"{part.batch} crops of {size}, {threads} threads, torch {torch.__version__}")
        print(f"load of the machine before: {before:.1f}; one crop takes {crop_ms(config, data):.1f} ms of one thread")
        print(f"{'':24}{'step':>9}{'network':>9}{'its share':>11}{'processor':>11}")
        rows = (("fp32", "contiguous"), ("fp32", "channels-last"), ("bf16", "channels-last"))
        for number, (precision, layout) in enumerate(rows):
            one = measure(config, data, root / str(number), precision=precision, layout=layout, steps=chosen.steps)
            name = f"{precision} {layout}"
            print(
                f"{name:24}{one.step_s:8.3f}s{one.network_s:8.3f}s{one.share:11.1%}{one.processor_s:10.3f}s", flush=True
            )


if __name__ == "__main__":
    main()
