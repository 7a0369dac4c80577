"""A list of work that is done elsewhere, such as trainings and batches: each with an icon and two lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QWidget

from serr_gui.widgets import icons

_ICON_ROLE: Final = Qt.ItemDataRole.UserRole + 1


@dataclass(frozen=True, slots=True)
class WorkRow:
    """A line of the list; ``key`` tells it from all others, ``icon`` is a name of ``icons``."""

    key: str
    text: str
    icon: str
    tooltip: str


class WorkList(QListWidget):
    """Keeps its place while its rows change. ``keyRequested`` carries the key of one that a person chose."""

    keyRequested = Signal(str)

    def __init__(self, name: str, leave_out: Qt.TextElideMode, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setIconSize(QSize(18, 18))
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(leave_out)
        self.currentItemChanged.connect(self._on_current_changed)

    def show_rows(self, rows: Sequence[WorkRow], chosen: str) -> None:
        """Show these; only what has changed is touched. ``chosen`` : the key of the current one, or empty."""
        with QSignalBlocker(self):
            keys = [self.item(number).data(Qt.ItemDataRole.UserRole) for number in range(self.count())]
            if keys != [row.key for row in rows]:
                self.clear()
                for row in rows:
                    item = QListWidgetItem()
                    item.setData(Qt.ItemDataRole.UserRole, row.key)
                    self.addItem(item)
            for number, row in enumerate(rows):
                _show(self.item(number), row)
                if row.key == chosen and self.currentRow() != number:
                    self.setCurrentRow(number)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            for number in range(self.count()):
                item = self.item(number)
                item.setIcon(icons.icon(str(item.data(_ICON_ROLE))))

    def _on_current_changed(self, current: QListWidgetItem | None, _before: QListWidgetItem | None) -> None:
        if current is not None:
            self.keyRequested.emit(current.data(Qt.ItemDataRole.UserRole))


def _show(item: QListWidgetItem, row: WorkRow) -> None:
    if item.text() != row.text:
        item.setText(row.text)
    if item.toolTip() != row.tooltip:
        item.setToolTip(row.tooltip)
    if item.data(_ICON_ROLE) != row.icon:
        item.setData(_ICON_ROLE, row.icon)
        item.setIcon(icons.icon(row.icon))
