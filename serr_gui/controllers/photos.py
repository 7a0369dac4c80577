"""The list of photographs and the one on the screen."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.files import display_path
from core.progress import Monitor
from core.resources import sample_path
from core.threshold_rule import ThresholdRule
from core.types import FieldOfView
from serr_gui import tasks
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.file_watcher import FileWatcher
from serr_gui.controllers.history import HistoryController
from serr_gui.controllers.workers import Failure
from serr_gui.model import label_choices
from serr_gui.model.comparison import LabelFiles
from serr_gui.model.editing import EditStep
from serr_gui.model.notices import Notice, NoticeChoice
from serr_gui.model.selectors import next_listed, seen_enhanced, sorted_photos
from serr_gui.model.settings import RECENT_LIMIT
from serr_gui.model.state import BaseView, Document, FovChoice, ListOrder, ListShow, PhotoItem
from serr_gui.tasks.channel_views import make_base_view
from serr_gui.tasks.looking import folders_among


class PhotoController(QObject):
    """Opens, shows and closes photographs, with their fields of view and base views."""

    thumbnailMade = Signal(object)
    """A ``tasks.Thumbnail``: pictures for the strip are not state."""

    def __init__(self, context: ControllerContext, history: HistoryController) -> None:
        super().__init__(context)
        self._context, self._history = context, history
        history.register("fov", self._apply_fov_step)
        self._opening_rule: ThresholdRule | None = None
        self.watcher = FileWatcher(context)
        self.watcher.reloadRequested.connect(self.reload)
        self._opened: dict[Path, int] = {}

    def open_paths(
        self,
        paths: Sequence[Path],
        *,
        segment: bool = False,
        rule: ThresholdRule | None = None,
        recursive: bool = False,
        instead_of: Sequence[Path] = (),
    ) -> None:
        """Add files, and the photographs of folders, to the list and show the first of them.

        ``recursive`` : those in the sub-folders of the folders, too. ``instead_of`` : photographs that are closed as
        soon as others were found, and not before.
        """
        self._context.segment_when_ready = segment
        self._opening_rule = rule
        self._add_recent(paths)
        self._context.workers.start(
            "find",
            partial(tasks.photos_to_open, tuple(paths), recursive=recursive),
            succeeded=partial(self._on_photos_found, instead_of),
            failed=partial(self._context.fail, self.tr("The search for photographs failed.")),
        )

    def select(self, index: int) -> None:
        """Show another photograph of the list. Nothing of the old one stays beside the new one's name."""
        if 0 <= index < len(self._context.state.photos):
            self._context.segment_when_ready = False  # that was meant for the one before
            self._select(index)

    def _select(self, index: int) -> None:
        state = self._context.state
        self._context.finishSteps.emit()
        self._context.forget_notices("photo")
        state.current = index
        item = state.photos[index]
        state.opening = item.path
        if state.document is not None and state.document.path != item.path:
            self._context.workers.cancel("fov")
            state.document, state.base_view = None, None
        pending, folders, store = self._context.pending, state.label_folders, self._context.store

        def open_it(monitor: Monitor) -> tasks.Opened:
            pending.write_all()  # what was chosen for it a moment ago is read again
            return tasks.open_document(item, folders, store, monitor)

        self._context.workers.start(
            "open",
            open_it,
            succeeded=self._on_document_opened,
            failed=partial(self._on_open_failed, item.path),
            in_turn=True,  # a held key asks for many photographs, and only the last is wanted
        )

    def list_path(self, path: Path) -> None:
        """Put a photograph into the list, at its end, without opening it."""
        state = self._context.state
        if all(item.path != path for item in state.photos):
            self._opened.setdefault(path, len(self._opened))
            state.photos = (*state.photos, PhotoItem(path))

    def open_or_select(self, path: Path) -> None:
        """Show a photograph of the list, or open it again where it was closed."""
        state = self._context.state
        index = next((index for index, item in enumerate(state.photos) if item.path == path), None)
        if index is None:
            self.open_paths([path])
        elif index != state.current:
            self.select(index)

    def reload(self, path: Path) -> None:
        """Read a photograph again from its file; its result, made of other pixels, is dropped."""
        state = self._context.state
        self._context.finishSteps.emit()
        index = next((index for index, item in enumerate(state.photos) if item.path == path), None)
        if index is not None:
            self._context.store.forget(path)
            marks = replace(state.photos[index].marks, done=False)
            self._context.set_item(
                path, status="new", unsaved=False, problem="", corrected=False, marks=marks, questionable=b""
            )
            self.select(index)

    def step(self, by: int) -> None:
        """Go forward or back among the lines that are listed."""
        index = next_listed(self._context.state, by)
        if index is not None:
            self.select(index)

    def filter_list(self, text: str) -> None:
        """List only the photographs with these words in their name or folder."""
        self._context.state.list_filter = text

    def show_in_list(self, which: ListShow) -> None:
        """List only the photographs of a kind: not done, doubtful, ..."""
        self._context.state.list_show = which

    def sort_list(self, order: ListOrder) -> None:
        """Put the list in another order, once; the photograph on the screen stays."""
        state = self._context.state
        shown = state.item
        state.photos = sorted_photos(state, order, self._opened)
        if shown is not None:
            state.current = next(index for index, item in enumerate(state.photos) if item.path == shown.path)

    def close_photos(self, paths: Sequence[Path]) -> None:
        """Take photographs out of the list and forget their results."""
        state = self._context.state
        self._context.finishSteps.emit()
        gone = set(paths)
        shown = state.item
        before = sum(item.path not in gone for item in state.photos[: max(state.current, 0)])
        for path in gone:
            self._context.store.forget(path)
        state.photos = tuple(item for item in state.photos if item.path not in gone)
        if shown is None or shown.path not in gone:
            state.current = before if shown else -1
            return
        self._context.workers.cancel("open")
        self._context.workers.cancel("fov")
        state.opening, state.document, state.base_view = None, None, None
        state.current = -1
        if state.photos:
            self.select(min(before, len(state.photos) - 1))

    def request_thumbnails(self, paths: Sequence[Path]) -> None:
        """Make small pictures of these; ``thumbnailMade`` brings them one by one."""
        self._context.workers.start(
            "thumbnails",
            partial(tasks.make_thumbnails, tuple(paths)),
            partial_result=self.thumbnailMade.emit,
        )

    def forget_recent(self) -> None:
        """Forget which photographs were opened, and the labels that were chosen for them."""
        self._context.state.recent = ()
        self._context.keep(label_choices.forget_all)

    def set_fov(self, choice: FovChoice) -> None:
        """Use another field of view for the photograph on the screen from its next run on: a step of Undo."""
        item = self._context.state.item
        before = item.fov if item is not None else choice

        def made(document: Document) -> None:
            if before != choice:
                step = EditStep(self.tr("Field of View"), kind="fov", before=before.values(), after=choice.values())
                self._history.push(document.path, step)

        self._make_fov(choice, made)

    def _apply_fov_step(self, _path: Path, step: EditStep, back: bool) -> bool:
        self._make_fov(FovChoice.from_values(step.before if back else step.after), lambda _document: None)
        return True

    def _make_fov(self, choice: FovChoice, then: Callable[[Document], None]) -> None:
        document = self._context.state.document
        if document is None:
            return
        image = document.image
        self._context.workers.start(
            "fov",
            lambda _monitor: tasks.make_fov(image, choice),
            succeeded=partial(self._on_fov_made, document, choice, then),
            failed=self._on_fov_failed,
        )

    def refresh_base_view(self) -> None:
        """Make the base view that the view options ask for, unless it is there."""
        state = self._context.state
        document, base, enhanced = state.document, state.view.base, seen_enhanced(state)
        made = state.base_view
        if document is None or base == "colour":
            self._context.workers.cancel("base")
            state.base_view = None
        elif made is None or (made.image, made.base, made.enhanced) != (document.image, base, enhanced):
            image, fov = document.image, document.fov
            self._context.workers.start(
                "base",
                lambda _monitor: make_base_view(image, fov, base, enhanced),
                succeeded=self._on_base_view_made,
            )

    def _on_photos_found(self, instead_of: Sequence[Path], outcome: tasks.FoundPhotos) -> None:
        state = self._context.state
        for problem in outcome.problems:
            self._context.notify("warning", problem, choices=() if outcome.paths else self._below_choices(outcome))
        if not outcome.paths:
            self._context.segment_when_ready = False
            self._context.settled.emit()
            return
        if instead_of:
            self.close_photos(instead_of)
        known = {item.path for item in state.photos}
        new = tuple(PhotoItem(path, rule=self._opening_rule) for path in outcome.paths if path not in known)
        if new:
            for item in new:
                self._opened.setdefault(item.path, len(self._opened))
            state.photos += new
        first = outcome.paths[0]
        self._select(next(index for index, item in enumerate(state.photos) if item.path == first))
        for note in outcome.notes:
            self._context.notify("info", note, until="photo", choices=self._below_choices(outcome))

    def _below_choices(self, found: tasks.FoundPhotos) -> tuple[NoticeChoice, ...]:
        """A button that adds what is in the sub-folders, where one folder has them."""
        if len(found.below) != 1:
            return ()
        return (NoticeChoice(self.tr("Add the Sub-folders"), "add below", found.below[0]),)

    def choose(self, notice: Notice, choice: NoticeChoice) -> None:
        """Do what a person chose in a notice."""
        if choice.request == "add below":
            self._context.dismiss(notice)
            self.open_paths([choice.path], recursive=True)
        else:
            self.watcher.choose(notice, choice)

    def _on_document_opened(self, opened: tasks.Opened) -> None:
        outcome = opened.document
        state = self._context.state
        item = state.item
        state.opening = None
        if item is None or item.path != outcome.path:
            return
        if outcome.result is None and item.status == "done":
            self._tell_of_lost_result(outcome)
        elif item.status == "failed" and outcome.fov is not None:
            self._context.set_item(outcome.path, status="new", problem="")
        first, second = (slot.file if slot else None for slot in outcome.labels)
        self._context.set_item(outcome.path, fov=opened.fov, labels=(first, second), doubts=outcome.doubts)
        self._remember_from_folders(outcome.path, (first, second))
        for note in opened.notes:
            self._context.notify("warning", note, until="photo")
        for note in outcome.image.notes:
            self._context.notify("warning", note, until="photo")
        self._show_document(outcome)
        if opened.stamp is not None:
            self.watcher.trust(outcome, opened.stamp)
        self.watcher.check()
        if outcome.fov_problem:
            self._context.notify("warning", outcome.fov_problem, until="photo")
            self._context.set_item(
                outcome.path, status="failed" if outcome.result is None else "done", problem=outcome.fov_problem
            )
        self._context.settled.emit()

    def _tell_of_lost_result(self, document: Document) -> None:
        """Its result is gone, or was made of other pixels than the file has now. Corrections are kept in any case."""
        kept, path = self._context.store.edits(document.path), document.path
        self._context.store.forget_map(path)
        self._context.set_item(path, status="new", unsaved=kept is not None)
        choices: tuple[NoticeChoice, ...] = ()
        if kept is None:
            text = self.tr("The result of {name} is no longer available: segment it again.")
        elif (kept.sha256, kept.shape) == (document.image.sha256, document.image.shape):
            text = self.tr("The result of {name} is no longer available: segment it again.")
            text += " " + self.tr("Your corrections are kept and come back with it.")
        else:
            text = self.tr(
                "{name} has changed on the disk since it was corrected. The corrections belong to the photograph as it "
                "was: they are kept, but not laid over this one."
            )
            choices = (NoticeChoice(self.tr("Drop the Corrections"), "reload", path),)
        name = display_path(path.name)
        self._context.notify("warning", text.format(name=name), until="photo", choices=choices)

    def _remember_from_folders(self, photo: Path, files: LabelFiles) -> None:
        """Labels from a folder that a person named come back at the next start; the folder itself is forgotten."""
        folders = self._context.state.label_folders
        named = {
            expert: file
            for expert, (file, folder) in enumerate(zip(files, folders, strict=True))
            if file is not None and file.found and folder is not None and file.path.is_relative_to(folder.absolute())
        }
        if named:
            self._context.keep(lambda: label_choices.remember(photo, label_choices.LabelChoices(named)))

    def _show_document(self, document: Document) -> None:
        self._context.state.document = document
        self._context.follow_rule()
        self.refresh_base_view()

    def _on_open_failed(self, path: Path, failure: Failure) -> None:
        state = self._context.state
        state.opening = None
        self._context.segment_when_ready = False
        state.document, state.base_view = None, None
        self._context.fail(
            self.tr("{name} cannot be opened.").format(name=display_path(path.name)), failure, until="photo"
        )
        self._context.set_item(path, status="failed", problem=failure.sentence)
        self._context.settled.emit()

    def _on_base_view_made(self, outcome: BaseView) -> None:
        self._context.state.base_view = outcome

    def _on_fov_made(
        self, document: Document, choice: FovChoice, then: Callable[[Document], None], outcome: FieldOfView
    ) -> None:
        now = self._context.state.document
        if now is not None and now.image is document.image:
            result = now.result
            # The same choice as that of the result is not another field of view.
            same = result is not None and result.segmentation.fov.same_pixels(outcome)
            fov = result.segmentation.fov if result is not None and same else outcome
            shown = replace(now, fov=fov, fov_problem="")
            status = "done" if result else "new"
            self._context.set_item(now.path, fov=choice, problem="", status=status, doubts=shown.doubts)
            if choice.request != "edited":  # that is kept with the work on the photograph
                self._context.keep(lambda: label_choices.remember(now.path, label_choices.LabelChoices(fov=choice)))
            self._context.state.document = shown
            then(shown)

    def _on_fov_failed(self, failure: Failure) -> None:
        self._context.fail(self.tr("The field of view cannot be used."), failure)
        document = self._context.state.document
        self._context.state.events.document.emit(document, document)  # the chooser goes back to what is

    def _add_recent(self, paths: Sequence[Path]) -> None:
        opened = tuple(path.absolute() for path in paths if path != sample_path())

        def add(folders: frozenset[Path]) -> None:
            places = opened
            if len(opened) > 1:  # many files at once: their folder is what one wants to find again
                places = tuple(dict.fromkeys(path if path in folders else path.parent for path in opened))
            self._context.state.recent = tuple(dict.fromkeys((*places, *self._context.state.recent)))[:RECENT_LIMIT]

        self._context.look(partial(folders_among, opened), add)
