"""All that must hold before a change is taken: style, types, contracts between the rooms, tests."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from tools.console import say
from tools.environment import Environment

Check = tuple[str, list[str | Path]]
"""The name and the command of a check."""

BUNDLE_TESTS = "tests/test_bundle.py"
_SLOWEST = ("--durations", "10")
"""What costs most is seen at the end of each run."""
_MOST_WORKERS = 4
"""Each holds torch and Qt: more than a gigabyte."""


def quick_checks(environment: Environment) -> list[Check]:
    """Those that run no test, the quickest first."""
    python = environment.python
    return [
        ("ruff check", [python, "-m", "ruff", "check", "."]),
        ("ruff format", [python, "-m", "ruff", "format", "--check", "."]),
        ("import contracts", [environment.program("lint-imports"), "--no-logo"]),
        ("mypy", [python, "-m", "mypy"]),
    ]


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def tests(environment: Environment, *, bundle: bool) -> Check:
    """The tests, in one process more than there are cores (they also wait); those of a file stay together.

    ``bundle``: those of the built program are a check of their own (``bundle_tests``).
    """
    workers = min(cores() + 1, _MOST_WORKERS)
    command: list[str | Path] = [environment.python, "-m", "pytest", *_SLOWEST]
    # The longest files come first (tests/conftest.py), so that no core waits for another at the end.
    command += ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder"]
    command += ["--max-worker-restart", "0"]  # with --dist loadfile, pytest-xdist 3.8 may wait for a new one for ever
    return "pytest", [*command, "--ignore", BUNDLE_TESTS] if bundle else command


def bundle_tests(environment: Environment) -> Check:
    """The tests of the built program, which SERR_BUNDLE names."""
    return "pytest (built)", [environment.python, "-m", "pytest", *_SLOWEST, BUNDLE_TESTS]


def run_checks(*tracks: Iterable[Check], folder: Path, variables: Mapping[str, str] | None = None) -> int:
    """Run every check in this folder, also after one has failed; 0 where all pass, else 1.

    The tracks run at the same time, the checks of a track in turn. What the first track says is seen at once, what the
    others say at the end.
    """
    threads_each = str(max(1, cores() // _MOST_WORKERS))  # of numerical libraries: the processes share the cores
    environ = {"OMP_NUM_THREADS": threads_each, **os.environ, "QT_QPA_PLATFORM": "offscreen", **(variables or {})}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each of hundreds of processes compiles the program
    results: list[tuple[str, int, float]] = []

    def run(track: Iterable[Check], said: list[bytes] | None) -> None:
        for name, command in track:
            started = time.monotonic()
            if said is None:
                say(f"\n== {name}")
                code = subprocess.call(command, cwd=folder, env=environ)
            else:
                done = subprocess.run(
                    command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
                )
                code = done.returncode
                said.append(f"\n== {name}\n".encode() + done.stdout)
            results.append((name, code, time.monotonic() - started))

    first, *others = tracks
    records: list[list[bytes]] = [[] for _ in others]
    threads = [
        threading.Thread(target=run, args=(track, record), daemon=True)
        for track, record in zip(others, records, strict=True)
    ]
    for thread in threads:
        thread.start()
    run(first, None)
    for thread, record in zip(threads, records, strict=True):
        thread.join()
        for text in record:
            say(text.decode(errors="replace").rstrip())
    say("")
    for name, code, seconds in results:
        say(f"{name:17} {'passed' if code == 0 else f'FAILED ({code})':12} {seconds:5.0f} s")
    return 0 if all(code == 0 for _, code, _ in results) else 1
