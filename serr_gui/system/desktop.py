"""Other programs of the computer, which show what this one does not: folders, and the pages of the user guide."""

import os
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from core.resources import resource_path


def open_outside(path: Path) -> bool:
    """Show a folder or a file in the program that the desktop has for it; False where there is none."""
    _forget_own_libraries()
    return QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


def _forget_own_libraries() -> None:
    """OpenCV puts a folder of its own, and the current one, before the libraries of every program that we start."""
    places = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    kept = [place for place in places if place and "cv2" not in Path(place).parts]
    if kept:
        os.environ["LD_LIBRARY_PATH"] = ":".join(kept)
    else:
        os.environ.pop("LD_LIBRARY_PATH", None)


def guide_page(name: str = "index") -> Path | None:
    """A page of the guide: built into HTML, or in a checkout where it is not, its source; None where neither is."""
    places = (resource_path("guide") / f"{name}.html", resource_path().parent / "docs" / f"{name}.md")
    return next((path for path in places if path.is_file()), None)


def open_guide() -> bool:
    """Show the built guide in a web browser; False where it is not built, or nothing shows it."""
    page = guide_page()
    return page is not None and page.suffix == ".html" and open_outside(page)
