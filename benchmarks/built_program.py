"""How large the built program is and how fast it starts, beside the same program in its checkout.

    python benchmarks/built_program.py dist/serr-fundus [--runs 7]

Prints Markdown tables. Starts are measured in turn (built, checkout, built, ...), each as a whole process; the first
pair, which fills the system's cache of files, is told apart. The processor's time says how the two compare on a machine
that does other work, too. A window counts as there when the X server shows it: needs Xvfb and xdotool.
"""

import argparse
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

Times = tuple[float, float]
"""Seconds by the clock, and of the processor."""
ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "resources" / "sample" / "retina.jpg"


def sizes(folder: Path) -> Counter[str]:
    """Bytes for each part: the folders of ``_internal``, small ones together."""
    parts: Counter[str] = Counter()
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            inside = path.relative_to(folder).parts
            name = inside[1] if len(inside) > 2 else "programs and libraries of the system"
            parts[name.removesuffix(".libs")] += path.stat().st_size
    return parts


def print_sizes(folder: Path) -> None:
    parts = sizes(folder)
    total = sum(parts.values())
    print(f"| part | MB |\n| --- | --- |\n| **all, unpacked** | **{total / 1e6:.0f}** |")
    for name, size in parts.most_common(14):
        print(f"| {name} | {size / 1e6:.0f} |")
    rest = total - sum(size for _, size in parts.most_common(14))
    print(f"| everything else | {rest / 1e6:.0f} |")
    for path in sorted(folder.parent.glob("serr-fundus[-_]*")):
        if path.is_file() and path.suffix != ".sha256":
            print(f"| **{path.name}** | **{path.stat().st_size / 1e6:.0f}** |")
    print()


def until_end(command: list[str], environ: dict[str, str]) -> Times:
    """Seconds until the process has ended well."""
    started, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environ, check=True, capture_output=True)
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - started, now.ru_utime - used.ru_utime + now.ru_stime - used.ru_stime


def until_window(command: list[str], environ: dict[str, str]) -> Times:
    """Seconds until the X server shows the window."""
    started = time.perf_counter()
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        search = ["xdotool", "search", "--onlyvisible", "--name", "SERR Fundus"]
        while subprocess.run(search, env=environ, capture_output=True, check=False).returncode != 0:
            if process.poll() is not None or time.perf_counter() - started > 600:
                raise SystemExit(f"{command[0]} shows no window")
        seconds, used = time.perf_counter() - started, psutil.Process(process.pid).cpu_times()
        process.terminate()
    return seconds, used.user + used.system


@contextmanager
def screen() -> Iterator[str]:
    """A virtual screen, by its name."""
    # A number by chance: servers that look for a free one at the same time can take each other's socket away.
    command = ["Xvfb", f":{random.randrange(200, 30000)}", "-noreset", "-displayfd", "1"]
    command += ["-screen", "0", "1600x1000x24"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        try:
            yield f":{server.stdout.readline().decode().strip()}"
        finally:
            server.terminate()


def compare(
    name: str,
    measure: Callable[[list[str], dict[str, str]], Times],
    built: list[str],
    source: list[str],
    *,
    environ: dict[str, str],
    runs: int,
) -> None:
    pairs = [(measure(built, environ), measure(source, environ)) for _ in range(runs + 1)]
    first, rest = pairs[0], pairs[1:]
    mine, theirs = ([times[0] for times in column] for column in zip(*rest, strict=True))
    middle, other = statistics.median(mine), statistics.median(theirs)
    cpu, other_cpu = (statistics.median(times[1] for times in column) for column in zip(*rest, strict=True))
    clock = f"{middle:.2f} ({min(mine):.2f} to {max(mine):.2f}) | {other:.2f} ({min(theirs):.2f} to {max(theirs):.2f})"
    used = f"{cpu:.2f} | {other_cpu:.2f} | {cpu / other_cpu:.2f}"
    print(f"| {name} | {clock} | {middle / other:.2f} | {used} | {first[0][0]:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the folder of the built program")
    parser.add_argument("--runs", type=int, default=7, help="measured starts of each kind")
    options = parser.parse_args()
    folder = options.folder.resolve()
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print_sizes(folder)
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"Load (1, 5, 15 minutes) when the starts begin: {load}; medians, least to most\n")
    columns = ("start", "built, s", "checkout, s", "ratio", "built, processor s", "checkout, processor s", "ratio")
    print(f"| {' | '.join(columns)} | built, first time |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    python = [sys.executable, "-m"]
    with tempfile.TemporaryDirectory() as own, screen() as display:
        environ = os.environ | {"DISPLAY": display, "PYTHONPATH": str(ROOT), "OMP_WAIT_POLICY": "PASSIVE"}
        environ |= {f"SERR_{name}_DIR": own for name in ("CONFIG", "CACHE", "LOG")}
        serr, gui = [str(folder / "serr")], [str(folder / "serr-gui")]
        segment = ["segment", str(SAMPLE), "--out", own]
        for name, measure, words in (
            ("`serr --version`", until_end, ["--version"]),
            ("`serr info` (loads torch)", until_end, ["info"]),
            ("`serr segment` of the sample", until_end, segment),
        ):
            compare(name, measure, serr + words, [*python, "core.cli", *words], environ=environ, runs=options.runs)
        name, source = "`serr-gui` until its window is there", [*python, "serr_gui"]
        compare(name, until_window, gui, source, environ=environ, runs=options.runs)


if __name__ == "__main__":
    main()
