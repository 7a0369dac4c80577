"""Start and wiring: from the command line's words to a window that appears first and learns the rest behind it."""

import gc
import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QLocale, QObject, Qt, QTimer, QTranslator, Signal
from PySide6.QtGui import QFileOpenEvent, QFont
from PySide6.QtWidgets import QApplication

from core import __version__
from core.errors import OutputError
from core.resources import resource_path, sample_path
from core.session.archive import SUFFIX as SESSION_SUFFIX
from core.threshold_rule import ThresholdRule
from serr_gui.controllers.controller import Controller
from serr_gui.controllers.workers import Failure
from serr_gui.model.i18n import use_translator
from serr_gui.model.result_store import ResultStore
from serr_gui.model.settings import Settings, load_settings, save_settings
from serr_gui.model.state import AppState
from serr_gui.start_options import StartOptions, parse
from serr_gui.system.crashes import CrashReport, system_line
from serr_gui.system.garbage import GarbageSearch
from serr_gui.system.logs import log_folder, start_log
from serr_gui.system.screen import opening_the_screen
from serr_gui.system.single_instance import Instance
from serr_gui.widgets import icons
from serr_gui.widgets.theme import ProgramStyle, apply_theme
from serr_gui.window.layout import layout_bytes, restore_layout
from serr_gui.window.main_window import MainWindow

_SAVE_DELAY_MS = 1000


class FaultCatcher(QObject):
    """Turns what nobody caught into a notice and a line of the log; the program continues."""

    caught = Signal(object)

    def install(self) -> None:
        """Take over the hooks for uncaught errors, of the GUI thread and of all others."""
        sys.excepthook = self._on_error
        threading.excepthook = lambda args: self._on_error(args.exc_type, args.exc_value, args.exc_traceback)

    def restore(self) -> None:
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__

    def _on_error(self, kind: type[BaseException], error: BaseException | None, tb: TracebackType | None) -> None:
        if error is None or issubclass(kind, KeyboardInterrupt):
            QApplication.exit(130)
            return
        if sys.stderr is not None:  # a windowed build has none
            traceback.print_exception(kind, error, tb)
        self.caught.emit(Failure.of(error))


class Program:
    """The parts of a running program, made in the right order and ended together."""

    def __init__(self, app: QApplication, options: StartOptions, settings: Settings) -> None:
        self.app = app
        self.options = options
        self.state = AppState(
            view=settings.view,
            theme=settings.theme,
            device=options.device or settings.device,
            run=settings.run,
            cache_mb=settings.cache_mb,
            font_pt=settings.font_pt,
            recent=tuple(Path(text) for text in settings.recent),
            data_set=Path(settings.data_set) if settings.data_set else None,
            batch_folders=tuple(Path(text) for text in settings.batches),
            observer=settings.observer,
            export_options=settings.export,
            last_folder=settings.last_folder,
        )
        self._system_font = app.font()
        self._apply_font()
        apply_theme(app, self.state.theme)
        self.controller = Controller(self.state, ResultStore(settings.cache_mb << 20))
        self.window = MainWindow(self.controller)
        restore_layout(self.window, settings.geometry, settings.docks)
        self._settings = settings
        self._save_timer = QTimer(self.window)
        self._save_timer.setSingleShot(True)
        self._save_timer.setInterval(_SAVE_DELAY_MS)
        self._save_timer.timeout.connect(self.save)
        self.window.closing.connect(self.save)
        events = self.state.events
        for event in (events.theme, events.view, events.recent, events.model, events.device, events.data_set):
            event.connect(self._save_later)
        for event in (events.run, events.cache_mb, events.font_pt, events.observer):
            event.connect(self._save_later)
        for event in (events.export_options, events.last_folder, events.batch_folders):
            event.connect(self._save_later)
        events.font_pt.connect(self._apply_font)
        app.styleHints().colorSchemeChanged.connect(self._on_desktop_theme_changed)

    def _save_later(self) -> None:
        self._save_timer.start()

    def _apply_font(self) -> None:
        font = QFont(self._system_font)
        if self.state.font_pt:
            font.setPointSize(self.state.font_pt)
        self.app.setFont(font)

    def start(self) -> None:
        """Show the window, then do what the command line asks for."""
        self.window.show()
        QTimer.singleShot(0, self.window, self._begin)

    def _begin(self) -> None:
        options = self.options
        self._open(options)
        wanted = options.model or self._settings.model
        if options.model.endswith(".safetensors"):
            wanted = str(Path(options.model).absolute())
        self.controller.models.start(wanted, [Path(text) for text in self._settings.added_models])
        if not options.selftest:
            self.controller.keeping.look_back()
        self.controller.enhancing.start()
        self.controller.training.start()
        self.controller.batch.start()

    def take_over(self, values: Mapping[str, Any]) -> None:
        """Do what a later start asks for, in front of all other windows."""
        window = self.window
        window.setWindowState(window.windowState() & ~Qt.WindowState.WindowMinimized)
        window.raise_()
        window.activateWindow()
        try:
            self._open(StartOptions.from_handed(values))
        except (KeyError, TypeError, ValueError):  # a start of another version
            return

    def _open(self, options: StartOptions) -> None:
        rule = ThresholdRule.nearest(options.threshold) if options.threshold is not None else None
        if options.draw_like:
            self.controller.begin_to_draw_like(options.draw_like)
        paths = list(options.paths)
        if options.sample or options.selftest:
            paths.insert(0, sample_path())
        sessions = [path for path in paths if path.suffix == SESSION_SUFFIX]
        paths = [path for path in paths if path not in sessions]
        for path in sessions[:1]:
            self.window.prompts.open_session_file(path)
        if paths:
            segment = options.segment or options.sample or options.selftest
            self.controller.photos.open_paths(paths, segment=segment, rule=rule)

    def save(self) -> None:
        """Keep the settings. A folder that cannot be written to costs a notice, not the program."""
        state, window = self.state, self.window
        geometry, docks = layout_bytes(window)
        settings = Settings(
            theme=state.theme,
            view=state.view,
            export=state.export_options,
            model=self._model_to_keep(),
            device=state.device,
            run=state.run,
            cache_mb=state.cache_mb,
            font_pt=state.font_pt,
            recent=tuple(str(path) for path in state.recent),
            last_folder=state.last_folder,
            data_set=str(state.data_set or ""),
            batches=tuple(str(folder) for folder in state.batch_folders),
            observer=state.observer,
            geometry=geometry,
            docks=docks,
        )
        if settings == self._settings:
            return
        try:
            save_settings(settings, since=self._settings)
        except OutputError as error:
            self.controller.context.notify("warning", str(error))
        self._settings = settings

    def end(self) -> None:
        """Destroy window and controller now: while Python itself is being taken down, plots cannot be any more."""
        self.controller.shutdown()
        for part in (self.window, self.controller):
            part.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def _model_to_keep(self) -> str:
        choice = self.state.model_choice
        if choice is None:
            return self._settings.model
        return choice.name if choice.bundled else str(choice.path)

    def _on_desktop_theme_changed(self) -> None:
        if self.state.theme == "system":
            apply_theme(self.app, "system")
            self.window.commands.refresh_icons()


