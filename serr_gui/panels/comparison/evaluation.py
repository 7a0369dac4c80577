"""All photographs: a table that begins with the worst, totals, box plots, and the way to a report."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QEvent, QModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPalette, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QBoxLayout,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSplitter,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.evaluation.confusion import NUMBERS_OF_PIECES, Scores
from core.evaluation.report import EvaluationReport, ImageScores
from core.files import display_path
from serr_gui.actions.qactions import Actions
from serr_gui.model.comparison import Evaluation
from serr_gui.model.state import AppState
from serr_gui.panels.comparison.evaluation_table import KEYS, SHORT, Line, LinesModel
from serr_gui.widgets import icons
from serr_gui.widgets.box_plot import Box, BoxPlot
from serr_gui.widgets.controls import faded

_PICTURE: Final = QSize(76, 36)
_ROW_PX: Final = 40
_LOW_PX: Final = 340
"""In a panel that is lower, rows and pictures are smaller, so that more than the worst photograph is seen."""
_NAME_PX: Final = 180
_FIGURE_PX: Final = 56
_LEAST_PX: Final = 290
_ROOM_PX: Final = 560
"""With less, the table has fewer columns, the boxes are below it, and the bar has two rows."""
_NARROW_NAME_PX: Final = 144
_NARROW_KEYS: Final = ("sensitivity", "f1")


class EvaluationPanel(QWidget):
    """``photoRequested`` carries the path of a clicked photograph; ``viewRequested`` requested ``ViewOptions``."""

    photoRequested = Signal(Path)
    viewRequested = Signal(object)

    def __init__(self, state: AppState, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumWidth(_LEAST_PX)
        self._state, self._narrow = state, False
        self._shown: tuple[Evaluation | None, str] = (None, "")
        self._pictures: dict[Path, QIcon] = {}
        self.table = _table(self.tr("Photographs with their scores"))
        self.lines = LinesModel(self)
        self.table.setModel(self.lines)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(KEYS.index("f1") + 1, Qt.SortOrder.AscendingOrder)
        self._set_row_height(_ROW_PX)
        self.table.clicked.connect(self._on_clicked)
        self.table.activated.connect(self._on_clicked)
        self.totals = _table(self.tr("Totals"))
        self.total_lines = LinesModel(self)
        self.totals.setModel(self.total_lines)
        self.totals.horizontalHeader().hide()
        self.totals.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.totals.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.totals.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.totals.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.boxes = BoxPlot()
        self.boxes.picked.connect(self._on_picked)
        self._about = faded()
        tables = QWidget()
        column = QVBoxLayout(tables)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.table, 1)
        column.addWidget(self.totals)
        split = self._split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(tables)
        split.addWidget(self.boxes)
        split.setStretchFactor(0, 2)
        split.setStretchFactor(1, 1)
        split.setSizes([640, 280])
        split.setChildrenCollapsible(True)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(8, 6, 8, 6)
        whole.setSpacing(4)
        whole.addLayout(self._make_bar(actions))
        whole.addWidget(split, 1)
        whole.addWidget(self._about)
        self._set_widths()
        for event in (state.events.evaluation, state.events.view):
            event.connect(self._show_evaluation)
        for event in (state.events.current, state.events.photos):
            event.connect(self._show_current)
        self._show_evaluation()

    def _make_bar(self, actions: Actions) -> QBoxLayout:
        bar = self._bar = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        bar.setSpacing(6)
        first, last = QHBoxLayout(), QHBoxLayout()
        for row in (first, last):
            row.setSpacing(6)
        bar.addLayout(first)
        bar.setAlignment(first, Qt.AlignmentFlag.AlignLeft)
        for key in ("evaluate_all", "export_evaluation"):
            button = QToolButton()
            button.setDefaultAction(actions[key])
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            first.addWidget(button)
        self._rule = QComboBox()
        self._rule.setAccessibleName(self.tr("Threshold for all photographs"))
        self._rule.setToolTip(self.tr("One threshold for all photographs, at the next evaluation"))
        self._rule.addItem(self.tr("at the model's own threshold"))
        self._rule.addItem(self.tr("at the slider's threshold"))
        self._rule.activated.connect(self._on_rule_activated)
        bar.addWidget(self._rule, 0, Qt.AlignmentFlag.AlignLeft)
        self.measures = QCheckBox(self.tr("Measures"))
        self.measures.setToolTip(
            self.tr("Measure the vessels of each photograph, too, for the report; at the next evaluation")
        )
        self.measures.clicked.connect(
            lambda on: self.viewRequested.emit(replace(self._state.view, evaluate_measures=on))
        )
        last.addWidget(self.measures)
        self._summary = QLabel()
        last.addWidget(self._summary, 1)
        bar.addLayout(last, 1)
        return bar

    def _set_widths(self) -> None:
        for table in (self.table, self.totals):
            header = table.horizontalHeader()
            header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
            header.setMinimumSectionSize(40)
            for column in range(1, len(KEYS) + 1):
                header.resizeSection(column, _FIGURE_PX)
            header.resizeSection(0, _NAME_PX)
        self.table.horizontalHeader().sectionResized.connect(
            lambda column, _old, new: self.totals.horizontalHeader().resizeSection(column, new)
        )
        self.table.horizontalScrollBar().valueChanged.connect(self.totals.horizontalScrollBar().setValue)

    # Showing

    def _show_evaluation(self) -> None:
        state = self._state
        self.measures.setChecked(state.view.evaluate_measures)
        self._rule.setCurrentIndex(int(state.view.evaluate_at == "slider"))
        now = (state.evaluation, state.view.region)
        if now == self._shown:
            return
        self._shown = now
        evaluation = state.evaluation
        images = evaluation.images if evaluation is not None else ()
        failed = evaluation.failed if evaluation is not None else ()
        self._pictures = {image.photo: self._picture(image) for image in images}
        lines = [
            Line(image.stem, self._scores(image), image.photo, " ".join(image.notes), self._pictures[image.photo])
            for image in images
        ]
        warning = icons.icon("warning")
        lines += [Line(display_path(path.name), None, path, why, warning) for path, why in failed]
        self.lines.set_lines(lines)
        self.table.clearSpans()
        for row in range(len(images), len(lines)):
            self.table.setSpan(row, 1, 1, len(KEYS))
        totals = self._totals(evaluation.report) if evaluation is not None and evaluation.report is not None else []
        self.total_lines.set_lines(totals, in_order=True)
        self.totals.setVisible(bool(totals))
        height = sum(self.totals.rowHeight(row) for row in range(len(totals)))
        self.totals.setFixedHeight(height + 2 * self.totals.frameWidth())
        scores = [(line.name, line) for line in lines if line.scores is not None]
        self.boxes.set_boxes(
            [
                Box(SHORT[key], tuple((name, v) for name, line in scores if not math.isnan(v := line.value(number))))
                for number, key in enumerate(KEYS, start=1)
                if key not in NUMBERS_OF_PIECES  # which have no place on an axis from 0 to 1
            ]
        )
        self._show_texts(evaluation)
        self._show_current()

    def _scores(self, image: ImageScores) -> Scores:
        evaluation = self._state.evaluation
        report = evaluation.report if evaluation is not None else None
        same = report is None or report.region == self._state.view.region
        return image.score_set.scores if same else image.beside.scores

    def _totals(self, report: EvaluationReport) -> list[Line]:
        result = report.result if report.region == self._state.view.region else report.beside
        lines = [
            Line(self.tr("All pixels pooled"), result.total.pooled),
            Line(self.tr("Mean over photographs"), result.total.mean),
            Line(self.tr("Standard deviation"), result.total.std, is_deviation=True),
        ]
        for name, summary in result.experts:
            text = self.tr("{name}, all pixels pooled").format(name=name.capitalize())
            lines.append(Line(text, summary.pooled))
        for name, summary in result.against:
            text = self.tr("Model against {name}").format(name=name)
            lines.append(Line(text, summary.pooled, sentence=self.tr("All pixels pooled")))
        return lines

    def _picture(self, image: ImageScores) -> QIcon:
        """The photograph and its error map, side by side."""
        if image.photo in self._pictures:
            return self._pictures[image.photo]
        if image.pictures is None:
            return QIcon()
        ratio = self.devicePixelRatioF()
        whole = QPixmap(_PICTURE * ratio)
        whole.fill(QColor(0, 0, 0, 0))
        painter = QPainter(whole)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        side = round(_PICTURE.height() * ratio)
        for number, data in enumerate((image.pictures.photo, image.pictures.errors)):
            small = QImage.fromData(data).scaled(
                side, side, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            painter.drawImage(round(number * (side + 4 * ratio)), (side - small.height()) // 2, small)
        painter.end()
        whole.setDevicePixelRatio(ratio)
        icon = QIcon(whole)
        icon.addPixmap(whole, QIcon.Mode.Selected)  # else it is tinted
        return icon

    def _show_texts(self, evaluation: Evaluation | None) -> None:
        if evaluation is None:
            self._summary.setText("")
            self._about.setText(
                self.tr("Evaluate All measures every open photograph that has a label; it segments what has no result.")
            )
            return
        done = len(evaluation.images) + len(evaluation.failed)
        text = self.tr("{done} of {count} photographs").format(done=done, count=evaluation.count)
        if evaluation.failed:
            text += ", " + self.tr("{failed} without scores").format(failed=len(evaluation.failed))
        self._summary.setText(text)
        self._about.setText(self._protocol(evaluation.report) if evaluation.report is not None else "")

    def _protocol(self, report: EvaluationReport) -> str:
        from core.evaluation.tables import facts

        about = facts(report)
        where = self.tr("whole image") if self._state.view.region == "image" else self.tr("inside the field of view")
        parts = [self.tr("Counted: {where}.").format(where=where)]
        parts += [f"{name}: {about[name]}." for name in ("method", "threshold", "SEEN", "INCOMPLETE") if name in about]
        return " ".join(part[0].upper() + part[1:] for part in parts)

    def _show_current(self) -> None:
        item = self._state.item
        row = self.lines.row_of(item.path if item is not None else None)
        selection = self.table.selectionModel()
        selection.blockSignals(True)
        if row >= 0:
            self.table.selectRow(row)
        else:
            self.table.clearSelection()
        selection.blockSignals(False)
        self.table.viewport().update()

    # Requests

    def _on_clicked(self, index: QModelIndex) -> None:
        path = self.lines.line(index.row()).path
        if path is not None:
            self.photoRequested.emit(path)

    def _on_picked(self, name: str) -> None:
        for row in range(self.lines.rowCount()):
            line = self.lines.line(row)
            if line.name == name and line.path is not None:
                self.photoRequested.emit(line.path)
                return

    def _on_rule_activated(self, index: int) -> None:
        self.viewRequested.emit(replace(self._state.view, evaluate_at="slider" if index else "model"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = event.size().width() < _ROOM_PX
        if narrow != self._narrow:
            self._narrow = narrow
            self._arrange()
        self._set_row_height(_ROW_PX if self.height() >= _LOW_PX else _ROW_PX * 2 // 3)

    def _arrange(self) -> None:
        """Put the parts next to or below one another."""
        narrow = self._narrow
        self._bar.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        self._split.setOrientation(Qt.Orientation.Vertical if narrow else Qt.Orientation.Horizontal)
        for table in (self.table, self.totals):
            for number, key in enumerate(KEYS, start=1):
                table.setColumnHidden(number, narrow and key not in _NARROW_KEYS)
            table.horizontalHeader().resizeSection(0, _NARROW_NAME_PX if narrow else _NAME_PX)

    def _set_row_height(self, height: int) -> None:
        rows = self.table.verticalHeader()
        if rows.defaultSectionSize() != height:
            rows.setDefaultSectionSize(height)
            self.table.setIconSize(_PICTURE * ((height - 4) / _PICTURE.height()))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._about.setForegroundRole(QPalette.ColorRole.PlaceholderText)


def _table(name: str) -> QTableView:
    table = QTableView()
    table.setAccessibleName(name)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.setShowGrid(False)
    table.setAlternatingRowColors(True)
    table.setWordWrap(False)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 6)
    return table
