"""All that must hold before a change is taken: style, types, contracts between the rooms, tests."""

import os
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from tools.console import say
from tools.environment import Environment


def checks(environment: Environment) -> list[tuple[str, list[str | Path]]]:
    """Name and command of each check, the quick ones first."""
    python = environment.python
    return [
        ("ruff check", [python, "-m", "ruff", "check", "."]),
        ("ruff format", [python, "-m", "ruff", "format", "--check", "."]),
        ("import contracts", [environment.program("lint-imports"), "--no-logo"]),
        ("mypy", [python, "-m", "mypy"]),
        ("pytest", [python, "-m", "pytest"]),
    ]


def run_checks(
    commands: Iterable[tuple[str, list[str | Path]]], folder: Path, variables: Mapping[str, str] | None = None
) -> int:
    """Runs every check in this folder, also after one has failed; 0 where all pass, else 1."""
    environ = {**os.environ, "QT_QPA_PLATFORM": "offscreen", **(variables or {})}
    results = []
    for name, command in commands:
        say(f"\n== {name}")
        started = time.monotonic()
        code = subprocess.call(command, cwd=folder, env=environ)
        results.append((name, code, time.monotonic() - started))
    say("")
    for name, code, seconds in results:
        say(f"{name:17} {'passed' if code == 0 else f'FAILED ({code})':12} {seconds:5.0f} s")
    return 0 if all(code == 0 for _, code, _ in results) else 1
