"""Words for the parts of a data set, the same in each dialog."""

from typing import Final

from PySide6.QtCore import QCoreApplication

from core.datasets.dataset_file import Part
from serr_gui.model.i18n import QT_TRANSLATE_NOOP

_PARTS: Final[dict[Part, str]] = {
    "training": QT_TRANSLATE_NOOP("DataSet", "training"),
    "validation": QT_TRANSLATE_NOOP("DataSet", "validation"),
    "test": QT_TRANSLATE_NOOP("DataSet", "test"),
    "unused": QT_TRANSLATE_NOOP("DataSet", "not used"),
}


def part_text(part: Part) -> str:
    """A part of a data set in words."""
    return QCoreApplication.translate("DataSet", _PARTS[part])
