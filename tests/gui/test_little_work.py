"""What has not changed is not made again: each change of the state comes to every panel, and the window must answer."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from serr_gui.widgets import icons
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
