"""The window and its panels fit the screen, whatever is open and wherever the window was at the last time."""

import itertools
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QDockWidget, QScrollArea, QTabBar, QToolButton
from pytestqt.qtbot import QtBot

from core.jobs.records import JobRequest, JobStatus
from core.jobs.store import Job
from core.photo.label_values import FoundValue
from serr_gui.model.batch import Batches, BatchFacts
from serr_gui.model.measuring import measured
from serr_gui.model.training import Trainings
from serr_gui.panels.export_dialog import ExportDialog
from serr_gui.widgets.controls import ElidedLabel
from serr_gui.widgets.curve_plot import CurvePlots, curve_plot
from serr_gui.widgets.label_values_dialog import LabelValuesDialog
from serr_gui.widgets.tabs import TabStyle
from serr_gui.widgets.theme import palette_of
from serr_gui.window.dialogs import AboutDialog, ShortcutsDialog
from serr_gui.window.layout import bring_on_screen, layout_bytes, restore_layout
from serr_gui.window.main_window import MainWindow
from tests.gui.conftest import WAIT_MS, StartProgram
from tests.gui.test_segmenting import segment

SMALL = QSize(853, 480)
"""A screen of 1280 x 720 pixels at 150 %."""


def docks_of(window: MainWindow) -> dict[str, QDockWidget]:
    return {dock.objectName(): dock for dock in window.findChildren(QDockWidget)}


def test_no_combination_of_panels_needs_more_than_a_small_screen(
    start: StartProgram, qtbot: QtBot, photo: Path
) -> None:
    window = start(photo).window
    window.resize(SMALL)
    QApplication.processEvents()
    docks = docks_of(window)
    few = [set(names) for count in range(4) for names in itertools.combinations(docks, count)]
    many = [set(docks).difference(names) for names in few if len(names) < 3]
    for shown in (*few, *many):
        for name, dock in docks.items():
            if name in shown:
                window.show_dock(name)
            else:
                dock.close()
        QApplication.processEvents()
        least = window.minimumSizeHint()
        assert least == least.boundedTo(SMALL), shown
        assert window.size() == SMALL, shown


