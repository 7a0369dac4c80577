"""Icons drawn once as black lines and tinted from the palette, so that they fit every theme, also when disabled."""

from functools import cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPalette, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer

from core.resources import resource_path

_SIZES_PX = (16, 20, 24, 32, 40, 48, 64)


@cache
def _drawing(name: str) -> bytes:
    return resource_path("icons", f"{name}.svg").read_bytes()


def pixmap(name: str, size_px: int, colour: QColor | None = None) -> QPixmap:
    """An icon at a size in device pixels, in one colour, or in its own where that is None.

    Drawn once: each start asks for a thousand, many of them several times.
    """
    key = f"serr {name} {size_px} {colour.rgba() if colour else ''}"
    kept = QPixmap()
    if QPixmapCache.find(key, kept):
        return kept
    picture = QPixmap(QSize(size_px, size_px))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(QByteArray(_drawing(name))).render(painter, QRectF(0, 0, size_px, size_px))
    if colour is not None:
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
        painter.fillRect(picture.rect(), colour)
    painter.end()
    QPixmapCache.insert(key, picture)
    return picture


def icon(name: str, palette: QPalette | None = None) -> QIcon:
    """An icon in the colours of a palette (the program's): text, faded where disabled, bright in a chosen row."""
    palette = palette or QGuiApplication.palette()
    role = QPalette.ColorRole.ButtonText
    made = QIcon()
    for size in _SIZES_PX:
        normal = palette.color(QPalette.ColorGroup.Active, role)
        disabled = palette.color(QPalette.ColorGroup.Disabled, role)
        made.addPixmap(pixmap(name, size, normal), QIcon.Mode.Normal)
        made.addPixmap(pixmap(name, size, disabled), QIcon.Mode.Disabled)
        selected = palette.color(QPalette.ColorGroup.Active, QPalette.ColorRole.HighlightedText)
        made.addPixmap(pixmap(name, size, selected), QIcon.Mode.Selected)
    return made


def program_icon() -> QIcon:
    """The program's own icon, in its own colours."""
    made = QIcon()
    for size in (*_SIZES_PX, 128, 256):
        made.addPixmap(pixmap("serr", size))
    return made
