"""Questions with verbs on their buttons; Cancel is what Enter and Esc mean unless the question says otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from core.files import display_path
from serr_gui.model.i18n import QT_TRANSLATE_NOOP

_CANCEL = QT_TRANSLATE_NOOP("Dialogs", "Cancel")
_REPLACE = QT_TRANSLATE_NOOP("Dialogs", "Replace")
_REPLACE_ONE = QT_TRANSLATE_NOOP("Dialogs", "Replace {name}?")
_REPLACE_MANY = QT_TRANSLATE_NOOP("Dialogs", "Replace {count} files?")
_LOST = QT_TRANSLATE_NOOP("Dialogs", "They exist already, and their contents will be lost: {names}.")
_LOST_ONE = QT_TRANSLATE_NOOP("Dialogs", "A file with this name exists. Its contents will be lost.")


@dataclass(frozen=True, slots=True)
class Answer:
    """A button: what ``ask`` gives for it, its verb, and whether something is lost by it."""

    key: str
    verb: str
    destructive: bool = False
    enabled: bool = True


def ask(
    parent: QWidget,
    question: str,
    details: str,
    answers: Sequence[Answer],
    *,
    default: str = "",
    kind: Literal["question", "warning"] = "warning",
) -> str:
    """Ask, and wait for the answer.

    Parameters
    ----------
    question, details : plain text, the second smaller below the first.
    default : the key of the answer that Enter gives; empty for Cancel.

    Returns
    -------
    The key of the answer, empty for Cancel, Esc and a closed box.
    """
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Warning if kind == "warning" else QMessageBox.Icon.Question)
    box.setWindowTitle("SERR Fundus")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(question)
    box.setInformativeText(details)
    buttons = {}
    for answer in answers:
        role = QMessageBox.ButtonRole.DestructiveRole if answer.destructive else QMessageBox.ButtonRole.AcceptRole
        buttons[answer.key] = box.addButton(answer.verb, role)
        buttons[answer.key].setEnabled(answer.enabled)
    cancel = box.addButton(QCoreApplication.translate("Dialogs", _CANCEL), QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(buttons.get(default, cancel))
    box.setEscapeButton(cancel)
    box.exec()
    pressed = box.clickedButton()
    box.deleteLater()
    return next((key for key, button in buttons.items() if button is pressed), "")


def may_replace(parent: QWidget, existing: Sequence[Path]) -> bool:
    """Ask before files are replaced; True where there are none."""
    if not existing:
        return True

    def text(source: str) -> str:
        return QCoreApplication.translate("Dialogs", source)

    names = ", ".join(display_path(path.name) for path in existing)
    question, details = text(_REPLACE_ONE).format(name=names), text(_LOST_ONE)
    if len(existing) > 1:
        question, details = text(_REPLACE_MANY).format(count=len(existing)), text(_LOST).format(names=names)
    return ask(parent, question, details, [Answer("replace", text(_REPLACE), destructive=True)]) == "replace"
