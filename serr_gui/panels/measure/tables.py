"""Two tables: the measures of a photograph, and those of each vessel segment."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import (
    QAbstractTableModel,
    QCoreApplication,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from core.measures.summary import CODEBOOK, VesselMeasures, unit_of
from core.measures.tortuosity import Tortuosity
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.model.measuring import Measured
from serr_gui.widgets.measure_texts import (
    bar_text,
    kind_name,
    measure_name,
    short_bar_text,
    uncorrected_text,
    unit_text,
    value_text,
)

_Index = QModelIndex | QPersistentModelIndex
_RIGHT: Final = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_WAITING: Final = "\u2026"
"""In place of a value that is being measured."""
_WHY_UNDEFINED: Final = {
    2: QT_TRANSLATE_NOOP(
        "Measures", "Undefined: too few places of this segment are away from branchings and have two clear edges."
    ),
    3: QT_TRANSLATE_NOOP("Measures", "Undefined: this segment comes back to where it began, so it has no chord."),
}


class PhotoModel(QAbstractTableModel):
    """A line for each measure: what it is and where, value, unit, error bar, the value without corrections, and a note.

    ``narrow`` : error bars are only how far they go, and in the place of one that does not exist is the reason.
    """

    NOTE: Final = 5
    UNCORRECTED: Final = 4

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._measures: VesselMeasures | None = None
        self._names = list(CODEBOOK)
        self._waits = self._assumed = self._narrow = False

    def set_measures(self, measures: VesselMeasures | None, *, waits: bool, assumed: bool = False) -> None:
        """Show measures; None: none, which ``waits`` for those that are being made.

        ``assumed`` : the size of a pixel is, which each length says.
        """
        self.beginResetModel()
        self._measures, self._waits, self._assumed = measures, waits, assumed
        self.endResetModel()

    def set_narrow(self, narrow: bool) -> None:
        """Whether there is little room."""
        self.beginResetModel()
        self._narrow = narrow
        self.endResetModel()

    def is_corrected(self) -> bool:
        """Whether there are values without corrections by hand."""
        return self._measures is not None and any(not math.isnan(row.uncorrected) for row in self._measures.rows)

    def note_of(self, row: int) -> str:
        """What is to be said of the measure in a row; empty for nothing."""
        return self._measures[self._names[row]].note if self._measures is not None else ""

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._names)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 6

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            names = (self.tr("Measure"), self.tr("Value"), self.tr("Unit"))
            return (*names, self.tr("Error bar"), self.tr("Uncorrected"), self.tr("Note"))[section]
        if role == Qt.ItemDataRole.ToolTipRole and section == self.UNCORRECTED:
            return self.tr("The value without the corrections by hand; in brackets what they have changed")
        if role == Qt.ItemDataRole.ToolTipRole and section == 3:
            return self.tr(
                "The least and the greatest value when the threshold moves by 0.1 to both sides, and in the mirrored "
                "photograph after Flips; \u00b1: how far that is from the value"
            )
        return _RIGHT if role == Qt.ItemDataRole.TextAlignmentRole and section in (1, 3, 4) else None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        name, column = self._names[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(name, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (1, 3, 4):
            return None if column == 3 and self._says_why(name) else _RIGHT
        if role == Qt.ItemDataRole.ToolTipRole:
            note = self._measures[name].note if self._measures is not None else ""
            if self._narrow and self._measures is not None:
                note = f"{bar_text(self._measures[name])}\n{note}".strip()
            pixel = self._measures.pixel if self._measures is not None else None
            if pixel is not None and "um" in unit_of(name, pixel):
                size = self.tr("A pixel is {um} \u00b5m wide ({source}).")
                note = f"{note}\n{size.format(um=f'{pixel.um:.4g}', source=pixel.source)}".strip()
            return "\n".join(filter(None, (note, CODEBOOK[name], name)))
        if role == Qt.ItemDataRole.FontRole and column == 3 and self._moves(name):
            font = QFont()
            font.setBold(True)
            return font
        return None

    def _moves(self, name: str) -> bool:
        found = self._measures[name] if self._measures is not None else None
        return found is not None and bool(found.note) and not math.isnan(found.value)

    def _says_why(self, name: str) -> bool:
        """Whether the reason for a dash takes the place of the error bar."""
        return self._narrow and self._measures is not None and math.isnan(self._measures[name].value)

    def _text(self, name: str, column: int) -> str:
        if column == 0:
            return measure_name(name)
        if self._measures is None:
            return _WAITING if column == 1 and self._waits else ""
        found = self._measures[name]
        bar = short_bar_text(found) if self._narrow else bar_text(found)
        bar = found.note if self._says_why(name) else bar
        texts = {1: value_text(found.value, found.unit), 3: bar, 4: uncorrected_text(found), 5: found.note}
        if column in texts:
            return texts[column]
        unit = unit_of(name, self._measures.pixel)
        text = unit_text(unit)
        if not self._assumed or "um" not in unit:
            return text
        return f"{text}*" if self._narrow else self.tr("{unit} (assumed)").format(unit=text)


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    values: tuple[float, ...]
    kind: str


class SegmentModel(QAbstractTableModel):
    """A line for each vessel segment, sorted by any column; what is not known always comes last."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: list[_Line] = []
        self._unit = "px"
        self._column, self._order = 1, Qt.SortOrder.DescendingOrder

    def set_measured(self, found: Measured | None) -> None:
        """Show the segments of a photograph."""
        measures = found.measures if found is not None else None
        self.beginResetModel()
        self._lines = [] if found is None or measures is None else self._sorted(_lines_of(measures, found.windings))
        self._unit = "px" if measures is None or measures.pixel is None else "\u00b5m"
        self.endResetModel()

    def vessel(self, row: int) -> int:
        """The number of the vessel in a row."""
        return self._lines[row].number

    def row_of(self, vessel: int) -> int:
        """The row of a vessel, -1 where it is not there."""
        return next((row for row, line in enumerate(self._lines) if line.number == vessel), -1)

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._lines)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 7

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Vertical:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            names = (
                self.tr("No."),
                self.tr("Length ({unit})").format(unit=self._unit),
                self.tr("Width ({unit})").format(unit=self._unit),
                self.tr("Tortuosity"),
                self.tr("Turning (rad)"),
                self.tr("Inflections"),
                self.tr("Marked as"),
            )
            return names[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            tips = {3: self.tr("Length / chord - 1: 0 for a straight vessel"), 4: self.tr("Integral of the curvature")}
            return tips.get(section)
        return _RIGHT if role == Qt.ItemDataRole.TextAlignmentRole and section != 6 else None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line, column = self._lines[index.row()], index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole and column != 6:
            return _RIGHT
        if role == Qt.ItemDataRole.ToolTipRole and column in _WHY_UNDEFINED:
            return self._why_undefined(line, column)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if column == 0:
            return str(line.number + 1)
        if column == 6:
            return kind_name(line.kind)
        return value_text(line.values[column - 1], "count" if column == 5 else "")

    def _why_undefined(self, line: _Line, column: int) -> str | None:
        """Why there is a dash in place of a value; None where there is none."""
        missing = math.isnan(line.values[column - 1])
        return QCoreApplication.translate("Measures", _WHY_UNDEFINED[column]) if missing else None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.layoutAboutToBeChanged.emit()
        self._column, self._order = column, order
        self._lines = self._sorted(self._lines)
        self.layoutChanged.emit()

    def _sorted(self, lines: Sequence[_Line]) -> list[_Line]:
        down = self._order == Qt.SortOrder.DescendingOrder
        if self._column == 0:
            return sorted(lines, key=lambda line: line.number, reverse=down)
        if self._column == 6:
            return sorted(lines, key=lambda line: line.kind, reverse=down)
        known = [line for line in lines if not math.isnan(line.values[self._column - 1])]
        known.sort(key=lambda line: line.values[self._column - 1], reverse=down)
        return known + [line for line in lines if math.isnan(line.values[self._column - 1])]


def _lines_of(measures: VesselMeasures, windings: Sequence[Tortuosity]) -> list[_Line]:
    scale = measures.pixel.um if measures.pixel is not None else 1.0
    lines = []
    for number, (vessel, winding) in enumerate(zip(measures.tree.vessels, windings, strict=True)):
        lengths = (vessel.line.length_px * scale, vessel.width_px * scale)
        values = (*lengths, winding.arc_chord, winding.turning, float(winding.inflections))
        lines.append(_Line(number, values, measures.kinds.get(number, "")))
    return lines


def measure_table(name: str, model: QAbstractTableModel) -> QTableView:
    """A table whose rows are chosen as a whole."""
    table = QTableView()
    table.setAccessibleName(name)
    table.setModel(model)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setWordWrap(False)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 6)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    table.horizontalHeader().setStretchLastSection(True)
    table.horizontalHeader().setMinimumSectionSize(20)
    table.setMinimumSize(200, 60)
    return table


