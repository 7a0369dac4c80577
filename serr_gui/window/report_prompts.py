"""Where tables, curves and reports are written to."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from core.files import display_path
from serr_gui.controllers.controller import Controller
from serr_gui.model.enhancing import EnhancedPhoto
from serr_gui.model.score_selectors import scored_label
from serr_gui.model.selectors import enhanced_photo, with_result
from serr_gui.tasks.measuring import names_of_files
from serr_gui.tasks.study import files_of
from serr_gui.widgets.questions import Answer, ask
from serr_gui.window.looks import write_if_wanted

if TYPE_CHECKING:
    from serr_gui.panels.comparison.curves import CurvesPanel
    from serr_gui.panels.measure.study_dialog import StudyDialog

_REPORT_NAME: Final = "evaluation.html"
_MEASURES: Final = "_measures.csv"
_STUDY_NAME: Final = "comparison.csv"
_SHARES_NAME: Final = "vessel-shares.csv"


class ReportPrompts(QObject):
    """Asks for a file, then has the controller write it."""

    def __init__(self, controller: Controller, window: QWidget) -> None:
        super().__init__(window)
        self._controller, self._state, self._window = controller, controller.state, window

    def export_curves(self, panel: "CurvesPanel") -> None:
        document, against = self._state.document, scored_label(self._state)
        if document is None or against is None:
            return
        stem = Path(self._state.last_folder or document.path.parent) / f"{document.path.stem}_curves.png"
        kinds = (self.tr("PNG picture (*.png)"), self.tr("SVG picture (*.svg)"), self.tr("Table (*.csv)"))
        name, kind = QFileDialog.getSaveFileName(self._window, self.tr("Export Curves"), str(stem), ";;".join(kinds))
        path = with_suffix(name, kind, kinds, (".png", ".svg", ".csv"))
        if path is not None:
            self._write(
                name,
                [path],
                lambda: self._controller.write_file(path, panel.file_of(path.suffix.lower())),
                of=document.path,
            )

    def export_evaluation(self) -> None:
        item = self._state.item
        folder = self._state.last_folder or str(item.path.parent if item is not None else Path.home())
        kinds = (
            self.tr("Web page (*.html)"),
            self.tr("PDF (*.pdf)"),
            self.tr("Table (*.csv)"),
            self.tr("For programs (*.json)"),
        )
        name, kind = QFileDialog.getSaveFileName(
            self._window, self.tr("Export Report"), str(Path(folder) / _REPORT_NAME), ";;".join(kinds)
        )
        path = with_suffix(name, kind, kinds, (".html", ".pdf", ".csv", ".json"))
        if path is not None:
            self._write(name, [path], partial(self._controller.evaluation.write, path))

    def export_measures(self) -> None:
        """Ask where the table of measures goes, and write it."""
        document = self._state.document
        if document is None:
            return
        folder = Path(self._state.last_folder or document.path.parent)
        name, _ = QFileDialog.getSaveFileName(
            self._window,
            self.tr("Export Measures"),
            str(folder / (document.path.stem + _MEASURES)),
            self.tr("Table (*.csv)"),
        )
        path = with_suffix(name, "", (), (".csv",))
        if path is not None:
            write = partial(self._controller.measuring.write, path)
            self._write(name, names_of_files(path), write, of=document.path)

    def export_enhanced(self) -> None:
        """Ask which folder the enhanced picture goes to, and write it."""
        made = enhanced_photo(self._state)
        if made is None:
            return
        start = self._state.export_options.folder or self._state.last_folder or str(made.photo.parent)
        title = self.tr("Folder for the Enhanced Photograph")
        name = QFileDialog.getExistingDirectory(self._window, title, start)
        if name:
            self._controller.enhancing.write(made, Path(name))

    def ask_to_replace_enhanced(self, made: EnhancedPhoto, folder: Path, what: str) -> None:
        """Ask before an enhanced picture takes the place of what ``what`` says is there."""
        question = self.tr("Replace {name}?").format(name=display_path(what))
        text = self.tr("There is a file of this name in {folder}, which is not an enhanced picture of this photograph.")
        answers = [Answer("replace", self.tr("Replace"), destructive=True)]
        if ask(self._window, question, text.format(folder=display_path(folder)), answers) == "replace":
            self._controller.enhancing.write(made, folder, overwrite=True)

    def compare_groups(self) -> "StudyDialog":
        """Show the comparison of two groups or visits."""
        from serr_gui.panels.measure.study_dialog import StudyDialog

        study = self._controller.study
        dialog = StudyDialog(self._state, self._state.last_folder, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.tablesRequested.connect(study.read_tables)
        dialog.openRequested.connect(study.measure_open)
        dialog.takeOutRequested.connect(study.take_out)
        dialog.groupsRequested.connect(study.read_groups)
        dialog.compareRequested.connect(lambda members, paired: study.compare(members, paired=paired))
        dialog.exportRequested.connect(lambda: self._export_study(dialog))
        dialog.finished.connect(lambda _result: study.forget())
        dialog.show()
        return dialog

    def _export_study(self, dialog: "StudyDialog") -> None:
        name, _ = QFileDialog.getSaveFileName(
            dialog,
            self.tr("Export the Comparison"),
            str(Path(self._state.last_folder) / _STUDY_NAME),
            self.tr("Table (*.csv)"),
        )
        path = with_suffix(name, "", (), (".csv",))
        if path is not None:
            context, write = self._controller.context, partial(self._controller.study.write, path)
            write_if_wanted(context, dialog, name, files_of(path), write)

    def export_shares(self) -> None:
        """Ask where the table of vessel shares goes, and write it."""
        items = with_result(self._state)
        if not items:
            return
        folder = Path(self._state.export_options.folder) if self._state.export_options.folder else items[0].path.parent
        name, _ = QFileDialog.getSaveFileName(
            self._window,
            self.tr("Export Vessel Shares"),
            str(folder / _SHARES_NAME),
            self.tr("Table (*.csv)"),
        )
        path = with_suffix(name, "", (), (".csv",))
        if path is not None:
            self._write(name, [path], partial(self._controller.write_shares, items, path))

    def _write(self, chosen: str, files: Sequence[Path], write: Callable[[], None], *, of: Path | None = None) -> None:
        """Write what was asked for; ``of`` : the photograph that must be on the screen for that."""

        def write_it() -> None:
            document = self._state.document
            if of is None or (document is not None and document.path == of):
                write()
            else:
                text = self.tr("Nothing is written to {file}: {name} is no longer on the screen.")
                text = text.format(file=display_path(files[0].name), name=display_path(of.name))
                self._controller.context.notify("warning", text)

        write_if_wanted(self._controller.context, self._window, chosen, files, write_it)


def with_suffix(name: str, kind: str, kinds: Sequence[str], suffixes: Sequence[str]) -> Path | None:
    """The file that a person has named, with the suffix of the chosen kind where there is no good one."""
    if not name:
        return None
    path = Path(name)
    if path.suffix.lower() in suffixes:
        return path
    return path.with_name(path.name + suffixes[kinds.index(kind) if kind in kinds else 0])