def test_what_does_not_fit_in_a_panel_is_reached_by_scrolling(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    window = start(photo).window
    window.resize(SMALL)
    for name in ("curves", "evaluation", "measure", "trainings"):
        window.show_dock(name)
        QApplication.processEvents()
        area = docks_of(window)[name].widget()
        assert isinstance(area, QScrollArea)
        panel = area.widget()
        needed = panel.minimumSizeHint().expandedTo(panel.minimumSize())
        assert panel.size() == panel.size().expandedTo(needed), name
        seen = area.viewport().size()
        hidden = QSize(area.horizontalScrollBar().maximum(), area.verticalScrollBar().maximum())
        assert panel.size() == panel.size().boundedTo(seen + hidden), name


def test_on_a_small_screen_measures_are_seen_without_scrolling_sideways(
    start: StartProgram, qtbot: QtBot, photo: Path
) -> None:
    program = start(photo)
    segment(program, qtbot)
    program.controller.measuring.despite_doubts(True)  # the drawing is too small to measure without a doubt
    window, panel = program.window, program.window.measure
    for size, tabs, plots_in_tab in ((SMALL, 4, True), (QSize(1280, 720), 3, False)):
        window.resize(size)
        window.show_dock("measure")
        qtbot.waitUntil(lambda: (found := measured(program.state)) is not None and found.complete, timeout=WAIT_MS)
        area = docks_of(window)["measure"].widget()
        assert isinstance(area, QScrollArea)
        assert area.horizontalScrollBar().maximum() == 0
        assert panel.tabs.count() == tabs
        for number, inside in enumerate((panel.table, panel.segments.view)):
            panel.tabs.setCurrentIndex(number)
            QApplication.processEvents()
            assert inside.horizontalScrollBar().maximum() == 0
        assert panel.plots.isVisible() != plots_in_tab
        panel.tabs.setCurrentIndex(2)
        QApplication.processEvents()
        setup = panel.tabs.widget(2)
        assert isinstance(setup, QScrollArea)
        assert setup.horizontalScrollBar().maximum() == 0
    avr = panel.measures.index(panel.measures.rowCount() - 1, 0)
    panel.table.setCurrentIndex(avr)
    assert panel.about.full_text() == "The optic disc is not known.", "why there is a dash, for the keyboard, too"


def test_on_a_small_screen_the_threshold_is_seen_without_scrolling(
    start: StartProgram, qtbot: QtBot, drive: Path
) -> None:
    """All panels on the right are tabs there, and the one to work in stays in front when a label is found."""
    program = start()
    window = program.window
    window.resize(SMALL)
    window.commands["reset_panels"].trigger()
    window.open_paths([drive / "images"])
    qtbot.waitUntil(lambda: program.state.document is not None, timeout=WAIT_MS)
    QApplication.processEvents()
    dock = docks_of(window)["segmentation"]
    area = dock.widget()
    assert isinstance(area, QScrollArea)
    assert not dock.visibleRegion().isEmpty()
    slider = window.segmentation._slider
    assert slider.visibleRegion().boundingRect().height() == slider.height()
    tabs = [bar for bar in window.findChildren(QTabBar) if bar.isVisible() and bar.count() == 4]
    assert tabs
    for number in range(4):
        text = tabs[0].fontMetrics().horizontalAdvance(tabs[0].tabText(number))
        assert tabs[0].tabRect(number).width() > text, "the names of the panels are whole"
    window.resize(1280, 900)
    window.commands["reset_panels"].trigger()
    QApplication.processEvents()
    assert not dock.visibleRegion().isEmpty()
    assert not docks_of(window)["display"].visibleRegion().isEmpty()


def test_at_720_rows_the_threshold_and_its_buttons_are_seen_without_scrolling(
    start: StartProgram, qtbot: QtBot, photo: Path
) -> None:
    program = start(photo)
    window, panel = program.window, program.window.segmentation
    window.resize(1280, 680)  # the desktop's own bars are taken off
    window.commands["reset_panels"].trigger()
    segment(program, qtbot)
    QApplication.processEvents()
    wanted = {"threshold_model", "threshold_otsu", "threshold_all", "segment"}
    buttons = [each for each in panel.findChildren(QToolButton) if each.defaultAction().objectName() in wanted]
    assert len(buttons) == len(wanted)
    for each in (panel._slider, panel._number, *buttons):
        assert each.visibleRegion().boundingRect().size() == each.size(), each.accessibleName()


@pytest.mark.parametrize("size", [SMALL, QSize(1280, 900)])
def test_the_first_tool_brings_forward_how_it_is_used(
    start: StartProgram, qtbot: QtBot, photo: Path, size: QSize
) -> None:
    """Once: later the panel in front is the one that was chosen."""
    program = start(photo)
    window = program.window
    window.resize(size)
    window.commands["reset_panels"].trigger()
    segment(program, qtbot)
    correction, display = docks_of(window)["editing"], docks_of(window)["display"]
    assert correction.visibleRegion().isEmpty()
    window.commands["trace"].trigger()
    qtbot.waitUntil(lambda: not correction.visibleRegion().isEmpty(), timeout=WAIT_MS)
    display.raise_()
    window.commands["hand"].trigger()
    window.commands["brush"].trigger()
    QApplication.processEvents()
    assert correction.visibleRegion().isEmpty()


def test_a_text_that_gives_way_is_not_cut_off_at_its_start(qtbot: QtBot) -> None:
    label = ElidedLabel()
    qtbot.addWidget(label)
    label.setContentsMargins(20, 0, 20, 0)
    label.resize(120, 20)
    label.set_full_text("mask: serr-unet-general, corrected")
    assert 0 < label.fontMetrics().horizontalAdvance(label.text()) <= label.contentsRect().width()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("shape", [QTabBar.Shape.RoundedNorth, QTabBar.Shape.RoundedSouth])
def test_the_tab_in_front_is_marked_in_every_theme(qtbot: QtBot, theme: str, shape: QTabBar.Shape) -> None:
    """In the dark theme of Qt's own style nobody sees which it is."""
    bar = QTabBar()
    qtbot.addWidget(bar)
    bar.setStyle(TabStyle())
    bar.setPalette(palette_of(theme == "dark"))
    bar.setShape(shape)
    for name in ("Display", "Correction", "Comparison"):
        bar.addTab(name)
    bar.setCurrentIndex(1)
    bar.resize(bar.sizeHint())
    picture = bar.grab().toImage()
    accent = bar.palette().color(QPalette.ColorRole.Highlight).rgb()
    marked = [
        any(picture.pixel(bar.tabRect(number).center().x(), row) == accent for row in range(picture.height()))
        for number in range(3)
    ]
    assert marked == [False, True, False]


def test_no_dialog_needs_more_than_a_small_screen(start: StartProgram, qtbot: QtBot, photo: Path) -> None:
    program = start(photo)
    window = program.window
    prompts, training = window.prompts, window.training_prompts
    values = (FoundValue((0, 0, 0), 90, 0.9), FoundValue((1, 1, 1), 10, 0.1))
    dialogs = [
        prompts.open_settings(),
        training.open_data_set(),
        training.new_training(),
        AboutDialog(window),
        ShortcutsDialog(window),
        LabelValuesDialog("labels", values * 6, None, window),
        ExportDialog(photo.parent, program.state.export_options, "eye", window),
    ]
    room = SMALL - QSize(0, 40)  # the title bar
    for dialog in dialogs:
        dialog.show()
        QApplication.processEvents()
        least = dialog.minimumSizeHint()
        assert least == least.boundedTo(room), (dialog.windowTitle(), least)
        dialog.reject()


def test_plots_are_readable_in_a_narrow_panel(qtbot: QtBot) -> None:
    names = ("1 - specificity", "sensitivity"), ("sensitivity", "precision")
    plots = CurvePlots([curve_plot(names, number) for number in (0, 1)])
    qtbot.addWidget(plots)
    plots.show()
    for width, columns in ((1000, 2), (300, 1), (1000, 2)):
        plots.resize(width, max(400, plots.minimumHeight()))
        QApplication.processEvents()
        places = [plot.sceneBoundingRect() for plot in plots.plots]
        assert all(place.width() > 200 and place.height() > 150 for place in places), places
        assert (places[0].top() == places[1].top()) is (columns == 2)


PLACES = (QRect(5000, 3000, 700, 500), QRect(-300, -300, 700, 500), QRect(100, 20, 1706, 1022))


@pytest.mark.parametrize("place", PLACES)
def test_a_stored_place_comes_back_onto_the_screen(start: StartProgram, qtbot: QtBot, place: QRect) -> None:
    window = start().window
    room = window.screen().availableGeometry()
    window.setGeometry(place)
    geometry, docks = layout_bytes(window)
    window.setGeometry(QRect(10, 10, 600, 400))
    restore_layout(window, geometry, docks)
    assert room.contains(window.frameGeometry()), (room, window.frameGeometry())


def test_a_window_that_is_on_its_screen_stays_where_it_is(start: StartProgram, qtbot: QtBot) -> None:
    window = start().window
    window.setGeometry(QRect(20, 30, 640, 480))
    bring_on_screen(window)
    assert window.geometry() == QRect(20, 30, 640, 480)


def test_reset_layout_brings_the_window_back_too(start: StartProgram, qtbot: QtBot) -> None:
    window = start().window
    window.setGeometry(QRect(4000, 100, 1706, 1022))
    window.commands["reset_panels"].trigger()
    assert window.screen().availableGeometry().contains(window.frameGeometry())


def test_reset_layout_leaves_no_tabs_of_closed_panels_behind(start: StartProgram, qtbot: QtBot) -> None:
    window = start().window
    for name in ("curves", "evaluation", "trainings"):
        window.show_dock(name)
        QApplication.processEvents()
    for _ in range(2):
        window.commands["reset_panels"].trigger()
        QApplication.processEvents()
        bars = window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
        seen = [bar for bar in bars if bar.isVisible() and window.rect().intersects(bar.geometry())]
        titles = {dock.windowTitle() for dock in docks_of(window).values() if dock.isVisible()}
        named = [bar.tabText(number) for bar in seen for number in range(bar.count())]
        assert set(named) <= titles, named
        assert len(named) == len(set(named)), named
        window.show_dock("curves")
        window.show_dock("evaluation")
        QApplication.processEvents()


@pytest.mark.parametrize(
    ("command", "name"), [("show_curves", "curves"), ("show_evaluation", "evaluation"), ("show_trainings", "trainings")]
)
def test_the_keys_of_the_panels_below_open_and_close_them(
    start: StartProgram, qtbot: QtBot, command: str, name: str
) -> None:
    window = start().window
    dock = docks_of(window)[name]
    action = window.commands[command]
    action.trigger()
    QApplication.processEvents()
    assert not dock.visibleRegion().isEmpty()
    other = "trainings" if name != "trainings" else "curves"
    window.show_dock(other)  # now in front of it
    QApplication.processEvents()
    action.trigger()
    QApplication.processEvents()
    assert not dock.visibleRegion().isEmpty()
    action.trigger()
    assert dock.isHidden()


def test_on_a_small_screen_no_panel_scrolls_sideways(start: StartProgram, qtbot: QtBot, tmp_path: Path) -> None:
    """Lists of work are above what is chosen there, and buttons that are needed less are in the menu."""
    program = start()
    window, state = program.window, program.state
    ids = ("20260102-first", "20260102-second")
    state.batch_folders = tuple(tmp_path / name for name in ids)
    state.batches = Batches(tuple(BatchFacts(tmp_path / name) for name in ids), chosen=tmp_path / ids[0])
    jobs = [Job(tmp_path / name, JobRequest(name), JobStatus("done", weights="w"), "done") for name in ids]
    (jobs[0].run).mkdir(parents=True)
    (jobs[0].run / "w").touch()
    state.trainings = Trainings(tuple(jobs), chosen=jobs[0].id)
    window.resize(SMALL)
    for name in ("curves", "evaluation", "batches", "trainings"):
        window.show_dock(name)
        for tab in range(window.trainings.tabs.count() if name == "trainings" else 1):
            window.trainings.tabs.setCurrentIndex(tab)
            QApplication.processEvents()
            area = docks_of(window)[name].widget()
            assert isinstance(area, QScrollArea)
            assert area.horizontalScrollBar().maximum() == 0, name
    for panel, spare in ((window.batches, window.batches._retry), (window.trainings, window.trainings._compare)):
        line = next(line for line in panel.menu.actions() if line.text() == spare.text())
        assert line.isVisible()
        assert not spare.isVisible()
        panel.resize(1000, 500)  # as in a wide window
        assert spare.isVisibleTo(panel)
        assert not line.isVisible()
    assert window.evaluation.table.horizontalScrollBar().maximum() == 0
