"""Two groups, or two visits of the same eyes: which photograph belongs where, the tests, and a plot of each measure."""

import math
from pathlib import Path, PurePath
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QRadioButton,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core.files import display_path
from core.studies.design import Member
from serr_gui.model.state import AppState
from serr_gui.model.study import Study
from serr_gui.widgets.controls import FittedLabel, listen, resize_on_screen
from serr_gui.widgets.measure_texts import measure_name, unit_text, value_text
from serr_gui.widgets.pair_plot import PairPlot
from serr_gui.widgets.score_texts import DASH

_WIDTH_PX: Final = 1100
_HEIGHT_PX: Final = 600


class StudyDialog(QDialog):
    """``compareRequested`` carries the members and whether they are visits of the same eyes."""

    tablesRequested = Signal(list)
    openRequested = Signal()
    takeOutRequested = Signal(list)
    groupsRequested = Signal(Path)
    compareRequested = Signal(list, bool)
    exportRequested = Signal()

    def __init__(self, state: AppState, folder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._folder = state, folder
        self._shown = Study()
        self._written: dict[str, tuple[str, str, str]] = {}
        self.setWindowTitle(self.tr("Compare Groups or Visits"))
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        column = QVBoxLayout(self)
        column.addLayout(self._make_choices())
        split = QSplitter()
        split.addWidget(self._make_members())
        split.addWidget(self._make_tests())
        split.setSizes([390, 690])
        split.setChildrenCollapsible(False)
        column.addWidget(split, 1)
        self.about = FittedLabel(prominent=True)
        column.addWidget(self.about)
        column.addWidget(self._make_buttons())
        listen(self, state.events.study, self._show)
        self._show()
        resize_on_screen(self, _WIDTH_PX, _HEIGHT_PX)
        small = self.width() < _WIDTH_PX
        for table, widths in (
            (self.members, (70, 92, 54, 30) if small else (134, 104, 74, 50)),
            (self.tests, (120, 52, 52, 116, 62, 30) if small else (222, 66, 66, 164, 60, 60)),
        ):
            for number, width in enumerate(widths):
                table.setColumnWidth(number, width)

    # Making

    def _make_choices(self) -> QHBoxLayout:
        self.groups = QRadioButton(self.tr("Two groups"))
        self.visits = QRadioButton(self.tr("Two visits of the same eyes"))
        self.groups.setChecked(True)
        self.tables = QPushButton(self.tr("Tables of Measures..."))
        self.tables.setToolTip(self.tr("Tables that serr measure or the panel Measure have written; several at once"))
        self.tables.clicked.connect(self._on_tables)
        self.opened = QPushButton(self.tr("Open Photographs"))
        self.opened.setToolTip(self.tr("Measure the photographs of the window that have a mask"))
        self.opened.clicked.connect(self.openRequested)
        self.file = QPushButton(self.tr("Groups from a File..."))
        self.file.setToolTip(self.tr("A table with the columns file and group, or file, subject and visit"))
        self.file.clicked.connect(self._on_file)
        row = QHBoxLayout()
        for widget in (self.tables, self.opened, self.file, self.groups, self.visits):
            row.addWidget(widget)
        row.addStretch(1)
        return row

    def _make_members(self) -> QWidget:
        self.members = QTableWidget(0, 4)
        self.members.setAccessibleName(self.tr("Photographs with their group or visit"))
        self.members.setHorizontalHeaderLabels(
            [self.tr("Photograph"), self.tr("Group or visit"), self.tr("Subject"), self.tr("Eye")]
        )
        self.members.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        _compact(self.members)
        self.members.itemChanged.connect(self._on_edited)
        self.take_out = QPushButton(self.tr("&Take Out"))
        self.take_out.setToolTip(self.tr("Leave the chosen photographs out of the table (Delete)"))
        self.take_out.clicked.connect(self._on_take_out)
        self.members.itemSelectionChanged.connect(self._show_buttons)
        QShortcut(
            QKeySequence.StandardKey.Delete,
            self.members,
            self._on_take_out,
            context=Qt.ShortcutContext.WidgetShortcut,
        )
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.members, 1)
        column.addWidget(self.take_out, 0, Qt.AlignmentFlag.AlignLeft)
        return whole

    def _make_tests(self) -> QWidget:
        self.tests = QTableWidget(0, 6)
        self.tests.setAccessibleName(self.tr("Measures of both groups or visits with their tests"))
        self.tests.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.tests.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.tests.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        _compact(self.tests)
        self.tests.currentCellChanged.connect(lambda *_: self._show_plot())
        self.plot = PairPlot()
        self.plot.setAccessibleName(self.tr("Values of the chosen measure in both groups or visits"))
        whole = QSplitter(Qt.Orientation.Vertical)
        whole.addWidget(self.tests)
        whole.addWidget(self.plot)
        whole.setSizes([300, 200])
        return whole

    def _make_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.compare = buttons.addButton(self.tr("Compare"), QDialogButtonBox.ButtonRole.ActionRole)
        self.export = buttons.addButton(self.tr("Export..."), QDialogButtonBox.ButtonRole.ActionRole)
        self.export.setToolTip(self.tr("Write the tests, a page with plots, and a tidy table with a script for R"))
        self.compare.setDefault(True)
        self.compare.clicked.connect(lambda: self.compareRequested.emit(self.said(), self.visits.isChecked()))
        self.export.clicked.connect(self.exportRequested)
        buttons.rejected.connect(self.reject)
        return buttons

    # What a person asks for

    def said(self) -> list[Member]:
        """Which photograph belongs where; those without a group or visit are left out."""
        members = []
        for row in range(self.members.rowCount()):
            group, subject, eye = (self._cell(row, column) for column in (1, 2, 3))
            name = self.members.item(row, 0)
            if group and name is not None:
                file = name.data(Qt.ItemDataRole.UserRole)
                members.append(Member(file, group, subject, eye if self.visits.isChecked() else ""))
        return members

    def _cell(self, row: int, column: int) -> str:
        item = self.members.item(row, column)
        return item.text().strip() if item is not None else ""

    def _on_tables(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(
            self, self.tr("Tables of Measures"), self._folder, self.tr("Tables (*.csv)")
        )
        if names:
            self._folder = str(Path(names[0]).parent)
            self.tablesRequested.emit([Path(name) for name in names])

    def _on_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, self.tr("Groups or Visits"), self._folder, self.tr("Tables (*.csv)")
        )
        if name:
            self.groupsRequested.emit(Path(name))

    def _on_take_out(self) -> None:
        rows = sorted({index.row() for index in self.members.selectedIndexes()})
        if rows and not self._state.study.doing:
            self.takeOutRequested.emit(rows)

    def _on_edited(self, item: QTableWidgetItem) -> None:
        """What is written into one of several chosen rows is meant for all of them."""
        self.members.blockSignals(True)
        rows = {index.row() for index in self.members.selectedIndexes()}
        if item.row() in rows and item.column() == 1:
            for row in rows:
                self.members.setItem(row, 1, QTableWidgetItem(item.text()))
        self.members.blockSignals(False)

    # Showing

    def _show(self) -> None:
        study = self._state.study
        if study.rows is not self._shown.rows or study.members is not self._shown.members:
            self._show_members(study)
        self._shown = study
        self._show_buttons()
        self._show_tests()
        self.about.setText(self._sentence(study))

    def _show_buttons(self) -> None:
        study = self._state.study
        self.file.setEnabled(bool(study.rows) and not study.doing)
        self.compare.setEnabled(bool(study.rows) and not study.doing)
        self.opened.setEnabled(not study.doing)
        self.tables.setEnabled(not study.doing)
        self.take_out.setEnabled(bool(self.members.selectedIndexes()) and not study.doing)
        self.export.setEnabled(study.comparison is not None)

    def _remember_written(self) -> None:
        """Keep what somebody has written for the photographs in the table, also for those that leave it for a while."""
        for row in range(self.members.rowCount()):
            name = self.members.item(row, 0)
            if name is not None:
                texts = (self._cell(row, 1), self._cell(row, 2), self._cell(row, 3))
                self._written[name.data(Qt.ItemDataRole.UserRole)] = texts

    def _show_members(self, study: Study) -> None:
        """As written here or said by a file; photographs that are new in the table, by their folders."""
        self._remember_written()
        if study.members and study.members is not self._shown.members:
            (self.visits if study.paired else self.groups).setChecked(True)
            self._written |= {each.file: (each.group, each.subject, each.eye) for each in study.members}
        if not any(map(any, self._written.values())):
            self._written = {}
        paths = [_path_of(row["file"]) for row in study.rows]
        by_folder = self._groups_by_folder({path.parent for path in paths})
        self.members.blockSignals(True)
        self.members.setRowCount(len(paths))
        for number, (row, path) in enumerate(zip(study.rows, paths, strict=True)):
            texts = self._written.get(str(row["file"]), (by_folder[path.parent], "", ""))
            name = QTableWidgetItem(display_path(path.name))
            name.setData(Qt.ItemDataRole.UserRole, str(row["file"]))
            name.setToolTip(display_path(str(path)))
            name.setFlags(name.flags() & ~Qt.ItemFlag.ItemIsEditable)
            self.members.setItem(number, 0, name)
            for column, text in enumerate(texts, 1):
                self.members.setItem(number, column, QTableWidgetItem(text))
        self.members.blockSignals(False)

    def _groups_by_folder(self, folders: set[PurePath]) -> dict[PurePath, str]:
        """The group of photographs that are new in the table.

        It is that of the folder, where all its others have the same one, or some of them its name; of a folder of which
        nothing is known, its name, where there are two folders and no group that is called otherwise. Else none.
        """
        known: dict[PurePath, set[str]] = {}
        for file, (group, _subject, _eye) in self._written.items():
            known.setdefault(_path_of(file).parent, set()).add(group)
        names = {folder.name for folder in folders}
        by_name = len(folders) == 2 and set().union(*known.values()) <= {*names, ""}
        found = {folder: folder.name if by_name else "" for folder in folders}
        for folder, groups in known.items():
            alike = groups - {""} if folder.name in groups else groups
            found[folder] = next(iter(alike)) if len(alike) == 1 else ""
        return found

    def _sentence(self, study: Study) -> str:
        if study.doing or study.problem:
            return study.doing or study.problem
        if not study.rows:
            return self.tr(
                "Choose tables of measures, of serr measure or the panel Measure, or take the open photographs."
            )
        found = study.comparison
        if found is None:
            return self.tr("Give each photograph a group, or a visit and its subject; those without are left out.")
        text = self.tr("Measures tested: {tested}; p is corrected for all of them. Not for decisions on patients.")
        if not found.tested and found.tests:  # of each measure its note says so, where it is cut off
            return " ".join((found.tests[0].reason, *found.notes, *found.left_out[:3]))
        return " ".join((text.format(tested=found.tested), *found.notes, *found.left_out[:3]))

    def _show_tests(self) -> None:
        found = self._state.study.comparison
        labels = found.labels if found is not None else (self.tr("First"), self.tr("Second"))
        heads = (self.tr("Measure"), *labels, self.tr("Difference (95 %)"), self.tr("p (Holm)"), self.tr("Note"))
        self.tests.setHorizontalHeaderLabels(list(heads))
        tests = found.tests if found is not None else ()
        self.tests.setRowCount(len(tests))
        for row, test in enumerate(tests):
            unit = f" ({unit_text(test.unit)})" if unit_text(test.unit) else ""
            scale = test.unit
            means = tuple(f"{value_text(mean, scale)}" for mean in test.mean)
            bar = DASH
            if not math.isnan(test.difference):
                ends = f"{value_text(test.low, scale)} - {value_text(test.high, scale)}"
                bar = f"{value_text(test.difference, scale)} ({ends})"
            p = DASH if math.isnan(test.p_holm) else f"{test.p_holm:.3g}"
            note = test.reason or self.tr("n = {first}, {second}").format(first=test.count[0], second=test.count[1])
            for column, text in enumerate((measure_name(test.name) + unit, *means, bar, p, note)):
                cell = QTableWidgetItem(text)
                if 0 < column < 5:
                    cell.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                cell.setToolTip(text)
                self.tests.setItem(row, column, cell)
        if tests and self.tests.currentRow() < 0:
            self.tests.setCurrentCell(next((row for row, test in enumerate(tests) if not test.reason), 0), 0)
        self._show_plot()

    def _show_plot(self) -> None:
        found, row = self._state.study.comparison, self.tests.currentRow()
        empty = self.tr("Choose a measure to see its values.")
        if found is None or not 0 <= row < len(found.tests):
            self.plot.set_values(((), ()), ("", ""), paired=False, empty=empty)
            return
        test = found.tests[row]
        scale = 100.0 if test.unit == "share" else 1.0  # in percent, as in the table
        first, second = ([scale * value for value in side] for side in found.values[test.name])
        self.plot.set_values((first, second), found.labels, paired=found.paired, empty=empty)


def _path_of(file: object) -> PurePath:
    """The path of a photograph as a table names it, whichever system has written it."""
    return PurePath(str(file).replace("\\", "/"))


def _compact(table: QTableWidget) -> None:
    """Rows of one line, as in the other tables."""
    table.setWordWrap(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 6)
    table.horizontalHeader().setStretchLastSection(True)
    table.horizontalHeader().setMinimumSectionSize(20)
    table.horizontalHeader().setHighlightSections(False)  # bold names would not fit
    table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
