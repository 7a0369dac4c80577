"""The table of all photographs: a line each, the worst first, and its totals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QWidget

from core.evaluation.confusion import Scores
from serr_gui.widgets.score_texts import DASH, SCORES, WHY_UNDEFINED, score_text, translated

KEYS: Final = tuple(key for key, _, _ in SCORES)
SHORT: Final = {
    **{"accuracy": "ACC", "sensitivity": "SE", "specificity": "SP", "precision": "PPV", "f1": "F1", "iou": "IoU"},
    **{"mcc": "MCC", "kappa": "Kappa", "cl_dice": "clDice", "auc_roc": "AUC"},
    **{"thin_sensitivity": "Thin SE", "pieces": "Pieces", "pieces_error": "B0 err."},
}
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line of a table: a photograph (``path``) or a total; without ``scores`` a sentence says why."""

    name: str
    scores: Scores | None
    path: Path | None = None
    sentence: str = ""
    picture: QIcon | None = None
    is_deviation: bool = False

    def value(self, column: int) -> float:
        """The score of a column, from 1."""
        return float(getattr(self.scores, KEYS[column - 1])) if self.scores is not None else math.nan


class LinesModel(QAbstractTableModel):
    """Lines with a name and a column for each score; those without scores always come last."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: list[Line] = []
        self._column, self._order = KEYS.index("f1") + 1, Qt.SortOrder.AscendingOrder

    def set_lines(self, lines: Sequence[Line], *, in_order: bool = False) -> None:
        """Show other lines, sorted as before, or just as they come."""
        self.beginResetModel()
        self._lines = list(lines) if in_order else self._sorted(lines)
        self.endResetModel()

    def line(self, row: int) -> Line:
        return self._lines[row]

    def row_of(self, path: Path | None) -> int:
        """The row of a photograph, -1 where it is not there."""
        return next((row for row, line in enumerate(self._lines) if path is not None and line.path == path), -1)

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._lines)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 1 + len(KEYS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.tr("Photograph") if section == 0 else SHORT[KEYS[section - 1]]
        if role == Qt.ItemDataRole.ToolTipRole and section:
            _, name, meaning = SCORES[section - 1]
            return f"{translated(name)}: {translated(meaning)}"
        if role == Qt.ItemDataRole.TextAlignmentRole and section:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line, column = self._lines[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return line.name if column == 0 else self._text(line, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column and line.scores is not None:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return line.picture
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(line, column)
        return None

    def _tip(self, line: Line, column: int) -> str | None:
        if line.sentence or column == 0 or line.scores is None:
            return line.sentence or (str(line.path) if line.path is not None else None)
        if not math.isnan(line.value(column)):
            return None
        if line.is_deviation:
            return self.tr("Undefined: fewer than two photographs have this score.")
        return translated(WHY_UNDEFINED[KEYS[column - 1]])

    def _text(self, line: Line, column: int) -> str:
        if line.scores is None:
            return line.sentence if column == 1 else ""
        value = line.value(column)
        return DASH if math.isnan(value) else score_text(KEYS[column - 1], value)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._column, self._order = column, order
        self.set_lines(self._lines)

    def _sorted(self, lines: Sequence[Line]) -> list[Line]:
        good = [line for line in lines if line.scores is not None]
        down = self._order == Qt.SortOrder.DescendingOrder
        if self._column == 0:
            good.sort(key=lambda line: line.name.lower(), reverse=down)
        else:
            # Undefined counts as worst.
            good.sort(key=lambda line: value if (value := line.value(self._column)) == value else -2.0, reverse=down)
        return good + [line for line in lines if line.scores is None]
