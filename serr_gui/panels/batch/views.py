"""Parts of the batch panel: the list of batches, and the table of photographs."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import (
    QAbstractTableModel,
    QCoreApplication,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QIcon, QKeyEvent
from PySide6.QtWidgets import QHeaderView, QTableView, QWidget

from core.batch.items import State
from core.files import display_path
from serr_gui.model.batch import BatchFacts, BatchRow
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.widgets import icons
from serr_gui.widgets.work_list import WorkList, WorkRow

_LETTERS: Final = (22, 9, 13)
_NARROW_LETTERS: Final = (12, 7, 11)
"""Widths of the columns before the last; the icon and the margins come to that."""
_BESIDE_PX: Final = 20
_REASON: Final = 3
_LIST_ICONS: Final = {
    "running": "segment-all",
    "pausing": "pause",
    "stopping": "stop",
    "done": "success",
    "paused": "pause",
    "stopped": "stop",
    "failed": "error",
    "interrupted": "warning",
    "unreadable": "error",
}
_WORDS: Final = {
    "watching": QT_TRANSLATE_NOOP("Batch", "waits for photographs"),
    "running": QT_TRANSLATE_NOOP("Batch", "running"),
    "pausing": QT_TRANSLATE_NOOP("Batch", "pausing after the photographs in work"),
    "stopping": QT_TRANSLATE_NOOP("Batch", "stopping after the photographs in work"),
    "done": QT_TRANSLATE_NOOP("Batch", "done"),
    "paused": QT_TRANSLATE_NOOP("Batch", "paused"),
    "stopped": QT_TRANSLATE_NOOP("Batch", "stopped"),
    "failed": QT_TRANSLATE_NOOP("Batch", "stopped by a problem"),
    "interrupted": QT_TRANSLATE_NOOP("Batch", "interrupted"),
    "unreadable": QT_TRANSLATE_NOOP("Batch", "cannot be read"),
}
_ROW_STATES: Final[dict[State, str]] = {
    "waiting": QT_TRANSLATE_NOOP("Batch", "waiting"),
    "running": QT_TRANSLATE_NOOP("Batch", "in work"),
    "done": QT_TRANSLATE_NOOP("Batch", "done"),
    "kept": QT_TRANSLATE_NOOP("Batch", "kept"),
    "failed": QT_TRANSLATE_NOOP("Batch", "failed"),
}


def word_text(facts: BatchFacts) -> str:
    """How a batch is, in words."""
    waits = facts.watched and facts.word == "running" and facts.status is not None and not facts.status.left
    return QCoreApplication.translate("Batch", _WORDS["watching" if waits else facts.word])


def name_text(folder: Path) -> str:
    """What a batch is called: its folder with the one around it."""
    return display_path(Path(*folder.parts[-2:]))


def counts_text(facts: BatchFacts) -> str:
    """How many photographs have an outcome, of how many."""
    status = facts.status
    return "" if status is None else f"{status.total - status.left:,} / {status.total:,}"


class BatchList(WorkList):
    """The batches, the newest on top; the key of each is its folder."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Batches"), Qt.TextElideMode.ElideMiddle, parent)

    def show_batches(self, known: tuple[BatchFacts, ...], chosen: Path | None) -> None:
        self.show_rows([_row(facts) for facts in known], str(chosen or ""))


def _row(facts: BatchFacts) -> WorkRow:
    parts = (word_text(facts), counts_text(facts))
    return WorkRow(
        str(facts.folder),
        f"{name_text(facts.folder)}\n{', '.join(filter(None, parts))}",
        _LIST_ICONS[facts.word],
        "\n".join(filter(None, [display_path(facts.folder), facts.problem])),
    )


class PhotoRows(QAbstractTableModel):
    """The photographs of a batch as a table; nothing is made for rows that are not seen."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._rows: tuple[BatchRow, ...] = ()
        self._icons: dict[str, QIcon] = {}
        self._titles = (self.tr("Photograph"), self.tr("State"), self.tr("Vessel share"), self.tr("Reason or doubts"))

    def row(self, index: int) -> BatchRow | None:
        return self._rows[index] if 0 <= index < len(self._rows) else None

    def set_rows(self, rows: tuple[BatchRow, ...]) -> bool:
        """Show others. Returns whether the lines are not those that they were, so that the choice is gone."""
        old = self._rows
        same = [row.place for row in old] == [row.place for row in rows[: len(old)]] and bool(old)
        if not same:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
            return True
        if len(rows) > len(old):
            self.beginInsertRows(QModelIndex(), len(old), len(rows) - 1)
            self._rows = rows
            self.endInsertRows()
        self._rows = rows
        if rows[: len(old)] != old:
            self.dataChanged.emit(self.index(0, 0), self.index(len(old) - 1, 3))
        return False

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        return None

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, column = self._rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return display_path(row.photo) if column == 0 else row.text
        if role == Qt.ItemDataRole.TextAlignmentRole and column == 2:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.DecorationRole and column == 1:
            return self._icon(row)
        return None

    def forget_icons(self) -> None:
        """The colours are others."""
        self._icons.clear()

    def _icon(self, row: BatchRow) -> QIcon | None:
        """For those that need a look; made once, since each painting asks for it."""
        doubtful = row.has_result and bool(row.text)
        name = "error" if row.state == "failed" else "doubtful" if doubtful else ""
        if name and name not in self._icons:
            self._icons[name] = icons.icon(name)
        return self._icons.get(name)

    def _text(self, row: BatchRow, column: int) -> str:
        if column == 0:
            return display_path(row.place)
        if column == 1:
            return QCoreApplication.translate("Batch", _ROW_STATES[row.state])
        if column == 2:
            return "" if row.share is None else f"{row.share * 100:.1f} %"
        return row.text


class PhotoTable(QTableView):
    """The photographs; ``photoRequested`` carries the ``BatchRow`` of one that is to be opened."""

    photoRequested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = PhotoRows(self)
        self.setModel(self.rows)
        self.setAccessibleName(self.tr("Photographs of the batch"))
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMinimumHeight(90)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setStretchLastSection(True)
        self.set_narrow(narrow=False)
        self.doubleClicked.connect(lambda index: self.request(index.row()))

    def set_narrow(self, *, narrow: bool) -> None:
        """Have fewer columns, and narrower ones; what is the matter with the chosen photograph is said below."""
        letter = self.fontMetrics().averageCharWidth()
        for column, letters in enumerate(_NARROW_LETTERS if narrow else _LETTERS):
            self.horizontalHeader().resizeSection(column, letters * letter + _BESIDE_PX)
        self.setColumnHidden(_REASON, narrow)

    def show_rows(self, rows: tuple[BatchRow, ...]) -> None:
        """Show others; the chosen photograph stays chosen where it is among them."""
        chosen = self.chosen
        if self.rows.set_rows(rows) and chosen is not None:
            at = next((number for number, row in enumerate(rows) if row.place == chosen.place), None)
            if at is not None:
                self.selectRow(at)

    @property
    def chosen(self) -> BatchRow | None:
        """The photograph in the current row."""
        return self.rows.row(self.currentIndex().row())

    def request(self, row: int) -> None:
        found = self.rows.row(row)
        if found is not None:
            self.photoRequested.emit(found)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.rows.forget_icons()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.request(self.currentIndex().row())
        else:
            super().keyPressEvent(event)
