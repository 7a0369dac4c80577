"""Size, place and docks of a window: as text for the settings, and back onto the screens that there are."""

import base64
import binascii

from PySide6.QtCore import QByteArray, QRect, QSize
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
    bring_on_screen(window)


def bring_on_screen(window: QMainWindow) -> None:
    """Make a window no larger than the screen that holds most of it, and move all of it there.

    A window that was on a monitor which is gone, or was stored larger than any, comes to a screen that exists.
    """
    if window.isMaximized() or window.isFullScreen():
        return
    frame = window.frameGeometry()
    screens = [screen.availableGeometry() for screen in QGuiApplication.screens()]
    if not screens or any(screen.contains(frame) for screen in screens):
        return
    room = max(screens, key=lambda screen: _area(screen.intersected(frame)))  # the first one where it is on none
    border = frame.size() - window.size()
    window.resize(window.size().boundedTo(room.size() - border))
    frame = window.frameGeometry()
    left = min(max(frame.left(), room.left()), max(room.left(), room.right() + 1 - frame.width()))
    top = min(max(frame.top(), room.top()), max(room.top(), room.bottom() + 1 - frame.height()))
    window.move(left, top)


def _area(rectangle: QRect) -> int:
    return 0 if rectangle.isEmpty() else rectangle.width() * rectangle.height()
