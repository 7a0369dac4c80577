"""Reports of crashes that no Python code can catch: kept on this computer, told at the next start, never sent.

A report says where in the program it was, not with which file.
"""

import contextlib
import faulthandler
import os
import platform
import time
from pathlib import Path
from typing import Final, TextIO

from core import __version__
from core.errors import OutputError
from core.files import private_folder, private_opener, write_bytes_atomic
from serr_gui.system.logs import log_folder

REPORT: Final = "last-crash.txt"
_PATTERN: Final = "crash-*.tmp"
_OLD_S: Final = 30 * 86400


class CrashReport:
    """While it is open, a crash of this process is written down. Nothing of it ever raises."""

    def __init__(self) -> None:
        self._file: TextIO | None = None

    def open(self) -> str:
        """Begin, and give the report of a run that has crashed since the last start, or nothing."""
        folder = log_folder()
        found = ""
        with contextlib.suppress(OSError, OutputError):
            private_folder(folder)
            for path in sorted(folder.glob(_PATTERN)):
                found = _taken(path, folder / REPORT) or found
            path = folder / f"crash-{os.getpid()}.tmp"
            self._file = open(path, "w", encoding="utf-8", opener=private_opener)  # noqa: SIM115
            faulthandler.enable(self._file)
        return found

    def close(self) -> None:
        """The program ends as it should: nothing is left to tell."""
        if self._file is None:
            return
        faulthandler.disable()
        self._file.close()
        with contextlib.suppress(OSError):
            Path(self._file.name).unlink()
        self._file = None


def _taken(path: Path, report: Path) -> str:
    """The text of what a crash has left, which becomes the report; nothing where it is of a program that runs."""
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    if not text:
        if time.time() - path.stat().st_mtime > _OLD_S:  # of a run that was ended by force, long ago
            path.unlink()
        return ""
    path.unlink()
    text = f"{system_line()}\n\n{text}\n"
    write_bytes_atomic(report, text.encode("utf-8", "replace"), private=True)
    return text


def system_line() -> str:
    """Version, Python and system, for a report."""
    return f"SERR Fundus {__version__}, Python {platform.python_version()}, {platform.platform()}"
