"""Icons drawn once as black lines and tinted from the palette, so that they fit every theme, also when disabled."""

from collections.abc import Sequence
from functools import cache, cached_property

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

    Kept, as it is asked for while something is painted.
    """
    return _kept(_Drawing(name), size_px, [colour])[0]


class _Drawing:
    """The black lines of an icon, parsed when they are first drawn."""

    def __init__(self, name: str) -> None:
        self.name = name

    @cached_property
    def lines(self) -> QSvgRenderer:
        return QSvgRenderer(QByteArray(_drawing(self.name)))


def _kept(drawing: _Drawing, size_px: int, colours: Sequence[QColor | None]) -> list[QPixmap]:
    """The drawing at a size in each of the colours, drawn only where Qt does not keep it."""
    keys = [f"serr {drawing.name} {size_px} {colour.rgba() if colour else ''}" for colour in colours]
    kept = [QPixmap() for _ in colours]
    if not all(QPixmapCache.find(key, picture) for key, picture in zip(keys, kept, strict=True)):
        kept = _pixmaps(drawing.lines, size_px, colours)
        for key, picture in zip(keys, kept, strict=True):
            QPixmapCache.insert(key, picture)
    return kept


def _pixmaps(drawing: QSvgRenderer, size_px: int, colours: Sequence[QColor | None]) -> list[QPixmap]:
    """A drawing at a size in each of some colours: the lines are drawn once, which costs far more than their colour."""
    lines = QPixmap(QSize(size_px, size_px))
    lines.fill(Qt.GlobalColor.transparent)
    painter = QPainter(lines)
    drawing.render(painter, QRectF(0, 0, size_px, size_px))
    painter.end()
    return [lines if colour is None else _tinted(lines, colour) for colour in colours]


def _tinted(lines: QPixmap, colour: QColor) -> QPixmap:
    picture = QPixmap(lines)
    painter = QPainter(picture)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(picture.rect(), colour)
    painter.end()
    return picture


def icon(name: str, palette: QPalette | None = None) -> QIcon:
    """An icon in the colours of a palette (the program's): text, faded where disabled, bright in a chosen row."""
    palette = palette or QGuiApplication.palette()
    group, role = QPalette.ColorGroup, QPalette.ColorRole
    colours = {
        QIcon.Mode.Normal: palette.color(group.Active, role.ButtonText),
        QIcon.Mode.Disabled: palette.color(group.Disabled, role.ButtonText),
        QIcon.Mode.Selected: palette.color(group.Active, role.HighlightedText),
    }
    drawing, made = _Drawing(name), QIcon()
    for size in _SIZES_PX:
        for mode, picture in zip(colours, _kept(drawing, size, list(colours.values())), strict=True):
            made.addPixmap(picture, mode)
    return made


def program_icon() -> QIcon:
    """The program's own icon, in its own colours."""
    made = QIcon()
    for size in (*_SIZES_PX, 128, 256):
        made.addPixmap(pixmap("serr", size))
    return made
