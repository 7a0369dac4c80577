"""A session on the real program, worked by mouse and keys: from a folder of labelled photographs to a better model.

    xvfb-run -a -s "-screen 0 1920x1200x24" python -m tests.gui.training_session DRIVE/training OUT

Builds a data set of the folder, fine-tunes the model that is chosen, leaves the program and comes back while the
training continues, pauses, resumes and stops it, compares the new model with the old one on the photographs that were
kept apart, makes it the one that is used, and finds it again at the next start. Everything is done through what is
seen: a click goes to the place on the screen where the button is. Each act is a process of its own.

Writes a picture of the screen after each step into OUT/pictures, and the program's own folders into OUT/own.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from PySide6.QtCore import QPoint
    from PySide6.QtWidgets import QWidget

    from serr_gui.window.main_window import MainWindow

_PATIENCE_S = float(os.environ.get("SERR_PATIENCE_S", "3600"))
NEW_MODEL = "my own model"
_REST_MS, _PICTURE_MS = (10, 0) if os.environ.get("QT_QPA_PLATFORM") == "offscreen" else (100, 500)
"""Until a layout has come to rest, and until a screen shows it; where there is no screen, events alone count."""
_Kind = TypeVar("_Kind", bound="QWidget")


class Hand:
    """What a person does at a screen: looks, waits, clicks, types. Widgets are named by the text on them."""

    def __init__(self, window: "MainWindow", pictures: Path, prefix: str) -> None:
        self.window, self._pictures, self._prefix, self._number = window, pictures, prefix, 0

    def wait(self, until: Callable[[], object], what: str) -> None:
        from PySide6.QtTest import QTest

        deadline = time.monotonic() + _PATIENCE_S
        while not until():
            said = [notice.text for notice in self.window.state.notices]
            assert time.monotonic() < deadline, f"gave up waiting until {what}; notices: {said}"
            QTest.qWait(20)

    def look(self, name: str) -> None:
        """Keep a picture of all windows of the program."""
        from PySide6.QtGui import QGuiApplication
        from PySide6.QtTest import QTest
        from PySide6.QtWidgets import QApplication

        QTest.qWait(_PICTURE_MS)
        self._number += 1
        file = self._pictures / f"{self._prefix}-{self._number:02d}-{name}.png"
        screen = QGuiApplication.primaryScreen()
        if QGuiApplication.platformName() != "xcb":
            (QApplication.activeModalWidget() or self.window).grab()  # painted, but nobody looks at a file of it
            return
        whole = self.window.frameGeometry()
        for widget in QApplication.topLevelWidgets():
            if widget.isVisible():
                whole = whole.united(widget.frameGeometry())
        whole = whole.intersected(screen.geometry())
        screen.grabWindow(0, whole.x(), whole.y(), whole.width(), whole.height()).save(str(file))

    def click(self, widget: "QWidget", at: "QPoint | None" = None) -> None:
        """Press the left button where the widget is seen."""
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest
        from PySide6.QtWidgets import QScrollArea, QWidget

        self.wait(lambda: widget.isVisible() and widget.isEnabled(), f"{widget} can be clicked")
        QTest.qWait(_REST_MS)
        place = at or widget.rect().center()
        around: QWidget | None = widget.parentWidget()
        while around is not None:  # as a person scrolls to what they want to press
            if isinstance(around, QScrollArea) and around.widget() is not None:
                inner = widget.mapTo(around.widget(), place)
                around.ensureVisible(inner.x(), inner.y())
            around = around.parentWidget()
        top = widget.window()
        hit = top.childAt(widget.mapTo(top, place))
        seen = hit is not None and (hit is widget or widget.isAncestorOf(hit))
        assert seen or top is widget, f"{widget} {widget.accessibleName()} is covered or cut off: {hit} is there"
        QTest.mouseClick(
            top.windowHandle(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, widget.mapTo(top, place)
        )

    def find(self, kind: type[_Kind], name: str, parent: "QWidget | None" = None) -> _Kind:
        """The widget that is seen with this text, or with this name for those who cannot see."""

        def named(widget: "QWidget") -> bool:
            text = widget.text() if hasattr(widget, "text") else ""
            return widget.isVisible() and name in (str(text).replace("&", ""), widget.accessibleName())

        found: list[_Kind] = []

        def is_there() -> bool:
            found[:] = [widget for widget in (parent or self.window).findChildren(kind) if named(widget)]
            return bool(found)

        self.wait(is_there, f"there is {kind.__name__} {name}")
        return found[0]

    def push(self, name: str, parent: "QWidget | None" = None) -> None:
        """Click the button with this text."""
        from PySide6.QtWidgets import QAbstractButton

        self.click(self.find(QAbstractButton, name, parent))

    def fill(self, name: str, text: str, parent: "QWidget | None" = None) -> None:
        """Write into the field with this caption or name, over what stands there."""
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest
        from PySide6.QtWidgets import QLabel, QWidget

        field = self.find(QWidget, name, parent)
        if isinstance(field, QLabel):
            field = field.buddy()
        self.click(field)
        QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Qt.Key.Key_Tab)

    def choose(self, menu: str, command: str) -> None:
        """Choose a command of the menu bar."""
        from PySide6.QtWidgets import QMenu

        bar = self.window.menuBar()
        title = next(action for action in bar.actions() if action.text().replace("&", "") == menu)
        self.click(bar, bar.actionGeometry(title).center())
        shown = title.menu()
        assert isinstance(shown, QMenu)
        self.wait(shown.isVisible, f"the menu {menu} is open")
        action = next(each for each in shown.actions() if each.text().replace("&", "") == command)
        self.wait(action.isEnabled, f"{command} can be chosen")
        self.click(shown, shown.actionGeometry(action).center())
        self.wait(lambda: not shown.isVisible(), f"{command} is chosen")

    def push_or_choose(self, name: str) -> None:
        """Click the button with this text or, where a narrow panel has no room for it, its line in the menu More."""
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QPushButton

        more = self.find(QPushButton, "More")
        menu = more.menu()
        line = next(action for action in menu.actions() if action.text().replace("&", "") == name)
        if not line.isVisible():
            self.push(name)
            return

        def take() -> None:
            if menu.isVisible():
                self.click(menu, menu.actionGeometry(line).center())
            else:
                QTimer.singleShot(50, take)

        take()
        self.click(more)  # which does not return before the menu is closed

    def answer_file_dialog(self, path: Path) -> None:
        """Type a path into the file dialog that the next click opens; the click itself does not return before."""
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QApplication, QDialogButtonBox, QFileDialog, QLineEdit

        def answer() -> None:
            dialog = QApplication.activeModalWidget()
            if not isinstance(dialog, QFileDialog) or not dialog.isVisible():
                QTimer.singleShot(50, self.window, answer)
                return
            field, buttons = dialog.findChild(QLineEdit, "fileNameEdit"), dialog.findChild(QDialogButtonBox)
            assert isinstance(field, QLineEdit)
            assert isinstance(buttons, QDialogButtonBox)
            field.setText(str(path))  # typed letter by letter, it would be completed to something else
            self.click(buttons.buttons()[0])

        QTimer.singleShot(50, self.window, answer)

    def answer_question(self, name: str) -> None:
        """Click a button of the question that the next click brings up."""
        from PySide6.QtCore import QTimer
        from PySide6.QtWidgets import QApplication, QMessageBox

        def answer() -> None:
            question = QApplication.activeModalWidget()
            if isinstance(question, QMessageBox) and question.isVisible():
                self.push(name, question)
            else:
                QTimer.singleShot(50, self.window, answer)

        QTimer.singleShot(50, self.window, answer)

    def show_tab(self, name: str) -> None:
        """Click a tab of the trainings."""
        tabs = self.window.trainings.tabs
        number = next(i for i in range(tabs.count()) if tabs.tabText(i) == name)
        self.click(tabs.tabBar(), tabs.tabBar().tabRect(number).center())
        self.wait(lambda: tabs.currentIndex() == number, f"the tab {name} is in front")

    def look_at_list(self, name: str, picture: str) -> None:
        """Open a list of choices, and close it again without choosing."""
        from PySide6.QtCore import Qt
        from PySide6.QtTest import QTest
        from PySide6.QtWidgets import QComboBox

        box = self.find(QComboBox, name)
        self.click(box)
        self.wait(box.view().isVisible, f"the list {name} is open")
        self.look(picture)
        QTest.keyClick(box.view(), Qt.Key.Key_Escape)
        self.wait(lambda: not box.view().isVisible(), f"the list {name} is closed")

    def validations(self) -> int:
        run = self.window.state.trainings.run
        return len(run.validated) if run is not None else 0

    def wait_for_validations(self, more: int) -> None:
        wanted = self.validations() + more
        self.wait(lambda: self.validations() >= wanted, f"there are {wanted} validations")

    def state_of_job(self) -> str:
        job = self.window.state.trainings.job
        return job.state if job is not None else ""


# ------------------------------------------------------------------------------------------------------------ the acts


def begin(hand: Hand, options: argparse.Namespace) -> None:
    """From the folder to a training that runs."""
    from serr_gui.panels.data_set.dialog import DataSetDialog
    from serr_gui.panels.training.new_training_dialog import NewTrainingDialog

    window = hand.window
    hand.look("start")
    hand.choose("Train", "Data Set...")
    wizard = _dialog(hand, DataSetDialog)
    hand.answer_file_dialog(options.photographs)
    hand.push("Folder...", wizard)
    hand.wait(lambda: wizard.model.entries and not wizard.model.unseen(), "the photographs are looked at")
    hand.look("data-set-found")
    hand.fill("Name of the data set", "My photographs", wizard)
    hand.fill("Share for validation", "20", wizard)
    hand.fill("Share for testing", "20", wizard)
    hand.fill("Seed", "1", wizard)
    hand.push("Divide at Random", wizard)
    dataset = wizard.dataset()
    assert dataset.count("test") > 0 < dataset.count("validation"), "divided into three parts"
    hand.look("data-set-divided")
    hand.answer_file_dialog(options.out / "my photographs")
    hand.push("Save and Train...", wizard)
    form = _dialog(hand, NewTrainingDialog)
    hand.wait(lambda: not form.is_looking, "the data set is read")
    for name, value in options.number:
        hand.fill(name, value, form)
    hand.look("form")
    hand.push("Estimate", form)
    hand.wait(lambda: window.state.estimate is not None and not window.state.estimate.busy, "it is estimated")
    assert window.state.estimate is not None
    assert window.state.estimate.estimate is not None, window.state.estimate.problem
    hand.look("form-estimated")
    hand.push("Start Training", form)
    hand.wait(lambda: hand.state_of_job() == "running", "the training runs")
    hand.wait_for_validations(2)
    for tab in ("Curves", "Pictures", "Log", "Details"):
        hand.show_tab(tab)
        hand.look(f"running-{tab.lower()}")
    hand.show_tab("Curves")
    hand.answer_question("Quit")  # it is said that the training continues
    hand.choose("File", "Quit")


def go_on(hand: Hand, options: argparse.Namespace) -> None:
    """The training is found again, paused, resumed and stopped; its model is compared and used."""
    from serr_gui.panels.training.models_compared_dialog import ModelsComparedDialog
    from serr_gui.window.model_dialogs import UseModelDialog
    from serr_gui.window.name_dialog import NameDialog

    window = hand.window
    hand.wait(lambda: hand.state_of_job() == "running", "the training is found")
    hand.wait(window.trainings.isVisible, "the trainings are shown")
    hand.wait_for_validations(1)
    hand.look("found-again")
    hand.push("Pause")
    hand.wait(lambda: hand.state_of_job() == "paused", "it is paused")
    hand.look("paused")
    hand.push("Resume")
    hand.wait_for_validations(options.validations)
    hand.show_tab("Pictures")
    hand.look("improved")
    hand.push("Stop")
    hand.wait(lambda: hand.state_of_job() == "done", "it is done")
    hand.show_tab("Curves")
    hand.look("done")
    hand.push_or_choose("Compare...")
    compare = _dialog(hand, ModelsComparedDialog)
    hand.wait(lambda: compare.order() is not None, "the data set is read")
    hand.push("Compare", compare)
    hand.wait(compare.table.rowCount, "the models are compared")
    hand.look("compared")
    hand.push("Add New Model...", compare)
    ask = _dialog(hand, NameDialog)
    hand.fill("Name", NEW_MODEL, ask)
    hand.look("name")
    hand.push("OK", ask)
    use = _dialog(hand, UseModelDialog)
    hand.look("use")
    hand.push(f"Use {NEW_MODEL}", use)
    hand.wait(lambda: _model(window) == NEW_MODEL, "the new model is used")
    hand.push("Close", compare)
    hand.look("added")
    photograph = next(e.case.photo for e in _dataset(options).entries if e.part == "test")
    hand.answer_file_dialog(photograph)
    hand.choose("File", "Open Photographs...")
    hand.wait(lambda: window.state.document is not None, "the photograph is open")
    hand.push("Segment")
    hand.wait(lambda: window.state.result is not None, "it is segmented")
    hand.look("segmented")
    hand.choose("File", "Quit")


def _see_trainings(hand: Hand) -> None:
    """Where the panel is open from the last time, its command would close it."""
    from PySide6.QtWidgets import QDockWidget

    dock = hand.window.findChild(QDockWidget, "trainings")
    assert dock is not None
    if dock.visibleRegion().isEmpty():
        hand.choose("Train", "Trainings")


def look_again(hand: Hand, _options: argparse.Namespace) -> None:
    """The new model is the one that is used at the next start."""
    window = hand.window
    hand.wait(lambda: window.state.library_ready, "the models are read")
    assert _model(window) == NEW_MODEL, f"{_model(window)} is used"
    hand.look_at_list("Model", "model-list")
    _see_trainings(hand)
    hand.look("trainings")
    hand.choose("File", "Quit")


def looks(hand: Hand, options: argparse.Namespace) -> None:
    """Every window once more, of a session that is over: for another theme or scale."""
    from serr_gui.panels.data_set.dialog import DataSetDialog
    from serr_gui.panels.training.models_compared_dialog import ModelsComparedDialog
    from serr_gui.panels.training.new_training_dialog import NewTrainingDialog

    window = hand.window
    _see_trainings(hand)
    hand.wait(lambda: hand.state_of_job() == "done", "the training is found")
    for tab in ("Curves", "Pictures", "Log", "Details"):
        hand.show_tab(tab)
        hand.look(tab.lower())
    hand.push("Compare...")
    compare = _dialog(hand, ModelsComparedDialog)
    hand.wait(lambda: compare.order() is not None, "the data set is read")
    hand.look("compare")
    hand.push("Compare", compare)
    hand.wait(compare.table.rowCount, "the models are compared")
    hand.look("compared")
    hand.push("Close", compare)
    hand.choose("Train", "Data Set...")
    wizard = _dialog(hand, DataSetDialog)
    hand.look("data-set-empty")
    hand.answer_file_dialog(_file(options))
    hand.push("Open File...", wizard)
    hand.wait(lambda: wizard.model.entries and not wizard.model.unseen(), "the photographs are looked at")
    hand.look("data-set")
    hand.push("Close", wizard)
    hand.choose("Train", "New Training...")
    form = _dialog(hand, NewTrainingDialog)
    hand.wait(lambda: not form.is_looking, "the data set is read")
    hand.look("form")
    hand.push("Estimate", form)
    hand.wait(lambda: window.state.estimate is not None and not window.state.estimate.busy, "it is estimated")
    hand.look("form-estimated")
    hand.push("Cancel", form)
    hand.look_at_list("Model", "model-list")
    hand.choose("File", "Quit")


ACTS: dict[str, Callable[[Hand, argparse.Namespace], None]] = {
    "1-begin": begin,
    "2-go-on": go_on,
    "3-look-again": look_again,
    "looks": looks,
}


FIRST_ACTS = tuple(ACTS)[:3]
"""What is played by itself, in this order."""


def _dialog(hand: Hand, kind: type[_Kind]) -> _Kind:
    found: list[_Kind] = []

    def is_there() -> bool:
        found[:] = [dialog for dialog in hand.window.findChildren(kind) if dialog.isVisible()]
        return bool(found)

    hand.wait(is_there, f"the dialog {kind.__name__} is open")
    return found[0]


def _model(window: "MainWindow") -> str:
    choice = window.state.model_choice
    return choice.name if choice is not None else ""


def _file(options: argparse.Namespace) -> Path:
    file: Path = options.out / "my photographs.serr-dataset"
    return file


def _dataset(options: argparse.Namespace):  # type: ignore[no-untyped-def]
    from core.datasets.dataset_file import read_dataset_file

    return read_dataset_file(_file(options))


# ------------------------------------------------------------------------------------------------------- the processes


def play(act: str, options: argparse.Namespace) -> int:
    """Start the program, play one act on it, and return its exit code."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from serr_gui.app import main as start_program
    from serr_gui.window.main_window import MainWindow

    app = QApplication(["serr-gui"])
    failed = False

    def go() -> None:
        nonlocal failed
        window = next((each for each in app.topLevelWidgets() if isinstance(each, MainWindow)), None)
        if window is None or not window.state.library_ready:
            QTimer.singleShot(50, app, go)
            return
        hand = Hand(window, options.out / "pictures", options.prefix or act)
        try:
            ACTS[act](hand, options)
            errors = [notice.text for notice in window.state.notices if notice.kind == "error"]
            assert not errors, f"the program told of errors: {errors}"
        except BaseException:
            from serr_gui.model.training import Trainings

            failed = True
            hand.look("failed")
            window.state.task, window.state.photos, window.state.trainings = None, (), Trainings()
            window.close()
            app.exit(1)
            raise

    QTimer.singleShot(0, app, go)
    code = start_program([])
    return 1 if failed else code


