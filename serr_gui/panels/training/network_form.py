"""The network in the form for a new training: a family with its card, and the fields of its configuration."""

from typing import Any, Final

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QPushButton, QSpinBox, QWidget

from core.errors import WeightsError
from core.networks.families import DEFAULT_FAMILY, FAMILIES, field_names, resolve, validated
from serr_gui.panels.training.recipe_form import caption
from serr_gui.widgets.controls import FittedLabel

_FIRST_ROW: Final = 3
Config = dict[str, bool | int | float | str]


class NetworkForm(QWidget):
    """``changed`` tells that a person has chosen something; ``fields`` are the boxes by the fields of the family."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.families = QComboBox()
        self.families.setAccessibleName(self.tr("Architecture"))
        for name, family in FAMILIES.items():
            self.families.addItem(family.title, name)
        self.families.activated.connect(lambda _index: self.choose(self.architecture, {}))
        self._card = FittedLabel()
        self.usual = QPushButton(self.tr("&Usual Size"))
        self.usual.setToolTip(self.tr("Sizes at which the networks cost about the same"))
        self.usual.clicked.connect(lambda: self.choose(self.architecture, {}))
        self.published = QPushButton(self.tr("Published Si&ze"))
        self.published.setToolTip(self.tr("The size that the network was published with; most take much longer"))
        self.published.clicked.connect(
            lambda: self.choose(self.architecture, dict(FAMILIES[self.architecture].published))
        )
        sizes = QHBoxLayout()
        for button in (self.usual, self.published):
            sizes.addWidget(button)
        sizes.addStretch(1)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(2, 1)
        self._grid.setHorizontalSpacing(10)
        self._grid.addWidget(caption(self.tr("Arch&itecture"), self.families), 0, 0)
        self._grid.addWidget(self.families, 0, 1, 1, 2)
        self._grid.addWidget(self._card, 1, 1, 1, 2)
        self._grid.addLayout(sizes, 2, 1, 1, 2)
        self.fields: dict[str, QSpinBox | QComboBox] = {}
        self._rows: list[QWidget] = []
        self._shown = ""
        self.choose(DEFAULT_FAMILY, {})

    @property
    def architecture(self) -> str:
        """The name of the chosen family."""
        return str(self.families.currentData())

    def config(self) -> Config:
        """The fields as they are set."""
        return {
            name: box.value() if isinstance(box, QSpinBox) else box.currentData() for name, box in self.fields.items()
        }

    @property
    def stride(self) -> int:
        """What the side of a crop must be a multiple of."""
        return validated(self.architecture, self.config()).stride

    def choose(self, architecture: str, config: dict[str, Any]) -> None:
        """Show a family with these fields; its usual ones where they are left out, or where a recipe has others."""
        try:
            values = resolve(architecture, config)
        except WeightsError:
            values = resolve(architecture, {})
        with QSignalBlocker(self.families):
            self.families.setCurrentIndex(self.families.findData(architecture))
        family = FAMILIES[architecture]
        self._card.setText(f"{family.summary}\n{family.publication}")
        if architecture != self._shown:
            self._make_fields(architecture)
        for name, box in self.fields.items():
            value: Any = values[name]
            with QSignalBlocker(box):
                if isinstance(box, QSpinBox):
                    box.setValue(value)
                else:
                    box.setCurrentIndex(box.findData(value))
        self.changed.emit()

    def _make_fields(self, architecture: str) -> None:
        """A box for each field of the family, with its bounds or its choices."""
        for widget in self._rows:
            self._grid.removeWidget(widget)
            widget.deleteLater()
        self._rows, self.fields, self._shown = [], {}, architecture
        described = FAMILIES[architecture].config.model_json_schema()["properties"]
        for row, name in enumerate(field_names(architecture), start=_FIRST_ROW):
            field = described[name]
            box = self._box(field)
            box.setAccessibleName(field["title"])
            box.setToolTip(field["description"])
            named, meaning = caption(field["title"], box), FittedLabel(field["description"])
            for column, widget in enumerate((named, box, meaning)):
                self._grid.addWidget(widget, row, column)
                self._rows.append(widget)
            self.fields[name] = box

    def _box(self, field: dict[str, Any]) -> QSpinBox | QComboBox:
        if "enum" in field:
            choices = QComboBox()
            for value in field["enum"]:
                choices.addItem(str(value), value)
            choices.activated.connect(self.changed)
            return choices
        box = QSpinBox()
        box.setRange(field["minimum"], field["maximum"])
        box.valueChanged.connect(self.changed)
        return box
