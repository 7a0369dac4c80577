"""Settings: what a run uses, where results go, memory, and how large the texts are."""

from pathlib import Path
from typing import Final

from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from serr_gui.model.export_options import RESULTS_FOLDER
from serr_gui.model.state import CACHE_MB, AppState, Preferences, RunSettings
from serr_gui.widgets.controls import chooser, faded, heading, left_form, resize_on_screen
from serr_gui.widgets.scrolling import scrolling

_FONTS_PT: Final = (0, 8, 9, 10, 11, 12, 14, 16, 18, 20, 24)


class SettingsDialog(QDialog):
    """Shows the settings of the state; ``preferences`` is what a person has made of them, valid when accepted."""

    def __init__(self, state: AppState, export_folder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.setWindowTitle(self.tr("Settings"))
        content = QWidget()
        column = QVBoxLayout(content)
        column.setSpacing(6)
        for title, form in (
            (self.tr("Segmentation"), self._make_segmentation()),
            (self.tr("Files"), self._make_files(export_folder)),
            (self.tr("Window"), self._make_window()),
        ):
            column.addWidget(heading(title))
            column.addLayout(form)
            column.addSpacing(8)
        column.addStretch(1)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok
            | QDialogButtonBox.StandardButton.Cancel
            | QDialogButtonBox.StandardButton.RestoreDefaults
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self._defaults = buttons.button(QDialogButtonBox.StandardButton.RestoreDefaults)
        self._defaults.clicked.connect(self._restore)
        whole = QVBoxLayout(self)
        whole.addWidget(scrolling(content))
        whole.addWidget(buttons)
        self._show(state.run, state.theme, state.cache_mb, state.font_pt)
        resize_on_screen(self, 520, 560)

    @property
    def preferences(self) -> Preferences:
        """What the dialog says now."""
        return Preferences(
            model=self._model.currentData(),
            device=str(self._device.currentData() or "auto"),
            run=RunSettings(
                "flips" if self._flips.isChecked() else "none", self._precision.currentData(), self._threads.value()
            ),
            theme=self._theme.currentData(),
            cache_mb=self._cache.value(),
            font_pt=self._font.currentData(),
            export_folder=self._folder.text().strip(),
            observer=self._observer.text().strip(),
        )

    def _make_segmentation(self) -> QFormLayout:
        state = self._state
        self._model = chooser(self.tr("Default model"), letters=16)
        for choice in state.models:
            self._model.addItem(choice.name, choice.path)
        paths = [choice.path for choice in state.models]
        self._model.setCurrentIndex(paths.index(state.model) if state.model in paths else -1)
        self._device = chooser(self.tr("Device"), letters=16)
        for device in state.devices:
            self._device.addItem(device.label or self.tr("Automatic"), device.request)
        requests = [device.request for device in state.devices]
        self._device.setCurrentIndex(requests.index(state.device) if state.device in requests else 0)
        self._flips = QCheckBox(self.tr("Average four flips: a little better, four times as long"))
        self._precision = chooser(self.tr("Number format"), letters=16)
        for text, value in (
            (self.tr("Automatic: the fastest that is exact enough"), "auto"),
            (self.tr("32 bit: the most exact"), "fp32"),
            ("bfloat16", "bf16"),
            (self.tr("16 bit (NVIDIA only)"), "fp16"),
        ):
            self._precision.addItem(text, value)
        self._threads = QSpinBox()
        self._threads.setRange(0, 1024)
        self._threads.setSpecialValueText(self.tr("Automatic"))
        self._threads.setAccessibleName(self.tr("Processor threads"))
        self._threads.setToolTip(self.tr("Fewer leave more of the processor to other programs"))
        form = left_form()
        form.addRow(self.tr("Default &model"), self._model)
        form.addRow(self.tr("&Device"), self._device)
        form.addRow("", self._flips)
        form.addRow(self.tr("&Number format"), self._precision)
        form.addRow(self.tr("&Threads"), self._threads)
        form.addRow(faded(self.tr("Used from the next run on. Each result records what it was made with.")))
        return form

    def _make_files(self, export_folder: str) -> QFormLayout:
        self._folder = QLineEdit(export_folder)
        self._folder.setPlaceholderText(self.tr("{name}, next to the photographs").format(name=RESULTS_FOLDER))
        self._folder.setAccessibleName(self.tr("Folder for results"))
        choose = QPushButton(self.tr("Choose..."))
        choose.clicked.connect(self._choose_folder)
        row = QHBoxLayout()
        row.addWidget(self._folder, 1)
        row.addWidget(choose)
        self._cache = QSpinBox()
        self._cache.setRange(64, 1 << 20)
        self._cache.setSingleStep(256)
        self._cache.setSuffix(self.tr(" MB"))
        self._cache.setAccessibleName(self.tr("Memory for results"))
        self._cache.setToolTip(self.tr("Beyond it results move to the disk until their photograph is opened again"))
        form = left_form()
        caption = QLabel(self.tr("Results &folder"))
        caption.setBuddy(self._folder)
        form.addRow(caption, row)
        form.addRow(self.tr("Memory for &results"), self._cache)
        self._observer = QLineEdit(self._state.observer)
        self._observer.setMaxLength(100)
        self._observer.setPlaceholderText(self.tr("Nobody is named"))
        self._observer.setToolTip(self.tr("Written into sessions, and into the records of exported results"))
        form.addRow(self.tr("&Observer"), self._observer)
        return form

    def _make_window(self) -> QFormLayout:
        self._theme = chooser(self.tr("Theme"), letters=16)
        for text, value in (
            (self.tr("As the system"), "system"),
            (self.tr("Light"), "light"),
            (self.tr("Dark"), "dark"),
        ):
            self._theme.addItem(text, value)
        self._font = chooser(self.tr("Font size"), letters=16)
        for size in _FONTS_PT:
            text = self.tr("{size} points").format(size=size) if size else self.tr("As the system")
            self._font.addItem(text, size)
        form = left_form()
        form.addRow(self.tr("T&heme"), self._theme)
        form.addRow(self.tr("F&ont size"), self._font)
        return form

    def _show(self, run: RunSettings, theme: str, cache_mb: int, font_pt: int) -> None:
        self._flips.setChecked(run.tta == "flips")
        self._precision.setCurrentIndex(self._precision.findData(run.precision))
        self._threads.setValue(run.threads)
        self._theme.setCurrentIndex(self._theme.findData(theme))
        self._cache.setValue(cache_mb)
        self._font.setCurrentIndex(max(0, self._font.findData(font_pt)))

    def _restore(self) -> None:
        self._show(RunSettings(), "system", CACHE_MB, 0)
        self._folder.clear()
        self._device.setCurrentIndex(0)

    def _choose_folder(self) -> None:
        start = self._folder.text() or str(Path.home())
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Folder for Results"), start)
        if chosen:
            self._folder.setText(chosen)
