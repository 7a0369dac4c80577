"""The program's icon in the forms that desktops want, drawn from the one SVG file."""

import io
import os
from pathlib import Path

from PIL import Image

SIZES_PX = (16, 22, 24, 32, 48, 64, 128, 256, 512)


def write_icons(svg: Path, folder: Path) -> None:
    """``serr-fundus-SIZE.png`` in all sizes, ``serr-fundus.ico`` for Windows and ``serr-fundus.icns`` for macOS."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF
    from PySide6.QtGui import QGuiApplication, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    _app = QGuiApplication.instance() or QGuiApplication([])
    folder.mkdir(parents=True, exist_ok=True)
    drawing = QSvgRenderer(QByteArray(svg.read_bytes()))
    pictures = {}
    for size in (*SIZES_PX, 1024):
        image = QImage(size, size, QImage.Format.Format_ARGB32)
        image.fill(0)
        painter = QPainter(image)
        drawing.render(painter, QRectF(0, 0, size, size))
        painter.end()
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        image.save(buffer, "PNG")
        pictures[size] = Image.open(io.BytesIO(buffer.data().data()))
        if size in SIZES_PX:
            pictures[size].save(folder / f"serr-fundus-{size}.png")
    largest = pictures[256]
    largest.save(folder / "serr-fundus.ico", sizes=[(size, size) for size in (16, 24, 32, 48, 64, 128, 256)])
    pictures[1024].save(folder / "serr-fundus.icns")
