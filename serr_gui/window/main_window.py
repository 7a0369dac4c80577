"""The window: it puts the parts together and joins requests to the controller; what is shown follows from the state."""

from functools import cached_property
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.files import display_path
from serr_gui.actions.qactions import Actions
from serr_gui.canvas.photo_view import PhotoView
from serr_gui.controllers.batch import name_of
from serr_gui.controllers.controller import Controller
from serr_gui.model.comparison import NO_LABELS
from serr_gui.model.selectors import CanvasPicture, canvas_picture, may_export, unsaved
from serr_gui.model.state import Theme
from serr_gui.panels.comparison.errors import ErrorsPanel
from serr_gui.panels.comparison.labels import LabelsPanel
from serr_gui.panels.comparison.scores import ScoresPanel
from serr_gui.panels.display import DisplayPanel
from serr_gui.panels.editing import EditingPanel
from serr_gui.panels.enhancing import EnhancedBar
from serr_gui.panels.photos import PhotosPanel
from serr_gui.panels.segmentation import SegmentationPanel
from serr_gui.system.desktop import open_guide, open_outside
from serr_gui.system.logs import log_folder
from serr_gui.tasks import Thumbnail
from serr_gui.widgets import icons
from serr_gui.widgets.event_watch import EventWatch
from serr_gui.widgets.notices import NoticeBar
from serr_gui.widgets.plain_text import show_plain_text
from serr_gui.widgets.scrolling import scrolling
from serr_gui.widgets.tabs import dress_tabs
from serr_gui.widgets.theme import apply_theme
from serr_gui.widgets.wheel import WheelGuard
from serr_gui.window.action_handlers import make_handlers
from serr_gui.window.activity import watch_activity
from serr_gui.window.batch_prompts import BatchPrompts
from serr_gui.window.canvas_tools import CanvasTools
from serr_gui.window.dialogs import ask_to_lose
from serr_gui.window.docks import Dock, arrange_docks, make_docks, panel_actions, show_dock, stacked, toggle_dock
from serr_gui.window.events import local_paths, writes_text
from serr_gui.window.joins import (
    join_comparison,
    join_enhancing,
    join_list,
    join_others,
    join_segmentation,
    join_sessions,
)
from serr_gui.window.label_prompts import LabelPrompts
from serr_gui.window.late_panels import (
    load_beside,
    make_batches,
    make_curves,
    make_evaluation,
    make_history,
    make_measure,
    make_trainings,
)
from serr_gui.window.layout import bring_on_screen, fit_screen
from serr_gui.window.menus import make_menus, make_message_bar, make_tool_bar
from serr_gui.window.model_prompts import ModelPrompts
from serr_gui.window.picture_changes import show_on
from serr_gui.window.prompts import Prompts
from serr_gui.window.report_prompts import ReportPrompts
from serr_gui.window.status_bar import PhotoStatusBar
from serr_gui.window.task_bar import TaskBar
from serr_gui.window.training_prompts import TrainingPrompts
from serr_gui.window.welcome_page import WelcomePage


