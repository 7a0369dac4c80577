"""``.venv``: made, judged, and removed where it is not whole. What fills it is in packages.py."""

import hashlib
import json
import os
import platform
import shutil
import stat
import subprocess
import sys
import sysconfig
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tools.console import Failure, Log
from tools.torch_build import TorchChoice

VERSION = 1
"""Raised when a .venv that an older set-up has made must be made again."""

STAMP = "serr-setup.json"
UNFINISHED = "serr-unfinished"

PYTHON_KIND = "import sys; print(sys.implementation.cache_tag + getattr(sys, 'abiflags', ''), sys.prefix, sep='|')"

# The files whose absence tells that a distribution is damaged: its record, its modules' first files, its programs, and
# what is large.
INVENTORY = """
import json, os, sys
from importlib import metadata
pieces = set()
for dist in metadata.distributions():
    for file in dist.files or ():
        first = file.name == "__init__.py" and len(file.parts) == 2
        alone = len(file.parts) == 1 or file.parts[0] == ".."
        if file.suffix != ".pyc" and (first or alone or file.name == "RECORD" or (file.size or 0) > 4_000_000):
            pieces.add(os.path.relpath(dist.locate_file(file), sys.prefix))
print(json.dumps(sorted(piece for piece in pieces if not piece.startswith(".."))))
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks for: optional dependencies of pyproject.toml ("test"), and which build of torch."""

    extras: frozenset[str] = frozenset()
    torch: TorchChoice = "auto"


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What a finished set-up wrote down."""

    made_for: dict[str, str]
    pyproject: str
    wanted: Wanted
    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is in the place of .venv; ``reason`` says in a few words why it is not "ready"."""

    state: Literal["ready", "outdated", "broken", "absent"]
    reason: str = ""


class Environment:
    """The virtual environment of a checkout."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / ".venv"
        self.stamp = self.folder / STAMP
        self.python = self.program("python")

    def program(self, name: str) -> Path:
        """A program in the environment, ``serr`` for example."""
        windows = sys.platform == "win32"
        return self.folder / ("Scripts" if windows else "bin") / (f"{name}.exe" if windows else name)

    def examine(self, wanted: Wanted) -> Finding:
        """Judges the environment without changing it, in a fraction of a second."""
        if not os.path.lexists(self.folder):
            return Finding("absent")
        stamp = self._read_stamp()
        damage = self._damage(stamp) if stamp else "it was not finished"
        if stamp is None or damage:
            return Finding("broken", damage or "")
        if stamp.pyproject != self._pyproject():
            return Finding("outdated", "pyproject.toml has changed")
        if not wanted.extras <= stamp.wanted.extras:
            return Finding("outdated", "what the tests need is missing")
        if wanted.torch not in ("auto", stamp.wanted.torch):
            return Finding("outdated", "another build of torch is asked for")
        return Finding("ready")

    def also(self, wanted: Wanted) -> Wanted:
        """What an update has to give: all that is wanted and all that was there."""
        stamp = self._read_stamp()
        if stamp is None:
            return wanted
        torch = stamp.wanted.torch if wanted.torch == "auto" else wanted.torch
        return Wanted(wanted.extras | stamp.wanted.extras, torch)

    def remove(self) -> None:
        """Removes what is in the place of .venv, unless it is something that no set-up has made."""
        if not os.path.lexists(self.folder):
            return
        if self.folder.is_symlink() or not self.folder.is_dir() or not self._looks_made():
            raise Failure(f"{self.folder} is there, but is no virtual environment. Move it away and start this again.")
        try:
            self.stamp.unlink(missing_ok=True)  # first: what an interrupted removal leaves must not look finished
            with suppress(OSError):  # a full disk
                (self.folder / UNFINISHED).touch()
            try:
                shutil.rmtree(self.folder)
            except PermissionError:  # read-only files stop Windows, read-only folders everybody
                for folder, _, files in os.walk(self.folder):
                    for path in (Path(folder), *(Path(folder, file) for file in files)):
                        if not path.is_symlink():
                            path.chmod(path.stat().st_mode | stat.S_IRWXU)
                shutil.rmtree(self.folder)
        except OSError as error:
            raise Failure(
                f"The old {self.folder} cannot be removed ({error.strerror or error}: {error.filename}). Close the "
                "programs that use it, remove it by hand and start this again."
            ) from error

    def _looks_made(self) -> bool:
        marks = (self.folder / STAMP, self.folder / UNFINISHED, self.folder / "pyvenv.cfg", self.python)
        return any(os.path.lexists(mark) for mark in marks) or not any(self.folder.iterdir())

    def make(self, log: Log) -> tuple[int, str]:
        """An empty environment with pip; gives the exit code and the output of ``python -m venv``."""
        self.folder.mkdir()
        self.unfinish()
        base = getattr(sys, "_base_executable", None) or sys.executable  # .venv's own Python may have started this
        return log.run([base, "-I", "-m", "venv", self.folder])

    def unfinish(self) -> None:
        """Until ``finish`` the environment counts as half-made."""
        (self.folder / UNFINISHED).touch()
        self.stamp.unlink(missing_ok=True)

    def finish(self, wanted: Wanted, log: Log) -> None:
        """Writes down what the environment was made for and what it holds. Everything must be installed and checked."""
        code, inventory = log.run([self.python, "-I", "-c", INVENTORY])
        if code != 0:
            raise Failure("The new environment cannot tell what it holds.")
        contents = {
            "made_for": self._made_for(),
            "pyproject": self._pyproject(),
            "extras": sorted(wanted.extras),
            "torch": wanted.torch,
            "pieces": json.loads(inventory),
        }
        temporary = self.stamp.with_suffix(".tmp")
        temporary.write_text(json.dumps(contents, indent=1), encoding="utf-8")
        (self.folder / UNFINISHED).unlink()
        temporary.replace(self.stamp)

    def _read_stamp(self) -> _Stamp | None:
        try:
            read: dict[str, Any] = json.loads(self.stamp.read_text(encoding="utf-8"))
            wanted = Wanted(frozenset(read["extras"]), read["torch"])
            return _Stamp(dict(read["made_for"]), str(read["pyproject"]), wanted, tuple(read["pieces"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _damage(self, stamp: _Stamp) -> str | None:
        for name, value in self._made_for().items():
            if stamp.made_for.get(name) != value:
                return f"it was made for another {name}"
        if not self._python_answers():
            return "its Python does not start"
        gone = next((piece for piece in stamp.pieces if not os.path.lexists(self.folder / piece)), None)
        return f"{gone} is missing" if gone else None

    def _python_answers(self) -> bool:
        command = [str(self.python), "-I", "-c", PYTHON_KIND]
        try:
            answer = subprocess.run(command, capture_output=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
        kind, _, prefix = os.fsdecode(answer.stdout).strip().partition("|")
        try:
            return kind == _python_kind() and Path(prefix).samefile(self.folder)
        except OSError:
            return False

    def _made_for(self) -> dict[str, str]:
        """What an environment cannot outlive. A person reads the names: "it was made for another folder"."""
        return {
            "version of this set-up": str(VERSION),
            "folder": str(self.root),
            "Python": _python_kind(),
            "kind of machine": f"{sysconfig.get_platform()} {platform.machine()}",
        }

    def _pyproject(self) -> str:
        return hashlib.sha256((self.root / "pyproject.toml").read_bytes()).hexdigest()


def _python_kind() -> str:
    return f"{sys.implementation.cache_tag}{getattr(sys, 'abiflags', '')}"