class FileOpener(QObject):
    """macOS asks a running program to open files by an event."""

    wanted = Signal(object)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent) and event.file():
            self.wanted.emit(StartOptions((Path(event.file()),)).handed())
            return True
        return super().eventFilter(watched, event)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit code."""
    options = parse(sys.argv[1:] if argv is None else argv)
    app = QApplication.instance()
    if app is None:
        with opening_the_screen():
            app = QApplication(["serr-gui"])
    assert isinstance(app, QApplication)
    app.setStyle(ProgramStyle())
    app.setApplicationName("serr-fundus")
    app.setApplicationDisplayName("SERR Fundus")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName("serr-fundus")
    app.setWindowIcon(icons.program_icon())
    _speak_the_desktops_language(app)
    instance = Instance(app)
    if not options.own_program:
        if instance.hand_over(options.handed()):
            return 0
        instance.listen()
    with ExitStack() as at_end:
        at_end.callback(instance.close)
        if options.selftest:  # it leaves the person's settings alone
            os.environ["SERR_CONFIG_DIR"] = at_end.enter_context(
                tempfile.TemporaryDirectory(prefix="serr-", ignore_cleanup_errors=True)
            )
        return _run(app, options, instance)


def _speak_the_desktops_language(app: QApplication) -> None:
    """Where there is a translation for it; else English."""
    translator = QTranslator(app)
    if translator.load(QLocale(), "serr", "_", str(resource_path("translations"))):
        app.installTranslator(translator)
    use_translator(QCoreApplication.translate)


def _run(app: QApplication, options: StartOptions, instance: Instance) -> int:
    start_log()
    crashes = CrashReport()
    crash = crashes.open()
    garbage = GarbageSearch(app)
    garbage.open()
    settings, unusable = load_settings()
    program = Program(app, options, settings)
    catcher = FaultCatcher(app)
    catcher.caught.connect(lambda failure: _show_fault(program.controller, failure))
    catcher.install()
    instance.asked.connect(program.take_over)
    opener = FileOpener(app)
    opener.wanted.connect(program.take_over)
    if sys.platform == "darwin":
        app.installEventFilter(opener)
    tell_of_the_past(program.controller, unusable, crash)
    freeze_when_loaded(program.state)
    program.window.panelsLoaded.connect(gc.freeze)
    program.start()
    if options.selftest:
        from serr_gui.selftest import SelfTest

        def end(code: int) -> None:
            program.controller.shutdown()
            app.exit(code)

        SelfTest(program.controller, end, app)
    # The window hides before its threads have ended; where Qt does not take that for the last window, the program ends
    # all the same: a process without a window could be neither seen nor ended.
    program.window.closed.connect(lambda: QTimer.singleShot(0, lambda: app.exit(0)))
    try:
        return app.exec()
    finally:
        program.end()
        catcher.restore()
        crashes.close()


def freeze_when_loaded(state: AppState) -> None:
    """Leave what the libraries have made out of garbage collections from then on.

    All threads wait while Python looks through all objects (``GarbageSearch``): hundreds of milliseconds with torch
    loaded, a few without its objects.
    """

    def freeze(ready: bool) -> None:
        if ready:
            gc.freeze()

    state.events.library_ready.connect(freeze)
    freeze(state.library_ready)


def tell_of_the_past(controller: Controller, unusable: Sequence[str], crash: str) -> None:
    """Notices about settings that could not be read, and about a crash of the last run."""
    context = controller.context
    if unusable:
        text = controller.tr("Some settings could not be used and are back at their defaults: {names}.")
        context.notify("info", text.format(names=", ".join(unusable)))
    if crash:
        text = controller.tr(
            "SERR Fundus ended unexpectedly last time. A report is kept on this computer and was sent nowhere; "
            "Details shows it, to be copied."
        )
        context.notify("warning", text, crash, log_folder())


def _show_fault(controller: Controller, failure: Failure) -> None:
    text = controller.tr("An unexpected error occurred ({kind}). You can keep working; your files were not changed.")
    controller.context.notify("error", text.format(kind=failure.sentence), f"{system_line()}\n\n{failure.details}")
