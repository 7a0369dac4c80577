"""Where the files that ship with the program are: in a checkout, an installed wheel, or a PyInstaller bundle."""

import sys
from pathlib import Path


def resource_path(*parts: str) -> Path:
    """Path of a bundled file or folder, for example ``resource_path("sample", "retina.jpg")``."""
    bundle = getattr(sys, "_MEIPASS", None)
    root = Path(bundle) if bundle else Path(__file__).resolve().parent.parent
    return root.joinpath("resources", *parts)
