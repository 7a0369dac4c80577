"""The photograph on a real widget: what is painted, where it is, and how mouse, wheel and keys move it."""

import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPalette, QWheelEvent
from PySide6.QtWidgets import QApplication

from serr_gui.canvas.overlays import OverlayStyle
from serr_gui.canvas.photo_view import PhotoView

PAINT = OverlayStyle(show_mask=True, show_probability=False, mask_opacity=1.0, mask_colour=(1, 250, 3))


def random_case(height: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A photograph without the mask's colour, and levels."""
    rng = np.random.default_rng(seed)
    photo = rng.integers(10, 240, (height, width, 3), dtype=np.uint8)
    return photo, rng.integers(0, 256, (height, width), dtype=np.uint8)


def pixels(image: QImage) -> np.ndarray:
    """Uint8 (H, W, 3) of a grabbed picture."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    lines = np.frombuffer(image.constBits(), dtype=np.uint8).reshape(image.height(), image.bytesPerLine())
    return lines[:, : image.width() * 3].reshape(image.height(), image.width(), 3).copy()


def screenshot(view: PhotoView) -> np.ndarray:
    return pixels(view.grab().toImage())


def colour_count(view: PhotoView) -> int:
    """How many colours are on the screen."""
    return len(np.unique(screenshot(view).astype(np.int32) @ (65536, 256, 1)))


@pytest.fixture
def view(qtbot) -> PhotoView:
    """A shown view of 640 x 480 with a random photograph of 1000 x 800 and its levels."""
    photo_view = PhotoView()
    qtbot.addWidget(photo_view)
    photo_view.resize(640, 480)
    photo, levels = random_case(800, 1000)
    photo_view.set_photo(photo)
    photo_view.set_levels(levels)
    photo_view.set_overlay_style(PAINT)
    with qtbot.waitExposed(photo_view):
        photo_view.show()
    return photo_view


def wheel(view: PhotoView, place: QPointF, notches: float) -> None:
    event = QWheelEvent(
        place,
        view.mapToGlobal(place),
        QPoint(),
        QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


# What is painted


def test_at_100_percent_photograph_and_mask_are_painted_pixel_for_pixel(view):
    photo, levels = random_case(800, 1000)
    view.zoom_to(1.0)
    view.centre_on(420, 333)
    corner = view.image_point(QPointF(0, 0))
    x, y = int(corner.x()), int(corner.y())
    part = np.s_[y : y + 480, x : x + 640]
    for level in (1, 100, 128, 129, 255):
        view.set_threshold_level(level)
        shot = screenshot(view)
        mask = view.shown_mask()[part]
        assert np.array_equal(mask, levels[part] >= level)
        assert (shot[mask] == PAINT.mask_colour).all()
        assert np.array_equal(shot[~mask], photo[part][~mask])


def test_every_threshold_shows_the_mask_that_is_exported(view):
    _, levels = random_case(800, 1000)
    for level in range(1, 256):
        view.set_threshold_level(level)
        assert np.array_equal(view.shown_mask(), levels >= level)


def test_zoomed_in_each_mask_pixel_is_a_crisp_square(view):
    _, levels = random_case(800, 1000)
    view.zoom_to(8.0)
    view.centre_on(500, 400)
    corner = view.image_point(QPointF(0, 0))
    assert corner == QPointF(460, 370)
    painted = (screenshot(view) == PAINT.mask_colour).all(axis=2)
    assert np.array_equal(painted, (levels[370:430, 460:540] >= 128).repeat(8, axis=0).repeat(8, axis=1))


def test_zoomed_out_a_thin_vessel_stays_whole_at_every_zoom(view):
    levels = np.zeros((800, 1000), dtype=np.uint8)
    levels[:, 617] = 200
    view.set_levels(levels)
    for zoom in (0.9, 0.61, 0.45, 0.3, 0.21):
        view.zoom_to(zoom)
        painted = (screenshot(view) == PAINT.mask_colour).all(axis=2)
        columns = np.flatnonzero(painted.any(axis=0))
        assert len(columns) == 1
        top, bottom = view.widget_point(0, 0).y(), view.widget_point(0, 800).y()
        height = min(480, round(bottom)) - max(0, round(top))
        assert painted[:, columns[0]].sum() == pytest.approx(height, abs=1)


def test_probability_and_mask_together_show_the_colours_of_the_table(view):
    from serr_gui.canvas.overlays import build_lut

    style = OverlayStyle(show_probability=True, probability_opacity=1.0, colormap="viridis", mask_opacity=1.0)
    _, levels = random_case(800, 1000)
    view.set_overlay_style(style)
    view.set_threshold_level(90)
    view.zoom_to(1.0)
    corner = view.image_point(QPointF(0, 0))
    x, y = int(corner.x()), int(corner.y())
    assert np.array_equal(screenshot(view), build_lut(style, 90)[levels[y : y + 480, x : x + 640]][..., :3])


def test_hidden_overlay_shows_the_bare_photograph_and_an_empty_mask(view):
    photo, _ = random_case(800, 1000)
    view.zoom_to(1.0)
    view.set_overlay_visible(False)
    corner = view.image_point(QPointF(0, 0))
    x, y = int(corner.x()), int(corner.y())
    assert np.array_equal(screenshot(view), photo[y : y + 480, x : x + 640])
    assert not view.shown_mask().any()
    view.set_overlay_visible(True)
    assert (screenshot(view) == PAINT.mask_colour).all(axis=2).any()


def test_another_base_keeps_the_view_and_the_overlay(view):
    view.zoom_to(1.0)
    view.centre_on(450, 350)
    before = view.image_point(QPointF(0, 0))
    grey = np.full((800, 1000), 77, dtype=np.uint8)
    view.set_base(grey)
    shot = screenshot(view)
    assert view.image_point(QPointF(0, 0)) == before
    painted = (shot == PAINT.mask_colour).all(axis=2)
    assert painted.any()
    assert (shot[~painted] == 77).all()
    view.set_base(None)
    assert colour_count(view) > 1000


def test_another_photograph_takes_nothing_over_from_the_former(view):
    view.set_fov(np.ones((800, 1000), dtype=np.bool_))
    screenshot(view)
    photo = np.full((300, 200, 3), 50, dtype=np.uint8)
    view.set_photo(photo)
    assert view.shown_mask().shape == (300, 200)
    assert not view.shown_mask().any()
    assert view.is_fitted
    assert colour_count(view) == 2, "photograph and background"
    levels = random_case(300, 200, 5)[1]
    view.set_levels(levels)
    view.set_threshold_level(44)
    assert np.array_equal(view.shown_mask(), levels >= 44)
    assert (screenshot(view) == PAINT.mask_colour).all(axis=2).any()


def test_the_outline_can_be_seen_and_hidden(view):
    view.set_photo(np.full((800, 1000, 3), 100, dtype=np.uint8))
    inside = np.zeros((800, 1000), dtype=np.bool_)
    inside[100:700, 200:800] = True
    bare = screenshot(view)
    view.set_fov(inside)
    changed = (screenshot(view) != bare).any(axis=2)
    rows, columns = np.nonzero(changed)
    left, right = view.widget_point(200, 0).x(), view.widget_point(800, 0).x()
    assert columns.min() == pytest.approx(left, abs=4)
    assert columns.max() == pytest.approx(right, abs=4)
    assert not changed[rows.min() + 9 : rows.max() - 9, columns.min() + 9 : columns.max() - 9].any()
    view.set_fov_visible(False)
    assert np.array_equal(screenshot(view), bare)


def test_the_background_follows_the_palette(view):
    view.zoom_to(0.1)
    for colour in (QColor(250, 250, 250), QColor(30, 30, 34)):
        palette = QPalette(view.palette())
        palette.setColor(QPalette.ColorRole.Window, colour)
        view.setPalette(palette)
        assert tuple(screenshot(view)[3, 3]) == colour.getRgb()[:3]


def test_an_empty_view_paints_its_hint_and_stands_every_call(view):
    view.set_photo(None)
    view.set_levels(None)
    view.set_fov(None)
    view.set_base(None)
    view.fit()
    view.zoom_by(2.0)
    view.centre_on(3, 3)
    view.zoom_to(1.0)
    wheel(view, QPointF(10, 10), 1)
    assert view.shown_mask().shape == (0, 0)
    assert colour_count(view) == 1
    view.set_hint("Open a photograph")
    assert colour_count(view) > 1


@pytest.mark.parametrize("setter", ["set_levels", "set_fov", "set_base"])
def test_arrays_of_another_size_are_refused(view, setter):
    dtype = np.bool_ if setter == "set_fov" else np.uint8
    with pytest.raises(ValueError, match=r"\(799, 1000\)"):
        getattr(view, setter)(np.zeros((799, 1000), dtype=dtype))


# Where it is


def test_fitting_shows_the_whole_photograph(view):
    view.zoom_to(5)
    view.fit()
    for x, y in ((0, 0), (1000, 800)):
        place = view.widget_point(x, y)
        assert 0 <= place.x() <= 640
        assert 0 <= place.y() <= 480
    assert view.is_fitted
    view.resize(900, 500)
    assert view.is_fitted
    assert view.widget_point(1000, 800).y() <= 500


@pytest.mark.parametrize("place", [QPointF(320, 240), QPointF(100.5, 77), QPointF(600, 400)])
def test_the_wheel_zooms_at_the_cursor(view, place):
    view.zoom_to(0.8)
    for notches in (1, 1, 3, -0.25, -2, 6):
        before = view.image_point(place)
        was = view.zoom
        wheel(view, place, notches)
        assert (view.zoom > was) == (notches > 0)
        moved = view.widget_point(before.x(), before.y()) - place
        slack = 0.51 + 0.5 * max(1.0, view.zoom / was)
        assert abs(moved.x()) <= slack
        assert abs(moved.y()) <= slack


def test_wheel_and_keys_stop_at_100_percent(view, qtbot):
    view.zoom_to(0.9)
    wheel(view, QPointF(300, 200), 1)
    assert view.zoom == 1.0
    wheel(view, QPointF(300, 200), 1)
    assert view.zoom == 1.25
    view.zoom_to(1.1)
    qtbot.keyClick(view, Qt.Key.Key_Minus)
    assert view.zoom == 1.0


@pytest.mark.parametrize("way", ["middle", "left", "space"])
def test_dragging_moves_the_photograph_with_the_cursor(view, qtbot, way):
    view.zoom_to(2.0)
    before = view.image_point(QPointF(300, 200))
    button = Qt.MouseButton.MiddleButton if way == "middle" else Qt.MouseButton.LeftButton
    if way == "space":
        qtbot.keyPress(view, Qt.Key.Key_Space)
        assert view.cursor().shape() == Qt.CursorShape.OpenHandCursor
    qtbot.mousePress(view, button, pos=QPoint(300, 200))
    assert view.cursor().shape() == Qt.CursorShape.ClosedHandCursor
    qtbot.mouseMove(view, QPoint(250, 180))
    qtbot.mouseMove(view, QPoint(223, 171))
    qtbot.mouseRelease(view, button, pos=QPoint(223, 171))
    assert view.image_point(QPointF(223, 171)) == before
    qtbot.mouseMove(view, QPoint(100, 100))
    assert view.image_point(QPointF(223, 171)) == before, "only while the button is down"
    if way == "space":
        qtbot.keyRelease(view, Qt.Key.Key_Space)
    assert view.cursor().shape() == Qt.CursorShape.ArrowCursor


def test_keys_pan_and_zoom(view, qtbot):
    view.zoom_to(2.0)
    middle = QPointF(320, 240)
    for key, sign_x, sign_y in (
        (Qt.Key.Key_Right, 1, 0),
        (Qt.Key.Key_Left, -1, 0),
        (Qt.Key.Key_Down, 0, 1),
        (Qt.Key.Key_Up, 0, -1),
    ):
        before = view.image_point(middle)
        qtbot.keyClick(view, key)
        moved = view.image_point(middle) - before
        assert (np.sign(moved.x()), np.sign(moved.y())) == (sign_x, sign_y)
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert view.zoom == 2.5


def test_the_photograph_cannot_be_lost(view):
    for zoom in (0.01, 1.0, 1000.0):
        view.zoom_to(zoom)
        for x, y in ((-1e6, -1e6), (1e6, 1e6), (-1e6, 1e6)):
            view.centre_on(x, y)
            painted = (screenshot(view) != screenshot(view)[0, 0]).any()
            corner, end = view.widget_point(0, 0), view.widget_point(1000, 800)
            assert painted
            assert corner.x() < 640 and corner.y() < 480  # noqa: PT018
            assert end.x() > 0 and end.y() > 0  # noqa: PT018


def test_double_click_fits_and_goes_to_100_percent(view, qtbot):
    view.zoom_to(3.0)
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(200, 200))
    assert view.is_fitted
    before = view.image_point(QPointF(200, 200))
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(200, 200))
    assert view.zoom == 1.0
    assert (view.widget_point(before.x(), before.y()) - QPointF(200, 200)).manhattanLength() <= 2


# What it tells


def test_the_cursor_is_reported_once_for_each_pixel_and_when_it_leaves(view, qtbot):
    view.zoom_to(4.0)
    view.centre_on(500, 400)
    reports: list[tuple[int, int] | None] = []
    view.cursorMoved.connect(lambda x, y: reports.append((x, y)))
    view.cursorLeft.connect(lambda: reports.append(None))
    for x in (320, 321, 323, 324, 327, 328):
        qtbot.mouseMove(view, QPoint(x, 240))
    assert reports == [(500, 400), (501, 400), (502, 400)]
    view.centre_on(600, 400)
    assert reports[-1] == (602, 400), "the photograph moved under a cursor at rest"
    view.zoom_to(0.3)
    view.centre_on(1000, 800)
    assert reports[-1] is None
    QApplication.sendEvent(view, QEvent(QEvent.Type.Leave))
    assert reports.count(None) == 1


def test_zoom_is_told_only_when_it_changes(view):
    told: list[float] = []
    view.zoomChanged.connect(told.append)
    view.zoom_to(2.0)
    view.centre_on(10, 10)
    view.zoom_to(2.0)
    view.zoom_by(1.5)
    assert told == [2.0, 3.0]


def test_it_has_a_name_for_screen_readers_and_takes_the_focus(view):
    assert view.accessibleName()
    assert view.focusPolicy() == Qt.FocusPolicy.StrongFocus


def test_photographs_that_are_gone_leave_no_arrays_behind(view):
    photo, levels = random_case(400, 500, 9)
    gone = weakref.ref(photo), weakref.ref(levels)
    view.set_photo(photo)
    view.set_levels(levels)
    view.set_fov(levels > 3)
    screenshot(view)
    view.set_photo(random_case(100, 100)[0])
    screenshot(view)
    del photo, levels
    gc.collect()
    assert [reference() for reference in gone] == [None, None]


# Screens with fractional scaling: another process, because Qt reads the factor once

_ON_A_SCALED_SCREEN = """
import sys
import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
sys.path.insert(0, sys.argv[1])
from test_photo_view import PAINT, PhotoView, pixels, random_case

application = QApplication([])
window = QWidget()
window.resize(600, 460)
view = PhotoView(window)
view.setGeometry(37, 23, 501, 401)
photo, levels = random_case(900, 1100)
view.set_photo(photo)
view.set_levels(levels)
view.set_overlay_style(PAINT)
view.zoom_to(1.0)
window.show()
QTest.qWaitForWindowExposed(window)
ratio = view.devicePixelRatioF()
assert ratio == float(sys.argv[2]), ratio

expected = photo.copy()
expected[view.shown_mask()] = PAINT.mask_colour
corner = view.image_point(QPointF(0, 0))
left, top = round(corner.x()), round(corner.y())
assert abs(corner.x() - left) < 1e-6, "100 % is one photograph pixel on one device pixel"
shot = pixels(view.grab().toImage())
height, width = int(401 * ratio), int(501 * ratio)
assert np.array_equal(shot[:height, :width], expected[top:top + height, left:left + width])

whole = pixels(window.grab().toImage())
fits = [
    np.array_equal(whole[y:y + height - 2, x:x + width - 2], expected[top:top + height - 2, left:left + width - 2])
    for y in (int(23 * ratio), int(23 * ratio) + 1) for x in (int(37 * ratio), int(37 * ratio) + 1)
]
assert any(fits), "unresampled also as a part of the window"

seen = []
view.cursorMoved.connect(lambda x, y: seen.append((x, y)))
place = QPointF(200.2, 111.6)
none = Qt.MouseButton.NoButton
move = QMouseEvent(QEvent.Type.MouseMove, place, view.mapToGlobal(place), none, none, Qt.KeyboardModifier.NoModifier)
QApplication.sendEvent(view, move)
assert seen == [(left + int(200.2 * ratio), top + int(111.6 * ratio))], (seen, left, top)
print("exact")
"""


@pytest.mark.parametrize("factor", ["1.25", "1.5", "2"])
def test_scaled_screens_are_exact_too(factor):
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "QT_SCALE_FACTOR": factor, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", _ON_A_SCALED_SCREEN, str(Path(__file__).parent), factor],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip() == "exact", done.stderr
