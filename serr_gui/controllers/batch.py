"""Batches as the window knows them: remembered, looked at, started, paused, and their results opened."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from core.batch.control import Request
from core.batch.plan import BATCH_FOLDER
from core.batch.status import Kind
from core.files import display_path
from serr_gui.controllers.context import ControllerContext
from serr_gui.controllers.exported import ExportedController
from serr_gui.controllers.photos import PhotoController
from serr_gui.controllers.workers import Failure
from serr_gui.model.batch import MOST_KNOWN, Batches, BatchFacts, BatchOrder, BatchPreview, BatchRow
from serr_gui.model.notices import NoticeChoice
from serr_gui.tasks import batch as work
from serr_gui.tasks.exported import TakenBack


class BatchController(QObject):
    """Keeps the batches' part of the state. ``state.batch_folders`` are those that come back at the next start.

    ``previewed`` carries a ``BatchPreview``. ``shown`` : a batch was started or found that a person wants to see.
    """

    previewed = Signal(object)
    shown = Signal()

    def __init__(self, context: ControllerContext, photos: PhotoController, exported: ExportedController) -> None:
        super().__init__(context)
        self._context, self._photos, self._exported = context, photos, exported
        self._poller = work.BatchPoller()
        self._started = False
        self._first = True

    # Looking

    def start(self) -> None:
        """Begin to look at the batches that are remembered."""
        if not self._started:
            self._started = True
            self._look(self._context.state.batches)
            self._context.workers.start(
                "batches",
                partial(work.watch_batches, self._poller),
                partial_result=self._on_batches,
                failed=partial(self._context.fail, self.tr("The batches cannot be looked at.")),
            )

    def choose(self, folder: Path) -> None:
        """Look at another batch."""
        batches = self._context.state.batches
        if folder != batches.chosen:
            self._look(replace(batches, chosen=folder, rows=(), more=False))

    def find(self, kind: Kind, part: str) -> None:
        """Look at the photographs of a kind, with something in their names."""
        self._look(replace(self._context.state.batches, kind=kind, part=part))

    def forget(self, folder: Path) -> None:
        """Take a batch out of the list; its files stay."""
        state = self._context.state
        state.batch_folders = tuple(each for each in state.batch_folders if each != folder)
        known = tuple(each for each in state.batches.known if each.folder != folder)
        chosen = state.batches.chosen if state.batches.chosen != folder else None
        self._look(replace(state.batches, known=known, chosen=chosen, rows=(), more=False))

    def take_up(self, folder: Path) -> None:
        """Put a batch into the list that was begun at another time, or by the command line."""
        folder = folder.parent if folder.name == BATCH_FOLDER else folder
        self._context.workers.start(
            "take up",
            lambda _monitor: work.facts_of(folder),
            succeeded=self._on_taken_up,
            failed=partial(self._context.fail, self.tr("The folder cannot be looked at.")),
        )

    def _on_taken_up(self, facts: BatchFacts) -> None:
        if facts.status is None:
            self._context.notify("error", facts.problem, until="work")
            return
        self._remember(facts.folder)
        self.shown.emit()

    def _remember(self, folder: Path) -> None:
        state = self._context.state
        others = tuple(each for each in state.batch_folders if each != folder)
        state.batch_folders = (folder, *others)[:MOST_KNOWN]
        self._look(replace(state.batches, chosen=folder, rows=(), more=False))

    def _look(self, batches: Batches) -> None:
        state = self._context.state
        if batches.chosen is None and state.batch_folders:
            batches = replace(batches, chosen=state.batch_folders[0])
        state.batches = batches
        self._poller.want(work.Looking(state.batch_folders, batches.chosen, batches.kind, batches.part))

    def _on_batches(self, part: Batches) -> None:
        state = self._context.state
        before, first, self._first = state.batches, self._first, False
        known = tuple(each for each in part.known if each.folder in state.batch_folders)
        if (part.chosen, part.kind, part.part) != (before.chosen, before.kind, before.part):
            part = replace(before, known=known)  # the rows that are wanted now are on their way
        state.batches = replace(part, known=known)
        for facts in known:
            old = before.named(facts.folder)
            if old is not None and old.running and not facts.running:
                self._tell_end(facts)
        if first:
            self._offer(known)

    def _offer(self, known: Sequence[BatchFacts]) -> None:
        """At the start: batches that wait to be resumed, and those that run."""
        for facts in known:
            if facts.unfinished and facts.status is not None:
                text = self.tr("The batch {name} is not done: {left} of {total} photographs are left.")
                if facts.watched and not facts.status.left:
                    text = self.tr("The batch {name} does not look for photographs that arrive.")
                text = text.format(name=name_of(facts), left=f"{facts.status.left:,}", total=f"{facts.status.total:,}")
                resume = NoticeChoice(self.tr("Resume"), "resume batch", facts.folder)
                self._context.notify("info", text, choices=(resume,))
        if any(facts.unfinished or facts.running for facts in known):
            self.shown.emit()

    def _tell_end(self, facts: BatchFacts) -> None:
        status = facts.status
        if status is None or status.word not in {"done", "failed", "interrupted"}:
            return
        name = name_of(facts)
        if status.word == "failed":
            self._context.notify(
                "error", self.tr("The batch {name} has stopped. {why}").format(name=name, why=facts.problem)
            )
        elif status.word == "interrupted":
            text = self.tr(
                "The process of the batch {name} was ended from outside (for lack of memory, perhaps). Nothing is "
                "lost; it can be resumed."
            )
            self._context.notify("warning", text.format(name=name))
        elif status.counts["failed"]:
            text = self.tr("The batch {name} is done, but {count} photographs failed: Batches says why.")
            if status.counts["failed"] == 1:
                text = self.tr("The batch {name} is done, but one photograph failed: Batches says why.")
            self._context.notify("warning", text.format(name=name, count=f"{status.counts['failed']:,}"))
        else:
            self._context.notify("success", self.tr("The batch {name} is done.").format(name=name), folder=facts.folder)

    # Requests

    def preview(self, inputs: Sequence[Path], out: Path | None) -> None:
        """Count what a batch would have; ``previewed`` brings it."""
        self._context.workers.start(
            "preview",
            partial(work.preview, tuple(inputs), out),
            succeeded=self.previewed.emit,
            failed=lambda failure: self.previewed.emit(BatchPreview(problem=failure.sentence)),
        )

    def submit(self, order: BatchOrder) -> None:
        """Start a batch, or continue one with more photographs."""
        self._run(order.out, partial(work.start_batch, order))

    def resume(self, folder: Path, *, retry_failed: bool = False) -> None:
        """Continue a batch, with the photographs that failed or without."""
        device = self._context.state.device
        self._run(folder, lambda monitor: work.resume_batch(folder, device, retry_failed, monitor))

    def _run(self, folder: Path, start: Callable[..., Path]) -> None:
        text = self.tr("The batch {name} is starting...")
        self._context.notify("info", text.format(name=display_path(Path(*folder.parts[-2:]))), until="batch")
        self._context.workers.start(
            f"batch {folder}",
            start,
            succeeded=self._on_started,
            failed=partial(self._on_failed, self.tr("The batch cannot be started.")),
        )

    def _on_started(self, folder: Path) -> None:
        self._context.forget_notices("batch")
        for notice in self._context.state.notices:
            if any(choice.request == "resume batch" and choice.path == folder for choice in notice.choices):
                self._context.dismiss(notice)
        self._remember(folder)
        self.shown.emit()

    def _on_failed(self, sentence: str, failure: Failure) -> None:
        self._context.forget_notices("batch")
        self._context.fail(sentence, failure)
        self._poller.look()

    def ask(self, folder: Path, request: Request) -> None:
        """Let a batch end after the photographs in its hands."""
        self._context.workers.start(
            f"batch {folder}",
            lambda monitor: work.ask_batch(folder, request, monitor),
            succeeded=lambda _none: self._poller.look(),
            failed=partial(self._on_failed, self.tr("The batch could not be reached.")),
        )

    def pause_all(self) -> None:
        """The window closes: batches that run are paused, and offered at the next start.

        Its threads end after that is written; the window is hidden meanwhile, however slow the disk is.
        """
        for facts in self._context.state.batches.known:
            if facts.ends_with_window and facts.word == "running":
                pause = partial(work.ask_batch, facts.folder, "pause")
                self._context.workers.start(f"batch {facts.folder}", pause, completes=True)

    # Results

    def open_photo(self, row: BatchRow) -> None:
        """Show a photograph of the chosen batch, with its result where it has one."""
        state = self._context.state
        item = next((item for item in state.photos if item.path == row.photo), None)
        folder = state.batches.chosen
        if (item is not None and item.status == "done") or not row.has_result or folder is None:
            self._photos.open_or_select(row.photo)
            return
        self._context.workers.start(
            "batch result",
            partial(work.find_result, folder, row),
            succeeded=self._on_result,
            failed=partial(self._on_no_result, row.photo),
        )

    def _on_result(self, taken: TakenBack) -> None:
        self._photos.list_path(taken.path)
        self._exported.take_back(taken)
        self._photos.open_or_select(taken.path)

    def _on_no_result(self, photo: Path, failure: Failure) -> None:
        self._context.fail(self.tr("The result cannot be shown."), failure)
        self._context.look(photo.exists, lambda exists: self._photos.open_or_select(photo) if exists else None)


def name_of(facts: BatchFacts) -> str:
    """What a batch is called: its folder, and the one around it where that is the usual one."""
    folder = facts.folder
    return display_path(Path(*folder.parts[-2:]))
