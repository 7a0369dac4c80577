"""Answering the question that comes after a model was added."""

from pytestqt.qtbot import QtBot

from serr_gui.app import Program
from serr_gui.window.model_dialogs import UseModelDialog


def answer_use(program: Program, qtbot: QtBot, button: str) -> str:
    """Press a button of the question whether an added model is used; returns what the question said."""
    asked: list[UseModelDialog] = []

    def is_there() -> bool:
        asked[:] = [box for box in program.window.findChildren(UseModelDialog) if box.isVisible()]
        return bool(asked)

    qtbot.waitUntil(is_there, timeout=60_000)
    text = f"{asked[0].text()} {asked[0].informativeText()}"
    next(each for each in asked[0].buttons() if each.text().replace("&", "") == button).click()
    return text
