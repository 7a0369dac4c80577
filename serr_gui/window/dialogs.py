"""Boxes that a person opens: about, the list of keys, and the questions before something is lost."""

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QCoreApplication, Qt, qVersion
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core import __version__
from serr_gui.actions.qactions import translated
from serr_gui.actions.table import COMMANDS
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.widgets import icons
from serr_gui.widgets.controls import resize_on_screen
from serr_gui.widgets.questions import Answer, ask
from serr_gui.widgets.scrolling import scrolling
from serr_gui.window.docks import stacked

LoseAnswer = Literal["continue", "export", "stay"]
FolderAnswer = Literal["replace", "add", "stay"]

# Keys and mouse moves that are not commands.
_GESTURES = (
    (QT_TRANSLATE_NOOP("Keys", "Hide everything over the photograph"), QT_TRANSLATE_NOOP("Keys", "hold H")),
    (QT_TRANSLATE_NOOP("Keys", "Zoom at the cursor"), QT_TRANSLATE_NOOP("Keys", "wheel")),
    (
        QT_TRANSLATE_NOOP("Keys", "Move the photograph"),
        QT_TRANSLATE_NOOP("Keys", "drag, hold Space and drag, middle button, or arrow keys"),
    ),
    (
        QT_TRANSLATE_NOOP("Keys", "Cancel the stroke, or return to the hand tool"),
        QT_TRANSLATE_NOOP("Keys", "Esc"),
    ),
    (QT_TRANSLATE_NOOP("Keys", "Size of brush and eraser"), QT_TRANSLATE_NOOP("Keys", "Alt and wheel")),
    (
        QT_TRANSLATE_NOOP("Keys", "Straight line with brush or eraser"),
        QT_TRANSLATE_NOOP("Keys", "hold Shift and drag; Shift and click: from the end of the last stroke"),
    ),
    (QT_TRANSLATE_NOOP("Keys", "Fit, or go to 100 % at the cursor"), QT_TRANSLATE_NOOP("Keys", "double-click")),
)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Dialogs", text)


class AboutDialog(QDialog):
    """Version, licence, and what the program is not for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("About SERR Fundus"))
        picture = QLabel()
        picture.setPixmap(icons.program_icon().pixmap(72, 72))
        title = QLabel(f"<h2 style='margin:0'>SERR Fundus</h2>{self.tr('Version')} {__version__}")
        text = QLabel(
            self.tr(
                "<p>Finds, shows and exports the vessels in colour fundus photographs with a SERR-U-Net.</p>"
                "<p><b>Not a medical device: for research use only.</b> The masks and scores are not meant for "
                "diagnosis or for any decision about a patient.</p>"
                "<p>Photographs stay on this computer: the program sends nothing anywhere.</p>"
                "<p>Licence: MIT. The sample photograph is by Mikael Häggström (CC0).</p>"
                "<p>The networks learned from DRIVE and STARE (research and education only), CHASE_DB1 and HRF "
                "(CC BY 4.0). None of these photographs is part of the program. Whether a network that learned from "
                "them may be used commercially is not settled.</p>"
                "<p>Please cite the program (CITATION.cff), the method (Wang et al. 2021, "
                "doi 10.1155/2021/5976097) and the data sets that the network's card names.</p>"
            )
        )
        for label in (title, text):
            label.setTextFormat(Qt.TextFormat.RichText)
        text.setWordWrap(True)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        versions = QLabel(_versions())
        versions.setForegroundRole(versions.palette().ColorRole.PlaceholderText)
        versions.setWordWrap(True)
        versions.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        head = QHBoxLayout()
        head.setSpacing(16)
        head.addWidget(picture)
        head.addWidget(title, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 16)
        column.addLayout(head)
        column.addWidget(scrolling(stacked(text, versions)), 1)
        column.addWidget(buttons)
        resize_on_screen(self, 500, 520)


def _versions() -> str:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    parts = [f"Python {platform.python_version()}", f"Qt {qVersion()}"]
    for name in ("torch", "numpy", "opencv-python-headless"):
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:  # a bundle may leave the metadata out
            continue
    return ", ".join(parts)


class ShortcutsDialog(QDialog):
    """Every command that has a key, from the table of commands itself."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keyboard Shortcuts"))
        rows = [
            (
                translated(command.text).replace("&", "").removesuffix("..."),
                ", ".join(_native(key) for key in command.shortcuts if _native(key)),
            )
            for command in COMMANDS
            if command.shortcuts
        ]
        rows += [
            (QCoreApplication.translate("Keys", what), QCoreApplication.translate("Keys", how))
            for what, how in _GESTURES
        ]
        table = QTableWidget(len(rows), 2)
        table.setHorizontalHeaderLabels([self.tr("Command"), self.tr("Keys")])
        table.verticalHeader().hide()
        table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setAccessibleName(self.tr("Keyboard shortcuts"))
        for row, (what, how) in enumerate(rows):
            table.setItem(row, 0, QTableWidgetItem(what))
            table.setItem(row, 1, QTableWidgetItem(how))
        header = table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        table.setWordWrap(True)
        table.resizeRowsToContents()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        note = QLabel(self.tr("Keys of a single letter do nothing while you write in a text field."))
        column = QVBoxLayout(self)
        column.addWidget(table)
        column.addWidget(note)
        column.addWidget(buttons)
        resize_on_screen(self, 640, 620)


