"""Pictures of the tools that correct a mask, each in the moment before its click, for docs/make_screenshots.py."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from scipy import ndimage
from skimage.morphology import skeletonize

if TYPE_CHECKING:
    from make_screenshots import Camera

    from core.types import BoolArray

_SIZE = QSize(560, 330)
Place = tuple[float, float]


class Artist:
    """A mouse on the photograph, in photograph pixels."""

    def __init__(self, camera: "Camera", whole: bool) -> None:
        self.whole = whole
        self.camera, self.canvas = camera, camera.window.canvas
        self.state, self.controller = camera.state, camera.controller

    @property
    def mask(self) -> "BoolArray":
        result = self.state.result
        assert result is not None
        return np.asarray(result.mask(self.state.rule).vessel)

    def place(self, at: Place) -> QPoint:
        x, y = self.canvas.device_point(*at)
        ratio = self.canvas.devicePixelRatioF()
        return QPoint(round(x / ratio), round(y / ratio))

    def look(self, at: Place, zoom: float) -> None:
        self.canvas.zoom_to(zoom * self.canvas.devicePixelRatioF())
        self.canvas.centre_on(*at)

    def key(self, key: Qt.Key, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        self.camera.window.activateWindow()
        self.canvas.setFocus()
        self.camera.settle(0.1)
        QTest.keyClick(self.canvas, key, keys)
        self.camera.settle(0.1)

    def move(self, at: Place, held: Qt.MouseButton = Qt.MouseButton.NoButton) -> None:
        where = QPointF(self.place(at))
        none = Qt.MouseButton.NoButton
        event = QMouseEvent(
            QEvent.Type.MouseMove, where, self.canvas.mapToGlobal(where), none, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(self.canvas, event)

    def click(self, at: Place) -> None:
        self.move(at)
        QTest.mouseClick(self.canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, self.place(at))

    def stroke(self, *path: Place, button: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
        none = Qt.KeyboardModifier.NoModifier
        QTest.mousePress(self.canvas, button, none, self.place(path[0]))
        for at in path[1:]:
            self.move(at, button)
        QTest.mouseRelease(self.canvas, button, none, self.place(path[-1]))

    def idle(self) -> None:
        busy = self.controller.context.workers.busy
        self.camera.wait(lambda: not any(busy(slot) for slot in ("trace", "part", "gaps", "fov")))

    def shoot(self, name: str) -> None:
        """The middle of the view, or the whole window."""
        if self.whole:
            self.camera.shoot(name, rare=True)
            return
        place = QRect(QPoint(), _SIZE)
        place.moveCenter(self.canvas.rect().center())
        self.camera.shoot(name, self.canvas, rare=True, box=place)


def tools(camera: "Camera", *, whole: bool = False) -> None:
    """Ground truth of the sample: the window, and each tool, in the middle of the view or in the whole window."""
    state, controller, window = camera.state, camera.controller, camera.window
    controller.photos.close_photos([item.path for item in state.photos])
    window.commands["open_sample"].trigger()
    camera.wait(lambda: state.result is not None and state.task is None)
    window.show_dock("editing")
    artist = Artist(camera, whole)
    for picture in (_brush, _trace, _prune, _lasso, _fill, _questionable, _gap, _whole, _circle):
        picture(artist)
        artist.key(Qt.Key.Key_Escape)
        artist.key(Qt.Key.Key_Escape)
    for notice in state.notices:
        controller.context.dismiss(notice)


def _courses(mask: "BoolArray") -> list[list[Place]]:
    """Unbranched pieces of the vessels' centre lines, the longest first, each from end to end."""
    lines = skeletonize(mask.copy())
    neighbours = ndimage.convolve(lines.astype(np.uint8), np.ones((3, 3), np.uint8)) - 1
    pieces, _ = ndimage.label(lines & (neighbours <= 2), structure=np.ones((3, 3)))
    found = []
    for number, part in enumerate(ndimage.find_objects(pieces), 1):
        rows, columns = np.nonzero(pieces[part] == number)
        order = np.argsort(columns if np.ptp(columns) >= np.ptp(rows) else rows)
        found.append([(columns[i] + part[1].start + 0.5, rows[i] + part[0].start + 0.5) for i in order])
    return sorted(found, key=len, reverse=True)


