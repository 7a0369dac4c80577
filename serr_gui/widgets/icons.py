"""Icons drawn once as black lines and tinted from the palette, so that they fit every theme, also when disabled."""

from collections.abc import Sequence
from functools import cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QImage, QPainter, QPalette, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer

from core.resources import resource_path

_SIZES_PX = (16, 20, 24, 32, 40, 48, 64)


@cache
def _drawing(name: str) -> bytes:
    return resource_path("icons", f"{name}.svg").read_bytes()


def pixmap(name: str, size_px: int, colour: QColor | None = None) -> QPixmap:
    """An icon at a size in device pixels, in one colour, or in its own where that is None.

    Kept, as it is asked for while something is painted.
    """
    key, kept = _key(name, size_px, colour), QPixmap()
    if not QPixmapCache.find(key, kept):
        kept = QPixmap.fromImage(_tinted(_drawn(name, (size_px,)), colour))
        QPixmapCache.insert(key, kept)
    return kept


def icon(name: str, palette: QPalette | None = None) -> QIcon:
    """An icon in the colours of a palette (the program's): text, faded where disabled, bright in a chosen row."""
    palette = palette or QGuiApplication.palette()
    group, role = QPalette.ColorGroup, QPalette.ColorRole
    colours = {
        QIcon.Mode.Normal: palette.color(group.Active, role.ButtonText),
        QIcon.Mode.Disabled: palette.color(group.Disabled, role.ButtonText),
        QIcon.Mode.Selected: palette.color(group.Active, role.HighlightedText),
    }
    made = QIcon()
    for mode, colour in colours.items():
        for picture in _in_all_sizes(name, colour):
            made.addPixmap(picture, mode)
    return made


def _in_all_sizes(name: str, colour: QColor) -> list[QPixmap]:
    keys = [_key(name, size, colour) for size in _SIZES_PX]
    kept = [QPixmap() for _ in keys]
    if not all(QPixmapCache.find(key, picture) for key, picture in zip(keys, kept, strict=True)):
        row, left = _tinted(_row(name), colour), 0
        for place, (key, size) in enumerate(zip(keys, _SIZES_PX, strict=True)):
            kept[place] = QPixmap.fromImage(row.copy(left, 0, size, size))
            QPixmapCache.insert(key, kept[place])
            left += size
    return kept


def _key(name: str, size_px: int, colour: QColor | None) -> str:
    return f"serr {name} {size_px} {colour.rgba() if colour else ''}"


@cache
def _row(name: str) -> QImage:
    """The lines of an icon in all sizes beside one another, kept for every theme: they cost far more than a colour."""
    return _drawn(name, _SIZES_PX)


def _drawn(name: str, sizes_px: Sequence[int]) -> QImage:
    renderer = QSvgRenderer(QByteArray(_drawing(name)))
    row, left = QImage(sum(sizes_px), max(sizes_px), QImage.Format.Format_ARGB32_Premultiplied), 0
    row.fill(Qt.GlobalColor.transparent)
    painter = QPainter(row)
    for size in sizes_px:
        renderer.render(painter, QRectF(left, 0, size, size))
        left += size
    painter.end()
    return row


def _tinted(lines: QImage, colour: QColor | None) -> QImage:
    if colour is None:
        return lines
    picture = QImage(lines)
    painter = QPainter(picture)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(picture.rect(), colour)
    painter.end()
    return picture


def program_icon() -> QIcon:
    """The program's own icon, in its own colours."""
    made = QIcon()
    for size in (*_SIZES_PX, 128, 256):
        made.addPixmap(pixmap("serr", size))
    return made
