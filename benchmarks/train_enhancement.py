"""Trains a generator for ``serr enhance``; a run that was killed continues where its last checkpoint is.

    python -m benchmarks.train_enhancement --data DATA --out runs/enhance-2x --scale 2 --minutes 7 --device cuda

DATA holds DRIVE, STARE, CHASE_DB1 and HRF as they are published, of which the training parts are read.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

STARTED = time.monotonic()


def main(arguments: Sequence[str] | None = None) -> int:
    """Gives the exit code: 0, or 1 where it said why not."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    if chosen.minutes is None and chosen.steps is None:
        parser.error("give --minutes or --steps")
    import torch

    from core.errors import SerrError
    from core.training.esrgan import Budget, EsrganConfig, train_generator

    torch.set_num_threads(chosen.threads)
    if chosen.device.startswith("cuda"):
        torch.backends.cudnn.benchmark = True
    given = {field.name: getattr(chosen, field.name) for field in fields(EsrganConfig)}
    config = EsrganConfig(**{name: value for name, value in given.items() if value is not None})
    budget = Budget(chosen.minutes, chosen.steps, STARTED)
    try:
        for path in train_generator(config, chosen.data, chosen.out, budget, device=chosen.device, say=_say):
            _say(f"wrote {path}")
    except SerrError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{time.monotonic() - STARTED:7.1f} s  {line}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    from core.training.esrgan import EsrganConfig

    parser = argparse.ArgumentParser(description="Train a generator that restores (1) or enlarges (2) photographs.")
    parser.add_argument("--data", type=Path, required=True, help="folder with DRIVE, STARE, CHASE_DB1 and HRF")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; an unfinished one is continued")
    parser.add_argument("--minutes", type=float, help="wall time of all processes of the run together, with reading")
    parser.add_argument("--steps", type=int, help="end after so many steps")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 or mps")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    for field in fields(EsrganConfig):
        kind = int if isinstance(field.default, int) else float
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, help=f"{field.default} by default")
    return parser


if __name__ == "__main__":
    sys.exit(main())