def _brush(artist: Artist) -> None:
    course = _courses(artist.mask)[4]
    x, y = course[len(course) // 2]
    artist.look((x, y), 2.5)
    artist.camera.window.commands["show_edits"].trigger()
    artist.key(Qt.Key.Key_B)
    artist.controller.editing.set_size(9)
    artist.stroke((x - 60, y - 30), (x - 20, y - 40), (x + 25, y - 35))
    artist.stroke((x - 70, y + 30), (x - 30, y + 40), button=Qt.MouseButton.RightButton)
    artist.move((x + 40, y - 20))
    artist.shoot("tool-brush")


def _trace(artist: Artist) -> None:
    course = _courses(artist.mask)[0]
    first, last = course[len(course) // 4], course[3 * len(course) // 4]
    artist.look(course[len(course) // 2], 2.5)
    artist.key(Qt.Key.Key_T)
    artist.click(first)
    artist.idle()
    artist.move(last)
    artist.shoot("tool-trace")


def _prune(artist: Artist) -> None:
    course = next(one for one in _courses(artist.mask) if 40 < len(one) < 120)
    at = course[len(course) // 2]
    artist.look(at, 2.5)
    artist.key(Qt.Key.Key_K)
    artist.move(at)
    artist.idle()
    artist.move((at[0] + 0.5, at[1]))
    artist.shoot("tool-prune")


def _lasso(artist: Artist) -> None:
    course = _courses(artist.mask)[2]
    x, y = course[len(course) // 2]
    artist.look((x, y), 2.5)
    artist.key(Qt.Key.Key_S)
    artist.camera.window.commands["lasso_background"].trigger()
    for corner in ((x - 50, y - 30), (x + 30, y - 40), (x + 60, y + 10)):
        artist.click(corner)
    artist.move((x - 10, y + 45))
    artist.shoot("tool-lasso")
    artist.camera.window.commands["lasso_vessel"].trigger()


def _fill(artist: Artist) -> None:
    result = artist.state.result
    assert result is not None
    x, y = (side / 2.0 for side in reversed(result.segmentation.image.shape))
    artist.look((x, y), 2.5)
    artist.key(Qt.Key.Key_B)
    artist.controller.editing.set_size(7)
    artist.stroke((x - 40, y - 30), (x + 40, y - 25), (x + 35, y + 35), (x - 35, y + 30), (x - 40, y - 30))
    artist.key(Qt.Key.Key_U)
    artist.move((x, y))
    artist.idle()
    artist.move((x + 0.5, y))
    artist.shoot("tool-fill")
    artist.controller.history.undo()


def _questionable(artist: Artist) -> None:
    course = _courses(artist.mask)[3]
    x, y = course[len(course) // 2]
    artist.look((x, y), 2.5)
    artist.key(Qt.Key.Key_2)
    artist.key(Qt.Key.Key_B)
    artist.controller.editing.set_size(30)
    artist.stroke((x - 30, y - 10), (x, y), (x + 25, y + 12))
    artist.move((x + 45, y + 15))
    artist.shoot("tool-questionable")


def _gap(artist: Artist) -> None:
    artist.key(Qt.Key.Key_J, Qt.KeyboardModifier.ShiftModifier)
    artist.camera.wait(lambda: not artist.state.editing.looks_for_gaps)
    gaps = artist.state.editing.gaps
    height, width = artist.mask.shape

    def aside(at: int) -> float:
        y, x = gaps[at].centre
        return float(np.hypot(x - width / 2.0, y - height / 2.0)) - 40.0 * gaps[at].length_px

    for _ in range(min(range(len(gaps)), key=aside)):
        artist.key(Qt.Key.Key_Backspace)
    gap = artist.state.editing.gap
    if gap is not None:
        artist.look((gap.centre[1], gap.centre[0]), 4.0)
    artist.shoot("tool-gap")


def _whole(artist: Artist) -> None:
    """The window with the panel, after the strokes above."""
    artist.canvas.fit()
    artist.key(Qt.Key.Key_B)
    artist.move((600, 600))
    artist.camera.shoot("ground-truth", rare=True)
    artist.camera.window.commands["show_edits"].trigger()


def _circle(artist: Artist) -> None:
    artist.canvas.fit()
    artist.key(Qt.Key.Key_W, Qt.KeyboardModifier.ShiftModifier)
    if artist.whole:
        artist.shoot("tool-circle")
    else:
        artist.camera.shoot("tool-circle", artist.canvas, rare=True)
