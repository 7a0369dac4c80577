"""A local log of faults, without anything about patients: no file names, no messages, only where in the program.

The log stays on this computer, in two files of at most 256 KB.
"""

import logging
import os
import platform
import sys
import traceback
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import Final

from core import __version__
from core.files import private_folder, private_opener
from serr_gui.model.settings import APP_NAME

LOGGER: Final = logging.getLogger("serr_gui")
_MAX_BYTES: Final = 256 * 1024


def log_folder() -> Path:
    """``SERR_LOG_DIR``, or else the platform's place for a user's logs."""
    chosen = os.environ.get("SERR_LOG_DIR")
    if chosen:
        return Path(chosen)
    from platformdirs import user_log_path

    return user_log_path(APP_NAME, appauthor=False)


class _PrivateLog(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        opened = open(self.baseFilename, self.mode, encoding=self.encoding, opener=private_opener)  # noqa: SIM115
        assert isinstance(opened, TextIOWrapper)
        return opened


def start_log() -> Path | None:
    """Begin to write the log; returns its file, or None where it cannot be written (the program runs without)."""
    path = log_folder() / "serr-gui.log"
    try:
        private_folder(path.parent)
        handler = _PrivateLog(path, maxBytes=_MAX_BYTES, backupCount=1, encoding="utf-8", delay=True)
    except OSError:
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
    logging.raiseExceptions = False  # a full disk must not print to a stderr that may not be there
    LOGGER.info("start version %s, Python %s, %s", __version__, sys.version.split()[0], platform.platform())
    return path


def log_fault(error: BaseException, tb: TracebackType | None) -> None:
    """Note the kind of an error and where it came from; its message may name a file and is left out."""
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(tb)]
    LOGGER.error("%s at %s", type(error).__name__, " < ".join(reversed(places)) or "unknown place")
