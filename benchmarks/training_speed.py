"""How fast a training is, and whether the network ever waits for its crops.

    python benchmarks/training_speed.py [--steps N] [--threads N] [--crop PX] [--batch N] [--width N] [--preset NAME]

Runs the training's own steps on drawn photographs, in fp32 and in bf16, and prints for each the median time of a step
and the share of it in which the network works. bf16 is channels-last, as everywhere in the program; fp32 is measured
both ways. On a CUDA device: steps launched kernel by kernel, recorded and replayed, and compiled before (--compile),
with the largest difference of a loss from the first way's. docs/benchmarks/training-speed.md has results.
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

_WARM_UP = 20


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


def measure_on_gpu(
    config: TrainingConfig, data: TrainingData, folder: Path, *, recorded: bool
) -> tuple[float, float, list[float]]:
    """Milliseconds for a step, of the whole and with a batch that is there already; and the losses of all steps."""
    folder.mkdir()
    run = Run(config, data, make_fabric("cuda", "bf16"), folder)
    run.stepper.may_record &= recorded
    run.network.train()
    losses, began, batch = [], 0.0, None
    for batch in run.batches():
        losses.append(run.learn(batch))
        run.state.step += 1
        if run.state.step == _WARM_UP:
            torch.cuda.synchronize()
            began = time.perf_counter()
    torch.cuda.synchronize()
    whole = (time.perf_counter() - began) / (config.optimisation.steps - _WARM_UP)
    assert batch is not None
    curve = torch.stack(losses).tolist()
    began = time.perf_counter()
    for _ in range(_WARM_UP * 2):
        run.learn(batch)
    torch.cuda.synchronize()
    return whole * 1e3, (time.perf_counter() - began) / (_WARM_UP * 2) * 1e3, curve


def report_gpu(config: TrainingConfig, data: TrainingData, root: Path, *, compiled: bool) -> None:
    """The table for a CUDA device."""
    rows = [("launched one by one", False, False), ("recorded", True, False)]
    rows += [("compiled, recorded", True, True)] if compiled else []
    first: list[float] = []
    for number, (name, recorded, compile_first) in enumerate(rows):
        chosen = config.replaced("run", compile=compile_first)
        step, alone, curve = measure_on_gpu(chosen, data, root / f"gpu-{number}", recorded=recorded)
        first = first or curve
        apart = max(abs(a - b) for a, b in zip(first, curve, strict=True))
        print(f"{name:24}{step:8.2f} ms{alone:8.2f} ms without crops; loss {apart:.4f} apart at most", flush=True)


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
    parser.add_argument("--width", type=int, default=0, help="of the network, instead of the preset's")
    parser.add_argument("--preset", default="strong")
    parser.add_argument("--compile", action="store_true", help="on a CUDA device: measure a compiled network, too")
    chosen = parser.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    torch.set_flush_denormal(True)
    on_gpu = torch.cuda.is_available()
    optimisation = {"steps": chosen.steps + (_WARM_UP if on_gpu else 3)} | {
        name: value for name, value in (("crop_px", chosen.crop), ("batch", chosen.batch)) if value
    }
    config = load_preset(chosen.preset).replaced("data", sources=[{"validation_photos": 1}])
    config = config.replaced("optimisation", **optimisation)
    if chosen.width:
        config = config.replaced("network", config={"width": chosen.width})
    before = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_drive_layout(root, 4, side=584)
        data = load_training_data(config, root, SILENT)
        part = config.optimisation
        size, threads = f"{part.crop_px} x {part.crop_px}", torch.get_num_threads()
        print(f"{part.batch} crops of {size}, {threads} threads, torch {torch.__version__}")
        print(f"load of the machine before: {before:.1f}; one crop takes {crop_ms(config, data):.1f} ms of one thread")
        if on_gpu:
            print(torch.cuda.get_device_name())
            report_gpu(config, data, root, compiled=chosen.compile)
            return
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