class SegmentTable(QWidget):
    """The table of segments. ``vesselRequested`` carries the number of a vessel in whose row a person has gone."""

    vesselRequested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = SegmentModel(self)
        self.view = measure_table(self.tr("Vessel segments with their measures"), self.model)
        self.view.setSortingEnabled(True)
        self.view.sortByColumn(1, Qt.SortOrder.DescendingOrder)
        self.view.selectionModel().currentRowChanged.connect(self._on_row)
        self._showing = False
        self._chosen = -1
        self.model.layoutChanged.connect(lambda: self.choose(self._chosen))

    def set_measured(self, found: Measured | None) -> None:
        """Show the segments of a photograph."""
        self._showing = True
        self.model.set_measured(found)
        self._showing = False

    def choose(self, vessel: int) -> None:
        """Go to the row of a vessel; -1: to none."""
        row, self._chosen = self.model.row_of(vessel), vessel
        self._showing = True
        if row < 0:
            self.view.clearSelection()
            self.view.setCurrentIndex(QModelIndex())
        elif self.view.currentIndex().row() != row:
            index = self.model.index(row, 0)
            how = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self.view.selectionModel().setCurrentIndex(index, how)
            self.view.scrollTo(index)
        self._showing = False

    def _on_row(self, current: QModelIndex) -> None:
        if not self._showing and current.isValid():
            self.vesselRequested.emit(self.model.vessel(current.row()))
