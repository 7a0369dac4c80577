"""Running the program in this process or as a process of its own, and looking at what it said and left behind."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.files import TEMPORARY_PREFIX
from tests.bad_inputs import fundus_drawing

_PROGRESS = re.compile(r", \d+%$")


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The result, where all of stdout is JSON and nothing else."""
        return json.loads(self.out)

    @property
    def sentences(self) -> list[str]:
        """The lines of stderr but those of progress, which come where a machine is slow; a traceback is never there."""
        assert "Traceback" not in self.err
        return [line for line in self.err.splitlines() if not _PROGRESS.search(line)]


Serr = Callable[..., Ran]


def process_environment(**changes: str) -> dict[str, str]:
    """The environment of a process of its own: this checkout's program, one thread."""
    root = str(Path(__file__).resolve().parents[2])
    return os.environ | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"} | changes


def start(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Start a command as a process of its own, as a shell does."""
    return subprocess.Popen(
        [sys.executable, "-m", "core.cli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=process_environment(**environment),
    )


def write_photo(path: Path, height: int = 240, width: int = 256) -> Path:
    """A drawn photograph as a picture file; the suffix names the kind."""
    Image.fromarray(fundus_drawing(height, width)).save(path)
    return path


def read_picture(path: Path) -> npt.NDArray[Any]:
    """A picture file as Pillow sees it, which is no part of the program's own writing."""
    with Image.open(path) as picture:
        return np.asarray(picture)


def names(folder: Path) -> set[str]:
    """Names of all files in a folder, after making sure that none is a temporary one that was left behind."""
    found = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    assert not [name for name in found if name.startswith((TEMPORARY_PREFIX, "."))], found
    return found
