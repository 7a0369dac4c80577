"""Questions about models: which is used from now on, and whether results of several go into one folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QMessageBox, QWidget

from serr_gui.model.state import ModelChoice
from serr_gui.widgets.questions import Answer, ask

MixAnswer = Literal["as they are", "again", "cancel"]


def _tr(text: str) -> str:
    return QCoreApplication.translate("Dialogs", text)


class UseModelDialog(QMessageBox):
    """Asks whether an added model is used from now on. ``useRequested`` carries its file."""

    useRequested = Signal(Path)

    def __init__(self, choice: ModelChoice, now: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setIcon(QMessageBox.Icon.Question)
        self.setWindowTitle("SERR Fundus")
        self.setText(_tr("Use {name} from now on?").format(name=choice.name))
        kept = _tr("It stays among the models in either case. Until another is chosen, {name} is used.").format(
            name=now
        )
        self.setInformativeText("\n\n".join([choice.experience, kept]))
        use = self.addButton(_tr("&Use {name}").format(name=_shown(choice.name)), QMessageBox.ButtonRole.AcceptRole)
        keep = self.addButton(_tr("&Keep {name}").format(name=_shown(now)), QMessageBox.ButtonRole.RejectRole)
        self.setDefaultButton(keep)
        self.setEscapeButton(keep)
        use.clicked.connect(lambda: self.useRequested.emit(choice.path))


def ask_to_mix(parent: QWidget, made_with: Sequence[tuple[str, int]], outdated: int, chosen: str) -> MixAnswer:
    """Ask before results are exported together that are not all made with what is chosen now.

    Parameters
    ----------
    made_with : the models of the results, each with how many it made. ``outdated`` : how many would be made otherwise.
    """
    whole = sum(count for _, count in made_with)
    line = _tr("{name}: {count} of {whole}")
    counted = "\n".join(line.format(name=name, count=count, whole=whole) for name, count in made_with)
    question = _tr("Some of these results were not made with what is chosen now. Export them?")
    if len(made_with) > 1:
        question = _tr("These results are of several models. Export them together?")
    now = _tr("{count} of them were not made with the model {name} and the fields of view that are chosen now.")
    details = "\n\n".join([counted, now.format(count=outdated, name=chosen)])
    answers = [
        Answer("as they are", _tr("&Export as They Are"), destructive=True),
        Answer("again", _tr("&Segment Again with {name}").format(name=_shown(chosen))),
    ]
    pressed = ask(parent, question, details, answers)
    return "as they are" if pressed == "as they are" else "again" if pressed == "again" else "cancel"


def _shown(name: str) -> str:
    """A name on a button, where & would mark a key."""
    return name.replace("&", "&&")
