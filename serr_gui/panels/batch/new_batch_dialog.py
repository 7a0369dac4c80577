"""The form of a new batch: which photographs, where to, with which model, and what is written."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from core.files import display_path
from core.threshold_rule import LEVELS
from serr_gui.model.batch import BatchOrder, BatchPreview
from serr_gui.model.state import AppState
from serr_gui.widgets.controls import DecimalBox, FittedLabel, chooser, faded, left_form, resize_on_screen

_LOOK_MS = 300


class NewBatchDialog(QDialog):
    """Asks for all of it. ``batchRequested`` carries a ``BatchOrder``; ``previewRequested`` (inputs, folder or None);
    ``browseRequested`` the folder near which ``browse`` is wanted.

    Where the folder has a batch already, the photographs are added to that one, which keeps its options.
    """

    batchRequested = Signal(object)
    previewRequested = Signal(object, object)
    browseRequested = Signal(Path)

    def __init__(self, state: AppState, inputs: Iterable[Path] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._preview = state, BatchPreview()
        self._out_is_mine = False
        self.setWindowTitle(self.tr("Segment a Folder in the Background"))
        self.setAcceptDrops(True)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._ask_preview)
        column = QVBoxLayout(self)
        column.setSpacing(8)
        column.addLayout(self._make_inputs(), 1)
        column.addLayout(self._make_form())
        self._said = FittedLabel(prominent=True)
        column.addWidget(self._said)
        column.addWidget(self._make_buttons())
        resize_on_screen(self, 620, 520)
        self.add_inputs(inputs)
        self._show()

    # Making

    def _make_inputs(self) -> QVBoxLayout:
        caption = QLabel(
            self.tr("P&hotographs: folders with all below, lists (CSV, or text with paths), or zip archives")
        )
        self._inputs = QListWidget()
        self._inputs.setAccessibleName(self.tr("Folders and lists of photographs"))
        self._inputs.setMinimumHeight(64)
        self._inputs.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        caption.setBuddy(self._inputs)
        row = QHBoxLayout()
        for text, slot in (
            (self.tr("&Add Folder..."), self._on_add_folder),
            (self.tr("Add &List or Archive..."), self._on_add_list),
            (self.tr("&Remove"), self._on_remove),
        ):
            button = QPushButton(text)
            button.setAutoDefault(False)
            button.clicked.connect(slot)
            row.addWidget(button)
        self._remove = button
        row.addStretch(1)
        self._inputs.currentItemChanged.connect(lambda *_items: self._remove.setEnabled(self._inputs.currentRow() >= 0))
        self._remove.setEnabled(False)
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addWidget(caption)
        column.addWidget(self._inputs, 1)
        column.addLayout(row)
        return column

    def _make_form(self) -> QFormLayout:
        self._watch = QCheckBox(self.tr("Also photographs that &arrive in the folders later"))
        self._watch.setToolTip(self.tr("The batch looks for photographs that a camera writes, until you end it"))
        self._watch.toggled.connect(self._show)
        self._out = QLineEdit()
        self._out.setAccessibleName(self.tr("Folder for the results"))
        self._out.textChanged.connect(self._on_out_changed)
        browse = QPushButton(self.tr("&Browse..."))
        browse.setAutoDefault(False)
        browse.clicked.connect(lambda: self.browseRequested.emit(self.out() or Path(self._begin())))
        where = QHBoxLayout()
        where.addWidget(self._out, 1)
        where.addWidget(browse)
        self._model = chooser(self.tr("Model"), self.tr("The trained network that finds the vessels"))
        for choice in self._state.models:
            self._model.addItem(choice.name, choice)
        chosen = self._state.model_choice
        self._model.setCurrentIndex(max(0, self._model.findText(chosen.name) if chosen is not None else 0))
        self._model.activated.connect(self._show_styles)
        self._style = chooser(
            self.tr("Draw like"),
            self.tr("Draw as thick and as fine as the experts of a data set, or as an average of them"),
        )
        self._style.activated.connect(self._show_own_threshold)
        self._own = QCheckBox(self.tr("The model's o&wn"))
        self._own.setChecked(True)
        self._own.toggled.connect(self._show_own_threshold)
        self._threshold = DecimalBox()
        self._threshold.setAccessibleName(self.tr("Threshold"))
        self._threshold.setDecimals(3)
        self._threshold.setRange(1 / LEVELS, 1 - 1 / LEVELS)
        self._threshold.setSingleStep(1 / LEVELS)
        threshold = QHBoxLayout()
        threshold.addWidget(self._own)
        threshold.addWidget(self._style)
        threshold.addWidget(self._threshold)
        threshold.addStretch(1)
        self._kinds = {
            "mask": QCheckBox(self.tr("&Mask")),
            "probability": QCheckBox(self.tr("&Probability")),
            "overlay": QCheckBox(self.tr("&Overlay")),
        }
        kinds = QHBoxLayout()
        for kind, box in self._kinds.items():
            box.setChecked(bool(getattr(self._state.export_options, kind)))
            box.toggled.connect(self._show)
            kinds.addWidget(box)
        kinds.addStretch(1)
        form = left_form()
        for text, buddy, field in (
            (self.tr("&Results in"), self._out, where),
            (self.tr("Mo&del"), self._model, self._model),
            (self.tr("&Threshold"), self._threshold, threshold),
        ):
            label = QLabel(text)
            label.setBuddy(buddy)
            form.addRow(label, field)
        form.addRow(self.tr("Write"), kinds)
        form.addRow("", self._watch)
        self._note = faded()
        form.addRow("", self._note)
        return form

    def _make_buttons(self) -> QDialogButtonBox:
        box = QDialogButtonBox()
        box.addButton(self.tr("Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        self._start = box.addButton(self.tr("&Start"), QDialogButtonBox.ButtonRole.AcceptRole)
        self._start.setDefault(True)
        box.accepted.connect(self._on_accepted)
        box.rejected.connect(self.reject)
        self._show_styles()
        return box

    # What is chosen

    def inputs(self) -> tuple[Path, ...]:
        return tuple(Path(self._inputs.item(row).data(Qt.ItemDataRole.UserRole)) for row in range(self._inputs.count()))

    def out(self) -> Path | None:
        text = self._out.text().strip()
        return Path(text).expanduser().absolute() if text else None

    def order(self) -> BatchOrder:
        """The batch that the form asks for."""
        out = self.out()
        assert out is not None
        watch = self._watch.isChecked()
        if self._preview.there is not None:
            return BatchOrder(self.inputs(), out, ("--device", self._state.device), watch)
        words = ["--model", str(self._model.currentData().path), "--device", self._state.device]
        words += ["--save", ",".join(kind for kind, box in self._kinds.items() if box.isChecked()) or "sidecar"]
        words += ["--tta", self._state.run.tta]
        if not self._own.isChecked():
            words += ["--threshold", f"{self._threshold.value():.4f}"]
        elif self._style.currentData() is not None:
            words += ["--draw-like", self._style.currentData().name]
        return BatchOrder(self.inputs(), out, tuple(words), watch)

    def add_inputs(self, paths: Iterable[Path]) -> None:
        """Put folders and lists into the form; what is found of them proposes where the results go."""
        there = set(self.inputs())
        for path in (path.absolute() for path in paths):
            if path not in there:
                item = QListWidgetItem(display_path(path))
                item.setData(Qt.ItemDataRole.UserRole, str(path))
                item.setToolTip(display_path(path))
                self._inputs.addItem(item)
                there.add(path)
        self._look_later()

    # What follows from it

    def show_preview(self, preview: BatchPreview) -> None:
        """What the batch would have."""
        if self._timer.isActive():
            return  # of an earlier choice
        self._preview = preview
        if not self._out_is_mine and preview.out is not None:
            with QSignalBlocker(self._out):
                self._out.setText(str(preview.out))
        self._show()

    def _look_later(self) -> None:
        self._preview = replace(self._preview, photos=-1, there=None, problem="")
        self._timer.start()
        self._show()

    def _ask_preview(self) -> None:
        self.previewRequested.emit(self.inputs(), self.out() if self._out_is_mine else None)

    def _show_styles(self) -> None:
        choice = self._model.currentData()
        styles = choice.styles if choice is not None else ()
        self._style.clear()
        self._style.addItem(self.tr("Average"), None)
        for style in styles:
            self._style.addItem(self.tr("like {name}").format(name=style.name), style)
        names = [style.name for style in styles]
        wanted = self._state.draw_like  # as photographs of the window are drawn
        self._style.setCurrentIndex(1 + names.index(wanted) if wanted in names else 0)
        self._show_own_threshold()

    def _show_own_threshold(self) -> None:
        choice, style = self._model.currentData(), self._style.currentData()
        if self._own.isChecked() and choice is not None:
            level = choice.default_level if style is None else style.level
            with QSignalBlocker(self._threshold):
                self._threshold.setValue(level / LEVELS)
        self._show()

    def _show(self) -> None:
        there = self._preview.there
        for widget in (self._model, self._own, *self._kinds.values()):
            widget.setEnabled(there is None)
        self._threshold.setEnabled(there is None and not self._own.isChecked())
        self._style.setEnabled(there is None and self._own.isChecked() and self._style.count() > 1)
        only_folders = self._preview.only_folders
        self._watch.setEnabled(only_folders)
        if not only_folders:
            self._watch.setChecked(False)
        self._said.setText(self._sentence())
        missing = self.tr("Without mask and probability a result cannot be shown in this window.")
        shown = all(self._kinds[kind].isChecked() for kind in ("mask", "probability"))
        self._note.setText("" if shown or there is not None else missing)
        self._note.setVisible(bool(self._note.text()))
        ready = self._preview.photos >= 0 and not self._preview.problem
        usable = self._preview.photos > 0 or self._preview.at_least or self._watch.isChecked()
        usable = usable and not (there is not None and there.running)
        self._start.setEnabled(bool(self.inputs()) and self.out() is not None and ready and usable)
        self._start.setDefault(True)  # Qt gives that to Cancel while this one cannot be pressed

    def _sentence(self) -> str:
        preview = self._preview
        if not self.inputs():
            return self.tr("Add a folder with photographs, or drop one here.")
        if preview.problem:
            return preview.problem
        if preview.photos < 0:
            return self.tr("Looking for photographs...")
        count = f"{preview.photos:,}"
        if preview.at_least:
            text = self.tr("At least {count} photographs.") if preview.photos else self.tr("Photographs of the list.")
        else:
            text = self.tr("{count} photographs.") if preview.photos != 1 else self.tr("One photograph.")
        text = text.format(count=count)
        there = preview.there
        if there is not None and there.status is not None:
            known = self.tr(
                "The folder has a batch already ({done} of {total} done, model {model}, threshold {threshold}): they "
                "are added to it, with its options, and what is done stays."
            )
            status = there.status
            text += " " + known.format(
                done=f"{status.total - status.left:,}",
                total=f"{status.total:,}",
                model=there.model,
                threshold=there.threshold_text,
            )
            if there.running:
                text += " " + self.tr("It is running: pause it first.")
        return text

    # Requests

    def _on_out_changed(self, text: str) -> None:
        self._out_is_mine = bool(text.strip())
        self._look_later()

    def _on_add_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Folder with Photographs"), self._begin())
        if chosen:
            self.add_inputs([Path(chosen)])

    def _on_add_list(self) -> None:
        kinds = self.tr("Lists and archives of photographs")
        filters = f"{kinds} (*.csv *.tsv *.txt *.list *.zip);;{self.tr('All files')} (*)"
        names, _ = QFileDialog.getOpenFileNames(self, kinds, self._begin(), filters)
        self.add_inputs(map(Path, names))

    def _on_remove(self) -> None:
        self._inputs.takeItem(self._inputs.currentRow())
        self._look_later()

    def browse(self, start: Path) -> None:
        """Let the folder of the results be chosen, beginning in one that exists."""
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Folder for the Results"), str(start))
        if chosen:
            self._out.setText(chosen)

    def _begin(self) -> str:
        inputs = self.inputs()
        return str(inputs[-1].parent) if inputs else self._state.last_folder

    def _on_accepted(self) -> None:
        self.batchRequested.emit(self.order())
        self.accept()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        self.add_inputs(Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile())
