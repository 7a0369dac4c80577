"""The scores: the mask against each expert, and the experts against one another, at the threshold of this moment."""

import math
from typing import Final

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QPalette
from PySide6.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QRadioButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.evaluation.confusion import Region
from core.evaluation.suggest import chosen_on_label
from serr_gui.model.score_selectors import Column, score_columns
from serr_gui.model.state import AppState
from serr_gui.widgets import icons
from serr_gui.widgets.controls import faded, heading
from serr_gui.widgets.score_texts import DASH, SCORES, WHY_UNDEFINED, score_text, translated

_WAITING: Final = "\u2026"


class ScoresPanel(QWidget):
    """A table with a line for each score and a column for each pair. ``regionRequested`` carries "fov" or "image"."""

    regionRequested = Signal(str)

    def __init__(self, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._heads: list[QLabel] = []
        self._cells: list[dict[str, QLabel]] = []
        self._copy = QToolButton()
        self._copy.setAutoRaise(True)
        self._copy.setIconSize(QSize(16, 16))
        self._copy.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._copy.setToolTip(self.tr("Copy the table, to be pasted into a spreadsheet"))
        self._copy.setAccessibleName(self.tr("Copy the table"))
        self._copy.clicked.connect(self._on_copy_clicked)
        self._note = faded()
        self._remarks = QLabel()
        self._remarks.setWordWrap(True)
        self._remarks.setTextFormat(Qt.TextFormat.PlainText)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 4, 12, 4)
        column.setSpacing(6)
        title = QHBoxLayout()
        title.addWidget(heading(self.tr("Agreement")), 1)
        title.addWidget(self._copy)
        column.addLayout(title)
        column.addLayout(self._make_switch())
        column.addLayout(self._make_table())
        column.addWidget(self._note)
        column.addWidget(self._remarks)
        events = state.events
        for event in (events.document, events.rule, events.comparison, events.centre_lines, events.view, events.stroke):
            event.connect(self._show_scores)
        self._show_scores()
        self._tint()

    def _make_switch(self) -> QHBoxLayout:
        self._regions: dict[Region, QRadioButton] = {
            "fov": QRadioButton(self.tr("Inside the field of view")),
            "image": QRadioButton(self.tr("Whole image")),
        }
        self._group = QButtonGroup(self)
        row = QHBoxLayout()
        tip = self.tr("Where pixels are counted, for every score; the dark border makes scores look better")
        for region, button in self._regions.items():
            button.setToolTip(tip)
            button.clicked.connect(lambda _checked=False, region=region: self.regionRequested.emit(region))
            self._group.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _make_table(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(1)
        for number in range(3):
            head = QLabel()
            head.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom)
            head.setForegroundRole(QPalette.ColorRole.PlaceholderText)
            self._heads.append(head)
            self._cells.append({})
            grid.addWidget(head, 0, number + 1)
        for row, (key, name, meaning) in enumerate(SCORES, start=1):
            caption = QLabel(translated(name))
            caption.setToolTip(translated(meaning))
            grid.addWidget(caption, row, 0)
            for number in range(3):
                cell = QLabel()
                cell.setAlignment(Qt.AlignmentFlag.AlignRight)
                cell.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                cell.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
                self._cells[number][key] = cell
                grid.addWidget(cell, row, number + 1)
        grid.setColumnStretch(0, 1)
        return grid

    def score_text(self, key: str, column: int = 0) -> str:
        """What is in a place of the table."""
        return self._cells[column][key].text()

    def _show_scores(self) -> None:
        state = self._state
        self._regions[state.view.region].setChecked(True)
        columns = score_columns(state)
        first, second = self.tr("Model vs\nExpert 1"), self.tr("Model vs\nExpert 2")
        if self._is_corrected():
            first, second = self.tr("Corrected vs\nExpert 1"), self.tr("Corrected vs\nExpert 2")
        heads = (first, second, self.tr("Expert 2 vs\nExpert 1"))
        for number, column in enumerate(columns):
            self._heads[number].setText(heads[number] if column is not None else "")
            for key, _, _ in SCORES:
                self._show_cell(self._cells[number][key], key, column)
        self._copy.setEnabled(any(columns))
        self._show_notes(any(columns))

    def _show_cell(self, cell: QLabel, key: str, column: Column | None) -> None:
        value = column.values.get(key) if column is not None else None
        tip = ""
        if column is None or (key == "auc_roc" and not column.has_map):
            text = ""
        elif value is None:
            text, tip = _WAITING, self.tr("Being computed")
        elif math.isnan(value):
            text, tip = DASH, translated(WHY_UNDEFINED[key])
        else:
            text = score_text(key, value)
        if cell.text() != text:
            cell.setText(text)
        if cell.toolTip() != tip:
            cell.setToolTip(tip)
            cell.setAccessibleDescription(tip)

    def _show_notes(self, any_scores: bool) -> None:
        state = self._state
        note = ""
        document = state.document
        if document is not None and not any_scores:
            waiting = any(slot is not None and slot.label is None for slot in document.labels)
            if any(slot is not None and slot.label is not None for slot in document.labels):
                note = self.tr("Segment the photograph to measure the mask.") if document.result is None else ""
            elif waiting:
                note = self.tr("The label waits for your answer above.")
        if document is not None and document.result is not None and any_scores:
            note = self.tr("Model: {name}").format(name=document.result.model)
        self._note.setText(note)
        self._note.setVisible(bool(note))
        tuned = any_scores and chosen_on_label(state.rule)
        lines = [*self._doubts(), *self._about_corrections(), *self._left_out()] if any_scores else []
        if tuned:
            lines.append(self.tr("These scores are biased: the threshold was tuned on this label."))
        self._remarks.setText("\n".join(lines))
        self._remarks.setVisible(bool(lines))

    def _is_corrected(self) -> bool:
        return self._state.result is not None and self._state.result.is_corrected

    def _about_corrections(self) -> list[str]:
        """That the mask is no longer the model's, and which score still is."""
        if not self._is_corrected():
            return []
        return [self.tr("The mask is corrected by hand: only AUC is a score of the model alone.")]

    def _left_out(self) -> list[str]:
        """That questionable pixels are not counted, or that there are some that are."""
        document = self._state.document
        if document is None or document.questionable is None:
            return []
        count = f"{int(document.questionable.sum()):,}"
        if self._state.view.skip_questionable:
            return [self.tr("Without {count} questionable pixels.").format(count=count)]
        return [self.tr("With {count} questionable pixels (Compare can leave them out).").format(count=count)]

    def _doubts(self) -> list[str]:
        """What is doubtful about the labels and the field of view that the scores are made with."""
        document = self._state.document
        if document is None:
            return []
        doubts = [warning for slot in document.labels if slot is not None for warning in slot.warnings]
        if document.fov is not None and self._state.view.region == "fov":
            doubts += [doubt.text for doubt in document.fov.doubts]
        return [self.tr("Doubtful: {why}").format(why=doubt) for doubt in doubts]

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()

    def _tint(self) -> None:
        self._copy.setIcon(icons.icon("copy"))

    def _on_copy_clicked(self) -> None:
        heads = [head.text().replace("\n", " ") for head in self._heads]
        used = [number for number, head in enumerate(heads) if head]
        lines = ["\t".join(["", *(heads[number] for number in used)])]
        for key, name, _ in SCORES:
            lines.append("\t".join([translated(name), *(self.score_text(key, number) for number in used)]))
        where = self._regions[self._state.view.region].text()
        if self._state.result is not None:
            where = f"{where}, {self._state.result.model}"
        QGuiApplication.clipboard().setText(
            "\n".join([where, *self._doubts(), *self._about_corrections(), *self._left_out(), *lines])
        )
