"""What to run, on what, and the threshold that makes the mask."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QAction, QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.files import display_path
from core.threshold_rule import LEVELS
from serr_gui.actions.qactions import Actions
from serr_gui.model.selectors import stale_reasons
from serr_gui.model.state import AppState, FovChoice, FovSource
from serr_gui.widgets.controls import DecimalBox, ElidedLabel, LinesLabel, chooser, heading
from serr_gui.widgets.refinement import RefinementRows
from serr_gui.widgets.score_texts import refinement_text
from serr_gui.widgets.style_row import StyleRow

_REMARK_LINES: Final = 2
_FOV_SOURCES: Final[tuple[FovSource, ...]] = ("estimated", "file", "full", "edited")


class SegmentationPanel(QWidget):
    """Model, device, field of view, Segment, and the threshold. Emits requests; shows only the state."""

    modelRequested = Signal(Path)
    deviceRequested = Signal(str)
    runRequested = Signal(object)
    fovRequested = Signal(object)
    fovFileRequested = Signal()
    fovDrawRequested = Signal()
    levelRequested = Signal(int)

    def __init__(self, state: AppState, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 10)
        column.setSpacing(6)
        column.addLayout(self._make_choosers(actions))
        column.addLayout(self._make_run_buttons(actions))
        self._remarks = LinesLabel(_REMARK_LINES)
        column.addWidget(self._remarks)
        title = QHBoxLayout()
        title.setSpacing(12)
        self.styles = StyleRow(state)
        title.addWidget(heading(self.tr("Threshold")))
        title.addWidget(self.styles, 1)
        column.addLayout(title)
        column.addLayout(self._make_threshold(actions))
        column.addStretch(1)

        events = state.events
        for event in (events.models, events.model, events.library_ready):
            event.connect(self._show_models)
        for event in (events.devices, events.device, events.device_used, events.document, events.library_ready):
            event.connect(self._show_devices)
        events.run.connect(self._show_run)
        for event in (events.document, events.model, events.opening, events.run):
            event.connect(self._show_document)
        for event in (events.document, events.rule):
            event.connect(self._show_threshold)
        self._show_models()
        self._show_devices()
        self._show_run()
        self._show_document()
        self._show_threshold()

    # Making

    def _make_choosers(self, actions: Actions) -> QFormLayout:
        self._model = chooser(self.tr("Model"), self.tr("The trained network that finds the vessels"))
        self._model.activated.connect(self._on_model_activated)
        self._add_model = _button(actions["add_model"], text_beside=False)
        self._add_model.setAccessibleName(self.tr("Add weights file"))
        self._device = chooser(
            self.tr("Device"), self.tr("Where the network runs; automatic takes the graphics processor if there is one")
        )
        self._device.activated.connect(self._on_device_activated)
        self._fov = chooser(
            self.tr("Field of view"),
            self.tr("The part of the photograph that shows the retina; nothing outside it is a vessel"),
        )
        self._fov.addItem(self.tr("Estimated"))
        self._fov.addItem(self.tr("From a mask file..."))
        self._fov.addItem(self.tr("Whole image"))
        self._fov.addItem(self.tr("Drawn by hand..."))
        self._fov.activated.connect(self._on_fov_activated)
        self._fov_facts = _facts()

        models = QHBoxLayout()
        models.setSpacing(4)
        models.addWidget(self._model, 1)
        models.addWidget(self._add_model)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(6)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(_caption(self.tr("&Model"), self._model), models)
        form.addRow(_caption(self.tr("Dev&ice"), self._device), self._make_device_row())
        form.addRow(_caption(self.tr("Fi&eld of view"), self._fov), self._fov)
        form.addRow(self._fov_facts)
        return form

    def _make_device_row(self) -> QHBoxLayout:
        self._flips = QCheckBox(self.tr("Flips"))
        self._flips.setAccessibleName(self.tr("Average four flips"))
        self._flips.setToolTip(
            self.tr("Average the photograph and its three mirror images: a little better, four times as long")
        )
        self._flips.clicked.connect(self._on_flips_clicked)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self._device, 1)
        row.addWidget(self._flips)
        return row

    def _make_run_buttons(self, actions: Actions) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        for key in ("segment", "segment_all"):
            button = _button(actions[key])
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setMinimumHeight(34)
            if key == "segment":  # the one that most people want
                font = button.font()
                font.setBold(True)
                button.setFont(font)
            row.addWidget(button)
        return row

    def _make_threshold(self, actions: Actions) -> QVBoxLayout:
        meaning = self.tr("Vessel is where the network's probability is at least this; , and . change it by 1/256")
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(1, LEVELS - 1)
        self._slider.setPageStep(16)
        self._slider.setAccessibleName(self.tr("Threshold"))
        self._slider.setToolTip(meaning)
        self._slider.valueChanged.connect(self.levelRequested)
        self._number = DecimalBox()
        self._number.setRange(1 / LEVELS, (LEVELS - 1) / LEVELS)
        self._number.setDecimals(3)
        self._number.setSingleStep(1 / LEVELS)
        self._number.setKeyboardTracking(False)
        self._number.setAccessibleName(self.tr("Threshold as a probability"))
        self._number.setToolTip(meaning)
        self._number.valueChanged.connect(self._on_number_changed)
        # After Enter the keys belong to the photograph again: D goes to the next one.
        self._number.lineEdit().returnPressed.connect(self._number.clearFocus)
        self._share = QLabel()
        self._share.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._origin, self._device_used = _facts(), _facts()

        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._slider, 1)
        line.addWidget(self._number)
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for key in ("threshold_model", "threshold_otsu", "threshold_all"):
            button = _button(actions[key])
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            buttons.addWidget(button)
        column = QVBoxLayout()
        column.setSpacing(6)
        self.refinement = RefinementRows(self._state)
        column.addLayout(line)
        column.addLayout(buttons)  # what is used most comes first: on a small screen the rest is reached by scrolling
        for facts in (self._share, self._origin, self._device_used):
            column.addWidget(facts)
        column.addWidget(self.refinement)
        return column

    # Showing the state

    def _show_models(self) -> None:
        state = self._state
        with QSignalBlocker(self._model):
            self._model.clear()
            for choice in state.models:
                name = choice.name if choice.bundled else self.tr("{name} (added)").format(name=choice.name)
                self._model.addItem(name, choice.path)
                about = f"{choice.about}\n{choice.path}" if choice.about else str(choice.path)
                self._model.setItemData(self._model.count() - 1, about, Qt.ItemDataRole.ToolTipRole)
            if not state.models:
                waiting = self.tr("Looking for models...") if not state.library_ready else self.tr("No model")
                self._model.addItem(waiting)
            paths = [choice.path for choice in state.models]
            self._model.setCurrentIndex(paths.index(state.model) if state.model in paths else 0)
        self._model.setEnabled(bool(state.models))
        choice_now = state.model_choice
        tip = self.tr("The trained network that finds the vessels")
        self._model.setToolTip(f"{tip}\n{choice_now.about}" if choice_now and choice_now.about else tip)

    def _show_devices(self) -> None:
        state = self._state
        with QSignalBlocker(self._device):
            self._device.clear()
            for device in state.devices:
                label = self.tr("Automatic") if device.request == "auto" else device.label
                self._device.addItem(label, device.request)
            options = [device.request for device in state.devices]
            self._device.setCurrentIndex(options.index(state.device) if state.device in options else 0)
        # These lines are always there, if only empty: the buttons below must not move.
        self._device_used.set_full_text(self._describe_run())

    def _describe_run(self) -> str:
        state = self._state
        if not state.device_used:
            return self.tr("Looking for devices...") if not state.library_ready else ""
        if state.result is None:
            return self.tr("Last run on {device}").format(device=state.device_used)
        seconds = f"{state.result.segmentation.seconds:.1f}"
        device = state.result.device.split(",")[0]  # the status bar has the number of threads
        return self.tr("Segmented on {device} in {seconds} s").format(device=device, seconds=seconds)

    def _show_run(self) -> None:
        self._flips.setChecked(self._state.run.tta == "flips")

    def _show_document(self) -> None:
        state = self._state
        document, item = state.document, state.item
        settled = document is not None and item is not None and item.path == document.path
        self._fov.setEnabled(settled)
        if settled and item is not None:
            with QSignalBlocker(self._fov):
                self._fov.setCurrentIndex(_FOV_SOURCES.index(item.fov.request))
        self._fov_facts.set_full_text(self._describe_fov())
        doubts = document.doubts if document is not None else ()
        self._remarks.set_warning(bool(doubts))
        doubtful = [self.tr("Doubtful: {why}").format(why=doubt.text) for doubt in doubts]
        self._remarks.set_full_text(" ".join((*doubtful, *self._remark_sentences())))

    def _remark_sentences(self) -> list[str]:
        """What a person should know of the result that is shown."""
        state = self._state
        made_by = state.result.model if state.result is not None else ""
        causes = {
            "model": self.tr("another model, {name}").format(name=made_by),
            "fov": self.tr("another field of view"),
            "averaging": self.tr("no flips averaged") if state.run.tta == "flips" else self.tr("flips averaged"),
        }
        reasons = stale_reasons(state)
        others = [text for reason, text in causes.items() if reason in reasons]
        if not others:
            return []
        return [self.tr("Made with {others}: segment again to renew it.").format(others=", ".join(others))]

    def _describe_fov(self) -> str:
        document = self._state.document
        if document is None:
            return ""
        if document.fov is None:
            return self.tr("None was found: choose a mask file or the whole image.")
        diameter = self.tr("{diameter} pixels across").format(diameter=document.fov.diameter_px)
        if document.fov.origin == "file" and document.fov.source is not None:
            return f"{display_path(document.fov.source.name)}, {diameter}"
        item = self._state.item
        if document.fov.origin == "full" and item is not None and item.fov.request == "estimated":
            return self.tr("No border found: the whole image, {diameter}").format(diameter=diameter)
        return diameter

    def _show_threshold(self) -> None:
        state = self._state
        rule, result = state.rule, state.result
        with QSignalBlocker(self._slider), QSignalBlocker(self._number):
            self._slider.setValue(rule.level)
            self._number.setValue(rule.threshold)
        for widget in (self._slider, self._number):
            widget.setEnabled(result is not None)
        origins = {
            "model": self.tr("the model's own"),
            "otsu": self.tr("by Otsu's method"),
            "user": self.tr("set by hand"),
            "style": self.tr("as the experts of {name} draw").format(name=rule.style),
            "best_f1": self.tr("best F1 on this label"),
            "youden": self.tr("largest Youden index on this label"),
            "expert": self.tr("expert 2's sensitivity on this label"),
        }
        text = self.tr("{level}/256, {origin}").format(level=rule.level, origin=origins.get(rule.origin, rule.origin))
        self._origin.set_full_text(", ".join(filter(None, (text, refinement_text(rule)))))
        if result is None:
            self._share.setText(self.tr("Vessels: no result yet"))
        else:
            share = f"{result.vessel_share(state.shown_rule.level) * 100:.1f}" if result.fits(rule) else "..."
            self._share.setText(self.tr("Vessels: {share} % of the field of view").format(share=share))

    # Requests

    def _on_model_activated(self, index: int) -> None:
        path = self._model.itemData(index)
        if path is not None:
            self.modelRequested.emit(path)

    def _on_device_activated(self, index: int) -> None:
        self.deviceRequested.emit(self._device.itemData(index))

    def _on_flips_clicked(self, on: bool) -> None:
        self.runRequested.emit(replace(self._state.run, tta="flips" if on else "none"))
        self._show_run()

    def _on_fov_activated(self, index: int) -> None:
        request = _FOV_SOURCES[index]
        self._show_document()  # the chooser follows the state, not the request
        if request == "file":
            self.fovFileRequested.emit()
        elif request == "edited":
            self.fovDrawRequested.emit()
        else:
            self.fovRequested.emit(FovChoice(request))

    def _on_number_changed(self, value: float) -> None:
        self.levelRequested.emit(round(value * LEVELS))


def _facts() -> ElidedLabel:
    """One line of explaining text."""
    label = ElidedLabel()
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
    return label


def _caption(text: str, buddy: QWidget) -> QLabel:
    label = QLabel(text)
    label.setBuddy(buddy)
    return label


def _button(action: QAction, *, text_beside: bool = True) -> QToolButton:
    button = QToolButton()
    button.setDefaultAction(action)
    button.setIconSize(QSize(18, 18))
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    if text_beside:
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    return button