class MainWindow(QMainWindow):
    """Shows the state of a controller. ``closing`` is emitted once, before the window and its jobs end.

    ``panelsLoaded`` : what the late panels are made of is loaded.
    """

    closing = Signal()
    closed = Signal()
    panelsLoaded = Signal()

    history = cached_property(make_history)
    curves = cached_property(make_curves)
    evaluation = cached_property(make_evaluation)
    batches = cached_property(make_batches)
    measure = cached_property(make_measure)
    trainings = cached_property(make_trainings)

    def __init__(self, controller: Controller) -> None:
        super().__init__()
        self.controller = controller
        self.state = controller.state
        self.prompts = Prompts(controller, self)
        self.model_prompts = ModelPrompts(controller, self)
        self.training_prompts = TrainingPrompts(controller, self, self.model_prompts, self.show_trainings)
        self.label_prompts = LabelPrompts(controller, self)
        self.report_prompts = ReportPrompts(controller, self)
        self.batch_prompts = BatchPrompts(controller, self)
        self._picture: CanvasPicture | None = None
        self._comparison_shown = False
        self._correction_shown = False
        self.setWindowTitle("SERR Fundus")
        self.setWindowIcon(icons.program_icon())
        self.setAcceptDrops(True)
        fit_screen(self)
        self._watch = EventWatch(self)  # before the panels, which it sees being made
        self._wheel = WheelGuard(self._watch)
        show_plain_text(self._watch)
        dress_tabs(self._watch, self)

        self.canvas = PhotoView()
        self.tools = CanvasTools(self.canvas, controller, self)
        self.commands = Actions(self, self.state, make_handlers(self))
        self.notice_bar = NoticeBar()
        self.status = PhotoStatusBar(self.state)
        self._make_panels()
        self._make_centre()
        self._docks = self._make_docks()
        make_menus(
            self,
            self.commands,
            self.state,
            panel_actions=panel_actions(self, self._docks),
            open_recent=self.prompts.open_recent,
            forget_recent=controller.photos.forget_recent,
        )
        make_tool_bar(self, self.commands)
        self.task_bar = TaskBar(self.state, self.commands)
        self.side_task_bar = TaskBar(self.state, self.commands, place="side_task")
        self.side_task_bar.cancelRequested.connect(controller.segmentation.cancel_beside)
        self.session_task_bar = TaskBar(self.state, self.commands, place="session_task")
        self.session_task_bar.cancelRequested.connect(controller.session_task.cancel)
        bars = (self.session_task_bar, self.side_task_bar, self.task_bar)
        make_message_bar(self, self.notice_bar, bars)
        self.setStatusBar(self.status)
        self._join()
        self.show_picture()
        self._show_title()

    # Making

    def _make_panels(self) -> None:
        self.files = PhotosPanel(self.state, self.commands)
        self.segmentation = SegmentationPanel(self.state, self.commands)
        self.display = DisplayPanel(self.state, self.commands)
        self.editing = EditingPanel(self.state, self.commands)
        self.labels = LabelsPanel(self.state, self.commands)
        self.scores = ScoresPanel(self.state)
        self.errors = ErrorsPanel(self.state, self.commands)
        self.enhanced = EnhancedBar(self.state, self.commands)

    def _make_centre(self) -> None:
        self._pages = QStackedWidget()
        self._welcome = WelcomePage(self.commands)
        self._front = scrolling(self._welcome, sideways=True)
        self._pages.addWidget(self._front)
        self._canvas_page = QWidget()
        column = QVBoxLayout(self._canvas_page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.canvas, 1)
        column.addWidget(self.enhanced)
        self._pages.addWidget(self._canvas_page)
        self.setCentralWidget(self._pages)

    def _make_docks(self) -> list[QDockWidget]:
        def wide(panel: QWidget) -> QWidget:
            return scrolling(panel, sideways=True)

        comparison = stacked(self.labels, self.scores, self.errors)
        return make_docks(
            self,
            (
                Dock("files", self.tr("Photographs"), self.files, "left"),
                Dock("segmentation", self.tr("Segmentation"), scrolling(self.segmentation), "right"),
                Dock("display", self.tr("Display"), scrolling(self.display), "right"),
                Dock("editing", self.tr("Correction"), scrolling(self.editing), "right"),
                Dock("comparison", self.tr("Comparison"), scrolling(comparison), "right"),
                Dock("history", self.tr("History"), lambda: self.history, "bottom"),
                Dock("curves", self.tr("Curves"), lambda: wide(self.curves), "bottom"),
                Dock("evaluation", self.tr("All Photographs"), lambda: wide(self.evaluation), "bottom"),
                Dock("batches", self.tr("Batches"), lambda: wide(self.batches), "bottom"),
                Dock("measure", self.tr("Measure"), lambda: wide(self.measure), "bottom"),
                Dock("trainings", self.tr("Trainings"), lambda: wide(self.trainings), "bottom"),
            ),
        )

    def _join(self) -> None:
        controller, events = self.controller, self.state.events
        join_list(self)
        join_segmentation(self)
        join_comparison(self)
        join_sessions(self)
        join_others(self)
        join_enhancing(self)
        controller.photos.thumbnailMade.connect(self._on_thumbnail_made)
        self.notice_bar.dismissRequested.connect(controller.context.dismiss)
        self.notice_bar.choiceRequested.connect(self.prompts.choose)
        self.canvas.cursorMoved.connect(self.status.set_cursor)
        self.canvas.cursorLeft.connect(self.status.clear_cursor)
        self.canvas.zoomChanged.connect(self.status.set_zoom)
        for event in (events.document, events.opening, events.rule, events.base_view, events.view):
            event.connect(self.show_picture)
        for event in (events.comparison, events.errors, events.error_at, events.overlay_hidden):
            event.connect(self.show_picture)
        for event in (events.photos, events.current, events.document):
            event.connect(self._show_title)
        for event in (events.photos, events.current, events.document, events.opening):
            event.connect(self._show_page)
        events.document.connect(self._show_comparison_once)
        events.editing.connect(self._show_correction_once)
        events.notices.connect(self.notice_bar.set_notices)
        events.theme.connect(self._on_theme_changed)
        load_beside(self)
        watch_activity(self._watch, controller.annotating)
        self._watch.add(self._on_key, QKeyEvent)
        self._watch.add(self._on_activation, QEvent, of=(QMainWindow, QApplication))

    # Showing the state

    def show_picture(self) -> None:
        """Bring the canvas from the picture that it shows to that of the state."""
        new, old = canvas_picture(self.state), self._picture
        self._picture = new
        if new.photo is None and self.state.opening is not None:
            self.canvas.set_waiting()
        elif old is None or new.photo is not old.photo or self.canvas.is_waiting:
            self.canvas.set_photo(new.photo)
            old = None
        if new.photo is not None:
            show_on(self.canvas, old, new)
        self.canvas.set_overlay_visible(new.overlay_visible)
        self.canvas.set_fov_visible(new.fov_visible and new.overlay_visible)
        self.status.set_zoom(self.canvas.zoom)

    def _show_comparison_once(self) -> None:
        """Bring the comparison to the front when the first label is there; later it stays where a person leaves it."""
        document = self.state.document
        if self._comparison_shown or document is None or document.labels == NO_LABELS:
            return
        self._comparison_shown = True
        dock, segmentation = self.findChild(QDockWidget, "comparison"), self.findChild(QDockWidget, "segmentation")
        if isinstance(dock, QDockWidget) and not dock.isHidden() and segmentation not in self.tabifiedDockWidgets(dock):
            dock.raise_()  # not over the panel in which one works

    def _show_correction_once(self) -> None:
        """Bring the correction to the front with the first tool: it says how that is used. Later as above."""
        if self._correction_shown or self.state.editing.tool == "hand":
            return
        self._correction_shown = True
        dock = self.findChild(QDockWidget, "editing")
        if isinstance(dock, QDockWidget) and not dock.isHidden():
            dock.raise_()

    def _show_page(self) -> None:
        """The welcome while nothing is open; else the canvas, which says why it may be empty."""
        item = self.state.item
        self._pages.setCurrentWidget(self._canvas_page if item is not None else self._front)
        if item is not None and self.state.document is None:
            waiting = self.tr("Opening {name}...").format(name=display_path(item.path.name))
            self.canvas.set_hint(waiting if self.state.opening is not None else item.problem)

    def _show_title(self) -> None:
        item = self.state.item
        self.setWindowTitle(f"{display_path(item.path.name)}[*] - SERR Fundus" if item else "SERR Fundus")
        self.setWindowModified(item is not None and item.unsaved)

    def _on_theme_changed(self, theme: Theme) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        apply_theme(app, theme)
        self.commands.refresh_icons()

    def _on_thumbnail_made(self, made: Thumbnail) -> None:
        self.files.set_thumbnail(made.path, made.pixels)

    # Requests

    def open_paths(self, paths: list[Path]) -> None:
        """Open files and folders."""
        self.prompts.open_paths(paths)

    def close_window(self) -> None:
        self.close()

    def reset_panels(self) -> None:
        """Put every panel back to its place, in its usual size, and the window onto the screen."""
        bring_on_screen(self)
        arrange_docks(self, self._docks)

    def show_dock(self, name: str) -> None:
        dock = self.findChild(QDockWidget, name)
        if isinstance(dock, QDockWidget):
            show_dock(self, dock)

    def toggle_dock(self, name: str) -> None:
        dock = self.findChild(QDockWidget, name)
        if isinstance(dock, QDockWidget):
            toggle_dock(self, dock)

    def show_trainings(self) -> None:
        self.show_dock("trainings")

    def toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def show_guide(self) -> None:
        """In a web browser where the guide is built and there is one, else inside the window."""
        if not open_guide() and not self.prompts.show_help():
            self.controller.context.notify("warning", self.tr("This installation has no user guide."))

    def show_log(self) -> None:
        folder = log_folder()
        if folder.is_dir():
            open_outside(folder)
        else:
            self.controller.context.notify("info", self.tr("There is no log yet: nothing has gone wrong."))

    # Events

    def _on_key(self, _watched: QObject, event: QEvent) -> bool:
        """H held hides the overlays, wherever the focus is except in a text field."""
        if not isinstance(event, QKeyEvent) or event.key() != Qt.Key.Key_H or event.modifiers():
            return False
        if event.isAutoRepeat():
            return self.state.overlay_hidden
        pressed = event.type() in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride)
        if event.type() == QEvent.Type.KeyRelease and self.state.overlay_hidden:
            self.controller.hide_overlay(False)
        elif pressed and self.isActiveWindow() and not writes_text(QApplication.focusWidget()):
            self.controller.hide_overlay(True)
            return event.type() == QEvent.Type.KeyPress
        return False

    def _on_activation(self, watched: QObject, event: QEvent) -> bool:
        if watched is self and event.type() == QEvent.Type.WindowActivate:
            self.controller.photos.watcher.check()
        elif self.state.overlay_hidden and event.type() == QEvent.Type.ApplicationDeactivate:
            self.controller.hide_overlay(False)  # the release of the key will not be seen
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc, where nothing else took it: while work is running it is the key of Cancel."""
        if event.key() == Qt.Key.Key_Escape and self.state.editing.tool != "hand":
            self.tools.leave()
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_paths(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = local_paths(event)
        if paths:
            event.acceptProposedAction()
            # After the drop is over, so that the program it came from does not wait.
            QTimer.singleShot(0, self, lambda: self.prompts.take_dropped(paths))

    def closeEvent(self, event: QCloseEvent) -> None:
        running = self.state.task is not None or self.state.side_task is not None
        lost = 0 if self.controller.keeping.keeps else len(unsaved(self.state))
        going_on = tuple(job.request.name for job in self.state.trainings.jobs if job.alive)
        batches = tuple(name_of(facts) for facts in self.state.batches.known if facts.ends_with_window)
        if running or lost or going_on or batches:
            verb = self.tr("Stop and quit") if running and not lost else self.tr("Quit without exporting")
            can_export = may_export(self.state)
            answer = ask_to_lose(
                self,
                running=running,
                unsaved=lost,
                verb=verb,
                can_export=can_export,
                trainings=going_on,
                batches=batches,
            )
            if answer != "continue":
                event.ignore()
                if answer == "export":
                    self.prompts.export(everything=True)
                return
        self.controller.editing.set_tool("hand")  # what a tool has begun counts, as when another one is taken
        self.controller.batch.pause_all()
        self.closing.emit()
        QApplication.instance().removeEventFilter(self._watch)  # type: ignore[union-attr]
        self.hide()  # threads may take a moment to end
        self.controller.shutdown()
        event.accept()
        self.closed.emit()
