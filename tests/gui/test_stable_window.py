"""Nothing moves under the hand, and nothing of the last photograph stays beside the name of the next."""

from pathlib import Path

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QApplication, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from core.errors import SerrError
from serr_gui.app import Program
from serr_gui.controllers.workers import Failure
from serr_gui.model.state import FovChoice
from tests.gui.conftest import WAIT_MS, StartProgram, settled
from tests.gui.test_editing import Hand
from tests.gui.test_segmenting import segment

Places = dict[str, QRect]


def places_of(program: Program) -> Places:
    """Where a person's hand is: the photograph, and the controls of the panel Segmentation."""
    window = program.window
    QApplication.processEvents()
    panel = window.segmentation
    buttons = {b.defaultAction().objectName(): b for b in panel.findChildren(QToolButton) if b.defaultAction()}
    watched: dict[str, QWidget] = {**buttons, "canvas": window.canvas, "slider": panel._slider, "fov": panel._fov}
    watched |= {"model": panel._model, "device": panel._device, "notices": window.notice_bar.parentWidget()}
    return {name: QRect(each.mapTo(window, QPoint(0, 0)), each.size()) for name, each in watched.items()}


def test_no_state_of_the_work_moves_a_control_or_the_photograph(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path], small_models: Path
) -> None:
    program = start(*photos)
    program.window.resize(1180, 720)
    state, controller = program.state, program.controller
    before = places_of(program)

    def unmoved(what: str) -> None:
        now = places_of(program)
        assert now == before, f"{what}: {[name for name in now if now[name] != before[name]]}"

    program.window.commands["segment"].trigger()
    assert state.task is not None
    unmoved("running")
    qtbot.waitUntil(lambda: state.task is None, timeout=WAIT_MS)
    assert "Segmented on" in program.window.segmentation._device_used.full_text()
    unmoved("done")
    controller.models.set_model(small_models / "other.safetensors")
    controller.photos.set_fov(FovChoice("full"))
    qtbot.waitUntil(lambda: "another model, small, another" in program.window.segmentation._remarks.full_text())
    unmoved("outdated")
    controller.context.notify("success", "All is written.", folder=photos[0].parent)
    unmoved("told")
    for number in range(4):
        error = SerrError(f"This photograph, number {number}, cannot be used, for a reason that takes a while to tell.")
        controller.context.fail("", Failure.of(error))
    unmoved("failed")
    photos[1].write_bytes(b"no photograph")
    controller.photos.step(1)
    unmoved("opening")
    qtbot.waitUntil(lambda: settled(program), timeout=WAIT_MS)
    assert state.photos[1].status == "failed"
    unmoved("cannot be opened")


def test_while_a_photograph_is_opened_nothing_of_the_old_one_is_shown(
    start: StartProgram, qtbot: QtBot, drive: Path
) -> None:
    program = start(drive / "images")
    window, state = program.window, program.state
    window.commands["segment"].trigger()
    qtbot.waitUntil(lambda: state.result is not None and state.comparison is not None, timeout=WAIT_MS)
    window.commands["next"].trigger()
    assert state.opening is not None
    assert window.canvas.is_waiting  # greyed
    assert not window.canvas.shown_mask().any()
    assert window.segmentation._fov_facts.full_text() == ""
    assert "no result yet" in window.segmentation._share.text()
    assert not any(label.text().startswith("0.") for cells in window.scores._cells for label in cells.values())
    assert "pixels" not in window.status._photo.accessibleName()
    qtbot.waitUntil(lambda: settled(program), timeout=WAIT_MS)
    assert not window.canvas.is_waiting
    assert state.document is not None
    assert state.document.path == state.photos[1].path


def test_a_small_window_does_not_grow_with_what_its_status_bar_says(
    start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path], small_models: Path
) -> None:
    program = start(photos[0])
    window = program.window
    segment(program, qtbot)
    program.controller.models.set_model(small_models / "other.safetensors")
    window.status.set_cursor(60, 60)
    hand = Hand(program, qtbot)
    hand.key(Qt.Key.Key_B)
    hand.stroke((60, 60), (90, 70))
    assert "corrected  |  chosen: other" in window.status._model.full_text()
    assert window.status.minimumSizeHint().width() <= 560
