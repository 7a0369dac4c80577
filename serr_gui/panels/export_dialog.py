"""The export dialog: what to write, where to, under which names, and what would be replaced."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.files import display_path
from serr_gui.model.export_options import ExportOptions, ExportPreview
from serr_gui.widgets import icons
from serr_gui.widgets.controls import faded, heading

_PREVIEW_LINES: Final = 200
_REST_MS: Final = 250
"""A folder is looked into when its name has been left alone for so long."""


class ExportDialog(QDialog):
    """Asks for folder and choices.

    ``lookRequested`` carries (folder, ``ExportOptions``): what is there is wanted by ``show_preview``.
    ``browseRequested`` carries the folder near which ``browse`` is wanted. ``exportRequested`` carries the
    ``ExportPreview`` to which the person agreed.
    """

    lookRequested = Signal(Path, object)
    browseRequested = Signal(Path)
    exportRequested = Signal(object)

    def __init__(self, folder: Path, options: ExportOptions, subject: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found: ExportPreview | None = None
        self._seen: Path | None = None
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._look)
        self.setWindowTitle(self.tr("Export"))
        self.setMinimumWidth(560)
        title = heading(subject)
        title.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addWidget(title)
        column.addLayout(self._make_choices(options))
        column.addSpacing(4)
        column.addLayout(self._make_folder(folder))
        column.addWidget(self._make_preview(), 1)
        column.addWidget(self._make_warning())
        column.addWidget(self._make_buttons())
        self._look_later(0)

    # Making

    def _make_choices(self, options: ExportOptions) -> QFormLayout:
        self._mask = _check(self.tr("&Mask"), options.mask)
        self._probability = _check(self.tr("&Probability"), options.probability)
        self._overlay = _check(self.tr("&Overlay"), options.overlay)
        self._sidecar = _check(self.tr("&Record"), options.sidecar)
        self._kind = QComboBox()
        self._kind.setAccessibleName(self.tr("Kind of the probability file"))
        self._kind.addItem(self.tr("PNG, 16 bit: 0 to 65535 stands for 0 to 1"))
        self._kind.addItem(self.tr("TIFF, 32-bit float: exact values 0 to 1"))
        self._kind.setCurrentIndex(int(options.float_probability))
        form = QFormLayout()
        form.setVerticalSpacing(5)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self._mask, faded(self.tr("PNG, 255 is vessel, 0 is not, at the photograph's own size")))
        form.addRow(self._probability, self._kind)
        form.addRow(self._overlay, faded(self.tr("PNG, the photograph with the vessels drawn over it")))
        form.addRow(
            self._sidecar,
            faded(self.tr("JSON: model, threshold, hashes: what makes the same mask again")),
        )
        for box in (self._mask, self._probability, self._overlay, self._sidecar):
            box.toggled.connect(lambda: self._look_later(0))
        self._kind.activated.connect(lambda: self._look_later(0))
        return form

    def _make_folder(self, folder: Path) -> QHBoxLayout:
        self._folder = QLineEdit(str(folder))
        self._folder.setAccessibleName(self.tr("Folder"))
        self._folder.textChanged.connect(lambda: self._look_later(_REST_MS))
        browse = QPushButton(self.tr("&Browse..."))
        browse.clicked.connect(lambda: self.browseRequested.emit(self.folder()))
        caption = QLabel(self.tr("&Folder"))
        caption.setBuddy(self._folder)
        row = QHBoxLayout()
        row.addWidget(caption)
        row.addWidget(self._folder, 1)
        row.addWidget(browse)
        return row

    def _make_preview(self) -> QPlainTextEdit:
        self._preview = QPlainTextEdit()
        self._preview.setReadOnly(True)
        self._preview.setAccessibleName(self.tr("Files that will be written"))
        self._preview.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._preview.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._preview.setTabChangesFocus(True)
        self._preview.setMinimumHeight(96)
        return self._preview

    def _make_warning(self) -> QWidget:
        self._warning_row = QWidget()
        badge = QLabel()
        badge.setPixmap(icons.icon("warning").pixmap(QSize(18, 18)))
        self._warning = QLabel()
        self._warning.setWordWrap(True)
        row = QHBoxLayout(self._warning_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(badge, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._warning, 1)
        return self._warning_row

    def _make_buttons(self) -> QDialogButtonBox:
        box = QDialogButtonBox()
        self._cancel = box.addButton(self.tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        self._export = box.addButton(self.tr("Export"), QDialogButtonBox.ButtonRole.AcceptRole)
        box.accepted.connect(self._on_accepted)
        box.rejected.connect(self.reject)
        return box

    # What follows from the choices

    def options(self) -> ExportOptions:
        """The choices as they are now."""
        return ExportOptions(
            folder=self._folder.text().strip(),
            mask=self._mask.isChecked(),
            probability=self._probability.isChecked(),
            overlay=self._overlay.isChecked(),
            sidecar=self._sidecar.isChecked(),
            float_probability=self._kind.currentIndex() == 1,
        )

    def folder(self) -> Path:
        return Path(self._folder.text().strip()).expanduser()

    def _look_later(self, rest_ms: int) -> None:
        """Nothing can be exported until it is known what would be replaced."""
        self._kind.setEnabled(self._probability.isChecked())
        if self._seen != self.folder():
            self._seen = None
            self._preview.setPlainText(self.tr("Looking into the folder..."))
            self._warning_row.hide()
        self._found = None
        self._export.setEnabled(False)
        self._export.setDefault(True)  # so that Return does nothing for now; else Qt gives it to Cancel
        self._timer.start(rest_ms)

    def _look(self) -> None:
        self.lookRequested.emit(self.folder(), self.options())

    @property
    def is_looking(self) -> bool:
        """Whether it is not known yet what would be written and replaced."""
        return self._found is None

    def show_preview(self, found: ExportPreview) -> None:
        """Show what would be written, and what goes."""
        if self._timer.isActive() or (found.folder, found.options) != (self.folder(), self.options()):
            return  # of an earlier choice
        self._found, self._seen = found, found.folder
        names, replaced = found.names, found.replaced
        replaces = self.tr("{name}   (replaces a file)")
        lines = [replaces.format(name=name) if name in replaced else name for name in names]
        if len(lines) > _PREVIEW_LINES:
            lines = [*lines[:_PREVIEW_LINES], self.tr("and {count} more").format(count=len(names) - _PREVIEW_LINES)]
        self._preview.setPlainText("\n".join(lines) if lines else self.tr("Nothing is chosen."))
        warnings = self._warnings(found)
        self._warning.setText(" ".join(warnings))
        self._warning_row.setVisible(bool(warnings))
        self._export.setText(self.tr("Replace and Export") if replaced else self.tr("Export"))
        usable = bool(names) and bool(found.options.folder)
        self._export.setEnabled(usable)
        # Return must not destroy anything.
        safe = self._cancel if replaced or not usable else self._export
        safe.setDefault(True)

    def _warnings(self, found: ExportPreview) -> list[str]:
        """What is replaced, what of that cannot be made again, and what gets another name."""
        said = []
        if found.replaced:
            text = self.tr("{count} of {all} files already exist and will be replaced.")
            said.append(text.format(count=len(found.replaced), all=len(found.names)))
        if found.unknown:
            text = self.tr("No record says which photograph they belong to: {names}.")
            said.append(text.format(names=_some([display_path(name) for name in found.unknown])))
        if found.by_hand:
            text = self.tr("The existing masks were corrected by hand: {names}.")
            said.append(text.format(names=_some([display_path(stem) for stem in found.by_hand])))
        others = [usual for usual, stem in zip(found.usual, found.stems, strict=True) if usual != stem]
        if others:
            text = self.tr("Results of other photographs with these names exist and are kept: {names}.")
            said.append(text.format(names=_some(others)))
        return said

    def browse(self, start: Path) -> None:
        """Let a folder be chosen, beginning in one that exists."""
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Folder for the files"), str(start))
        if chosen:
            self._folder.setText(chosen)

    def _on_accepted(self) -> None:
        if self._found is not None:
            self.exportRequested.emit(self._found)
            self.accept()


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + ("..." if len(names) > 3 else "")


def _check(text: str, on: bool) -> QCheckBox:
    box = QCheckBox(text)
    box.setChecked(on)
    return box
