"""The data set wizard: from a folder to a checked and divided data set file."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.datasets.checks import Examination
from core.datasets.dataset_file import PARTS, SUFFIX, DataSetFile, Entry, make_case, with_entry
from core.datasets.recognise import Recognised
from core.datasets.splits import grouped_by_patient, kept_together
from core.errors import InputError
from core.photo.label_values import LabelValues
from core.photo.reading import PHOTO_SUFFIXES
from serr_gui.panels.data_set.parts import DivisionRow, make_table
from serr_gui.panels.data_set.table import DataSetModel
from serr_gui.widgets.controls import FittedLabel, resize_on_screen
from serr_gui.widgets.data_set_texts import part_text
from serr_gui.widgets.label_values_dialog import LabelValuesDialog
from serr_gui.widgets.path_edit import PathEdit

_LAYOUTS: Final = {"drive": "DRIVE", "stare": "STARE", "chase_db1": "CHASE_DB1", "hrf": "HRF"}


class DataSetDialog(QDialog):
    """Shows a data set and lets it be changed.

    ``findRequested`` carries a folder or a data set file, ``examineRequested`` entries to look into, ``saveRequested``
    (file as it was chosen, ``DataSetFile``). ``trainRequested`` comes after a save from "Save and Train".
    """

    findRequested = Signal(Path)
    examineRequested = Signal(object)
    saveRequested = Signal(Path, object)
    trainRequested = Signal(Path)

    def __init__(self, start_folder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._start_folder = start_folder
        self._looked_into: Path | None = None
        self._split, self._notes = "", ""
        self._file: Path | None = None
        self._train_after, self._divide_later = False, False
        self.setWindowTitle(self.tr("Data Set"))
        resize_on_screen(self, 1080, 720)
        self.model = DataSetModel(self)
        self.model.edited.connect(self._on_edited)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addLayout(self._make_source())
        self.table = make_table(self.model)
        self.table.selectionModel().selectionChanged.connect(self._on_selection_changed)
        column.addWidget(self.table, 4)  # on a small screen the summary gives way, too
        column.addLayout(self._make_row_buttons())
        self.division = DivisionRow()
        self.division.divideRequested.connect(lambda: self._divide_now(quiet=False))
        column.addWidget(self.division)
        column.addWidget(self._make_summary(), 1)
        column.addWidget(self._make_buttons())
        self._show_summary()

    # Making

    def _make_source(self) -> QFormLayout:
        self._name = QLineEdit()
        self._name.setAccessibleName(self.tr("Name of the data set"))
        self._name.textChanged.connect(self._show_summary)
        self._folder = PathEdit()
        self._folder.setAccessibleName(self.tr("Folder"))
        self._folder.pathEntered.connect(self.look_into)
        browse = QPushButton(self.tr("&Folder..."))
        browse.setToolTip(self.tr("Choose a folder with photographs and labels"))
        browse.clicked.connect(self._on_browse)
        opened = QPushButton(self.tr("&Open File..."))
        opened.setToolTip(self.tr("Open a data set file that was saved before"))
        opened.clicked.connect(self._on_open)
        row = QHBoxLayout()
        row.addWidget(self._folder, 1)
        row.addWidget(browse)
        row.addWidget(opened)
        self._recognised = FittedLabel(
            self.tr(
                "Choose the folder of DRIVE, STARE, CHASE_DB1 or HRF as it is published, or a folder that holds the "
                "folders images and labels, and masks if there are any. Nothing in it is changed."
            )
        )
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("From"), row)
        form.addRow("", self._recognised)
        form.addRow(self.tr("&Name"), self._name)
        return form

    def _make_row_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        add = QPushButton(self.tr("A&dd Photographs..."))
        add.clicked.connect(self._on_add)
        row.addWidget(add)
        self._of_rows: list[QPushButton] = []
        for text, tip, slot in (
            (self.tr("&Label..."), self.tr("Choose the label of the selected photograph"), self._on_label),
            (self.tr("&Mask..."), self.tr("Choose the mask of its field of view"), self._on_mask),
            (self.tr("&Remove"), self.tr("Take the selected rows out of the table; their files stay"), self._on_remove),
        ):
            button = QPushButton(text)
            button.setToolTip(tip)
            button.clicked.connect(slot)
            row.addWidget(button)
            self._of_rows.append(button)
        put = QPushButton(self.tr("&Put Into"))
        put.setToolTip(self.tr("Put the selected rows into a part"))
        self._parts = QMenu(put)
        for part in PARTS:
            action = self._parts.addAction(part_text(part))
            action.triggered.connect(lambda _on=False, part=part: self.model.set_part(self._rows(), part))
        put.setMenu(self._parts)
        row.addWidget(put)
        self._of_rows.append(put)
        row.addStretch(1)
        self._values = QPushButton(self.tr("Label Val&ues..."))
        self._values.setToolTip(
            self.tr("Say which values of the labels are vessel, where they are not black and white")
        )
        self._values.clicked.connect(self._on_values)
        row.addWidget(self._values)
        self._on_selection_changed()
        return row

    def _make_summary(self) -> QPlainTextEdit:
        self._summary = QPlainTextEdit()
        self._summary.setReadOnly(True)
        self._summary.setMinimumHeight(44)
        self._summary.setMaximumHeight(110)
        self._summary.setAccessibleName(self.tr("What was found"))
        self._summary.setTabChangesFocus(True)
        return self._summary

    def _make_buttons(self) -> QDialogButtonBox:
        box = QDialogButtonBox()
        self._save = box.addButton(self.tr("&Save..."), QDialogButtonBox.ButtonRole.ApplyRole)
        self._save_train = box.addButton(self.tr("Save and &Train..."), QDialogButtonBox.ButtonRole.ApplyRole)
        close = box.addButton(self.tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        self._save.clicked.connect(lambda: self._on_save(train=False))
        self._save_train.clicked.connect(lambda: self._on_save(train=True))
        close.clicked.connect(self.reject)
        self._save.setDefault(True)
        return box

    # What comes from the controller

    def show_found(self, found: Recognised) -> None:
        """Show the data set of the folder or file that was asked for."""
        dataset = found.dataset
        self._split, self._notes = dataset.split, dataset.notes
        with QSignalBlocker(self._name):
            self._name.setText(dataset.name)
        kind = _LAYOUTS.get(found.layout)
        words = self.tr("Recognised as {name}.").format(name=kind) if kind else ""
        self._recognised.setText(" ".join(filter(None, [words, *found.notes])))
        self._recognised.setVisible(bool(self._recognised.text()))
        self.model.set_entries(dataset.entries)
        if found.layout == "file":
            self._file = self._looked_into
        elif not dataset.count("validation"):
            self._divide_now(quiet=True)
        self.examineRequested.emit(self.model.unseen())
        self._show_summary()

    def show_problem(self, sentence: str) -> None:
        """Say why there is nothing to show, or why it was not saved."""
        self._train_after = False
        self._recognised.setText(sentence)
        self._recognised.show()

    def show_examined(self, entry: Entry, seen: Examination) -> None:
        """Show what was seen of an entry."""
        self.model.set_examination(entry, seen)
        if self._divide_later and not self.model.unseen():  # only now is it known which can be used
            self._divide_later = False
            self._divide_now(quiet=True)
        self._show_summary()

    def show_saved(self, file: Path) -> None:
        """The file is written."""
        self._file = file
        self._recognised.setText(self.tr("Saved as {file}.").format(file=file))
        self._recognised.show()
        if self._train_after:
            self._train_after = False
            self.accept()
            self.trainRequested.emit(file)

    def look_into(self, path: Path) -> None:
        """Ask for the data set of a folder or file."""
        self._looked_into = path
        self._folder.setText(str(path))
        self._recognised.setText(self.tr("Looking for photographs..."))
        self.findRequested.emit(path)

    # What the person does

    def dataset(self) -> DataSetFile:
        """The data set as it is now."""
        name = self._name.text().strip() or self.tr("My data set")
        return DataSetFile(name, tuple(self.model.entries), self._split, self._notes)

    def _rows(self) -> list[int]:
        return sorted({index.row() for index in self.table.selectionModel().selectedRows()})

    def _on_selection_changed(self) -> None:
        rows = self._rows()
        for number, button in enumerate(self._of_rows):
            button.setEnabled(len(rows) == 1 if number < 2 else bool(rows))

    def _on_browse(self) -> None:
        name = QFileDialog.getExistingDirectory(self, self.tr("Folder with Photographs and Labels"), self._start_folder)
        if name:
            self.look_into(Path(name))

    def _on_open(self) -> None:
        filters = self.tr("Data sets (*{suffix})").format(suffix=SUFFIX)
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Open Data Set"), self._start_folder, filters)
        if name:
            self.look_into(Path(name))

    def _pictures(self) -> str:
        pattern = " ".join(f"*{suffix}" for suffix in PHOTO_SUFFIXES)
        return f"{self.tr('Pictures')} ({pattern} {pattern.upper()});;{self.tr('All files')} (*)"

    def _on_add(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, self.tr("Add Photographs"), self._start_folder, self._pictures())
        self.add_photographs([Path(name) for name in names])

    def add_photographs(self, paths: list[Path]) -> None:
        """Add photographs without labels to the table."""
        dataset = self.dataset()
        for path in paths:
            dataset = with_entry(dataset, Entry(make_case(path.absolute(), {}), "training"))
        self._take(grouped_by_patient(dataset.entries))

    def _on_label(self) -> None:
        row = self._rows()[0]
        start = str(self.model.entries[row].case.photo.parent)
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Label of the Vessels"), start, self._pictures())
        if name:
            self.set_label(row, Path(name))

    def set_label(self, row: int, path: Path) -> None:
        """Give a row its label, before others that it has."""
        entry = self.model.entries[row]
        others = {expert: file for expert, file in entry.case.labels.items() if file != path}
        first = next(iter(entry.case.labels), self.tr("expert"))
        others.pop(first, None)
        self._change(row, replace(entry, case=replace(entry.case, labels={first: path.absolute(), **others})))

    def _on_mask(self) -> None:
        row = self._rows()[0]
        start = str(self.model.entries[row].case.photo.parent)
        name, _ = QFileDialog.getOpenFileName(self, self.tr("Mask of the Field of View"), start, self._pictures())
        if name:
            entry = self.model.entries[row]
            self._change(row, replace(entry, case=replace(entry.case, fov=Path(name).absolute())))

    def _on_values(self) -> None:
        """Ask what the values of the labels mean; photographs whose labels could not be read are of use again."""
        name = self.tr("the labels")
        dialog = LabelValuesDialog(name, self.model.label_values(), self.model.chosen_values(), self)
        if not dialog.exec():
            return
        before = self.model.entries
        severe = [self.model.is_severe(row) for row in range(len(before))]
        entries = [_with_values(entry, dialog.values()) for entry in before]
        self._take(
            tuple(
                replace(entry, part="training") if bad and entry.part == "unused" else entry
                for entry, bad in zip(entries, severe, strict=True)
            )
        )
        self._divide_later = self.dataset().count("validation") == 0

    def _change(self, row: int, entry: Entry) -> None:
        """Another file for a row: it is examined again, and may be used."""
        part = "training" if self.model.is_severe(row) and entry.part == "unused" else entry.part
        entries = list(self.model.entries)
        entries[row] = replace(entry, part=part)
        self._take(tuple(entries))

    def _on_remove(self) -> None:
        gone = set(self._rows())
        self._take(tuple(entry for row, entry in enumerate(self.model.entries) if row not in gone))

    def _take(self, entries: tuple[Entry, ...]) -> None:
        self.model.set_entries(entries)
        self.examineRequested.emit(self.model.unseen())
        self._on_edited()

    def _divide_now(self, *, quiet: bool) -> None:
        copies = [finding.rows for finding in self.model.findings if finding.kind in {"copy", "leak"}]
        together = kept_together(self.model.entries, copies)
        try:
            divided = self.division.divided(replace(self.dataset(), entries=together))
        except (InputError, ValueError) as error:
            if not quiet:
                self.show_problem(str(error))
            return
        self._split = divided.split
        self.model.set_entries(divided.entries)
        self._show_summary()

    def _on_edited(self) -> None:
        if self._split and not self._split.endswith(self.tr("changed by hand")):
            self._split = f"{self._split}, {self.tr('changed by hand')}"
        elif not self._split:
            self._split = self.tr("by hand")
        self._show_summary()

    def _on_save(self, *, train: bool) -> None:
        start = self._file or Path(self._start_folder or ".") / f"{self.dataset().name}{SUFFIX}"
        filters = self.tr("Data sets (*{suffix})").format(suffix=SUFFIX)
        name, _ = QFileDialog.getSaveFileName(self, self.tr("Save Data Set"), str(start), filters)
        if name:
            self._train_after = train
            self.saveRequested.emit(Path(name), self.dataset())

    # What follows

    def _show_summary(self) -> None:
        dataset, findings = self.dataset(), self.model.findings
        self.division.show_counts(dataset)
        severe = [finding for finding in findings if finding.severe]
        unsaid = sum(finding.kind == "values" for finding in severe)
        self._values.setEnabled(bool(self.model.label_values()))
        lines = []
        if unsaid:
            text = self.tr("Labels of several values: {count}. Choose with Label Values... which of them are vessel.")
            lines.append(text.format(count=unsaid))
        if not dataset.entries:
            lines.append(self.tr("No photographs yet."))
        waiting = len(self.model.unseen())
        if waiting:
            lines.append(self.tr("Checking the files: {count} to go.").format(count=waiting))
        if severe:
            lines.append(self.tr("Not usable, and left out ({count}):").format(count=len(severe)))
        lines += [f"  {finding.sentence}" for finding in severe]
        others = [finding for finding in findings if not finding.severe]
        if others:
            lines.append(self.tr("To check ({count}):").format(count=len(others)))
        lines += [f"  {finding.sentence}" for finding in others]
        if dataset.entries and not waiting and not findings:
            lines.append(self.tr("Nothing wrong was found."))
        text = "\n".join(lines)
        if text != self._summary.toPlainText():
            self._summary.setPlainText(text)
        for button in (self._save, self._save_train):
            button.setEnabled(bool(dataset.count("training")))


def _with_values(entry: Entry, values: LabelValues) -> Entry:
    """The entry with what the values of its label mean: of the first expert's, which is learned from."""
    case = entry.case
    first = next(iter(case.labels), None)
    return entry if first is None else replace(entry, case=replace(case, values={**case.values, first: values}))
