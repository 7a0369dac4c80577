"""Requests that need a question first: which files, where to, and whether work may be lost."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QStandardPaths, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from core.files import display_path
from core.resources import sample_path
from core.session.archive import SUFFIX as SESSION_SUFFIX
from core.session.records import ViewRecord
from serr_gui.controllers.controller import Controller
from serr_gui.controllers.segmentation import ExportRequest
from serr_gui.model.enhancing import EnhancerChoice
from serr_gui.model.export_options import RESULTS_FOLDER, ExportPreview
from serr_gui.model.notices import Notice, NoticeChoice
from serr_gui.model.selectors import made_with, outdated, unsaved
from serr_gui.model.state import FovChoice, ModelChoice, PhotoItem, Preferences
from serr_gui.system.desktop import guide_page
from serr_gui.tasks import ExportItem
from serr_gui.tasks.looking import folders_among
from serr_gui.window.dialogs import ask_to_discard, ask_to_lose, ask_to_replace, ask_what_of_the_last_time
from serr_gui.window.looks import browse_near, write_if_wanted
from serr_gui.window.model_dialogs import ask_to_mix
from serr_gui.window.report_prompts import with_suffix

if TYPE_CHECKING:
    from core.models.catalogue import ModelEntry
    from serr_gui.panels.comparison.two_models_dialog import TwoModelsDialog
    from serr_gui.panels.settings_dialog import SettingsDialog


class Prompts(QObject):
    """Asks the person, then the controller.

    ``view_now`` : gives where the photograph on the screen is looked at.
    """

    def __init__(self, controller: Controller, window: QWidget) -> None:
        super().__init__(window)
        self._controller = controller
        self._state = controller.state
        self._window = window
        self.view_now: Callable[[], ViewRecord | None] = lambda: None
        controller.models.cardRead.connect(self._on_card_read)

    def open_photographs(self) -> None:
        from core.photo.reading import PHOTO_SUFFIXES

        pattern = " ".join(f"*{suffix}" for suffix in PHOTO_SUFFIXES)
        filters = f"{self.tr('Photographs')} ({pattern} {pattern.upper()});;{self.tr('All files')} (*)"
        names, _ = QFileDialog.getOpenFileNames(
            self._window, self.tr("Open Photographs"), self._state.last_folder, filters
        )
        if names:
            self.open_paths([Path(name) for name in names])

    def open_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self._window, self.tr("Open Folder"), self._state.last_folder)
        if name:
            self._open_folder(Path(name))

    def _open_folder(self, folder: Path) -> None:
        """Where photographs are open, ask whether those of the folder replace them."""
        instead_of = self._replaced(self.tr("Open the folder {name}?").format(name=display_path(folder.name)))
        if instead_of is not None:
            self.open_paths([folder], instead_of)

    def _replaced(self, question: str) -> Sequence[Path] | None:
        """Where photographs are open, ask whether others replace them.

        Those that are replaced, once the others are here: what cannot be opened costs nothing. None where nothing shall
        be opened.
        """
        state = self._state
        if not state.photos:
            return ()
        answer = ask_to_replace(
            self._window,
            question,
            open_now=len(state.photos),
            unsaved=len(unsaved(state)),
            can_replace=state.task is None and state.side_task is None,
        )
        if answer == "stay":
            return None
        return [item.path for item in state.photos] if answer == "replace" else ()

    def open_session(self) -> None:
        filters = f"{self.tr('Sessions')} (*{SESSION_SUFFIX});;{self.tr('All files')} (*)"
        name, _ = QFileDialog.getOpenFileName(self._window, self.tr("Open Session"), self._state.last_folder, filters)
        if name:
            self.open_session_file(Path(name))

    def open_session_file(self, path: Path) -> None:
        """Open a session; where photographs are open, ask what becomes of them."""
        self._begin_at(path)
        instead_of = self._replaced(self.tr("Open the session {name}?").format(name=display_path(path.name)))
        if instead_of is not None:
            self._controller.sessions.open(path, instead_of)

    def save_session(self) -> None:
        """Save to the session that was opened or saved before, or ask where to."""
        path = self._state.session
        if path is None:
            self.save_session_as()
        else:
            self._controller.sessions.save(path, self._view(), embed=self._state.session_embeds)

    def save_session_as(self) -> None:
        item, path = self._state.item, self._state.session
        folder = (
            Path(self._state.last_folder)
            if self._state.last_folder
            else item.path.parent
            if item is not None
            else Path.home()
        )
        kinds = (
            self.tr("Session (*.serr-session)"),
            self.tr("Session with the photographs in it (*.serr-session)"),
        )
        first = kinds[1] if self._state.session_embeds else kinds[0]
        start = path or folder / f"{folder.name or 'photographs'}{SESSION_SUFFIX}"
        name, kind = QFileDialog.getSaveFileName(
            self._window, self.tr("Save Session"), str(start), ";;".join(kinds), first
        )
        chosen = with_suffix(name, "", (), (SESSION_SUFFIX,))
        if chosen is None:
            return

        def save() -> None:
            self._begin_at(chosen)
            self._controller.sessions.save(chosen, self._view(), embed=kind == kinds[1])

        write_if_wanted(self._controller.context, self._window, name, [chosen], save)

    def _view(self) -> ViewRecord | None:
        return self.view_now() if self._state.document is not None else None

    def open_paths(self, paths: list[Path], instead_of: Sequence[Path] = ()) -> None:
        """Open files and folders, and begin there the next time; a session among them is opened as one.

        ``instead_of`` : as in ``PhotoController.open_paths``.
        """

        def open_them(folders: frozenset[Path]) -> None:
            sessions = [path for path in paths if path.suffix == SESSION_SUFFIX and path not in folders]
            others = [path for path in paths if path not in sessions]
            for path in sessions[:1]:
                self.open_session_file(path)
            if others:
                self._begin_at(others[0], folders)
                self._controller.photos.open_paths(others, instead_of=instead_of)

        self._controller.context.look(partial(folders_among, paths), open_them)

    def take_dropped(self, paths: list[Path]) -> None:
        """Open what was dropped on the window, or take it for a label."""
        if any(path.suffix == SESSION_SUFFIX for path in paths):
            self.open_paths(paths)
            return

        def take(folders: frozenset[Path]) -> None:
            self._begin_at(paths[0], folders)
            self._controller.take_dropped(paths)

        self._controller.context.look(partial(folders_among, paths[:1]), take)

    def _begin_at(self, path: Path, folders: frozenset[Path] = frozenset()) -> None:
        """Dialogs for files begin in this folder, or in that of this file."""
        self._state.last_folder = str((path if path in folders else path.parent).absolute())

    def open_recent(self, path: Path) -> None:
        def open_it(folders: frozenset[Path]) -> None:
            if path in folders:
                self._open_folder(path)
            else:
                self.open_paths([path])

        self._controller.context.look(partial(folders_among, [path]), open_it)

    def choose_fov_file(self) -> None:
        document = self._state.document
        start = str(document.path.parent) if document else self._state.last_folder
        name, _ = QFileDialog.getOpenFileName(self._window, self.tr("Mask of the Field of View"), start)
        if name:
            self._controller.photos.set_fov(FovChoice("file", Path(name)))

    def load_label(self, expert: int) -> None:
        document = self._state.document
        if document is None:
            return
        from core.photo.reading import PHOTO_SUFFIXES

        slot = document.labels[expert]
        start = slot.file.path.parent if slot else self._state.label_folders[expert] or document.path.parent
        pattern = " ".join(f"*{suffix}" for suffix in (*PHOTO_SUFFIXES, SESSION_SUFFIX))
        filters = f"{self.tr('Labels and sessions')} ({pattern} {pattern.upper()});;{self.tr('All files')} (*)"
        title = self.tr("Label of Expert {number}").format(number=expert + 1)
        name, _ = QFileDialog.getOpenFileName(self._window, title, str(start), filters)
        if name:
            self._controller.comparison.load_label(expert, Path(name))

    def choose_label_folder(self, expert: int) -> None:
        start = str(self._state.label_folders[expert] or self._state.last_folder)
        title = self.tr("Folder with the Labels of Expert {number}").format(number=expert + 1)
        name = QFileDialog.getExistingDirectory(self._window, title, start)
        if name:
            self._controller.comparison.set_label_folder(expert, Path(name))

    def export(self, *, everything: bool) -> None:
        self._export_items(self._controller.export_items(everything=everything))

    def export_paths(self, paths: Sequence[Path]) -> None:
        """Export the results of some photographs of the list."""
        done = {item.path for item in self._controller.export_items(everything=True)}
        self._export_items(self._controller.items_of([path for path in paths if path in done]))

    def _export_items(self, items: tuple[PhotoItem, ...]) -> None:
        from serr_gui.panels.export_dialog import ExportDialog

        if not items or not self._may_mix(items):
            return
        paths = [item.path for item in items]
        folder = (
            Path(self._state.export_options.folder)
            if self._state.export_options.folder
            else _default_folder(items[0].path)
        )
        subject = display_path(items[0].path.name)
        if len(items) > 1:
            subject = self.tr("{count} segmented photographs").format(count=len(items))
        models = ", ".join(name for name, _ in made_with(items))
        if models:
            subject = self.tr("{subject}, segmented with {models}").format(subject=subject, models=models)
        dialog = ExportDialog(folder, self._state.export_options, subject, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        previews = self._controller.export_previews
        dialog.lookRequested.connect(partial(previews.look, paths))
        previews.found.connect(dialog.show_preview)
        dialog.exportRequested.connect(partial(self._on_export_agreed, items))
        dialog.browseRequested.connect(partial(browse_near, self._controller.context, dialog))
        dialog.open()

    def _on_export_agreed(self, items: tuple[PhotoItem, ...], agreed: ExportPreview) -> None:
        self._state.export_options = agreed.options
        wanted = tuple(
            ExportItem(item.path, stem, item.rule, item.marks, self._state.observer, item.questionable, item.measuring)
            for item, stem in zip(items, agreed.stems, strict=True)
        )
        self._controller.segmentation.export(ExportRequest(wanted, agreed.folder.absolute(), agreed.options))

    def _may_mix(self, items: tuple[PhotoItem, ...]) -> bool:
        """Ask before results go into one folder that are of several models, or not made as they would be now."""
        chosen = self._state.model_choice
        old = tuple(item for item in items if outdated(self._state, item))
        if len(items) == 1 or chosen is None or not old:
            return True
        answer = ask_to_mix(self._window, made_with(items), len(old), chosen.name)
        if answer == "again":
            paths = [item.path for item in items]
            self._controller.segmentation.segment_items(old, lambda: self.export_paths(paths))
        return answer == "as they are"

    def choose(self, notice: Notice, choice: NoticeChoice) -> None:
        """Do what a person chose in a notice, after a question where something would be lost."""
        keeping = self._controller.keeping
        if choice.request == "resume batch":
            self._controller.batch.resume(choice.path)
        elif choice.request == "undo for all":
            self._controller.context.dismiss(notice)
            self._controller.thresholds.undo_for_all()
        elif choice.request == "continue":
            keeping.continue_work(notice, choice.path)
        elif choice.request == "start empty":
            left = keeping.left_behind(choice.path)
            answer = ask_what_of_the_last_time(self._window, len(left.unsaved)) if left and left.unsaved else "delete"
            if answer:
                keeping.start_empty(notice, choice.path, delete=answer == "delete")
        else:
            self._controller.photos.choose(notice, choice)

    def open_settings(self) -> "SettingsDialog":
        """Let a person change the settings."""
        from serr_gui.panels.settings_dialog import SettingsDialog

        dialog = SettingsDialog(self._state, self._state.export_options.folder, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._take_preferences(dialog.preferences))
        dialog.open()
        return dialog

    def _take_preferences(self, preferences: Preferences) -> None:
        self._state.export_options = replace(self._state.export_options, folder=preferences.export_folder)
        self._controller.set_preferences(preferences)

    def compare_two_models(self) -> "TwoModelsDialog":
        """Show what two models find in the photograph on the screen."""
        from serr_gui.panels.comparison.two_models_dialog import TwoModelsDialog

        two_models = self._controller.two_models
        dialog = TwoModelsDialog(self._state, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.compareRequested.connect(two_models.compare)
        dialog.finished.connect(lambda _result: two_models.forget())
        dialog.show()
        return dialog

    def show_model_card(self) -> None:
        """Show what the chosen network says about itself."""
        choice = self._state.model_choice
        if choice is not None:
            self.show_card(choice)

    def show_card(self, choice: ModelChoice | EnhancerChoice) -> None:
        """Show what a network says about itself, as soon as that is read."""
        self._controller.models.read_card(choice.path, bundled=choice.bundled)

    def _on_card_read(self, entry: "ModelEntry") -> None:
        from serr_gui.panels.model_card_dialog import ModelCardDialog

        page = guide_page(f"models/{entry.card.name}") if entry.bundled else None
        dialog = ModelCardDialog(entry, has_page=page is not None, parent=self._window)
        if page is not None:
            dialog.pageRequested.connect(lambda: self.show_help(page))
        dialog.open()

    def show_help(self, page: Path | None = None) -> bool:
        """Show a page of the guide inside the window; False where there is no guide."""
        from serr_gui.panels.help_dialog import HelpDialog

        first = guide_page()
        if first is None:
            return False
        dialog = HelpDialog(first.parent, page or first, self.tr("User Guide"), self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.show()
        return True

    def discard_corrections(self) -> None:
        """Give all pixels back to the network, after a question."""
        count = self._state.editing.corrected_px
        if count and ask_to_discard(self._window, count):
            self._controller.editing.discard()

    def close_photo(self) -> None:
        item = self._state.item
        if item is not None and self._may_lose(int(item.unsaved), everything=False):
            self._controller.photos.close_photos([item.path])

    def remove_photos(self, paths: Sequence[Path]) -> None:
        """Take photographs out of the list, asking where results would be lost; the files stay."""
        items = self._controller.items_of(paths)
        lost = [item.path for item in items if item.unsaved]
        if lost:
            verb = self.tr("Remove without exporting")
            answer = ask_to_lose(self._window, running=False, unsaved=len(lost), verb=verb)
            if answer == "export":
                self.export_paths(lost)
            if answer != "continue":
                return
        self._controller.photos.close_photos([item.path for item in items])

    def close_all(self) -> None:
        if self._may_lose(len(unsaved(self._state)), everything=True):
            self._controller.photos.close_photos([item.path for item in self._state.photos])

    def _may_lose(self, lost: int, *, everything: bool) -> bool:
        if not lost:
            return True
        answer = ask_to_lose(self._window, running=False, unsaved=lost, verb=self.tr("Close without exporting"))
        if answer == "export":
            self.export(everything=everything)
        return answer == "continue"


def _default_folder(photo: Path) -> Path:
    """Beside the photograph; for the sample, which may be in a read-only place, in the person's documents."""
    if photo == sample_path():
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        return Path(documents or Path.home()) / RESULTS_FOLDER
    return photo.parent / RESULTS_FOLDER
