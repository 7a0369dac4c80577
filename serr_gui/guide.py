"""The user guide: pages on this computer, shown by the person's browser."""

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from core.resources import resource_path


def guide_page() -> Path | None:
    """Where the guide begins: built into HTML, or in a checkout where it is not, its source; None where neither is."""
    places = (resource_path("guide", "index.html"), resource_path().parent / "docs" / "index.md")
    return next((path for path in places if path.is_file()), None)


def open_guide() -> bool:
    """Show the guide; False where there is none, or nothing that shows it."""
    page = guide_page()
    return page is not None and QDesktopServices.openUrl(QUrl.fromLocalFile(str(page)))
