"""The export dialog: what to write, where to, under which names, and what would be replaced."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
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

from serr_gui.model.export_options import ExportOptions
from serr_gui.widgets import icons
from serr_gui.widgets.controls import faded, heading

_PREVIEW_LINES: Final = 200


class ExportDialog(QDialog):
    """Asks for folder and choices. ``exportRequested`` carries (folder, ``ExportOptions``) when the person agrees."""

    exportRequested = Signal(Path, object)

    def __init__(
        self,
        stems_in: Callable[[Path | None], Sequence[str]],
        folder: Path,
        options: ExportOptions,
        subject: str,
        parent: QWidget | None = None,
    ) -> None:
        """``stems_in`` : how the files will be called in a folder, where other photographs' may be already (None: in
        an empty one)."""
        super().__init__(parent)
        self._stems_in = stems_in
        self._stems: tuple[Path, Sequence[str]] | None = None
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
        self._show_consequences()

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
            faded(self.tr("JSON: model, threshold, field of view and hashes, to make the same mask again")),
        )
        for box in (self._mask, self._probability, self._overlay, self._sidecar):
            box.toggled.connect(self._show_consequences)
        self._kind.activated.connect(self._show_consequences)
        return form

    def _make_folder(self, folder: Path) -> QHBoxLayout:
        self._folder = QLineEdit(str(folder))
        self._folder.setAccessibleName(self.tr("Folder"))
        self._folder.textChanged.connect(self._show_consequences)
        browse = QPushButton(self.tr("&Browse..."))
        browse.clicked.connect(self._on_browse_clicked)
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

    def _stems_of(self, folder: Path) -> Sequence[str]:
        if self._stems is None or self._stems[0] != folder:
            self._stems = folder, self._stems_in(folder)
        return self._stems[1]

    def _show_consequences(self) -> None:
        options, folder = self.options(), self.folder()
        self._kind.setEnabled(options.probability)
        names = [name for stem in self._stems_of(folder) for name in options.choices().names(stem).values()]
        there = set(_existing(folder))
        replaced = [name for name in names if name in there]
        lines = [self.tr("{name}   (replaces a file)").format(name=name) if name in there else name for name in names]
        if len(lines) > _PREVIEW_LINES:
            lines = [*lines[:_PREVIEW_LINES], self.tr("and {count} more").format(count=len(names) - _PREVIEW_LINES)]
        self._preview.setPlainText("\n".join(lines) if lines else self.tr("Nothing is chosen."))
        warnings = []
        if replaced:
            text = self.tr("{count} of {all} files already exist and will be replaced.")
            warnings.append(text.format(count=len(replaced), all=len(names)))
        warnings += self._lost(folder, options, there) if replaced else ()
        pairs = zip(self._stems_in(None), self._stems_of(folder), strict=True)
        others = [usual for usual, stem in pairs if usual != stem]
        if others:
            text = self.tr("Results of other photographs with these names exist and are kept: {names}.")
            warnings.append(text.format(names=_some(others)))
        self._warning.setText(" ".join(warnings))
        self._warning_row.setVisible(bool(warnings))
        self._export.setText(self.tr("Replace and Export") if replaced else self.tr("Export"))
        usable = bool(names) and bool(options.folder)
        self._export.setEnabled(usable)
        # Return must not destroy anything.
        safe = self._cancel if replaced or not usable else self._export
        safe.setDefault(True)

    def _lost(self, folder: Path, options: ExportOptions, there: set[str]) -> tuple[str, ...]:
        """What is lost with files that are replaced, where it cannot be made again: two sentences at most."""
        from core.claims import is_corrected, unclaimed
        from core.files import display_path

        choices = options.choices()
        stems = [stem for stem in self._stems_of(folder) if not there.isdisjoint(choices.names(stem).values())]
        unknown = [name for stem in stems for name in unclaimed(folder, stem, choices)]
        by_hand = [stem for stem in stems if is_corrected(folder, stem, choices)]
        said = []
        if unknown:
            text = self.tr("No record says which photograph they belong to: {names}.")
            said.append(text.format(names=_some([display_path(name) for name in unknown])))
        if by_hand:
            text = self.tr("The existing masks were corrected by hand: {names}.")
            said.append(text.format(names=_some([display_path(stem) for stem in by_hand])))
        return tuple(said)

    def _on_browse_clicked(self) -> None:
        start = next((path for path in (self.folder(), *self.folder().parents) if path.is_dir()), Path.home())
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Folder for the files"), str(start))
        if chosen:
            self._folder.setText(chosen)

    def _on_accepted(self) -> None:
        self.exportRequested.emit(self.folder(), self.options())
        self.accept()


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + ("..." if len(names) > 3 else "")


def _existing(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []


def _check(text: str, on: bool) -> QCheckBox:
    box = QCheckBox(text)
    box.setChecked(on)
    return box
