"""Texts that are marked for translation in one place and translated in another; here no Qt is known."""

from collections.abc import Callable

Translator = Callable[[str, str], str]
"""From a context and an English text to the text in the language of the program."""

_translator: list[Translator] = []


def QT_TRANSLATE_NOOP(context: str, text: str) -> str:
    """Gives back ``text``. The name is the one that Qt's tools look for; PySide's own loses the type."""
    return text


def use_translator(translator: Translator) -> None:
    """From now on ``translate`` asks this one: Qt's, in the running program."""
    _translator[:] = [translator]


def translate(context: str, text: str) -> str:
    """The text in the language of the program; English where nothing translates. Qt's tools find calls of this name."""
    return _translator[0](context, text) if _translator else text
