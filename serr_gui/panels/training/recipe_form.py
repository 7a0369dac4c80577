"""The recipe in the form for a new training: a preset, and the few numbers that matter with their meaning."""

from typing import Final

from PySide6.QtCore import QCoreApplication, QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QGridLayout, QLabel, QSpinBox, QWidget

from core.training.config import FINE_TUNING, NetworkSection, TrainingConfig, load_preset, presets
from serr_gui.model.i18n import QT_TRANSLATE_NOOP
from serr_gui.widgets.controls import DecimalBox, FittedLabel

_PRESETS: Final = {
    FINE_TUNING: QT_TRANSLATE_NOOP("NewTraining", "a few small steps from an existing model; for few photographs"),
    "strong": QT_TRANSLATE_NOOP("NewTraining", "measured best on one data set"),
    "general": QT_TRANSLATE_NOOP("NewTraining", "with changes as if other cameras had taken the photographs"),
    "paper": QT_TRANSLATE_NOOP("NewTraining", "as the authors of SERR-U-Net trained theirs"),
}
# Field of the recipe's part "optimisation" or "run", its name, and what it means.
_NUMBERS: Final = (
    (
        "steps",
        QT_TRANSLATE_NOOP("NewTraining", "&Steps"),
        QT_TRANSLATE_NOOP("NewTraining", "Number of training steps. More take longer and may overfit."),
    ),
    (
        "batch",
        QT_TRANSLATE_NOOP("NewTraining", "&Crops in a step"),
        QT_TRANSLATE_NOOP("NewTraining", "More make each step steadier and slower, and need more memory."),
    ),
    (
        "crop_px",
        QT_TRANSLATE_NOOP("NewTraining", "C&rop side"),
        QT_TRANSLATE_NOOP("NewTraining", "Pixels; larger crops show the network more of the retina at once."),
    ),
    (
        "peak_rate",
        QT_TRANSLATE_NOOP("NewTraining", "&Learning rate"),
        QT_TRANSLATE_NOOP("NewTraining", "Peak learning rate. Too high diverges or forgets; too low learns slowly."),
    ),
    (
        "validate_every",
        QT_TRANSLATE_NOOP("NewTraining", "&Validate every"),
        QT_TRANSLATE_NOOP("NewTraining", "Steps between two validations."),
    ),
)


class RecipeForm(QWidget):
    """``changed`` tells that a person has chosen something; ``numbers`` are the boxes by the fields of the recipe."""

    changed = Signal()
    chosen = Signal()
    """Another preset is taken."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._config = TrainingConfig()
        self._presets = QComboBox()
        self._presets.setAccessibleName(self.tr("Preset"))
        for name in sorted(presets(), key=lambda name: list(_PRESETS).index(name) if name in _PRESETS else 99):
            self._presets.addItem(name, name)
        self._presets.activated.connect(lambda _index: self.choose(self.preset))
        self._meaning = FittedLabel()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(2, 1)
        grid.setHorizontalSpacing(10)
        grid.addWidget(caption(self.tr("&Preset"), self._presets), 0, 0)
        grid.addWidget(self._presets, 0, 1)
        grid.addWidget(self._meaning, 0, 2)
        self.numbers: dict[str, QSpinBox | QDoubleSpinBox] = {}
        for number, (key, text, meaning) in enumerate(_NUMBERS, start=1):
            box = _rate_box() if key == "peak_rate" else _count_box(key)
            meant = QCoreApplication.translate("NewTraining", meaning)
            box.setToolTip(meant)
            named = caption(QCoreApplication.translate("NewTraining", text), box)
            box.setAccessibleName(named.text().replace("&", ""))
            box.valueChanged.connect(self.changed)
            self.numbers[key] = box
            grid.addWidget(named, number, 0)
            grid.addWidget(box, number, 1)
            grid.addWidget(FittedLabel(meant), number, 2)

    @property
    def preset(self) -> str:
        """The name of the chosen preset."""
        return str(self._presets.currentData())

    @property
    def network(self) -> NetworkSection:
        """The network that the preset has."""
        return self._config.network

    def choose(self, preset: str) -> None:
        """Take a preset with its numbers."""
        self._presets.setCurrentIndex(self._presets.findData(preset))
        self._config = load_preset(preset)
        self._meaning.setText(QCoreApplication.translate("NewTraining", _PRESETS.get(preset, "")))
        for key, box in self.numbers.items():
            part = self._config.run if key == "validate_every" else self._config.optimisation
            with QSignalBlocker(box):
                box.setValue(getattr(part, key))
        self.chosen.emit()
        self.changed.emit()

    def config(self) -> TrainingConfig:
        """The preset with the numbers as they are now. Raises TrainingError."""
        values = {key: box.value() for key, box in self.numbers.items()}
        validate_every = values.pop("validate_every")
        return self._config.replaced("optimisation", **values).replaced("run", validate_every=validate_every)


def caption(text: str, buddy: QWidget) -> QLabel:
    """The label of a field, whose key leads into the field."""
    label = QLabel(text)
    label.setBuddy(buddy)
    return label


def _count_box(key: str) -> QSpinBox:
    box = QSpinBox()
    low, high, step = {
        "steps": (1, 1_000_000, 100),
        "batch": (1, 1024, 1),
        "crop_px": (16, 2048, 32),
        "validate_every": (1, 100_000, 50),
    }[key]
    box.setRange(low, high)
    box.setSingleStep(step)
    return box


def _rate_box() -> QDoubleSpinBox:
    box = DecimalBox()
    box.setDecimals(6)
    box.setRange(0.000001, 1.0)
    box.setSingleStep(0.0001)
    return box