def _native(key: str | QKeySequence.StandardKey) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


def ask_to_lose(
    parent: QWidget,
    *,
    running: bool,
    unsaved: int,
    verb: str,
    can_export: bool = True,
    trainings: Sequence[str] = (),
    batches: Sequence[str] = (),
) -> LoseAnswer:
    """Ask before running work is stopped or results that were not exported are lost, and say what jobs do.

    ``verb`` names the loss, for the button; not used where nothing is lost. ``trainings`` : names of those that
    continue whatever is answered. ``batches`` : names of those that are paused.
    """
    sentences = []
    if running:
        sentences.append(_tr("Work is still running and will be stopped."))
    if unsaved == 1:
        sentences.append(_tr("The work on one photograph is not exported and will be lost."))
    elif unsaved > 1:
        sentences.append(_tr("The work on {count} photographs is not exported and will be lost.").format(count=unsaved))
    if trainings:
        text = _tr(
            "The training {name} continues without this window, and is shown again when the program is started again. "
            "Shutting down the computer interrupts it; it can be resumed then."
        )
        sentences.append(text.format(name=", ".join(trainings)))
    if batches:
        text = _tr(
            "The batch {name} is paused after the photographs in work. Nothing is lost: the next start offers to "
            "resume it."
        )
        sentences.append(text.format(name=", ".join(batches)))
    if not running and not unsaved:
        quit_now = [Answer("quit", _tr("Quit"))]
        pressed = ask(parent, _tr("Quit?"), " ".join(sentences), quit_now, default="quit", kind="question")
        return "continue" if pressed == "quit" else "stay"
    answers = [Answer("continue", verb, destructive=True)]
    if unsaved and can_export:
        verb_of_export = _tr("Export...") if unsaved == 1 else _tr("Export All...")
        answers.append(Answer("export", verb_of_export))
    question = "{}?".format(verb.replace("&", ""))
    pressed = ask(parent, question, " ".join(sentences), answers, default="export")
    return "continue" if pressed == "continue" else "export" if pressed == "export" else "stay"


def ask_what_of_the_last_time(parent: QWidget, unsaved: int) -> Literal["keep", "delete", ""]:
    """Ask what becomes of work that was not exported where a person starts without it."""
    text = _tr("Its work on {count} photographs is not exported. If kept, it is offered again at the next start.")
    if unsaved == 1:
        text = _tr("Its work on one photograph is not exported. If kept, it is offered again at the next start.")
    answers = [Answer("delete", _tr("Delete It"), destructive=True), Answer("keep", _tr("Keep It"))]
    question = _tr("Start without the work from last time?")
    pressed = ask(parent, question, text.format(count=unsaved), answers, default="keep", kind="question")
    return "keep" if pressed == "keep" else "delete" if pressed == "delete" else ""


def ask_to_discard(parent: QWidget, count: int) -> bool:
    """Ask before all corrections of a photograph are taken away."""
    text = _tr("{count} corrected pixels get the values of the network. Undo brings the corrections back.")
    answers = [Answer("discard", _tr("Discard"), destructive=True)]
    question = _tr("Discard all corrections of this photograph?")
    return ask(parent, question, text.format(count=f"{count:,}"), answers) == "discard"


def ask_to_replace(parent: QWidget, question: str, *, open_now: int, unsaved: int, can_replace: bool) -> FolderAnswer:
    """Ask whether the photographs of a folder or a session take the place of those that are open, or come to them."""
    sentences = [_tr("Open photographs: {count}.").format(count=open_now)]
    if unsaved and can_replace:
        text = _tr("Replacing them loses the results of {count} that are not exported.")
        sentences.append(text.format(count=unsaved))
    if not can_replace:
        sentences.append(_tr("They cannot be replaced while work is running."))
    answers = [
        Answer("replace", _tr("Replace Them"), destructive=True, enabled=can_replace),
        Answer("add", _tr("Add to Them")),
    ]
    pressed = ask(parent, question, " ".join(sentences), answers, kind="question")
    return "replace" if pressed == "replace" else "add" if pressed == "add" else "stay"
