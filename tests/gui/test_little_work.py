"""What has not changed is not made again: each change of the state comes to every panel, and the window must answer."""

import threading
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QObject, QSize
from PySide6.QtGui import QPalette, QPixmapCache
from PySide6.QtWidgets import QApplication, QTabBar
from pytestqt.qtbot import QtBot

from serr_gui.canvas import overlays, resampling
from serr_gui.canvas.prepared import Prepared
from serr_gui.model.selectors import canvas_picture
from serr_gui.widgets import icons
from serr_gui.widgets.tabs import TabStyle
from serr_gui.widgets.theme import ProgramStyle, palette_of
from serr_gui.window import late_panels
from serr_gui.window.picture_changes import show_on
from tests.gui.conftest import WAIT_MS, StartProgram


def test_opening_a_photograph_remakes_neither_icons_nor_menus_nor_the_list(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = start(photos[0])
    window, state, controller = program.window, program.state, program.controller
    made, real = list[str](), icons.icon
    monkeypatch.setattr(icons, "icon", lambda name, *rest: made.append(name) or real(name, *rest))
    menus = [row._button.menu() for row in window.labels._rows]
    with qtbot.assertNotEmitted(window.files._model.modelReset):
        controller.photos.list_path(photos[1])
        controller.context.set_item(photos[1], unsaved=True)
        controller.photos.open_paths([photos[2]], segment=True)
        qtbot.waitUntil(lambda: state.result is not None and state.task is None, timeout=WAIT_MS)
    assert window.files._model.rowCount() == 3
    assert made == []
    assert [row._button.menu() for row in window.labels._rows] == menus
    controller.comparison.load_label(0, photos[1])
    qtbot.waitUntil(lambda: window.labels._rows[0]._button.menu() is not menus[0], timeout=WAIT_MS)
    assert photos[1].name in window.labels._rows[0]._name.full_text()


def test_a_closed_window_watches_no_events_any_more(start: StartProgram) -> None:
    program, seen = start(), list[QEvent]()
    program.window._watch.add(lambda _watched, event: bool(seen.append(event)), QEvent)
    QApplication.sendEvent(program.window.canvas, QEvent(QEvent.Type.User))
    assert seen
    assert program.window.close()
    seen.clear()
    QApplication.sendEvent(program.window.canvas, QEvent(QEvent.Type.User))
    assert seen == []


def test_what_late_panels_are_made_of_is_loaded_beside_the_window(
    start: StartProgram, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = list[tuple[str, bool]]()

    def load(name: str) -> None:
        loaded.append((name, threading.current_thread() is threading.main_thread()))

    monkeypatch.setattr(late_panels, "import_module", load)
    monkeypatch.setattr(late_panels, "REST_MS", 0)
    start()
    qtbot.waitUntil(lambda: loaded == [(name, False) for name in late_panels.MODULES], timeout=WAIT_MS)
    assert all(find_spec(name) for name in late_panels.MODULES)


def test_what_the_canvas_needs_of_an_opened_photograph_is_made_beside_the_window(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    large = np.asarray(Image.open(photos[0]).resize((1600, 1600)))
    Image.fromarray(large).save(photos[0])
    program = start(*photos, segment=True)
    state, canvas = program.state, program.window.canvas
    qtbot.waitUntil(lambda: state.result is not None and state.task is None, timeout=WAIT_MS)
    program.controller.photos.select(1)
    qtbot.waitUntil(lambda: state.opening is None, timeout=WAIT_MS)
    canvas.grab()
    made = list[tuple[str, bool]]()

    def watched(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def make(*values: Any, **named: Any) -> Any:
            made.append((name, threading.current_thread() is threading.main_thread()))
            return real(*values, **named)

        monkeypatch.setattr(owner, name, make)

    for owner, name in ((resampling, "_halve_largest"), (overlays.FovOutline, "__init__"), (cv2, "resize")):
        watched(owner, name)
    program.controller.photos.select(0)
    qtbot.waitUntil(lambda: state.opening is None, timeout=WAIT_MS)
    shown = canvas.grab().toImage()
    assert {name for name, _ in made} == {"_halve_largest", "__init__", "resize"}
    assert [name for name, in_window in made if in_window] == []
    assert state.document is not None
    assert canvas._layers.prepared is None
    canvas.set_photo(state.document.image.rgb)
    show_on(canvas, None, replace(canvas_picture(state), prepared=None))
    assert canvas.grab().toImage() == shown
    assert any(in_window for _, in_window in made)

    levels = np.zeros(large.shape[:2], np.uint8)  # not those that are shown: a hand may change them before they are
    prepared = Prepared(large, None, levels)
    show_on(canvas, None, replace(canvas_picture(state), prepared=prepared))
    assert prepared.levels(levels) is None


def test_one_filter_sees_the_events_of_the_program(start: StartProgram, qapp: QApplication) -> None:
    installed, real = list[QObject](), QApplication.installEventFilter
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QApplication, "installEventFilter", lambda app, each: installed.append(each) or real(app, each))
        program = start()
    assert installed == [program.window._watch]


def test_the_lines_of_an_icon_are_drawn_once_for_every_theme(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    QPixmapCache.clear()
    icons._row.cache_clear()
    drawn, tinted, draw, tint = list[str](), list[str](), icons._drawn, icons._tinted
    monkeypatch.setattr(icons, "_drawn", lambda name, sizes: drawn.append(name) or draw(name, sizes))
    monkeypatch.setattr(icons, "_tinted", lambda lines, colour: tinted.append(colour.name()) or tint(lines, colour))
    light = [icons.icon("more", palette_of(False)) for _ in range(2)]
    assert (len(drawn), len(tinted)) == (1, 3)
    assert light[0].pixmap(20).toImage() == light[1].pixmap(20).toImage()
    dark = icons.icon("more", palette_of(True))
    assert len(drawn) == 1
    assert dark.pixmap(20).toImage() != light[0].pixmap(20).toImage()
    sizes = [QSize(size, size) for size in icons._SIZES_PX]
    assert all(picture.pixmap(size).size() == size for picture in (dark, *light) for size in sizes)
    alone = icons.pixmap("more", 24, palette_of(True).color(QPalette.ColorRole.ButtonText))
    assert alone.toImage() == dark.pixmap(24).toImage()


def test_qt_asks_python_for_the_looks_of_tabs_alone(start: StartProgram, photo: Path, qtbot: QtBot) -> None:
    """Each painting of the window asks for hundreds of lengths, and calling Python for each costs as much again."""
    assert not {"pixelMetric", "drawControl", "sizeFromContents", "subElementRect"} & set(vars(ProgramStyle))
    program = start(photo)
    window = program.window
    window.show_dock("measure")
    QApplication.processEvents()
    bars = [bar for bar in window.findChildren(QTabBar) if bar.isVisible()]
    assert len(bars) >= 2, "of panels on one another, and of the tables"
    assert all(isinstance(bar.style(), TabStyle) for bar in bars)
