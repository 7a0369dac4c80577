"""The window: it puts the parts together and joins wishes to the controller; what is shown follows from the state."""

import base64
import binascii
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, QObject, QSize, QStandardPaths, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QCloseEvent, QDesktopServices, QDragEnterEvent, QDropEvent, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QDockWidget,
    QFileDialog,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QScrollArea,
    QStackedWidget,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)

from serr_gui import icons
from serr_gui.actions import Actions
from serr_gui.canvas.photo_view import ZOOM_STEP, PhotoView
from serr_gui.controller import Controller
from serr_gui.desk import sample_path
from serr_gui.dialogs import AboutDialog, ShortcutsDialog, ask_to_lose
from serr_gui.job_bar import JobBar
from serr_gui.logs import log_folder
from serr_gui.menus import make_menus, make_tool_bar
from serr_gui.notices import NoticeBar
from serr_gui.panels.display import DisplayPanel
from serr_gui.panels.export import ExportDialog
from serr_gui.panels.files import FilesPanel
from serr_gui.panels.segmentation import SegmentationPanel
from serr_gui.resolve import CanvasPicture, canvas_picture, unsaved
from serr_gui.running import ExportRequest
from serr_gui.settings import ExportWish
from serr_gui.state import BASES, Base, FovChoice, PhotoItem, Theme
from serr_gui.status import PhotoStatusBar
from serr_gui.theme import apply_theme
from serr_gui.welcome import WelcomePage
from serr_gui.work import ExportItem, Thumbnail

_LAYOUT_VERSION = 1
_LOW_PX = 820
"""A window that is lower has no room for two panels one below the other: they become tabs."""
_USUAL_SIZE = QSize(1440, 900)


