"""Two models on the photograph on the screen: their maps, where they differ, and what moves together."""

from pathlib import Path

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from core.models.catalogue import load_model
from core.segment import segment_photo
from serr_gui.app import Program
from serr_gui.canvas.difference import LEFT_COLOUR, RIGHT_COLOUR, difference_picture
from serr_gui.panels.comparison.two_models_dialog import TwoModelsDialog
from tests.gui.conftest import WAIT_MS, StartProgram


def pick(box: QComboBox, text: str) -> None:
    """As a person does with the mouse."""
    box.setCurrentIndex(box.findText(text))
    box.activated.emit(box.currentIndex())


def opened(program: Program) -> TwoModelsDialog:
    program.window.commands["two_models"].trigger()
    return next(box for box in program.window.findChildren(TwoModelsDialog) if box.isVisible())


def point_at(dialog: TwoModelsDialog, column: int, row: int) -> str:
    """Move the mouse over the right view to a pixel of the photograph; what the dialog says of it."""
    place = dialog.right.widget_point(column + 0.5, row + 0.5)
    none = Qt.MouseButton.NoButton
    moved = QMouseEvent(QMouseEvent.Type.MouseMove, place, QPointF(place), none, none, Qt.KeyboardModifier.NoModifier)
    dialog.right.mouseMoveEvent(moved)
    return dialog.under_pointer.text()


def test_two_models_side_by_side(start: StartProgram, qtbot: QtBot, photos: tuple[Path, Path, Path]) -> None:
    program = start(*photos)
    state, controller = program.state, program.controller
    controller.segmentation.segment()
    qtbot.waitUntil(lambda: state.result is not None and state.task is None, timeout=WAIT_MS)
    assert state.result is not None
    assert state.document is not None
    shown = state.result.segmentation
    dialog = opened(program)
    assert dialog.models[0].currentText() == "small", "that of the result on the screen"
    pick(dialog.models[1], "small")
    assert not dialog.run.isEnabled()
    pick(dialog.models[1], "serr-unet-drive-small")
    dialog.run.click()
    qtbot.waitUntil(lambda: state.two_models is not None and state.task is None, timeout=WAIT_MS)
    two = state.two_models
    assert two is not None

    # The maps are those of the library, and the result on the screen was not computed again, nor changed.
    assert two.left.probability is shown.probability
    model = load_model("serr-unet-drive-small")
    directly = segment_photo(state.document.image, model, fov=shown.fov)
    np.testing.assert_allclose(two.right.probability.values, directly.probability.values, atol=0.01)
    assert state.result.segmentation is shown
    right = two.right.probability.levels >= model.card.rule.level
    assert np.array_equal(dialog.right.shown_mask(), right)
    assert np.array_equal(dialog.left.shown_mask(), two.left.probability.levels >= 96)
    assert "serr-unet-drive-small" in dialog._titles[2].toolTip()

    # How far they agree, counted once more.
    inside = shown.fov.inside
    left = two.left.probability.levels >= 96
    dice = 2 * np.count_nonzero(left & right & inside) / (np.count_nonzero(left & inside) + np.count_nonzero(right))
    assert f"Dice of the two {dice:.3f}" in dialog.verdict.text()

    # What is under the pointer is read from both maps, wherever the pointer is.
    row, column = np.argwhere(left & ~right & inside)[0] if (left & ~right & inside).any() else (80, 80)
    said = point_at(dialog, int(column), int(row))
    first, second = (float(each.probability.values[row, column]) for each in (two.left, two.right))
    assert f"left {first:.3f}" in said
    assert f"right {second:.3f}" in said
    assert f"difference {second - first:+.3f}" in said
    assert "outside" in point_at(dialog, 0, 0)

    # Zoom and place are those of one view for all of them.
    dialog.left.zoom_to(3.0)
    dialog.left.centre_on(40.0, 60.0)
    for view in (dialog.difference, dialog.right):
        assert view.zoom == dialog.left.zoom == 3.0
        assert view._geometry.centre == dialog.left._geometry.centre == (40.0, 60.0)
    dialog.difference.fit()
    assert dialog.left.is_fitted
    assert dialog.right.is_fitted

    # The maps are of this photograph and of no other.
    controller.photos.step(1)
    qtbot.waitUntil(lambda: state.opening is None, timeout=WAIT_MS)
    assert dialog.verdict.text() == ""
    assert not dialog.right.shown_mask().any()
    dialog.reject()
    assert state.two_models is None, "large maps are not kept"


def test_who_closes_the_dialog_wants_no_result_any_more(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    program = start(photo)
    dialog = opened(program)
    pick(dialog.models[1], "serr-unet-drive-small")
    dialog.run.click()
    assert program.state.task is not None
    dialog.reject()
    qtbot.waitUntil(lambda: program.state.task is None, timeout=WAIT_MS)
    assert program.state.two_models is None


def test_the_colours_of_a_difference() -> None:
    left = np.array([[0, 255, 0, 100]], np.uint8)
    right = np.array([[255, 0, 64, 100]], np.uint8)
    picture = difference_picture(left, right, np.array([[True, True, True, False]]))
    assert tuple(picture[0, 0]) == RIGHT_COLOUR
    assert tuple(picture[0, 1]) == LEFT_COLOUR
    halfway = (np.array(RIGHT_COLOUR) + 255) / 2
    np.testing.assert_allclose(picture[0, 2], halfway, atol=1)
    assert picture[0, 3, 0] == picture[0, 3, 2] < 128
    same = difference_picture(left, left, np.ones((1, 4), bool))
    assert (same == 255).all()
