"""Two pictures of one photograph with a line between them: what is painted on its sides, and how it is moved."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from core.masks.edits import VESSEL
from serr_gui.canvas.photo_view import PhotoView
from serr_gui.canvas.tools.brush import BrushTool
from serr_gui.canvas.wipe import Wipe
from tests.gui.test_photo_view import screenshot, wheel

LEFT, RIGHT = (200, 90, 30), (30, 150, 60)


def plain(height: int, width: int, colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


@pytest.fixture
def view(qtbot: QtBot) -> PhotoView:
    """A view of 640 x 480 with a photograph of 400 x 300 in one colour, and another picture of it, twice as fine."""
    photo_view = PhotoView()
    qtbot.addWidget(photo_view)
    photo_view.resize(640, 480)
    photo_view.set_photo(plain(300, 400, LEFT))
    photo_view.set_wipe(Wipe(plain(600, 800, RIGHT), "Before", "After"))
    with qtbot.waitExposed(photo_view):
        photo_view.show()
    return photo_view


def line(view: PhotoView) -> float:
    """The place of the line from the left, from what is painted in a row below its grip."""
    shot = screenshot(view)
    row = shot[len(shot) // 2 + 30]
    first = int(np.flatnonzero((row == LEFT).all(axis=1) | (row == RIGHT).all(axis=1))[0])
    right = np.flatnonzero((row == RIGHT).all(axis=1))
    left = np.flatnonzero((row == LEFT).all(axis=1))
    assert not len(left) or not len(right) or left[-1] < right[0], "left of the line the one, right of it the other"
    return float(left[-1] + right[0]) / 2 if len(left) and len(right) else float(first if len(right) else left[-1])


def drag(view: PhotoView, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    QTest.mouseMove(view, (start + end) / 2)
    QTest.mouseMove(view, end)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)


def test_a_drag_moves_the_line_and_nothing_else(view: PhotoView) -> None:
    assert line(view) == pytest.approx(320, abs=2), "in the middle at first"
    place = view.image_point(QPointF(0, 0))
    drag(view, QPoint(320, 400), QPoint(500, 300))
    assert line(view) == pytest.approx(500, abs=2)
    drag(view, QPoint(500, 240), QPoint(2000, 240))
    assert line(view) == pytest.approx(view.widget_point(400, 0).x(), abs=4), "no further than the photograph"
    assert view.image_point(QPointF(0, 0)) == place
    drag(view, QPoint(200, 240), QPoint(260, 240))
    assert view.image_point(QPointF(0, 0)) != place, "elsewhere the hand moves the photograph"


def test_arrow_keys_move_the_line_and_with_shift_the_photograph(view: PhotoView) -> None:
    for _ in range(5):
        QTest.keyClick(view, Qt.Key.Key_Right)
    assert line(view) == pytest.approx(320 + 5 * 0.02 * 400 * view.zoom, abs=2)
    QTest.keyClick(view, Qt.Key.Key_Home)
    assert line(view) == pytest.approx(view.widget_point(0, 0).x(), abs=4)
    QTest.keyClick(view, Qt.Key.Key_End)
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert view.is_fitted
    QTest.keyClick(view, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert not view.is_fitted
    assert "Before" in view.accessibleDescription()
    view.set_wipe(None)
    assert "Arrow keys move the photograph" in view.accessibleDescription()


def test_the_line_stays_at_hand_when_the_photograph_is_enlarged(view: PhotoView) -> None:
    drag(view, QPoint(320, 400), QPoint(200, 400))
    wheel(view, QPointF(600, 60), 9)
    assert line(view) == pytest.approx(200, abs=2)
    view.fit()
    view.zoom_to(0.4)
    assert line(view) == pytest.approx(view.widget_point(0, 0).x(), abs=4), "it keeps to the photograph"


@pytest.mark.parametrize("zoom", [0.4, 1.0, 1.5, 2.0, 5.0])
def test_a_finer_picture_covers_the_same_places(view: PhotoView, zoom: float) -> None:
    rng = np.random.default_rng(5)
    coarse = np.kron(rng.integers(0, 256, (15, 20), dtype=np.uint8), np.ones((20, 20), np.uint8))
    photo = np.dstack([coarse] * 3)
    view.set_photo(photo)
    view.zoom_to(zoom)
    alone = screenshot(view)
    view.set_wipe(Wipe(photo.repeat(2, axis=0).repeat(2, axis=1), "Before", "After"))
    QTest.keyClick(view, Qt.Key.Key_Home)
    away = np.abs(screenshot(view)[60:200, 340:].astype(int) - alone[60:200, 340:]).max(axis=2)
    assert np.mean(away > 40) < 0.02, "but for the rims of smoothed pixels"


def test_a_tool_paints_next_to_the_line_and_its_grip_moves_it(view: PhotoView) -> None:
    brush, strokes = BrushTool(VESSEL, view), []
    brush.began.connect(lambda *_: strokes.append("began"))
    view.set_tool(brush)
    drag(view, QPoint(320, 400), QPoint(340, 400))
    assert strokes == ["began"]
    assert line(view) == pytest.approx(320, abs=2)
    drag(view, QPoint(320, 240), QPoint(420, 240))
    assert strokes == ["began"]
    assert line(view) == pytest.approx(420, abs=2)


def test_hiding_what_is_over_the_photograph_hides_the_other_picture(view: PhotoView) -> None:
    assert (screenshot(view) == RIGHT).all(axis=2).any()
    view.set_overlay_visible(False)
    assert not (screenshot(view) == RIGHT).all(axis=2).any()
    view.set_overlay_visible(True)
    view.set_photo(plain(300, 400, LEFT))
    assert not (screenshot(view) == RIGHT).all(axis=2).any(), "another photograph has none"


@pytest.mark.parametrize("shape", [(301, 400, 3), (600, 400, 3), (150, 200, 3), (300, 400, 4)])
def test_a_picture_of_another_extent_is_refused(view: PhotoView, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="picture"):
        view.set_wipe(Wipe(np.zeros(shape, np.uint8), "Before", "After"))
