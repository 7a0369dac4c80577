"""The window: one action for a command, keys, themes, names for those who do not see it, and faults."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QColor, QKeySequence, QPalette
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDockWidget,
    QLabel,
    QLineEdit,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from serr_gui.actions.qactions import Actions, shortcut_text
from serr_gui.actions.table import COMMANDS
from serr_gui.app import FaultCatcher, Program, _show_fault
from serr_gui.model.state import AppState
from serr_gui.start_options import parse
from serr_gui.system import logs
from serr_gui.widgets.theme import palette_of
from serr_gui.window.dialogs import AboutDialog, ShortcutsDialog
from tests.gui.conftest import WAIT_MS, StartProgram


def contrast(first: QColor, second: QColor) -> float:
    """Contrast ratio of WCAG 2.2, 1 to 21."""

    def luminance(colour: QColor) -> float:
        parts = [colour.redF(), colour.greenF(), colour.blueF()]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_contrast(dark: bool) -> None:
    palette, role = palette_of(dark), QPalette.ColorRole
    pairs = [
        (role.WindowText, role.Window),
        (role.Text, role.Base),
        (role.ButtonText, role.Button),
        (role.ToolTipText, role.ToolTipBase),
        (role.PlaceholderText, role.Window),
        (role.Link, role.Window),
    ]
    ratios = {pair: contrast(palette.color(pair[0]), palette.color(pair[1])) for pair in pairs}
    assert min(ratios.values()) >= 4.5, ratios
    assert contrast(palette.color(role.HighlightedText), palette.color(role.Highlight)) >= 3.0


def test_no_two_commands_share_a_key() -> None:
    keys = [QKeySequence(key).toString() for command in COMMANDS for key in command.shortcuts]
    keys = [key for key in keys if key]
    assert len(keys) == len(set(keys)), sorted(keys)
    assert "H" not in keys  # held, it hides the overlays
    assert "Space" not in keys


def test_commands_follow_the_state_at_the_next_turn_of_the_event_loop_or_when_asked_for(qtbot: QtBot) -> None:
    state, parent = AppState(), QObject()
    actions = Actions(parent, state, {command.key: lambda: None for command in COMMANDS})
    dark = actions["theme_dark"]
    state.theme = "dark"
    assert not dark.isChecked()
    qtbot.waitUntil(dark.isChecked, timeout=WAIT_MS)
    state.theme = "light"
    assert actions["theme_light"].isChecked()
    assert not dark.isChecked()


def test_tooltips_name_the_keys(start: StartProgram) -> None:
    commands = start().window.commands
    for command in COMMANDS:
        action = commands[command.key]
        if command.shortcuts:
            assert action.toolTip().endswith(f"({shortcut_text(action)})")


def test_everything_that_can_be_worked_has_a_name(start: StartProgram, photo: Path) -> None:
    window = start(photo).window
    kinds = (QAbstractButton, QComboBox, QAbstractSlider, QAbstractSpinBox)
    nameless = []
    for kind in kinds:
        for widget in window.findChildren(kind):
            inner = widget.objectName().startswith("qt_") or not widget.isVisible()
            text = widget.text() if isinstance(widget, QAbstractButton) else ""
            if not inner and not (widget.accessibleName() or text) and "ScrollBar" not in type(widget).__name__:
                nameless.append(widget)
    assert not nameless


def test_the_theme_changes_colours_and_icons(start: StartProgram, qtbot: QtBot) -> None:
    program = start()
    window = program.window
    middle: dict[str, int] = {}
    for theme in ("dark", "light"):
        window.commands[f"theme_{theme}"].trigger()
        assert window.commands[f"theme_{theme}"].isChecked()
        picture = window.commands["open"].icon().pixmap(24, 24).toImage()
        colours = [picture.pixelColor(x, y) for x in range(24) for y in range(24)]
        middle[theme] = max((c for c in colours), key=lambda c: c.alpha()).lightness()
        qtbot.waitUntil(lambda: is_dark(window) is (theme == "dark"))  # noqa: B023
    assert middle["dark"] > 180
    assert middle["light"] < 80


def is_dark(window: QWidget) -> bool:
    return window.palette().color(QPalette.ColorRole.Window).lightness() < 128


def test_single_letters_are_off_while_text_is_written(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    program = start(photo)
    window = program.window
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    field = QLineEdit(window)
    field.setGeometry(200, 100, 200, 30)
    field.show()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    qtbot.keyClicks(field, "ghmv")
    assert field.text() == "ghmv"
    assert program.state.view.base == "colour"
    assert program.state.view.show_mask
    field.deleteLater()
    window.canvas.setFocus()
    qtbot.keyClick(window.canvas, Qt.Key.Key_G)
    assert program.state.view.base == "green"
    qtbot.waitUntil(lambda: program.state.base_view is not None)
    qtbot.keyClick(window.canvas, Qt.Key.Key_C)
    assert program.state.view.base == "colour"


def test_h_hides_the_overlays_while_it_is_held(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    program = start(photo)
    canvas = program.window.canvas
    program.window.activateWindow()
    qtbot.waitUntil(program.window.isActiveWindow)
    canvas.setFocus()
    qtbot.waitUntil(canvas.hasFocus)
    qtbot.keyPress(canvas, Qt.Key.Key_H)
    assert program.state.overlay_hidden
    qtbot.keyRelease(canvas, Qt.Key.Key_H)
    assert not program.state.overlay_hidden


def test_the_status_bar_says_what_is_under_the_cursor(start: StartProgram, photo: Path) -> None:
    program = start(photo)
    window = program.window
    document = program.state.document
    assert document is not None
    window.canvas.cursorMoved.emit(80, 70)
    red, green, blue = document.image.rgb[70, 80]
    assert window.status._pixel.text() == f"x 80  y 70    R {red}  G {green}  B {blue}"
    window.canvas.cursorLeft.emit()
    assert window.status._pixel.text() == ""
    assert "1/1" in window.status._photo.accessibleName()
    window.commands["actual_size"].trigger()
    assert window.status._zoom.text() == "100 %"


def test_notices_can_be_read_copied_and_closed(start: StartProgram, qtbot: QtBot, tmp_path: Path) -> None:
    program = start()
    bar = program.window.notice_bar
    for number in range(5):
        program.controller.context.notify("error", f"Sentence {number}.", "all the details", tmp_path)
    assert bar._text.full_text() == "Sentence 4."
    assert bar._all.text() == "All (5)"
    assert bar._folder.isVisible()
    bar._details.click()
    assert bar.list.isVisible()
    first = bar.list.cards[0]
    assert [card.notice.text for card in bar.list.cards][:2] == ["Sentence 4.", "Sentence 3."]
    assert first._details.isVisible()
    first._copy.click()
    assert QApplication.clipboard().text() == "Sentence 4.\n\nall the details"
    bar.list.cards[2]._close.click()
    assert [card.notice.text for card in bar.list.cards] == [f"Sentence {number}." for number in (4, 3, 1, 0)]
    bar.list.close()
    for _ in range(4):
        bar._close.click()
    assert program.state.notices == ()
    assert not bar._close.isVisible()


def test_a_notice_of_success_goes_by_itself_and_an_error_stays(start: StartProgram, qtbot: QtBot) -> None:
    program = start()
    window, notify = program.window, program.controller.context.notify
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    notify("error", "This went wrong.")
    notify("success", "This is done.")
    window.notice_bar.passing.timeout.emit()
    assert [notice.text for notice in program.state.notices] == ["This went wrong."]
    assert not window.notice_bar.passing.isActive()
    window.notice_bar.passing.timeout.emit()
    assert [notice.text for notice in program.state.notices] == ["This went wrong."]


def test_the_list_of_keys_and_the_about_box_tell_what_they_must(start: StartProgram, qtbot: QtBot) -> None:
    window = start().window
    for key, kind in (("shortcuts", ShortcutsDialog), ("about", AboutDialog)):
        window.commands[key].trigger()
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, kind)
        if isinstance(dialog, AboutDialog):
            text = " ".join(label.text() for label in dialog.findChildren(QLabel))
            assert "Not a medical device" in text
            assert "0.1.0" in text
            assert "MIT" in text
        dialog.reject()


@pytest.fixture
def catcher(qapp: QApplication) -> Iterator[FaultCatcher]:
    catcher = FaultCatcher(qapp)
    catcher.install()
    yield catcher
    catcher.restore()


def test_an_uncaught_fault_becomes_a_notice_and_a_line_without_names(
    start: StartProgram, catcher: FaultCatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = start()
    log = logs.start_log()
    assert log is not None
    catcher.caught.connect(lambda failure: _show_fault(program.controller, failure))
    monkeypatch.setattr(sys, "stderr", None)  # as in a windowed build
    try:
        raise ValueError("Mrs Patient, left eye.png")
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    notice = program.state.notices[-1]
    assert "ValueError" in notice.text
    assert "Mrs Patient" in notice.details
    written = log.read_text()
    assert "ValueError" in written
    assert "test_window.py" in written
    assert "Patient" not in written
    for handler in logs.LOGGER.handlers[:]:
        logs.LOGGER.removeHandler(handler)
        handler.close()


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SERR_LOG_DIR", str(tmp_path / "file" / "folder"))
    assert logs.start_log() is None


def test_the_command_line_is_understood(capsys: pytest.CaptureFixture[str]) -> None:
    options = parse(["a.png", "folder", "--segment", "--model", "small", "--device", "cpu", "--threshold", "0.4"])
    assert options.paths == (Path("a.png"), Path("folder"))
    assert (options.segment, options.model, options.device, options.threshold) == (True, "small", "cpu", 0.4)
    for wrong in (["--threshold", "1.5"], ["--device", "abacus"]):
        with pytest.raises(SystemExit) as end:
            parse(wrong)
        assert end.value.code == 2
    capsys.readouterr()


def test_a_tool_bar_button_is_the_menu_command(start: StartProgram) -> None:
    program: Program = start()
    window = program.window
    buttons = [button for button in window.findChildren(QToolButton) if button.defaultAction() is not None]
    actions = {button.defaultAction().objectName() for button in buttons}
    assert {"open", "segment", "export", "threshold_otsu"} <= actions
    assert all(window.commands[name] in (b.defaultAction() for b in buttons) for name in actions & {"open", "segment"})


def test_panels_go_back_to_their_places(start: StartProgram, qtbot: QtBot) -> None:
    window = start().window
    docks = {dock.objectName(): dock for dock in window.findChildren(QDockWidget)}
    before = {name: (window.dockWidgetArea(dock), dock.isHidden()) for name, dock in docks.items()}
    docks["segmentation"].setFloating(True)
    docks["files"].close()
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, docks["display"])
    window.show_dock("curves")
    window.commands["reset_panels"].trigger()
    qtbot.waitUntil(docks["files"].isVisible)
    assert {name: (window.dockWidgetArea(dock), dock.isHidden()) for name, dock in docks.items()} == before
    assert not any(dock.isFloating() for dock in docks.values())
    assert docks["comparison"] in window.tabifiedDockWidgets(docks["display"])


def test_panels_at_the_bottom_become_tabs_and_never_widen_the_window(start: StartProgram, qtbot: QtBot) -> None:
    window = start().window
    window.resize(1180, 736)
    qtbot.wait(50)
    width = window.width()
    docks = {dock.objectName(): dock for dock in window.findChildren(QDockWidget)}
    window.commands["show_curves"].trigger()
    window.commands["show_evaluation"].trigger()
    panels = {action.text(): action for action in window.findChildren(QAction) if action.isCheckable()}
    panels["Trainings"].trigger()
    qtbot.wait(50)
    assert window.width() == width
    assert panels["Curves"].isChecked()
    assert not docks["trainings"].visibleRegion().isEmpty()
    assert set(window.tabifiedDockWidgets(docks["curves"])) == {docks["evaluation"], docks["trainings"]}
    panels["Trainings"].trigger()
    docks["curves"].close()
    assert docks["trainings"].isHidden()
    assert not panels["Curves"].isChecked()


def test_threshold_and_figures_are_seen_together_in_a_low_window(
    start: StartProgram, qtbot: QtBot, drive: Path
) -> None:
    window = start(drive / "images" / "03_test.tif").window
    window.resize(1180, 736)
    qtbot.wait(50)
    assert not window.segmentation._slider.visibleRegion().isEmpty()
    for key in ("accuracy", "sensitivity", "specificity"):
        assert not window.scores._cells[2][key].visibleRegion().isEmpty(), key


def test_the_welcome_names_its_commands_in_full_in_every_theme(start: StartProgram) -> None:
    program = start()
    for theme in ("dark", "light"):
        program.controller.set_theme(theme)  # icons are tinted again, and Qt would write the short names
        texts = [button.text() for button in program.window._welcome.findChildren(QToolButton)]
        assert texts == ["Open Photographs...", "Open Folder...", "Open the Sample Photograph"]
