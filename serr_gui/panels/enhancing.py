"""What must be known of an enhanced photograph, below it, for as long as it is seen."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import QEvent, QSignalBlocker, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from serr_gui.actions.qactions import Actions, shortcut_text
from serr_gui.model.enhancing import EnhancerChoice
from serr_gui.model.selectors import seen_enhanced
from serr_gui.model.state import AppState
from serr_gui.widgets import icons
from serr_gui.widgets.controls import FittedLabel, LinesLabel

_MEASURED_LINES: Final = 5


class EnhancedBar(QFrame):
    """``modelRequested`` carries the file of another network that enhances, ``aboutRequested`` the chosen one."""

    modelRequested = Signal(Path)
    aboutRequested = Signal(object)

    def __init__(self, state: AppState, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._listed: tuple[EnhancerChoice, ...] = ()
        self.setAccessibleName(self.tr("Enhanced photograph"))
        self.networks = QComboBox()
        self.networks.setAccessibleName(self.tr("Network that enhances"))
        self.networks.setToolTip(self.tr("Another network enhances the photograph as soon as it is chosen"))
        self.networks.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.networks.setMinimumContentsLength(4)  # where the canvas is narrow, nothing here may widen it
        self.networks.activated.connect(lambda index: self.modelRequested.emit(self.networks.itemData(index)))
        export, hide = QToolButton(), QToolButton()
        export.setDefaultAction(actions["export_enhanced"])
        hide.setText(self.tr("Hide"))
        tip = self.tr("Show the original alone; the enhanced picture is kept ({key})")
        hide.setToolTip(tip.format(key=shortcut_text(actions["enhance"])))
        hide.clicked.connect(actions["enhance"].trigger)
        row = QHBoxLayout()
        row.addWidget(self.networks, 1)
        for button in (self._make_about(), export, hide):
            row.addWidget(button)
        warning = self.tr(
            "A network made this picture: it can show vessels that are not there. Masks, labels, scores and measures "
            "are those of the original."
        )
        self.measured = LinesLabel(_MEASURED_LINES)
        self.measured.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 10, 6)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(FittedLabel(warning, prominent=True))
        column.addWidget(self.measured)
        for event in (state.events.enhancing, state.events.document, state.events.task):
            event.connect(self._show)
        self._show()

    def _make_about(self) -> QToolButton:
        self._about = QToolButton()
        self._about.setIcon(icons.icon("info"))
        self._about.setToolTip(self.tr("What this network has learned from, what was measured, and who may use it"))
        self._about.setAccessibleName(self.tr("About this network"))
        self._about.clicked.connect(self._on_about)
        return self._about

    def _on_about(self) -> None:
        choice = self._state.enhancing.choice
        if choice is not None:
            self.aboutRequested.emit(choice)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._about.setIcon(icons.icon("info"))

    def _show(self) -> None:
        enhancing = self._state.enhancing
        seen = seen_enhanced(self._state) is not None
        if seen:
            self._show_choices(enhancing.choices)
            with QSignalBlocker(self.networks):
                paths = [choice.path for choice in enhancing.choices]
                wanted = enhancing.running or enhancing.chosen
                self.networks.setCurrentIndex(paths.index(wanted) if wanted in paths else -1)
            self.networks.setEnabled(self._state.task is None)
            choice = enhancing.choice
            unknown = self.tr("How good this network is was not measured.")
            self.measured.set_full_text((choice.measured if choice is not None else "") or unknown)
        self.setVisible(seen)

    def _show_choices(self, choices: tuple[EnhancerChoice, ...]) -> None:
        if choices == self._listed:
            return
        self._listed = choices
        self.networks.clear()
        for choice in choices:
            larger = self.tr("{name} (each side doubled)").format(name=choice.name)
            self.networks.addItem(choice.name if choice.scale == 1 else larger, choice.path)
