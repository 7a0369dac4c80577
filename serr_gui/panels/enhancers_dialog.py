"""The networks that enhance photographs: what each is, and what a person does with their own."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QPlainTextEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from serr_gui.model.enhancing import EnhancerChoice
from serr_gui.model.state import AppState
from serr_gui.widgets.controls import faded, listen, resize_on_screen

_FILE: Final = Qt.ItemDataRole.UserRole


class EnhancersDialog(QDialog):
    """Lists the networks; every signal but ``addRequested`` carries the ``EnhancerChoice`` that is selected."""

    addRequested = Signal()
    aboutRequested = Signal(object)
    editRequested = Signal(object)
    exportRequested = Signal(object)
    removeRequested = Signal(object)

    def __init__(self, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._listed: tuple[EnhancerChoice, ...] = ()
        self.setWindowTitle(self.tr("Networks That Enhance"))
        use = self.tr(
            "View > Enhance (F6) uses one of these on the photograph on the screen. None of them finds vessels."
        )
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.rejected.connect(self.reject)
        row = QHBoxLayout()
        row.addLayout(self._make_list(), 1)
        row.addLayout(self._make_buttons())
        column = QVBoxLayout(self)
        column.addWidget(faded(use))
        column.addLayout(row)
        column.addWidget(close)
        listen(self, state.events.enhancing, self._show)
        for event in (state.events.task, state.events.library_ready):
            listen(self, event, self._show_selected)
        self._show()
        resize_on_screen(self, 720, 440)

    def selected(self) -> EnhancerChoice | None:
        """The network whose row is selected."""
        path = self._selected_path()
        return next((choice for choice in self._state.enhancing.choices if choice.path == path), None)

    def _make_list(self) -> QVBoxLayout:
        self.networks = QTreeWidget()
        self.networks.setAccessibleName(self.tr("Networks that enhance photographs"))
        self.networks.setHeaderLabels([self.tr("Name"), self.tr("Size of the picture"), self.tr("From")])
        self.networks.setRootIsDecorated(False)
        self.networks.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.networks.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.networks.currentItemChanged.connect(self._show_selected)
        self.measured = QPlainTextEdit()
        self.measured.setReadOnly(True)
        self.measured.setAccessibleName(self.tr("What was measured"))
        column = QVBoxLayout()
        column.addWidget(self.networks, 1)
        column.addWidget(self.measured, 1)
        return column

    def _make_buttons(self) -> QVBoxLayout:
        self.add = QPushButton(self.tr("&Add Weights File..."))
        self.add.clicked.connect(self.addRequested)
        self.about, self.edit = QPushButton(self.tr("A&bout...")), QPushButton(self.tr("&Name and Notes..."))
        self.export, self.remove = QPushButton(self.tr("&Export...")), QPushButton(self.tr("&Remove..."))
        self.about.clicked.connect(lambda: self.aboutRequested.emit(self.selected()))
        self.edit.clicked.connect(lambda: self.editRequested.emit(self.selected()))
        self.export.clicked.connect(lambda: self.exportRequested.emit(self.selected()))
        self.remove.clicked.connect(lambda: self.removeRequested.emit(self.selected()))
        column = QVBoxLayout()
        for button in (self.add, self.about, self.edit, self.export, self.remove):
            button.setAutoDefault(False)
            column.addWidget(button)
        column.addStretch(1)
        return column

    def _selected_path(self) -> Path | None:
        item = self.networks.currentItem()
        return item.data(0, _FILE) if item is not None else None

    def _show(self) -> None:
        choices = self._state.enhancing.choices
        if choices != self._listed:
            wanted, rows = self._row_to_select(choices), [self._make_row(choice) for choice in choices]
            with QSignalBlocker(self.networks):
                self.networks.clear()
                self.networks.addTopLevelItems(rows)
                if rows:
                    self.networks.setCurrentItem(rows[wanted])
            self._listed = choices
        self._show_selected()

    def _make_row(self, choice: EnhancerChoice) -> QTreeWidgetItem:
        size = self.tr("as the photograph") if choice.scale == 1 else self.tr("each side doubled")
        source = self.tr("this program") if choice.bundled else self.tr("added by you")
        item = QTreeWidgetItem([choice.name, size, source])
        item.setData(0, _FILE, choice.path)
        item.setToolTip(0, str(choice.path))
        return item

    def _row_to_select(self, choices: tuple[EnhancerChoice, ...]) -> int:
        """The row of what was just added, else of the network that was selected, which may have another name now."""
        known = {choice.sha256 for choice in self._listed}
        path = self._selected_path() or self._state.enhancing.chosen
        sha256 = next((choice.sha256 for choice in self._listed if choice.path == path), None)
        for wanted in (
            lambda one: bool(known) and one.sha256 not in known,
            lambda one: one.path == path,
            lambda one: one.sha256 == sha256,
        ):
            found = [number for number, one in enumerate(choices) if wanted(one)]
            if found:
                return found[0]
        return 0

    def _show_selected(self) -> None:
        choice, idle = self.selected(), self._state.task is None
        self.add.setEnabled(idle and self._state.library_ready)
        for button in (self.about, self.export):
            button.setEnabled(choice is not None)
        for button in (self.edit, self.remove):
            button.setEnabled(choice is not None and not choice.bundled and idle)
            bundled = self.tr("It came with the program: it can be exported, not changed or removed.")
            button.setToolTip(bundled if choice is not None and choice.bundled else "")
        unknown = self.tr("How good this network is was not measured.")
        self.measured.setPlainText((choice.measured or unknown) if choice is not None else "")
