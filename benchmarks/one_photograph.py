"""How long one photograph takes, cold and warm, as ratios within one run.

    python benchmarks/one_photograph.py [--repeats 5] [--part processes|network|imports] [--against FOLDER]

Prints three tables. *processes*: programs from their start to their end, as ratios to ``python -c "import torch"``,
with the most memory that they had at once; each round starts all of them one after the other, so that what else the
machine does meets all alike (``--against``: also ``serr segment`` and ``serr models`` of another checkout; ``--only``
takes some of the programs). *network*: the default model as it is run, as it was trained, and through ``predict`` by
each engine that is installed; the W-Net of lwnet at its published size, a U-Net of width 64, and the SERR-U-Net as
published in its authors' way, on overlapping patches; as ratios to the W-Net, with the rate of a product of matrices
beside. *imports*: the packages that ``serr segment`` imports besides torch, by ``-X importtime``. Times are of the
processor (user and system, all threads), medians; wall-clock times are given for processes, and mean something where
the load in the first line is near 0.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_KNOWN_BEFORE = "serr-unet-drive-small"
_UNTRAINED = "a network of one channel"
_SAMPLE = _ROOT / "resources" / "sample" / "retina.jpg"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--part", choices=("processes", "network", "imports"))
    parser.add_argument("--photo", type=Path, default=_SAMPLE)
    parser.add_argument("--against", type=Path, help="Another checkout, such as that of the version before.")
    parser.add_argument("--only", nargs="+", metavar="TEXT", help="Programs with one of these texts in their names.")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--untrained", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.untrained is not None:
        make_untrained(given.untrained)
        return
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # before torch is loaded; inherited by the processes
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}{load}\n")
    if given.part in {None, "processes"}:
        processes(given.photo.resolve(), given.repeats, given.against, given.only)
    if given.part in {None, "network"}:
        network(given.repeats, given.threads)
    if given.part in {None, "imports"}:
        imports(given.photo)


def processes(photo: Path, repeats: int, against: Path | None, only: list[str] | None) -> None:
    """Whole programs; ratios are to the first of them."""
    from core.inference.engine_choice import is_installed

    python = [sys.executable, "-P"]
    with tempfile.TemporaryDirectory() as out:
        segment = [*python, "-m", "core.cli", "segment", str(photo), "--out", out]
        named = f"serr segment {photo.name}"
        other = {name: [*segment, "--model", name] for name in ("serr-unet-general", _KNOWN_BEFORE)}
        commands: dict[str, tuple[list[str], Path]] = {
            'python -c "import torch"': ([*python, "-c", "import torch"], _ROOT),
            named: (segment, _ROOT),
            **{f"{named} --model {name}": (command, _ROOT) for name, command in other.items()},
        }
        # In a process of its own: what this one holds would count as the peak of those that it starts.
        subprocess.run(
            [*python, __file__, "--untrained", out], check=True, env={**os.environ, "PYTHONPATH": str(_ROOT)}
        )
        commands[f"{named}, {_UNTRAINED}"] = [*segment, "--model", f"{out}/{_UNTRAINED}.safetensors"], _ROOT
        if against is not None:
            commands[f"{named}, before"] = segment, against
            commands[f"{named} --model {_KNOWN_BEFORE}, before"] = other[_KNOWN_BEFORE], against
        if photo == _SAMPLE and is_installed("openvino"):
            commands[f"{named} --engine openvino"] = [*segment, "--engine", "openvino"], _ROOT
        if photo == _SAMPLE:
            commands["serr --help"] = [*python, "-m", "core.cli", "--help"], _ROOT
            commands["serr models"] = [*python, "-m", "core.cli", "models"], _ROOT
            commands["serr-gui, imports up to its window"] = [*python, "-c", "import serr_gui.app"], _ROOT
            if against is not None:
                commands["serr models, before"] = [*python, "-m", "core.cli", "models"], against
        if only:
            commands = {name: command for name, command in commands.items() if any(word in name for word in only)}
        used: dict[str, list[float]] = {name: [] for name in commands}
        walls: dict[str, list[float]] = {name: [] for name in commands}
        peaks: dict[str, int] = dict.fromkeys(commands, 0)
        for round_ in range(repeats + 1):
            for name, (command, checkout) in commands.items():
                passed, wall, peak = _process(command, checkout)
                if round_:  # the first fills the caches of the disk
                    used[name].append(passed)
                    walls[name].append(wall)
                    peaks[name] = max(peaks[name], peak)
    first = next(iter(commands))
    print("| program | processor, s | ratio | wall, s | ratio | peak, MB |\n| --- | --- | --- | --- | --- | --- |")
    for name in commands:
        cpu, wall = statistics.median(used[name]), statistics.median(walls[name])
        ratios = cpu / statistics.median(used[first]), wall / statistics.median(walls[first])
        print(f"| `{name}` | {cpu:.2f} | {ratios[0]:.2f} | {wall:.2f} | {ratios[1]:.2f} | {peaks[name] / 1e6:.0f} |")
    print(flush=True)


def make_untrained(folder: Path) -> None:
    """A network like the default one with hardly any arithmetic, and its recipe: all else is left."""
    from core.models.catalogue import load_model
    from core.models.weights_file import save_model
    from core.networks.registry import build

    card = load_model().card
    card = replace(card, name=_UNTRAINED, config={**card.config, "width": 1})
    save_model(folder / f"{_UNTRAINED}.safetensors", build(card.architecture, card.config).eval(), card)


def _process(command: list[str], checkout: Path) -> tuple[float, float, int]:
    """Processor and wall-clock time in seconds, and the most memory in bytes."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=checkout, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def network(repeats: int, threads: int) -> None:
    """Networks, one photograph each, on planes of noise."""
    import torch
    from network_ways import all_ways

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    ways = list(all_ways(threads))
    used = _interleaved({way.name: way.work for way in ways}, repeats)
    print(f"{threads} threads; torch {torch.__version__}\n")
    print("| network | GFLOP | processor, s | ratio to lwnet | GFLOP a second of the processor |")
    print("| --- | --- | --- | --- | --- |")
    first = used[ways[0].name]
    for way in ways:
        taken = used[way.name] * way.parts
        print(f"| {way.name} | {way.gflop:.1f} | {taken:.3f} | {taken / first:.2f} | {way.gflop / taken:.0f} |")
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
