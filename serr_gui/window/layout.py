"""Size, place and docks of a window: as text for the settings, and back onto the screens that there are."""

import base64
import binascii

from PySide6.QtCore import QByteArray, QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow

_LAYOUT_VERSION = 1
_USUAL_SIZE = QSize(1440, 900)


def fit_screen(window: QMainWindow) -> None:
    """Give a window the usual size, or less on a small screen."""
    screen = QGuiApplication.primaryScreen()
    room = screen.availableSize() if screen is not None else _USUAL_SIZE
    window.resize(_USUAL_SIZE.boundedTo(room * 0.92))


def layout_bytes(window: QMainWindow) -> tuple[str, str]:
    """Geometry and docks of a window as text for the settings."""
    geometry, docks = window.saveGeometry(), window.saveState(_LAYOUT_VERSION)
    return base64.b64encode(geometry.data()).decode(), base64.b64encode(docks.data()).decode()


def restore_layout(window: QMainWindow, geometry: str, docks: str) -> None:
    """Give back the size, place and docks of the last time, as far as they can be used on the screens of today."""

    def restore_docks(data: QByteArray) -> bool:
        return window.restoreState(data, _LAYOUT_VERSION)

    for text, restore in ((geometry, window.restoreGeometry), (docks, restore_docks)):
        if text:
            try:
                restore(QByteArray(base64.b64decode(text, validate=True)))
            except binascii.Error:
                continue
    _keep_reachable(window)


def _keep_reachable(window: QMainWindow) -> None:
    frame = window.frameGeometry()
    screens = [screen.availableGeometry() for screen in QGuiApplication.screens()]
    # Enough of the title bar must be in reach.
    bar = frame.adjusted(0, 0, 0, 40 - frame.height())
    if screens and not any(screen.intersected(bar).width() >= min(200, bar.width()) for screen in screens):
        first = screens[0]
        window.resize(window.size().boundedTo(first.size()))
        window.move(first.center() - window.rect().center())
