"""Whether a window can be shown here."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

# Qt aborts where it cannot open the display; that must leave no core dump behind.
OPEN_SCREEN = """
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except ImportError:
    pass
from PySide6.QtGui import QGuiApplication
raise SystemExit(0 if QGuiApplication([]).primaryScreen() else 1)
"""


def no_screen_named(environ: Mapping[str, str], system: str) -> str | None:
    """Why the environment has no screen, or None where it names one. ``system`` is ``sys.platform``."""
    platform = environ.get("QT_QPA_PLATFORM", "").partition(":")[0]
    if platform in ("offscreen", "minimal"):
        return f"QT_QPA_PLATFORM is {platform}"
    if system in ("win32", "darwin") or environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY") or platform:
        return None
    return "no screen: neither DISPLAY nor WAYLAND_DISPLAY is set"


def screen_stays_shut(python: Path) -> str | None:
    """Why the screen that the environment names does not open for Qt, or None where it does. ``python`` has PySide6."""
    try:
        opened = subprocess.run([python, "-I", "-c", OPEN_SCREEN], capture_output=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return "the screen does not answer"
    if opened.returncode == 0:
        return None
    name = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or "here"
    return f"the screen {name} cannot be opened"
