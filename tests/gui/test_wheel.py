"""The wheel scrolls; it changes a value only in a control that was clicked."""

from pathlib import Path

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QDockWidget,
    QScrollArea,
    QScrollBar,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from serr_gui.app import Program
from serr_gui.panels.export_dialog import ExportDialog
from serr_gui.panels.training.models_compared_dialog import ModelsComparedDialog
from tests.gui.conftest import WAIT_MS, StartProgram


def turn_wheel(widget: QWidget, notches: int) -> None:
    """As the platform does, through the window under the pointer."""
    place = widget.mapTo(widget.window(), widget.rect().center())
    QTest.wheelEvent(widget.window().windowHandle(), QPointF(place), QPoint(0, 120 * notches))
    QApplication.processEvents()


def offer_wheel(widget: QWidget, notches: int) -> None:
    """To the innermost widget at its middle, also where it is not in sight now."""
    place = widget.rect().center()
    inner = widget.childAt(place) or widget
    turned = QPoint(0, 120 * notches)
    event = QWheelEvent(
        QPointF(inner.rect().center()),
        QPointF(widget.mapToGlobal(place)),
        QPoint(),
        turned,
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(inner, event)


def controls_of(widget: QWidget) -> list[QWidget]:
    """All that a wheel could change."""
    found: list[QWidget] = []
    for kind in (QComboBox, QAbstractSpinBox, QAbstractSlider):
        found += [each for each in widget.findChildren(kind) if not isinstance(each, QScrollBar)]
    return found


def value_of(control: QWidget) -> object:
    if isinstance(control, QComboBox):
        return control.currentIndex()
    return control.text() if isinstance(control, QAbstractSpinBox) else control.value()  # type: ignore[attr-defined]


def assert_wheel_changes_nothing(widget: QWidget) -> int:
    """Turns the wheel over every control, also where it is disabled now; says how many there are."""
    controls = controls_of(widget)
    for control in controls:
        enabled, before = control.isEnabled(), value_of(control)
        control.setEnabled(True)
        control.ensurePolished()
        control.setFocus(Qt.FocusReason.TabFocusReason)  # the keyboard may come by; that is no click
        for notches in (1, -1, -1):
            offer_wheel(control, notches)
            assert value_of(control) == before, control.accessibleName()
        assert control.focusPolicy() != Qt.FocusPolicy.WheelFocus, control.accessibleName()
        control.setEnabled(enabled)
    return len(controls)


def dialogs_of(program: Program, qtbot: QtBot, dataset: Path, small_models: Path) -> list[QDialog]:
    prompts, window = program.window.training_prompts, program.window
    wizard = prompts.open_data_set(dataset)
    qtbot.waitUntil(lambda: bool(wizard.model.entries) and not wizard.model.unseen(), timeout=WAIT_MS)
    compared = ModelsComparedDialog(program.state, (small_models / "other.safetensors", "other"), dataset, None, window)
    export = ExportDialog(dataset.parent, program.state.export_options, "eye", window)
    return [wizard, prompts.new_training(dataset), compared, export]


def test_no_control_of_the_window_or_of_a_dialog_follows_the_wheel(
    start: StartProgram, qtbot: QtBot, photo: Path, dataset: Path, small_models: Path
) -> None:
    program = start(photo, segment=True)
    qtbot.waitUntil(lambda: program.state.result is not None and program.state.task is None, timeout=WAIT_MS)
    window = program.window
    for name in ("curves", "evaluation", "trainings"):
        window.show_dock(name)
    view, rule, model = program.state.view, program.state.rule, program.state.model
    assert assert_wheel_changes_nothing(window) >= 12
    for dialog in dialogs_of(program, qtbot, dataset, small_models):
        dialog.show()
        assert assert_wheel_changes_nothing(dialog) >= 1, dialog.windowTitle()
        dialog.close()
    assert (program.state.view, program.state.rule, program.state.model) == (view, rule, model)


def test_the_wheel_over_a_control_scrolls_its_panel(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    window = start(photo).window
    window.resize(1180, 620)
    area = window.findChild(QDockWidget, "segmentation").widget()  # type: ignore[union-attr]
    assert isinstance(area, QScrollArea)
    bar = area.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    before = window.segmentation._model.currentIndex()
    turn_wheel(window.segmentation._model, -1)
    assert bar.value() > 0
    assert window.segmentation._model.currentIndex() == before


def test_a_control_that_was_clicked_follows_the_wheel(start: StartProgram, qtbot: QtBot) -> None:
    program = start()
    dialog = QDialog(program.window)  # one that nobody thought of when the guard was written
    slider, box = QSlider(Qt.Orientation.Horizontal), QSpinBox()
    column = QVBoxLayout(dialog)
    column.addWidget(slider)
    column.addWidget(box)
    dialog.show()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    for control, place in ((slider, slider), (box, box.lineEdit())):
        qtbot.mouseClick(place, Qt.MouseButton.LeftButton)
        assert control.hasFocus()
        before = control.value()
        turn_wheel(control, 1)
        assert control.value() != before
    now = slider.value()
    turn_wheel(slider, 1)  # the other one has the focus
    assert slider.value() == now
    dialog.close()
