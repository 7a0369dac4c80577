"""Where a new training runs, and what it is called: device, graphics processors, options of a cluster, name, notes."""

import os
from typing import Final

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLineEdit, QPlainTextEdit, QSpinBox, QWidget

from core.jobs.slurm import OPTIONS_VARIABLE, is_offered, slurm_options
from serr_gui.model.state import AppState
from serr_gui.panels.training.recipe_form import caption

SLURM: Final = "slurm"
"""Among the devices: wherever the cluster's queue sends it."""
_MOST_ON_A_NODE: Final = 16
_OPTIONS_SHOWN: Final = "partition=gpu,time=24:00:00,mem=32G"
_NOTES_PX: Final = 52


class RunForm(QWidget):
    """``changed`` tells that something else is chosen or written."""

    changed = Signal()

    def __init__(self, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._named_by_hand = False
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        devices = self._make_devices(state)
        self.slurm = QLineEdit(os.environ.get(OPTIONS_VARIABLE, ""))
        self.slurm.setPlaceholderText(self.tr("Such as {options}").format(options=_OPTIONS_SHOWN))
        self.slurm.setAccessibleName(self.tr("Options of sbatch"))
        self.slurm.setToolTip(self.tr("What your cluster needs to know: partition, account, time, memory"))
        self.slurm.textChanged.connect(self.changed)
        self._slurm_caption = caption(self.tr("S&lurm options"), self.slurm)
        self.name = QLineEdit()
        self.name.setAccessibleName(self.tr("Name of the model"))
        self.name.textEdited.connect(self._on_name_edited)
        self.name.textChanged.connect(self.changed)
        self.notes = QPlainTextEdit()
        self.notes.setAccessibleName(self.tr("Notes"))
        self.notes.setTabChangesFocus(True)
        self.notes.setMaximumHeight(_NOTES_PX)
        form.addRow(caption(self.tr("De&vice"), self.device), devices)
        form.addRow(self._slurm_caption, self.slurm)
        form.addRow(caption(self.tr("Na&me"), self.name), self.name)
        form.addRow(caption(self.tr("N&otes"), self.notes), self.notes)

    def _make_devices(self, state: AppState) -> QHBoxLayout:
        requests = [device.request for device in state.devices]
        self._gpus = sum(request.startswith("cuda") for request in requests)
        self.device = QComboBox()
        self.device.setAccessibleName(self.tr("Device"))
        for device in state.devices:
            self.device.addItem(self.tr("Automatic") if device.request == "auto" else device.label, device.request)
        if is_offered():
            self.device.addItem(self.tr("Slurm cluster"), SLURM)
        self.device.setCurrentIndex(requests.index(state.device) if state.device in requests else 0)
        self.device.activated.connect(self.changed)
        self.count = QSpinBox()
        self.count.setAccessibleName(self.tr("Graphics processors at once"))
        self.count.setToolTip(self.tr("Crops of a step are divided among them; their number must be a multiple"))
        self.count.valueChanged.connect(self.changed)
        self._count_caption = caption(self.tr("&GPUs at once"), self.count)
        row = QHBoxLayout()
        row.addWidget(self.device, 1)
        row.addWidget(self._count_caption)
        row.addWidget(self.count)
        return row

    @property
    def is_slurm(self) -> bool:
        """Whether it goes to the cluster's queue."""
        return bool(self.device.currentData() == SLURM)

    @property
    def slurm_text(self) -> str:
        """Options of sbatch; empty for a training on this computer."""
        return self.slurm.text().strip() if self.is_slurm else ""

    @property
    def model_name(self) -> str:
        """What the model is to be called."""
        return self.name.text().strip()

    def check(self) -> None:
        """Raises TrainingError where the options of sbatch are none."""
        if self.is_slurm:
            slurm_options(self.slurm_text)

    def propose_name(self, name: str) -> None:
        """Taken as long as nobody has written another one."""
        if not self._named_by_hand:
            with QSignalBlocker(self.name):
                self.name.setText(name)

    def show_places(self) -> None:
        """On a cluster nobody knows here how many graphics processors there are, nor how fast they are."""
        several = self.is_slurm or self._gpus > 1
        with QSignalBlocker(self.count):
            self.count.setRange(1, _MOST_ON_A_NODE if self.is_slurm else max(1, self._gpus))
        self.count.setVisible(several)
        self._count_caption.setVisible(several)
        self.slurm.setVisible(self.is_slurm)
        self._slurm_caption.setVisible(self.is_slurm)

    def _on_name_edited(self) -> None:
        self._named_by_hand = True
