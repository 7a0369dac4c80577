"""Parts of the data set wizard: its table as it is seen, and the row that divides the photographs."""

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDoubleSpinBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSpinBox,
    QTableView,
    QWidget,
)

from core.datasets.dataset_file import PARTS, DataSetFile
from core.datasets.splits import split_by_seed
from serr_gui.panels.data_set.table import (
    LABEL_PICTURE,
    PART,
    PHOTO,
    REMARK,
    DataSetModel,
    PartDelegate,
    picture_size,
)
from serr_gui.widgets.controls import DecimalBox, heading
from serr_gui.widgets.data_set_texts import part_text

_ROW_PX: Final = picture_size().height() + 8


def make_table(model: DataSetModel) -> QTableView:
    """The table of a data set, rows chosen whole."""
    table = QTableView()
    table.setModel(model)
    table.setAccessibleName(table.tr("Photographs of the data set"))
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setIconSize(picture_size())
    table.setAlternatingRowColors(True)
    table.setShowGrid(False)
    table.setWordWrap(True)
    table.setItemDelegateForColumn(PART, PartDelegate(table))
    table.verticalHeader().setDefaultSectionSize(_ROW_PX)
    table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    table.verticalHeader().hide()
    header = table.horizontalHeader()
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    for column, width in enumerate((78, 72, 130, 130, 134, 76, 80, 88)):
        header.resizeSection(column, width)
    header.setSectionResizeMode(REMARK, QHeaderView.ResizeMode.Stretch)
    for column in (PHOTO, LABEL_PICTURE):
        header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
    return table


class DivisionRow(QWidget):
    """Shares and seed of a division at random, and how many photographs each part has."""

    divideRequested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.validation = _share_box(self.tr("Share for validation"), 20.0)
        self.test = _share_box(self.tr("Share for testing"), 0.0)
        self.seed = QSpinBox()
        self.seed.setRange(0, 999_999)
        self.seed.setAccessibleName(self.tr("Seed"))
        self.seed.setToolTip(self.tr("The same number gives the same division again"))
        self.divide = QPushButton(self.tr("Di&vide at Random"))
        self.divide.setToolTip(
            self.tr(
                "Divide the photographs that are used; patients stay together, test photographs stay in the test part"
            )
        )
        self.divide.clicked.connect(self.divideRequested)
        self.counts = QLabel()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(heading(self.tr("Parts")))
        for text, box in (
            (self.tr("&validation"), self.validation),
            (self.tr("&test"), self.test),
            (self.tr("&seed"), self.seed),
        ):
            caption = QLabel(text)
            caption.setBuddy(box)
            row.addSpacing(8)
            row.addWidget(caption)
            row.addWidget(box)
        row.addSpacing(8)
        row.addWidget(self.divide)
        row.addSpacing(12)
        row.addWidget(self.counts, 1)

    def divided(self, dataset: DataSetFile) -> DataSetFile:
        """The data set, divided as the row says. Raises InputError, ValueError."""
        test = self.test.value() / 100
        return split_by_seed(
            dataset,
            seed=self.seed.value(),
            validation_share=self.validation.value() / 100,
            test_share=test,
            keep_test=not test,
        )

    def show_counts(self, dataset: DataSetFile) -> None:
        """Say how many photographs are in each part."""
        counts = [(part, dataset.count(part)) for part in PARTS]
        self.counts.setText("   ".join(f"{part_text(part)}: {count}" for part, count in counts if count))
        self.divide.setEnabled(bool(dataset.entries))


def _share_box(name: str, value: float) -> QDoubleSpinBox:
    box = DecimalBox()
    box.setRange(0.0, 80.0)
    box.setDecimals(0)
    box.setSingleStep(5.0)
    box.setSuffix(" %")
    box.setValue(value)
    box.setAccessibleName(name)
    return box
