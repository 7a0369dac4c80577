"""How long it takes to find the field of view, in this checkout and in an older one.

    git worktree add ../older f5b50ae
    python benchmarks/field_of_view_speed.py --data FOLDER --older ../older

FOLDER holds DRIVE, STARE, CHASE_DB1 and HRF as published. Writes docs/benchmarks/field-of-view-speed.md.

Each checkout has a process of its own, with one thread, and the two take turns photograph by photograph, so that both
meet the same load of the machine. What is given is processor time.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import cv2

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks" / "field-of-view-speed.md"
SETS = {
    "DRIVE": "DRIVE/*/images/*.tif",
    "STARE": "STARE/stare-images/*.ppm",
    "CHASE_DB1": "CHASE_DB1/*.jpg",
    "HRF": "HRF/images/*",
}
EVERY, ROUNDS = 5, 3

# Runs in either checkout: reads a path on each line, answers with the milliseconds of the processor.
WORKER = """
import sys, time
from pathlib import Path
import cv2
from core.photo.field_of_view import estimate_field_of_view
from core.photo.reading import read_fundus
cv2.setNumThreads(1)
for line in sys.stdin:
    image = read_fundus(Path(line.strip()))
    start = time.process_time()
    estimate_field_of_view(image)
    print(1000 * (time.process_time() - start), flush=True)
"""


@dataclass(frozen=True)
class Checkout:
    """A checkout whose code answers in a process of its own."""

    commit: str
    process: subprocess.Popen[str]

    @classmethod
    def started(cls, folder: Path) -> "Checkout":
        commit = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        command = [sys.executable, "-c", WORKER]
        pipe = subprocess.PIPE
        return cls(commit, subprocess.Popen(command, cwd=folder, stdin=pipe, stdout=pipe, text=True))

    def milliseconds(self, path: Path) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(path, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--older", type=Path, required=True, help="the folder of the older checkout")
    options = parser.parse_args()
    older, newer = Checkout.started(options.older), Checkout.started(ROOT)
    lines = [*_head(older.commit, newer.commit), *_table(options.data.resolve(), older, newer)]
    older.stop()
    newer.stop()
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{PAGE} is written.")


def _head(older: str, newer: str) -> list[str]:
    return [
        "# Time to find the field of view",
        "",
        f"`python benchmarks/field_of_view_speed.py --data FOLDER --older FOLDER`, {datetime.now(UTC):%Y-%m-%d}, "
        f"OpenCV {cv2.__version__}, numpy {version('numpy')}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}.",
        "",
        f"Processor time on one thread, without reading the file: commit {older} beside {newer}. Every {EVERY}th "
        f"photograph of each set, each {ROUNDS} times, in turns; the least of the {ROUNDS} counts.",
        "",
        f"Measured on {os.cpu_count()} cores that other work shared (a load of {os.getloadavg()[0]:.0f} at the start): "
        "the milliseconds would be fewer on a quiet machine. What counts is the ratio, newer to older, in the median "
        "over the photographs.",
        "",
    ]


def _table(data: Path, older: Checkout, newer: Checkout) -> Iterator[str]:
    yield f"| set | photographs | {older.commit}: median ms | most | {newer.commit}: median ms | most | ratio |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for name, pattern in SETS.items():
        paths = sorted(data.glob(pattern))[::EVERY]
        times: dict[str, list[float]] = {older.commit: [], newer.commit: []}
        for path in paths:
            turns = [(older.milliseconds(path), newer.milliseconds(path)) for _ in range(ROUNDS)]
            for checkout, taken in zip((older, newer), zip(*turns, strict=True), strict=True):
                times[checkout.commit].append(min(taken))
        cells = [f"{statistics.median(taken):.0f} | {max(taken):.0f}" for taken in times.values()]
        ratio = statistics.median(new / old for old, new in zip(*times.values(), strict=True))
        yield f"| {name} | {len(paths)} | {' | '.join(cells)} | {ratio:.2f} |"


if __name__ == "__main__":
    main()
