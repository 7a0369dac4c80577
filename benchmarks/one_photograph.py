"""How long one photograph takes, cold and warm, as ratios within one run.

    python benchmarks/one_photograph.py [--repeats 5] [--part processes|network|imports]

Prints three tables. *processes*: programs from their start to their end, as ratios to ``python -c "import torch"``;
each round starts all of them one after the other, so that what else the machine does meets all alike. *network*: the
default model as it is run, as it was trained, the W-Net of lwnet at its published size and a U-Net of width 64, as
ratios to the W-Net, with the rate of a product of matrices beside. *imports*: the packages that ``serr segment``
imports besides torch, by ``-X importtime``. Times are of the processor (user and system, all threads), medians;
wall-clock times are given for processes, and mean something where the load in the first line is near 0.
"""

import argparse
import copy
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_SAMPLE = _ROOT / "resources" / "sample" / "retina.jpg"
_MATRIX = 2048


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--part", choices=("processes", "network", "imports"))
    parser.add_argument("--photo", type=Path, default=_SAMPLE)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # before torch is loaded; inherited by the processes
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}{load}\n")
    if given.part in {None, "processes"}:
        processes(given.photo, given.repeats)
    if given.part in {None, "network"}:
        network(given.repeats, given.threads)
    if given.part in {None, "imports"}:
        imports(given.photo)


def processes(photo: Path, repeats: int) -> None:
    """Whole programs."""
    python = [sys.executable, "-P"]
    with tempfile.TemporaryDirectory() as out:
        commands = {
            'python -c "import torch"': [*python, "-c", "import torch"],
            f"serr segment {photo.name}": [*python, "-m", "core.cli", "segment", str(photo), "--out", out],
            "serr --help": [*python, "-m", "core.cli", "--help"],
            "serr models": [*python, "-m", "core.cli", "models"],
            "serr-gui, imports up to its window": [*python, "-c", "import serr_gui.app"],
        }
        used: dict[str, list[float]] = {name: [] for name in commands}
        walls: dict[str, list[float]] = {name: [] for name in commands}
        for round_ in range(repeats + 1):
            for name, command in commands.items():
                passed, wall = _process(command)
                if round_:  # the first fills the caches of the disk
                    used[name].append(passed)
                    walls[name].append(wall)
    first = next(iter(commands))
    print("| program | processor, s | ratio | wall, s | ratio |\n| --- | --- | --- | --- | --- |")
    for name in commands:
        cpu, wall = statistics.median(used[name]), statistics.median(walls[name])
        ratios = cpu / statistics.median(used[first]), wall / statistics.median(walls[first])
        print(f"| `{name}` | {cpu:.2f} | {ratios[0]:.2f} | {wall:.2f} | {ratios[1]:.2f} |")
    print(flush=True)


def _process(command: list[str]) -> tuple[float, float]:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, cwd=_ROOT, capture_output=True)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def network(repeats: int, threads: int) -> None:
    """Networks alone, one photograph each, on planes of noise."""
    import torch
    from peers import LittleWNet

    from core.inference.device import choose_device, fastest_precision
    from core.inference.folding import fold, to_precision
    from core.inference.runner import _channels_last
    from core.models.catalogue import load_model
    from core.networks.cost import gflop
    from core.networks.registry import build

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    precision = fastest_precision(choose_device("cpu"))
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32

    def planes(channels: int, side: int) -> torch.Tensor:
        return _channels_last(torch.rand(1, channels, side, side))

    def run(module: torch.nn.Module, x: torch.Tensor, form: torch.dtype) -> Callable[[], object]:
        module = module.eval().requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

        def once() -> object:
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=form != torch.float32):
                return module(x)

        return once

    ways: dict[str, tuple[Callable[[], object], float]] = {}
    wnet = LittleWNet()
    ways["lwnet's W-Net, fp32, 512 x 512"] = run(wnet, planes(3, 512), torch.float32), _flop(wnet, planes(3, 512))
    for name, side in (("serr-unet-general", 720), ("serr-unet-drive-small", 544)):
        model = load_model(name)
        cost = gflop(model.card.architecture, model.card.config, (side, side))
        folded = fold(copy.deepcopy(model.module))
        to_precision(folded, dtype)
        ways[f"{name} as it is run, {precision}, {side} x {side}"] = run(folded, planes(1, side), dtype), cost
        if name == "serr-unet-general":
            for form, text in ((torch.float32, "fp32"), (torch.bfloat16, "bf16")):
                plain = copy.deepcopy(model.module)
                ways[f"{name} as trained, {text}, {side} x {side}"] = run(plain, planes(1, side), form), cost
    unet = fold(build("unet", {"width": 64, "depth": 4}).eval().requires_grad_(False))
    to_precision(unet, dtype)
    cost = gflop("unet", {"width": 64, "depth": 4}, (720, 720))
    ways[f"U-Net of width 64, {precision}, folded, 720 x 720"] = run(unet, planes(1, 720), dtype), cost
    for form, text in ((torch.float32, "fp32"), (torch.bfloat16, "bf16")):
        one = torch.rand(_MATRIX, _MATRIX).to(form)
        ways[f"product of matrices, {_MATRIX}^3, {text}"] = (lambda one=one: one @ one), 2 * _MATRIX**3 / 1e9
    used = _interleaved({name: work for name, (work, _) in ways.items()}, repeats)
    print(f"{threads} threads; torch {torch.__version__}\n")
    print("| network | GFLOP | processor, s | ratio to lwnet | GFLOP a second of the processor |")
    print("| --- | --- | --- | --- | --- |")
    first = used[next(iter(ways))]
    for name, (_, cost) in ways.items():
        print(f"| {name} | {cost:.1f} | {used[name]:.3f} | {used[name] / first:.2f} | {cost / used[name]:.0f} |")
    print(flush=True)


def _interleaved(ways: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """The median time of each, all of them in each round."""
    used: dict[str, list[float]] = {name: [] for name in ways}
    for round_ in range(repeats + 1):
        for name, work in ways.items():
            started = time.process_time()
            work()
            if round_:
                used[name].append(time.process_time() - started)
    return {name: statistics.median(times) for name, times in used.items()}


def _flop(module: "object", x: "object") -> float:
    """GFLOP of the convolutions of a network that is not one of the program's."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    assert isinstance(module, torch.nn.Module)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        module.eval()(x)
    return counter.get_total_flops() / 1e9


def imports(photo: Path) -> None:
    """What is imported besides torch."""
    with tempfile.TemporaryDirectory() as out:
        with_torch = _import_times(["-c", "import torch"])
        whole = _import_times(["-m", "core.cli", "segment", str(photo), "--out", out])
    other = {name: spent for name, spent in whole.items() if name not in with_torch}
    share = sum(other.values()) / sum(with_torch.values())
    print(f"{len(with_torch)} modules with torch, {len(other)} besides; these take {share:.2f} times as long\n")
    spent: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for name, microseconds in other.items():
        spent[name.partition(".")[0]] += microseconds
        count[name.partition(".")[0]] += 1
    print("| package | modules | ms |\n| --- | --- | --- |")
    for name, microseconds in spent.most_common(12):
        print(f"| {name} | {count[name]} | {microseconds / 1000:.0f} |")
    print(flush=True)


def _import_times(arguments: list[str]) -> dict[str, int]:
    command = [sys.executable, "-P", "-X", "importtime", *arguments]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    found = {}
    for line in done.stderr.splitlines():
        head, *rest = line.removeprefix("import time:").split("|")
        if len(rest) == 2 and head.strip().isdigit():
            found[rest[1].strip()] = int(head)
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
