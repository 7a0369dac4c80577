"""Which values of a label are vessel: a small table of what the file holds, with a meaning for each."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from core.photo.label_values import Colour, FoundValue, LabelValues, suggest
from serr_gui.widgets.controls import resize_on_screen, swatch

_BACKGROUND, _VESSEL, _IGNORED = range(3)


class LabelValuesDialog(QDialog):
    """Asks what each value of a label means. ``values`` is the answer, once at least one is vessel."""

    def __init__(
        self, name: str, found: Sequence[FoundValue], said: LabelValues | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Values of the Label"))
        self._choices: dict[Colour, QComboBox] = {}
        question = QLabel(self.tr("Which values of {name} are vessel?").format(name=name))
        question.setTextFormat(Qt.TextFormat.PlainText)
        question.setWordWrap(True)
        self._buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, Qt.Orientation.Horizontal
        )
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        inside = QWidget()
        inside.setLayout(self._make_table(found, said or suggest(found)))
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(inside)
        column = QVBoxLayout(self)
        column.addWidget(question)
        column.addWidget(area, 1)
        column.addWidget(self._buttons)
        resize_on_screen(self, 440, min(420, 130 + 34 * max(2, len(found))))
        self._check()

    def values(self) -> LabelValues:
        """What was chosen. Raises LabelError where nothing is vessel; the OK button waits for it."""
        chosen = {colour: box.currentIndex() for colour, box in self._choices.items()}
        vessel, ignored = (
            tuple(colour for colour, meaning in chosen.items() if meaning == wanted) for wanted in (_VESSEL, _IGNORED)
        )
        return LabelValues(vessel, ignored)

    def choice(self, colour: Colour) -> QComboBox:
        """The box with the meaning of a value."""
        return self._choices[colour]

    def _make_table(self, found: Sequence[FoundValue], said: LabelValues | None) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(14)
        heads = (self.tr("Value"), self.tr("Pixels"), self.tr("Share"), self.tr("Meaning"))
        for number, head in enumerate(heads):
            grid.addWidget(QLabel(head), 0, number + 1)
        for row, value in enumerate(found, start=1):
            colour = QLabel()
            colour.setPixmap(swatch(value.colour, QSize(16, 16)).pixmap(QSize(16, 16)))
            grid.addWidget(colour, row, 0)
            share = f"{value.share * 100:.1f} %" if value.share >= 0.001 else self.tr("under 0.1 %")
            for number, text in enumerate((value.text, f"{value.count:,}", share), start=1):
                cell = QLabel(text)
                cell.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                grid.addWidget(cell, row, number)
            box = QComboBox()
            box.addItems([self.tr("Background"), self.tr("Vessel"), self.tr("Not scored")])
            box.setAccessibleName(self.tr("Meaning of {value}").format(value=value.text))
            if said is not None:
                known = value.colour in said.vessel, value.colour in said.ignored
                box.setCurrentIndex(_VESSEL if known[0] else _IGNORED if known[1] else _BACKGROUND)
            box.currentIndexChanged.connect(self._check)
            self._choices[value.colour] = box
            grid.addWidget(box, row, 4)
        grid.setColumnStretch(4, 1)
        grid.setRowStretch(len(found) + 1, 1)
        return grid

    def _check(self) -> None:
        chosen = any(box.currentIndex() == _VESSEL for box in self._choices.values())
        ok = self._buttons.button(QDialogButtonBox.StandardButton.Ok)
        ok.setEnabled(chosen)
        ok.setToolTip("" if chosen else self.tr("At least one value must be vessel."))
