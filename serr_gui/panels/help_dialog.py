"""The user guide inside the window, for computers without a web browser and for checkouts where it is not built."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QImage, QTextDocument
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QTextBrowser, QVBoxLayout, QWidget

from serr_gui.widgets.controls import resize_on_screen

_MARGIN_PX: Final = 24
_SMOOTH: Final = Qt.TransformationMode.SmoothTransformation


class GuideBrowser(QTextBrowser):
    """Shows pages of the guide from a folder, Markdown or HTML; links to other places open outside."""

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self.setOpenLinks(False)
        self.anchorClicked.connect(self._follow)
        self.setSearchPaths([str(folder)])
        self.setAccessibleName(self.tr("User guide"))

    def show_page(self, page: Path) -> None:
        """Show a file of the guide."""
        self.setSource(QUrl.fromLocalFile(str(page)), _kind(page))

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Markdown without the parts that only the built guide knows, and pictures no wider than the view."""
        path = Path(QUrl(name).toLocalFile())
        if kind == QTextDocument.ResourceType.MarkdownResource and path.suffix == ".md":
            return _readable(path)
        if kind == QTextDocument.ResourceType.ImageResource:
            picture, room = QImage(str(path)), self.viewport().width() - _MARGIN_PX
            return picture if picture.width() <= room else picture.scaledToWidth(room, _SMOOTH)
        return super().loadResource(kind, name)

    def _follow(self, link: QUrl) -> None:
        target = self.source().resolved(link)
        path = Path(target.toLocalFile()) if target.isLocalFile() else None
        if path is None:
            if target.scheme() in {"http", "https"}:
                QDesktopServices.openUrl(target)
        elif path.suffix in {".md", ".html"} and path.is_file() and path.is_relative_to(self._folder):
            if path != Path(self.source().toLocalFile()):
                self.show_page(path)
            if target.fragment():
                self.scrollToAnchor(target.fragment())


class HelpDialog(QDialog):
    """A page of the guide with back, forward, and its first page."""

    closed = Signal()

    def __init__(self, folder: Path, page: Path, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.browser = GuideBrowser(folder)
        row = QHBoxLayout()
        back, forward = QPushButton(self.tr("Back")), QPushButton(self.tr("Forward"))
        first = QPushButton(self.tr("Contents"))
        back.clicked.connect(self.browser.backward)
        forward.clicked.connect(self.browser.forward)
        first.clicked.connect(lambda: self.browser.show_page(_first_page(folder)))
        self.browser.backwardAvailable.connect(back.setEnabled)
        self.browser.forwardAvailable.connect(forward.setEnabled)
        close = QPushButton(self.tr("Close"))
        close.clicked.connect(self.reject)
        for button in (back, forward, first):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(close)
        column = QVBoxLayout(self)
        column.addWidget(self.browser)
        column.addLayout(row)
        back.setEnabled(False)
        forward.setEnabled(False)
        resize_on_screen(self, 860, 640)
        # Before its layout does it, so that pictures fit from the first page on.
        self.browser.resize(self.width() - 2 * _MARGIN_PX, self.height())
        self.browser.show_page(page)


def _first_page(folder: Path) -> Path:
    return next(path for path in (folder / "index.md", folder / "index.html") if path.is_file())


def _kind(page: Path) -> QTextDocument.ResourceType:
    markdown = page.suffix == ".md"
    return QTextDocument.ResourceType.MarkdownResource if markdown else QTextDocument.ResourceType.HtmlResource


def _readable(page: Path) -> str:
    """The text of a page without its lists for the built guide's navigation, which are code to every other reader."""
    lines, skipping = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("```{toctree}"):
            skipping = True
        elif skipping and line.startswith("```"):
            skipping = False
        elif not skipping:
            lines.append(line)
    return "\n".join(lines)
