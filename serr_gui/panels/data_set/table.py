"""The table of a data set: a row for each photograph with small pictures, files, part, and what is wrong."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractTableModel,
    QCoreApplication,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QBrush, QGuiApplication, QIcon, QImage, QPalette, QPixmap
from PySide6.QtWidgets import QComboBox, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from core.datasets.checks import Examination, Finding, compare
from core.datasets.dataset_file import PARTS, Entry, Part
from core.datasets.layouts import Case
from core.files import display_path
from core.photo.label_values import FoundValue, LabelValues, joined_values
from core.photo.reading import WHICH_ARE_VESSEL
from core.types import ByteArray
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.widgets import icons
from serr_gui.widgets.data_set_texts import part_text

THUMBNAIL_PX: Final = 56
(PHOTO, LABEL_PICTURE, NAME, LABEL, MASK, PATIENT, PART, SHARE, REMARK) = range(9)

_TITLES: Final = (
    QT_TRANSLATE_NOOP("DataSet", "Photograph"),
    QT_TRANSLATE_NOOP("DataSet", "Vessels"),
    QT_TRANSLATE_NOOP("DataSet", "Name"),
    QT_TRANSLATE_NOOP("DataSet", "Label"),
    QT_TRANSLATE_NOOP("DataSet", "Mask"),
    QT_TRANSLATE_NOOP("DataSet", "Patient"),
    QT_TRANSLATE_NOOP("DataSet", "Part"),
    QT_TRANSLATE_NOOP("DataSet", "Vessel share"),
    QT_TRANSLATE_NOOP("DataSet", "Remark"),
)
_Index = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole


class DataSetModel(QAbstractTableModel):
    """The entries with what was seen of them. ``edited`` tells that a person has changed an entry."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []
        self.findings: list[Finding] = []
        self._seen: dict[Path, Examination] = {}
        self._pictures: dict[Path, tuple[QIcon | None, QIcon | None]] = {}
        self._remarks: dict[int, list[Finding]] = {}

    # Content

    def set_entries(self, entries: Sequence[Entry]) -> None:
        """Show these entries; what was seen of the same files stays."""
        kept = {entry.case.photo: entry.case for entry in self.entries}
        self.beginResetModel()
        self.entries = list(entries)
        for entry in self.entries:
            if kept.get(entry.case.photo) not in (None, entry.case):  # other files: to be examined again
                self._seen.pop(entry.case.photo, None)
        self._weigh()
        self.endResetModel()

    def set_examination(self, entry: Entry, seen: Examination) -> None:
        """Take in what was seen of an entry; of one that has changed meanwhile nothing is taken."""
        for row, now in enumerate(self.entries):
            if now.case == entry.case:
                self._pictures[now.case.photo] = (_icon(seen.picture), _icon(seen.label_picture))
                self._seen[now.case.photo] = replace(seen, picture=None, label_picture=None)
                if any(finding.severe for finding in seen.findings) and now.part != "unused":
                    self.entries[row] = replace(now, part="unused")
                self._weigh()
                self.dataChanged.emit(self.index(0, 0), self.index(len(self.entries) - 1, REMARK))
                return

    def unseen(self) -> tuple[Entry, ...]:
        """The entries whose files have not been looked into."""
        return tuple(entry for entry in self.entries if entry.case.photo not in self._seen)

    def label_values(self) -> tuple[FoundValue, ...]:
        """The values of those labels that have more than two, in one table; empty where no label has."""
        return joined_values([seen.values for seen in self._of_entries() if seen.values])

    def chosen_values(self) -> LabelValues | None:
        """What the values mean, where that is said of any label."""
        return next((value for entry in self.entries for value in entry.case.values.values()), None)

    def _of_entries(self) -> list[Examination]:
        nothing = Examination()
        return [self._seen.get(entry.case.photo, nothing) for entry in self.entries]

    def is_severe(self, row: int) -> bool:
        """Whether nothing can be learned from the photograph of a row."""
        return any(finding.severe for finding in self._remarks.get(row, ()))

    def set_part(self, rows: Sequence[int], part: Part) -> None:
        """Put rows into a part."""
        self._replace({row: replace(self.entries[row], part=part) for row in rows})

    def _replace(self, changed: dict[int, Entry]) -> None:
        for row, entry in changed.items():
            self.entries[row] = entry
        self._weigh()
        self.dataChanged.emit(self.index(0, 0), self.index(len(self.entries) - 1, REMARK))
        self.edited.emit()

    def _weigh(self) -> None:
        """What is wrong with each entry, and between them."""
        seen = self._of_entries()
        own = [_here(finding, row) for row, one in enumerate(seen) for finding in one.findings]
        self.findings = own + compare(self.entries, seen)
        self._remarks = {}
        for finding in self.findings:
            for row in finding.rows:
                self._remarks.setdefault(row, []).append(finding)

    # Qt's questions

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.entries)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(_TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole) -> object:
        if orientation == Qt.Orientation.Horizontal and role == _Role.DisplayRole:
            return QCoreApplication.translate("DataSet", _TITLES[section])
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() in (PATIENT, PART) else flags

    def data(self, index: _Index, role: int = _Role.DisplayRole) -> object:
        if not index.isValid():
            return None
        row, column = index.row(), index.column()
        answers: dict[int, Callable[[], object]] = {
            _Role.DisplayRole: lambda: self._text(row, column),
            _Role.EditRole: lambda: self._text(row, column),
            _Role.DecorationRole: lambda: self._picture(row, column),
            _Role.ToolTipRole: lambda: self._tip(row, column),
            _Role.AccessibleTextRole: lambda: self._text(row, column) or self._tip(row, column),
            _Role.ForegroundRole: lambda: _faded() if self.entries[row].part == "unused" else None,
        }
        return answers[role]() if role in answers else None

    def setData(self, index: _Index, value: object, role: int = _Role.EditRole) -> bool:
        if role != _Role.EditRole or not index.isValid():
            return False
        row, entry = index.row(), self.entries[index.row()]
        if index.column() == PATIENT:
            self._replace({row: replace(entry, group=str(value).strip())})
        elif index.column() == PART:
            chosen = next((part for part in PARTS if part_text(part) == value), entry.part)
            self._replace({row: replace(entry, part=chosen)})
        return True

    def _text(self, row: int, column: int) -> str:
        entry = self.entries[row]
        case, seen = entry.case, self._seen.get(entry.case.photo)
        size = f"\n{seen.size[0]} x {seen.size[1]}" if seen is not None and seen.size else ""
        share = seen.vessel_share if seen is not None else None
        remark = " ".join(finding.sentence for finding in self._remarks.get(row, []))
        texts = {
            NAME: f"{display_path(case.photo.name)}{size}",
            LABEL: self._label_text(case),
            MASK: display_path(case.fov.name) if case.fov is not None else self.tr("found by itself"),
            PATIENT: entry.group,
            PART: part_text(entry.part),
            SHARE: "" if share is None else f"{share * 100:.1f} %",
            REMARK: remark or (self.tr("looking...") if seen is None else ""),
        }
        return texts.get(column, "")

    def _label_text(self, case: Case) -> str:
        values = next(iter(case.values.values()), None)
        names = [display_path(path.name) for path in case.labels.values()]
        said = [self.tr("vessel: {values}").format(values=values.vessel_text)] if values is not None else []
        return "\n".join([*names, *said]) or self.tr("none")

    def _picture(self, row: int, column: int) -> object:
        if column in (PHOTO, LABEL_PICTURE):
            return self._pictures.get(self.entries[row].case.photo, (None, None))[column]
        if column == REMARK and row in self._remarks:
            return icons.icon("error" if self.is_severe(row) else "warning").pixmap(QSize(18, 18))
        return None

    def _tip(self, row: int, column: int) -> str:
        case = self.entries[row].case
        tips = {
            LABEL: "\n".join(f"{expert}: {display_path(path)}" for expert, path in case.labels.items()),
            MASK: display_path(case.fov) if case.fov else self.tr("The field of view is found in the photograph."),
            REMARK: "\n".join(finding.sentence for finding in self._remarks.get(row, [])),
            PATIENT: self.tr("Photographs of one patient are never divided between parts. Double-click to change."),
            PART: self.tr(
                "Training is learned from, validation chooses weights and threshold, test is kept for final scores."
            ),
        }
        return tips.get(column, display_path(case.photo))


