"""An old and a new model on photographs that neither has seen: paired table, ROC curves, and what to do about it."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from core.datasets.dataset_file import PARTS
from core.jobs.store import Job
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.model.state import AppState
from serr_gui.model.training import ComparisonOrder, DataSetFacts
from serr_gui.widgets.controls import FittedLabel, listen, resize_on_screen
from serr_gui.widgets.data_set_texts import part_text
from serr_gui.widgets.score_texts import WHY_UNDEFINED, translated

if TYPE_CHECKING:
    from core.evaluation.compare import PairedTest
    from core.model_comparison import ModelComparison
    from serr_gui.panels.training.plots import TwoRocs

_NAMES: Final = {
    "accuracy": QT_TRANSLATE_NOOP("Models", "Accuracy"),
    "sensitivity": QT_TRANSLATE_NOOP("Models", "Sensitivity"),
    "specificity": QT_TRANSLATE_NOOP("Models", "Specificity"),
    "f1": QT_TRANSLATE_NOOP("Models", "F1 (Dice)"),
    "mcc": QT_TRANSLATE_NOOP("Models", "MCC"),
    "cl_dice": QT_TRANSLATE_NOOP("Models", "clDice"),
    "auc_roc": QT_TRANSLATE_NOOP("Models", "AUC"),
    "auc_pr": QT_TRANSLATE_NOOP("Models", "AUC (precision-recall)"),
}


_WIDTH_PX: Final = 900


class ModelsComparedDialog(QDialog):
    """``compareRequested`` carries a ``ComparisonOrder``; ``takeRequested`` asks for the new model to be added.

    The ``DataSetFacts`` of the data set are wanted by ``show_facts``.
    """

    compareRequested = Signal(object)
    takeRequested = Signal()

    def __init__(
        self,
        state: AppState,
        new: tuple[Path, str],
        data_set: Path | None,
        job: Job | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._new, self._job = state, new[0], job
        self._data = data_set
        self._rocs: TwoRocs | None = None
        self.setWindowTitle(self.tr("Compare Models"))
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addLayout(self._make_choices(new[1]))
        self._status = FittedLabel(prominent=True)
        column.addWidget(self._status)
        column.addWidget(self._make_result(), 1)
        column.addStretch(0)
        column.addWidget(self._make_buttons())
        resize_on_screen(self, _WIDTH_PX, 0)
        listen(self, state.events.models_compared, self._show_compared)
        listen(self, state.events.task, self._show_compared)
        self._show_compared()

    # Making

    def _make_choices(self, new_name: str) -> QFormLayout:
        self._old = QComboBox()
        self._old.setAccessibleName(self.tr("Old model"))
        for choice in self._state.models:
            if choice.path != self._new:
                self._old.addItem(choice.name, choice.path)
        current = self._old.findData(self._state.model)
        self._old.setCurrentIndex(max(0, current))
        self._part = QComboBox()
        self._part.setAccessibleName(self.tr("Photographs"))
        self._data_name = QLabel(self.tr("Looking into the data set...") if self._data is not None else self.tr("none"))
        self._data_name.setTextFormat(Qt.TextFormat.PlainText)
        self._data_name.setWordWrap(True)
        self._part.currentIndexChanged.connect(self._show_advice)
        self._advice = FittedLabel()
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("New model"), QLabel(new_name))
        form.addRow(self.tr("&Old model"), self._old)
        form.addRow(self.tr("Data set"), self._data_name)
        form.addRow(self.tr("&Photographs"), self._part)
        form.addRow("", self._advice)
        self._show_advice()
        return form

    def _make_result(self) -> QSplitter:
        self.table = QTableWidget(0, 7)
        self.table.setHorizontalHeaderLabels(
            [
                self.tr("Mean over photographs"),
                self.tr("Old"),
                self.tr("New"),
                self.tr("Median difference"),
                self.tr("Better / worse"),
                self.tr("p"),
                self.tr("p (all scores)"),
            ]
        )
        tips = {
            5: self.tr("Wilcoxon's signed-rank test over photographs, two-sided: so much difference by chance alone"),
            6: self.tr("After Holm: adjusted for multiple comparisons"),
        }
        for column, tip in tips.items():
            item = self.table.horizontalHeaderItem(column)
            if item is not None:
                item.setToolTip(tip)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 8)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.setAccessibleName(self.tr("Paired comparison"))
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._plots_place = QWidget()
        self._plots_layout = QVBoxLayout(self._plots_place)
        self._plots_layout.setContentsMargins(0, 0, 0, 0)
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(self.table)
        split.addWidget(self._plots_place)
        split.setSizes([250, 250])
        split.setChildrenCollapsible(False)
        self._result = split
        split.hide()
        return split

    def _make_buttons(self) -> QDialogButtonBox:
        box = QDialogButtonBox()
        self._run = box.addButton(self.tr("&Compare"), QDialogButtonBox.ButtonRole.ApplyRole)
        self._take: QPushButton | None = None
        if self._job is not None:
            self._take = box.addButton(self.tr("&Add New Model..."), QDialogButtonBox.ButtonRole.ApplyRole)
            self._take.clicked.connect(self.takeRequested)
        close = box.addButton(self.tr("Close"), QDialogButtonBox.ButtonRole.RejectRole)
        self._run.clicked.connect(self._on_run)
        close.clicked.connect(self.reject)
        self._run.setDefault(True)
        return box

    def show_facts(self, facts: DataSetFacts) -> None:
        """What is in the data set."""
        if facts.file != self._data or self._part.count():
            return
        self._data_name.setText(facts.problem or facts.name)
        for part in (PARTS[2], PARTS[1], PARTS[0]):
            if facts.count(part):
                text = self.tr("{part}: {count}")
                self._part.addItem(text.format(part=part_text(part), count=facts.count(part)), part)
        self._show_advice()
        self._show_compared()

    # Requests

    def order(self) -> ComparisonOrder | None:
        """What is to be compared; None where something is missing."""
        old, part = self._old.currentData(), self._part.currentData()
        if old is None or part is None or self._data is None:
            return None
        return ComparisonOrder(old, self._new, str(self._data), Path(), part, self._job.id if self._job else "")

    def _on_run(self) -> None:
        order = self.order()
        if order is not None:
            self.compareRequested.emit(order)

    # Showing

    def _show_advice(self) -> None:
        advice = {
            "test": self.tr("Kept apart: trainings on this data set neither learn from them nor choose by them."),
            "validation": self.tr(
                "The new model's weights and threshold were chosen on these photographs, so its scores are slightly "
                "optimistic."
            ),
            "training": self.tr("The new model has learned from these photographs: this is not a test."),
        }
        self._advice.setText(advice.get(self._part.currentData(), self.tr("There is nothing to compare on.")))

    def _show_compared(self) -> None:
        compared, job = self._state.models_compared, self._state.task
        mine = compared is not None and compared.order.new == self._new
        busy = job is not None
        self._run.setEnabled(not busy and self.order() is not None)
        if not mine or compared is None:
            self._status.setText("")
        elif compared.problem:
            self._status.setText(compared.problem)
        elif compared.result is None:
            self._status.setText(self.tr("Comparing; the strip below the photograph shows how far it is."))
        else:
            self._show_result(compared.result)

    def _show_result(self, result: "ModelComparison") -> None:
        rows = [test for test in result.comparison.tests if test.score in _NAMES]
        self.table.setRowCount(len(rows))
        for number, test in enumerate(rows):
            cells = (
                QCoreApplication.translate("Models", _NAMES[test.score]),
                _figure(test.old_mean),
                _figure(test.new_mean),
                _figure(test.median_difference, "+.4f"),
                f"{test.better} / {test.worse}",
                _figure(test.p, ".3g"),
                _figure(test.p_holm, ".3g"),
            )
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setToolTip(_why_undefined(test, column))
                if column:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(number, column, item)
        self._show_rocs(result)
        self._status.setText("\n".join([self._verdict(result), *result.warnings]))
        if self._result.isHidden():
            self._result.show()
            resize_on_screen(self, max(self.width(), _WIDTH_PX), 740)

    def _verdict(self, result: "ModelComparison") -> str:
        """One sentence on AUC and F1."""
        tests = {test.score: test for test in result.comparison.tests}
        auc, f1 = tests["auc_roc"], tests["f1"]
        text = self.tr(
            "Mean AUC from {auc_old} to {auc_new} (p {auc_p}), F1 from {f1_old} to {f1_new} (p {f1_p}), each model at "
            "its own threshold. Photographs: {count}."
        )
        return text.format(
            count=auc.n,
            auc_old=_figure(auc.old_mean),
            auc_new=_figure(auc.new_mean),
            auc_p=_figure(auc.p, ".2g"),
            f1_old=_figure(f1.old_mean),
            f1_new=_figure(f1.new_mean),
            f1_p=_figure(f1.p, ".2g"),
        )

    def _show_rocs(self, result: "ModelComparison") -> None:
        old, new = result.old.result.curve, result.new.result.curve
        if old is None or new is None:
            return
        from serr_gui.panels.training.plots import TwoRocs

        if self._rocs is not None:
            self._plots_layout.removeWidget(self._rocs)
            self._rocs.deleteLater()
        names = (result.comparison.old, result.comparison.new)
        self._rocs = TwoRocs(names, (self.tr("1 - specificity"), self.tr("sensitivity")))
        self._rocs.show_curves(old, new)
        self._plots_layout.addWidget(self._rocs)


def _why_undefined(test: "PairedTest", column: int) -> str:
    """Why there is a dash in a column of a score; empty where there is none."""
    values = {1: test.old_mean, 2: test.new_mean, 3: test.median_difference, 5: test.p, 6: test.p_holm}
    if not math.isnan(values.get(column, 0.0)):
        return ""
    if not test.n:
        no_photo = QCoreApplication.translate("Models", "Undefined: no photograph has this score for both models.")
        return f"{no_photo} {translated(WHY_UNDEFINED[test.score])}"
    return QCoreApplication.translate("Models", "Undefined: the two models do not differ on any photograph.")


def _figure(value: float, how: str = ".4f") -> str:
    return "-" if math.isnan(value) else format(value, how)
