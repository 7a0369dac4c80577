"""Whether the screen that the environment names opens."""

import os
import subprocess
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
