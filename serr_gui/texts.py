"""Texts that stand in tables: marked for translation there, translated where they are shown."""


def QT_TRANSLATE_NOOP(context: str, text: str) -> str:
    """Gives back ``text``. The name is the one that Qt's tools look for; PySide's own loses the type."""
    return text