class MainWindow(QMainWindow):
    """Shows the state of a controller. ``closing`` is emitted once, before the window and its jobs end."""

    closing = Signal()

    def __init__(self, controller: Controller, *, export_wish: ExportWish | None = None, last_folder: str = "") -> None:
        super().__init__()
        self.controller = controller
        self.state = controller.state
        self.export_wish = export_wish or ExportWish()
        self.last_folder = last_folder
        self._picture: CanvasPicture | None = None
        self.setWindowTitle("SERR Fundus")
        self.setWindowIcon(icons.program_icon())
        self.setAcceptDrops(True)
        self._fit_screen()

        self.canvas = PhotoView()
        self.commands = Actions(self, self.state, self._handlers())
        self.notice_bar = NoticeBar()
        self.status = PhotoStatusBar(self.state)
        self.files = FilesPanel(self.state)
        self.segmentation = SegmentationPanel(self.state, self.commands)
        self.display = DisplayPanel(self.state, self.commands)
        self._make_centre()
        docks = self._make_docks()
        make_menus(
            self,
            self.commands,
            self.state,
            docks=docks,
            open_recent=self._open_recent,
            forget_recent=controller.photos.forget_recent,
        )
        make_tool_bar(self, self.commands)
        self.setStatusBar(self.status)
        self._join()
        self._show_picture()
        self._show_title()

    # Making

    def _handlers(self) -> dict[str, Callable[[], None]]:
        controller = self.controller
        handlers: dict[str, Callable[[], None]] = {
            "open": self._on_open,
            "open_folder": self._on_open_folder,
            "open_sample": controller.open_sample,
            "export": partial(self._on_export, everything=False),
            "export_all": partial(self._on_export, everything=True),
            "close_photo": self._on_close_photo,
            "close_all": self._on_close_all,
            "quit": self._on_quit,
            "copy_picture": lambda: QGuiApplication.clipboard().setPixmap(self.canvas.grab()),
            "segment": controller.runs.segment,
            "segment_all": controller.runs.segment_all,
            "cancel": controller.runs.cancel,
            "threshold_lower": partial(controller.nudge_level, -1),
            "threshold_higher": partial(controller.nudge_level, 1),
            "threshold_model": controller.reset_level,
            "threshold_otsu": controller.otsu_level,
            "add_model": self._on_add_model,
            "previous": partial(controller.photos.step, -1),
            "next": partial(controller.photos.step, 1),
            "show_mask": controller.toggle_mask,
            "show_probability": controller.toggle_probability,
            "show_fov": controller.toggle_fov,
            "fit": self.canvas.fit,
            "actual_size": lambda: self.canvas.zoom_to(1.0),
            "zoom_in": lambda: self.canvas.zoom_by(ZOOM_STEP),
            "zoom_out": lambda: self.canvas.zoom_by(1 / ZOOM_STEP),
            "full_screen": self._on_full_screen,
            "shortcuts": lambda: ShortcutsDialog(self).open(),
            "show_log": self._on_show_log,
            "about": lambda: AboutDialog(self).open(),
        }
        handlers |= {f"base_{base}": partial(self._on_base, base) for base in BASES}
        themes: tuple[Theme, ...] = ("system", "light", "dark")
        handlers |= {f"theme_{theme}": partial(controller.set_theme, theme) for theme in themes}
        return handlers

    def _make_centre(self) -> None:
        self._pages = QStackedWidget()
        self._welcome = WelcomePage(self.commands)
        self._pages.addWidget(self._welcome)
        self._pages.addWidget(self.canvas)
        self.job_bar = JobBar(self.state, self.commands)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.notice_bar)
        column.addWidget(self._pages, 1)
        column.addWidget(self.job_bar)
        self.setCentralWidget(centre)

    def _make_docks(self) -> list[QDockWidget]:
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        self.setDockOptions(QMainWindow.DockOption.AnimatedDocks | QMainWindow.DockOption.AllowTabbedDocks)
        # The room that later panels need is beside and behind these.
        self.setCorner(Qt.Corner.BottomRightCorner, right)
        self.setCorner(Qt.Corner.BottomLeftCorner, left)
        docks = []
        for name, title, panel, area in (
            ("files", self.tr("Photographs"), self.files, left),
            ("segmentation", self.tr("Segmentation"), _scrolling(self.segmentation), right),
            ("display", self.tr("Display"), _scrolling(self.display), right),
        ):
            dock = QDockWidget(title, self)
            dock.setObjectName(name)
            dock.setWidget(panel)
            self.addDockWidget(area, dock)
            docks.append(dock)
        if self.height() < _LOW_PX:
            self.tabifyDockWidget(docks[1], docks[2])
            docks[1].raise_()
        self.resizeDocks(docks, [150, 320, 320], Qt.Orientation.Horizontal)
        self.resizeDocks(docks[1:], [410, 530], Qt.Orientation.Vertical)
        return docks

    def _join(self) -> None:
        controller, events = self.controller, self.state.events
        self.files.selectRequested.connect(controller.photos.select)
        self.files.thumbnailsRequested.connect(controller.photos.request_thumbnails)
        controller.photos.thumbnailMade.connect(self._on_thumbnail_made)
        self.segmentation.modelRequested.connect(controller.library.set_model)
        self.segmentation.deviceRequested.connect(controller.library.set_device)
        self.segmentation.fovRequested.connect(controller.photos.set_fov)
        self.segmentation.fovFileRequested.connect(self._on_fov_file)
        self.segmentation.levelRequested.connect(controller.set_level)
        self.display.viewRequested.connect(controller.set_view)
        self.notice_bar.dismissRequested.connect(controller.desk.dismiss)
        self.canvas.cursorMoved.connect(self.status.set_cursor)
        self.canvas.cursorLeft.connect(self.status.clear_cursor)
        self.canvas.zoomChanged.connect(self.status.set_zoom)
        for event in (events.document, events.rule, events.base_view, events.view, events.overlay_hidden):
            event.connect(self._show_picture)
        for event in (events.document, events.job, events.photos, events.current, events.view, events.theme):
            event.connect(self.commands.refresh)
        for event in (events.model, events.library_ready):
            event.connect(self.commands.refresh)
        for event in (events.photos, events.current, events.document):
            event.connect(self._show_title)
        for event in (events.photos, events.current, events.document, events.opening):
            event.connect(self._show_page)
        events.notices.connect(self.notice_bar.set_notices)
        events.theme.connect(self._on_theme_changed)
        QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]

    # Showing the state

    def _show_picture(self) -> None:
        """Bring the canvas from the picture that it shows to that of the state."""
        new, old = canvas_picture(self.state), self._picture
        self._picture = new
        if old is None or new.photo is not old.photo:
            self.canvas.set_photo(new.photo)
            old = None
        if new.photo is not None:
            if old is None or new.base is not old.base:
                self.canvas.set_base(new.base)
            if old is None or new.fov is not old.fov:
                self.canvas.set_fov(new.fov)
            if old is None or new.level != old.level:
                self.canvas.set_threshold_level(new.level)
            if old is None or new.style != old.style:
                self.canvas.set_overlay_style(new.style)
            if old is None or new.levels is not old.levels:
                self.canvas.set_levels(new.levels)
        self.canvas.set_overlay_visible(new.overlay_visible)
        self.canvas.set_fov_visible(new.fov_visible and new.overlay_visible)
        self.status.set_zoom(self.canvas.zoom)

    def _show_page(self) -> None:
        """The welcome while nothing is open; else the canvas, which says why it may be empty."""
        item = self.state.item
        self._pages.setCurrentWidget(self.canvas if item is not None else self._welcome)
        if item is not None and self.state.document is None:
            waiting = self.tr("Opening {name}...").format(name=item.path.name)
            self.canvas.set_hint(waiting if self.state.opening is not None else item.problem)

    def _show_title(self) -> None:
        item = self.state.item
        self.setWindowTitle(f"{item.path.name}[*] - SERR Fundus" if item else "SERR Fundus")
        self.setWindowModified(item is not None and item.unsaved)

    def _on_theme_changed(self, theme: Theme) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        apply_theme(app, theme)
        self.commands.refresh_icons()

    def _on_thumbnail_made(self, made: object) -> None:
        assert isinstance(made, Thumbnail)
        self.files.set_thumbnail(made.path, made.pixels)

    # Wishes that need a question first

    def _on_open(self) -> None:
        from core.photo.reading import PHOTO_SUFFIXES

        pattern = " ".join(f"*{suffix}" for suffix in PHOTO_SUFFIXES)
        filters = f"{self.tr('Photographs')} ({pattern} {pattern.upper()});;{self.tr('All files')} (*)"
        names, _ = QFileDialog.getOpenFileNames(self, self.tr("Open Photographs"), self.last_folder, filters)
        if names:
            self.open_paths([Path(name) for name in names])

    def _on_open_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, self.tr("Open Folder"), self.last_folder)
        if name:
            self.open_paths([Path(name)])

    def open_paths(self, paths: list[Path]) -> None:
        """Open files and folders, and begin there the next time."""
        first = paths[0].absolute()
        self.last_folder = str(first if first.is_dir() else first.parent)
        self.controller.photos.open_paths(paths)

    def _open_recent(self, path: Path) -> None:
        self.open_paths([path])

    def _on_add_model(self) -> None:
        filters = f"{self.tr('Weights files')} (*.safetensors);;{self.tr('All files')} (*)"
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Add Weights File"), self.last_folder, filters)
        if name:
            self.controller.library.add_model(Path(name))

    def _on_fov_file(self) -> None:
        document = self.state.document
        start = str(document.path.parent) if document else self.last_folder
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Mask of the Field of View"), start)
        if name:
            self.controller.photos.set_fov(FovChoice("file", Path(name)))

    def _on_export(self, *, everything: bool) -> None:
        items = self.controller.export_items(everything=everything)
        if not items:
            return
        from core.photo.companions import output_stems

        by_path = output_stems([item.path for item in items])
        stems = tuple(by_path[item.path] for item in items)
        folder = Path(self.export_wish.folder) if self.export_wish.folder else _default_folder(items[0].path)
        subject = items[0].path.name
        if len(items) > 1:
            subject = self.tr("{count} segmented photographs").format(count=len(items))
        dialog = ExportDialog(stems, folder, self.export_wish, subject, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.exportRequested.connect(partial(self._on_export_agreed, items, stems))
        dialog.open()

    def _on_export_agreed(
        self, items: tuple[PhotoItem, ...], stems: tuple[str, ...], folder: Path, wish: ExportWish
    ) -> None:
        self.export_wish = wish
        wanted = tuple(ExportItem(item.path, stem, item.rule) for item, stem in zip(items, stems, strict=True))
        self.controller.runs.export(ExportRequest(wanted, folder.absolute(), wish))

    def _on_close_photo(self) -> None:
        item = self.state.item
        if item is not None and (
            not item.unsaved or ask_to_lose(self, running=False, unsaved=1, verb=self.tr("Close without exporting"))
        ):
            self.controller.photos.close_photos([item.path])

    def _on_close_all(self) -> None:
        lost = len(unsaved(self.state))
        if not lost or ask_to_lose(self, running=False, unsaved=lost, verb=self.tr("Close without exporting")):
            self.controller.photos.close_photos([item.path for item in self.state.photos])

    def _on_base(self, base: Base) -> None:
        self.controller.set_base(base)

    def _on_quit(self) -> None:
        self.close()

    def _on_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _on_show_log(self) -> None:
        folder = log_folder()
        if folder.is_dir():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        else:
            self.controller.desk.notify("info", self.tr("There is no log yet: nothing has gone wrong."))

    # Events

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """H held hides the overlays, wherever the focus is except in a text field."""
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_H and not event.modifiers():
            pressed = event.type() in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride)
            if event.isAutoRepeat():
                return self.state.overlay_hidden
            if event.type() == QEvent.Type.KeyRelease and self.state.overlay_hidden:
                self.controller.hide_overlay(False)
            elif pressed and self.isActiveWindow() and not _writes_text(QApplication.focusWidget()):
                self.controller.hide_overlay(True)
                return event.type() == QEvent.Type.KeyPress
        elif event.type() == QEvent.Type.ApplicationDeactivate and self.state.overlay_hidden:
            self.controller.hide_overlay(False)  # the release of the key will not be seen
        return False

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _local_paths(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = _local_paths(event)
        if paths:
            event.acceptProposedAction()
            # After the drop is over, so that the program it came from does not wait.
            QTimer.singleShot(0, self, lambda: self.open_paths(paths))

    def closeEvent(self, event: QCloseEvent) -> None:
        running, lost = self.state.job is not None, len(unsaved(self.state))
        if running or lost:
            verb = self.tr("Stop and quit") if running and not lost else self.tr("Quit without exporting")
            if not ask_to_lose(self, running=running, unsaved=lost, verb=verb):
                event.ignore()
                return
        self.closing.emit()
        QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]
        self.hide()  # threads may take a moment to end
        self.controller.shutdown()
        event.accept()

    # Geometry

    def layout_bytes(self) -> tuple[str, str]:
        """Geometry and docks as text for the settings."""
        geometry, docks = self.saveGeometry(), self.saveState(_LAYOUT_VERSION)
        return base64.b64encode(geometry.data()).decode(), base64.b64encode(docks.data()).decode()

    def restore_layout(self, geometry: str, docks: str) -> None:
        """Take back the size, place and docks of the last time, as far as they can be used on the screens of today."""
        for text, restore in ((geometry, self.restoreGeometry), (docks, self._restore_docks)):
            if text:
                try:
                    restore(QByteArray(base64.b64decode(text, validate=True)))
                except binascii.Error:
                    continue
        self._keep_reachable()

    def _fit_screen(self) -> None:
        """The usual size, or less on a small screen."""
        screen = QGuiApplication.primaryScreen()
        room = screen.availableSize() if screen is not None else _USUAL_SIZE
        self.resize(_USUAL_SIZE.boundedTo(room * 0.92))

    def _keep_reachable(self) -> None:
        frame = self.frameGeometry()
        screens = [screen.availableGeometry() for screen in QGuiApplication.screens()]
        # Enough of the title bar must be in reach.
        bar = frame.adjusted(0, 0, 0, 40 - frame.height())
        if screens and not any(screen.intersected(bar).width() >= min(200, bar.width()) for screen in screens):
            first = screens[0]
            self.resize(self.size().boundedTo(first.size()))
            self.move(first.center() - self.rect().center())

    def _restore_docks(self, docks: QByteArray) -> bool:
        return self.restoreState(docks, _LAYOUT_VERSION)


def _scrolling(panel: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidget(panel)
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setMinimumWidth(290)
    return area


def _writes_text(widget: QWidget | None) -> bool:
    return isinstance(widget, (QLineEdit, QAbstractSpinBox, QTextEdit, QPlainTextEdit))


def _local_paths(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]


def _default_folder(photo: Path) -> Path:
    """Beside the photograph; for the sample, which may stand in a read-only place, in the person's documents."""
    if photo == sample_path():
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        return Path(documents or Path.home()) / "SERR results"
    return photo.parent / "SERR results"