class PartDelegate(QStyledItemDelegate):
    """A choice of the parts."""

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: _Index) -> QWidget:
        box = QComboBox(parent)
        box.addItems([part_text(part) for part in PARTS])
        box.activated.connect(lambda _index: self._on_chosen(box))
        return box

    def _on_chosen(self, box: QComboBox) -> None:
        self.commitData.emit(box)
        self.closeEditor.emit(box)

    def setEditorData(self, editor: QWidget, index: _Index) -> None:
        assert isinstance(editor, QComboBox)
        editor.setCurrentText(str(index.data(_Role.EditRole)))
        editor.showPopup()

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: _Index) -> None:
        assert isinstance(editor, QComboBox)
        model.setData(index, editor.currentText(), _Role.EditRole)


def _here(finding: Finding, row: int) -> Finding:
    """A finding of a row, without the advice for the command line: the button Label Values... is here."""
    return replace(finding, rows=(row,), sentence=finding.sentence.removesuffix(WHICH_ARE_VESSEL).strip())


def _faded() -> QBrush:
    return QBrush(QGuiApplication.palette().color(QPalette.ColorRole.PlaceholderText))


def picture_size() -> QSize:
    """Of the small pictures in the table."""
    return QSize(THUMBNAIL_PX, THUMBNAIL_PX)


def _icon(pixels: ByteArray | None) -> QIcon | None:
    if pixels is None:
        return None
    height, width = pixels.shape[:2]
    kind = QImage.Format.Format_RGB888 if pixels.ndim == 3 else QImage.Format.Format_Grayscale8
    image = QImage(pixels.tobytes(), width, height, pixels.strides[0], kind)
    return QIcon(QPixmap.fromImage(image.copy()))