def play_all(options: argparse.Namespace) -> None:
    """All acts, one process after the other; between the first two the training must continue alone."""
    from core.jobs.store import list_jobs
    from core.training.run_view import follow_run

    for act in options.act or FIRST_ACTS:
        done = subprocess.run([sys.executable, "-m", __spec__.name, *sys.argv[1:], "--play", act], check=False)
        if done.returncode:
            raise SystemExit(f"{act} has failed with exit code {done.returncode}; see {options.out / 'pictures'}")
        if act == "1-begin":
            (job,) = list_jobs()
            assert job.alive, "the training continues without the window"
            before = follow_run(job.run).step
            deadline = time.monotonic() + _PATIENCE_S
            while follow_run(job.run).step <= before:
                assert time.monotonic() < deadline, "the training does not continue"
                time.sleep(0.2)
        sys.stdout.write(f"{act}: done\n")
        sys.stdout.flush()


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m tests.gui.training_session", description=__doc__)
    words.formatter_class = argparse.RawDescriptionHelpFormatter
    words.add_argument("photographs", type=Path, metavar="FOLDER", help="with labelled photographs")
    words.add_argument("out", type=Path, metavar="OUT", help="for the pictures and the program's own folders")
    words.add_argument(
        "--number",
        nargs=2,
        action="append",
        default=[],
        metavar=("FIELD", "VALUE"),
        help="a number of the form, by its name on the screen, such as 'Validate every' 20",
    )
    words.add_argument("--validations", type=int, default=4, metavar="N", help="to wait for after the pause")
    words.add_argument("--theme", default="light", choices=["light", "dark"])
    words.add_argument("--model", default="", help="name of the model to begin with; the program's own by default")
    words.add_argument("--prefix", default="", help="of the pictures' names")
    words.add_argument("--act", action="append", choices=list(ACTS), help="play this one alone")
    words.add_argument("--play", choices=list(ACTS), help=argparse.SUPPRESS)
    options = words.parse_args()
    options.photographs, options.out = options.photographs.absolute(), options.out.absolute()
    own = options.out / "own"
    for name in ("CONFIG_DIR", "CACHE_DIR", "LOG_DIR", "JOBS"):
        os.environ[f"SERR_{name}"] = str(own / name.lower())
    os.environ.setdefault("SERR_MODELS", str(own / "models"))
    os.environ["SERR_JOB_NICE"] = os.environ.get("SERR_JOB_NICE", "0")
    (options.out / "pictures").mkdir(parents=True, exist_ok=True)
    if options.play:
        sys.exit(play(options.play, options))
    from serr_gui.model.settings import load_settings, save_settings

    settings, _ = load_settings()
    save_settings(replace(settings, theme=options.theme, model=settings.model or options.model, device="cpu"))
    play_all(options)


if __name__ == "__main__":
    main()
