"""Where what ships with the program is: in a checkout, an installed wheel, or a built program (PyInstaller)."""

import sys
from pathlib import Path


def resource_path(*parts: str) -> Path:
    """Path of a bundled file or folder, for example ``resource_path("sample", "retina.jpg")``."""
    bundle = getattr(sys, "_MEIPASS", None)
    root = Path(bundle) if bundle else Path(__file__).resolve().parent.parent
    return root.joinpath("resources", *parts)


def sample_path() -> Path:
    """The photograph that comes with the program."""
    return resource_path("sample", "retina.jpg")


def command_line() -> list[str]:
    """The words that start the command line in a process of its own: ``[*command_line(), "train", ...]``.

    In a built program ``sys.executable`` is that program and no Python, and ``serr`` is next to it.
    """
    if getattr(sys, "frozen", False):
        return [str(Path(sys.executable).with_name("serr.exe" if sys.platform == "win32" else "serr"))]
    # -P: the folder in which it is started may hold a "torch.py", and must not be searched for modules.
    return [sys.executable, "-P", "-m", "core.cli"]
